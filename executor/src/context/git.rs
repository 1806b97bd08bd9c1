//! Calls of the git program: which commit a ref is, and a checkout of it. A checkout has no history: only the commit that
//! was asked for is fetched, where the server allows that.

use std::path::Path;
use std::process::{Command, Stdio};

use buildc_ir::git::{GitRemote, is_commit};

use super::ContextError;

/// The commit that a ref of a repository is now; the default branch where it is empty. A branch goes before a tag of the
/// same name, as `git checkout` has it.
///
/// # Errors
/// When git is not installed, the repository cannot be asked, or has no such ref.
pub fn commit_of(remote: &GitRemote) -> Result<String, ContextError> {
    if is_commit(&remote.reference) {
        return Ok(remote.reference.clone());
    }
    refuse_options(remote)?;
    let name = if remote.reference.is_empty() { "HEAD" } else { remote.reference.as_str() };
    let here = std::env::temp_dir();
    let listed = run(remote, &here, &["ls-remote", "--", &remote.url, name, &format!("{name}^{{}}")])?;
    let lines: Vec<(&str, &str)> = listed.lines().filter_map(|line| line.split_once('\t')).collect();
    let meant = [
        // What an annotated tag points to goes before the tag.
        format!("{name}^{{}}"),
        name.to_owned(),
        format!("refs/heads/{name}"),
        format!("refs/tags/{name}^{{}}"),
        format!("refs/tags/{name}"),
        format!("refs/{name}"),
    ];
    meant
        .iter()
        .find_map(|meant| lines.iter().find(|(_, listed)| listed == meant))
        .map(|(commit, _)| (*commit).to_owned())
        .filter(|commit| is_commit(commit))
        .ok_or_else(|| failed(remote, format!("it has no ref `{name}`")))
}

fn refuse_options(remote: &GitRemote) -> Result<(), ContextError> {
    // A ref that looks like an option would be one.
    if remote.reference.starts_with('-') || remote.url.starts_with('-') {
        return Err(failed(remote, "a name must not begin with `-`".to_owned()));
    }
    Ok(())
}

/// Checks a repository out into an empty directory.
pub(crate) fn check_out(remote: &GitRemote, dir: &Path) -> Result<(), ContextError> {
    refuse_options(remote)?;
    let wanted = if remote.reference.is_empty() { "HEAD" } else { &remote.reference };
    run(remote, dir, &["init", "--quiet"])?;
    run(remote, dir, &["remote", "add", "origin", &remote.url])?;
    let shallow = run(remote, dir, &["fetch", "--quiet", "--depth", "1", "origin", wanted]);
    let commit = match shallow {
        Ok(_) => "FETCH_HEAD",
        // A server may refuse to give a commit by its name alone, and does not know a shortened one.
        Err(error) if is_commit_or_its_beginning(wanted) => {
            let everything = "+refs/*:refs/remotes/origin/*";
            run(remote, dir, &["fetch", "--quiet", "--tags", "origin", everything]).map_err(|_| error)?;
            wanted
        }
        Err(error) => return Err(error),
    };
    run(remote, dir, &["checkout", "--quiet", "--detach", commit])?;
    let head = run(remote, dir, &["rev-parse", "HEAD"])?;
    if let Some(expected) = remote.commit.as_deref().filter(|c| !head.trim().starts_with(*c)) {
        return Err(failed(remote, format!("`{wanted}` is commit {}, not {expected}", head.trim())));
    }
    if remote.submodules {
        let words = ["submodule", "update", "--quiet", "--init", "--recursive", "--depth", "1"];
        run(remote, dir, &words)?;
    }
    if !remote.keep_git_dir {
        std::fs::remove_dir_all(dir.join(".git")).map_err(|e| failed(remote, e.to_string()))?;
    }
    Ok(())
}

fn is_commit_or_its_beginning(text: &str) -> bool {
    (4..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn failed(remote: &GitRemote, problem: String) -> ContextError {
    ContextError::Incoming { what: remote.url.clone(), problem }
}

fn run(remote: &GitRemote, dir: &Path, words: &[&str]) -> Result<String, ContextError> {
    let mut command = Command::new("git");
    command.arg("-C").arg(dir).args(["-c", "advice.detachedHead=false"]).args(words);
    // Nobody is there to type a password, and the caller's repository is not this one.
    command.env("GIT_TERMINAL_PROMPT", "0").env_remove("GIT_DIR").env_remove("GIT_WORK_TREE");
    // A hook of git's has these; a checkout would write the index of the repository that is being committed to.
    command.env_remove("GIT_INDEX_FILE").env_remove("GIT_OBJECT_DIRECTORY").env_remove("GIT_COMMON_DIR");
    let output = command.stdin(Stdio::null()).output().map_err(|e| failed(remote, format!("git: {e}")))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().rfind(|l| !l.trim().is_empty()).unwrap_or("it says nothing");
    Err(failed(remote, format!("git {}: {}", words.first().unwrap_or(&""), last.trim())))
}
