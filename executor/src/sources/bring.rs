//! Files and archives from an address.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use buildc_digest::{Digest, OciHasher};
use buildc_ir::source::Facts;

use super::{Brought, Result, SourceError, failed, tree};
use crate::context::ContextError;
use crate::context::incoming::{archive_in, fetch_into, limit_bytes, unpack_into};

/// Bytes moved at once.
const BUFFER_BYTES: usize = 64 << 10;

/// Brings one file into `dir`.
pub(super) fn file(url: &str, expect: Option<&Digest>, dir: &Path) -> Result<Brought> {
    // Not by its URL: what follows the last slash of one may be longer than a name can be.
    let path = dir.join("file");
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
    let refused = |error| SourceError::Archive(reason(error));
    let archive = archive_in(url, archive).map_err(refused)?;
    let mut archive =
        archive.ok_or_else(|| SourceError::Archive("Unrecognized archive format".to_owned()))?;
    unpack_into(url, &mut archive, &unpacked, limit).map_err(refused)?;
    std::fs::remove_file(&spooled).map_err(failed("removing", &spooled))?;
    let last_modified = tree::settle(&unpacked)?;
    let path = only_directory(&unpacked)?.unwrap_or(unpacked);
    Ok(Brought { path, facts: Facts { last_modified: Some(last_modified), ..Facts::default() } })
}

/// The file that a `file:` URL means: its path decoded (RFC 3986, 2.1), without query and fragment.
pub(crate) fn local(url: &str) -> Option<PathBuf> {
    let path = url.strip_prefix("file://")?.split(['?', '#']).next().unwrap_or_default();
    Some(PathBuf::from(OsString::from_vec(decoded(path.as_bytes())))).filter(|path| path.is_absolute())
}

/// The `file:` URL of an absolute path.
pub(super) fn address(path: &Path) -> String {
    let mut url = "file://".to_owned();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' | b'@' | b'/' => {
                url.push(char::from(*byte));
            }
            byte => url.push_str(&format!("%{byte:02X}")),
        }
    }
    url
}

/// A text with `%XX` as the bytes that they stand for; what looks like one and is none stays.
fn decoded(text: &[u8]) -> Vec<u8> {
    let digit = |at: usize| text.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let (mut bytes, mut at) = (Vec::with_capacity(text.len()), 0);
    while let Some(byte) = text.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high << 4 | low) as u8);
                at += 3;
            }
            _ => {
                bytes.push(*byte);
                at += 1;
            }
        }
    }
    bytes
}

/// The sha256 of a file of this machine.
pub(crate) fn sha256(path: &Path) -> io::Result<Digest> {
    pour(File::open(path)?, &mut io::sink())
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
        let got = fetch_into(url, expect, &mut file, path, limit).map_err(reason).map_err(refused)?;
        return Ok(got.digest);
    };
    // In the words of curl.
    let unreadable =
        |_| refused(format!("Could not read a file:// file (37) Could not open file {}", local.display()));
    let source = File::open(&local).map_err(unreadable)?;
    let limit = limit_bytes(url).map_err(reason).map_err(refused)?;
    // One byte more than there may be is enough to be refused.
    let mut source = source.take(limit.saturating_add(1));
    let digest = pour(&mut source, &mut file).map_err(failed("copying", &local))?;
    if source.limit() == 0 {
        return Err(refused(format!("it is larger than {limit} bytes")));
    }
    match expect {
        Some(expected) if *expected != digest => {
            Err(refused(format!("its sha256 is {digest}, and {expected} is wanted")))
        }
        _ => Ok(digest),
    }
}

fn pour(source: impl Read, to: &mut impl Write) -> io::Result<Digest> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_by_urls() {
        let path = |url| local(url).map(|path| path.to_string_lossy().into_owned());
        assert_eq!(path("file:///a%20b/c?x=1#y").as_deref(), Some("/a b/c"));
        assert_eq!(path("file:///100%/%zz%3F").as_deref(), Some("/100%/%zz?"));
        assert_eq!(path("file://relative"), None);
        assert_eq!(path("https://forge.example/a"), None);
    }
}
