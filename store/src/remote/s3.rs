//! Build caches in S3 buckets: a manifest under a name, config and layers under their digests, in BuildKit's places.
//!
//! Owns: the requests, signed by `rusty_s3`. Never does: looking for credentials. What is signed never enters a message.

use std::io::{Read, Write};
use std::time::Duration;

use buildc_digest::{DiffId, Digest};
use rusty_s3::{Bucket, Credentials, S3Action, UrlStyle};
use ureq::Body;
use ureq::http::{Method, Response, StatusCode};

use super::ending::unless_cancelled;
use super::pull::{FETCHED_AT_ONCE, Wanted, side_by_side, take_layer};
use super::push::{SENT_AT_ONCE, cannot_compress};
use super::session::{is_transient, wire};
use super::transport::{Ask, Payload, Transport};
use super::{RemoteError, Result, Watch};
use crate::cache::DOCUMENT_LIMIT;
use crate::export::{Form, cache_manifest, compressed_layer};
use crate::oci::{Descriptor, Manifest};
use crate::{Layer, LayerBlob, Store, StoreError};

/// How long a signature is good for: as long as the largest object takes.
const SIGNED_FOR: Duration = Duration::from_secs(6 * 3600);
const ATTEMPTS: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Largest object that one request may send.
const OBJECT_LIMIT_BYTES: u64 = 5 << 30;
const ERROR_BODY_LIMIT: u64 = 16 << 10;

/// A place in a bucket.
#[derive(Clone, PartialEq, Eq)]
pub struct S3Place {
    /// Bucket.
    pub bucket: String,
    /// Region.
    pub region: String,
    /// Address of another service than Amazon's.
    pub endpoint_url: Option<String>,
    /// The bucket is part of the path, not of the host.
    pub path_style: bool,
    /// Key id, secret, and token of a session; without them nothing is signed.
    pub credentials: Option<(String, String, Option<String>)>,
    /// Before all keys.
    pub prefix: String,
    /// Between `prefix` and digests.
    pub blobs_prefix: String,
    /// Between `prefix` and names.
    pub manifests_prefix: String,
    /// Names of the cache; it is read by the first that is there.
    pub names: Vec<String>,
}

impl std::fmt::Debug for S3Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "S3Place({self})")
    }
}

impl std::fmt::Display for S3Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { bucket, prefix, manifests_prefix, .. } = self;
        write!(f, "s3://{bucket}/{prefix}{manifests_prefix}{}", self.names.join(";"))
    }
}

/// A bucket that is talked to.
pub(crate) struct S3<'p> {
    place: &'p S3Place,
    bucket: Bucket,
    credentials: Option<Credentials>,
    transport: Transport,
    watch: Watch<'p>,
}

impl<'p> S3<'p> {
    /// Contacts nobody.
    pub(crate) fn new(place: &'p S3Place, watch: Watch<'p>) -> Result<Self> {
        let amazon = || format!("https://s3.{}.amazonaws.com", place.region);
        let endpoint = place.endpoint_url.clone().unwrap_or_else(amazon);
        let bad = |why: String| RemoteError::Protocol { url: endpoint.clone(), why };
        let url = endpoint.parse().map_err(|_| bad("it is no address".to_owned()))?;
        let style = if place.path_style { UrlStyle::Path } else { UrlStyle::VirtualHost };
        let bucket = Bucket::new(url, style, place.bucket.clone(), place.region.clone());
        let credentials = place.credentials.as_ref().map(|(key, secret, token)| match token {
            Some(token) => Credentials::new_with_token(key, secret, token),
            None => Credentials::new(key, secret),
        });
        let bucket = bucket.map_err(|error| bad(error.to_string()))?;
        Ok(Self { place, bucket, credentials, transport: Transport::default(), watch })
    }

    fn blob(&self, digest: &Digest) -> String {
        format!("{}{}{digest}", self.place.prefix, self.place.blobs_prefix)
    }

    fn manifest(&self, name: &str) -> String {
        format!("{}{}{name}", self.place.prefix, self.place.manifests_prefix)
    }

    /// What messages call an object.
    fn shown(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.place.bucket)
    }

    /// Manifest and config of the first name that is there.
    pub(crate) fn documents(&self) -> Result<(Vec<u8>, Vec<u8>)> {
        for name in &self.place.names {
            let key = self.manifest(name);
            let Some(manifest) = self.read(&key)? else { continue };
            let read: std::result::Result<Manifest, _> = serde_json::from_slice(&manifest);
            let read = read.map_err(|error| RemoteError::NotAnImage {
                name: self.shown(&key),
                why: error.to_string(),
            })?;
            let want = read.config.digest;
            let key = self.blob(&want);
            let config = self.read(&key)?.ok_or_else(|| self.missing(&key))?;
            let got = Digest::of(&config);
            return match got == want {
                true => Ok((manifest, config)),
                false => Err(RemoteError::DigestMismatch { url: self.shown(&key), want, got }),
            };
        }
        Err(self.missing(&self.manifest(&self.place.names.join(";"))))
    }

    /// Brings layers into the store.
    pub(crate) fn layers(&self, store: &Store, wanted: &[(Descriptor, DiffId)]) -> Result<Vec<Layer>> {
        let watch = self.watch;
        unless_cancelled(&self.transport, watch.cancelled, || {
            side_by_side(wanted, FETCHED_AT_ONCE, |(blob, diff_id)| {
                let wanted = Wanted { blob: blob.clone(), diff_id: *diff_id };
                take_layer(store, &wanted, watch, || self.fetch(store, blob))
            })
        })
    }

    /// Sends a cache; its manifest comes last, so that whoever reads it finds everything it names.
    pub(crate) fn send(&self, store: &Store, layers: &[Layer], config: Vec<u8>, form: &Form) -> Result<()> {
        let watch = self.watch;
        let _lease = store.lease()?;
        unless_cancelled(&self.transport, watch.cancelled, || {
            let blobs: Vec<LayerBlob> = side_by_side(layers, SENT_AT_ONCE, |layer| {
                let blob = compressed_layer(store, layer, form, &|| (watch.cancelled)());
                let blob = blob.map_err(|error| cannot_compress(layer, error))?;
                self.send_blob(store, &blob)?;
                Ok(blob)
            })?;
            let (config, manifest) = cache_manifest(config, &blobs)?;
            self.write(&self.blob(&config.descriptor.digest), &config.bytes)?;
            self.place.names.iter().try_for_each(|name| self.write(&self.manifest(name), &manifest.bytes))
        })
    }

    fn send_blob(&self, store: &Store, blob: &LayerBlob) -> Result<()> {
        let key = self.blob(&blob.blob);
        if self.ask(Method::HEAD, &key, Payload::None)?.status().is_success() {
            return Ok(());
        }
        if blob.size_bytes > OBJECT_LIMIT_BYTES {
            return Err(RemoteError::TooLarge { url: self.shown(&key), limit_bytes: OBJECT_LIMIT_BYTES });
        }
        let open = || -> std::io::Result<Box<dyn Read + '_>> {
            Ok(Box::new(store.open_blob(&blob.blob).map_err(std::io::Error::other)?))
        };
        let answer =
            self.ask(Method::PUT, &key, Payload::Stream { open: &open, size_bytes: blob.size_bytes })?;
        self.success(&key, answer).map(drop)
    }

    fn write(&self, key: &str, bytes: &[u8]) -> Result<()> {
        let answer = self.ask(Method::PUT, key, Payload::Bytes(bytes))?;
        self.success(key, answer).map(drop)
    }

    /// A small object; `None` when there is none.
    fn read(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let answer = self.ask(Method::GET, key, Payload::None)?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let mut answer = self.success(key, answer)?;
        let mut bytes = Vec::new();
        let read = answer.body_mut().as_reader().take(DOCUMENT_LIMIT + 1).read_to_end(&mut bytes);
        read.map_err(|error| RemoteError::Unreachable { url: self.shown(key), why: error.to_string() })?;
        match bytes.len() as u64 > DOCUMENT_LIMIT {
            true => Err(RemoteError::TooLarge { url: self.shown(key), limit_bytes: DOCUMENT_LIMIT }),
            false => Ok(Some(bytes)),
        }
    }

    /// Brings a blob into the store; one that breaks off is asked for again.
    fn fetch(&self, store: &Store, blob: &Descriptor) -> Result<()> {
        let key = self.blob(&blob.digest);
        let mut got_bytes = 0;
        for _ in 0..ATTEMPTS {
            let answer = self.ask(Method::GET, &key, Payload::None)?;
            let mut answer = self.success(&key, answer)?;
            let mut writer = store.blob_writer()?;
            let mut body = answer.body_mut().as_reader().take(blob.size.saturating_add(1));
            match std::io::copy(&mut body, &mut writer) {
                Ok(bytes) if bytes == blob.size => {
                    let finished = writer.finish(Some(&blob.digest)).map(drop);
                    return finished.map_err(|error| match error {
                        StoreError::BlobDigest { expected: want, found: got } => {
                            RemoteError::DigestMismatch { url: self.shown(&key), want, got }
                        }
                        other => other.into(),
                    });
                }
                Ok(bytes) => got_bytes = bytes,
                // A full disk is not better the next time.
                Err(_) if writer.flush().is_err() => writer.finish(None).map(drop)?,
                Err(_) => {}
            }
        }
        Err(RemoteError::Truncated { url: self.shown(&key), got_bytes, want_bytes: blob.size })
    }

    /// One request, again while the service is busy or does not answer.
    fn ask(&self, method: Method, key: &str, payload: Payload<'_>) -> Result<Response<Body>> {
        let credentials = self.credentials.as_ref();
        let url = match method {
            Method::PUT => self.bucket.put_object(credentials, key).sign(SIGNED_FOR),
            Method::HEAD => self.bucket.head_object(credentials, key).sign(SIGNED_FOR),
            _ => self.bucket.get_object(credentials, key).sign(SIGNED_FOR),
        };
        let ask = Ask::new(method, url.to_string()).carrying(payload);
        let mut pause = FIRST_PAUSE;
        for _ in 1..ATTEMPTS {
            if (self.watch.cancelled)() {
                return Err(RemoteError::Cancelled);
            }
            match self.transport.exchange(&ask, None, false) {
                Ok(answer) if !is_transient(answer.status()) => return Ok(answer),
                Ok(_) | Err(super::transport::WireError::Connection(_)) => std::thread::sleep(pause),
                Err(error) => return Err(wire(&self.shown(key), error)),
            }
            pause *= 2;
        }
        self.transport.exchange(&ask, None, false).map_err(|error| wire(&self.shown(key), error))
    }

    fn success(&self, key: &str, mut answer: Response<Body>) -> Result<Response<Body>> {
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let mut body = Vec::new();
        // An error text that breaks off still says more than nothing.
        let _ = answer.body_mut().as_reader().take(ERROR_BODY_LIMIT).read_to_end(&mut body);
        let detail = said(&String::from_utf8_lossy(&body));
        let (host, what) = (self.host(), self.shown(key));
        Err(match status {
            StatusCode::NOT_FOUND if detail.is_empty() || detail.starts_with("NoSuchKey") => {
                self.missing(key)
            }
            StatusCode::FORBIDDEN => RemoteError::Denied { host, what, detail },
            StatusCode::UNAUTHORIZED => {
                RemoteError::Unauthorized { host, what, detail, with_credentials: self.credentials.is_some() }
            }
            status => RemoteError::Status { url: what, status: status.as_u16(), detail },
        })
    }

    fn missing(&self, key: &str) -> RemoteError {
        RemoteError::NotFound { name: self.shown(key), asked: vec![self.host()] }
    }

    fn host(&self) -> String {
        self.bucket.base_url().host_str().unwrap_or_default().to_owned()
    }
}

/// Code and message of an error document; the service writes it, and one line of it is shown.
fn said(body: &str) -> String {
    let between = |tag: &str| {
        let (_, rest) = body.split_once(&format!("<{tag}>"))?;
        Some(rest.split_once(&format!("</{tag}>"))?.0)
    };
    let words = [between("Code"), between("Message")].into_iter().flatten().collect::<Vec<_>>().join(": ");
    words.chars().filter(|c| !c.is_control()).take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_documents_are_one_line_and_places_keep_secrets() {
        let body = "<?xml?><Error><Code>NoSuchBucket</Code><Message>not\nthere</Message></Error>";
        assert_eq!(said(body), "NoSuchBucket: notthere");
        assert_eq!(said("<html>"), "");
        let place = S3Place {
            bucket: "b".to_owned(),
            region: "r".to_owned(),
            endpoint_url: Some("http://127.0.0.1:1".to_owned()),
            path_style: true,
            credentials: Some(("id".to_owned(), "secret".to_owned(), Some("token".to_owned()))),
            prefix: "p/".to_owned(),
            blobs_prefix: "blobs/".to_owned(),
            manifests_prefix: "manifests/".to_owned(),
            names: vec!["n".to_owned()],
        };
        assert_eq!(format!("{place:?}"), "S3Place(s3://b/p/manifests/n)");
        let error = S3::new(&place, Watch::SILENT).unwrap().documents().unwrap_err().to_string();
        assert!(error.contains("s3://b/p/manifests/n") && !error.contains("token"), "{error}");
    }
}
