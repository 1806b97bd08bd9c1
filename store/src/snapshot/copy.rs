//! Plain copy: works on every file system and for every user, at the price of a copy of the whole tree.
//!
//! After the copy a file named `start` is made; what the step touched has a ctime not before that file's, and only
//! that is compared with the base.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use buildc_digest::InternalHasher;

use super::{Rootfs, SnapshotDriver, create_dir, root_attributes};
use crate::Store;
use crate::entry::{Entry, EntryKind, SortedPath, parent};
use crate::error::{Result, StoreError};
use crate::layer::{Layer, LayerId, PendingLayer, Target, Walk, set_root_attributes};
use crate::session::remove_tree;
use crate::view::{Found, TreeView};

#[derive(Debug)]
pub(super) struct CopyDriver {
    store: Store,
}

impl CopyDriver {
    pub fn new(store: &Store) -> Self {
        Self { store: store.clone() }
    }

    /// Copies the merged tree into `rootfs`, which must not exist.
    fn copy_tree(&self, layers: &[Layer], rootfs: &Path) -> Result<(u32, u32, u32)> {
        let view = TreeView::new(&self.store, layers)?;
        create_dir(rootfs)?;
        let mut target = Target::open(rootfs)?;
        let mut dirs = Vec::new();
        let mut names: HashMap<(LayerId, Vec<u8>), Vec<u8>> = HashMap::new();
        for found in view.walk(b"")? {
            let first = found.link_to.clone().unwrap_or_else(|| found.entry.path.clone());
            match names.get(&(found.layer, first.clone())) {
                Some(name) => target.create_hardlink(&found.entry.path, name)?,
                None => {
                    create(&mut target, &found)?;
                    if found.entry.is_dir() {
                        dirs.push(found.entry);
                        continue;
                    }
                    target.finish_entry(&found.entry)?;
                    names.insert((found.layer, first), found.entry.path);
                }
            }
        }
        for dir in dirs.iter_mut().rev() {
            dir.kind = EntryKind::Dir { opaque: false };
            target.finish_entry(dir)?;
        }
        set_root_attributes(rootfs, root_attributes(&view)?)
    }
}

fn create(target: &mut Target, found: &Found) -> Result<()> {
    let path = &found.entry.path;
    match &found.entry.kind {
        EntryKind::Dir { .. } => target.create_dir(path),
        EntryKind::Symlink { target: text } => target.create_symlink(path, text),
        EntryKind::File { .. } => {
            let mut to = target.create_file(path)?;
            let mut from = File::open(&found.disk_path).map_err(StoreError::io("open", &found.disk_path))?;
            io::copy(&mut from, &mut to).map(drop).map_err(StoreError::io("copy", &found.disk_path))
        }
        kind => target.create_node(path, kind),
    }
}

impl SnapshotDriver for CopyDriver {
    fn name(&self) -> &'static str {
        "copy"
    }

    fn prepare(&self, layers: &[Layer], pending: &PendingLayer) -> Result<Rootfs> {
        let rootfs = pending.work_dir().join("rootfs");
        self.copy_tree(layers, &rootfs)?;
        let view = TreeView::new(&self.store, layers)?;
        pending.start_root_from(root_attributes(&view)?)?;
        let start = pending.work_dir().join("start");
        std::fs::write(&start, b"").map_err(StoreError::io("write", &start))?;
        Ok(Rootfs::Directory(rootfs))
    }

    fn collect(&self, layers: &[Layer], pending: &mut PendingLayer) -> Result<()> {
        let rootfs = pending.work_dir().join("rootfs");
        let start = pending.work_dir().join("start");
        let start = start.symlink_metadata().map_err(StoreError::io("read", &start))?;
        let view = TreeView::new(&self.store, layers)?;
        let changes = changes(&view, &rootfs, (start.ctime(), start.ctime_nsec()))?;
        move_changes(changes, &rootfs, pending.dir())?;
        let metadata = rootfs.symlink_metadata().map_err(StoreError::io("read", &rootfs))?;
        let attributes = (metadata.mode() & 0o7777, metadata.uid(), metadata.gid());
        set_root_attributes(pending.dir(), attributes).map(drop)
    }

    fn prepare_in(&self, layers: &[Layer], dir: &Path) -> Result<Rootfs> {
        let rootfs = dir.join("rootfs");
        if !rootfs.exists() {
            let unfinished = dir.join("rootfs.new");
            remove_tree(&unfinished)?;
            self.copy_tree(layers, &unfinished)?;
            std::fs::rename(&unfinished, &rootfs).map_err(StoreError::io("create", &rootfs))?;
        }
        Ok(Rootfs::Directory(rootfs))
    }
}

/// What differs from the base, in canonical order, with the directories on the way.
fn changes(view: &TreeView, rootfs: &Path, start: (i64, i64)) -> Result<BTreeMap<SortedPath, Entry>> {
    let mut base: BTreeMap<SortedPath, Found> =
        view.walk(b"")?.into_iter().map(|f| (SortedPath(f.entry.path.clone()), f)).collect();
    let mut disk_dirs: HashMap<Vec<u8>, Entry> = HashMap::new();
    let mut changed = BTreeMap::new();
    let (mut walk, _) = Walk::begin(rootfs, (0, 0, 0))?;
    while let Some((entry, disk)) = walk.next_entry()? {
        let before = base.remove(&SortedPath(entry.path.clone()));
        if entry.is_dir() {
            disk_dirs.insert(entry.path.clone(), entry.clone());
        }
        if before.is_none_or(|found| differs(&found, &entry, &disk, start).unwrap_or(true)) {
            changed.insert(SortedPath(entry.path.clone()), entry);
        }
    }
    // What is left of the base is gone; only the topmost of a removed tree needs a whiteout.
    for path in base.into_keys() {
        let dir = parent(&path.0).unwrap_or_default();
        if dir.is_empty() || disk_dirs.contains_key(dir) {
            changed.insert(SortedPath(path.0.clone()), Entry::whiteout(path.0));
        }
    }
    add_parents(&mut changed, &disk_dirs);
    Ok(changed)
}

fn add_parents(changed: &mut BTreeMap<SortedPath, Entry>, dirs: &HashMap<Vec<u8>, Entry>) {
    let paths: Vec<Vec<u8>> = changed.keys().map(|p| p.0.clone()).collect();
    for path in paths {
        let mut at = parent(&path);
        while let Some(dir) = at.filter(|d| !d.is_empty()) {
            if let Some(entry) = dirs.get(dir) {
                changed.entry(SortedPath(dir.to_owned())).or_insert_with(|| entry.clone());
            }
            at = parent(dir);
        }
    }
}

/// Whether a path that existed before is another now.
fn differs(before: &Found, now: &Entry, disk: &Path, start: (i64, i64)) -> Result<bool> {
    let metadata = disk.symlink_metadata().map_err(StoreError::io("read", disk))?;
    if (metadata.ctime(), metadata.ctime_nsec()) < start {
        return Ok(false);
    }
    let was = &before.entry;
    let attributes = |e: &Entry| (e.mode, e.uid, e.gid, e.mtime);
    let is_link = matches!(now.kind, EntryKind::Hardlink { .. });
    if attributes(was) != attributes(now) || (!is_link && was.xattrs != now.xattrs) {
        return Ok(true);
    }
    match (&was.kind, &now.kind) {
        (EntryKind::Dir { .. }, EntryKind::Dir { .. }) => Ok(false),
        (EntryKind::File { hash, .. }, EntryKind::File { .. } | EntryKind::Hardlink { .. }) => {
            let mut file = File::open(disk).map_err(StoreError::io("open", disk))?;
            let mut hasher = InternalHasher::new();
            io::copy(&mut file, &mut hasher).map_err(StoreError::io("read", disk))?;
            Ok(hasher.file() != *hash)
        }
        (was, now) => Ok(was != now),
    }
}

fn move_changes(changes: BTreeMap<SortedPath, Entry>, rootfs: &Path, upper: &Path) -> Result<()> {
    let mut target = Target::open(upper)?;
    let disk = |path: &[u8]| -> PathBuf { rootfs.join(std::ffi::OsStr::from_bytes(path)) };
    for entry in changes.values() {
        match entry.kind {
            EntryKind::Dir { .. } => target.create_dir(&entry.path)?,
            EntryKind::Whiteout => target.create_node(&entry.path, &EntryKind::Whiteout)?,
            _ => {
                let to = upper.join(std::ffi::OsStr::from_bytes(&entry.path));
                std::fs::rename(disk(&entry.path), &to).map_err(StoreError::io("move", &to))?;
            }
        }
    }
    for entry in changes.values().rev().filter(|e| e.is_dir()) {
        target.finish_entry(entry)?;
    }
    Ok(())
}
