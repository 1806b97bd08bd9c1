//! Extensions of one entry: PAX records (POSIX pax, "Extended Header") and GNU long names.
//!
//! Owns: cutting records, their meaning, and the bound on what they take. Never does: reading the archive.

use super::sparse::Declared;
use super::{BLOCK, PAX_XATTR};
use crate::entry::shown;
use crate::error::{Result, StoreError};

/// Longest extensions (PAX records, GNU long names, maps of sparse files) of one entry together, in bytes.
const MAX_EXTENSION_BYTES: u64 = 1 << 20;

/// Extensions that wait for the entry they belong to.
#[derive(Debug, Default)]
pub(super) struct Extensions {
    pub name: Option<Vec<u8>>,
    pub link: Option<Vec<u8>>,
    pub size: Option<u64>,
    pub uid: Option<u32>,
    pub gid: Option<u32>,
    pub mtime: Option<(i64, u32)>,
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    pub sparse: Option<Declared>,
    /// What they took so far.
    bytes: u64,
}

impl Extensions {
    /// Counts an extension of so many bytes before it is read: each of many could be short enough.
    pub fn charge(&mut self, size: u64) -> Result<()> {
        self.bytes = self.bytes.saturating_add(size);
        if self.bytes > MAX_EXTENSION_BYTES {
            let bytes = self.bytes;
            let problem = format!("an extension of {bytes} bytes is longer than {MAX_EXTENSION_BYTES}");
            return Err(StoreError::Tar { problem });
        }
        Ok(())
    }

    /// The same for one more block of a sparse file's map.
    pub fn charge_block(&mut self) -> Result<()> {
        self.charge(BLOCK as u64)
    }

    /// Takes in the records of a PAX extension.
    pub fn read(&mut self, records: &[u8]) -> Result<()> {
        for record in PaxRecords(records) {
            let (key, value) = record?;
            let bad = || StoreError::Tar { problem: format!("PAX record `{}` has a bad value", shown(key)) };
            match key {
                b"path" => self.name = Some(value.to_vec()),
                b"linkpath" => self.link = Some(value.to_vec()),
                b"size" => self.size = Some(decimal(value).ok_or_else(bad)?),
                b"uid" => self.uid = Some(decimal(value).ok_or_else(bad)?),
                b"gid" => self.gid = Some(decimal(value).ok_or_else(bad)?),
                b"mtime" => self.mtime = Some(pax_time(value).ok_or_else(bad)?),
                _ => {
                    if let Some(key) = key.strip_prefix(Declared::PREFIX) {
                        self.sparse.get_or_insert_default().record(key, value).ok_or_else(bad)?;
                    } else if let Some(name) = key.strip_prefix(PAX_XATTR) {
                        self.xattrs.push((name.to_vec(), value.to_vec()));
                    }
                }
            }
        }
        Ok(())
    }
}

/// A global header may carry comments (git writes the commit there) but nothing that changes later entries.
pub(super) fn check_global(records: &[u8]) -> Result<()> {
    for record in PaxRecords(records) {
        let (key, _) = record?;
        let changes = [&b"path"[..], b"linkpath", b"size", b"uid", b"gid"].contains(&key)
            || key.starts_with(PAX_XATTR)
            || key.starts_with(Declared::PREFIX);
        if changes {
            let problem = format!("a global header sets `{}` for every entry", shown(key));
            return Err(StoreError::Tar { problem });
        }
    }
    Ok(())
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

/// A number without sign.
pub(super) fn decimal<T: std::str::FromStr>(value: &[u8]) -> Option<T> {
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
