//! Checking the index against the disk, and dropping what does not fit.
//!
//! Owns: the comparison. Never does: guessing; whatever is damaged is dropped and made or pulled again.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use buildc_digest::Digest;
use rusqlite::Transaction;

use crate::Store;
use crate::entry::EntryKind;
use crate::error::{Result, StoreError};
use crate::gc::{drop_blob, drop_layer, unrecorded};
use crate::index::{bytes32, digest_column};
use crate::layer::LayerId;
use crate::layout::base36;
use crate::manifest::Manifest;
use crate::session::{remove_tree, sweep};

/// How [`Store::fsck`] behaves.
#[derive(Clone, Copy, Debug, Default)]
pub struct FsckOptions {
    /// Drop what is damaged.
    pub repair: bool,
    /// Read every byte of every layer and blob again, instead of only comparing names and manifests.
    pub rehash: bool,
}

/// One thing that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FsckProblem {
    /// What it is about: `layer l/2f`, `blob sha256:…`, `table tags`.
    pub subject: String,
    /// What is wrong.
    pub problem: String,
    /// Whether it was repaired by dropping.
    pub repaired: bool,
}

/// What [`Store::fsck`] found.
#[derive(Clone, Debug, Default)]
pub struct FsckReport {
    /// Layers looked at.
    pub layers: u64,
    /// Blobs looked at.
    pub blobs: u64,
    /// Everything that does not fit; empty for a sound store.
    pub problems: Vec<FsckProblem>,
}

/// The digest columns whose form every row must have.
const DIGEST_COLUMNS: [(&str, &str); 16] = [
    ("layers", "diff_id"),
    ("layers", "content"),
    ("blobs", "digest"),
    ("layer_blobs", "diff_id"),
    ("layer_blobs", "blob"),
    ("results", "key"),
    ("traces", "key"),
    ("images", "id"),
    ("images", "manifest"),
    ("image_layers", "image"),
    ("image_manifests", "manifest"),
    ("image_manifests", "image"),
    ("tags", "image"),
    ("repo_digests", "digest"),
    ("repo_digests", "image"),
    ("pins", "image"),
];

/// Rows that mean nothing without another row, as (table, condition, what is wrong).
const DANGLING: [(&str, &str, &str); 5] = [
    (
        "results",
        "id IN (SELECT result FROM result_layers WHERE layer NOT IN (SELECT id FROM layers))",
        "a result names a layer that is gone",
    ),
    (
        "images",
        "id IN (SELECT image FROM image_layers WHERE layer NOT IN (SELECT id FROM layers))",
        "an image names a layer that is gone",
    ),
    (
        "images",
        "id NOT IN (SELECT digest FROM blobs) OR manifest NOT IN (SELECT digest FROM blobs)",
        "an image's config or manifest is gone",
    ),
    ("pin_layers", "layer NOT IN (SELECT id FROM layers)", "a pin names a layer that is gone"),
    ("layer_blobs", "blob NOT IN (SELECT digest FROM blobs)", "a compressed layer is gone"),
];

struct Check<'a, 't> {
    store: &'a Store,
    tx: &'a Transaction<'t>,
    options: FsckOptions,
    report: FsckReport,
}

impl Store {
    /// Checks the whole store. Other processes that write wait until it is done. To repair an index that is damaged
    /// itself is [`StoreError::IndexDamaged`]: that takes [`Store::rebuild`].
    pub fn fsck(&self, options: FsckOptions) -> Result<FsckReport> {
        if self.layout().rebuilding().exists() {
            return Err(self.index().damaged("it was being made anew when that was ended"));
        }
        let damage = self.index().check()?;
        if let Some(line) = damage.first().filter(|_| options.repair) {
            // Rows of a database that is damaged itself are not worth mending.
            return Err(self.index().damaged(line));
        }
        if options.repair {
            sweep(&self.layout().tmp())?;
        }
        self.index().write(|tx| {
            let mut check = Check { store: self, tx, options, report: FsckReport::default() };
            for line in damage {
                check.found("index.db".to_owned(), line, false);
            }
            check.malformed_rows()?;
            check.layers()?;
            check.blobs()?;
            check.dangling_rows()?;
            check.unrecorded()?;
            Ok(check.report)
        })
    }
}

impl Check<'_, '_> {
    fn found(&mut self, subject: String, problem: String, repaired: bool) {
        self.report.problems.push(FsckProblem { subject, problem, repaired });
    }

    fn malformed_rows(&mut self) -> Result<()> {
        for (table, column) in DIGEST_COLUMNS {
            let bad =
                format!("{column} IS NOT NULL AND (typeof({column}) <> 'blob' OR length({column}) <> 32)");
            self.rows(table, &bad, &format!("column `{column}` does not hold 32 bytes"))?;
        }
        Ok(())
    }

    fn dangling_rows(&mut self) -> Result<()> {
        for (table, condition, problem) in DANGLING {
            self.rows(table, condition, problem)?;
        }
        Ok(())
    }

    /// Counts the rows that fit a condition, and deletes them when repairing.
    fn rows(&mut self, table: &str, condition: &str, problem: &str) -> Result<()> {
        let sql = format!("SELECT count(*) FROM {table} WHERE {condition}");
        let count: i64 = self.tx.query_row(&sql, [], |row| row.get(0))?;
        if count == 0 {
            return Ok(());
        }
        if self.options.repair {
            self.tx.execute(&format!("DELETE FROM {table} WHERE {condition}"), [])?;
        }
        self.found(format!("table {table}"), format!("{problem} ({count})"), self.options.repair);
        Ok(())
    }

    fn layers(&mut self) -> Result<()> {
        let mut statement = self.tx.prepare("SELECT id, content FROM layers")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let id = LayerId(row.get("id")?);
            self.report.layers += 1;
            let content = bytes32(row, "layers", "content").ok();
            let Err(error) = self.layer(id, content) else { continue };
            let images = self.images_with(id)?;
            if self.options.repair {
                drop_layer(self.tx, id)?;
                remove_tree(&self.store.layout().layer(id))?;
            }
            self.found(format!("layer l/{}", base36(id.0)), format!("{error}{images}"), self.options.repair);
        }
        Ok(())
    }

    fn layer(&self, id: LayerId, content: Option<[u8; 32]>) -> Result<()> {
        let manifest = self.store.manifest(id)?;
        if content.is_some_and(|content| manifest.content().is_ok_and(|c| *c.as_bytes() != content)) {
            let path = self.store.layout().layer_manifest(id);
            return Err(StoreError::CorruptManifest { path, problem: "it differs from the index" });
        }
        if self.options.rehash {
            self.store.verify_layer(id)?;
        }
        self.names(id, &manifest)
    }

    /// Whether every file and directory of a layer is there, files with their length. What the disk may not have been
    /// able to hold (devices, whiteouts) is not looked for.
    fn names(&self, id: LayerId, manifest: &Manifest) -> Result<()> {
        let files = self.store.layout().layer_files(id);
        files.symlink_metadata().map_err(StoreError::io("read", &files))?;
        for entry in manifest.iter() {
            let entry = entry?;
            if !matches!(entry.kind, EntryKind::File { .. } | EntryKind::Dir { .. }) {
                continue;
            }
            let path = files.join(OsStr::from_bytes(&entry.path));
            let metadata = path.symlink_metadata().map_err(StoreError::io("read", &path))?;
            let fits = match entry.kind {
                EntryKind::File { size, .. } => metadata.is_file() && metadata.len() == size,
                _ => metadata.is_dir(),
            };
            if !fits {
                return Err(StoreError::CorruptManifest { path, problem: "the file differs from it" });
            }
        }
        Ok(())
    }

    /// What goes when a layer goes, so that it does not go silently: the images that have it, by name where they have one.
    fn images_with(&self, id: LayerId) -> Result<String> {
        self.needed_by(
            "SELECT coalesce(group_concat(t.name, ', '), 'image ' || substr(lower(hex(i.image)), 1, 12))
             FROM image_layers i LEFT JOIN tags t ON t.image = i.image WHERE i.layer = ?1 GROUP BY i.image",
            id.0,
        )
    }

    fn blobs(&mut self) -> Result<()> {
        let mut statement = self.tx.prepare("SELECT digest, size_bytes FROM blobs")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let Ok(digest) = digest_column(row, "blobs", "digest") else { continue };
            let size = row.get::<_, i64>("size_bytes")?.unsigned_abs();
            self.report.blobs += 1;
            let Err(error) = self.blob(&digest, size) else { continue };
            let images = self.images_of(&digest)?;
            if self.options.repair {
                drop_blob(self.tx, &digest)?;
                remove_tree(&self.store.layout().blob(&digest))?;
            }
            self.found(format!("blob {digest}"), format!("{error}{images}"), self.options.repair);
        }
        Ok(())
    }

    fn blob(&self, digest: &Digest, size: u64) -> Result<()> {
        let path = self.store.layout().blob(digest);
        let found = path.symlink_metadata().map_err(StoreError::io("read", &path))?.len();
        if found != size {
            return Err(StoreError::BlobLength { digest: *digest, found, expected: size });
        }
        if self.options.rehash { self.store.verify_blob(digest) } else { Ok(()) }
    }

    /// What has no row: a process ended between the rows and the files.
    fn unrecorded(&mut self) -> Result<()> {
        for left in unrecorded::find(self.store, self.tx)? {
            if self.options.repair {
                remove_tree(&left.path)?;
            }
            let subject = match left.kind {
                unrecorded::Kind::Layer => format!("layer l/{}", left.name),
                unrecorded::Kind::Blob => format!("blob {}", left.name),
            };
            let problem = "it is not in the index: a command that ended early left it, and a prune takes it";
            self.found(subject, problem.to_owned(), self.options.repair);
        }
        Ok(())
    }

    /// What goes when a blob goes: the images that it describes.
    fn images_of(&self, digest: &Digest) -> Result<String> {
        self.needed_by(
            "SELECT coalesce(group_concat(t.name, ', '), 'image ' || substr(lower(hex(i.id)), 1, 12))
             FROM images i LEFT JOIN tags t ON t.image = i.id WHERE i.id = ?1 OR i.manifest = ?1 GROUP BY i.id",
            digest.as_bytes(),
        )
    }

    fn needed_by(&self, sql: &str, of: impl rusqlite::ToSql) -> Result<String> {
        let mut statement = self.tx.prepare_cached(sql)?;
        let names = statement.query_map([of], |row| row.get::<_, String>(0))?;
        let names = names.collect::<rusqlite::Result<Vec<_>>>()?;
        Ok(if names.is_empty() { String::new() } else { format!("; needed by {}", names.join(", ")) })
    }
}
