//! The form in which an image leaves the store: its original documents and blobs when they are here, else compressed
//! layers under a new manifest.
//!
//! Owns: that choice, and the compressed form of each layer. Never does: sending or writing it anywhere.

use std::io::{self, Write};

use buildc_digest::DiffId;

use crate::compression::{COMPRESSOR, Gzip};
use crate::oci::{Descriptor, Manifest, media_type};
use crate::{ImageRecord, Layer, LayerBlob, Result, Store};

/// Why a layer has no compressed form.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CompressError {
    #[error("Cannot compress layer `{diff_id}`: {source}")]
    Io { diff_id: DiffId, source: io::Error },
    #[error(transparent)]
    Store(#[from] crate::StoreError),
}

/// Says whether the manifest came from outside and every layer blob that it names is in the store. Manifests that
/// buildc makes name uncompressed layers only.
pub(crate) fn has_original(store: &Store, record: &ImageRecord, manifest: &Manifest) -> bool {
    let at = format!("@{}", record.manifest);
    let pulled = record.repo_digests.iter().any(|name| name.ends_with(&at));
    let compressed = manifest.layers.iter().any(|layer| media_type::is_compressed(&layer.media_type));
    let whole = |l: &Descriptor| media_type::is_nondistributable(&l.media_type) || store.has_blob(&l.digest);
    (pulled || compressed) && manifest.layers.iter().all(whole)
}

/// A compressed form of a layer that is in the store: one that came with it, one made earlier, or a new one. Making
/// one ends early with an error when `stop` says so.
pub(crate) fn compressed_layer(
    store: &Store,
    layer: &Layer,
    stop: &dyn Fn() -> bool,
) -> std::result::Result<LayerBlob, CompressError> {
    if let Some(known) = known_form(store, layer)? {
        return Ok(known);
    }
    let io = |source| CompressError::Io { diff_id: layer.diff_id, source };
    let mut gzip = Gzip::new(store.blob_writer()?).map_err(io)?;
    store.write_layer_tar(layer.id, &mut Stoppable { out: &mut gzip, stop })?;
    let (blob, size_bytes) = gzip.finish().map_err(io)?.finish(None)?;
    let made = LayerBlob {
        diff_id: layer.diff_id,
        blob,
        size_bytes,
        media_type: media_type::OCI_LAYER_GZIP.to_owned(),
        compressor: COMPRESSOR.to_owned(),
    };
    store.record_layer_blob(made.clone())?;
    Ok(made)
}

/// Fails on the next write when it is told to stop.
struct Stoppable<'a> {
    out: &'a mut dyn Write,
    stop: &'a dyn Fn() -> bool,
}

impl Write for Stoppable<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if (self.stop)() { Err(io::Error::other("stopped")) } else { self.out.write(bytes) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn known_form(store: &Store, layer: &Layer) -> Result<Option<LayerBlob>> {
    let usable = |blob: &LayerBlob| {
        let known = blob.compressor == "foreign" || blob.compressor == COMPRESSOR;
        known && media_type::is_compressed(&blob.media_type) && store.has_blob(&blob.blob)
    };
    Ok(store.layer_blobs(&layer.diff_id)?.into_iter().find(usable))
}

/// The manifest that names compressed layers, lowest first. All its media types belong to the OCI family, whatever
/// the blobs were called where they came from.
pub(crate) fn compressed_manifest(original: &Manifest, blobs: &[LayerBlob]) -> serde_json::Result<Vec<u8>> {
    let describe = |b: &LayerBlob| Descriptor::new(oci_layer_type(&b.media_type), b.blob, b.size_bytes);
    serde_json::to_vec(&Manifest {
        schema_version: 2,
        media_type: Some(media_type::OCI_MANIFEST.to_owned()),
        config: Descriptor::new(media_type::OCI_CONFIG, original.config.digest, original.config.size),
        layers: blobs.iter().map(describe).collect(),
        annotations: original.annotations.clone(),
    })
}

fn oci_layer_type(known: &str) -> &'static str {
    match known.rsplit(['+', '.']).next() {
        Some("zstd") => media_type::OCI_LAYER_ZSTD,
        Some("gzip") => media_type::OCI_LAYER_GZIP,
        _ => media_type::OCI_LAYER,
    }
}
