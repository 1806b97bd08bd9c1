//! What lies beside layers and blobs and is made again when it is missed: indexes of build contexts, fetched
//! sources of build files, cache mounts, logs.
//!
//! Owns: finding such files, when they were used, and removing them. Never does: touching a cache mount that a step has
//! locked, sources that are in use, or anything of containers and volumes.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use super::{PruneKind, PruneOptions, PruneReport};
use crate::Store;
use crate::df::tree_bytes;
use crate::error::{Result, StoreError};
use crate::session::remove_tree;

/// The kernel stamps files with a clock that is this much behind the one leases are stamped with, at most.
const CLOCK_TICK_MS: i64 = 20;

/// Held by who uses fetched sources.
const SOURCES_LOCK: &str = "sources/.lock";

/// One file or directory that may go.
#[derive(Debug)]
pub(super) struct SideItem {
    kind: PruneKind,
    path: PathBuf,
    used_ms: i64,
    size_bytes: u64,
}

/// What may go within `options` and was not used since `limit`, and of that what must go to bring everything down to
/// the wanted size where `cache_bytes` of layers stay; the longest unused first.
pub(super) fn choose(
    store: &Store,
    options: &PruneOptions,
    limit: i64,
    cache_bytes: u64,
    report: &mut PruneReport,
) -> Result<Vec<SideItem>> {
    let mut items = Vec::new();
    for (kind, dir) in [
        (PruneKind::Context, "contexts"),
        (PruneKind::Context, "contexts/listings"),
        (PruneKind::Context, "contexts/copied"),
        (PruneKind::Log, "logs"),
        (PruneKind::Source, "sources"),
        (PruneKind::Source, "sources/.records"),
        (PruneKind::CacheMount, "cache-mounts"),
    ] {
        // A cache mount is worth more than what can be made again from what is at hand.
        if kind != PruneKind::CacheMount || options.all || options.older_than.is_some() {
            list(store, kind, &store.root().join(dir), &mut items)?;
        }
    }
    items.sort_by(|a, b| (a.used_ms, &a.path).cmp(&(b.used_ms, &b.path)));
    let mut held: u64 = cache_bytes + items.iter().map(|i| i.size_bytes).sum::<u64>();
    items.retain(|item| {
        let enough = options.keep_storage_bytes.is_some_and(|keep| held <= keep);
        let goes = !enough && item.used_ms < limit;
        if goes {
            held -= item.size_bytes;
            let name = item.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            report.add(item.kind, name, item.size_bytes, "It is made again when it is missed");
        }
        goes
    });
    Ok(items)
}

fn list(store: &Store, kind: PruneKind, dir: &Path, items: &mut Vec<SideItem>) -> Result<()> {
    if kind == PruneKind::Source && lock(&store.root().join(SOURCES_LOCK)).is_none() {
        return Ok(());
    }
    let found = match std::fs::read_dir(dir) {
        Ok(found) => found,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(StoreError::io("read", dir)(e)),
    };
    for item in found {
        let path = item.map_err(StoreError::io("read", dir))?.path();
        // The use of a cache mount is stamped on its lock.
        let is_mount = kind == PruneKind::CacheMount;
        let stamped = if is_mount { path.join("lock") } else { path.clone() };
        // What vanishes meanwhile needs no removing; directories beside the files are not ours.
        let Ok(metadata) = stamped.symlink_metadata() else { continue };
        let may_go = match kind {
            PruneKind::CacheMount => metadata.is_file() && lock(&path.join("lock")).is_some(),
            PruneKind::Source => !path.ends_with(".lock") && !path.ends_with(".records"),
            _ => metadata.is_file(),
        };
        if !may_go {
            continue;
        }
        let size_bytes = tree_bytes(&path, &mut std::collections::HashSet::new());
        let used_ms = metadata.mtime() * 1000 + metadata.mtime_nsec() / 1_000_000 + CLOCK_TICK_MS;
        items.push(SideItem { kind, path, used_ms, size_bytes });
    }
    Ok(())
}

/// The lock of a cache mount that no step uses, or of sources that no evaluation does.
fn lock(path: &Path) -> Option<File> {
    let file = File::options().write(true).open(path).ok()?;
    flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok().then_some(file)
}

impl SideItem {
    /// Removes it, unless it is a cache mount that a step has taken since, or an evaluation uses sources now.
    pub(super) fn remove(&self, store: &Store) -> Result<()> {
        let locked = match self.kind {
            PruneKind::CacheMount => self.path.join("lock"),
            PruneKind::Source => store.root().join(SOURCES_LOCK),
            _ => return remove_tree(&self.path),
        };
        // The lock is held until it is gone.
        match lock(&locked) {
            Some(_held) => remove_tree(&self.path),
            None => Ok(()),
        }
    }
}
