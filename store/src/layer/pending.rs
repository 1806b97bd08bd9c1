//! A layer being made.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::Transaction;

use super::{Layer, LayerId, layer_in, use_by_diff_id};
use crate::Store;
use crate::entry::{Entry, EntryKind};
use crate::error::{Result, StoreError};
use crate::lease::now_ms;
use crate::manifest::{ManifestWriter, PackedManifest};
use crate::session::{Session, remove_tree};
use crate::tar::TarDigest;
use crate::view::TreeView;

/// Attributes of the root directory that a step started with: (mode, uid, gid).
pub(crate) type RootAttributes = (u32, u32, u32);

/// A layer being made. Dropped without sealing it is removed.
#[derive(Debug)]
pub struct PendingLayer {
    store: Store,
    _session: Arc<Session>,
    /// Holds `fs`, `work` and later `tree`; becomes `l/ID`.
    home: PathBuf,
    files: PathBuf,
    work: PathBuf,
    root: Mutex<RootAttributes>,
}

impl Store {
    /// Begins a layer with an empty directory.
    pub fn begin_layer(&self) -> Result<PendingLayer> {
        let session = self.session()?;
        let home = session.fresh_path();
        let (files, work) = (home.join("fs"), home.join("work"));
        for dir in [&home, &files, &work] {
            std::fs::create_dir(dir).map_err(StoreError::io("create", dir))?;
        }
        let pending = PendingLayer {
            store: self.clone(),
            _session: session,
            home,
            files,
            work,
            root: Mutex::new((0o755, 0, 0)),
        };
        pending.start_root_from((0o755, 0, 0))?;
        Ok(pending)
    }
}

impl PendingLayer {
    /// The directory to fill; on the same file system as all layers; becomes [`Layer::dir`] by rename.
    pub fn dir(&self) -> &Path {
        &self.files
    }

    /// Scratch directory beside it (the overlayfs workdir).
    pub fn work_dir(&self) -> &Path {
        &self.work
    }

    /// Sets every time on disk that is later than this second to it. Before sealing, so that whatever runs over the layer
    /// sees the times that its tar has.
    pub fn clamp_times(&mut self, seconds: i64) -> Result<()> {
        super::clamp::clamp_times(&self.files, seconds)
    }

    /// Seals what is on disk in [`PendingLayer::dir`], an overlayfs upper: walks it, hashes every file once and
    /// writes the tree manifest and the row. A layer with the same tar is returned instead where there is one.
    pub fn seal_from_disk(self) -> Result<Layer> {
        let started = *self.root.lock().unwrap_or_else(PoisonError::into_inner);
        let sealed = super::seal::seal_directory(&self.files, started)?;
        self.finish(sealed.manifest, sealed.tar, true)
    }

    /// Seals with entries that the caller hashed while writing the files, and what
    /// [`TarHasher`](crate::TarHasher) gave; nothing is read again. The entries are authoritative for ownership, devices
    /// and xattrs. They must be sorted, with every parent directory present.
    pub fn seal(self, entries: Vec<Entry>, tar: TarDigest) -> Result<Layer> {
        let manifest = pack(&entries)?;
        self.finish(manifest, tar, true)
    }

    /// Seals an unpacked foreign layer, whose tar cannot be made again from its entries.
    pub(super) fn seal_foreign(self, entries: &[Entry], tar: TarDigest) -> Result<Layer> {
        let manifest = pack(entries)?;
        self.finish(manifest, tar, false)
    }

    /// Where a path of the container lies in this layer; `None` where something other than a directory stands on the
    /// way. What a command left there may be a link to any place of the host, which must not be followed.
    pub fn place_of(&self, path: &Path) -> Option<PathBuf> {
        let mut names = path.components().filter(|c| matches!(c, std::path::Component::Normal(_)));
        let mut place = self.files.join(names.next()?);
        for name in names {
            if !place.symlink_metadata().ok()?.is_dir() {
                return None;
            }
            place.push(name);
        }
        Some(place)
    }

    /// Removes `path` and everything below it, so that it is not sealed (the stubs of mount points). The time of the
    /// directory that held it stays what it was.
    pub fn forget(&mut self, path: &Path) {
        let Some(path) = self.place_of(path) else { return };
        let times = path.parent().and_then(|p| Some((p.to_owned(), p.symlink_metadata().ok()?)));
        if remove_tree(&path).is_ok()
            && let Some((parent, before)) = times
        {
            super::extract::restore_mtime(&parent, &before);
        }
    }

    /// Removes `dir` and the directories above it, up to the first that holds something or is not as `base` has it:
    /// overlayfs copied them up for something that is forgotten now. Only their times are lost.
    pub fn forget_copied_up(&mut self, base: &TreeView, dir: &Path) -> Result<()> {
        for dir in dir.ancestors() {
            let path = dir.strip_prefix("/").unwrap_or(dir).as_os_str().as_encoded_bytes();
            let on_disk = self.files.join(dir.strip_prefix("/").unwrap_or(dir));
            if path.is_empty() || !is_empty_dir(&on_disk) || !is_as_below(base, path, &on_disk)? {
                break;
            }
            self.forget(dir);
        }
        Ok(())
    }

    /// Gives the root directory the attributes it has in the base, so that only a change of them is sealed. Where the
    /// owner cannot be given (no privilege) what the disk says counts as the start.
    pub(crate) fn start_root_from(&self, attributes: RootAttributes) -> Result<()> {
        let started = super::extract::set_root_attributes(&self.files, attributes)?;
        *self.root.lock().unwrap_or_else(PoisonError::into_inner) = started;
        Ok(())
    }

    fn finish(self, manifest: PackedManifest, tar: TarDigest, generated: bool) -> Result<Layer> {
        let tree = self.home.join("tree");
        std::fs::write(&tree, &manifest.bytes).map_err(StoreError::io("write", &tree))?;
        remove_tree(&self.work)?;
        let boot = self.store.boot_id()?;
        let mut placed = None;
        let sealed = self.store.index().write(|tx| {
            if let Some(equal) = use_by_diff_id(&self.store, tx, &tar.diff_id)? {
                return Ok(equal);
            }
            let id = insert(tx, &manifest, tar, generated, boot)?;
            let place = self.store.layout().layer(id);
            // The write lock is held and no row has this id, so whatever stands there was left by a dead process.
            if place.exists() {
                remove_tree(&place)?;
            }
            std::fs::rename(&self.home, &place).map_err(StoreError::io("move the layer to", &place))?;
            placed = Some(id);
            layer_in(&self.store, tx, id)
        });
        if let (Err(_), Some(id)) = (&sealed, placed) {
            // The commit failed, most likely on a full disk. The first error is the one to tell.
            let _ = self.store.remove_unrecorded(id);
        }
        sealed
    }
}

fn is_empty_dir(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|m| m.is_dir())
        && std::fs::read_dir(path).is_ok_and(|mut items| items.next().is_none())
}

/// Whether a directory differs from the one that `base` has in its place by nothing but its times.
fn is_as_below(base: &TreeView, path: &[u8], on_disk: &Path) -> Result<bool> {
    let Some(found) = base.get(path)? else { return Ok(false) };
    let metadata = on_disk.symlink_metadata().map_err(StoreError::io("read", on_disk))?;
    let (xattrs, opaque) = super::walk::read_xattrs(on_disk)?;
    let entry = found.entry;
    Ok(!opaque
        && matches!(entry.kind, EntryKind::Dir { .. })
        && (entry.mode, entry.uid, entry.gid) == (metadata.mode() & 0o7777, metadata.uid(), metadata.gid())
        && entry.xattrs == xattrs)
}

impl Store {
    /// Removes a layer's directory that has no row.
    fn remove_unrecorded(&self, id: LayerId) -> Result<()> {
        self.index().write(|tx| {
            let mut row = tx.prepare_cached("SELECT 1 FROM layers WHERE id = ?1")?;
            if !row.exists([id.0])? {
                remove_tree(&self.layout().layer(id))?;
            }
            Ok(())
        })
    }
}

impl Drop for PendingLayer {
    fn drop(&mut self) {
        // After sealing nothing is there any more; what cannot be removed is swept later.
        let _ = remove_tree(&self.home);
    }
}

fn pack(entries: &[Entry]) -> Result<PackedManifest> {
    let mut writer = ManifestWriter::new();
    for entry in entries {
        writer.push(entry)?;
    }
    writer.finish()
}

fn insert(
    tx: &Transaction<'_>,
    manifest: &PackedManifest,
    tar: TarDigest,
    generated: bool,
    boot: &str,
) -> Result<LayerId> {
    let mut statement = tx.prepare_cached(
        "INSERT INTO layers (diff_id, content, size_bytes, tar_bytes, entries, created, last_used, generated, boot)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    let created = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    statement.execute((
        tar.diff_id.as_bytes(),
        manifest.content.as_bytes(),
        i64::try_from(manifest.size_bytes).unwrap_or(i64::MAX),
        i64::try_from(tar.tar_bytes).unwrap_or(i64::MAX),
        i64::try_from(manifest.entries).unwrap_or(i64::MAX),
        i64::try_from(created).unwrap_or(i64::MAX),
        now_ms(),
        generated,
        boot,
    ))?;
    Ok(LayerId(tx.last_insert_rowid()))
}
