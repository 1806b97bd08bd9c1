//! Locks between processes: flock on small files, which the kernel releases when the holder dies.
//!
//! Owns: the protocol by which lock files are made, taken and removed without a race.
//! Never does: deciding what a lock protects.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use buildc_digest::Key;
use rustix::fs::{FlockOperation, flock};

use crate::Store;
use crate::error::{Result, StoreError};

/// The longest pause between two attempts at a lock that another process holds.
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

/// A locked file that is removed again when dropped.
#[derive(Debug)]
pub(crate) struct LockFile {
    path: PathBuf,
    file: File,
}

impl LockFile {
    /// Takes the lock if nobody holds it.
    pub fn try_take(path: &Path) -> Result<Option<Self>> {
        loop {
            let file = open_lock(path).map_err(StoreError::io("open the lock", path))?;
            if !try_flock(&file).map_err(StoreError::io("lock", path))? {
                return Ok(None);
            }
            // Between open and flock the last holder may have removed the file: then this lock is worth nothing.
            if is_current(&file, path) {
                return Ok(Some(Self { path: path.to_owned(), file }));
            }
        }
    }

    /// Waits for the lock; `None` when `cancelled` says so.
    pub fn take(path: &Path, cancelled: &dyn Fn() -> bool) -> Result<Option<Self>> {
        let mut pause = Duration::from_micros(500);
        loop {
            if let Some(lock) = Self::try_take(path)? {
                return Ok(Some(lock));
            }
            if cancelled() {
                return Ok(None);
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// The locked file, to write in.
    pub fn file(&self) -> &File {
        &self.file
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        // Removed while still locked, so that nobody can have taken this very file. A file that stays behind is
        // harmless and is removed by the next sweep.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Whether a live process holds the lock at `path`; a dead one's file is removed.
pub(crate) fn is_held(path: &Path) -> Result<bool> {
    let file = match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(e) => return Err(StoreError::io("open the lock", path)(e)),
    };
    if !try_flock(&file).map_err(StoreError::io("lock", path))? {
        return Ok(true);
    }
    if is_current(&file, path) {
        let _ = std::fs::remove_file(path);
    }
    Ok(false)
}

fn open_lock(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

fn try_flock(file: &File) -> io::Result<bool> {
    loop {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(true),
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Ok(false),
            Err(e) => return Err(e.into()),
        }
    }
}

fn is_current(file: &File, path: &Path) -> bool {
    match (file.metadata(), std::fs::symlink_metadata(path)) {
        (Ok(ours), Ok(theirs)) => ours.ino() == theirs.ino() && ours.dev() == theirs.dev(),
        _ => false,
    }
}

/// Holds one key against every other process and thread until dropped.
#[derive(Debug)]
pub struct KeyLock {
    _lock: LockFile,
}

impl Store {
    /// Takes the cross-process lock of a key, so that equal steps run once. Waits, asking `cancelled` at least every
    /// 20 ms; `None` when it said yes.
    pub fn lock_key(&self, key: &Key, cancelled: &dyn Fn() -> bool) -> Result<Option<KeyLock>> {
        let path = self.layout().locks().join(key.hex());
        Ok(LockFile::take(&path, cancelled)?.map(|lock| KeyLock { _lock: lock }))
    }
}
