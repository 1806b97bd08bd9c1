//! Docker's grouped spellings: `image ls`, `container rm`, `buildx build`.
//!
//! Owns: the table of what each of them is called here. The words are replaced before options are read, so help and errors
//! are those of the command itself. Never does: reading options.

use std::ffi::{OsStr, OsString};
use std::fmt::Write;

use crate::failure::Failure;

/// A word of a group, and the words that mean it.
type Member = (&'static str, &'static [&'static str]);

const GROUPS: [(&str, &[Member]); 5] = [
    (
        "container",
        &[
            ("ls", &["ps"]),
            ("list", &["ps"]),
            ("ps", &["ps"]),
            ("inspect", &["inspect", "--type", "container"]),
            ("rm", &["rm"]),
            ("remove", &["rm"]),
            ("run", &["run"]),
            ("create", &["create"]),
            ("start", &["start"]),
            ("stop", &["stop"]),
            ("restart", &["restart"]),
            ("kill", &["kill"]),
            ("wait", &["wait"]),
            ("rename", &["rename"]),
            ("port", &["port"]),
            ("top", &["top"]),
            ("logs", &["logs"]),
            ("exec", &["exec"]),
            ("cp", &["cp"]),
        ],
    ),
    (
        "image",
        &[
            ("ls", &["images"]),
            ("list", &["images"]),
            ("inspect", &["inspect", "--type", "image"]),
            ("rm", &["rmi"]),
            ("remove", &["rmi"]),
            ("build", &["build"]),
            ("history", &["history"]),
            ("import", &["import"]),
            ("load", &["load"]),
            ("pull", &["pull"]),
            ("push", &["push"]),
            ("save", &["save"]),
            ("tag", &["tag"]),
        ],
    ),
    ("builder", &[("build", &["build"]), ("prune", &["prune", "--keep-images"])]),
    ("buildx", &[("build", &["build"]), ("bake", &["bake"]), ("prune", &["prune", "--keep-images"])]),
    ("system", &[("info", &["info"]), ("prune", &["prune"])]),
];

/// Options of every command whose value is the next word.
const VALUED: [&str; 2] = ["--root", "--color"];

/// The command line with a grouped spelling replaced.
///
/// # Errors
/// A group of Docker's that has no such command here.
pub fn spelled_out(mut words: Vec<OsString>) -> Result<Vec<OsString>, Failure> {
    let Some(at) = first_command(&words) else { return Ok(words) };
    let Some((group, members)) = GROUPS.iter().find(|(group, _)| words[at].as_os_str() == *group) else {
        return Ok(words);
    };
    let member = words.get(at + 1).map_or(OsStr::new(""), OsString::as_os_str);
    if let Some((_, meaning)) = members.iter().find(|(name, _)| member == *name) {
        words.splice(at..=at + 1, meaning.iter().map(OsString::from));
    } else if *group != "system" {
        let what = format!("{group} {}", member.to_string_lossy());
        return Err(
            Failure::usage(format!("There is no command `{}`", what.trim())).help(known(group, members))
        );
    }
    Ok(words)
}

/// Where the first word is that is neither an option nor the value of one.
fn first_command(words: &[OsString]) -> Option<usize> {
    let mut at = 1;
    while let Some(word) = words.get(at).and_then(|word| word.to_str()) {
        if !word.starts_with('-') {
            return Some(at);
        }
        at += if VALUED.contains(&word) { 2 } else { 1 };
    }
    None
}

fn known(group: &str, members: &[Member]) -> String {
    let mut text = format!("Commands of `{group}`: ");
    for (at, (name, _)) in members.iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = write!(text, "{}{name}", if at == 0 { "" } else { ", " });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(line: &str) -> Option<String> {
        let words = spelled_out(line.split(' ').map(OsString::from).collect()).ok()?;
        Some(words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn only_the_first_command_is_a_group() {
        for (line, want) in [
            ("buildc --root /r image ls -q", "buildc --root /r images -q"),
            ("buildc --root=/r container inspect x", "buildc --root=/r inspect --type container x"),
            ("buildc run image ls", "buildc run image ls"),
            ("buildc system df", "buildc system df"),
            ("buildc", "buildc"),
        ] {
            assert_eq!(spelled(line).as_deref(), Some(want));
        }
        assert_eq!(spelled("buildc image frob"), None);
    }
}
