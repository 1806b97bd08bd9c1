//! Layers: sealed file system change sets.
//!
//! Owns: a layer's row and directory. Never does: knowing which step made it.

mod clamp;
mod content;
mod export;
mod extract;
mod import;
mod join;
mod pending;
mod seal;
mod sync;
mod walk;

use std::path::PathBuf;
use std::sync::Arc;

use buildc_digest::{ContentDigest, DiffId, Digest};
use rusqlite::{OptionalExtension, Row, Transaction};

pub use pending::PendingLayer;

use crate::Store;
use crate::entry::Entry;
use crate::error::{Result, StoreError};
use crate::index::{bytes32, digest_column};
use crate::lease::now_ms;

pub(crate) use extract::{Target, set_root_attributes};
pub(crate) use walk::Walk;
pub use walk::is_overlay_xattr;

/// Names a layer in this store; never used again after the layer is gone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LayerId(
    /// The row id.
    pub i64,
);

/// A sealed layer.
#[derive(Clone, Debug)]
pub struct Layer {
    /// Its name in this store.
    pub id: LayerId,
    /// sha256 of its uncompressed tar.
    pub diff_id: DiffId,
    /// Digest of its entries, without times.
    pub content: ContentDigest,
    /// Sum of regular files' bytes.
    pub size_bytes: u64,
    /// Length of its uncompressed tar.
    pub tar_bytes: u64,
    /// Number of entries.
    pub entries: u64,
    /// Absolute directory with the files in overlayfs upper form (whiteouts are char 0/0, opaque an xattr).
    pub dir: PathBuf,
    /// Unix seconds when it was sealed; the `created` of its history entry.
    pub created: i64,
}

/// A compressed (or verbatim foreign) form of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerBlob {
    /// The layer.
    pub diff_id: DiffId,
    /// The blob that holds it.
    pub blob: Digest,
    /// The blob's length.
    pub size_bytes: u64,
    /// The OCI or Docker media type.
    pub media_type: String,
    /// What compressed it, for example `zlib-rs-6` or `foreign`.
    pub compressor: String,
}

/// The columns that [`read_layer`] wants.
pub(crate) const LAYER_COLUMNS: &str = "id, diff_id, content, size_bytes, tar_bytes, entries, created";

/// A layer from a row with [`LAYER_COLUMNS`].
pub(crate) fn read_layer(store: &Store, row: &Row<'_>) -> Result<Layer> {
    let id = LayerId(row.get("id")?);
    Ok(Layer {
        id,
        diff_id: DiffId::from_bytes(bytes32(row, "layers", "diff_id")?),
        content: ContentDigest::from_bytes(bytes32(row, "layers", "content")?),
        size_bytes: row.get::<_, i64>("size_bytes")?.unsigned_abs(),
        tar_bytes: row.get::<_, i64>("tar_bytes")?.unsigned_abs(),
        entries: row.get::<_, i64>("entries")?.unsigned_abs(),
        dir: store.layout().layer_files(id),
        created: row.get("created")?,
    })
}

/// The layer with this id, inside a transaction.
pub(crate) fn layer_in(store: &Store, tx: &Transaction<'_>, id: LayerId) -> Result<Layer> {
    let sql = format!("SELECT {LAYER_COLUMNS} FROM layers WHERE id = ?1");
    let mut statement = tx.prepare_cached(&sql)?;
    let mut rows = statement.query([id.0])?;
    match rows.next()? {
        Some(row) => read_layer(store, row),
        None => Err(StoreError::NoLayer { layer: format!("l/{}", crate::layout::base36(id.0)) }),
    }
}

/// The layer with this diff id, inside a write transaction, marked as used.
fn use_by_diff_id(store: &Store, tx: &Transaction<'_>, diff_id: &DiffId) -> Result<Option<Layer>> {
    let mut find = tx.prepare_cached("SELECT id FROM layers WHERE diff_id = ?1")?;
    let id: Option<i64> = find.query_row([diff_id.as_bytes()], |row| row.get(0)).optional()?;
    let Some(id) = id else { return Ok(None) };
    use_layer(tx, LayerId(id))?;
    layer_in(store, tx, LayerId(id)).map(Some)
}

/// Marks a layer as used now.
pub(crate) fn use_layer(tx: &Transaction<'_>, id: LayerId) -> Result<()> {
    tx.prepare_cached("UPDATE layers SET last_used = ?2 WHERE id = ?1")?.execute((id.0, now_ms()))?;
    Ok(())
}

/// Whether all of these layers were used at `fresh_from` (milliseconds) or later.
pub(crate) fn all_fresh(tx: &Transaction<'_>, layers: &[Layer], fresh_from: i64) -> Result<bool> {
    let mut fresh = tx.prepare_cached("SELECT 1 FROM layers WHERE id = ?1 AND last_used >= ?2")?;
    for layer in layers {
        if !fresh.exists((layer.id.0, fresh_from))? {
            return Ok(false);
        }
    }
    Ok(true)
}

impl Store {
    /// The layer with this id.
    pub fn layer(&self, id: LayerId) -> Result<Layer> {
        self.index().read(|tx| layer_in(self, tx, id))
    }

    /// The layer with this diff id, marked as used now.
    pub fn layer_by_diff_id(&self, diff_id: &DiffId) -> Result<Option<Layer>> {
        self.index().write(|tx| use_by_diff_id(self, tx, diff_id))
    }

    /// A layer with these entries, times aside. Marked as used while this process has a lease.
    pub fn layer_by_content(&self, content: &ContentDigest) -> Result<Option<Layer>> {
        self.layer_with("content", content.as_bytes())
    }

    /// The layer with this diff id. Marked as used while this process has a lease.
    pub fn peek_layer(&self, diff_id: &DiffId) -> Result<Option<Layer>> {
        self.layer_with("diff_id", diff_id.as_bytes())
    }

    fn layer_with(&self, column: &str, value: &[u8; 32]) -> Result<Option<Layer>> {
        let find = |tx: &Transaction<'_>| {
            let sql = format!("SELECT {LAYER_COLUMNS} FROM layers WHERE {column} = ?1 ORDER BY id LIMIT 1");
            let mut statement = tx.prepare_cached(&sql)?;
            let mut rows = statement.query([value])?;
            rows.next()?.map(|row| read_layer(self, row)).transpose()
        };
        let Some(fresh_from) = self.leases().fresh_from() else { return self.index().read(find) };
        let (layer, is_fresh) = self.index().read(|tx| {
            let layer = find(tx)?;
            let is_fresh = all_fresh(tx, layer.as_slice(), fresh_from)?;
            Ok((layer, is_fresh))
        })?;
        if is_fresh {
            return Ok(layer);
        }
        self.index().write(|tx| {
            let layer = find(tx)?;
            layer.iter().try_for_each(|layer| use_layer(tx, layer.id))?;
            Ok(layer)
        })
    }

    /// Notes that a layer was made at this second, or before; gives the earliest that is known.
    pub fn made_by(&self, id: LayerId, seconds: i64) -> Result<i64> {
        self.index().write(|tx| {
            let sql = "UPDATE layers SET created = min(created, max(?2, 0)) WHERE id = ?1 RETURNING created";
            Ok(tx.prepare_cached(sql)?.query_row((id.0, seconds), |row| row.get(0))?)
        })
    }

    /// All entries of a layer, sorted.
    pub fn entries(&self, id: LayerId) -> Result<Arc<Vec<Entry>>> {
        let entries = self.manifest(id)?.iter().collect::<Result<Vec<_>>>()?;
        Ok(Arc::new(entries))
    }

    /// Remembers that a blob of the blob store holds a layer.
    pub fn record_layer_blob(&self, blob: LayerBlob) -> Result<()> {
        self.index().write(|tx| {
            let mut statement = tx.prepare_cached(
                "INSERT OR REPLACE INTO layer_blobs (diff_id, blob, size_bytes, media_type, compressor)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?;
            let size = i64::try_from(blob.size_bytes).unwrap_or(i64::MAX);
            let (diff_id, digest) = (blob.diff_id.as_bytes(), blob.blob.as_bytes());
            statement.execute((diff_id, digest, size, &blob.media_type, &blob.compressor))?;
            Ok(())
        })
    }

    /// The blobs known to hold a layer, those still in the store only.
    pub fn layer_blobs(&self, diff_id: &DiffId) -> Result<Vec<LayerBlob>> {
        self.index().read(|tx| {
            let mut statement = tx.prepare_cached(
                "SELECT l.blob, l.size_bytes, l.media_type, l.compressor FROM layer_blobs l
                 JOIN blobs b ON b.digest = l.blob WHERE l.diff_id = ?1",
            )?;
            let mut rows = statement.query([diff_id.as_bytes()])?;
            let mut blobs = Vec::new();
            while let Some(row) = rows.next()? {
                blobs.push(LayerBlob {
                    diff_id: *diff_id,
                    blob: digest_column(row, "layer_blobs", "blob")?,
                    size_bytes: row.get::<_, i64>("size_bytes")?.unsigned_abs(),
                    media_type: row.get("media_type")?,
                    compressor: row.get("compressor")?,
                });
            }
            Ok(blobs)
        })
    }
}
