//! Pulling an image: which layers are missing, fetching them side by side, unpacking, tagging.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use buildc_digest::{DiffId, Digest};

use super::client::Client;
use super::document::{Resolution, not_an_image};
use super::ending::unless_cancelled;
use super::session::Session;
use super::{Progress, RemoteError, Result, Watch, origins};
use crate::oci::{ConfigView, Descriptor, Platform};
use crate::{ImageRecord, Layer, LayerBlob, LayerId, Store};

/// Blobs fetched side by side, as many as Docker fetches.
pub(super) const FETCHED_AT_ONCE: usize = 3;

impl Client {
    /// Fetches an image into the store and tags it.
    ///
    /// # Errors
    /// As [`Client::resolve_remote`]; and when a blob does not arrive whole or the store refuses it.
    pub fn pull(
        &self,
        store: &Store,
        name: &str,
        platform: &Platform,
        watch: Watch<'_>,
    ) -> Result<ImageRecord> {
        // What is unpacked here must not be pruned before the image refers to it.
        let _lease = store.lease()?;
        unless_cancelled(&self.transport, watch.cancelled, || self.bring(store, name, platform, watch))
    }

    fn bring(&self, store: &Store, name: &str, platform: &Platform, watch: Watch<'_>) -> Result<ImageRecord> {
        let found = self.resolve(name, platform, watch)?;
        let layers = match store.image_by_manifest(&found.document.digest)? {
            Some(image) => image.layers,
            None => fetch_layers(store, &found)?,
        };
        let ids: Vec<LayerId> = layers.iter().map(|layer| layer.id).collect();
        let image =
            store.put_image(&found.document.bytes, &found.document.media_type, &found.config, &ids)?;
        let repository = found.name.repository();
        if let Some(tag) = &found.name.tag {
            store.tag(&format!("{repository}:{tag}"), &image.id)?;
        }
        for digest in [&found.top, &found.document.digest] {
            store.record_repo_digest(&repository, digest, &image.id)?;
        }
        store.sync()?;
        Ok(store.image_by_manifest(&found.document.digest)?.unwrap_or(image))
    }
}

/// One layer of the manifest beside its place in the config.
pub(super) struct Wanted {
    pub(super) blob: Descriptor,
    pub(super) diff_id: DiffId,
}

fn fetch_layers(store: &Store, found: &Resolution<'_>) -> Result<Vec<Layer>> {
    let wanted = wanted(found)?;
    let mut unique: BTreeMap<Digest, &Wanted> = BTreeMap::new();
    for layer in &wanted {
        if unique.insert(layer.blob.digest, layer).is_some_and(|old| old.diff_id != layer.diff_id) {
            return Err(not_an_image(&found.name, "one layer has two diff_ids"));
        }
    }
    let unique: Vec<&Wanted> = unique.into_values().collect();
    let layers = side_by_side(&unique, FETCHED_AT_ONCE, |layer| fetch_layer(store, &found.session, layer))?;
    let by_diff_id: BTreeMap<DiffId, Layer> =
        layers.into_iter().map(|layer| (layer.diff_id, layer)).collect();
    let missing = || not_an_image(&found.name, "its config names a layer that its manifest lacks");
    wanted.iter().map(|layer| by_diff_id.get(&layer.diff_id).cloned().ok_or_else(missing)).collect()
}

fn wanted(found: &Resolution<'_>) -> Result<Vec<Wanted>> {
    let config: ConfigView = serde_json::from_slice(&found.config)
        .map_err(|error| not_an_image(&found.name, &format!("its config cannot be read: {error}")))?;
    let (blobs, diff_ids) = (&found.manifest.layers, config.rootfs.diff_ids);
    if blobs.len() != diff_ids.len() {
        let why = format!("its manifest has {} layers, its config {}", blobs.len(), diff_ids.len());
        return Err(not_an_image(&found.name, &why));
    }
    Ok(blobs.iter().cloned().zip(diff_ids).map(|(blob, diff_id)| Wanted { blob, diff_id }).collect())
}

/// Makes sure one layer is in the store, from a registry.
pub(super) fn fetch_layer(store: &Store, session: &Session<'_>, wanted: &Wanted) -> Result<Layer> {
    let layer = take_layer(store, wanted, session.watch, || session.fetch_blob(store, &wanted.blob))?;
    origins::remember(store, &wanted.blob.digest, &session.place)?;
    Ok(layer)
}

/// Makes sure one layer is in the store; its blob, which `fetch` brings, is kept, so that a push gives the same bytes.
pub(super) fn take_layer(
    store: &Store,
    wanted: &Wanted,
    watch: Watch<'_>,
    fetch: impl FnOnce() -> Result<()>,
) -> Result<Layer> {
    let digest = wanted.blob.digest;
    let check_cancelled = || if (watch.cancelled)() { Err(RemoteError::Cancelled) } else { Ok(()) };
    if let Some(layer) = store.layer_by_diff_id(&wanted.diff_id)? {
        (watch.progress)(Progress::Present { digest });
        return Ok(layer);
    }
    if !store.has_blob(&digest) {
        fetch()?;
    }
    check_cancelled()?;
    (watch.progress)(Progress::Unpacking { digest });
    let mut blob = Stoppable { file: store.open_blob(&digest)?, watch };
    let unpacked = store.import_layer(&mut blob, Some(wanted.diff_id));
    check_cancelled()?;
    let layer = unpacked.map_err(|source| RemoteError::Layer { digest, source })?;
    store.record_layer_blob(LayerBlob {
        diff_id: wanted.diff_id,
        blob: digest,
        size_bytes: wanted.blob.size,
        media_type: wanted.blob.media_type.clone(),
        compressor: "foreign".to_owned(),
    })?;
    (watch.progress)(Progress::Finished { digest });
    Ok(layer)
}

/// A blob being unpacked; reading fails when the transfer is cancelled.
struct Stoppable<'w> {
    file: File,
    watch: Watch<'w>,
}

impl Read for Stoppable<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match (self.watch.cancelled)() {
            true => Err(std::io::Error::other("cancelled")),
            false => self.file.read(buffer),
        }
    }
}

/// Does something for all items, on so many threads at most and beginning with the first items; the first failure stops
/// the others from starting more.
pub(super) fn side_by_side<T: Sync, R: Send>(
    items: &[T],
    at_once: usize,
    work: impl Fn(&T) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, R)>> = Mutex::default();
    let failed: Mutex<Option<RemoteError>> = Mutex::default();
    let worker = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { return };
            match work(item) {
                Ok(result) => done.lock().unwrap_or_else(PoisonError::into_inner).push((index, result)),
                Err(error) => {
                    next.store(items.len(), Ordering::Relaxed);
                    failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                    return;
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..at_once.min(items.len()) {
            scope.spawn(worker);
        }
        worker();
    });
    if let Some(error) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    Ok(done.into_iter().map(|(_, result)| result).collect())
}
