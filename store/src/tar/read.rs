//! Reading an archive block by block: layers, ADD and the archives of `docker save` come through here.
//!
//! Owns: header decoding with hard bounds on everything that is kept in memory, PAX and GNU extensions.
//! Never does: trusting a name; whoever reads decides where an entry may go.
//!
//! The tar crate decodes the single header; the loop is ours because its iterator reads extensions of any size into
//! memory. What two readers could take for different things (sparse files, sizes in global headers) is refused.

use std::io::{self, Read};

use tar::{EntryType, Header};

use super::{PAX_XATTR, padding};
use crate::entry::shown;
use crate::error::{Result, StoreError};

/// Longest extensions (PAX records, GNU long names) of one entry together, in bytes.
const MAX_EXTENSION_BYTES: u64 = 1 << 20;

/// One entry as the archive has it, extensions applied.
#[derive(Debug)]
pub struct TarItem {
    /// Its name as written: it may be absolute, or lead out with `..`.
    pub name: Vec<u8>,
    /// Target of a symbolic or hard link as written, else empty.
    pub link: Vec<u8>,
    /// What it is.
    pub kind: EntryType,
    /// Permission bits, `0o7777` at most.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Unix seconds and nanoseconds.
    pub mtime: (i64, u32),
    /// Bytes of content.
    pub size: u64,
    /// Major and minor number of a device, else zeros.
    pub device: (u32, u32),
    /// Extended attributes (`SCHILY.xattr`), in the order written.
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

impl TarItem {
    /// Whether it is a directory; the first tar format marks one by its name's last byte.
    pub fn is_dir(&self) -> bool {
        self.kind == EntryType::Directory || (self.kind == EntryType::Regular && self.name.ends_with(b"/"))
    }
}

/// Extensions that wait for the entry they belong to.
#[derive(Debug, Default)]
struct Extensions {
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    uid: Option<u32>,
    gid: Option<u32>,
    mtime: Option<(i64, u32)>,
    xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    /// What they took so far.
    bytes: u64,
}

/// Reads entries from a plain tar stream.
#[derive(Debug)]
pub struct TarReader<R> {
    source: R,
    /// Content of the current entry that was not read yet.
    remaining: u64,
    padding: usize,
}

impl<R: Read> TarReader<R> {
    /// Nothing is read yet.
    pub fn new(source: R) -> Self {
        Self { source, remaining: 0, padding: 0 }
    }

    /// The next entry; `None` at the end of the archive. What was not read of the last content is skipped.
    ///
    /// # Errors
    /// The archive is malformed or cut off ([`StoreError::Tar`]), or one of its entries is of a kind that readers
    /// understand differently ([`StoreError::TarEntry`]).
    pub fn next_item(&mut self) -> Result<Option<TarItem>> {
        let mut extensions = Extensions::default();
        loop {
            self.skip_content()?;
            let Some(header) = self.read_header()? else { return Ok(None) };
            let size = header.entry_size().map_err(broken)?;
            if is_extension(header.entry_type()) {
                extensions.charge(size)?;
            }
            match header.entry_type() {
                EntryType::GNULongName => extensions.name = Some(self.long_name(size)?),
                EntryType::GNULongLink => extensions.link = Some(self.long_name(size)?),
                EntryType::XHeader => {
                    let records = self.extension(size)?;
                    read_pax(&records, &mut extensions)?;
                }
                EntryType::XGlobalHeader => {
                    let records = self.extension(size)?;
                    check_global(&records)?;
                }
                _ => return self.item(&header, size, extensions).map(Some),
            }
        }
    }

    /// Reads content of the current entry; 0 at its end.
    ///
    /// # Errors
    /// The archive ends in its middle, or its source fails.
    pub fn read_content(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let want = buffer.len().min(usize::try_from(self.remaining).unwrap_or(usize::MAX));
        let space = buffer.get_mut(..want).unwrap_or_default();
        if space.is_empty() {
            return Ok(0);
        }
        let read = self.source.read(space).map_err(broken)?;
        if read == 0 {
            return Err(cut_off());
        }
        self.remaining -= read as u64;
        Ok(read)
    }

    /// The stream behind the archive's end.
    pub fn into_source(self) -> R {
        self.source
    }

    fn skip_content(&mut self) -> Result<()> {
        let rest = self.remaining.saturating_add(self.padding as u64);
        (self.remaining, self.padding) = (0, 0);
        let skipped = io::copy(&mut self.source.by_ref().take(rest), &mut io::sink()).map_err(broken)?;
        if skipped == rest { Ok(()) } else { Err(cut_off()) }
    }

    fn read_header(&mut self) -> Result<Option<Header>> {
        let mut header = Header::new_old();
        let block = header.as_mut_bytes();
        let mut filled = 0;
        while let Some(space) = block.get_mut(filled..).filter(|s| !s.is_empty()) {
            match self.source.read(space).map_err(broken)? {
                0 if filled == 0 => return Ok(None),
                0 => return Err(cut_off()),
                read => filled += read,
            }
        }
        if block.iter().all(|b| *b == 0) {
            return Ok(None);
        }
        let sum: u32 = header
            .as_bytes()
            .iter()
            .enumerate()
            .map(|(at, byte)| if (148..156).contains(&at) { u32::from(b' ') } else { u32::from(*byte) })
            .sum();
        if header.cksum().map_err(broken)? != sum {
            return Err(StoreError::Tar { problem: "a header's checksum does not fit".to_owned() });
        }
        Ok(Some(header))
    }

    fn extension(&mut self, size: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.source.by_ref().take(size).read_to_end(&mut bytes).map_err(broken)?;
        if bytes.len() as u64 != size {
            return Err(cut_off());
        }
        self.padding = padding(size);
        Ok(bytes)
    }

    fn long_name(&mut self, size: u64) -> Result<Vec<u8>> {
        let mut name = self.extension(size)?;
        if let Some(end) = name.iter().position(|b| *b == 0) {
            name.truncate(end);
        }
        Ok(name)
    }

    fn item(&mut self, header: &Header, size: u64, extensions: Extensions) -> Result<TarItem> {
        let name = extensions.name.unwrap_or_else(|| header.path_bytes().into_owned());
        let kind = header.entry_type();
        if kind.is_gnu_sparse() {
            let problem = "It is a sparse file in GNU form".to_owned();
            return Err(StoreError::TarEntry { path: shown(&name), problem });
        }
        let size = extensions.size.unwrap_or(size);
        self.remaining = if has_content(kind) { size } else { 0 };
        self.padding = padding(self.remaining);
        let link = extensions.link.or_else(|| header.link_name_bytes().map(|l| l.into_owned()));
        Ok(TarItem {
            link: link.unwrap_or_default(),
            kind,
            mode: if is_blank(&header.as_old().mode) { 0 } else { header.mode().map_err(broken)? & 0o7777 },
            uid: owner(extensions.uid, &header.as_old().uid, header.uid(), &name)?,
            gid: owner(extensions.gid, &header.as_old().gid, header.gid(), &name)?,
            mtime: match extensions.mtime {
                Some(mtime) => mtime,
                None => (header_mtime(header)?, 0),
            },
            size: self.remaining,
            device: device(header, kind)?,
            xattrs: extensions.xattrs,
            name,
        })
    }
}

impl Extensions {
    /// Each of many could be short enough.
    fn charge(&mut self, size: u64) -> Result<()> {
        self.bytes = self.bytes.saturating_add(size);
        if self.bytes > MAX_EXTENSION_BYTES {
            let bytes = self.bytes;
            let problem = format!("an extension of {bytes} bytes is longer than {MAX_EXTENSION_BYTES}");
            return Err(StoreError::Tar { problem });
        }
        Ok(())
    }
}

fn is_extension(kind: EntryType) -> bool {
    use EntryType::{GNULongLink, GNULongName, XGlobalHeader, XHeader};
    matches!(kind, GNULongName | GNULongLink | XHeader | XGlobalHeader)
}

/// Whether blocks follow the header. For links, devices and directories the size field means nothing (POSIX pax).
fn has_content(kind: EntryType) -> bool {
    use EntryType::{Block, Char, Directory, Fifo, Link, Symlink};
    !matches!(kind, Link | Symlink | Char | Block | Directory | Fifo)
}

fn device(header: &Header, kind: EntryType) -> Result<(u32, u32)> {
    if !matches!(kind, EntryType::Char | EntryType::Block) {
        return Ok((0, 0));
    }
    let major = header.device_major().map_err(broken)?.unwrap_or(0);
    let minor = header.device_minor().map_err(broken)?.unwrap_or(0);
    Ok((major, minor))
}

/// GNU tar writes times before 1970 as a big-endian two's complement, which the tar crate reads without its sign.
fn header_mtime(header: &Header) -> Result<i64> {
    match header.as_old().mtime {
        [0xff, _, _, _, bytes @ ..] => Ok(i64::from_be_bytes(bytes)),
        field if is_blank(&field) => Ok(0),
        _ => Ok(i64::try_from(header.mtime().map_err(broken)?).unwrap_or(i64::MAX)),
    }
}

/// A numeric field that its writer left empty means 0, as Go's reader takes it.
fn is_blank(field: &[u8]) -> bool {
    field.iter().all(|byte| matches!(byte, 0 | b' '))
}

fn owner(extension: Option<u32>, field: &[u8], decoded: io::Result<u64>, name: &[u8]) -> Result<u32> {
    if let Some(id) = extension {
        return Ok(id);
    }
    if is_blank(field) {
        return Ok(0);
    }
    u32::try_from(decoded.map_err(broken)?).map_err(|_| StoreError::TarEntry {
        path: shown(name),
        problem: "Its owner is not a 32-bit number".to_owned(),
    })
}

/// The records `LENGTH KEY=VALUE\n` of an extension. Values are cut by their length, since file names and attributes may
/// hold newlines, at which the tar crate's own iterator splits.
struct PaxRecords<'a>(&'a [u8]);

impl<'a> PaxRecords<'a> {
    fn record(&mut self) -> Option<(&'a [u8], &'a [u8])> {
        let space = self.0.iter().position(|b| *b == b' ')?;
        let length: usize = decimal(self.0.get(..space)?)?;
        let (record, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        let pair = record.get(space + 1..)?.strip_suffix(b"\n")?;
        let equals = pair.iter().position(|b| *b == b'=')?;
        Some((pair.get(..equals)?, pair.get(equals + 1..)?))
    }
}

impl<'a> Iterator for PaxRecords<'a> {
    type Item = Result<(&'a [u8], &'a [u8])>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let record = self.record();
        if record.is_none() {
            self.0 = &[];
        }
        Some(record.ok_or_else(|| StoreError::Tar { problem: "a PAX record is malformed".to_owned() }))
    }
}

/// Applies the records of a PAX extension to the entry that follows.
fn read_pax(records: &[u8], extensions: &mut Extensions) -> Result<()> {
    for record in PaxRecords(records) {
        let (key, value) = record?;
        let bad = || StoreError::Tar { problem: format!("PAX record `{}` has a bad value", shown(key)) };
        match key {
            b"path" => extensions.name = Some(value.to_vec()),
            b"linkpath" => extensions.link = Some(value.to_vec()),
            b"size" => extensions.size = Some(decimal(value).ok_or_else(bad)?),
            b"uid" => extensions.uid = Some(decimal(value).ok_or_else(bad)?),
            b"gid" => extensions.gid = Some(decimal(value).ok_or_else(bad)?),
            b"mtime" => extensions.mtime = Some(pax_time(value).ok_or_else(bad)?),
            _ if key.starts_with(b"GNU.sparse.") => {
                let problem = "it holds a sparse file in PAX form".to_owned();
                return Err(StoreError::Tar { problem });
            }
            _ => {
                if let Some(name) = key.strip_prefix(PAX_XATTR) {
                    extensions.xattrs.push((name.to_vec(), value.to_vec()));
                }
            }
        }
    }
    Ok(())
}

/// A global header may carry comments (git writes the commit there) but nothing that changes later entries.
fn check_global(records: &[u8]) -> Result<()> {
    for record in PaxRecords(records) {
        let (key, _) = record?;
        let changes = [&b"path"[..], b"linkpath", b"size", b"uid", b"gid"].contains(&key)
            || key.starts_with(PAX_XATTR)
            || key.starts_with(b"GNU.sparse.");
        if changes {
            let problem = format!("a global header sets `{}` for every entry", shown(key));
            return Err(StoreError::Tar { problem });
        }
    }
    Ok(())
}

fn decimal<T: std::str::FromStr>(value: &[u8]) -> Option<T> {
    let text = std::str::from_utf8(value).ok()?;
    if text.starts_with('+') { None } else { text.parse().ok() }
}

/// Seconds with an optional fraction, rounded towards the past.
fn pax_time(value: &[u8]) -> Option<(i64, u32)> {
    let text = std::str::from_utf8(value).ok()?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let seconds: i64 = whole.parse().ok()?;
    if !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let digits: String = fraction.chars().chain(std::iter::repeat('0')).take(9).collect();
    let nanos: u32 = digits.parse().ok()?;
    match (text.starts_with('-'), nanos) {
        (true, 1..) => Some((seconds.checked_sub(1)?, 1_000_000_000 - nanos)),
        _ => Some((seconds, nanos)),
    }
}

fn broken(source: io::Error) -> StoreError {
    match source.raw_os_error() {
        None if source.kind() == io::ErrorKind::UnexpectedEof => cut_off(),
        Some(_) => StoreError::io("read", std::path::Path::new("layer archive"))(source),
        None => StoreError::Tar { problem: source.to_string() },
    }
}

fn cut_off() -> StoreError {
    StoreError::TarCutOff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pax_times() {
        assert_eq!(pax_time(b"12"), Some((12, 0)));
        assert_eq!(pax_time(b"12.5"), Some((12, 500_000_000)));
        assert_eq!(pax_time(b"-1.5"), Some((-2, 500_000_000)));
        assert_eq!(pax_time(b"12.x"), None);
        assert_eq!(pax_time(b""), None);
    }
}
