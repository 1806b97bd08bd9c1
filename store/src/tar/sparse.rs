//! Sparse files as GNU tar writes them (GNU tar manual, "Storing Sparse Files"): type `S` with its map in the header, and
//! the PAX forms 0.0 and 0.1, whose map is in records, and 1.0, whose map stands before the content.
//!
//! Owns: the map of a file and what it may say. Never does: believing a length: what a map promises is neither allocated
//! nor written, and holes stay holes.

use tar::GnuSparseHeader;

use super::pax::decimal;

/// Bytes that holes of one archive may stand for. They take no room, but are hashed as the zeros that they are.
pub(super) const MAX_HOLE_BYTES: u64 = 256 << 30;
/// Digits of the longest number of a map.
const MAX_DIGITS: usize = 20;

/// A hole and the bytes that follow it.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Extent {
    pub hole: u64,
    pub data: u64,
}

/// Where the stored bytes belong: offsets and lengths as the archive gives them.
pub(super) type Map = Vec<(u64, u64)>;

/// What PAX records say of a sparse file.
#[derive(Default, Debug)]
pub(super) struct Declared {
    /// Its real name, where the header has a made-up one for readers that know nothing of sparse files.
    pub name: Option<Vec<u8>>,
    pub real_size: Option<u64>,
    /// The map, unless it stands before the content.
    pub map: Map,
    version: (Option<u64>, Option<u64>),
    /// An offset whose length comes in the next record.
    offset: Option<u64>,
}

/// Where the map of a PAX form is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    Records,
    Content,
}

impl Declared {
    /// What the keys of all its records begin with.
    pub const PREFIX: &[u8] = b"GNU.sparse.";

    /// Takes in one record, its key without the prefix; `None` when the value is bad or the key unknown.
    pub fn record(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        match key {
            b"name" => self.name = Some(value.to_vec()),
            b"major" => self.version.0 = Some(decimal(value)?),
            b"minor" => self.version.1 = Some(decimal(value)?),
            b"size" | b"realsize" => self.real_size = Some(decimal(value)?),
            // The map itself is counted.
            b"numblocks" => drop(decimal::<u64>(value)?),
            b"offset" => self.offset = Some(decimal(value)?),
            b"numbytes" => self.map.push((self.offset.take()?, decimal(value)?)),
            b"map" => {
                let numbers: Option<Vec<u64>> = value.split(|b| *b == b',').map(decimal).collect();
                self.map = pairs(&numbers?)?;
            }
            _ => return None,
        }
        Some(())
    }

    /// Where its map is; `None` for a version that nobody has described yet.
    pub fn place(&self) -> Option<Place> {
        match self.version {
            (None, None) | (Some(0), Some(0 | 1)) => Some(Place::Records),
            (Some(1), Some(0)) => Some(Place::Content),
            _ => None,
        }
    }
}

fn pairs(numbers: &[u64]) -> Option<Map> {
    let (pairs, rest) = numbers.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[offset, length]| (*offset, *length)).collect())
}

/// The map before the content: how many pairs, then the pairs, each number on a line.
#[derive(Default, Debug)]
pub(super) struct Lines {
    numbers: Vec<u64>,
    digits: Vec<u8>,
}

impl Lines {
    /// Takes in a block; the map once it is complete, after which a block holds nothing else.
    pub fn block(&mut self, block: &[u8]) -> Result<Option<Map>, &'static str> {
        const BAD: &str = "The map of a sparse file is malformed";
        for byte in block {
            if *byte != b'\n' {
                self.digits.push(*byte);
                if self.digits.len() > MAX_DIGITS {
                    return Err(BAD);
                }
                continue;
            }
            self.numbers.push(decimal(&self.digits).ok_or(BAD)?);
            self.digits.clear();
            let [count, numbers @ ..] = self.numbers.as_slice() else { return Err(BAD) };
            if numbers.len() as u64 == count.checked_mul(2).ok_or(BAD)? {
                return pairs(numbers).map(Some).ok_or(BAD);
            }
        }
        Ok(None)
    }
}

/// Appends the descriptors of a header of type `S` or of a block that continues it.
pub(super) fn descriptors(headers: &[GnuSparseHeader], map: &mut Map) -> std::io::Result<()> {
    for header in headers.iter().take_while(|h| !h.is_empty()) {
        map.push((header.offset()?, header.length()?));
    }
    Ok(())
}

/// Checks a map against the file's real size and the bytes that the archive stores of it.
pub(super) fn extents(map: &[(u64, u64)], real_size: u64, stored: u64) -> Result<Vec<Extent>, &'static str> {
    let (mut extents, mut at, mut data) = (Vec::with_capacity(map.len() + 1), 0u64, 0u64);
    for (offset, length) in map {
        let hole = offset.checked_sub(at).ok_or("The parts of a sparse file overlap")?;
        let end = offset.checked_add(*length).filter(|end| *end <= real_size);
        at = end.ok_or("A part of a sparse file lies beyond its end")?;
        extents.push(Extent { hole, data: *length });
        data = data.saturating_add(*length);
    }
    if data != stored {
        return Err("The parts of a sparse file are not what is stored of it");
    }
    extents.push(Extent { hole: real_size - at, data: 0 });
    Ok(extents)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_are_checked() {
        let extent = |hole, data| Extent { hole, data };
        let good = extents(&[(10, 5), (15, 1), (20, 0)], 20, 6).unwrap();
        assert_eq!(good, [extent(10, 5), extent(0, 1), extent(4, 0), extent(0, 0)]);
        assert_eq!(extents(&[], 7, 0).unwrap(), [extent(7, 0)]);
        assert!(extents(&[(10, 5), (14, 1)], 20, 6).is_err(), "overlap");
        assert!(extents(&[(10, 5)], 14, 5).is_err(), "beyond the end");
        assert!(extents(&[(u64::MAX, 2)], u64::MAX, 2).is_err(), "beyond all numbers");
        assert!(extents(&[(0, 5)], 20, 6).is_err(), "more is stored");
        assert!(extents(&[(0, 7)], 20, 6).is_err(), "less is stored");
    }

    #[test]
    fn maps_before_the_content_may_be_split_anywhere() {
        let text = b"2\n0\n512\n1048576\n1\n\0\0\0";
        for cut in 1..17 {
            let mut lines = Lines::default();
            assert_eq!(lines.block(&text[..cut]).unwrap(), None, "{cut}");
            assert_eq!(lines.block(&text[cut..]).unwrap(), Some(vec![(0, 512), (1_048_576, 1)]));
        }
        for bad in [&b"\n"[..], b"x\n", b"1\n-1\n2\n", b"111111111111111111111", b"18446744073709551615\n"] {
            assert!(Lines::default().block(bad).is_err(), "{bad:?}");
        }
        assert_eq!(Lines::default().block(b"0\n").unwrap(), Some(vec![]));
    }

    #[test]
    fn records_come_in_pairs() {
        let mut declared = Declared::default();
        assert!(declared.record(b"numbytes", b"1").is_none(), "no offset before it");
        assert!(declared.record(b"map", b"1,2,3").is_none());
        assert!(declared.record(b"unheard", b"1").is_none());
        assert!(declared.record(b"map", b"1,2").is_some());
        assert_eq!((declared.place(), &declared.map[..]), (Some(Place::Records), &[(1, 2)][..]));
        declared.record(b"major", b"1").unwrap();
        assert_eq!(declared.place(), None, "half a version");
        declared.record(b"minor", b"0").unwrap();
        assert_eq!(declared.place(), Some(Place::Content));
        declared.record(b"minor", b"1").unwrap();
        assert_eq!(declared.place(), None, "a version of the future");
    }
}
