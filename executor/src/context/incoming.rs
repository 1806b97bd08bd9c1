//! Build contexts that are no directory yet: archives from a stream or an address, and git repositories. Each becomes a
//! directory of its own that goes when it is dropped.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use buildc_digest::Digest;
use buildc_ir::git::GitRemote;
use buildc_store::remote::{DownloadWatch, Downloaded, RemoteError, download};
use tempfile::TempDir;

use super::ContextError;
use super::git;
use crate::cancel::Cancel;
use crate::copy::tar_inside;
use crate::unpack::{self, Destination, UnpackError};

/// A text bigger than this is no Dockerfile, in bytes.
const TEXT_LIMIT_BYTES: u64 = 16 << 20;

/// What a context may take of the disk where nothing else is said, in bytes: as it arrives, and again unpacked.
const DEFAULT_LIMIT_BYTES: u64 = 16 << 30;
/// Names another limit, in bytes.
const LIMIT_VARIABLE: &str = "BUILDC_CONTEXT_LIMIT";

/// What a context may take of the disk; a value that is no number is refused, since nobody means the default by it.
pub(crate) fn limit_bytes(what: &str) -> Result<u64, ContextError> {
    let Some(text) = std::env::var_os(LIMIT_VARIABLE) else { return Ok(DEFAULT_LIMIT_BYTES) };
    text.to_str().and_then(|text| text.parse().ok()).ok_or_else(|| ContextError::Incoming {
        what: what.to_owned(),
        problem: format!("{LIMIT_VARIABLE} is not a number of bytes"),
    })
}

fn too_large(what: &str, limit_bytes: u64) -> ContextError {
    ContextError::TooLarge { what: what.to_owned(), limit_bytes }
}

/// A directory that lives as long as this value.
#[derive(Debug)]
pub struct Unpacked {
    /// Removes it.
    _dir: TempDir,
    root: PathBuf,
    /// What its source says of when it was made, in Unix seconds.
    time: Option<i64>,
}

impl Unpacked {
    /// When it was made, in Unix seconds: the time of its commit, or what its server says, else that of the newest file that
    /// an archive holds. `None` for an archive without files.
    pub fn time(&self) -> Option<i64> {
        self.time.or_else(|| newest_file(&self.root))
    }

    /// Where its files are.
    pub fn root(&self) -> &Path {
        &self.root
    }
}

/// What a stream or an address turned out to hold.
#[derive(Debug)]
pub enum Incoming {
    /// An archive, unpacked.
    Files(Unpacked),
    /// Something else, which can only be a Dockerfile.
    Text(Vec<u8>),
}

fn io(what: &str) -> impl Fn(std::io::Error) -> ContextError {
    let what = what.to_owned();
    move |source| ContextError::Incoming { what: what.clone(), problem: source.to_string() }
}

pub(super) fn directory(what: &str) -> Result<TempDir, ContextError> {
    tempfile::Builder::new().prefix("buildc-context-").tempdir().map_err(io(what))
}

/// Reads a stream to its end: an archive (plain, gzip, bzip2, xz, zstd) is unpacked.
///
/// # Errors
/// When the stream or the archive cannot be read, or there is no room.
pub fn receive(what: &str, input: &mut dyn Read) -> Result<Incoming, ContextError> {
    let limit_bytes = limit_bytes(what)?;
    let mut spool = tempfile::tempfile().map_err(io(what))?;
    let bytes =
        std::io::copy(&mut input.take(limit_bytes.saturating_add(1)), &mut spool).map_err(io(what))?;
    if bytes > limit_bytes {
        return Err(too_large(what, limit_bytes));
    }
    open(what, spool, limit_bytes)
}

/// Fetches an http(s) address and looks at what it holds.
///
/// # Errors
/// When it cannot be fetched, or as [`receive`].
pub fn fetch(url: &str) -> Result<Incoming, ContextError> {
    let limit_bytes = limit_bytes(url)?;
    let mut spool = tempfile::NamedTempFile::new().map_err(io(url))?;
    let path = spool.path().to_owned();
    let got = fetch_into(url, None, spool.as_file_mut(), &path, limit_bytes)?;
    let mut incoming = open(url, spool.reopen().map_err(io(url))?, limit_bytes)?;
    if let Incoming::Files(unpacked) = &mut incoming {
        unpacked.time = got
            .last_modified
            .and_then(|time| i64::try_from(time.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs()).ok());
    }
    Ok(incoming)
}

/// Fetches an http(s) address into a file, which lies at `path`.
pub(crate) fn fetch_into(
    url: &str,
    expect: Option<&Digest>,
    file: &mut File,
    path: &Path,
    limit_bytes: u64,
) -> Result<Downloaded, ContextError> {
    let is_over = AtomicBool::new(false);
    let watch = DownloadWatch {
        progress: &|done, total| is_over.store(done.max(total.unwrap_or(0)) > limit_bytes, Ordering::Relaxed),
        cancelled: &|| is_over.load(Ordering::Relaxed),
    };
    let got = download(url, expect, file, path, &watch).map_err(|error| match error {
        RemoteError::Cancelled => too_large(url, limit_bytes),
        // Nobody here speaks with a registry.
        RemoteError::Protocol { why, .. } => ContextError::Incoming { what: url.to_owned(), problem: why },
        error => ContextError::Incoming { what: url.to_owned(), problem: error.to_string() },
    })?;
    if is_over.into_inner() { Err(too_large(url, limit_bytes)) } else { Ok(got) }
}

/// Checks a repository out, until `cancel` is set. Without it git is in this process's group, so that Ctrl-C ends both.
///
/// # Errors
/// When git is not installed, fails or is ended, or the subdirectory does not exist.
pub fn clone(remote: &GitRemote, cancel: Option<&Cancel>) -> Result<Unpacked, ContextError> {
    let what = remote.url.as_str();
    let dir = directory(what)?;
    let time = git::check_out(remote, dir.path(), limit_bytes(what)?, cancel)?;
    let root = subdirectory(dir.path(), &remote.subdirectory).ok_or_else(|| ContextError::Incoming {
        what: what.to_owned(),
        problem: format!("there is no directory `{}` in it", remote.subdirectory),
    })?;
    Ok(Unpacked { _dir: dir, root, time: Some(time) })
}

/// The time of the newest file below a directory; what cannot be read is left out.
fn newest_file(dir: &Path) -> Option<i64> {
    let entries = std::fs::read_dir(dir).ok()?;
    entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let meta = entry.metadata().ok()?;
            if meta.is_dir() { newest_file(&entry.path()) } else { Some(meta.mtime()) }
        })
        .max()
}

/// A directory below another, no link followed out of it.
fn subdirectory(root: &Path, below: &str) -> Option<PathBuf> {
    let root = root.canonicalize().ok()?;
    let found = root.join(below.trim_start_matches('/')).canonicalize().ok()?;
    (found.starts_with(&root) && found.is_dir()).then_some(found)
}

/// The tar stream that a file holds, plain or packed by gzip, bzip2, xz or zstd; `None` when it is something else.
pub(crate) fn archive_in(what: &str, mut file: File) -> Result<Option<Box<dyn Read>>, ContextError> {
    file.flush().and_then(|()| file.seek(SeekFrom::Start(0))).map_err(io(what))?;
    tar_inside(file).map_err(io(what))
}

/// Unpacks an archive into an empty directory.
pub(crate) fn unpack_into(
    what: &str,
    archive: &mut dyn Read,
    dir: &Path,
    limit_bytes: u64,
) -> Result<(), ContextError> {
    let root = File::open(dir).map_err(io(what))?;
    let to =
        Destination { root: root.as_fd(), dir: Path::new(""), owners: false, limit_bytes: Some(limit_bytes) };
    unpack::unpack(to, archive).map_err(|error| match error {
        UnpackError::Io(source) => io(what)(source),
        UnpackError::TooLarge { limit_bytes } => too_large(what, limit_bytes),
    })
}

fn open(what: &str, mut spool: File, limit_bytes: u64) -> Result<Incoming, ContextError> {
    if let Some(mut archive) = archive_in(what, spool.try_clone().map_err(io(what))?)? {
        let dir = directory(what)?;
        unpack_into(what, &mut archive, dir.path(), limit_bytes)?;
        let root = dir.path().to_owned();
        return Ok(Incoming::Files(Unpacked { _dir: dir, root, time: None }));
    }
    spool.seek(SeekFrom::Start(0)).map_err(io(what))?;
    let mut bytes = Vec::new();
    spool.take(TEXT_LIMIT_BYTES + 1).read_to_end(&mut bytes).map_err(io(what))?;
    if bytes.len() as u64 > TEXT_LIMIT_BYTES {
        let problem = "it is neither an archive nor a Dockerfile".to_owned();
        return Err(ContextError::Incoming { what: what.to_owned(), problem });
    }
    Ok(Incoming::Text(bytes))
}
