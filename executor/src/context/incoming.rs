//! Build contexts that are no directory yet: archives from a stream or an address, and git repositories. Each becomes a
//! directory of its own that goes when it is dropped.

use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use buildc_ir::git::GitRemote;
use buildc_store::remote::{DownloadWatch, download};
use tempfile::TempDir;

use super::ContextError;
use super::git;
use crate::copy::tar_inside;

/// A text bigger than this is no Dockerfile, in bytes.
const TEXT_LIMIT_BYTES: u64 = 16 << 20;

/// A directory that lives as long as this value.
#[derive(Debug)]
pub struct Unpacked {
    /// Removes it.
    _dir: TempDir,
    root: PathBuf,
}

impl Unpacked {
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

fn directory(what: &str) -> Result<TempDir, ContextError> {
    tempfile::Builder::new().prefix("buildc-context-").tempdir().map_err(io(what))
}

/// Reads a stream to its end: an archive (plain, gzip, bzip2, xz, zstd) is unpacked.
///
/// # Errors
/// When the stream or the archive cannot be read, or there is no room.
pub fn receive(what: &str, input: &mut dyn Read) -> Result<Incoming, ContextError> {
    let mut spool = tempfile::tempfile().map_err(io(what))?;
    std::io::copy(input, &mut spool).map_err(io(what))?;
    open(what, spool)
}

/// Fetches an http(s) address and looks at what it holds.
///
/// # Errors
/// When it cannot be fetched, or as [`receive`].
pub fn fetch(url: &str) -> Result<Incoming, ContextError> {
    let mut spool = tempfile::NamedTempFile::new().map_err(io(url))?;
    let path = spool.path().to_owned();
    download(url, None, spool.as_file_mut(), &path, &DownloadWatch::SILENT)
        .map_err(|e| ContextError::Incoming { what: url.to_owned(), problem: e.to_string() })?;
    open(url, spool.reopen().map_err(io(url))?)
}

/// Checks a repository out.
///
/// # Errors
/// When git is not installed or fails, or the subdirectory does not exist.
pub fn clone(remote: &GitRemote) -> Result<Unpacked, ContextError> {
    let what = remote.url.as_str();
    let dir = directory(what)?;
    git::check_out(remote, dir.path())?;
    let root = subdirectory(dir.path(), &remote.subdirectory).ok_or_else(|| ContextError::Incoming {
        what: what.to_owned(),
        problem: format!("there is no directory `{}` in it", remote.subdirectory),
    })?;
    Ok(Unpacked { _dir: dir, root })
}

/// A directory below another, no link followed out of it.
fn subdirectory(root: &Path, below: &str) -> Option<PathBuf> {
    let root = root.canonicalize().ok()?;
    let found = root.join(below.trim_start_matches('/')).canonicalize().ok()?;
    (found.starts_with(&root) && found.is_dir()).then_some(found)
}

fn open(what: &str, mut spool: std::fs::File) -> Result<Incoming, ContextError> {
    spool.flush().and_then(|()| spool.seek(SeekFrom::Start(0))).map_err(io(what))?;
    let copy = spool.try_clone().map_err(io(what))?;
    if let Some(reader) = tar_inside(copy).map_err(io(what))? {
        let dir = directory(what)?;
        let mut archive = tar::Archive::new(reader);
        archive.set_preserve_permissions(true);
        archive.set_overwrite(true);
        archive.unpack(dir.path()).map_err(io(what))?;
        let root = dir.path().to_owned();
        return Ok(Incoming::Files(Unpacked { _dir: dir, root }));
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
