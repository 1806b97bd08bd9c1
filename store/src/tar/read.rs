//! Reading an archive block by block: layers, ADD and the archives of `docker save` come through here.
//!
//! Owns: header decoding with hard bounds on everything that is kept in memory, and where an entry's bytes belong.
//! Never does: trusting a name; whoever reads decides where an entry may go.
//!
//! The tar crate decodes the single header; the loop is ours because its iterator reads extensions of any size into
//! memory. What two readers could take for different things (names and sizes in global headers) is refused.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use tar::{EntryType, GnuExtSparseHeader, Header};

use super::pax::{Extensions, check_global};
use super::sparse::{Declared, Extent, Lines, MAX_HOLE_BYTES, Map, Place, descriptors, extents};
use super::{BLOCK, padding};
use crate::entry::shown;
use crate::error::{Result, StoreError};

/// Holes are told in pieces of so many bytes, so that whoever hashes them can stop in between.
const HOLE_PIECE_BYTES: u64 = 64 << 20;

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
    /// Bytes of content, holes included.
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

/// What comes next of an entry's content.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Content {
    /// So many bytes were read into the buffer.
    Bytes(usize),
    /// So many zeros that the file does not store ([`leave_hole`]).
    Hole(u64),
    /// Nothing.
    End,
}

/// Leaves a hole of so many bytes at the end of a file that is being written.
///
/// # Errors
/// When the file cannot have that length.
pub fn leave_hole(file: &mut File, bytes: u64) -> io::Result<()> {
    let bytes = i64::try_from(bytes).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
    let end = file.seek(SeekFrom::Current(bytes))?;
    file.set_len(end)
}

/// Reads entries from a plain tar stream.
#[derive(Debug)]
pub struct TarReader<R> {
    source: R,
    /// Stored bytes of the current entry that were not read yet.
    remaining: u64,
    padding: usize,
    /// What comes next of its content, and after that.
    next: Extent,
    later: std::vec::IntoIter<Extent>,
    /// Bytes that holes may still stand for.
    holes_left: u64,
}

impl<R: Read> TarReader<R> {
    /// Nothing is read yet.
    pub fn new(source: R) -> Self {
        let (next, later) = (Extent::default(), Vec::new().into_iter());
        Self { source, remaining: 0, padding: 0, next, later, holes_left: MAX_HOLE_BYTES }
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
                    extensions.read(&records)?;
                }
                EntryType::XGlobalHeader => {
                    let records = self.extension(size)?;
                    check_global(&records)?;
                }
                _ => return self.item(&header, size, extensions).map(Some),
            }
        }
    }

    /// What comes next of the current entry's content; bytes are read into the buffer, which must have room.
    ///
    /// # Errors
    /// The archive ends in its middle, or its source fails.
    pub fn next_content(&mut self, buffer: &mut [u8]) -> Result<Content> {
        while self.next == Extent::default() {
            let Some(next) = self.later.next() else { return Ok(Content::End) };
            self.next = next;
        }
        if self.next.hole > 0 {
            let bytes = self.next.hole.min(HOLE_PIECE_BYTES);
            self.next.hole -= bytes;
            return Ok(Content::Hole(bytes));
        }
        let want = buffer.len().min(usize::try_from(self.next.data).unwrap_or(usize::MAX));
        let read = self.source.read(buffer.get_mut(..want).unwrap_or_default()).map_err(broken)?;
        if read == 0 {
            return Err(cut_off());
        }
        self.remaining -= read as u64;
        self.next.data -= read as u64;
        Ok(Content::Bytes(read))
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
        if !self.read_block(block)? {
            return Ok(None);
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

    /// Fills a block; false when the source has ended before it.
    fn read_block(&mut self, block: &mut [u8; BLOCK]) -> Result<bool> {
        let mut filled = 0;
        while let Some(space) = block.get_mut(filled..).filter(|s| !s.is_empty()) {
            match self.source.read(space).map_err(broken)? {
                0 if filled == 0 => return Ok(false),
                0 => return Err(cut_off()),
                read => filled += read,
            }
        }
        Ok(true)
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

    fn item(&mut self, header: &Header, size: u64, mut extensions: Extensions) -> Result<TarItem> {
        let sparse = extensions.sparse.take();
        let real_name = sparse.as_ref().and_then(|s| s.name.clone());
        let name = real_name.or_else(|| extensions.name.take());
        let name = name.unwrap_or_else(|| header.path_bytes().into_owned());
        let kind = header.entry_type();
        self.remaining = if has_content(kind) { extensions.size.unwrap_or(size) } else { 0 };
        self.padding = padding(self.remaining);
        let refused = |problem: &str| refused(&name, problem);
        let size = match (kind, sparse) {
            (EntryType::GNUSparse, None) => self.header_map(header, &mut extensions, &refused)?,
            (EntryType::Regular | EntryType::Continuous, Some(sparse)) => {
                self.record_map(sparse, &mut extensions, &refused)?
            }
            (_, Some(_)) => return Err(refused("It says that it is sparse, but it is no regular file")),
            (_, None) => self.dense(),
        };
        let link = extensions.link.or_else(|| header.link_name_bytes().map(|l| l.into_owned()));
        Ok(TarItem {
            link: link.unwrap_or_default(),
            kind: if kind.is_gnu_sparse() { EntryType::Regular } else { kind },
            mode: if is_blank(&header.as_old().mode) { 0 } else { header.mode().map_err(broken)? & 0o7777 },
            uid: owner(extensions.uid, &header.as_old().uid, header.uid(), &name)?,
            gid: owner(extensions.gid, &header.as_old().gid, header.gid(), &name)?,
            mtime: match extensions.mtime {
                Some(mtime) => mtime,
                None => (header_mtime(header)?, 0),
            },
            size,
            device: device(header, kind)?,
            xattrs: extensions.xattrs,
            name,
        })
    }

    /// Everything is stored.
    fn dense(&mut self) -> u64 {
        self.next = Extent { hole: 0, data: self.remaining };
        self.later = Vec::new().into_iter();
        self.remaining
    }

    /// The map of a type `S` entry, which goes on in blocks behind its header. Gives the real size, as the next two do.
    fn header_map(
        &mut self,
        header: &Header,
        extensions: &mut Extensions,
        refused: Refused<'_>,
    ) -> Result<u64> {
        let gnu =
            header.as_gnu().ok_or_else(|| refused("It is a sparse file, but its header is not GNU tar's"))?;
        let mut map = Map::new();
        descriptors(&gnu.sparse, &mut map).map_err(broken)?;
        let mut goes_on = gnu.is_extended();
        while goes_on {
            extensions.charge_block()?;
            let mut more = GnuExtSparseHeader::new();
            if !self.read_block(more.as_mut_bytes())? {
                return Err(cut_off());
            }
            descriptors(more.sparse(), &mut map).map_err(broken)?;
            goes_on = more.is_extended();
        }
        self.lay_out(&map, gnu.real_size().map_err(broken)?, refused)
    }

    /// The map of a PAX form, from the records or from the first blocks of what is stored.
    fn record_map(
        &mut self,
        sparse: Declared,
        extensions: &mut Extensions,
        refused: Refused<'_>,
    ) -> Result<u64> {
        let real_size = sparse.real_size.ok_or_else(|| refused("It is a sparse file without a size"))?;
        match sparse.place() {
            Some(Place::Records) => self.lay_out(&sparse.map, real_size, refused),
            Some(Place::Content) => {
                let map = self.content_map(extensions, refused)?;
                self.lay_out(&map, real_size, refused)
            }
            None => Err(refused("It is a sparse file of an unknown version")),
        }
    }

    fn content_map(&mut self, extensions: &mut Extensions, refused: Refused<'_>) -> Result<Map> {
        let mut lines = Lines::default();
        loop {
            extensions.charge_block()?;
            let rest = self.remaining.checked_sub(BLOCK as u64);
            self.remaining = rest.ok_or_else(|| refused("The map of a sparse file is not complete"))?;
            let mut block = [0; BLOCK];
            if !self.read_block(&mut block)? {
                return Err(cut_off());
            }
            if let Some(map) = lines.block(&block).map_err(refused)? {
                return Ok(map);
            }
        }
    }

    fn lay_out(&mut self, map: &[(u64, u64)], real_size: u64, refused: Refused<'_>) -> Result<u64> {
        let extents = extents(map, real_size, self.remaining).map_err(refused)?;
        let holes_left = self.holes_left.checked_sub(real_size - self.remaining);
        self.holes_left = holes_left.ok_or_else(|| {
            refused(&format!("The holes of the archive's sparse files exceed {} GiB", MAX_HOLE_BYTES >> 30))
        })?;
        self.next = Extent::default();
        self.later = extents.into_iter();
        Ok(real_size)
    }
}

/// Makes the error that names the entry.
type Refused<'a> = &'a dyn Fn(&str) -> StoreError;

fn refused(name: &[u8], problem: &str) -> StoreError {
    StoreError::TarEntry { path: shown(name), problem: problem.to_owned() }
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
    u32::try_from(decoded.map_err(broken)?).map_err(|_| refused(name, "Its owner is not a 32-bit number"))
}

fn broken(source: io::Error) -> StoreError {
    match source.raw_os_error() {
        None if source.kind() == io::ErrorKind::UnexpectedEof => cut_off(),
        Some(_) => StoreError::io("read", std::path::Path::new("layer archive"))(source),
        // The reader's own words have the header's bytes in them, which are anything where there is no tar.
        None if source.to_string().starts_with("numeric field") => StoreError::Tar {
            problem: "a header has something else than a number where one belongs".to_owned(),
        },
        None => StoreError::Tar { problem: source.to_string() },
    }
}

fn cut_off() -> StoreError {
    StoreError::TarCutOff
}
