//! Fetching one file that is no part of an image.
//!
//! Owns: the attempts, and what is told of the answer. Never does: login, registries.conf, or anything with the file.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use buildc_digest::{Digest, OciHasher};
use ureq::Body;
use ureq::http::{Method, Response, header};

use super::ending::unless_cancelled;
use super::session::{is_transient, wire};
use super::transport::{Ask, Transport, WireError};
use super::{RemoteError, Result};

const ATTEMPTS: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const BUFFER_BYTES: usize = 256 * 1024;

/// A file that has arrived.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Downloaded {
    /// sha256 of its bytes.
    pub digest: Digest,
    /// Its length.
    pub size_bytes: u64,
    /// When the server says it was last changed.
    pub last_modified: Option<SystemTime>,
}

/// How a download talks to its caller.
pub struct DownloadWatch<'a> {
    /// Receives the bytes so far, and in all where the server tells.
    pub progress: &'a dyn Fn(u64, Option<u64>),
    /// Asked often, from another thread too; true ends the download with [`RemoteError::Cancelled`].
    pub cancelled: &'a (dyn Fn() -> bool + Sync),
}

impl DownloadWatch<'_> {
    /// Nobody watches.
    pub const SILENT: DownloadWatch<'static> = DownloadWatch { progress: &|_, _| {}, cancelled: &|| false };
}

impl std::fmt::Debug for DownloadWatch<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DownloadWatch")
    }
}

/// Writes what an http(s) address answers into `file`, which lies at `path`, from its beginning. Redirects are
/// followed; proxies and trusted certificates are those of registries. An attempt that breaks off is repeated.
///
/// # Errors
/// When no attempt brings the whole file, the answer is no success, or with `expect` the bytes have another digest.
pub fn download(
    url: &str,
    expect: Option<&Digest>,
    file: &mut File,
    path: &Path,
    watch: &DownloadWatch<'_>,
) -> Result<Downloaded> {
    let transport = Transport::default();
    let got = unless_cancelled(&transport, watch.cancelled, || arrived(&transport, url, file, path, watch))?;
    match expect.filter(|want| **want != got.digest) {
        Some(want) => Err(RemoteError::DigestMismatch { url: url.to_owned(), want: *want, got: got.digest }),
        None => Ok(got),
    }
}

/// Asks for the file until it is here.
fn arrived(
    transport: &Transport,
    url: &str,
    file: &mut File,
    path: &Path,
    watch: &DownloadWatch<'_>,
) -> Result<Downloaded> {
    let mut attempt = 0;
    loop {
        let last = attempt + 1 >= ATTEMPTS;
        match transport.exchange(&Ask::new(Method::GET, url.to_owned()), None, false) {
            Err(WireError::Connection(_)) if !last => {}
            Err(error) => return Err(wire(url, error)),
            Ok(response) if is_transient(response.status()) && !last => {}
            Ok(response) if !response.status().is_success() => return Err(refused(url, &response)),
            Ok(response) => {
                restart(file).map_err(|source| written(path, source))?;
                match receive(url, response, file, path, watch) {
                    Err(RemoteError::Truncated { .. } | RemoteError::Unreachable { .. }) if !last => {}
                    other => return other,
                }
            }
        }
        pause(attempt, watch)?;
        attempt += 1;
    }
}

/// Forgets what an earlier attempt has written.
fn restart(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()
}

fn receive(
    url: &str,
    mut response: Response<Body>,
    file: &mut File,
    path: &Path,
    watch: &DownloadWatch<'_>,
) -> Result<Downloaded> {
    let modified = response.headers().get(header::LAST_MODIFIED).and_then(|v| v.to_str().ok());
    let last_modified = modified.and_then(|text| httpdate::parse_http_date(text).ok());
    let want_bytes = response.body().content_length();
    let mut body = response.body_mut().with_config().limit(u64::MAX).reader();
    let mut hasher = OciHasher::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut size_bytes = 0;
    loop {
        check(watch)?;
        let count = match body.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(broken_off(url, size_bytes, want_bytes, &error)),
        };
        let bytes = buffer.get(..count).unwrap_or_default();
        hasher.update(bytes);
        file.write_all(bytes).map_err(|source| written(path, source))?;
        size_bytes += count as u64;
        (watch.progress)(size_bytes, want_bytes);
    }
    // Where the server does not tell the length, a connection that was closed here looks like the end of the file.
    check(watch)?;
    match want_bytes.filter(|want| *want != size_bytes) {
        Some(want_bytes) => {
            Err(RemoteError::Truncated { url: url.to_owned(), got_bytes: size_bytes, want_bytes })
        }
        None => Ok(Downloaded { digest: hasher.digest(), size_bytes, last_modified }),
    }
}

fn broken_off(url: &str, got_bytes: u64, want_bytes: Option<u64>, error: &std::io::Error) -> RemoteError {
    let url = url.to_owned();
    match want_bytes {
        Some(want_bytes) => RemoteError::Truncated { url, got_bytes, want_bytes },
        None => RemoteError::Unreachable { url, why: format!("{error} after {got_bytes} bytes") },
    }
}

fn refused(url: &str, response: &Response<Body>) -> RemoteError {
    let status = response.status();
    let detail = status.canonical_reason().unwrap_or("no reason given").to_owned();
    RemoteError::Status { url: url.to_owned(), status: status.as_u16(), detail }
}

fn written(path: &Path, source: std::io::Error) -> RemoteError {
    RemoteError::Io { action: "write", path: path.to_owned(), source }
}

fn check(watch: &DownloadWatch<'_>) -> Result<()> {
    if (watch.cancelled)() { Err(RemoteError::Cancelled) } else { Ok(()) }
}

/// Waits twice as long each time.
fn pause(attempt: u32, watch: &DownloadWatch<'_>) -> Result<()> {
    let end = Instant::now() + FIRST_PAUSE.saturating_mul(1 << attempt.min(8));
    while Instant::now() < end {
        check(watch)?;
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}
