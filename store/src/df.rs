//! How the store's bytes are spread.

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rusqlite::Transaction;

use crate::Store;
use crate::error::{Result, StoreError};
use crate::gc::unrecorded;

/// One line of `buildc system df`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// How many there are.
    pub count: u64,
    /// How many of them something uses.
    pub active: u64,
    /// Bytes they take.
    pub size_bytes: u64,
    /// Bytes that `buildc prune --all` could give back.
    pub reclaimable_bytes: u64,
}

/// What [`Store::df`] found. Layers that several images share count once.
#[derive(Clone, Debug, Default)]
pub struct DiskUsage {
    /// Images, with the layers they hold; active are those that a container uses.
    pub images: Usage,
    /// Layers that no image holds: the build cache proper.
    pub build_cache: Usage,
    /// Blobs: manifests, configs, compressed layers.
    pub blobs: Usage,
    /// `containers`: one directory each.
    pub containers: Usage,
    /// `volumes`.
    pub volumes: Usage,
    /// `cache-mounts`.
    pub cache_mounts: Usage,
    /// `contexts`: the packed indexes of build contexts.
    pub contexts: Usage,
    /// `sources` that build files have fetched.
    pub sources: Usage,
    /// `logs` of builds.
    pub logs: Usage,
    /// Unfinished work, of live processes and of dead ones.
    pub unfinished: Usage,
}

impl Store {
    /// Adds up what the store holds. Layers and blobs come from the index; other rooms' directories are walked.
    pub fn df(&self) -> Result<DiskUsage> {
        let mut usage = self.index().read(|tx| {
            Ok(DiskUsage {
                images: images(tx)?,
                build_cache: build_cache(tx)?,
                blobs: blobs(tx)?,
                ..DiskUsage::default()
            })
        })?;
        // Beside the containers stands the directory of their names (spec/containers.md).
        usage.containers = self.directory("containers", Some("names"))?;
        usage.volumes = self.directory("volumes", None)?;
        usage.cache_mounts = all_reclaimable(self.directory("cache-mounts", None)?);
        usage.contexts = all_reclaimable(self.directory("contexts", None)?);
        usage.sources = all_reclaimable(self.directory("sources", None)?);
        usage.logs = all_reclaimable(self.directory("logs", None)?);
        usage.unfinished = self.unfinished()?;
        Ok(usage)
    }

    /// Work that is going on or was ended, and what of it came to its place without a row.
    fn unfinished(&self) -> Result<Usage> {
        let mut usage = self.directory("tmp", None)?;
        for left in self.index().read(|tx| unrecorded::find(self, tx))? {
            let bytes = disk_bytes(&left.path);
            usage.count += 1;
            usage.size_bytes += bytes;
            usage.reclaimable_bytes += bytes;
        }
        Ok(usage)
    }

    /// What lies in a directory; what is hidden, being half made, and `aside` take space but do not count.
    fn directory(&self, name: &str, aside: Option<&str>) -> Result<Usage> {
        let root = self.root().join(name);
        let mut usage = Usage::default();
        let items = match std::fs::read_dir(&root) {
            Ok(items) => items,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(usage),
            Err(e) => return Err(StoreError::io("read", &root)(e)),
        };
        let mut inodes = HashSet::new();
        for item in items {
            let item = item.map_err(StoreError::io("read", &root))?;
            let name = item.file_name();
            let counts =
                !name.as_encoded_bytes().starts_with(b".") && aside.is_none_or(|aside| name != aside);
            usage.count += u64::from(counts);
            usage.size_bytes += tree_bytes(&item.path(), &mut inodes);
        }
        Ok(usage)
    }
}

/// What is made again when it is missed.
fn all_reclaimable(usage: Usage) -> Usage {
    Usage { reclaimable_bytes: usage.size_bytes, ..usage }
}

/// Bytes allocated on disk for a tree, files with several names once.
pub fn disk_bytes(root: &Path) -> u64 {
    tree_bytes(root, &mut HashSet::new())
}

/// Bytes allocated on disk for a tree, each inode once. What vanishes or cannot be read meanwhile counts nothing.
pub(crate) fn tree_bytes(root: &Path, inodes: &mut HashSet<u64>) -> u64 {
    let mut pending = vec![root.to_owned()];
    let mut total = 0;
    while let Some(path) = pending.pop() {
        let Ok(metadata) = path.symlink_metadata() else { continue };
        if metadata.nlink() > 1 && !metadata.is_dir() && !inodes.insert(metadata.ino()) {
            continue;
        }
        total += metadata.blocks() * 512;
        if metadata.is_dir() {
            let items = std::fs::read_dir(&path).into_iter().flatten().flatten();
            pending.extend(items.map(|item| item.path()));
        }
    }
    total
}

fn number(tx: &Transaction<'_>, sql: &str) -> Result<u64> {
    Ok(tx.query_row(sql, [], |row| row.get::<_, i64>(0))?.unsigned_abs())
}

fn images(tx: &Transaction<'_>) -> Result<Usage> {
    let size = |filter: &str| {
        format!(
            "SELECT coalesce(sum(size_bytes), 0) FROM layers
             WHERE id IN (SELECT layer FROM image_layers {filter})"
        )
    };
    let size_bytes = number(tx, &size(""))?;
    let used = number(tx, &size("WHERE image IN (SELECT image FROM pins)"))?;
    Ok(Usage {
        count: number(tx, "SELECT count(*) FROM images")?,
        active: number(tx, "SELECT count(*) FROM images WHERE id IN (SELECT image FROM pins)")?,
        size_bytes,
        reclaimable_bytes: size_bytes.saturating_sub(used),
    })
}

fn build_cache(tx: &Transaction<'_>) -> Result<Usage> {
    let loose = "FROM layers WHERE id NOT IN (SELECT layer FROM image_layers)";
    let free = format!("{loose} AND id NOT IN (SELECT layer FROM pin_layers)");
    let count = number(tx, &format!("SELECT count(*) {loose}"))?;
    let unused = number(tx, &format!("SELECT count(*) {free}"))?;
    Ok(Usage {
        count,
        active: count.saturating_sub(unused),
        size_bytes: number(tx, &format!("SELECT coalesce(sum(size_bytes), 0) {loose}"))?,
        reclaimable_bytes: number(tx, &format!("SELECT coalesce(sum(size_bytes), 0) {free}"))?,
    })
}

fn blobs(tx: &Transaction<'_>) -> Result<Usage> {
    let needed = "(SELECT id FROM images UNION SELECT manifest FROM image_manifests
                   UNION SELECT blob FROM layer_blobs WHERE diff_id IN (SELECT diff_id FROM layers))";
    let count = number(tx, "SELECT count(*) FROM blobs")?;
    let free = number(tx, &format!("SELECT count(*) FROM blobs WHERE digest NOT IN {needed}"))?;
    let size = "SELECT coalesce(sum(size_bytes), 0) FROM blobs";
    Ok(Usage {
        count,
        active: count.saturating_sub(free),
        size_bytes: number(tx, size)?,
        reclaimable_bytes: number(tx, &format!("{size} WHERE digest NOT IN {needed}"))?,
    })
}
