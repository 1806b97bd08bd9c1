//! Sources that build files ask for while they are evaluated: brought once, kept by name in `sources` beside the store.
//!
//! Owns: the directory, its records and its lock. Never does: deciding names or checking hashes; who evaluates does both.
//!
//! What is kept never changes. A source that is the same whenever it is asked for has a record too, so that it is not
//! brought again. A process that uses anything here holds the lock shared, and prune takes it alone.

pub(crate) mod bring;
mod files;
mod repository;
mod tree;
mod working_tree;

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::SystemTime;

use buildc_digest::Digest;
use buildc_ir::source::{Facts, Source};
use rustix::fs::{FlockOperation, flock};
use tempfile::TempDir;

/// The directory's name beside the store.
const DIRECTORY: &str = "sources";
/// The lock in it.
const LOCK: &str = ".lock";
/// Where records are.
const RECORDS: &str = ".records";
/// How what is not kept yet is called.
const UNFINISHED: &str = ".new-";

/// Why a source is not here, in the words that the build language has for it.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The file at a URL cannot be had.
    #[error("unable to download '{url}': {reason}")]
    Download {
        /// Where.
        url: String,
        /// Why.
        reason: String,
    },
    /// What came is no archive, or a damaged one.
    #[error("Failed to open archive ({0})")]
    Archive(String),
    /// There is no such thing on this machine.
    #[error("{what} \"{}\" does not exist.", path.display())]
    Missing {
        /// `tarball` or `Git repository`.
        what: &'static str,
        /// Where.
        path: PathBuf,
    },
    /// Git fails, in its words.
    #[error("{0}")]
    Git(String),
    /// A file of a kind that sources have not.
    #[error("{0}")]
    Unsupported(String),
    /// The disk fails.
    #[error("{what} \"{}\": {source}", path.display())]
    Io {
        /// What was done.
        what: &'static str,
        /// To what.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The directory beside the store cannot be made.
    #[error(transparent)]
    Store(#[from] buildc_store::StoreError),
}

type Result<T> = std::result::Result<T, SourceError>;

fn failed(what: &'static str, path: &Path) -> impl Fn(io::Error) -> SourceError {
    let path = path.to_owned();
    move |source| SourceError::Io { what, path: path.clone(), source }
}

/// A source that lies somewhere until it is kept.
#[derive(Debug)]
pub struct Brought {
    /// The file or directory.
    pub path: PathBuf,
    /// What is known of it.
    pub facts: Facts,
}

/// The sources beside a store.
#[derive(Debug)]
pub struct Sources {
    dir: PathBuf,
    lock: OnceLock<File>,
    /// Removes what was brought and not kept.
    unfinished: Mutex<Vec<TempDir>>,
    /// What this process has brought, by [`key`].
    known: Mutex<HashMap<String, Facts>>,
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a source is remembered by.
fn key(source: &Source) -> String {
    // A source is plain data: it always becomes JSON.
    Digest::of(serde_json::to_string(source).unwrap_or_default().as_bytes()).hex().to_string()
}

impl Sources {
    /// Those beside the store in `root`; nothing is looked at or made yet.
    pub fn new(root: &Path) -> Self {
        Self {
            dir: root.join(DIRECTORY),
            lock: OnceLock::new(),
            unfinished: Mutex::default(),
            known: Mutex::default(),
        }
    }

    /// Where everything lies.
    pub fn directory(&self) -> &Path {
        &self.dir
    }

    /// Where what is called `name` lies, if it is kept here.
    pub fn find(&self, name: &OsStr) -> Option<PathBuf> {
        if name.as_encoded_bytes().starts_with(b".") {
            return None;
        }
        let path = self.dir.join(name);
        path.symlink_metadata().ok()?;
        if self.lock.get().is_none() {
            // Without the lock it could go at any time; then it is not here.
            self.hold().ok()?;
            path.symlink_metadata().ok()?;
        }
        Some(path)
    }

    /// What is known of a source that this process has brought, or that is recorded.
    pub fn recall(&self, source: &Source) -> Option<Facts> {
        let key = key(source);
        if let Some(facts) = held(&self.known).get(&key) {
            return Some(facts.clone());
        }
        if !source.is_pinned() {
            return None;
        }
        // A damaged record is none.
        let text = fs::read(self.dir.join(RECORDS).join(&key)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Brings a source.
    ///
    /// # Errors
    /// [`SourceError`] as its variants say.
    pub fn bring(&self, source: &Source) -> Result<Brought> {
        self.hold()?;
        let dir = tempfile::Builder::new()
            .prefix(UNFINISHED)
            .tempdir_in(&self.dir)
            .map_err(failed("creating a directory in", &self.dir))?;
        let brought = match source {
            Source::File { url, sha256 } => bring::file(url, sha256.as_ref(), dir.path()),
            Source::Archive { url, sha256 } => bring::archive(url, sha256.as_ref(), dir.path()),
            Source::Repository(repository) => repository::bring(repository, dir.path()),
            Source::Directory { path } => tree::copy(Path::new(path), dir.path()),
        }?;
        if !matches!(source, Source::Archive { .. }) {
            tree::settle(&brought.path)?;
        }
        held(&self.unfinished).push(dir);
        Ok(brought)
    }

    /// Keeps what was brought under a name. What is kept under it already stays: names are made from content.
    ///
    /// # Errors
    /// When it cannot be moved or recorded.
    pub fn keep(&self, source: &Source, from: &Path, name: &OsStr, facts: &Facts) -> Result<()> {
        let to = self.dir.join(name);
        let moved = if to.symlink_metadata().is_ok() { Ok(()) } else { fs::rename(from, &to) };
        match moved {
            // Another process was faster.
            Err(_) if to.symlink_metadata().is_ok() => {}
            other => other.map_err(failed("keeping", &to))?,
        }
        // Prune goes by this time; a file that may not be written stays as old as it is.
        let _ = File::open(&to).and_then(|file| file.set_modified(SystemTime::now()));
        let key = key(source);
        if source.is_pinned() {
            self.record(&key, facts)?;
        }
        held(&self.known).insert(key, facts.clone());
        Ok(())
    }

    fn record(&self, key: &str, facts: &Facts) -> Result<()> {
        let dir = self.dir.join(RECORDS);
        fs::create_dir_all(&dir).map_err(failed("creating", &dir))?;
        let (path, text) = (dir.join(key), serde_json::to_vec(facts).unwrap_or_default());
        let written = tempfile::NamedTempFile::new_in(&dir).and_then(|file| {
            fs::write(file.path(), &text)?;
            file.persist(&path).map_err(|error| error.error)
        });
        written.map(drop).map_err(failed("writing", &path))
    }

    /// Removes what others have begun and not kept. What cannot be removed is left to prune.
    fn sweep(&self) {
        for entry in fs::read_dir(&self.dir).into_iter().flatten().flatten() {
            if entry.file_name().as_encoded_bytes().starts_with(UNFINISHED.as_bytes()) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }

    /// Takes the lock, making the directory where there is none.
    fn hold(&self) -> Result<()> {
        if self.lock.get().is_some() {
            return Ok(());
        }
        if let Some(root) = self.dir.parent() {
            buildc_store::make_private(root)?;
        }
        buildc_store::make_private(&self.dir)?;
        let path = self.dir.join(LOCK);
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(failed("opening", &path))?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
            // Nobody else is here, so that what is unfinished was left by who was killed.
            self.sweep();
        }
        flock(&file, FlockOperation::LockShared).map_err(|error| failed("locking", &path)(error.into()))?;
        // The other thread's lock is as good.
        let _ = self.lock.set(file);
        Ok(())
    }
}
