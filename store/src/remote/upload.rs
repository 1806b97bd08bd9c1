//! Sending one blob: mounted when the host has it elsewhere, else in one streaming PUT.

use std::io::Read;

use buildc_digest::Digest;
use ureq::http::{Method, header};

use super::session::Session;
use super::transport::{Ask, Payload, join};
use super::{Progress, RemoteError, Result, Watch, origins};
use crate::Store;

const ATTEMPTS: u32 = 5;

/// What asking for an upload gives.
enum Opened {
    /// The blob was mounted; nothing to send.
    Mounted,
    /// Where to send it.
    At(String),
}

impl Session<'_> {
    /// Sends a blob of the store unless the other side has it.
    pub(super) fn send_blob(&self, store: &Store, digest: &Digest) -> Result<()> {
        let progress = self.watch.progress;
        if self.has_blob(digest)? {
            origins::remember(store, digest, &self.place)?;
            progress(Progress::Present { digest: *digest });
            return Ok(());
        }
        let from = origins::mountable(store, digest, &self.place)?;
        let mut attempt = 0;
        loop {
            let location = match self.open_upload(digest, from.first().filter(|_| attempt == 0))? {
                Opened::Mounted => {
                    progress(Progress::Present { digest: *digest });
                    break;
                }
                Opened::At(location) => location,
            };
            match self.put_blob(store, digest, &location) {
                Ok(()) => {
                    progress(Progress::Finished { digest: *digest });
                    break;
                }
                Err(error) if attempt + 1 < ATTEMPTS && is_worth_repeating(&error) => {
                    self.pause(attempt, None, format!("{error}, sending again"))?;
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        }
        origins::remember(store, digest, &self.place)?;
        Ok(())
    }

    fn open_upload(&self, digest: &Digest, mount_from: Option<&String>) -> Result<Opened> {
        let mut url = self.url("blobs/uploads/");
        if let Some(from) = mount_from {
            url.push_str(&format!("?mount={digest}&from={from}"));
        }
        let response = self.send(&Ask::new(Method::POST, url.clone()))?;
        match response.status().as_u16() {
            201 => Ok(Opened::Mounted),
            202 => {
                let location = response.headers().get(header::LOCATION).and_then(|v| v.to_str().ok());
                let why = "it gives no place to send to".to_owned();
                let location = location.ok_or_else(|| RemoteError::Protocol { url: url.clone(), why })?;
                Ok(Opened::At(join(&self.url("blobs/uploads/"), location)))
            }
            // Some registries refuse mounts from repositories that they do not let us read.
            _ if mount_from.is_some() => self.open_upload(digest, None),
            _ => Err(self.refused(&url, response)),
        }
    }

    /// One PUT with the whole blob, read from the store while it is sent.
    fn put_blob(&self, store: &Store, digest: &Digest, location: &str) -> Result<()> {
        let sign = if location.contains('?') { '&' } else { '?' };
        let url = format!("{location}{sign}digest={digest}");
        let size_bytes = store.open_blob(digest)?.metadata().map_err(|source| RemoteError::Io {
            action: "read blob",
            path: digest.to_string().into(),
            source,
        })?;
        let size_bytes = size_bytes.len();
        let watch = self.watch;
        let open = || -> std::io::Result<Box<dyn Read>> {
            let file = store.open_blob(digest).map_err(std::io::Error::other)?;
            Ok(Box::new(Sending { file, digest: *digest, done_bytes: 0, total_bytes: size_bytes, watch }))
        };
        let ask = Ask::new(Method::PUT, url.clone())
            .with(header::CONTENT_TYPE, "application/octet-stream")
            .carrying(Payload::Stream { open: &open, size_bytes });
        let response = self.send_once(&ask)?;
        match response.status().as_u16() {
            201 | 204 => Ok(()),
            _ => Err(self.refused(&url, response)),
        }
    }
}

/// Failures of a single PUT that a new upload may get over.
fn is_worth_repeating(error: &RemoteError) -> bool {
    match error {
        RemoteError::Status { status, .. } => *status >= 500 || matches!(status, 404 | 408 | 416),
        RemoteError::Unreachable { .. } | RemoteError::RateLimited { .. } => true,
        // The token may have run out during a long upload.
        RemoteError::Unauthorized { .. } => true,
        _ => false,
    }
}

/// A blob on its way, with progress; reading fails when the transfer is cancelled.
struct Sending<'w> {
    file: std::fs::File,
    digest: Digest,
    done_bytes: u64,
    total_bytes: u64,
    watch: Watch<'w>,
}

impl Read for Sending<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if (self.watch.cancelled)() {
            return Err(std::io::Error::other("cancelled"));
        }
        let count = self.file.read(buffer)?;
        self.done_bytes += count as u64;
        let (digest, done_bytes, total_bytes) = (self.digest, self.done_bytes, self.total_bytes);
        (self.watch.progress)(Progress::Blob { digest, done_bytes, total_bytes });
        Ok(count)
    }
}
