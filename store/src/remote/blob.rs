//! Fetching one blob: resumed by Range when it breaks off, verified, never longer than promised.

use std::io::{Read, Write};

use buildc_digest::Digest;
use ureq::http::{Method, header};

use super::session::Session;
use super::transport::Ask;
use super::{Progress, RemoteError, Result};
use crate::oci::Descriptor;
use crate::{BlobWriter, Store, StoreError};

/// Attempts without a byte beyond the furthest that any attempt has reached.
const FRUITLESS_ATTEMPTS: u32 = 5;
const BUFFER_BYTES: usize = 256 * 1024;

/// How reading an answer ended.
enum End {
    Complete,
    BrokenOff(String),
    /// The server says that it has no more than so many bytes.
    Short(u64),
}

impl Session<'_> {
    /// Brings a blob into the store.
    pub(super) fn fetch_blob(&self, store: &Store, blob: &Descriptor) -> Result<()> {
        let url = self.url(&format!("blobs/{}", blob.digest));
        let mut writer = store.blob_writer()?;
        let mut got = 0;
        // An attempt may have to start over, so what counts is not what arrived but whether it got further.
        let mut furthest = 0;
        let mut fruitless = 0;
        let truncated = |url, got_bytes| RemoteError::Truncated { url, got_bytes, want_bytes: blob.size };
        loop {
            match self.fetch_part(store, &url, blob, &mut writer, &mut got)? {
                End::Complete => break,
                End::Short(has) => return Err(truncated(url, has)),
                End::BrokenOff(why) => {
                    fruitless = if got > furthest { 0 } else { fruitless + 1 };
                    furthest = furthest.max(got);
                    if fruitless >= FRUITLESS_ATTEMPTS {
                        return Err(truncated(url, furthest));
                    }
                    self.pause(
                        fruitless,
                        None,
                        format!("`{url}`: {why} after {got} bytes, going on from there"),
                    )?;
                }
            }
        }
        match writer.finish(Some(&blob.digest)) {
            Ok(_) => Ok(()),
            Err(StoreError::BlobDigest { expected, found }) => {
                Err(RemoteError::DigestMismatch { url, want: expected, got: found })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// One request for what is still missing.
    fn fetch_part(
        &self,
        store: &Store,
        url: &str,
        blob: &Descriptor,
        writer: &mut BlobWriter,
        got: &mut u64,
    ) -> Result<End> {
        let mut ask = Ask::new(Method::GET, url.to_owned());
        if *got > 0 {
            ask = ask.with(header::RANGE, format!("bytes={got}-"));
        }
        let mut response = self.send(&ask)?;
        match response.status().as_u16() {
            206 if starts_at(&response, *got) => {}
            416 if complete_length(&response).is_some_and(|has| has < blob.size) => {
                return Ok(End::Short(complete_length(&response).unwrap_or_default()));
            }
            // The server does not do ranges, or lost its place: all over again.
            200 | 206 | 416 if *got > 0 => {
                *writer = store.blob_writer()?;
                *got = 0;
                if response.status() != 200 {
                    return Ok(End::BrokenOff("the server cannot resume".to_owned()));
                }
            }
            200 => {}
            404 => {
                let asked = vec![format!("`{url}`")];
                return Err(RemoteError::NotFound {
                    name: format!("{}@{}", self.repository(), blob.digest),
                    asked,
                });
            }
            _ => return Err(self.refused(url, response)),
        }
        let mut body = response.body_mut().with_config().limit(u64::MAX).reader();
        self.copy(url, blob, &mut body, writer, got)
    }

    fn copy(
        &self,
        url: &str,
        blob: &Descriptor,
        body: &mut dyn Read,
        writer: &mut BlobWriter,
        got: &mut u64,
    ) -> Result<End> {
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            self.check_cancelled()?;
            let count = match body.read(&mut buffer) {
                Ok(0) if *got == blob.size => return Ok(End::Complete),
                Ok(0) => return Ok(End::BrokenOff("the body ended".to_owned())),
                Ok(count) => count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Ok(End::BrokenOff(error.to_string())),
            };
            *got += count as u64;
            if *got > blob.size {
                return Err(RemoteError::TooLarge { url: url.to_owned(), limit_bytes: blob.size });
            }
            let bytes = buffer.get(..count).unwrap_or_default();
            writer.write_all(bytes).map_err(|source| blob_io(source, &blob.digest))?;
            (self.watch.progress)(Progress::Blob {
                digest: blob.digest,
                done_bytes: *got,
                total_bytes: blob.size,
            });
        }
    }

    /// Says whether the other side has a blob.
    pub(super) fn has_blob(&self, digest: &Digest) -> Result<bool> {
        let url = self.url(&format!("blobs/{digest}"));
        let response = self.send(&Ask::new(Method::HEAD, url.clone()))?;
        match response.status().as_u16() {
            200 => Ok(true),
            404 => Ok(false),
            _ => Err(self.refused(&url, response)),
        }
    }
}

fn starts_at(response: &ureq::http::Response<ureq::Body>, offset: u64) -> bool {
    let range = response.headers().get(header::CONTENT_RANGE).and_then(|v| v.to_str().ok());
    let start = range.and_then(|r| r.trim().strip_prefix("bytes ")).and_then(|r| r.split('-').next());
    start.is_some_and(|s| s.parse() == Ok(offset))
}

/// The length that a 416 tells (RFC 9110 section 14.4).
fn complete_length(response: &ureq::http::Response<ureq::Body>) -> Option<u64> {
    let range = response.headers().get(header::CONTENT_RANGE)?.to_str().ok()?;
    range.trim().strip_prefix("bytes */")?.parse().ok()
}

fn blob_io(source: std::io::Error, digest: &Digest) -> RemoteError {
    RemoteError::Io { action: "write blob", path: digest.to_string().into(), source }
}
