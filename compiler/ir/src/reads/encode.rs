//! Canonical bytes of a read-set (spec/traces.md, "Encoding").

use super::{Aspect, Fingerprint, PathReads, ReadSet};

/// Raised when what is recorded, or how, changes: older traces are then no traces.
const VERSION: u8 = 2;
/// Longest path that is believed.
const PATH_MAX: usize = 4095;

/// Bytes that are no read-set of this version.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the trace is damaged or of another version")]
pub struct CorruptReads;

impl ReadSet {
    /// The canonical bytes: equal sets have equal bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        match self.account {
            Some(account) => {
                out.push(1);
                out.extend_from_slice(&account.0);
            }
            None => out.push(0),
        }
        let mut before: &[u8] = b"";
        for (path, reads) in &self.paths {
            let shared = path.iter().zip(before).take_while(|(a, b)| a == b).count();
            let rest = path.get(shared..).unwrap_or_default();
            number(&mut out, shared);
            number(&mut out, rest.len());
            out.extend_from_slice(rest);
            reads_of_path(&mut out, reads);
            before = path;
        }
        out
    }

    /// Reads what [`ReadSet::encode`] wrote.
    ///
    /// # Errors
    /// [`CorruptReads`] for everything else.
    pub fn decode(bytes: &[u8]) -> Result<Self, CorruptReads> {
        let mut reader = Reader(bytes);
        if reader.byte()? != VERSION {
            return Err(CorruptReads);
        }
        let account = match reader.byte()? {
            0 => None,
            1 => Some(reader.fingerprint()?),
            _ => return Err(CorruptReads),
        };
        let mut set = Self { account, ..Self::default() };
        let mut path: Vec<u8> = Vec::new();
        while !reader.0.is_empty() {
            let before = path.clone();
            let shared = reader.number()?;
            if shared > path.len() {
                return Err(CorruptReads);
            }
            path.truncate(shared);
            let rest = reader.number()?;
            path.extend_from_slice(reader.take(rest)?);
            let ordered = set.paths.is_empty() || before < path;
            if path.len() > PATH_MAX || !ordered {
                return Err(CorruptReads);
            }
            let reads = reader.reads()?;
            set.paths.insert(path.clone(), reads);
        }
        Ok(set)
    }
}

/// A byte with a bit per aspect, then their fingerprints.
fn reads_of_path(out: &mut Vec<u8>, reads: &PathReads) {
    let looked_at = Aspect::ALL.into_iter().filter(|aspect| reads.get(*aspect).is_some());
    out.push(looked_at.map(|aspect| 1u8 << aspect as u8).sum());
    for seen in Aspect::ALL.into_iter().filter_map(|aspect| reads.get(aspect)) {
        out.extend_from_slice(&seen.0);
    }
}

/// Seven bits a byte, the lowest first; all but the last byte have the highest bit set.
fn number(out: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], CorruptReads> {
        let (head, tail) = self.0.split_at_checked(count).ok_or(CorruptReads)?;
        self.0 = tail;
        Ok(head)
    }

    fn byte(&mut self) -> Result<u8, CorruptReads> {
        self.take(1)?.first().copied().ok_or(CorruptReads)
    }

    fn number(&mut self) -> Result<usize, CorruptReads> {
        let mut number = 0;
        for shift in [0, 7, 14] {
            let byte = self.byte()?;
            number |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(CorruptReads)
    }

    fn fingerprint(&mut self) -> Result<Fingerprint, CorruptReads> {
        self.take(16)?.try_into().map(Fingerprint).map_err(|_| CorruptReads)
    }

    fn reads(&mut self) -> Result<PathReads, CorruptReads> {
        let bits = self.byte()?;
        if bits >> Aspect::ALL.len() != 0 {
            return Err(CorruptReads);
        }
        let mut reads = PathReads::default();
        for aspect in Aspect::ALL {
            if bits & (1 << aspect as u8) != 0 {
                reads.seen[aspect as usize] = Some(self.fingerprint()?);
            }
        }
        Ok(reads)
    }
}
