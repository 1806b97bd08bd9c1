//! Build caches in registries: a manifest over results of steps, and its layers one by one.

use buildc_digest::{DiffId, Digest};

use super::client::Client;
use super::document::{Document as Served, not_an_image, parse};
use super::ending::unless_cancelled;
use super::name::Name;
use super::pull::{FETCHED_AT_ONCE, Wanted, fetch_layer, side_by_side};
use super::push::{SENT_AT_ONCE, cannot_compress};
use super::session::Session;
use super::transport::Ask;
use super::{RemoteError, Result, Watch};
use crate::cache::DOCUMENT_LIMIT;
use crate::export::{Composed, Form, cache_manifest, compressed_layer};
use crate::oci::{Descriptor, Index, Manifest, Platform, media_type};
use crate::{Layer, LayerBlob, Store};

impl Client {
    /// Manifest and config of a name, whatever the config is. Of an index, this machine's image.
    pub(crate) fn cache_documents(&self, name: &str) -> Result<(Vec<u8>, Vec<u8>)> {
        let (name, session) = self.cache_session(name, Watch::SILENT)?;
        let mut document = session.manifest(&name, &name.reference(), name.digest.as_ref())?;
        if media_type::is_index(&document.media_type) {
            document = child(&session, &name, &document)?;
        }
        let manifest: Manifest = parse(&name, &document.bytes)?;
        let url = session.url(&format!("blobs/{}", manifest.config.digest));
        if manifest.config.size > DOCUMENT_LIMIT {
            return Err(RemoteError::TooLarge { url, limit_bytes: DOCUMENT_LIMIT });
        }
        let ask = Ask::new(ureq::http::Method::GET, url.clone());
        let (config, _) = session.get_whole(&name, &ask, manifest.config.size)?;
        let got = Digest::of(&config);
        match got == manifest.config.digest {
            true => Ok((document.bytes, config)),
            false => Err(RemoteError::DigestMismatch { url, want: manifest.config.digest, got }),
        }
    }

    /// Brings layers of a name's repository into the store.
    pub(crate) fn fetch_layers(
        &self,
        store: &Store,
        name: &str,
        wanted: &[(Descriptor, DiffId)],
        watch: Watch<'_>,
    ) -> Result<Vec<Layer>> {
        let (_, session) = self.cache_session(name, watch)?;
        unless_cancelled(&self.transport, watch.cancelled, || {
            side_by_side(wanted, FETCHED_AT_ONCE, |(blob, diff_id)| {
                fetch_layer(store, &session, &Wanted { blob: blob.clone(), diff_id: *diff_id })
            })
        })
    }

    /// Sends a cache.
    pub(crate) fn push_cache(
        &self,
        store: &Store,
        layers: &[Layer],
        config: Vec<u8>,
        form: &Form,
        target: &str,
        watch: Watch<'_>,
    ) -> Result<()> {
        let _lease = store.lease()?;
        let target = self.target(target)?;
        let session = Session::new(self, self.registries.push_place(&target)?, "pull,push", &[], watch);
        unless_cancelled(&self.transport, watch.cancelled, || {
            let blobs: Vec<LayerBlob> = side_by_side(layers, SENT_AT_ONCE, |layer| {
                session.check_cancelled()?;
                let blob = compressed_layer(store, layer, form, &|| (watch.cancelled)());
                let blob = blob.map_err(|error| cannot_compress(layer, error))?;
                session.send_blob(store, &blob.blob)?;
                Ok(blob)
            })?;
            let (config, manifest) = cache_manifest(config, &blobs)?;
            let composed = Composed { blobs: vec![config], manifests: vec![(manifest, None)] };
            let tag = target.tag.clone().unwrap_or_else(|| "latest".to_owned());
            session.put_composed(store, &composed, &tag).map(drop)
        })
    }

    /// The place that a cache's name is asked at: its origin, since a mirror may be behind.
    fn cache_session<'c>(&'c self, text: &str, watch: Watch<'c>) -> Result<(Name, Session<'c>)> {
        let name = Name::parse(text)?;
        let place = self.registries.push_place(&name)?;
        let session = Session::new(self, place, "pull", &[], watch);
        Ok((name, session))
    }
}

fn child(session: &Session<'_>, name: &Name, document: &Served) -> Result<Served> {
    let index: Index = parse(name, &document.bytes)?;
    let child = super::choose(&index.manifests, &Platform::host())
        .ok_or_else(|| not_an_image(name, "its index has no image for this machine"))?;
    session.manifest(name, &child.digest.to_string(), Some(&child.digest))
}
