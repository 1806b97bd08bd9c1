//! Pushing an image: every blob it names, then its manifest.

use std::collections::BTreeMap;

use buildc_digest::Digest;
use ureq::http::{Method, header};

use super::client::Client;
use super::pull::side_by_side;
use super::registries::Place;
use super::session::Session;
use super::transport::{Ask, Payload};
use super::{Pushed, RemoteError, Result, Watch, origins};
use crate::export::{CompressError, compressed_layer, compressed_manifest, has_original};
use crate::oci::{Manifest, media_type};
use crate::{ImageRecord, Layer, LayerBlob, Store};

const MANIFEST_LIMIT: u64 = 4 * 1024 * 1024;

/// A manifest whose layers have arrived.
struct Shipped {
    manifest: Vec<u8>,
    media_type: String,
}

impl Client {
    /// Sends the image that `image` names in the store to the fully qualified name `target`.
    ///
    /// # Errors
    /// When the image is not in the store or the registry refuses it.
    pub fn push(&self, store: &Store, image: &str, target: &str, watch: Watch<'_>) -> Result<Pushed> {
        let _lease = store.lease()?;
        let target = self.target(target)?;
        let record = store.image(image)?.ok_or_else(|| RemoteError::NotInStore { name: image.to_owned() })?;
        let bytes = store.read_blob(&record.manifest, MANIFEST_LIMIT)?;
        let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|error| unreadable(image, &error))?;
        let place = self.registries.push_place(&target)?;
        let from = mount_sources(store, &record, &manifest, &place)?;
        let session = Session::new(self, place, "pull,push", &from, watch);
        let shipped = match has_original(store, &record, &manifest) {
            true => ship_as_it_is(store, &session, &record, &manifest, bytes)?,
            false => ship_compressed(store, &session, &record, &manifest)?,
        };
        session.send_blob(store, &manifest.config.digest)?;
        let tag = target.tag.clone().unwrap_or_else(|| "latest".to_owned());
        let digest = session.put_manifest(&tag, &shipped)?;
        store.record_repo_digest(&target.repository(), &digest, &record.id)?;
        Ok(Pushed { name: target.to_string(), digest, size_bytes: shipped.manifest.len() as u64 })
    }
}

fn unreadable(image: &str, error: &serde_json::Error) -> RemoteError {
    RemoteError::NotAnImage { name: image.to_owned(), why: format!("its manifest cannot be read: {error}") }
}

/// Repositories on the target's host from which blobs may be mounted; their names go into the token's scope.
fn mount_sources(
    store: &Store,
    record: &ImageRecord,
    manifest: &Manifest,
    place: &Place,
) -> Result<Vec<String>> {
    let mut blobs: Vec<Digest> = manifest.layers.iter().map(|layer| layer.digest).collect();
    for layer in &record.layers {
        blobs.extend(store.layer_blobs(&layer.diff_id)?.iter().map(|known| known.blob));
    }
    let mut sources = Vec::new();
    for blob in blobs {
        sources.extend(origins::mountable(store, &blob, place)?.into_iter().next());
    }
    sources.sort();
    sources.dedup();
    Ok(sources)
}

fn ship_as_it_is(
    store: &Store,
    session: &Session<'_>,
    record: &ImageRecord,
    manifest: &Manifest,
    bytes: Vec<u8>,
) -> Result<Shipped> {
    let sent = manifest.layers.iter().filter(|layer| !media_type::is_nondistributable(&layer.media_type));
    let mut unique: Vec<Digest> = sent.map(|layer| layer.digest).collect();
    unique.sort();
    unique.dedup();
    side_by_side(&unique, |digest| session.send_blob(store, digest))?;
    Ok(Shipped { manifest: bytes, media_type: record.manifest_media_type.clone() })
}

/// Sends each layer in a compressed form that was used before or is made now, and describes these in a new manifest.
fn ship_compressed(
    store: &Store,
    session: &Session<'_>,
    record: &ImageRecord,
    manifest: &Manifest,
) -> Result<Shipped> {
    let unique: BTreeMap<_, &Layer> = record.layers.iter().map(|layer| (layer.diff_id, layer)).collect();
    let unique: Vec<&Layer> = unique.into_values().collect();
    let sent = side_by_side(&unique, |layer| {
        session.check_cancelled()?;
        let compressed = compressed_layer(store, layer, &|| (session.watch.cancelled)());
        session.check_cancelled()?;
        let blob = compressed.map_err(|error| cannot_compress(layer, error))?;
        session.send_blob(store, &blob.blob)?;
        Ok((layer.diff_id, blob))
    })?;
    let sent: BTreeMap<_, LayerBlob> = sent.into_iter().collect();
    let blobs: Vec<LayerBlob> = record.layers.iter().filter_map(|l| sent.get(&l.diff_id).cloned()).collect();
    let bytes =
        compressed_manifest(manifest, &blobs).map_err(|error| unreadable(&record.id.to_string(), &error))?;
    Ok(Shipped { manifest: bytes, media_type: media_type::OCI_MANIFEST.to_owned() })
}

fn cannot_compress(layer: &Layer, error: CompressError) -> RemoteError {
    match error {
        CompressError::Store(error) => RemoteError::Store(error),
        CompressError::Io { source, .. } => {
            RemoteError::Io { action: "compress layer", path: layer.diff_id.to_string().into(), source }
        }
    }
}

impl Session<'_> {
    /// Writes the manifest last, when everything it names is there.
    fn put_manifest(&self, tag: &str, shipped: &Shipped) -> Result<Digest> {
        let url = self.url(&format!("manifests/{tag}"));
        let ask = Ask::new(Method::PUT, url.clone())
            .with(header::CONTENT_TYPE, shipped.media_type.clone())
            .carrying(Payload::Bytes(&shipped.manifest));
        let response = self.send(&ask)?;
        match response.status().as_u16() {
            200..=204 => Ok(Digest::of(&shipped.manifest)),
            _ => Err(self.refused(&url, response)),
        }
    }
}
