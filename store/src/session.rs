//! Unfinished work: `tmp/NAME`, one directory per process, kept alive by a flock on `tmp/NAME.lock`.
//!
//! Owns: making such directories, and removing those whose process died. Never does: anything outside `tmp`.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::Store;
use crate::error::{Result, StoreError};
use crate::lease::Lease;
use crate::lock::{LockFile, is_held};

/// This process's place for unfinished work that a prune must not take apart.
#[derive(Debug)]
pub(crate) struct Session {
    place: Workplace,
    /// What was sealed but is not recorded anywhere yet must survive a prune too.
    _lease: Lease,
}

impl Session {
    /// Makes the directory and sweeps away what dead processes left.
    pub fn begin(store: &Store) -> Result<Self> {
        let place = Workplace::begin(store)?;
        store.keep_reserve();
        Ok(Self { place, _lease: store.lease()? })
    }

    /// A path in the session that nobody else uses; nothing is made there.
    pub fn fresh_path(&self) -> PathBuf {
        self.place.fresh_path()
    }
}

/// A directory in `tmp` that lives as long as this does.
#[derive(Debug)]
pub(crate) struct Workplace {
    dir: PathBuf,
    counter: AtomicU64,
    _lock: LockFile,
}

impl Workplace {
    /// Makes the directory and sweeps away what dead processes left.
    pub fn begin(store: &Store) -> Result<Self> {
        let tmp = store.layout().tmp();
        sweep(&tmp)?;
        let mut attempt = 0;
        loop {
            let name = format!("{}-{attempt}", std::process::id());
            let dir = tmp.join(&name);
            attempt += 1;
            let Some(lock) = LockFile::try_take(&tmp.join(format!("{name}.lock")))? else { continue };
            if dir.exists() {
                remove_tree(&dir)?;
            }
            std::fs::create_dir(&dir).map_err(StoreError::io("create", &dir))?;
            return Ok(Self { dir, counter: AtomicU64::new(0), _lock: lock });
        }
    }

    /// A path in it that nobody else uses; nothing is made there.
    pub fn fresh_path(&self) -> PathBuf {
        self.dir.join(self.counter.fetch_add(1, Ordering::Relaxed).to_string())
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        // Whatever cannot be removed now is swept when the next process starts writing.
        let _ = remove_tree(&self.dir);
    }
}

/// Removes the directories of dead processes; gives how many there were.
pub(crate) fn sweep(tmp: &Path) -> Result<u64> {
    let mut removed = 0;
    for item in std::fs::read_dir(tmp).map_err(StoreError::io("read", tmp))? {
        let path = item.map_err(StoreError::io("read", tmp))?.path();
        if path.extension().is_some_and(|e| e == "lock") {
            // A lock without a directory: its owner is about to make one, or died before it could.
            if !path.with_extension("").exists() {
                is_held(&path)?;
            }
            continue;
        }
        let lock = path.with_extension("lock");
        if let Some(held) = LockFile::try_take(&lock)? {
            remove_tree(&path)?;
            drop(held);
            removed += 1;
        }
    }
    Ok(removed)
}

/// Removes a directory tree, also one whose directories forbid it by their mode. Missing is fine.
pub(crate) fn remove_tree(path: &Path) -> Result<()> {
    match std::fs::remove_dir_all(path) {
        Ok(()) => return Ok(()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) if e.kind() == std::io::ErrorKind::NotADirectory => {
            return std::fs::remove_file(path).map_err(StoreError::io("remove", path));
        }
        Err(_) => {}
    }
    open_up(path);
    std::fs::remove_dir_all(path).map_err(StoreError::io("remove", path))
}

/// Gives the owner all rights on every directory of a tree. What fails will show when it cannot be removed.
fn open_up(root: &Path) {
    let mut pending = vec![root.to_owned()];
    while let Some(dir) = pending.pop() {
        let _ = std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o700));
        let Ok(items) = std::fs::read_dir(&dir) else { continue };
        for item in items.flatten() {
            if item.file_type().is_ok_and(|t| t.is_dir()) {
                pending.push(item.path());
            }
        }
    }
}
