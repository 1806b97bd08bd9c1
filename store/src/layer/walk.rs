//! Reading a directory in overlayfs upper form as entries.
//!
//! Owns: the walk in canonical order and the meaning of overlayfs' marks (kernel documentation, `overlayfs.rst`,
//! "whiteouts and opaque directories"). Never does: following a symbolic link or reading file content.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::Metadata;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use buildc_digest::FileHash;
use rustix::fs::{lgetxattr, llistxattr};
use rustix::io::Errno;

use super::pending::RootAttributes;
use crate::entry::{Entry, EntryKind, join};
use crate::error::{Result, StoreError};

/// The marks of an opaque directory: with privilege, and in a user namespace (`userxattr`).
pub(crate) const OPAQUE_XATTRS: [&str; 2] = ["trusted.overlay.opaque", "user.overlay.opaque"];

/// Whether an attribute belongs to overlayfs or to the host and never into an image.
pub fn is_overlay_xattr(name: &[u8]) -> bool {
    name.starts_with(b"trusted.overlay.") || name.starts_with(b"user.overlay.") || name == b"security.selinux"
}

/// Walks depth first in canonical order. Files come with a zero hash that the caller fills in.
#[derive(Debug)]
pub(crate) struct Walk<'a> {
    root: &'a Path,
    /// Names still to visit, next at the end, one list per open directory.
    levels: Vec<(Vec<u8>, Vec<Vec<u8>>)>,
    links: HashMap<(u64, u64), Vec<u8>>,
}

impl<'a> Walk<'a> {
    /// Begins below `root`; the first entry is the root itself where it differs from `started`.
    pub fn begin(root: &'a Path, started: RootAttributes) -> Result<(Self, Option<Entry>)> {
        let mut walk = Self { root, levels: Vec::new(), links: HashMap::new() };
        let metadata = root.symlink_metadata().map_err(StoreError::io("read", root))?;
        let (xattrs, opaque) = read_xattrs(root)?;
        let attributes = (metadata.mode() & 0o7777, metadata.uid(), metadata.gid());
        let changed = attributes != started || !xattrs.is_empty() || opaque;
        let entry =
            changed.then(|| Entry { xattrs, ..plain(Vec::new(), &metadata, EntryKind::Dir { opaque }) });
        walk.enter(Vec::new())?;
        Ok((walk, entry))
    }

    /// The next entry and where it lies.
    pub fn next_entry(&mut self) -> Result<Option<(Entry, PathBuf)>> {
        loop {
            let Some((dir, names)) = self.levels.last_mut() else { return Ok(None) };
            let Some(name) = names.pop() else {
                self.levels.pop();
                continue;
            };
            let path = join(dir, &name);
            let disk = self.root.join(OsStr::from_bytes(&path));
            let metadata = disk.symlink_metadata().map_err(StoreError::io("read", &disk))?;
            if let Some(entry) = self.entry(path, &disk, &metadata)? {
                return Ok(Some((entry, disk)));
            }
        }
    }

    fn enter(&mut self, path: Vec<u8>) -> Result<()> {
        let disk = self.root.join(OsStr::from_bytes(&path));
        let mut names = Vec::new();
        for item in std::fs::read_dir(&disk).map_err(StoreError::io("read", &disk))? {
            names.push(item.map_err(StoreError::io("read", &disk))?.file_name().into_vec());
        }
        names.sort_unstable_by(|a, b| b.cmp(a));
        self.levels.push((path, names));
        Ok(())
    }

    /// `None` for what cannot be part of an image: sockets.
    fn entry(&mut self, path: Vec<u8>, disk: &Path, metadata: &Metadata) -> Result<Option<Entry>> {
        let file_type = metadata.file_type();
        let (major, minor) = (rustix::fs::major(metadata.rdev()), rustix::fs::minor(metadata.rdev()));
        if file_type.is_char_device() && (major, minor) == (0, 0) {
            return Ok(Some(Entry::whiteout(path)));
        }
        if file_type.is_socket() {
            return Ok(None);
        }
        if let Some(to) = self.first_name(&path, metadata) {
            return Ok(Some(plain(path, metadata, EntryKind::Hardlink { to })));
        }
        let (xattrs, opaque) = read_xattrs(disk)?;
        let kind = if file_type.is_dir() {
            self.enter(path.clone())?;
            EntryKind::Dir { opaque }
        } else if file_type.is_symlink() {
            let target = std::fs::read_link(disk).map_err(StoreError::io("read the link", disk))?;
            EntryKind::Symlink { target: target.into_os_string().into_vec() }
        } else if file_type.is_char_device() {
            EntryKind::CharDevice { major, minor }
        } else if file_type.is_block_device() {
            EntryKind::BlockDevice { major, minor }
        } else if file_type.is_fifo() {
            EntryKind::Fifo
        } else {
            EntryKind::File { size: metadata.size(), hash: FileHash::from_bytes([0; 32]) }
        };
        Ok(Some(Entry { xattrs, ..plain(path, metadata, kind) }))
    }

    /// The first path met of an inode with several names; `None` at the first meeting.
    fn first_name(&mut self, path: &[u8], metadata: &Metadata) -> Option<Vec<u8>> {
        if metadata.nlink() < 2 || metadata.is_dir() {
            return None;
        }
        let inode = (metadata.dev(), metadata.ino());
        if let Some(first) = self.links.get(&inode) {
            return Some(first.clone());
        }
        self.links.insert(inode, path.to_owned());
        None
    }
}

fn plain(path: Vec<u8>, metadata: &Metadata, kind: EntryKind) -> Entry {
    Entry {
        path,
        kind,
        // Linux gives every symbolic link 0777.
        mode: metadata.mode() & 0o7777,
        uid: metadata.uid(),
        gid: metadata.gid(),
        mtime: (metadata.mtime(), u32::try_from(metadata.mtime_nsec()).unwrap_or(0)),
        xattrs: Vec::new(),
    }
}

/// Names and values.
type Xattrs = Vec<(Vec<u8>, Vec<u8>)>;

/// The attributes that belong into an image, sorted, and whether overlayfs marked the directory opaque.
pub(crate) fn read_xattrs(disk: &Path) -> Result<(Xattrs, bool)> {
    let mut list = [0u8; 256];
    let names = match llistxattr(disk, &mut list) {
        Ok(0) | Err(Errno::NOTSUP | Errno::PERM) => return Ok((Vec::new(), false)),
        Ok(length) => list.get(..length).unwrap_or_default().to_vec(),
        Err(Errno::RANGE) => {
            let mut long = vec![0u8; 64 << 10];
            let length = llistxattr(disk, &mut long).map_err(|e| xattr_failed(disk, e))?;
            long.truncate(length);
            long
        }
        Err(e) => return Err(xattr_failed(disk, e)),
    };
    let mut xattrs = Vec::new();
    let mut opaque = false;
    for name in names.split(|b| *b == 0).filter(|n| !n.is_empty()) {
        if OPAQUE_XATTRS.iter().any(|mark| mark.as_bytes() == name) {
            opaque |= read_xattr(disk, name)?.is_some_and(|value| value == b"y");
        } else if !is_overlay_xattr(name)
            && let Some(value) = read_xattr(disk, name)?
        {
            xattrs.push((name.to_vec(), value));
        }
    }
    xattrs.sort();
    Ok((xattrs, opaque))
}

fn read_xattr(disk: &Path, name: &[u8]) -> Result<Option<Vec<u8>>> {
    let mut small = [0u8; 1024];
    match lgetxattr(disk, name, &mut small) {
        Ok(length) => return Ok(small.get(..length).map(<[u8]>::to_vec)),
        // Listed but not readable: an attribute of another security module, or gone.
        Err(Errno::NODATA | Errno::NOTSUP | Errno::PERM | Errno::ACCESS) => return Ok(None),
        Err(Errno::RANGE) => {}
        Err(e) => return Err(xattr_failed(disk, e)),
    }
    let mut value = vec![0u8; 64 << 10];
    let length = lgetxattr(disk, name, &mut value).map_err(|e| xattr_failed(disk, e))?;
    value.truncate(length);
    Ok(Some(value))
}

fn xattr_failed(disk: &Path, errno: Errno) -> StoreError {
    StoreError::io("read the extended attributes of", disk)(errno.into())
}
