//! The dynamic linker's cache, `/etc/ld.so.cache`, and what of it matters for some libraries.
//!
//! Nearly every package rewrites the cache and every program has it read, but the linker only asks it for the names it
//! wants. The form is glibc's (`sysdeps/generic/dl-cache.h`, `struct cache_file_new`): a header of 48 bytes, entries of 24,
//! strings, and extensions.

use std::collections::{BTreeSet, HashSet};

/// Where it lies, relative to the root.
pub(super) const CACHE: &[u8] = b"etc/ld.so.cache";
/// A larger one is none.
pub(super) const MAX_BYTES: u64 = 16 << 20;

const MAGIC: &[u8] = b"glibc-ld.so.cache1.1";
const HEADER_BYTES: usize = 48;
const ENTRY_BYTES: usize = 24;

/// One library.
struct Library<'a> {
    name: &'a [u8],
    path: &'a [u8],
    /// Flags, OS version and hardware capabilities as they stand there.
    marks: [&'a [u8]; 3],
    needs_extension: bool,
}

/// The parts that count.
struct Cache<'a> {
    /// Byte order.
    flags: u8,
    libraries: Vec<Library<'a>>,
    /// Names of hardware capabilities that entries refer to by number.
    extension: &'a [u8],
}

/// What the cache says of libraries with these names, in an unambiguous form. `None` when the cache is of another form.
pub(super) fn project(cache: &[u8], names: &HashSet<&[u8]>) -> Option<Vec<u8>> {
    let cache = parse(cache)?;
    let mut out = vec![cache.flags];
    let mut field = |bytes: &[u8]| {
        out.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        out.extend_from_slice(bytes);
    };
    let mut needs_extension = false;
    for library in cache.libraries.iter().filter(|library| names.contains(library.name)) {
        field(library.name);
        field(library.path);
        library.marks.iter().for_each(|mark| field(mark));
        needs_extension |= library.needs_extension;
    }
    if needs_extension {
        field(cache.extension);
    }
    Some(out)
}

/// The directories of all its libraries, relative to the root. `None` when the cache is of another form.
pub(super) fn directories(cache: &[u8]) -> Option<BTreeSet<Vec<u8>>> {
    let cache = parse(cache)?;
    let dirs = cache.libraries.iter().map(|library| {
        let end = library.path.iter().rposition(|b| *b == b'/').unwrap_or(0);
        let dir = library.path.get(..end).unwrap_or_default();
        dir.strip_prefix(b"/").unwrap_or(dir).to_vec()
    });
    Some(dirs.collect())
}

fn parse(bytes: &[u8]) -> Option<Cache<'_>> {
    if !bytes.starts_with(MAGIC) {
        return None;
    }
    let count = word(bytes, 20)? as usize;
    let flags = *bytes.get(28)?;
    let extension = match word(bytes, 32)? as usize {
        0 => &[][..],
        offset => bytes.get(offset..)?,
    };
    let entries = bytes.get(HEADER_BYTES..HEADER_BYTES.checked_add(count.checked_mul(ENTRY_BYTES)?)?)?;
    let libraries = entries.chunks_exact(ENTRY_BYTES).map(|entry| library(bytes, entry));
    Some(Cache { flags, libraries: libraries.collect::<Option<_>>()?, extension })
}

fn library<'a>(bytes: &'a [u8], entry: &'a [u8]) -> Option<Library<'a>> {
    let hwcap = entry.get(16..24)?;
    Some(Library {
        name: text(bytes, word(entry, 4)?)?,
        path: text(bytes, word(entry, 8)?)?,
        marks: [entry.get(..4)?, entry.get(12..16)?, hwcap],
        needs_extension: hwcap.iter().any(|byte| *byte != 0),
    })
}

fn text(bytes: &[u8], offset: u32) -> Option<&[u8]> {
    let rest = bytes.get(offset as usize..)?;
    rest.get(..rest.iter().position(|b| *b == 0)?)
}

/// The linker's byte order is the machine's.
fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cache as ldconfig would write it.
    fn cache(libraries: &[(&str, &str, u64)]) -> Vec<u8> {
        let strings_at = HEADER_BYTES + ENTRY_BYTES * libraries.len();
        let (mut entries, mut strings) = (Vec::new(), Vec::new());
        for (name, path, hwcap) in libraries {
            let mut place = |text: &str| {
                let at = (strings_at + strings.len()) as u32;
                strings.extend_from_slice(text.as_bytes());
                strings.push(0);
                at
            };
            let (name, path) = (place(name), place(path));
            entries.extend_from_slice(&0x303u32.to_ne_bytes());
            entries.extend_from_slice(&name.to_ne_bytes());
            entries.extend_from_slice(&path.to_ne_bytes());
            entries.extend_from_slice(&0u32.to_ne_bytes());
            entries.extend_from_slice(&hwcap.to_ne_bytes());
        }
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&(libraries.len() as u32).to_ne_bytes());
        bytes.extend_from_slice(&(strings.len() as u32).to_ne_bytes());
        bytes.extend_from_slice(&[2, 0, 0, 0]);
        let end = strings_at + strings.len();
        bytes.extend_from_slice(&(end as u32).to_ne_bytes());
        bytes.resize(HEADER_BYTES, 0);
        [bytes, entries, strings, b"extension".to_vec()].concat()
    }

    #[test]
    fn only_the_wanted_libraries_count() {
        let names: HashSet<&[u8]> = HashSet::from([&b"libc.so.6"[..], b"libm.so.6"]);
        let (libc, libz) = (("libc.so.6", "/lib/libc.so.6", 0), ("libz.so.1", "/usr/lib/libz.so.1", 0));
        let before = project(&cache(&[libc]), &names).unwrap();
        assert_eq!(project(&cache(&[libz, libc]), &names).unwrap(), before);
        let moved = ("libc.so.6", "/opt/libc.so.6", 0);
        let added = ("libm.so.6", "/lib/libm.so.6", 0);
        let other_cpu = ("libc.so.6", "/lib/libc.so.6", 1);
        for other in [&[moved][..], &[libc, added], &[], &[other_cpu], &[libc, libc]] {
            assert_ne!(project(&cache(other), &names).unwrap(), before);
        }
        let dirs = directories(&cache(&[libz, libc])).unwrap();
        assert_eq!(dirs, BTreeSet::from([b"lib".to_vec(), b"usr/lib".to_vec()]));
    }

    #[test]
    fn damage_is_no_cache() {
        let whole = cache(&[("libc.so.6", "/lib/libc.so.6", 1)]);
        for end in 0..whole.len() {
            let part = whole.get(..end).unwrap();
            let _ = (project(part, &HashSet::new()), directories(part));
        }
        assert!(project(b"ld.so-1.7.0", &HashSet::new()).is_none());
    }
}
