//! Files and archives from an address.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use buildc_digest::{Digest, OciHasher};
use buildc_ir::source::Facts;

use super::{Brought, Result, SourceError, failed, file_name, tree};
use crate::context::ContextError;
use crate::context::incoming::{fetch_into, limit_bytes, unpack_into};

/// Bytes moved at once.
const BUFFER_BYTES: usize = 64 << 10;

/// Brings one file into `dir`.
pub(super) fn file(url: &str, expect: Option<&Digest>, dir: &Path) -> Result<Brought> {
    let path = dir.join(file_name(url));
    let sha256 = spool(url, expect, &path)?;
    Ok(Brought { path, facts: Facts { sha256: Some(sha256), ..Facts::default() } })
}

/// Brings what is in an archive into `dir`.
pub(super) fn archive(url: &str, expect: Option<&Digest>, dir: &Path) -> Result<Brought> {
    if let Some(path) = local(url).filter(|path| !path.exists()) {
        return Err(SourceError::Missing { what: "tarball", path });
    }
    let (spooled, unpacked) = (dir.join("archive"), dir.join("unpacked"));
    std::fs::create_dir(&unpacked).map_err(failed("creating", &unpacked))?;
    spool(url, expect, &spooled)?;
    let archive = File::open(&spooled).map_err(failed("opening file", &spooled))?;
    let limit = limit_bytes(url).map_err(reason).map_err(SourceError::Archive)?;
    match unpack_into(url, archive, &unpacked, limit) {
        Ok(true) => {}
        Ok(false) => return Err(SourceError::Archive("Unrecognized archive format".to_owned())),
        Err(error) => return Err(SourceError::Archive(reason(error))),
    }
    std::fs::remove_file(&spooled).map_err(failed("removing", &spooled))?;
    let last_modified = tree::open_up(&unpacked)?;
    let path = only_directory(&unpacked)?.unwrap_or(unpacked);
    Ok(Brought { path, facts: Facts { last_modified: Some(last_modified), ..Facts::default() } })
}

/// The file that a `file:` URL means.
pub(super) fn local(url: &str) -> Option<PathBuf> {
    url.strip_prefix("file://").map(PathBuf::from).filter(|path| path.is_absolute())
}

/// What is wrong, without what it is about: that is told beside it.
fn reason(error: ContextError) -> String {
    match error {
        ContextError::Incoming { problem, .. } => problem,
        error => error.to_string(),
    }
}

/// Writes the bytes at a URL to `path`, and gives their sha256.
fn spool(url: &str, expect: Option<&Digest>, path: &Path) -> Result<Digest> {
    let refused = |reason: String| SourceError::Download { url: url.to_owned(), reason };
    let options = File::options().read(true).write(true).create_new(true).open(path);
    let mut file = options.map_err(failed("creating", path))?;
    let Some(local) = local(url) else {
        let limit = limit_bytes(url).map_err(reason).map_err(refused)?;
        return fetch_into(url, expect, &mut file, path, limit).map_err(reason).map_err(refused);
    };
    // In the words of curl.
    let unreadable =
        |_| refused(format!("Could not read a file:// file (37) Could not open file {}", local.display()));
    let source = File::open(&local).map_err(unreadable)?;
    let digest = pour(source, &mut file).map_err(failed("copying", &local))?;
    match expect {
        Some(expected) if *expected != digest => {
            Err(refused(format!("its sha256 is {digest}, and {expected} is wanted")))
        }
        _ => Ok(digest),
    }
}

fn pour(source: File, to: &mut File) -> io::Result<Digest> {
    let mut source = BufReader::with_capacity(BUFFER_BYTES, source);
    let (mut hasher, mut piece) = (OciHasher::default(), vec![0; BUFFER_BYTES]);
    loop {
        match source.read(&mut piece) {
            Ok(0) => return Ok(hasher.digest()),
            Ok(length) => {
                hasher.update(&piece[..length]);
                to.write_all(&piece[..length])?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The directory that is all there is at the root of an archive.
fn only_directory(root: &Path) -> Result<Option<PathBuf>> {
    let mut entries = std::fs::read_dir(root).map_err(failed("reading directory", root))?;
    let (Some(first), None) = (entries.next(), entries.next()) else { return Ok(None) };
    let first = first.map_err(failed("reading directory", root))?;
    let is_dir = first.file_type().map_err(failed("reading directory", root))?.is_dir();
    Ok(is_dir.then(|| first.path()))
}
