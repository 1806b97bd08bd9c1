//! The files of a git repository: of a commit, or, by [`super::working_tree`], of a working tree on this machine.
//!
//! Owns: which commit and files are meant. What git would do to files on the way into a working tree is not done: they are
//! as the repository has them.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use buildc_ir::source::{Facts, Repository};

use super::bring::local;
use super::files::{self, Entry, Kind};
use super::{Brought, Result, SourceError, failed, working_tree};
use crate::context::git::git;

/// Submodules within each other.
const DEEPEST: usize = 16;

/// Brings the files of a repository into `dir`.
pub(super) fn bring(wanted: &Repository, dir: &Path) -> Result<Brought> {
    bring_nested(wanted, dir, 0)
}

/// Brings a repository that is so deep in others.
pub(super) fn bring_nested(wanted: &Repository, dir: &Path, depth: usize) -> Result<Brought> {
    if depth > DEEPEST {
        return Err(SourceError::Git("submodules are nested too deeply".to_owned()));
    }
    let tree = dir.join("tree");
    fs::create_dir(&tree).map_err(failed("creating", &tree))?;
    let near = local(&wanted.url);
    if let Some(path) = near.clone().filter(|path| !path.exists()) {
        return Err(SourceError::Missing { what: "Git repository", path });
    }
    let near = near.filter(|path| is_repository(path));
    let facts = match (&near, &wanted.reference, &wanted.commit) {
        (Some(path), None, None) if path.join(".git").exists() => {
            working_tree::copied(wanted, path, &tree, depth)?
        }
        (Some(path), ..) => {
            let commit = match (&wanted.commit, &wanted.reference) {
                (Some(commit), _) => commit.clone(),
                (None, reference) => meant(path, reference.as_deref().unwrap_or("HEAD"))?,
            };
            let is_there = succeeds(path, &["cat-file", "-e", &format!("{commit}^{{commit}}")]);
            if !is_there {
                return Err(SourceError::Git(format!(
                    "getting Git object '{commit}': object not found - no match for id ({commit}) (libgit2 error code = 9)"
                )));
            }
            checked_out(wanted, path, &commit, &tree, depth)?
        }
        (None, ..) => {
            let (clone, commit) = fetched(wanted, dir)?;
            checked_out(wanted, &clone, &commit, &tree, depth)?
        }
    };
    Ok(Brought { path: tree, facts })
}

/// Writes the files of a commit to `tree`.
fn checked_out(
    wanted: &Repository,
    repository: &Path,
    commit: &str,
    tree: &Path,
    depth: usize,
) -> Result<Facts> {
    let listed = said(repository, &["ls-tree", "-r", "-z", "--full-tree", commit])?;
    let mut entries = files::listed(&listed)?;
    if wanted.export_ignore {
        let index = tree.with_extension("index");
        let mut read = git(repository, &["read-tree", commit]);
        run(read.env("GIT_INDEX_FILE", &index))?;
        let mut asked = git(repository, &["check-attr", "--cached", "-z", "--stdin", "export-ignore"]);
        leave_out_ignored(asked.env("GIT_INDEX_FILE", &index), &mut entries)?;
    }
    if !wanted.export_ignore && !wanted.submodules {
        // So has it Nix, though not where attributes count.
        entries.retain(|entry| entry.kind != Kind::Submodule);
    }
    files::write(repository, &entries, tree)?;
    if wanted.submodules {
        submodules(wanted, repository, &entries, tree, depth)?;
    }
    Ok(facts_of(repository, commit, wanted.history))
}

/// Whether a directory is a repository itself, not merely within one.
fn is_repository(path: &Path) -> bool {
    let found = said(path, &["rev-parse", "--git-dir"]);
    found.is_ok_and(|found| path.join(".git").exists() || found == b".\n")
}

/// What is known of a commit; how many there are up to it only where they are counted.
pub(super) fn facts_of(repository: &Path, commit: &str, counted: bool) -> Facts {
    Facts {
        commit: Some(commit.to_owned()),
        commits: if counted { number(repository, &["rev-list", "--count", commit]) } else { None },
        last_modified: number(repository, &["log", "-1", "--no-show-signature", "--format=%ct", commit]),
        ..Facts::default()
    }
}

/// Brings what the submodules of a commit are at.
fn submodules(
    wanted: &Repository,
    repository: &Path,
    entries: &[Entry],
    tree: &Path,
    depth: usize,
) -> Result<()> {
    for entry in entries.iter().filter(|entry| entry.kind == Kind::Submodule) {
        let url = submodule_url(repository, &wanted.url, tree, entry)?;
        let nested = Repository {
            url,
            commit: Some(entry.object.clone()),
            reference: None,
            history: false,
            ..wanted.clone()
        };
        let near = tempfile::tempdir_in(tree.parent().unwrap_or(tree))
            .map_err(failed("creating a directory in", tree))?;
        let brought = bring_nested(&nested, near.path(), depth + 1)?;
        let to = tree.join(entry.name());
        // The empty directory that stands for a submodule gives way.
        fs::rename(&brought.path, &to).map_err(failed("moving", &to))?;
    }
    Ok(())
}

/// Where a submodule comes from, as `.gitmodules` says; relative to its parent's address where it begins with a dot.
fn submodule_url(repository: &Path, parent: &str, tree: &Path, entry: &Entry) -> Result<String> {
    let file = tree.join(".gitmodules");
    let shown = entry.name().display().to_string();
    let missing = || SourceError::Git(format!("submodule '{shown}' has no address in .gitmodules"));
    if !file.symlink_metadata().is_ok_and(|metadata| metadata.is_file()) {
        return Err(missing());
    }
    let listed = submodule_paths(repository, &file)?;
    let name = listed.iter().find(|(_, path)| path.trim_end_matches('/') == shown);
    let key = format!("{}.url", name.ok_or_else(missing)?.0);
    let url = said(repository, &["config", "-f", &file.to_string_lossy(), "--get", &key])?;
    let url = String::from_utf8_lossy(&url).trim_end().to_owned();
    let url = if url.starts_with("./") || url.starts_with("../") { relative(parent, &url) } else { url };
    if is_near(&url) && !is_near(parent) {
        // As git itself: who writes a repository elsewhere has no say about what of this machine is read.
        let text = format!("submodule '{shown}' of '{parent}' has an address on this machine: {url}");
        return Err(SourceError::Git(text));
    }
    Ok(url)
}

/// The paths of submodules that a `.gitmodules` lists, each with its name there, `submodule.NAME`.
pub(super) fn submodule_paths(repository: &Path, file: &Path) -> Result<Vec<(String, String)>> {
    let listed = said(repository, &["config", "-z", "--list", "-f", &file.to_string_lossy()])?;
    let path_of = |line| {
        let (key, path) = std::str::from_utf8(line).ok()?.split_once('\n')?;
        let name = key.strip_suffix(".path").filter(|name| name.starts_with("submodule."))?;
        Some((name.to_owned(), path.to_owned()))
    };
    Ok(listed.split(|byte| *byte == 0).filter_map(path_of).collect())
}

/// Whether an address is on this machine.
fn is_near(url: &str) -> bool {
    url.starts_with("file:")
        || !url.contains("://") && !url.split('/').next().is_some_and(|first| first.contains(':'))
}

/// An address as seen from another, as `git submodule` has it.
fn relative(parent: &str, mut url: &str) -> String {
    let mut base = parent.trim_end_matches('/');
    loop {
        if let Some(rest) = url.strip_prefix("../") {
            base = base.rfind(['/', ':']).map_or("", |at| &base[..at]);
            url = rest;
        } else if let Some(rest) = url.strip_prefix("./") {
            url = rest;
        } else {
            return format!("{base}/{url}");
        }
    }
}

/// Fetches what is wanted of a repository elsewhere into a bare one below `dir`.
fn fetched(wanted: &Repository, dir: &Path) -> Result<(PathBuf, String)> {
    let refused = || SourceError::Git(format!("Failed to fetch git repository '{}'", wanted.url));
    let name = wanted.commit.as_deref().or(wanted.reference.as_deref()).unwrap_or("HEAD");
    if name.starts_with('-') {
        return Err(refused());
    }
    let clone = dir.join("git");
    fs::create_dir(&clone).map_err(failed("creating", &clone))?;
    run(&mut git(&clone, &["init", "--quiet", "--bare"]))?;
    let fetch = |depth: &[&str], what: &str, told: Stdio| -> Result<bool> {
        let words = [&["fetch", "--quiet"], depth, &["--", &wanted.url, what]].concat();
        let status = git(&clone, &words).stderr(told).status();
        Ok(status.map_err(|error| SourceError::Git(format!("git: {error}")))?.success())
    };
    let depth: &[&str] = if wanted.history { &[] } else { &["--depth", "1"] };
    let Some(commit) = &wanted.commit else {
        // Git says itself what is wrong.
        if !fetch(depth, name, Stdio::inherit())? {
            return Err(refused());
        }
        return Ok((clone.clone(), meant(&clone, "FETCH_HEAD")?));
    };
    // A server may refuse to give a commit by its name alone.
    if fetch(depth, commit, Stdio::null())? || fetch(&[], "+refs/*:refs/*", Stdio::inherit())? {
        return Ok((clone, commit.clone()));
    }
    Err(refused())
}

/// The commit that a ref of a repository on this machine is.
pub(super) fn meant(repository: &Path, reference: &str) -> Result<String> {
    let commit = format!("{reference}^{{commit}}");
    let words = ["rev-parse", "--verify", "--quiet", "--end-of-options", &commit];
    let found = git(repository, &words).output().map_err(|e| SourceError::Git(format!("git: {e}")))?;
    let text = String::from_utf8_lossy(&found.stdout).trim().to_owned();
    if found.status.success() && !text.is_empty() {
        return Ok(text);
    }
    Err(SourceError::Git(format!(
        "resolving Git reference '{reference}': revspec '{reference}' not found (libgit2 error code = 4)"
    )))
}

/// Leaves out the entries that have, or that stand below what has, the attribute that is asked for.
pub(super) fn leave_out_ignored(asked: &mut std::process::Command, entries: &mut Vec<Entry>) -> Result<()> {
    let ignored = ignored(asked, entries)?;
    entries.retain(|entry| !is_below(&ignored, &entry.path));
    Ok(())
}

/// Which of the entries and of the directories above them have the attribute that is asked for.
fn ignored(asked: &mut std::process::Command, entries: &[Entry]) -> Result<BTreeSet<Vec<u8>>> {
    let mut names = BTreeSet::new();
    for entry in entries {
        let ends = entry.path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        names.extend(ends.chain([entry.path.len()]).map(|end| entry.path[..end].to_vec()));
    }
    let input = names.iter().flat_map(|name| [name.as_slice(), b"\0"]).collect::<Vec<_>>().concat();
    let output = fed(asked, input)?;
    // Path, attribute and value, each with its NUL.
    let words: Vec<&[u8]> = output.split(|byte| *byte == 0).collect();
    let set = words.chunks_exact(3).filter(|words| words[2] == b"set");
    Ok(set.map(|words| words[0].to_vec()).collect())
}

/// Whether a path or a directory above it is in a set.
fn is_below(set: &BTreeSet<Vec<u8>>, path: &[u8]) -> bool {
    let mut ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
    set.contains(path) || ends.any(|end| set.contains(&path[..end]))
}

/// Runs git with an input, and gives what it prints.
pub(super) fn fed(command: &mut std::process::Command, input: Vec<u8>) -> Result<Vec<u8>> {
    let wrong = |error: io::Error| SourceError::Git(format!("git: {error}"));
    let mut child = command.stdin(Stdio::piped()).spawn().map_err(wrong)?;
    let mut pipe = child.stdin.take();
    let output = std::thread::scope(|scope| {
        scope.spawn(move || {
            // It need not read all of it, and says itself why not.
            let _ = pipe.take().map(|mut pipe| pipe.write_all(&input));
        });
        child.wait_with_output()
    });
    finished(output.map_err(wrong)?)
}

fn finished(output: std::process::Output) -> Result<Vec<u8>> {
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(SourceError::Git(format!("git: {}", said.trim())))
}

fn run(command: &mut std::process::Command) -> Result<Vec<u8>> {
    finished(command.output().map_err(|error| SourceError::Git(format!("git: {error}")))?)
}

pub(super) fn said(repository: &Path, words: &[&str]) -> Result<Vec<u8>> {
    // Looking at a repository does not write to it.
    run(git(repository, words).env("GIT_OPTIONAL_LOCKS", "0"))
}

fn succeeds(repository: &Path, words: &[&str]) -> bool {
    git(repository, words).output().is_ok_and(|output| output.status.success())
}

fn number(repository: &Path, words: &[&str]) -> Option<u64> {
    String::from_utf8_lossy(&said(repository, words).ok()?).trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_on_this_machine_are_known() {
        for near in ["file:///srv/x", "/srv/x", "x/y", "../x"] {
            assert!(is_near(near), "{near}");
        }
        for far in ["https://forge.example/x", "git@forge.example:x", "ssh://forge.example/x"] {
            assert!(!is_near(far), "{far}");
        }
    }

    #[test]
    fn addresses_of_submodules_are_seen_from_their_parents() {
        assert_eq!(
            relative("https://forge.example/team/app.git", "../lib.git"),
            "https://forge.example/team/lib.git"
        );
        assert_eq!(relative("git@forge.example:team/app", "../lib"), "git@forge.example:team/lib");
        assert_eq!(relative("/srv/app/", "./lib"), "/srv/app/lib");
    }
}
