//! Where the files of an archive come from: a tar stream that is read once, or a directory.
//!
//! Owns: safe names, links inside archives, limits. Never does: following a link of the host's file system, or
//! writing anywhere but into the blob store.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use buildc_digest::Digest;
use tar::EntryType;

use super::error::io as io_error;
use super::{ArchiveError, Result};
use crate::Store;
use crate::error::StoreError;
use crate::tar::{Content, TarItem, TarReader, decompressed};

/// Manifests and indexes have at most 4 MiB in registries; configs may have more.
pub(super) const DOCUMENT_LIMIT: u64 = 8 * 1024 * 1024;
/// Bytes of content moved at once.
const BUFFER_BYTES: usize = 256 << 10;
const ENTRY_LIMIT: usize = 200_000;
/// What all names and link targets may take together: those of 200,000 blobs are half of it.
const NAMES_LIMIT_BYTES: usize = 32 << 20;
const LINK_LIMIT: usize = 8;

/// The files of an archive by their normal path.
#[derive(Debug)]
pub(super) enum Source {
    /// Files are in the blob store already.
    Tar { files: BTreeMap<String, Digest>, links: BTreeMap<String, String> },
    /// Files are read when asked for.
    Dir(PathBuf),
}

impl Source {
    /// Reads a whole tar, compressed or not, into the blob store.
    pub(super) fn of_tar(store: &Store, input: &mut dyn Read) -> Result<Self> {
        let stream = |source| io_error("read", "-", source);
        let mut reader = TarReader::new(decompressed(input)?);
        let (mut files, mut links) = (BTreeMap::new(), BTreeMap::new());
        let mut name_bytes = 0;
        let mut begun = false;
        while let Some(item) = reader.next_item().map_err(|error| not_an_archive(error, begun))? {
            begun = true;
            let name = normal(&item.name)?;
            name_bytes += name.len() + item.link.len();
            if name_bytes > NAMES_LIMIT_BYTES {
                let why =
                    format!("the names of its entries are longer than {NAMES_LIMIT_BYTES} bytes together");
                return Err(ArchiveError::NotAnArchive { why });
            }
            if files.len() + links.len() >= ENTRY_LIMIT {
                return Err(ArchiveError::NotAnArchive {
                    why: format!("it has more than {ENTRY_LIMIT} entries"),
                });
            }
            match item.kind {
                EntryType::Regular | EntryType::Continuous if !item.is_dir() => {
                    files.insert(name.clone(), keep(store, &name, &mut reader)?);
                }
                EntryType::Symlink | EntryType::Link => {
                    let target = link_target(&name, &item)?;
                    links.insert(name, target);
                }
                _ => {}
            }
        }
        // A producer at the other end of a pipe may still be writing padding.
        io::copy(&mut reader.into_source(), &mut io::sink()).map_err(stream)?;
        Ok(Self::Tar { files, links })
    }

    /// An OCI layout directory.
    pub(super) fn of_dir(path: &Path) -> Result<Self> {
        let path = std::fs::canonicalize(path).map_err(|source| io_error("open", path, source))?;
        Ok(Self::Dir(path))
    }

    /// Says whether there is such a file.
    pub(super) fn has(&self, name: &str) -> bool {
        match self {
            Self::Tar { files, links } => files.contains_key(name) || links.contains_key(name),
            Self::Dir(dir) => dir.join(name).symlink_metadata().is_ok_and(|m| m.is_file()),
        }
    }

    /// Brings a file into the blob store, checking its digest where one is promised.
    pub(super) fn blob(
        &self,
        store: &Store,
        name: &str,
        referrer: &str,
        want: Option<&Digest>,
    ) -> Result<Digest> {
        let got = match self {
            Self::Tar { files, links } => *follow(files, links, name, referrer)?,
            Self::Dir(dir) => match want.filter(|want| store.has_blob(want)) {
                Some(have) => *have,
                None => {
                    let mut file = open_inside(dir, name, referrer)?;
                    keep_stream(store, name, &mut file)?
                }
            },
        };
        match want.filter(|want| **want != got) {
            Some(want) => Err(ArchiveError::DigestMismatch { entry: name.to_owned(), want: *want, got }),
            None => Ok(got),
        }
    }

    /// The bytes of a document.
    pub(super) fn document(
        &self,
        store: &Store,
        name: &str,
        referrer: &str,
        want: Option<&Digest>,
    ) -> Result<Vec<u8>> {
        let digest = self.blob(store, name, referrer, want)?;
        let file = store.open_blob(&digest)?;
        let mut bytes = Vec::new();
        file.take(DOCUMENT_LIMIT + 1)
            .read_to_end(&mut bytes)
            .map_err(|source| io_error("read", name, source))?;
        match bytes.len() as u64 > DOCUMENT_LIMIT {
            true => Err(ArchiveError::TooLarge { entry: name.to_owned(), limit_bytes: DOCUMENT_LIMIT }),
            false => Ok(bytes),
        }
    }
}

/// Looks a file up through the archive's own links.
fn follow<'f>(
    files: &'f BTreeMap<String, Digest>,
    links: &BTreeMap<String, String>,
    name: &str,
    referrer: &str,
) -> Result<&'f Digest> {
    let mut at = name;
    for _ in 0..LINK_LIMIT {
        match (files.get(at), links.get(at)) {
            (Some(digest), _) => return Ok(digest),
            (None, Some(target)) => at = target,
            (None, None) => break,
        }
    }
    Err(ArchiveError::Missing { entry: name.to_owned(), referrer: referrer.to_owned() })
}

/// Opens a file of a layout directory. Links are refused: a layout from elsewhere could name any file of this host.
fn open_inside(dir: &Path, name: &str, referrer: &str) -> Result<File> {
    let mut path = dir.to_owned();
    for part in name.split('/') {
        path.push(part);
        match path.symlink_metadata() {
            Ok(found) if found.is_symlink() => {
                return Err(refuse(name, "it is reached through a symbolic link"));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(ArchiveError::Missing { entry: name.to_owned(), referrer: referrer.to_owned() });
            }
            _ => {}
        }
    }
    let open = OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(&path);
    let file = open.map_err(|source| io_error("open", &path, source))?;
    match file.metadata().is_ok_and(|m| m.is_file()) {
        true => Ok(file),
        false => Err(refuse(name, "it is not a regular file")),
    }
}

/// Takes the content of the entry that the reader stands at.
fn keep<R: Read>(store: &Store, name: &str, reader: &mut TarReader<R>) -> Result<Digest> {
    let mut writer = store.blob_writer()?;
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let content = reader.next_content(&mut buffer).map_err(|error| match error {
            StoreError::TarCutOff => ArchiveError::Truncated { entry: name.to_owned() },
            error => error.into(),
        })?;
        let written = match content {
            Content::End => return Ok(writer.finish(None)?.0),
            Content::Hole(bytes) => writer.hole(bytes),
            Content::Bytes(read) => writer.write_all(buffer.get(..read).unwrap_or_default()),
        };
        written.map_err(|source| io_error("write", name, source))?;
    }
}

fn keep_stream(store: &Store, name: &str, input: &mut dyn Read) -> Result<Digest> {
    Ok(kept_whole(store, Path::new(name), input)?.0)
}

/// Puts all that a stream has, which messages call `name`, into the store; its digest and length in bytes.
pub(super) fn kept_whole(store: &Store, name: &Path, input: &mut dyn Read) -> Result<(Digest, u64)> {
    let mut writer = store.blob_writer()?;
    if let Err(source) = io::copy(input, &mut writer) {
        writer.failure()?;
        return Err(io_error("read", name, source));
    }
    Ok(writer.finish(None)?)
}

/// The normal path that a link in the archive leads to.
fn link_target(name: &str, item: &TarItem) -> Result<String> {
    if name.starts_with("blobs/") {
        return Err(refuse(name, "a blob is a link"));
    }
    let target = std::str::from_utf8(&item.link).map_err(|_| refuse(name, "its link target is not UTF-8"))?;
    if target.starts_with('/') {
        return Err(refuse(name, "it links to an absolute path"));
    }
    let dir = name.rsplit_once('/').map_or("", |(dir, _)| dir);
    let base = if item.kind == EntryType::Link { "" } else { dir };
    let mut parts: Vec<&str> = base.split('/').filter(|p| !p.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.pop().is_none() => return Err(refuse(name, "it links out of the archive")),
            ".." => {}
            part => parts.push(part),
        }
    }
    Ok(parts.join("/"))
}

/// A path without `./`; one that could mean a place outside is refused.
fn normal(path: &[u8]) -> Result<String> {
    let text = String::from_utf8_lossy(path);
    if text.starts_with('/') {
        return Err(refuse(&text, "its path is absolute"));
    }
    if text.split('/').any(|part| part == "..") {
        return Err(refuse(&text, "its path has `..`"));
    }
    let parts: Vec<&str> = text.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    Ok(parts.join("/"))
}

fn refuse(entry: &str, why: &'static str) -> ArchiveError {
    ArchiveError::UnsafeEntry { entry: entry.to_owned(), why }
}

/// What stops a reader between entries; a stream that ends before its first header was never an archive.
fn not_an_archive(error: StoreError, begun: bool) -> ArchiveError {
    match error {
        StoreError::TarCutOff if !begun => {
            ArchiveError::NotAnArchive { why: "it is too short for one".to_owned() }
        }
        StoreError::TarCutOff => ArchiveError::Truncated { entry: "the next header".to_owned() },
        StoreError::Tar { problem } => ArchiveError::NotAnArchive { why: problem },
        error => error.into(),
    }
}
