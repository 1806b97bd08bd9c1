//! Directories that are being made or taken away: a leading dot hides them, and a lock tells who works on them.
//!
//! Owns: making, hiding, showing them, and finding those whose worker was killed. Never does: knowing what is in them.
//! The lock is a flock on the directory itself, which the kernel gives back when its holder dies.

use std::ffi::OsString;
use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};

/// How long somebody needs to clear a directory away that was taken for abandoned.
const PAUSE: Duration = Duration::from_millis(1);

/// A hidden directory that belongs to its holder.
#[derive(Debug)]
pub(crate) struct Hidden {
    path: PathBuf,
    _lock: File,
}

impl Hidden {
    /// Makes the hidden directory that is to become `all/name`, for its owner alone.
    pub(crate) fn make(all: &Path, name: &str) -> io::Result<Self> {
        let path = hidden(all, name);
        loop {
            match DirBuilder::new().mode(0o700).create(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => std::fs::create_dir_all(all)?,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => std::thread::sleep(PAUSE),
                made => made?,
            }
            // Between the two calls it looks abandoned, and somebody may be clearing it away.
            if let Some(lock) = lock(&path)? {
                return Ok(Self { path, _lock: lock });
            }
        }
    }

    /// Takes `all/name` out of sight; `None` when it is gone or somebody else is doing so.
    pub(crate) fn take(all: &Path, name: &str) -> io::Result<Option<Self>> {
        let shown = all.join(name);
        let Some(lock) = lock(&shown)? else { return Ok(None) };
        let path = hidden(all, name);
        std::fs::rename(&shown, &path)?;
        Ok(Some(Self { path, _lock: lock }))
    }

    /// Where it is while it is hidden.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The name that it had or will have.
    pub(crate) fn name(&self) -> String {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        name.strip_prefix('.').unwrap_or(&name).to_owned()
    }

    /// Shows it under its name, whole.
    pub(crate) fn show(self) -> io::Result<()> {
        std::fs::rename(&self.path, self.path.with_file_name(self.name()))
    }
}

/// What is hidden in `all`, worked on or not.
pub(crate) fn names(all: &Path) -> io::Result<Vec<String>> {
    let items = match std::fs::read_dir(all) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        items => items?,
    };
    let name = |item: io::Result<std::fs::DirEntry>| item.map(|item| item.file_name().into_string().ok());
    let names: Vec<Option<String>> = items.map(name).collect::<io::Result<_>>()?;
    Ok(names.into_iter().flatten().filter_map(|name| name.strip_prefix('.').map(str::to_owned)).collect())
}

/// Where `name` is while it is hidden.
pub(crate) fn hidden(all: &Path, name: &str) -> PathBuf {
    let mut hidden = OsString::from(".");
    hidden.push(name);
    all.join(hidden)
}

/// Those whose maker or remover was killed, now held by the caller.
pub(crate) fn abandoned(all: &Path) -> io::Result<Vec<Hidden>> {
    let mut found = Vec::new();
    for name in names(all)? {
        let path = hidden(all, &name);
        if let Some(lock) = lock(&path)? {
            found.push(Hidden { path, _lock: lock });
        }
    }
    Ok(found)
}

/// The lock of a directory that still has this path; `None` when it has gone or somebody holds it.
fn lock(path: &Path) -> io::Result<Option<File>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => break,
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
    }
    let same = match (file.metadata(), std::fs::symlink_metadata(path)) {
        (Ok(ours), Ok(theirs)) => (ours.dev(), ours.ino()) == (theirs.dev(), theirs.ino()),
        _ => false,
    };
    Ok(same.then_some(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_holds_is_abandoned() {
        let dir = tempfile::tempdir().expect("a directory");
        let all = dir.path().join("all");
        let made = Hidden::make(&all, "one").expect("it is made");
        assert!(abandoned(&all).expect("a listing").is_empty(), "its maker is at work");
        assert_eq!(names(&all).expect("a listing"), ["one"]);
        made.show().expect("it is shown");
        assert!(all.join("one").is_dir() && names(&all).expect("a listing").is_empty());
        let taken = Hidden::take(&all, "one").expect("it is taken").expect("nobody else has it");
        assert!(Hidden::take(&all, "one").expect("a look").is_none(), "it is out of sight");
        assert!(!all.join("one").exists() && taken.path().is_dir());
        drop(taken);
        let left = abandoned(&all).expect("a listing");
        assert_eq!(left.iter().map(Hidden::name).collect::<Vec<_>>(), ["one"]);
    }
}
