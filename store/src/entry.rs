//! Entries of a layer and the order of paths.
//!
//! Owns: what a layer says about one path, and canonical path order.
//! Never does: file access or encoding (`manifest` and `tar` do).

use std::cmp::Ordering;

use buildc_digest::FileHash;

/// The longest path of an entry, in bytes: what one system call can name.
pub const PATH_MAX: usize = 4095;

/// What the names, link targets and attributes of one foreign archive may take in memory, in bytes. A compressed archive
/// of a few kilobytes can name millions of entries; a real layer of 500,000 files takes half of this.
pub const MAX_ARCHIVE_METADATA_BYTES: usize = 256 << 20;

/// What an entry in an ordered map takes beside its texts, in bytes: the structs, the map's share, the allocator's.
const ENTRY_OVERHEAD_BYTES: usize = 320;

/// The refusal of an archive that goes beyond [`MAX_ARCHIVE_METADATA_BYTES`].
pub fn too_much_metadata() -> String {
    let mib = MAX_ARCHIVE_METADATA_BYTES >> 20;
    format!("the names and attributes of its entries take more than {mib} MiB of memory")
}

/// One entry of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Relative to the root, raw bytes, without a slash at either end; empty for the root itself, which is recorded
    /// only where a step changed it.
    pub path: Vec<u8>,
    /// What stands there.
    pub kind: EntryKind,
    /// Permission bits with setuid, setgid and sticky (`0o7777`); 0 for whiteouts.
    pub mode: u32,
    /// Numeric owner as seen inside the image; 0 for whiteouts.
    pub uid: u32,
    /// Numeric group as seen inside the image; 0 for whiteouts.
    pub gid: u32,
    /// Modification time in seconds and nanoseconds since 1970; never part of the content digest.
    pub mtime: (i64, u32),
    /// Extended attributes sorted by name. Those of overlayfs itself never appear; empty for hard links and whiteouts.
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

/// What stands at an entry's path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A directory.
    Dir {
        /// Hides everything that lower layers have below it (`.wh..wh..opq`).
        opaque: bool,
    },
    /// A regular file.
    File {
        /// Its length in bytes.
        size: u64,
        /// blake3 of its bytes.
        hash: FileHash,
    },
    /// A symbolic link.
    Symlink {
        /// The text it holds, never interpreted here.
        target: Vec<u8>,
    },
    /// Another name of an earlier entry of the same layer.
    Hardlink {
        /// The path of the first name in canonical order.
        to: Vec<u8>,
    },
    /// A character device.
    CharDevice {
        /// Major number.
        major: u32,
        /// Minor number.
        minor: u32,
    },
    /// A block device.
    BlockDevice {
        /// Major number.
        major: u32,
        /// Minor number.
        minor: u32,
    },
    /// A named pipe.
    Fifo,
    /// The path does not exist any more (`.wh.NAME`).
    Whiteout,
}

impl Entry {
    /// A whiteout in its one form: no mode, owner or time.
    pub fn whiteout(path: Vec<u8>) -> Self {
        Self { path, kind: EntryKind::Whiteout, mode: 0, uid: 0, gid: 0, mtime: (0, 0), xattrs: Vec::new() }
    }

    /// A directory that belongs to root, 0755, with time 0: what an archive that leaves out parents gets.
    pub(crate) fn implied_dir(path: Vec<u8>) -> Self {
        let kind = EntryKind::Dir { opaque: false };
        Self { path, kind, mode: 0o755, uid: 0, gid: 0, mtime: (0, 0), xattrs: Vec::new() }
    }

    /// Whether this is a directory.
    pub fn is_dir(&self) -> bool {
        matches!(self.kind, EntryKind::Dir { .. })
    }

    /// What it takes in memory under a key of its path, in bytes, roughly and rather more.
    pub(crate) fn memory_bytes(&self) -> usize {
        let target = match &self.kind {
            EntryKind::Symlink { target } => target.len(),
            EntryKind::Hardlink { to } => to.len(),
            _ => 0,
        };
        ENTRY_OVERHEAD_BYTES + 2 * self.path.len() + target + attributes_bytes(&self.xattrs)
    }

    /// Bytes of regular file content that belong to this entry.
    pub fn size_bytes(&self) -> u64 {
        match self.kind {
            EntryKind::File { size, .. } => size,
            _ => 0,
        }
    }
}

/// What a list of extended attributes takes in memory, in bytes.
pub fn attributes_bytes(xattrs: &[(Vec<u8>, Vec<u8>)]) -> usize {
    xattrs.iter().map(|(name, value)| 64 + name.len() + value.len()).sum()
}

/// Canonical order: component by component, bytewise; a directory stands directly before what it holds.
pub fn compare_paths(a: &[u8], b: &[u8]) -> Ordering {
    // A slash ends a component, so it ranks below every other byte; NUL cannot occur in a path.
    let rank = |byte: u8| if byte == b'/' { 0 } else { byte };
    match a.iter().zip(b).find(|(x, y)| x != y) {
        Some((x, y)) => rank(*x).cmp(&rank(*y)),
        None => a.len().cmp(&b.len()),
    }
}

/// The directory that holds `path`; `None` for the root.
pub fn parent(path: &[u8]) -> Option<&[u8]> {
    if path.is_empty() {
        return None;
    }
    let end = path.iter().rposition(|b| *b == b'/').unwrap_or(0);
    path.get(..end)
}

/// The last component of `path`; empty for the root.
pub fn file_name(path: &[u8]) -> &[u8] {
    path.rsplit(|b| *b == b'/').next().unwrap_or_default()
}

/// Whether `path` lies below directory `dir` (not equal to it).
pub fn is_below(path: &[u8], dir: &[u8]) -> bool {
    match path.strip_prefix(dir) {
        Some(rest) if dir.is_empty() => !rest.is_empty(),
        Some(rest) => rest.first() == Some(&b'/'),
        None => false,
    }
}

/// `dir` and `name` with a slash between them, where one is needed.
pub fn join(dir: &[u8], name: &[u8]) -> Vec<u8> {
    let mut path = Vec::with_capacity(dir.len() + 1 + name.len());
    path.extend_from_slice(dir);
    if !dir.is_empty() && !name.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name);
    path
}

/// A path as text for messages; bytes that are not UTF-8 become replacement characters.
pub(crate) fn shown(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}

/// A path that sorts canonically, for ordered maps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SortedPath(pub Vec<u8>);

impl Ord for SortedPath {
    fn cmp(&self, other: &Self) -> Ordering {
        compare_paths(&self.0, &other.0)
    }
}

impl PartialOrd for SortedPath {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_comes_directly_before_its_content() {
        let mut paths: Vec<&[u8]> = vec![b"a-b", b"a/b/c", b"a", b"", b"a.b", b"a/b", b"b"];
        paths.sort_by(|a, b| compare_paths(a, b));
        let expected: Vec<&[u8]> = vec![b"", b"a", b"a/b", b"a/b/c", b"a-b", b"a.b", b"b"];
        assert_eq!(paths, expected);
    }

    #[test]
    fn parents_and_names() {
        assert_eq!(parent(b""), None);
        assert_eq!(parent(b"a"), Some(&b""[..]));
        assert_eq!(parent(b"a/b"), Some(&b"a"[..]));
        assert_eq!(file_name(b"a/b"), b"b");
        assert!(
            is_below(b"a/b", b"a") && is_below(b"a", b"") && !is_below(b"ab", b"a") && !is_below(b"", b"")
        );
        assert_eq!(join(b"", b"a"), b"a");
        assert_eq!(join(b"a", b"b"), b"a/b");
    }
}
