//! The context index on disk: what hashing found, with the stamp it was found under (spec/context-index.md).
//!
//! One file per context, replaced as a whole by rename; a torn or foreign file is an empty index. A packed array of
//! fixed-size records sorted by path comes first, the paths and attributes they point into after it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use buildc_digest::FileHash;
use buildc_store::compare_paths;

use super::trust::Trust;
use super::walk::Item;
use crate::select::Stamp;

const MAGIC: &[u8; 8] = b"bcidx\0\0\x02";
const RECORD: usize = 108;

/// Extended attributes, sorted by name.
pub(super) type Attributes = Vec<(Vec<u8>, Vec<u8>)>;

/// What is known of one entry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Known {
    pub stamp: Stamp,
    pub hash: FileHash,
    pub xattrs: Attributes,
    /// Whether the stamp alone says that nothing changed. What is [`Trust::Young`] is not kept on disk.
    pub trust: Trust,
}

/// The index of one context: what was on disk, and what this process found since.
#[derive(Debug)]
pub(super) struct Index {
    file: PathBuf,
    loaded: Option<Packed>,
    fresh: BTreeMap<Vec<u8>, Known>,
    dirty: bool,
    cursor: usize,
}

impl Index {
    /// Reads nothing until it is asked.
    pub(super) fn at(file: PathBuf) -> Self {
        Self { file, loaded: None, fresh: BTreeMap::new(), dirty: false, cursor: 0 }
    }

    fn packed(&mut self) -> &Packed {
        self.loaded.get_or_insert_with(|| Packed::new(std::fs::read(&self.file).unwrap_or_default()))
    }

    /// What is known of a path, if it still has this stamp. Fast when asked in listing order.
    pub(super) fn get(&mut self, path: &[u8], stamp: &Stamp) -> Option<(FileHash, Attributes)> {
        if let Some(known) = self.fresh.get(path) {
            return (known.stamp == *stamp).then(|| (known.hash, known.xattrs.clone()));
        }
        let cursor = self.cursor;
        let packed = self.packed();
        let at = if packed.path(cursor) == Some(path) { cursor } else { packed.find(path)? };
        let known = packed.record(at).filter(|k| k.stamp == *stamp && k.trust == Trust::Sure);
        self.cursor = at + 1;
        known.map(|k| (k.hash, k.xattrs))
    }

    /// When a stamp of a foreign clock was first seen at a path, in milliseconds since 1970.
    pub(super) fn seen(&mut self, path: &[u8], stamp: &Stamp) -> Option<i64> {
        let packed = self.packed();
        let known = packed.record(packed.find(path)?)?;
        match known.trust {
            Trust::Seen(first) if known.stamp == *stamp => Some(first),
            _ => None,
        }
    }

    pub(super) fn put(&mut self, path: Vec<u8>, known: Known) {
        self.dirty |= known.trust != Trust::Young;
        self.fresh.insert(path, known);
    }

    /// Drops what is known of a path, and everything that is not sure.
    pub(super) fn forget(&mut self, path: &[u8]) {
        self.fresh.retain(|_, known| known.trust == Trust::Sure);
        let gone = Known {
            stamp: Stamp::default(),
            hash: FileHash::from_bytes([0; 32]),
            xattrs: Vec::new(),
            trust: Trust::Young,
        };
        self.fresh.insert(path.to_vec(), gone);
    }

    /// Writes the index when something was learnt; entries that the walks show to be gone are left out. An index that
    /// cannot be written only costs time.
    pub(super) fn save(&mut self, walked: &BTreeMap<Vec<u8>, Arc<Vec<Item>>>) {
        if !std::mem::take(&mut self.dirty) {
            return;
        }
        let fresh = std::mem::take(&mut self.fresh);
        let packed = self.packed();
        let mut all: Vec<(&[u8], Known)> = Vec::with_capacity(packed.len() + fresh.len());
        for at in 0..packed.len() {
            let (Some(path), Some(known)) = (packed.path(at), packed.record(at)) else { continue };
            if !fresh.contains_key(path) && !is_gone(path, walked) {
                all.push((path, known));
            }
        }
        let keeps = |known: &Known| known.trust != Trust::Young;
        all.extend(fresh.iter().filter(|(_, k)| keeps(k)).map(|(p, k)| (p.as_slice(), k.clone())));
        all.sort_by(|a, b| compare_paths(a.0, b.0));
        let bytes = encode(&all);
        if let Err(e) = replace(&self.file, &bytes) {
            tracing::warn!(error = %e, "context index not written");
        }
        self.loaded = Some(Packed::new(bytes));
        self.fresh = fresh.into_iter().filter(|(_, k)| k.trust != Trust::Sure).collect();
    }
}

fn is_gone(path: &[u8], walked: &BTreeMap<Vec<u8>, Arc<Vec<Item>>>) -> bool {
    walked.iter().any(|(root, items)| {
        crate::select::is_below(path, root)
            && items.binary_search_by(|i| compare_paths(&i.path, path)).is_err()
    })
}

fn replace(file: &std::path::Path, bytes: &[u8]) -> std::io::Result<()> {
    let dir = file.parent().unwrap_or(std::path::Path::new("."));
    let mut temporary = tempfile::NamedTempFile::new_in(dir)?;
    std::io::Write::write_all(&mut temporary, bytes)?;
    temporary.persist(file).map(|_| ()).map_err(|e| e.error)
}

fn encode(all: &[(&[u8], Known)]) -> Vec<u8> {
    let mut records = Vec::with_capacity(16 + all.len() * (RECORD + 40));
    records.extend_from_slice(MAGIC);
    records.extend_from_slice(&(all.len() as u64).to_le_bytes());
    let mut heap = Vec::with_capacity(all.len() * 40);
    for (path, known) in all {
        let at = heap.len() as u64;
        heap.extend_from_slice(path);
        for (name, value) in &known.xattrs {
            for part in [name, value] {
                heap.extend_from_slice(&(part.len() as u64).to_le_bytes());
                heap.extend_from_slice(part);
            }
        }
        let s = &known.stamp;
        for n in [at, path.len() as u64, heap.len() as u64 - at, s.size, s.inode] {
            records.extend_from_slice(&n.to_le_bytes());
        }
        for (seconds, nanos) in [s.mtime, s.ctime] {
            records.extend_from_slice(&seconds.to_le_bytes());
            records.extend_from_slice(&nanos.to_le_bytes());
        }
        records.extend_from_slice(&s.mode.to_le_bytes());
        records.extend_from_slice(known.hash.as_bytes());
        let seen = if let Trust::Seen(first) = known.trust { first } else { 0 };
        records.extend_from_slice(&seen.to_le_bytes());
    }
    records.extend_from_slice(&heap);
    let sum = FileHash::of(&records);
    records.extend_from_slice(&sum.as_bytes()[..8]);
    records
}

/// The bytes of an index file.
#[derive(Debug)]
struct Packed {
    bytes: Vec<u8>,
    len: usize,
}

impl Packed {
    fn new(mut bytes: Vec<u8>) -> Self {
        let len = Self::check(&bytes).unwrap_or(0);
        if len == 0 {
            bytes.clear();
        }
        Self { bytes, len }
    }

    /// Number of records of a sound file.
    fn check(bytes: &[u8]) -> Option<usize> {
        let (body, sum) = bytes.split_at_checked(bytes.len().checked_sub(8)?)?;
        let sound = body.get(..8)? == MAGIC && FileHash::of(body).as_bytes()[..8] == *sum;
        let len = usize::try_from(number(body, 8)?).ok()?;
        (sound && len.checked_mul(RECORD)?.checked_add(16)? <= body.len()).then_some(len)
    }

    fn len(&self) -> usize {
        self.len
    }

    fn fields(&self, at: usize) -> Option<&[u8]> {
        let from = 16 + at * RECORD;
        if at < self.len { self.bytes.get(from..from + RECORD) } else { None }
    }

    /// Path with attributes behind it, and the length of the path.
    fn heap(&self, at: usize) -> Option<(&[u8], usize)> {
        let fields = self.fields(at)?;
        let from = usize::try_from(number(fields, 0)?).ok()?.checked_add(16 + self.len * RECORD)?;
        let path = usize::try_from(number(fields, 8)?).ok()?;
        let all = usize::try_from(number(fields, 16)?).ok()?;
        Some((self.bytes.get(from..from.checked_add(all)?)?, path))
    }

    fn path(&self, at: usize) -> Option<&[u8]> {
        let (all, path) = self.heap(at)?;
        all.get(..path)
    }

    fn record(&self, at: usize) -> Option<Known> {
        let fields = self.fields(at)?;
        let time = |from: usize| Some((number(fields, from)?.cast_signed(), half(fields, from + 8)?));
        let stamp = Stamp {
            size: number(fields, 24)?,
            inode: number(fields, 32)?,
            mtime: time(40)?,
            ctime: time(52)?,
            mode: half(fields, 64)?,
        };
        let hash = FileHash::from_bytes(fields.get(68..100)?.try_into().ok()?);
        let trust = match number(fields, 100)?.cast_signed() {
            0 => Trust::Sure,
            first => Trust::Seen(first),
        };
        let (all, path) = self.heap(at)?;
        Some(Known { stamp, hash, xattrs: attributes(all.get(path..)?)?, trust })
    }

    fn find(&self, path: &[u8]) -> Option<usize> {
        let (mut low, mut high) = (0, self.len);
        while low < high {
            let middle = low.midpoint(high);
            match compare_paths(self.path(middle)?, path) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Some(middle),
            }
        }
        None
    }
}

fn attributes(mut bytes: &[u8]) -> Option<Attributes> {
    let mut parts = Vec::new();
    while !bytes.is_empty() {
        let len = usize::try_from(number(bytes, 0)?).ok()?;
        parts.push(bytes.get(8..8usize.checked_add(len)?)?.to_vec());
        bytes = bytes.get(8 + len..)?;
    }
    let mut pairs = Vec::new();
    let mut parts = parts.into_iter();
    while let Some(name) = parts.next() {
        pairs.push((name, parts.next()?));
    }
    Some(pairs)
}

fn number(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

fn half(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}
