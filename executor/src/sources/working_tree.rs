//! The files of a working tree of git on this machine, with those of its submodules: what git knows of it, as it lies there.
//!
//! Owns: which submodules a working tree has, where their files go, and which trees have changes. As in Nix, a submodule is
//! what `.gitmodules` lists as it lies there, and its own working tree is meant; what commit a submodule is at is no change.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use buildc_ir::source::{Facts, Repository};

use super::bring::address;
use super::files::{self, Entry, Kind};
use super::repository::{bring_nested, facts_of, leave_out_ignored, meant, said, submodule_paths};
use super::{Result, SourceError, failed};
use crate::context::git::git;

/// The commit of a repository that has none yet.
const NO_COMMIT: &str = "0000000000000000000000000000000000000000";

/// Copies a working tree to `to`.
pub(super) fn copied(wanted: &Repository, path: &Path, to: &Path, depth: usize) -> Result<Facts> {
    let listed = said(path, &["ls-files", "-z", "--stage"])?;
    let mut entries = files::staged(&listed)?;
    let is_passed_over = is_passed_over(path, &entries)?;
    if wanted.export_ignore {
        let mut asked = git(path, &["check-attr", "-z", "--stdin", "export-ignore"]);
        leave_out_ignored(&mut asked, &mut entries)?;
    }
    files::copy(path, &entries, to)?;
    let names = submodule_names(path)?;
    let mut dirty_trees = if wanted.submodules && !names.is_empty() {
        submodules(wanted, path, &names, to, depth)?
    } else {
        Vec::new()
    };
    let words = ["status", "--porcelain", "-z", "--untracked-files=no", "--ignore-submodules=all"];
    if is_passed_over || !dirty_trees.is_empty() || !said(path, &words)?.is_empty() {
        dirty_trees.push(path.display().to_string());
    }
    let is_counted = wanted.history && dirty_trees.is_empty();
    if let Ok(commit) = meant(path, "HEAD") {
        return Ok(Facts { dirty_trees, ..facts_of(path, &commit, is_counted) });
    }
    Ok(Facts {
        commit: dirty_trees.is_empty().then(|| NO_COMMIT.to_owned()),
        commits: is_counted.then_some(0),
        last_modified: Some(0),
        dirty_trees,
        ..Facts::default()
    })
}

/// Whether there are changes that git is told to pass over, and Nix sees: something else than a directory where a submodule was,
/// or files that a sparse checkout leaves out.
fn is_passed_over(path: &Path, entries: &[Entry]) -> Result<bool> {
    let mut is_missing = false;
    for entry in entries {
        match (path.join(entry.name()).symlink_metadata(), entry.kind) {
            (Ok(metadata), Kind::Submodule) if !metadata.is_dir() => return Ok(true),
            (Err(_), Kind::File { .. } | Kind::Link) => is_missing = true,
            _ => {}
        }
    }
    if !is_missing {
        return Ok(false);
    }
    let tagged = said(path, &["ls-files", "-z", "-t"])?;
    let mut sparse = tagged.split(|byte| *byte == 0).filter_map(|line| line.strip_prefix(b"S "));
    Ok(sparse.any(|name| path.join(OsStr::from_bytes(name)).symlink_metadata().is_err()))
}

/// The paths that `.gitmodules` lists, in the order of the names there, as Nix has them.
fn submodule_names(path: &Path) -> Result<Vec<String>> {
    let listed = path.join(".gitmodules");
    if !listed.exists() {
        return Ok(Vec::new());
    }
    let mut listed = submodule_paths(path, &listed)?;
    listed.sort_by_cached_key(|(name, _)| format!("{name}.path"));
    listed.dedup_by(|later, first| later.0 == first.0);
    Ok(listed.into_iter().map(|(_, path)| path).collect())
}

/// Brings the submodules of a working tree to where they belong in `to`, and gives those that have changes.
fn submodules(
    wanted: &Repository,
    path: &Path,
    names: &[String],
    to: &Path,
    depth: usize,
) -> Result<Vec<String>> {
    let near =
        tempfile::tempdir_in(to.parent().unwrap_or(to)).map_err(failed("creating a directory in", to))?;
    let (mut dirty_trees, mut found) = (Vec::new(), Vec::new());
    for (at, name) in names.iter().enumerate() {
        let name = below(name)?;
        let above = name.ancestors().skip(1).filter(|above| !above.as_os_str().is_empty());
        if let Some(link) = above.map(|above| path.join(above)).find(|above| above.is_symlink()) {
            return Err(SourceError::Git(format!("path '/{}' is a symlink", link.display())));
        }
        if path.join(&name).is_symlink() {
            // It stays one. What it leads to, perhaps this tree itself, is not looked at.
            continue;
        }
        let dir = near.path().join(at.to_string());
        fs::create_dir(&dir).map_err(failed("creating", &dir))?;
        let nested = Repository { url: address(&path.join(&name)), history: false, ..wanted.clone() };
        let brought = bring_nested(&nested, &dir, depth + 1)?;
        dirty_trees.extend(brought.facts.dirty_trees);
        found.push((name, brought.path));
    }
    // One that is in another comes after it.
    found.sort_by_key(|(name, _)| name.components().count());
    for (at, (name, brought)) in found.iter().enumerate() {
        let is_within = found[..at].iter().any(|(outer, _)| name != outer && name.starts_with(outer));
        place(brought, to, name, is_within)?;
    }
    Ok(dirty_trees)
}

/// A path of a submodule, which never leads out of its parent.
fn below(written: &str) -> Result<PathBuf> {
    let mut path = PathBuf::new();
    for part in Path::new(written).components() {
        match part {
            Component::Normal(part) => path.push(part),
            Component::ParentDir => drop(path.pop()),
            _ => {}
        }
    }
    if path.as_os_str().is_empty() || path.iter().any(|part| part == ".git") {
        return Err(SourceError::Git(format!("the path '{written}' of a submodule is refused")));
    }
    Ok(path)
}

/// Moves a submodule's files to where they belong, in the place of what is there; what is within another submodule is only seen
/// where that has something. Nothing is written through a link.
fn place(brought: &Path, to: &Path, name: &Path, is_within: bool) -> Result<()> {
    let mut path = to.to_owned();
    for part in name.parent().unwrap_or(name) {
        path.push(part);
        match path.symlink_metadata() {
            Ok(metadata) if metadata.is_dir() => {}
            Err(_) if !is_within => fs::create_dir(&path).map_err(failed("creating", &path))?,
            _ => return Ok(()),
        }
    }
    let path = to.join(name);
    match path.symlink_metadata() {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(&path).map_err(failed("removing", &path))?,
        Ok(_) => fs::remove_file(&path).map_err(failed("removing", &path))?,
        Err(_) if is_within => return Ok(()),
        Err(_) => {}
    }
    fs::rename(brought, &path).map_err(failed("moving", &path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_submodules_stay_below_their_parent() {
        for (written, expected) in [("a/b", "a/b"), ("../a", "a"), ("/a//b/../c/", "a/c"), ("./a", "a")] {
            assert_eq!(below(written).ok().as_deref(), Some(Path::new(expected)), "{written}");
        }
        for refused in ["", ".", "..", "a/..", ".git/modules/a", "a/.git"] {
            assert!(below(refused).is_err(), "{refused}");
        }
    }
}
