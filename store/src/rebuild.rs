//! A new index in the place of one that is beyond reading.
//!
//! Owns: finding layers, blobs and images again from their files, and saving what the old index still gives. Never does:
//! removing the old index; it stays beside the new one under another name.
//!
//! A layer gets its diff id by writing its tar again. One that was unpacked from a foreign archive has another diff id
//! than that; it is unpacked once more from its blob, and where the entries are the same the old directory keeps its id.

use std::path::{Path, PathBuf};

use buildc_digest::Digest;
use rusqlite::{Connection, OpenFlags};

use crate::error::{Result, StoreError};
use crate::index::{Index, digest_column};
use crate::layer::{Layer, LayerId, use_layer};
use crate::layout::{Layout, base36, parse_base36};
use crate::lock::{LockFile, is_held};
use crate::oci::{ConfigView, Manifest, Shape};
use crate::session::remove_tree;
use crate::store::write_version;
use crate::tar::HashSink;
use crate::{FsckProblem, LayerBlob, OpenOptions, Store};

/// Largest manifest or config that is looked for among the blobs, in bytes.
const MAX_DOCUMENT_BYTES: u64 = 8 << 20;

/// What [`Store::rebuild`] made of the files it found.
#[derive(Clone, Debug, Default)]
pub struct RebuildReport {
    /// Where the old index is now.
    pub aside: PathBuf,
    /// Layers found.
    pub layers: u64,
    /// Blobs found.
    pub blobs: u64,
    /// Images found, with their names where the old index still gave them.
    pub images: Vec<(Digest, Vec<String>)>,
    /// What was damaged itself and had to go.
    pub dropped: Vec<FsckProblem>,
}

impl Store {
    /// Moves a damaged index aside and makes a new one from the files of the store. Layers, blobs and images come back;
    /// names of images as far as the old index can be read; results of steps do not. Refused while another process
    /// has a lease.
    pub fn rebuild(root: &Path) -> Result<(Store, RebuildReport)> {
        let root = std::path::absolute(root).map_err(StoreError::io("find", root))?;
        let layout = Layout::new(root);
        let Some(_held) = LockFile::take(&layout.locks().join("init"), &|| false)? else {
            return Err(StoreError::InUse { root: layout.root().to_owned() });
        };
        for item in read_dir(&layout.leases())? {
            if is_held(&item)? {
                return Err(StoreError::InUse { root: layout.root().to_owned() });
            }
        }
        let aside = move_aside(&layout)?;
        // Until the end the new index knows less than there is. One that was ended meanwhile knew where the names are.
        let mark = layout.rebuilding();
        let earlier = std::fs::read_to_string(&mark).ok().map(PathBuf::from);
        let damaged = earlier.clone().unwrap_or_else(|| aside.clone());
        std::fs::write(&mark, damaged.to_string_lossy().as_bytes())
            .map_err(StoreError::io("write", &mark))?;
        Index::open(&layout.index())?;
        if layout.read_version().is_err() {
            write_version(&layout)?;
        }
        let store = Store::open(layout.root(), OpenOptions::default())?;
        let _lease = store.lease()?;
        let mut report = RebuildReport { aside, ..RebuildReport::default() };
        store.find_blobs(&mut report)?;
        store.find_layers(&mut report)?;
        store.find_images(&mut report)?;
        for old in earlier.iter().chain([&report.aside.clone()]) {
            store.save_names(old, &mut report)?;
        }
        store.sync()?;
        std::fs::remove_file(&mark).map_err(StoreError::io("remove", &mark))?;
        Ok((store, report))
    }

    fn find_blobs(&self, report: &mut RebuildReport) -> Result<()> {
        for path in read_dir(&self.layout().blobs())? {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let sound =
                format!("sha256:{name}").parse::<Digest>().ok().filter(|d| self.verify_blob(d).is_ok());
            let Some(digest) = sound else {
                remove_tree(&path)?;
                report.drop(format!("blob {name}"), "its bytes are not what its name says".to_owned());
                continue;
            };
            let size = path.symlink_metadata().map_err(StoreError::io("read", &path))?.len();
            self.index().write(|tx| {
                let row =
                    (digest.as_bytes(), i64::try_from(size).unwrap_or(i64::MAX), crate::lease::now_ms());
                let sql = "INSERT INTO blobs (digest, size_bytes, last_used) VALUES (?1, ?2, ?3)";
                tx.prepare_cached(sql)?.execute(row)?;
                Ok(())
            })?;
            report.blobs += 1;
        }
        Ok(())
    }

    fn find_layers(&self, report: &mut RebuildReport) -> Result<()> {
        for path in read_dir(&self.layout().layers())? {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let found = match parse_base36(&name) {
                Some(id) => self.find_layer(LayerId(id)).map_err(|e| e.to_string()),
                None => Err("its name is no layer's".to_owned()),
            };
            match found {
                Ok(()) => report.layers += 1,
                Err(problem) => {
                    remove_tree(&path)?;
                    report.drop(format!("layer l/{name}"), problem);
                }
            }
        }
        Ok(())
    }

    fn find_layer(&self, id: LayerId) -> Result<()> {
        // Also of empty files, which a tar does without.
        self.verify_layer(id)?;
        let mut sink = HashSink::new();
        self.generate_tar(id, &mut sink)?;
        let tar = sink.finish()?;
        let manifest = self.manifest(id)?;
        let mut size_bytes = 0;
        for entry in manifest.iter() {
            size_bytes += entry?.size_bytes();
        }
        let tree = self.layout().layer_manifest(id);
        let modified = tree.symlink_metadata().map_err(StoreError::io("read", &tree))?;
        self.index().write(|tx| {
            let mut insert = tx.prepare_cached(
                "INSERT INTO layers
                     (id, diff_id, content, size_bytes, tar_bytes, entries, created, last_used, generated)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 1)",
            )?;
            insert.execute((
                id.0,
                tar.diff_id.as_bytes(),
                manifest.content()?.as_bytes(),
                i64::try_from(size_bytes).unwrap_or(i64::MAX),
                i64::try_from(tar.tar_bytes).unwrap_or(i64::MAX),
                i64::try_from(manifest.len()).unwrap_or(i64::MAX),
                std::os::unix::fs::MetadataExt::mtime(&modified),
                crate::lease::now_ms(),
            ))?;
            Ok(())
        })
    }

    /// Every blob that is a manifest whose config and layers are here is an image.
    fn find_images(&self, report: &mut RebuildReport) -> Result<()> {
        for path in read_dir(&self.layout().blobs())? {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let Ok(digest) = format!("sha256:{name}").parse::<Digest>() else { continue };
            if self.blob_size(&digest)?.is_none_or(|size| size > MAX_DOCUMENT_BYTES) {
                continue;
            }
            let bytes = self.read_blob(&digest, MAX_DOCUMENT_BYTES)?;
            let Ok(manifest) = serde_json::from_slice::<Manifest>(&bytes) else { continue };
            match self.find_image_of(&manifest, &bytes) {
                Ok(id) => report.images.push((id, Vec::new())),
                Err(error) => report.drop(format!("image of manifest {digest}"), error.to_string()),
            }
        }
        report.images.sort();
        report.images.dedup();
        Ok(())
    }

    fn find_image_of(&self, manifest: &Manifest, bytes: &[u8]) -> Result<Digest> {
        let config = self.read_blob(&manifest.config.digest, MAX_DOCUMENT_BYTES)?;
        let damaged = |problem: String| StoreError::Tar { problem };
        let view: ConfigView = serde_json::from_slice(&config).map_err(|e| damaged(e.to_string()))?;
        let shape: Shape = serde_json::from_slice(bytes).map_err(|e| damaged(e.to_string()))?;
        if view.rootfs.diff_ids.len() != manifest.layers.len() {
            return Err(damaged("the config has another number of layers than the manifest".to_owned()));
        }
        let mut layers = Vec::new();
        for (diff_id, descriptor) in view.rootfs.diff_ids.iter().zip(&manifest.layers) {
            let blob = self.has_blob(&descriptor.digest).then_some(descriptor);
            let layer = match (self.layer_by_diff_id(diff_id)?, blob) {
                (Some(layer), _) => layer,
                (None, Some(blob)) => {
                    let mut tar = self.open_blob(&blob.digest)?;
                    self.adopt(self.import_layer(&mut tar, Some(*diff_id))?)?
                }
                (None, None) => return Err(StoreError::NoLayer { layer: diff_id.to_string() }),
            };
            if let Some(descriptor) = blob {
                self.record_layer_blob(LayerBlob {
                    diff_id: *diff_id,
                    blob: descriptor.digest,
                    size_bytes: descriptor.size,
                    media_type: descriptor.media_type.clone(),
                    compressor: "foreign".to_owned(),
                })?;
            }
            layers.push(layer.id);
        }
        let media_type = shape.media_type(None).unwrap_or_default();
        Ok(self.put_image(bytes, &media_type, &config, &layers)?.id)
    }

    /// Gives an unpacked layer's identity to an older directory with the same entries, so that what names that directory
    /// (containers) goes on working.
    fn adopt(&self, new: Layer) -> Result<Layer> {
        let old = self.layer_by_content(&new.content)?.filter(|old| old.id != new.id);
        let Some(old) = old else { return Ok(new) };
        self.index().write(|tx| {
            tx.execute("DELETE FROM layers WHERE id = ?1", [new.id.0])?;
            let tar_bytes = i64::try_from(new.tar_bytes).unwrap_or(i64::MAX);
            tx.execute(
                "UPDATE layers SET diff_id = ?2, tar_bytes = ?3, generated = 0 WHERE id = ?1",
                (old.id.0, new.diff_id.as_bytes(), tar_bytes),
            )?;
            use_layer(tx, old.id)
        })?;
        remove_tree(&self.layout().layer(new.id))?;
        self.layer(old.id)
    }

    /// Takes the names of images from the old index, as far as sqlite gets.
    fn save_names(&self, old: &Path, report: &mut RebuildReport) -> Result<()> {
        let Ok(old) = Connection::open_with_flags(old, OpenFlags::SQLITE_OPEN_READ_ONLY) else {
            return Ok(());
        };
        for (name, image) in readable_tags(&old) {
            if let Some((id, names)) = report.images.iter_mut().find(|(id, _)| *id == image) {
                self.tag(&name, id)?;
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        Ok(())
    }
}

impl RebuildReport {
    fn drop(&mut self, subject: String, problem: String) {
        self.dropped.push(FsckProblem { subject, problem, repaired: true });
    }
}

fn readable_tags(old: &Connection) -> Vec<(String, Digest)> {
    let read = || -> Result<Vec<(String, Digest)>> {
        let mut statement = old.prepare("SELECT name, image FROM tags")?;
        let mut rows = statement.query([])?;
        let mut tags = Vec::new();
        // The first row that cannot be read ends it; what came before is good.
        while let Ok(Some(row)) = rows.next() {
            if let (Ok(name), Ok(image)) = (row.get("name"), digest_column(row, "tags", "image")) {
                tags.push((name, image));
            }
        }
        Ok(tags)
    };
    read().unwrap_or_default()
}

fn read_dir(dir: &Path) -> Result<Vec<PathBuf>> {
    let items = std::fs::read_dir(dir).map_err(StoreError::io("read", dir))?;
    let mut paths = items
        .map(|item| Ok(item.map_err(StoreError::io("read", dir))?.path()))
        .collect::<Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

/// Renames the database with its log to a name that is free.
fn move_aside(layout: &Layout) -> Result<PathBuf> {
    let index = layout.index();
    let free = (1..).map(|n| layout.root().join(format!("index.damaged-{}.db", base36(n))));
    let aside = free.into_iter().find(|path| !path.exists()).unwrap_or_else(|| index.with_extension("old"));
    for suffix in ["-wal", "-shm", ""] {
        let with_suffix = |path: &Path| {
            let mut name = path.as_os_str().to_owned();
            name.push(suffix);
            PathBuf::from(name)
        };
        let from = with_suffix(&index);
        match std::fs::rename(&from, with_suffix(&aside)) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(StoreError::io("move aside", &from)(e));
            }
            _ => {}
        }
    }
    Ok(aside)
}
