//! Creating single files of a layer on disk.
//!
//! Owns: every write below a layer's `fs`, each through a descriptor that cannot leave it (openat2 with
//! RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS). Never does: reading an archive or deciding what wins.

use std::fs::{File, Metadata};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{
    AtFlags, CWD, FileType, Gid, Mode, OFlags, ResolveFlags, Timespec, Timestamps, Uid, XattrFlags,
};
use rustix::io::Errno;

use super::pending::RootAttributes;
use super::walk::OPAQUE_XATTRS;
use crate::entry::{Entry, EntryKind, file_name, parent, shown};
use crate::error::{Result, StoreError};

/// A layer's directory, open for writing into.
#[derive(Debug)]
pub(crate) struct Target {
    root: OwnedFd,
    /// The directory used last, since neighbours in an archive share it.
    dir: Option<(Vec<u8>, OwnedFd)>,
}

fn failed(action: &'static str, path: &[u8], errno: Errno) -> StoreError {
    StoreError::io(action, Path::new(&shown(path)))(errno.into())
}

/// Not permitted, or not possible on this file system: the manifest keeps what the disk cannot.
fn is_refusal(errno: Errno) -> bool {
    matches!(errno, Errno::PERM | Errno::ACCESS | Errno::INVAL | Errno::NOTSUP | Errno::NOSYS)
}

impl Target {
    pub fn open(root: &Path) -> Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open(root, flags, Mode::empty())
            .map_err(|e| StoreError::io("open", root)(e.into()))?;
        Ok(Self { root, dir: None })
    }

    fn beneath(&self, path: &[u8], flags: OFlags, mode: Mode) -> rustix::io::Result<OwnedFd> {
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        let path = if path.is_empty() { &b"."[..] } else { path };
        rustix::fs::openat2(&self.root, path, flags | OFlags::CLOEXEC, mode, resolve)
    }

    /// The directory that holds `path`.
    fn parent_of(&mut self, path: &[u8]) -> Result<&OwnedFd> {
        let dir = parent(path).unwrap_or_default();
        if self.dir.as_ref().is_none_or(|(cached, _)| cached != dir) {
            let fd = self
                .beneath(dir, OFlags::PATH | OFlags::DIRECTORY, Mode::empty())
                .map_err(|e| failed("open", dir, e))?;
            self.dir = Some((dir.to_owned(), fd));
        }
        match &self.dir {
            Some((_, fd)) => Ok(fd),
            None => Ok(&self.root),
        }
    }

    /// Forgets the cached directory, after something was removed.
    pub fn forget_cached(&mut self) {
        self.dir = None;
    }

    /// Creates an empty regular file that must not exist.
    pub fn create_file(&mut self, path: &[u8]) -> Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(self.parent_of(path)?, file_name(path), flags, Mode::from(0o600))
            .map_err(|e| failed("create", path, e))?;
        Ok(File::from(fd))
    }

    pub fn create_dir(&mut self, path: &[u8]) -> Result<()> {
        // Owner rights until the end; the real mode may forbid writing into it.
        rustix::fs::mkdirat(self.parent_of(path)?, file_name(path), Mode::from(0o700))
            .map_err(|e| failed("create", path, e))
    }

    pub fn create_symlink(&mut self, path: &[u8], target: &[u8]) -> Result<()> {
        rustix::fs::symlinkat(target, self.parent_of(path)?, file_name(path))
            .map_err(|e| failed("create the symbolic link", path, e))
    }

    pub fn create_hardlink(&mut self, path: &[u8], to: &[u8]) -> Result<()> {
        let from_dir = self
            .beneath(parent(to).unwrap_or_default(), OFlags::PATH | OFlags::DIRECTORY, Mode::empty())
            .map_err(|e| failed("open", to, e))?;
        rustix::fs::linkat(&from_dir, file_name(to), self.parent_of(path)?, file_name(path), AtFlags::empty())
            .map_err(|e| failed("link", path, e))
    }

    /// Creates a device, pipe or whiteout; one that may not be made here stays in the manifest only.
    pub fn create_node(&mut self, path: &[u8], kind: &EntryKind) -> Result<()> {
        let (file_type, device) = match *kind {
            EntryKind::CharDevice { major, minor } => {
                (FileType::CharacterDevice, rustix::fs::makedev(major, minor))
            }
            EntryKind::BlockDevice { major, minor } => {
                (FileType::BlockDevice, rustix::fs::makedev(major, minor))
            }
            EntryKind::Whiteout => (FileType::CharacterDevice, rustix::fs::makedev(0, 0)),
            _ => (FileType::Fifo, 0),
        };
        let made =
            rustix::fs::mknodat(self.parent_of(path)?, file_name(path), file_type, Mode::from(0o600), device);
        match made {
            Err(e) if is_refusal(e) => Ok(()),
            other => other.map_err(|e| failed("create", path, e)),
        }
    }

    /// Gives a finished entry its owner, mode, attributes and time, as far as this process may.
    pub fn finish_entry(&mut self, entry: &Entry) -> Result<()> {
        if matches!(entry.kind, EntryKind::Whiteout | EntryKind::Hardlink { .. }) {
            return Ok(());
        }
        let root_path = entry.path.is_empty();
        let name = if root_path { &b"."[..] } else { file_name(&entry.path) };
        let dir = self.parent_of(&entry.path)?;
        let ids = (Some(Uid::from_raw(entry.uid)), Some(Gid::from_raw(entry.gid)));
        match rustix::fs::chownat(dir, name, ids.0, ids.1, AtFlags::SYMLINK_NOFOLLOW) {
            // A device that was not made.
            Err(Errno::NOENT) => return Ok(()),
            Err(e) if !is_refusal(e) => return Err(failed("change the owner of", &entry.path, e)),
            _ => {}
        }
        if !matches!(entry.kind, EntryKind::Symlink { .. }) {
            // After chown, which clears setuid.
            rustix::fs::chmodat(dir, name, Mode::from(entry.mode), AtFlags::empty())
                .map_err(|e| failed("change the mode of", &entry.path, e))?;
        }
        set_xattrs(dir, name, entry)?;
        let time = Timespec { tv_sec: entry.mtime.0, tv_nsec: i64::from(entry.mtime.1) };
        let times = Timestamps { last_access: time, last_modification: time };
        rustix::fs::utimensat(dir, name, &times, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|e| failed("change the time of", &entry.path, e))
    }
}

fn set_xattrs(dir: &OwnedFd, name: &[u8], entry: &Entry) -> Result<()> {
    let opaque = matches!(entry.kind, EntryKind::Dir { opaque: true });
    if entry.xattrs.is_empty() && !opaque {
        return Ok(());
    }
    // There is no lsetxattrat before Linux 6.13; the descriptor's own entry in /proc stands for the directory.
    use std::os::fd::AsRawFd;
    use std::os::unix::ffi::OsStrExt;
    let path =
        Path::new("/proc/self/fd").join(dir.as_raw_fd().to_string()).join(std::ffi::OsStr::from_bytes(name));
    for (key, value) in &entry.xattrs {
        match rustix::fs::lsetxattr(&path, key.as_slice(), value, XattrFlags::empty()) {
            Err(e) if !is_refusal(e) => return Err(failed("set an extended attribute of", &entry.path, e)),
            _ => {}
        }
    }
    if opaque {
        mark_opaque(&path).map_err(|e| failed("mark as opaque", &entry.path, e))?;
    }
    Ok(())
}

/// Marks a directory for the kind of overlayfs mount that this process can make; without either the manifest alone
/// knows.
pub(crate) fn mark_opaque(path: &Path) -> rustix::io::Result<()> {
    for mark in OPAQUE_XATTRS {
        match rustix::fs::lsetxattr(path, mark, b"y", XattrFlags::empty()) {
            Ok(()) => return Ok(()),
            Err(e) if is_refusal(e) => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// Gives a directory's root its attributes; gives what the disk then says.
pub(crate) fn set_root_attributes(path: &Path, (mode, uid, gid): RootAttributes) -> Result<RootAttributes> {
    let now = |path: &Path| -> io::Result<RootAttributes> {
        let metadata = path.symlink_metadata()?;
        Ok((metadata.mode() & 0o7777, metadata.uid(), metadata.gid()))
    };
    let found = now(path).map_err(StoreError::io("read", path))?;
    if found == (mode, uid, gid) {
        return Ok(found);
    }
    let ids = (Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
    match rustix::fs::chownat(CWD, path, ids.0, ids.1, AtFlags::SYMLINK_NOFOLLOW) {
        Err(e) if !is_refusal(e) => return Err(StoreError::io("change the owner of", path)(e.into())),
        _ => {}
    }
    rustix::fs::chmod(path, Mode::from(mode))
        .map_err(|e| StoreError::io("change the mode of", path)(e.into()))?;
    now(path).map_err(StoreError::io("read", path))
}

/// Puts a directory's modification time back.
pub(super) fn restore_mtime(path: &Path, before: &Metadata) {
    let time = |sec, nsec| Timespec { tv_sec: sec, tv_nsec: nsec };
    let times = Timestamps {
        last_access: time(before.atime(), before.atime_nsec()),
        last_modification: time(before.mtime(), before.mtime_nsec()),
    };
    // A wrong time on the parent of a removed stub is no reason to fail a step.
    let _ = rustix::fs::utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW);
}
