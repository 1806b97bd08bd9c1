//! Prune: what may go, why, and removing it.
//!
//! Owns: reachability from tags, pins, leases and recent results. Never does: taking what one of them holds.
//!
//! Without options go images without a name, results whose layers no image has, their layers, blobs that nothing refers
//! to, indexes of build contexts and logs. [`PruneOptions`] widen or narrow that (spec/store-layout.md).
//!
//! Everything is decided and every row removed in one IMMEDIATE transaction, in which no other process can look
//! anything up. Then all files go that no row speaks of any more: those of these rows, and those that a process left which ended
//! between its rows and its files. So an end at any moment costs nothing that the next prune does not give back.

mod side;
pub(crate) mod unrecorded;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use buildc_digest::Digest;
use rusqlite::Transaction;

use crate::Store;
use crate::df::disk_bytes;
use crate::error::Result;
use crate::index::{bytes32, digest_column};
use crate::layer::LayerId;
use crate::lease::now_ms;
use crate::session::sweep;

/// What [`Store::prune`] may take.
#[derive(Clone, Debug, Default)]
pub struct PruneOptions {
    /// Stop when what only the build cache holds is at most this many bytes; the longest unused goes first, results
    /// before the files of [`PruneKind::Context`], [`PruneKind::CacheMount`] and [`PruneKind::Log`].
    pub keep_storage_bytes: Option<u64>,
    /// Take only what was not used for this long.
    pub older_than: Option<Duration>,
    /// Also take tagged images that no container uses, results whose layers an image holds anyway, and cache mounts.
    pub all: bool,
    /// Images stay, also those without a name.
    pub keep_images: bool,
    /// Only say what would go.
    pub dry_run: bool,
}

/// What kind of thing went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PruneKind {
    /// An image with its names.
    Image,
    /// The result of a step.
    Result,
    /// A layer's files.
    Layer,
    /// A blob.
    Blob,
    /// The index of a build context, or the names of files that a copy had.
    Context,
    /// What a build file has fetched.
    Source,
    /// A cache mount; goes with `all` or `older_than` only.
    CacheMount,
    /// The log of a build.
    Log,
}

/// One thing that went.
#[derive(Clone, Debug)]
pub struct PruneItem {
    /// Its kind.
    pub kind: PruneKind,
    /// Image id, key, diff id or digest.
    pub name: String,
    /// Bytes that this frees by itself.
    pub size_bytes: u64,
    /// Why it could go.
    pub why: &'static str,
}

/// What [`Store::prune`] did, or would do.
#[derive(Clone, Debug, Default)]
pub struct PruneReport {
    /// Everything that went, images first.
    pub items: Vec<PruneItem>,
    /// Sum of the bytes.
    pub freed_bytes: u64,
}

impl PruneReport {
    fn add(&mut self, kind: PruneKind, name: String, size_bytes: u64, why: &'static str) {
        self.freed_bytes += size_bytes;
        self.items.push(PruneItem { kind, name, size_bytes, why });
    }
}

struct Image {
    id: Digest,
    tagged: bool,
    pinned: bool,
    last_used: i64,
    layers: Vec<LayerId>,
}

struct CachedResult {
    id: i64,
    key: [u8; 32],
    last_used: i64,
    layers: Vec<LayerId>,
}

struct LayerRow {
    id: LayerId,
    diff_id: [u8; 32],
    size_bytes: u64,
    last_used: i64,
}

/// The parts of the index that reachability depends on.
struct Picture {
    images: Vec<Image>,
    results: Vec<CachedResult>,
    layers: Vec<LayerRow>,
    pinned: HashSet<LayerId>,
}

impl Store {
    /// Removes what nothing needs, within `options`.
    pub fn prune(&self, options: &PruneOptions) -> Result<PruneReport> {
        if !options.dry_run {
            sweep(&self.layout().tmp())?;
        }
        let (report, files, knows_all) = self.index().write(|tx| {
            // Inside the transaction: a process that takes its lease now looks nothing up before the commit.
            let limit = self.youngest_prunable(options)?;
            let mut picture = Picture::load(tx)?;
            let mut report = PruneReport::default();
            let knows_all = unrecorded::knows_all(self, tx)?;
            if knows_all {
                report_unrecorded(self, tx, &mut report)?;
            }
            let images = picture.take_images(options, limit, &mut report);
            let (results, cache_bytes) = picture.take_results(options, limit, &mut report);
            let layers = picture.take_layers(limit, &mut report);
            let blobs = unreachable_blobs(tx, &images, &layers, limit, &mut report)?;
            let files = side::choose(self, options, limit, cache_bytes, &mut report)?;
            if options.dry_run {
                return Ok((report, Vec::new(), false));
            }
            for image in &images {
                tx.prepare_cached("DELETE FROM images WHERE id = ?1")?.execute([image.as_bytes()])?;
            }
            for result in results {
                tx.prepare_cached("DELETE FROM results WHERE id = ?1")?.execute([result])?;
            }
            for layer in &layers {
                drop_layer(tx, layer.id)?;
            }
            for digest in &blobs {
                drop_blob(tx, digest)?;
            }
            Ok((report, files, knows_all))
        })?;
        if knows_all {
            self.sweep_unrecorded()?;
        }
        files.iter().try_for_each(|file| file.remove(self))?;
        Ok(report)
    }

    /// What was used at this moment (milliseconds) or later stays.
    fn youngest_prunable(&self, options: &PruneOptions) -> Result<i64> {
        let age = options.older_than.map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX));
        let limit = if age == 0 { i64::MAX } else { now_ms().saturating_sub(age) };
        Ok(self.held_from_ms()?.map_or(limit, |held| limit.min(held)))
    }
}

impl Picture {
    fn load(tx: &Transaction<'_>) -> Result<Self> {
        Ok(Self {
            images: load_images(tx)?,
            results: load_results(tx)?,
            layers: load_layers(tx)?,
            pinned: ids(tx, "SELECT layer FROM pin_layers")?.into_iter().collect(),
        })
    }

    fn take_images(&mut self, options: &PruneOptions, limit: i64, report: &mut PruneReport) -> Vec<Digest> {
        let goes = |i: &Image| {
            !options.keep_images && !i.pinned && i.last_used < limit && (options.all || !i.tagged)
        };
        let (gone, kept) = std::mem::take(&mut self.images).into_iter().partition::<Vec<_>, _>(goes);
        self.images = kept;
        for image in &gone {
            let why = if image.tagged { "No container uses it" } else { "It has no name" };
            report.add(PruneKind::Image, image.id.to_string(), 0, why);
        }
        gone.into_iter().map(|i| i.id).collect()
    }

    /// Layers that images and containers hold, whatever happens to results.
    fn held(&self) -> HashSet<LayerId> {
        self.images.iter().flat_map(|i| i.layers.iter().copied()).chain(self.pinned.iter().copied()).collect()
    }

    /// Gives the rows that go, and the bytes that only the remaining results hold.
    fn take_results(
        &mut self,
        options: &PruneOptions,
        limit: i64,
        report: &mut PruneReport,
    ) -> (Vec<i64>, u64) {
        let held = self.held();
        let sizes: HashMap<LayerId, u64> = self.layers.iter().map(|l| (l.id, l.size_bytes)).collect();
        let mut uses: HashMap<LayerId, u32> = HashMap::new();
        for layer in self.results.iter().flat_map(|r| &r.layers).filter(|l| !held.contains(l)) {
            *uses.entry(*layer).or_default() += 1;
        }
        let mut cache_bytes: u64 = uses.keys().filter_map(|l| sizes.get(l)).sum();
        let why = match options.keep_storage_bytes {
            Some(_) => "It is among the longest unused",
            None => "No image needs it",
        };
        let mut gone = Vec::new();
        self.results.sort_by_key(|r| r.last_used);
        self.results.retain(|result| {
            let frees = result.layers.iter().any(|l| !held.contains(l));
            let enough = options.keep_storage_bytes.is_some_and(|keep| cache_bytes <= keep);
            if enough || result.last_used >= limit || !(frees || options.all) {
                return true;
            }
            for layer in &result.layers {
                if let Some(count) = uses.get_mut(layer) {
                    *count -= 1;
                    if *count == 0 {
                        cache_bytes -= sizes.get(layer).copied().unwrap_or(0);
                    }
                }
            }
            gone.push(result.id);
            report.add(PruneKind::Result, Digest::from_bytes(result.key).hex(), 0, why);
            false
        });
        (gone, cache_bytes)
    }

    fn take_layers(&mut self, limit: i64, report: &mut PruneReport) -> Vec<LayerRow> {
        let mut reachable = self.held();
        reachable.extend(self.results.iter().flat_map(|r| r.layers.iter().copied()));
        let goes = |l: &LayerRow| !reachable.contains(&l.id) && l.last_used < limit;
        let (gone, kept) = std::mem::take(&mut self.layers).into_iter().partition::<Vec<_>, _>(goes);
        self.layers = kept;
        for layer in &gone {
            let name = Digest::from_bytes(layer.diff_id).to_string();
            report.add(PruneKind::Layer, name, layer.size_bytes, "No image, container or result holds it");
        }
        gone
    }
}

/// What a process left that ended before it was done.
fn report_unrecorded(store: &Store, tx: &Transaction<'_>, report: &mut PruneReport) -> Result<()> {
    for left in unrecorded::find(store, tx)? {
        let kind = match left.kind {
            unrecorded::Kind::Layer => PruneKind::Layer,
            unrecorded::Kind::Blob => PruneKind::Blob,
        };
        report.add(kind, left.name, disk_bytes(&left.path), "A command that ended early left it");
    }
    Ok(())
}

/// Removes a layer's row with everything that cannot be without it: results, and images with their names.
pub(crate) fn drop_layer(tx: &Transaction<'_>, id: LayerId) -> Result<()> {
    for sql in [
        "DELETE FROM results WHERE id IN (SELECT result FROM result_layers WHERE layer = ?1)",
        "DELETE FROM images WHERE id IN (SELECT image FROM image_layers WHERE layer = ?1)",
        "DELETE FROM pin_layers WHERE layer = ?1",
        "DELETE FROM layers WHERE id = ?1",
    ] {
        tx.prepare_cached(sql)?.execute([id.0])?;
    }
    Ok(())
}

/// Removes a blob's row with everything that cannot be without it.
pub(crate) fn drop_blob(tx: &Transaction<'_>, digest: &Digest) -> Result<()> {
    for sql in [
        "DELETE FROM layer_blobs WHERE blob = ?1",
        "DELETE FROM images WHERE id = ?1 OR manifest = ?1",
        "DELETE FROM image_manifests WHERE manifest = ?1",
        "DELETE FROM blobs WHERE digest = ?1",
    ] {
        tx.prepare_cached(sql)?.execute([digest.as_bytes()])?;
    }
    Ok(())
}

/// Blobs that no surviving image or layer refers to.
fn unreachable_blobs(
    tx: &Transaction<'_>,
    images: &[Digest],
    layers: &[LayerRow],
    limit: i64,
    report: &mut PruneReport,
) -> Result<Vec<Digest>> {
    let gone_images: HashSet<Digest> = images.iter().copied().collect();
    let gone_layers: HashSet<[u8; 32]> = layers.iter().map(|l| l.diff_id).collect();
    let mut needed = HashSet::new();
    let mut statement = tx.prepare("SELECT manifest, image FROM image_manifests")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let image = digest_column(row, "image_manifests", "image")?;
        if !gone_images.contains(&image) {
            needed.insert(image);
            needed.insert(digest_column(row, "image_manifests", "manifest")?);
        }
    }
    let mut statement =
        tx.prepare("SELECT b.diff_id, b.blob FROM layer_blobs b JOIN layers l ON l.diff_id = b.diff_id")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if !gone_layers.contains(&bytes32(row, "layer_blobs", "diff_id")?) {
            needed.insert(digest_column(row, "layer_blobs", "blob")?);
        }
    }
    let mut statement = tx.prepare("SELECT digest, size_bytes FROM blobs WHERE last_used < ?1")?;
    let mut rows = statement.query([limit])?;
    let mut gone = Vec::new();
    while let Some(row) = rows.next()? {
        let digest = digest_column(row, "blobs", "digest")?;
        if !needed.contains(&digest) {
            let size = row.get::<_, i64>("size_bytes")?.unsigned_abs();
            report.add(PruneKind::Blob, digest.to_string(), size, "No image or layer refers to it");
            gone.push(digest);
        }
    }
    Ok(gone)
}

fn load_images(tx: &Transaction<'_>) -> Result<Vec<Image>> {
    let mut statement = tx.prepare(
        "SELECT id, last_used, EXISTS (SELECT 1 FROM tags WHERE image = images.id) AS tagged,
                EXISTS (SELECT 1 FROM pins WHERE image = images.id) AS pinned FROM images",
    )?;
    let mut rows = statement.query([])?;
    let mut images = Vec::new();
    while let Some(row) = rows.next()? {
        let id = digest_column(row, "images", "id")?;
        let mut layers = tx.prepare_cached("SELECT layer FROM image_layers WHERE image = ?1")?;
        let layers = layers.query_map([id.as_bytes()], |row| row.get(0).map(LayerId))?;
        images.push(Image {
            id,
            tagged: row.get("tagged")?,
            pinned: row.get("pinned")?,
            last_used: row.get("last_used")?,
            layers: layers.collect::<rusqlite::Result<Vec<_>>>()?,
        });
    }
    Ok(images)
}

fn load_results(tx: &Transaction<'_>) -> Result<Vec<CachedResult>> {
    let mut statement = tx.prepare("SELECT id, key, last_used FROM results")?;
    let mut rows = statement.query([])?;
    let mut results = Vec::new();
    while let Some(row) = rows.next()? {
        let id = row.get("id")?;
        let mut layers = tx.prepare_cached("SELECT layer FROM result_layers WHERE result = ?1")?;
        let layers = layers.query_map([id], |row| row.get(0).map(LayerId))?;
        results.push(CachedResult {
            id,
            key: bytes32(row, "results", "key")?,
            last_used: row.get("last_used")?,
            layers: layers.collect::<rusqlite::Result<Vec<_>>>()?,
        });
    }
    Ok(results)
}

fn load_layers(tx: &Transaction<'_>) -> Result<Vec<LayerRow>> {
    let mut statement = tx.prepare("SELECT id, diff_id, size_bytes, last_used FROM layers")?;
    let mut rows = statement.query([])?;
    let mut layers = Vec::new();
    while let Some(row) = rows.next()? {
        layers.push(LayerRow {
            id: LayerId(row.get("id")?),
            diff_id: bytes32(row, "layers", "diff_id")?,
            size_bytes: row.get::<_, i64>("size_bytes")?.unsigned_abs(),
            last_used: row.get("last_used")?,
        });
    }
    Ok(layers)
}

fn ids(tx: &Transaction<'_>, sql: &str) -> Result<Vec<LayerId>> {
    let mut statement = tx.prepare(sql)?;
    let ids = statement.query_map([], |row| row.get(0).map(LayerId))?;
    Ok(ids.collect::<rusqlite::Result<Vec<_>>>()?)
}
