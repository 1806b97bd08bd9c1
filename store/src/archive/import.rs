//! Making an image of a root file system tar.

use std::io::Read;
use std::path::Path;

use serde_json::{Value, json};

use super::Result;
use super::error::malformed;
use super::intake::{put, recognised};
use super::source::kept_whole;
use crate::oci::{Descriptor, Manifest, media_type};
use crate::{ImageRecord, LayerBlob, Store};

/// Makes an image with one layer from a root file system tar (any compression), which messages call `name`. `config` is the image's config JSON
/// without `rootfs` (architecture, os, `config`, `history`, `created`), which is filled in here.
///
/// # Errors
/// When the tar cannot be unpacked, or `config` is not an object.
pub fn import_rootfs(store: &Store, name: &Path, input: &mut dyn Read, config: Value) -> Result<ImageRecord> {
    let _lease = store.lease()?;
    let (blob, size_bytes) = kept_whole(store, name, input)?;
    let layer = store.import_layer(&mut store.open_blob(&blob)?, None)?;
    let kind = recognised(&store.open_blob(&blob)?, "-")?;
    store.record_layer_blob(LayerBlob {
        diff_id: layer.diff_id,
        blob,
        size_bytes,
        media_type: kind.to_owned(),
        compressor: "foreign".to_owned(),
    })?;
    let config = with_rootfs(config, &layer.diff_id.to_string())?;
    let manifest = Manifest {
        schema_version: 2,
        media_type: Some(media_type::OCI_MANIFEST.to_owned()),
        config: Descriptor::of(media_type::OCI_CONFIG, &config),
        layers: vec![Descriptor::new(kind, blob, size_bytes)],
        annotations: Default::default(),
    };
    let bytes = serde_json::to_vec(&manifest).map_err(|error| malformed("manifest", error))?;
    let image = put(store, &bytes, media_type::OCI_MANIFEST, &config, &[layer])?;
    store.sync()?;
    Ok(image)
}

fn with_rootfs(mut config: Value, diff_id: &str) -> Result<Vec<u8>> {
    let object = config.as_object_mut().ok_or_else(|| malformed("config", "it is not a JSON object"))?;
    object.insert("rootfs".to_owned(), json!({ "type": "layers", "diff_ids": [diff_id] }));
    serde_json::to_vec(&config).map_err(|error| malformed("config", error))
}
