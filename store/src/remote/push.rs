//! Pushing an image: every blob it names, then its manifest.

use std::collections::BTreeMap;

use buildc_digest::Digest;
use ureq::http::{Method, header};

use super::client::Client;
use super::ending::unless_cancelled;
use super::pull::side_by_side;
use super::registries::Place;
use super::session::Session;
use super::transport::{Ask, Payload};
use super::{Pushed, RemoteError, Result, Watch, origins};
use crate::export::{
    Composed, CompressError, Document, Form, Release, compose, compressed_layer, compressed_manifest,
    has_original, platform,
};
use crate::oci::{Descriptor, Index, Manifest, media_type};
use crate::{ImageRecord, Layer, LayerBlob, Store};

const MANIFEST_LIMIT: u64 = 4 * 1024 * 1024;
/// Blobs compressed and sent side by side, as many as Docker sends. Each that is compressed takes 16 MiB of memory.
pub(super) const SENT_AT_ONCE: usize = 5;

impl Client {
    /// Sends the image that `image` names in the store to the fully qualified name `target`.
    ///
    /// # Errors
    /// When the image is not in the store or the registry refuses it.
    pub fn push(&self, store: &Store, image: &str, target: &str, watch: Watch<'_>) -> Result<Pushed> {
        let record = store.image(image)?.ok_or_else(|| RemoteError::NotInStore { name: image.to_owned() })?;
        self.push_release(store, &Release::of(record), target, watch)
    }

    /// Sends a release to the fully qualified name `target`.
    ///
    /// # Errors
    /// When a layer cannot be read or the registry refuses something.
    pub fn push_release(
        &self,
        store: &Store,
        release: &Release,
        target: &str,
        watch: Watch<'_>,
    ) -> Result<Pushed> {
        let _lease = store.lease()?;
        unless_cancelled(&self.transport, watch.cancelled, || self.ship(store, release, target, watch))
    }

    fn ship(&self, store: &Store, release: &Release, target: &str, watch: Watch<'_>) -> Result<Pushed> {
        let target = self.target(target)?;
        let place = self.registries.push_place(&target)?;
        let images = release.members.iter().map(|member| Outgoing::read(store, &member.image));
        let images = images.collect::<Result<Vec<_>>>()?;
        let from = mount_sources(store, &images, &place)?;
        let session = Session::new(self, place, "pull,push", &from, watch);
        let shipped = images.iter().map(|image| image.ship(store, &session, &release.form));
        let shipped = shipped.collect::<Result<Vec<_>>>()?;
        let composed = compose(store, release, shipped)?;
        let tag = target.tag.clone().unwrap_or_else(|| "latest".to_owned());
        let root = session.put_composed(store, &composed, &tag)?;
        for member in &release.members {
            store.record_repo_digest(&target.repository(), &root.digest, &member.image.id)?;
        }
        Ok(Pushed { name: target.to_string(), digest: root.digest, size_bytes: root.size })
    }
}

/// An image on its way, with its manifest in the store.
struct Outgoing<'r> {
    record: &'r ImageRecord,
    bytes: Vec<u8>,
    manifest: Manifest,
}

impl<'r> Outgoing<'r> {
    fn read(store: &Store, record: &'r ImageRecord) -> Result<Self> {
        let bytes = store.read_blob(&record.manifest, MANIFEST_LIMIT)?;
        let manifest =
            serde_json::from_slice(&bytes).map_err(|error| unreadable(&record.id.to_string(), &error))?;
        Ok(Self { record, bytes, manifest })
    }

    /// Sends layers and config; gives the manifest that names them, with its media type.
    fn ship(&self, store: &Store, session: &Session<'_>, form: &Form) -> Result<(Vec<u8>, String)> {
        let shipped = match has_original(store, self.record, &self.manifest, form) {
            true => self.ship_as_it_is(store, session)?,
            false => self.ship_compressed(store, session, form)?,
        };
        session.send_blob(store, &self.manifest.config.digest)?;
        Ok(shipped)
    }
}

fn unreadable(image: &str, error: &serde_json::Error) -> RemoteError {
    RemoteError::NotAnImage { name: image.to_owned(), why: format!("its manifest cannot be read: {error}") }
}

/// Repositories on the target's host from which blobs may be mounted; their names go into the token's scope.
fn mount_sources(store: &Store, images: &[Outgoing<'_>], place: &Place) -> Result<Vec<String>> {
    let layers = images.iter().flat_map(|image| &image.manifest.layers);
    let mut blobs: Vec<Digest> = layers.map(|layer| layer.digest).collect();
    for layer in images.iter().flat_map(|image| &image.record.layers) {
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

impl Outgoing<'_> {
    fn ship_as_it_is(&self, store: &Store, session: &Session<'_>) -> Result<(Vec<u8>, String)> {
        let layers = self.manifest.layers.iter();
        let sent = layers.filter(|layer| !media_type::is_nondistributable(&layer.media_type));
        let mut unique: Vec<Digest> = sent.map(|layer| layer.digest).collect();
        unique.sort();
        unique.dedup();
        side_by_side(&unique, SENT_AT_ONCE, |digest| session.send_blob(store, digest))?;
        Ok((self.bytes.clone(), self.record.manifest_media_type.clone()))
    }

    /// Sends each layer in a compressed form that was used before or is made now, and describes these in a new manifest.
    fn ship_compressed(
        &self,
        store: &Store,
        session: &Session<'_>,
        form: &Form,
    ) -> Result<(Vec<u8>, String)> {
        let layers = &self.record.layers;
        let unique: BTreeMap<_, &Layer> = layers.iter().map(|layer| (layer.diff_id, layer)).collect();
        let mut unique: Vec<&Layer> = unique.into_values().collect();
        // What takes longest is not left for the end, when the others have nothing more to do.
        unique.sort_by_key(|layer| std::cmp::Reverse(layer.tar_bytes));
        let sent = side_by_side(&unique, SENT_AT_ONCE, |layer| {
            session.check_cancelled()?;
            let compressed = compressed_layer(store, layer, form, &|| (session.watch.cancelled)());
            session.check_cancelled()?;
            let blob = compressed.map_err(|error| cannot_compress(layer, error))?;
            session.send_blob(store, &blob.blob)?;
            Ok((layer.diff_id, blob))
        })?;
        let sent: BTreeMap<_, LayerBlob> = sent.into_iter().collect();
        let blobs: Vec<LayerBlob> = layers.iter().filter_map(|l| sent.get(&l.diff_id).cloned()).collect();
        let platform = platform(store, self.record)?;
        compressed_manifest(&self.manifest, &blobs, &platform, form)
            .map_err(|error| unreadable(&self.record.id.to_string(), &error))
    }
}

pub(super) fn cannot_compress(layer: &Layer, error: CompressError) -> RemoteError {
    match error {
        CompressError::Store(error) => RemoteError::Store(error),
        CompressError::Io { source, .. } => {
            RemoteError::Io { action: "compress layer", path: layer.diff_id.to_string().into(), source }
        }
    }
}

impl Session<'_> {
    /// Writes everything over the layers; the tag last, when everything that it leads to is there.
    pub(super) fn put_composed(&self, store: &Store, composed: &Composed, tag: &str) -> Result<Descriptor> {
        for blob in &composed.blobs {
            self.send_blob(store, &store.put_blob(&blob.bytes)?)?;
        }
        let mut root = None;
        let last = composed.manifests.len().saturating_sub(1);
        for (at, (document, subject)) in composed.manifests.iter().enumerate() {
            let digest = document.descriptor.digest.to_string();
            let knows_subjects = self.put_manifest(if at == last { tag } else { &digest }, document)?;
            if let (Some(subject), false) = (subject, knows_subjects) {
                self.refer(&document.descriptor, subject)?;
            }
            root = Some(document.descriptor.clone());
        }
        let url = self.url(&format!("manifests/{tag}"));
        root.ok_or_else(|| RemoteError::Protocol { url, why: "there is nothing to send".to_owned() })
    }

    /// Writes a manifest. Says whether the registry lists referrers by itself.
    fn put_manifest(&self, reference: &str, document: &Document) -> Result<bool> {
        let url = self.url(&format!("manifests/{reference}"));
        let ask = Ask::new(Method::PUT, url.clone())
            .with(header::CONTENT_TYPE, document.descriptor.media_type.clone())
            .carrying(Payload::Bytes(&document.bytes));
        let response = self.send(&ask)?;
        match response.status().as_u16() {
            200..=204 => Ok(response.headers().contains_key("oci-subject")),
            _ => Err(self.refused(&url, response)),
        }
    }

    /// Lists a referrer under the tag that stands in for the referrers API (distribution specification, "Referrers tag
    /// schema").
    fn refer(&self, referrer: &Descriptor, subject: &Digest) -> Result<()> {
        let tag = format!("sha256-{}", subject.hex());
        let url = self.url(&format!("manifests/{tag}"));
        let ask = Ask::new(Method::GET, url.clone()).with(header::ACCEPT, media_type::OCI_INDEX.to_owned());
        let mut response = self.send(&ask)?;
        let mut index = match response.status().as_u16() {
            200 => {
                let text = response.body_mut().with_config().limit(MANIFEST_LIMIT).read_to_vec();
                let why = |why: String| RemoteError::Protocol { url: url.clone(), why };
                let bytes = text.map_err(|error| why(error.to_string()))?;
                serde_json::from_slice::<Index>(&bytes).map_err(|error| why(error.to_string()))?
            }
            _ => {
                let media_type = Some(media_type::OCI_INDEX.to_owned());
                Index { schema_version: 2, media_type, manifests: Vec::new() }
            }
        };
        if index.manifests.iter().any(|known| known.digest == referrer.digest) {
            return Ok(());
        }
        let artifact_type = Some(media_type::ATTESTATION.to_owned());
        index.manifests.push(Descriptor { artifact_type, ..referrer.clone() });
        let bytes = serde_json::to_vec(&index).map_err(|error| unreadable(&tag, &error))?;
        let descriptor = Descriptor::of(media_type::OCI_INDEX, &bytes);
        self.put_manifest(&tag, &Document { descriptor, bytes }).map(drop)
    }
}
