//! Leases: how a running process keeps prune away from what it uses.
//!
//! Owns: lease files and the oldest start time among the living. Never does: removing anything but dead lease files.
//!
//! Every use of a row by a process with a lease marks it with the time (`last_used`, milliseconds since 1970) inside an
//! IMMEDIATE transaction; prune spares what was marked since the oldest live lease began. So a lease is taken before
//! the first look-up that something depends on.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::Store;
use crate::error::{Result, StoreError};
use crate::lock::{LockFile, is_held};

/// While it lives, prune takes nothing that was used since it began. A flock: kill -9 ends it.
#[derive(Debug)]
pub struct Lease {
    _lock: LockFile,
    start: i64,
    held: Held,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.held.end(self.start);
    }
}

/// When the living leases of this process began.
#[derive(Clone, Debug, Default)]
pub(crate) struct Held(Arc<Mutex<Vec<i64>>>);

impl Held {
    /// The oldest; `None` when this process has no lease.
    pub fn since(&self) -> Option<i64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().min().copied()
    }

    fn begin(&self, start: i64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(start);
    }

    fn end(&self, start: i64) {
        let mut starts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = starts.iter().position(|s| *s == start) {
            starts.swap_remove(at);
        }
    }
}

impl Store {
    /// Begins a lease.
    pub fn lease(&self) -> Result<Lease> {
        let dir = self.layout().leases();
        let mut attempt = 0;
        // A process with our pid in another pid namespace may hold the first names.
        let (path, lock) = loop {
            let path = dir.join(format!("{}-{attempt}", std::process::id()));
            attempt += 1;
            if let Some(lock) = LockFile::try_take(&path)? {
                break (path, lock);
            }
        };
        let start = now_ms();
        let text = format!("{start}\n");
        lock.file().set_len(0).map_err(StoreError::io("write", &path))?;
        let mut file = lock.file();
        file.write_all(text.as_bytes()).map_err(StoreError::io("write", &path))?;
        let held = self.leases().clone();
        held.begin(start);
        Ok(Lease { _lock: lock, start, held })
    }

    /// When the oldest live lease began; dead ones are removed.
    pub(crate) fn oldest_lease_ms(&self) -> Result<Option<i64>> {
        let dir = self.layout().leases();
        let mut oldest = None;
        for item in std::fs::read_dir(&dir).map_err(StoreError::io("read", &dir))? {
            let path = item.map_err(StoreError::io("read", &dir))?.path();
            if is_held(&path)? {
                let start = start_of(&path);
                oldest = Some(oldest.map_or(start, |o: i64| o.min(start)));
            }
        }
        Ok(oldest)
    }
}

/// The start time in a live lease's file. A lease whose time is not written yet holds everything.
fn start_of(path: &Path) -> i64 {
    let mut text = String::new();
    let read = std::fs::File::open(path).and_then(|f| f.take(64).read_to_string(&mut text));
    match read {
        Ok(_) => text.trim().parse().unwrap_or(0),
        Err(_) => 0,
    }
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
}
