//! The tree manifest: a layer's entries packed in one file.
//!
//! Owns: the binary form (spec/store-layout.md, "Tree manifest"), look-ups in it without parsing the rest, and the
//! content digest of a layer. Never does: deciding what several layers mean together (`view` does).

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use buildc_digest::{ContentDigest, FileHash, InternalHasher};

use crate::entry::{Entry, EntryKind, PATH_MAX, compare_paths, is_below, parent, shown};
use crate::error::{Result, StoreError};

const MAGIC: &[u8; 8] = b"BLDCTREE";
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 16;
const CHECKSUM_BYTES: usize = 32;
/// Length of the times at the end of a record, which the content digest replaces with zeros.
const TIME_BYTES: usize = 12;
/// Where the path starts in a record: kind, mode, uid, gid, path length.
const PATH_AT: usize = 13;
/// The kind of a hard link.
const HARD_LINK: u8 = 4;
/// What the content digest starts with, so that no other hashed structure can have the same bytes.
const CONTENT_DOMAIN: &[u8] = b"buildc layer content 1\n";

/// Packs entries that arrive in canonical order, checking the rules of a layer on the way.
#[derive(Debug)]
pub(crate) struct ManifestWriter {
    offsets: Vec<u32>,
    records: Vec<u8>,
    content: InternalHasher,
    last: Vec<u8>,
    size_bytes: u64,
}

/// What [`ManifestWriter::finish`] gives.
#[derive(Debug)]
pub(crate) struct PackedManifest {
    pub bytes: Vec<u8>,
    pub content: ContentDigest,
    pub size_bytes: u64,
    pub entries: u64,
}

impl ManifestWriter {
    pub fn new() -> Self {
        let mut content = InternalHasher::new();
        content.update(CONTENT_DOMAIN);
        Self { offsets: Vec::new(), records: Vec::new(), content, last: Vec::new(), size_bytes: 0 }
    }

    /// Adds the next entry. Its parent must have been added before, unless that is the root.
    pub fn push(&mut self, entry: &Entry) -> Result<()> {
        self.check_order(entry)?;
        let start = self.records.len();
        let offset = u32::try_from(start).map_err(|_| invalid(entry, "The layer has too many entries"))?;
        encode_record(entry, &mut self.records)?;
        self.offsets.push(offset);
        let record = self.records.get(start..).unwrap_or_default();
        let timeless = record.len().saturating_sub(TIME_BYTES);
        self.content.update(record.get(..timeless).unwrap_or_default());
        self.content.update(&[0; TIME_BYTES]);
        self.size_bytes += entry.size_bytes();
        self.last.clear();
        self.last.extend_from_slice(&entry.path);
        Ok(())
    }

    fn check_order(&self, entry: &Entry) -> Result<()> {
        if !self.offsets.is_empty() && compare_paths(&self.last, &entry.path).is_ge() {
            return Err(invalid(entry, "Entries must be sorted and unique"));
        }
        let Some(parent) = parent(&entry.path).filter(|p| !p.is_empty()) else { return Ok(()) };
        // In canonical order the parent is the last entry or an ancestor of it.
        if self.last != parent && !is_below(&self.last, parent) {
            return Err(invalid(entry, "The directory that holds it is not part of the layer"));
        }
        Ok(())
    }

    pub fn finish(self) -> Result<PackedManifest> {
        let count = self.offsets.len();
        let packed_count = u32::try_from(count).map_err(|_| StoreError::InvalidEntry {
            path: shown(&self.last),
            problem: "The layer has too many entries",
        })?;
        let mut bytes = Vec::with_capacity(HEADER_BYTES + 4 * count + self.records.len() + CHECKSUM_BYTES);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&packed_count.to_le_bytes());
        for offset in &self.offsets {
            bytes.extend_from_slice(&offset.to_le_bytes());
        }
        bytes.extend_from_slice(&self.records);
        let checksum = FileHash::of(&bytes);
        bytes.extend_from_slice(checksum.as_bytes());
        Ok(PackedManifest {
            bytes,
            content: self.content.content(),
            size_bytes: self.size_bytes,
            entries: count as u64,
        })
    }
}

fn invalid(entry: &Entry, problem: &'static str) -> StoreError {
    StoreError::InvalidEntry { path: shown(&entry.path), problem }
}

fn encode_record(entry: &Entry, out: &mut Vec<u8>) -> Result<()> {
    if entry.path.len() > PATH_MAX {
        return Err(invalid(entry, "Its path is longer than 4095 bytes"));
    }
    let kind = match entry.kind {
        EntryKind::Dir { opaque: false } => 0u8,
        EntryKind::Dir { opaque: true } => 1,
        EntryKind::File { .. } => 2,
        EntryKind::Symlink { .. } => 3,
        EntryKind::Hardlink { .. } => HARD_LINK,
        EntryKind::CharDevice { .. } => 5,
        EntryKind::BlockDevice { .. } => 6,
        EntryKind::Fifo => 7,
        EntryKind::Whiteout => 8,
    };
    out.push(kind);
    out.extend_from_slice(&((entry.mode & 0o7777) as u16).to_le_bytes());
    out.extend_from_slice(&entry.uid.to_le_bytes());
    out.extend_from_slice(&entry.gid.to_le_bytes());
    push_short(entry, &entry.path, out)?;
    match &entry.kind {
        EntryKind::File { size, hash } => {
            out.extend_from_slice(&size.to_le_bytes());
            out.extend_from_slice(hash.as_bytes());
        }
        EntryKind::Symlink { target } => push_short(entry, target, out)?,
        EntryKind::Hardlink { to } => push_short(entry, to, out)?,
        EntryKind::CharDevice { major, minor } | EntryKind::BlockDevice { major, minor } => {
            out.extend_from_slice(&major.to_le_bytes());
            out.extend_from_slice(&minor.to_le_bytes());
        }
        EntryKind::Dir { .. } | EntryKind::Fifo | EntryKind::Whiteout => {}
    }
    encode_xattrs(entry, out)?;
    out.extend_from_slice(&entry.mtime.0.to_le_bytes());
    out.extend_from_slice(&entry.mtime.1.to_le_bytes());
    Ok(())
}

fn encode_xattrs(entry: &Entry, out: &mut Vec<u8>) -> Result<()> {
    let count = u16::try_from(entry.xattrs.len())
        .map_err(|_| invalid(entry, "It has too many extended attributes"))?;
    out.extend_from_slice(&count.to_le_bytes());
    for (name, value) in &entry.xattrs {
        push_short(entry, name, out)?;
        let length =
            u32::try_from(value.len()).map_err(|_| invalid(entry, "An extended attribute is too long"))?;
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(value);
    }
    Ok(())
}

fn push_short(entry: &Entry, bytes: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let length = u16::try_from(bytes.len()).map_err(|_| invalid(entry, "One of its names is too long"))?;
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(bytes);
    Ok(())
}

/// A tree manifest in memory. Look-ups decode only the records they meet.
#[derive(Debug)]
pub(crate) struct Manifest {
    path: PathBuf,
    bytes: Vec<u8>,
    count: usize,
    /// Number of hard links to each first name, counted when somebody asks.
    links: OnceLock<HashMap<Vec<u8>, u32>>,
}

impl Manifest {
    /// Takes the bytes of a manifest file, checking magic, version and checksum.
    pub fn from_bytes(path: &Path, mut bytes: Vec<u8>) -> Result<Self> {
        let damaged = |problem| StoreError::CorruptManifest { path: path.to_owned(), problem };
        let body = bytes
            .len()
            .checked_sub(CHECKSUM_BYTES)
            .filter(|n| *n >= HEADER_BYTES)
            .ok_or_else(|| damaged("it is too short"))?;
        let (content, checksum) = bytes.split_at(body);
        if FileHash::of(content).as_bytes() != checksum {
            return Err(damaged("its checksum does not fit"));
        }
        let mut reader = Reader { bytes: content };
        if reader.take(8) != Some(MAGIC) {
            return Err(damaged("it does not start with `BLDCTREE`"));
        }
        if reader.u32() != Some(VERSION) {
            return Err(damaged("it has an unknown version"));
        }
        let count = reader.u32().unwrap_or(0) as usize;
        if count.checked_mul(4).is_none_or(|table| table > reader.bytes.len()) {
            return Err(damaged("its table is cut off"));
        }
        bytes.truncate(body);
        Ok(Self { path: path.to_owned(), bytes, count, links: OnceLock::new() })
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Bytes of memory it holds.
    pub fn memory_bytes(&self) -> usize {
        self.bytes.len()
    }

    fn damaged(&self) -> StoreError {
        StoreError::CorruptManifest { path: self.path.clone(), problem: "a record is cut off" }
    }

    fn record(&self, index: usize) -> Result<Reader<'_>> {
        let at = HEADER_BYTES + 4 * index;
        let offset = self.bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes);
        let start = offset.map(|o| HEADER_BYTES + 4 * self.count + o as usize);
        let bytes = start.and_then(|s| self.bytes.get(s..)).ok_or_else(|| self.damaged())?;
        Ok(Reader { bytes })
    }

    /// The path of entry `index`, borrowed.
    pub fn path_at(&self, index: usize) -> Result<&[u8]> {
        let record = self.record(index)?.bytes;
        let mut rest = Reader { bytes: record.get(PATH_AT - 2..).ok_or_else(|| self.damaged())? };
        rest.short().ok_or_else(|| self.damaged())
    }

    /// Decodes entry `index`.
    pub fn entry(&self, index: usize) -> Result<Entry> {
        self.record(index)?.entry().ok_or_else(|| self.damaged())
    }

    /// Index of the first entry whose path is not before `path`, and whether it is exactly there.
    pub fn position(&self, path: &[u8]) -> Result<(usize, bool)> {
        self.position_within(path, 0, self.count)
    }

    /// The same among the entries `from..end`.
    pub fn position_within(&self, path: &[u8], from: usize, end: usize) -> Result<(usize, bool)> {
        let (mut low, mut high) = (from, end);
        while low < high {
            let middle = low + (high - low) / 2;
            match compare_paths(self.path_at(middle)?, path) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Equal => return Ok((middle, true)),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Ok((low, false))
    }

    /// The entry at exactly `path`.
    pub fn find(&self, path: &[u8]) -> Result<Option<Entry>> {
        match self.position(path)? {
            (index, true) => self.entry(index).map(Some),
            _ => Ok(None),
        }
    }

    /// Index of the first entry after everything at and below `path`, looking from `from` on.
    pub fn after_subtree(&self, path: &[u8], from: usize) -> Result<usize> {
        self.after_subtree_within(path, from, self.count)
    }

    /// The same among the entries `from..end`.
    pub fn after_subtree_within(&self, path: &[u8], from: usize, end: usize) -> Result<usize> {
        if from >= end {
            return Ok(from);
        }
        // Most names are files, and what follows a file is not below it.
        let next = self.path_at(from)?;
        if !is_below(next, path) && compare_paths(next, path).is_gt() {
            return Ok(from);
        }
        let (mut low, mut high) = (from, end);
        while low < high {
            let middle = low + (high - low) / 2;
            let found = self.path_at(middle)?;
            if found == path || is_below(found, path) || compare_paths(found, path).is_lt() {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    /// How many hard links lead to the file whose first name is `first`.
    pub fn further_names(&self, first: &[u8]) -> Result<u32> {
        if let Some(links) = self.links.get() {
            return Ok(links.get(first).copied().unwrap_or(0));
        }
        let mut links = HashMap::new();
        for index in 0..self.count {
            if self.record(index)?.bytes.first() != Some(&HARD_LINK) {
                continue;
            }
            if let EntryKind::Hardlink { to } = self.entry(index)?.kind {
                *links.entry(to).or_insert(0) += 1;
            }
        }
        Ok(self.links.get_or_init(|| links).get(first).copied().unwrap_or(0))
    }

    /// Decodes all entries in order.
    pub fn iter(&self) -> impl Iterator<Item = Result<Entry>> + '_ {
        (0..self.count).map(|index| self.entry(index))
    }

    /// The content digest of the entries, computed again.
    pub fn content(&self) -> Result<ContentDigest> {
        let mut writer = ManifestWriter::new();
        for entry in self.iter() {
            writer.push(&entry?)?;
        }
        Ok(writer.finish()?.content)
    }
}

/// Reads little-endian fields; `None` when the bytes end too early.
struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.bytes.split_at_checked(count)?;
        self.bytes = tail;
        Some(head)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn short(&mut self) -> Option<&'a [u8]> {
        let length = self.u16()?;
        self.take(usize::from(length))
    }

    fn entry(&mut self) -> Option<Entry> {
        let [kind] = self.array()?;
        let mode = u32::from(self.u16()?);
        let uid = self.u32()?;
        let gid = self.u32()?;
        let path = self.short()?.to_vec();
        let kind = match kind {
            0 | 1 => EntryKind::Dir { opaque: kind == 1 },
            2 => EntryKind::File {
                size: self.array().map(u64::from_le_bytes)?,
                hash: FileHash::from_bytes(self.array()?),
            },
            3 => EntryKind::Symlink { target: self.short()?.to_vec() },
            HARD_LINK => EntryKind::Hardlink { to: self.short()?.to_vec() },
            5 => EntryKind::CharDevice { major: self.u32()?, minor: self.u32()? },
            6 => EntryKind::BlockDevice { major: self.u32()?, minor: self.u32()? },
            7 => EntryKind::Fifo,
            8 => EntryKind::Whiteout,
            _ => return None,
        };
        let xattrs = self.xattrs()?;
        let mtime = (self.array().map(i64::from_le_bytes)?, self.u32()?);
        Some(Entry { path, kind, mode, uid, gid, mtime, xattrs })
    }

    fn xattrs(&mut self) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
        let count = self.u16()?;
        let mut xattrs = Vec::new();
        for _ in 0..count {
            let name = self.short()?.to_vec();
            let length = self.u32()?;
            xattrs.push((name, self.take(length as usize)?.to_vec()));
        }
        Some(xattrs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, mtime: i64) -> Entry {
        Entry {
            path: path.into(),
            kind: EntryKind::File { size: 3, hash: FileHash::of(b"abc") },
            mode: 0o644,
            uid: 1,
            gid: 2,
            mtime: (mtime, 5),
            xattrs: vec![(b"user.a".to_vec(), b"b".to_vec())],
        }
    }

    fn packed(entries: &[Entry]) -> PackedManifest {
        let mut writer = ManifestWriter::new();
        entries.iter().for_each(|e| writer.push(e).unwrap());
        writer.finish().unwrap()
    }

    #[test]
    fn entries_come_back_and_are_found() {
        let entries =
            vec![Entry::implied_dir(b"a".to_vec()), file("a/b", 7), Entry::whiteout(b"a-c".to_vec())];
        let manifest = Manifest::from_bytes(Path::new("t"), packed(&entries).bytes).unwrap();
        assert_eq!(manifest.iter().collect::<Result<Vec<_>>>().unwrap(), entries);
        assert_eq!(manifest.find(b"a/b").unwrap().as_ref(), entries.get(1));
        assert_eq!(manifest.find(b"a/c").unwrap(), None);
        assert_eq!(manifest.after_subtree(b"a", 0).unwrap(), 2);
    }

    #[test]
    fn times_are_not_content_but_everything_else_is() {
        let base = packed(&[file("a", 1)]).content;
        assert_eq!(packed(&[file("a", 99)]).content, base);
        let mut other = file("a", 1);
        other.mode = 0o600;
        assert_ne!(packed(&[other]).content, base);
    }

    #[test]
    fn damage_is_named() {
        let mut bytes = packed(&[file("a", 1)]).bytes;
        if let Some(byte) = bytes.get_mut(30) {
            *byte ^= 1;
        }
        let error = Manifest::from_bytes(Path::new("t"), bytes).unwrap_err();
        assert_eq!(error.code(), "store::corrupt_manifest");
        assert!(Manifest::from_bytes(Path::new("t"), vec![0; 10]).is_err());
    }

    #[test]
    fn disorder_and_missing_parents_are_refused() {
        let mut writer = ManifestWriter::new();
        writer.push(&file("b", 0)).unwrap();
        assert!(writer.push(&file("a", 0)).is_err());
        assert!(writer.push(&file("c/d", 0)).is_err());
    }
}
