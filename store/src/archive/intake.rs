//! Turning the files of an archive into images of the store.

use std::io::Read;

use buildc_digest::{DiffId, Digest};

use super::error::malformed;
use super::source::Source;
use super::{ArchiveError, Loaded, Result, docker, layout};
use crate::compression::Compression;
use crate::oci::{ConfigView, Descriptor, media_type};
use crate::{ImageRecord, Layer, LayerBlob, LayerId, Store};

/// Loads everything that an archive holds. New `docker save` archives are both forms at once: the OCI side has the
/// original manifests, the docker side the names.
pub(super) fn load_all(store: &Store, source: &Source) -> Result<Vec<Loaded>> {
    let mut loaded = match (source.has("index.json"), source.has("manifest.json")) {
        (true, both) => {
            let mut images = layout::load(store, source)?;
            if both {
                docker::add_names(store, source, &mut images)?;
            }
            images
        }
        (false, true) => docker::load(store, source)?,
        (false, false) => {
            return Err(ArchiveError::NotAnArchive {
                why: "it has neither `index.json` nor `manifest.json`".to_owned(),
            });
        }
    };
    for image in &mut loaded {
        image.names.sort();
        image.names.dedup();
        for name in &image.names {
            store.tag(name, &image.image.id)?;
        }
    }
    store.sync()?;
    loaded.into_iter().map(|l| refreshed(store, l)).collect()
}

/// The record with the names that were given since.
fn refreshed(store: &Store, loaded: Loaded) -> Result<Loaded> {
    let image = store.image_by_manifest(&loaded.image.manifest)?.unwrap_or(loaded.image);
    Ok(Loaded { image, ..loaded })
}

/// One layer of an image: which file it is and what it is called.
pub(super) struct LayerFile {
    pub(super) path: String,
    pub(super) digest: Option<Digest>,
    /// Found by looking at the bytes when missing.
    pub(super) media_type: Option<String>,
}

/// Reads an image's config.
pub(super) fn parse_config(name: &str, bytes: &[u8]) -> Result<ConfigView> {
    serde_json::from_slice(bytes).map_err(|error| malformed(name, error))
}

/// Brings an image's layers into the store, lowest first. Their blobs are kept, so that a push gives the same bytes.
pub(super) fn take_layers(
    store: &Store,
    source: &Source,
    referrer: &str,
    diff_ids: &[DiffId],
    files: &[LayerFile],
) -> Result<Vec<(Layer, Descriptor)>> {
    if diff_ids.len() != files.len() {
        let why = format!("{} layers, but its config has {}", files.len(), diff_ids.len());
        return Err(malformed(referrer, why));
    }
    let pairs = diff_ids.iter().zip(files);
    pairs.map(|(diff_id, file)| take_layer(store, source, referrer, *diff_id, file)).collect()
}

fn take_layer(
    store: &Store,
    source: &Source,
    referrer: &str,
    diff_id: DiffId,
    file: &LayerFile,
) -> Result<(Layer, Descriptor)> {
    let blob = source.blob(store, &file.path, referrer, file.digest.as_ref())?;
    let mut bytes = store.open_blob(&blob)?;
    let size_bytes = bytes.metadata().map_err(|e| super::error::io("read", &file.path, e))?.len();
    let media_type = match &file.media_type {
        Some(known) => known.clone(),
        None => recognised(&store.open_blob(&blob)?, &file.path)?.to_owned(),
    };
    let layer = match store.layer_by_diff_id(&diff_id)? {
        Some(layer) => layer,
        None => store.import_layer(&mut bytes, Some(diff_id))?,
    };
    store.record_layer_blob(LayerBlob {
        diff_id,
        blob,
        size_bytes,
        media_type: media_type.clone(),
        compressor: "foreign".to_owned(),
    })?;
    Ok((layer, Descriptor::new(&media_type, blob, size_bytes)))
}

/// The media type of a layer that nobody names.
pub(super) fn recognised(mut file: &std::fs::File, name: &str) -> Result<&'static str> {
    let mut start = Vec::new();
    file.by_ref().take(4).read_to_end(&mut start).map_err(|source| super::error::io("read", name, source))?;
    Ok(match Compression::of(&start) {
        Compression::Gzip => media_type::OCI_LAYER_GZIP,
        Compression::Zstd => media_type::OCI_LAYER_ZSTD,
        // Other compressions have no media type; such a layer is compressed anew when it leaves.
        Compression::Other => media_type::OCI_LAYER,
    })
}

/// Stores an image.
pub(super) fn put(
    store: &Store,
    manifest: &[u8],
    media_type: &str,
    config: &[u8],
    layers: &[Layer],
) -> Result<ImageRecord> {
    let ids: Vec<LayerId> = layers.iter().map(|layer| layer.id).collect();
    Ok(store.put_image(manifest, media_type, config, &ids)?)
}
