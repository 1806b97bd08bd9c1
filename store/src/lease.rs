//! Leases: how a running process keeps prune away from what it uses.
//!
//! Owns: lease files and the oldest start time among the living. Never does: removing anything but dead lease files.
//!
//! A row is marked with the time when it is used (`last_used`, milliseconds since 1970); prune spares what was marked
//! since [`FRESH_MS`] before the oldest live lease began. So a lease is taken before the first look-up that something
//! depends on, and a look-up writes only where the mark is older than that.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::Store;
use crate::error::{Result, StoreError};
use crate::lock::{LockFile, is_held};

/// A mark this much older than a lease protects as well as one made under it, so that building again within ten minutes
/// writes nothing.
const FRESH_MS: i64 = 10 * 60 * 1000;

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
    /// What was marked at this moment or later is safe from prune; `None` when this process has no lease.
    pub fn fresh_from(&self) -> Option<i64> {
        let oldest = self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().min().copied();
        oldest.map(fresh_from)
    }

    /// Whether it is the only one.
    fn begin(&self, start: i64) -> bool {
        let mut starts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        starts.push(start);
        starts.len() == 1
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
        let is_first = held.begin(start);
        let lease = Lease { _lock: lock, start, held };
        if is_first {
            // A prune that looked for leases before this one was there has committed before anything is looked up.
            self.index().wait_for_writers()?;
        }
        Ok(lease)
    }

    /// What was marked at this moment or later belongs to a live lease; dead ones are removed.
    pub(crate) fn held_from_ms(&self) -> Result<Option<i64>> {
        Ok(self.oldest_lease_ms()?.map(fresh_from))
    }

    fn oldest_lease_ms(&self) -> Result<Option<i64>> {
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

fn fresh_from(start: i64) -> i64 {
    start.saturating_sub(FRESH_MS)
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
