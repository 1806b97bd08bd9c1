//! The form in which an image leaves the store: its original documents and blobs when they are here, else compressed
//! layers under a new manifest.
//!
//! Owns: that choice, and the compressed form of each layer. Never does: sending or writing it anywhere.

mod form;
mod release;

use std::io::{self, Write};

use buildc_digest::DiffId;

pub use form::{Algorithm, Annotation, AnnotationLevel, BadLevel, Form, Packing};
pub(crate) use release::{Composed, Document, cache_manifest, compose, platform};
pub use release::{Member, Release, Statement};

use crate::compression::Compressor;
use crate::oci::{Descriptor, Manifest, Platform, media_type};
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
pub(crate) fn has_original(store: &Store, record: &ImageRecord, manifest: &Manifest, form: &Form) -> bool {
    let at = format!("@{}", record.manifest);
    let pulled = record.repo_digests.iter().any(|name| name.ends_with(&at));
    let compressed = manifest.layers.iter().any(|layer| media_type::is_compressed(&layer.media_type));
    let whole = |l: &Descriptor| media_type::is_nondistributable(&l.media_type) || store.has_blob(&l.digest);
    form.keeps_originals() && (pulled || compressed) && manifest.layers.iter().all(whole)
}

/// A compressed form of a layer that is in the store: one that came with it, one made earlier, or a new one. Making
/// one ends early with an error when `stop` says so.
pub(crate) fn compressed_layer(
    store: &Store,
    layer: &Layer,
    form: &Form,
    stop: &dyn Fn() -> bool,
) -> std::result::Result<LayerBlob, CompressError> {
    if let Some(known) = known_form(store, layer, form)? {
        return Ok(known);
    }
    let packing = form.packing.unwrap_or_default();
    let io = |source| CompressError::Io { diff_id: layer.diff_id, source };
    let mut packer =
        Compressor::new(packing.algorithm(), packing.level(), store.blob_writer()?).map_err(io)?;
    store.write_layer_tar(layer.id, &mut Stoppable { out: &mut packer, stop })?;
    let (blob, size_bytes) = packer.finish().map_err(io)?.finish(None)?;
    let made = LayerBlob {
        diff_id: layer.diff_id,
        blob,
        size_bytes,
        media_type: packing.media_type().to_owned(),
        compressor: packing.compressor(),
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

fn known_form(store: &Store, layer: &Layer, form: &Form) -> Result<Option<LayerBlob>> {
    let usable = |blob: &LayerBlob| form.takes(blob) && store.has_blob(&blob.blob);
    Ok(store.layer_blobs(&layer.diff_id)?.into_iter().find(usable))
}

/// The manifest that names compressed layers, lowest first. All its media types belong to one family, whatever the
/// blobs were called where they came from.
pub(crate) fn compressed_manifest(
    original: &Manifest,
    blobs: &[LayerBlob],
    platform: &Platform,
    form: &Form,
) -> serde_json::Result<(Vec<u8>, String)> {
    let docker = form.docker_types;
    let (own, config) = match docker {
        true => (media_type::DOCKER_MANIFEST, media_type::DOCKER_CONFIG),
        false => (media_type::OCI_MANIFEST, media_type::OCI_CONFIG),
    };
    let describe = |b: &LayerBlob| Descriptor::new(layer_type(&b.media_type, docker), b.blob, b.size_bytes);
    let mut annotations = original.annotations.clone();
    annotations.extend(form.annotations(AnnotationLevel::Manifest, Some(platform)));
    let bytes = serde_json::to_vec(&Manifest {
        schema_version: 2,
        media_type: Some(own.to_owned()),
        config: Descriptor::new(config, original.config.digest, original.config.size),
        layers: blobs.iter().map(describe).collect(),
        annotations,
    })?;
    Ok((bytes, own.to_owned()))
}

fn layer_type(known: &str, docker: bool) -> &'static str {
    match (known.rsplit(['+', '.']).next(), docker) {
        // Docker has no type of its own for it.
        (Some("zstd"), _) => media_type::OCI_LAYER_ZSTD,
        (Some("gzip"), false) => media_type::OCI_LAYER_GZIP,
        (Some("gzip"), true) => media_type::DOCKER_LAYER_GZIP,
        (_, false) => media_type::OCI_LAYER,
        (_, true) => media_type::DOCKER_LAYER,
    }
}
