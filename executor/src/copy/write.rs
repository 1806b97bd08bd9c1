//! Writes a laid-out layer: directories first, then everything else in the layer's order, then the directories' times.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use buildc_store::{Entry, EntryKind, TarDigest, file_name};
use rustix::fs::{
    AtFlags, CWD, FileType, Gid, Mode, OFlags, RenameFlags, Timespec, Timestamps, Uid, XattrFlags,
};
use rustix::io::Errno;

use super::donor::Donor;
use super::layout::{Content, Planned, What, text};
use super::near::OpenDirs;
use super::{CopyError, Source, pipeline};
use crate::cancel::Cancel;
use crate::context::Context;
use crate::select::{Node, Stamp};

/// Writes the entries into `dir` and returns them as the store wants them, with the sha256 of their tar. Files that
/// `donor` has are shared with it.
pub(super) fn write(
    sources: &[Source<'_>],
    dir: &Path,
    donor: Option<&Donor>,
    planned: impl ExactSizeIterator<Item = (Vec<u8>, Planned)>,
    cancel: &Cancel,
) -> Result<(Vec<Entry>, TarDigest), CopyError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let fd = rustix::fs::open(dir, flags, Mode::empty()).map_err(CopyError::io("Opening", dir))?;
    let target = Target { fd, sources, donor, root: rustix::process::geteuid().is_root() };
    let (entries, planned) = entries(planned);
    let dirs = || entries.iter().filter(|e| matches!(e.kind, EntryKind::Dir { .. }));
    for Entry { path, .. } in dirs() {
        let made = rustix::fs::mkdirat(&target.fd, os(path), Mode::from_raw_mode(0o700));
        made.map_err(CopyError::io("Making directory", text(path)))?;
    }
    let diff_id = pipeline::run(&target, &planned, &entries, cancel)?;
    let dirs: Vec<&Entry> = dirs().collect();
    dirs.into_iter().rev().try_for_each(|entry| target.dress_dir(entry))?;
    Ok((entries, diff_id))
}

/// The entries as the store records them, and what each is made from; later names of one file become hard links to the
/// first.
pub(super) fn entries(planned: impl ExactSizeIterator<Item = (Vec<u8>, Planned)>) -> (Vec<Entry>, Vec<What>) {
    let mut first: HashMap<(usize, usize, u64), Vec<u8>> = HashMap::new();
    let mut entries = Vec::with_capacity(planned.len());
    let mut whats = Vec::with_capacity(planned.len());
    for (path, planned) in planned {
        let to = planned.link.and_then(|link| {
            let known = first.get(&link).cloned();
            if known.is_none() {
                first.insert(link, path.clone());
            }
            known
        });
        let kind = match (&planned.what, to) {
            (What::File(_), Some(to)) => EntryKind::Hardlink { to },
            (What::File(content), None) => file_kind(content),
            (What::Dir { opaque }, _) => EntryKind::Dir { opaque: *opaque },
            (What::Symlink(target), _) => EntryKind::Symlink { target: target.clone() },
            (What::Fifo, _) => EntryKind::Fifo,
            (What::Char(major, minor), _) => EntryKind::CharDevice { major: *major, minor: *minor },
            (What::Block(major, minor), _) => EntryKind::BlockDevice { major: *major, minor: *minor },
        };
        let mode = if matches!(planned.what, What::Symlink(_)) { 0o777 } else { planned.mode };
        entries.push(Entry {
            path,
            kind,
            mode,
            uid: planned.owner.0,
            gid: planned.owner.1,
            mtime: planned.mtime,
            xattrs: planned.xattrs,
        });
        whats.push(planned.what);
    }
    (entries, whats)
}

fn file_kind(content: &Content) -> EntryKind {
    match content {
        Content::Context { stamp, hash, .. } => EntryKind::File { size: stamp.size, hash: *hash },
        Content::Layer { size, hash, .. } | Content::Staged { size, hash, .. } => {
            EntryKind::File { size: *size, hash: *hash }
        }
        Content::Inline(data) => {
            EntryKind::File { size: data.len() as u64, hash: buildc_digest::FileHash::of(data) }
        }
    }
}

pub(super) fn os(path: &[u8]) -> &std::ffi::OsStr {
    std::ffi::OsStr::from_bytes(path)
}

/// Fails when a selected file of a context is no longer what was selected.
pub(super) fn unchanged(context: &Context, name: &str, node: &Node, stamp: &Stamp) -> Result<(), CopyError> {
    let path = &node.entry.path;
    let now = crate::context::open_file(context.fd(), path).and_then(crate::context::stamp_of);
    if now == Ok(*stamp) {
        return Ok(());
    }
    Err(CopyError::Changed { context: name.to_owned(), path: path.clone() })
}

/// The directory of the new layer.
#[derive(Debug)]
pub(super) struct Target<'t> {
    pub fd: OwnedFd,
    pub sources: &'t [Source<'t>],
    /// The layer that unchanged files are shared with.
    pub donor: Option<&'t Donor>,
    /// True when owners can be set; elsewhere the layer's metadata alone has them.
    root: bool,
}

impl Target<'_> {
    /// Makes a new regular file, open for writing.
    pub(super) fn create(&self, path: &[u8]) -> Result<OwnedFd, CopyError> {
        create_in(&self.fd, path).map_err(CopyError::io("Making", text(path)))
    }

    /// The same in a directory that may be open already.
    pub(super) fn create_near(&self, entry: &Entry, dirs: &mut OpenDirs) -> Result<OwnedFd, CopyError> {
        let dir = dirs.written(&self.fd, &entry.path);
        dir.and_then(|dir| create_in(dir, file_name(&entry.path)))
            .map_err(CopyError::io("Making", text(&entry.path)))
    }

    /// Links a file of the donor into its place and opens it for reading; `None` where it is not to be had so.
    pub(super) fn share(&self, entry: &Entry, dirs: &mut OpenDirs) -> Result<Option<OwnedFd>, CopyError> {
        let Some(donor) = self.donor else { return Ok(None) };
        let name = os(file_name(&entry.path));
        let Ok((from, to)) = dirs.shared(donor.dir(), &self.fd, &entry.path) else { return Ok(None) };
        // Gone, on another file system, linked too often, or not ours to link: the file is copied.
        if rustix::fs::linkat(from, name, to, name, AtFlags::empty()).is_err() {
            return Ok(None);
        }
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = rustix::fs::openat(to, name, flags, Mode::empty());
        opened.map(Some).map_err(CopyError::io("Opening", text(&entry.path)))
    }

    /// Gives an open file its owner, mode, attributes and time, in the order in which none undoes another.
    pub(super) fn dress(&self, fd: &OwnedFd, entry: &Entry) -> Result<(), CopyError> {
        let failed = |what| CopyError::io(what, text(&entry.path));
        if self.root && (entry.uid, entry.gid) != (0, 0) {
            match rustix::fs::fchown(fd, Some(Uid::from_raw(entry.uid)), Some(Gid::from_raw(entry.gid))) {
                // An id that is not mapped here: the layer's metadata has it.
                Ok(()) | Err(Errno::INVAL | Errno::PERM) => {}
                Err(e) => return Err(failed("Setting the owner of")(e)),
            }
        }
        rustix::fs::fchmod(fd, Mode::from_raw_mode(entry.mode)).map_err(failed("Setting the mode of"))?;
        for (name, value) in &entry.xattrs {
            // Attributes that this file system refuses are in the layer's metadata.
            let _ = rustix::fs::fsetxattr(fd, os(name), value, XattrFlags::empty());
        }
        rustix::fs::futimens(fd, &times(entry)).map_err(failed("Setting the time of"))
    }

    fn dress_dir(&self, entry: &Entry) -> Result<(), CopyError> {
        let path = &entry.path;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&self.fd, os(path), flags, Mode::empty())
            .map_err(CopyError::io("Opening", text(path)))?;
        self.dress(&fd, entry)?;
        if entry.kind == (EntryKind::Dir { opaque: true }) {
            mark_opaque(&fd).map_err(CopyError::io("Marking as opaque", text(path)))?;
        }
        Ok(())
    }

    /// Moves a file that was written beside the layer to its place.
    pub(super) fn move_in(&self, from: &Path, entry: &Entry) -> Result<OwnedFd, CopyError> {
        let failed = |what| CopyError::io(what, text(&entry.path));
        rustix::fs::renameat_with(CWD, from, &self.fd, os(&entry.path), RenameFlags::NOREPLACE)
            .map_err(failed("Moving"))?;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        rustix::fs::openat(&self.fd, os(&entry.path), flags, Mode::empty()).map_err(failed("Opening"))
    }

    /// Makes what is neither a directory nor a regular file.
    pub(super) fn special(&self, entry: &Entry) -> Result<(), CopyError> {
        let failed = |what| CopyError::io(what, text(&entry.path));
        let path = os(&entry.path);
        let node =
            |kind, device| rustix::fs::mknodat(&self.fd, path, kind, Mode::from_raw_mode(entry.mode), device);
        let made = match &entry.kind {
            EntryKind::Symlink { target } => rustix::fs::symlinkat(os(target), &self.fd, path),
            EntryKind::Hardlink { to } => {
                return rustix::fs::linkat(&self.fd, os(to), &self.fd, path, AtFlags::empty())
                    .map_err(failed("Linking"));
            }
            EntryKind::Fifo => node(FileType::Fifo, 0),
            EntryKind::CharDevice { major, minor } => {
                node(FileType::CharacterDevice, rustix::fs::makedev(*major, *minor))
            }
            EntryKind::BlockDevice { major, minor } => {
                node(FileType::BlockDevice, rustix::fs::makedev(*major, *minor))
            }
            EntryKind::Dir { .. } | EntryKind::File { .. } | EntryKind::Whiteout => return Ok(()),
        };
        match made {
            Ok(()) => {}
            // A device that may not be made here: the layer's metadata has it.
            Err(Errno::PERM) => return Ok(()),
            Err(e) => return Err(failed("Making")(e)),
        }
        if self.root && (entry.uid, entry.gid) != (0, 0) {
            let (uid, gid) = (Uid::from_raw(entry.uid), Gid::from_raw(entry.gid));
            match rustix::fs::chownat(&self.fd, path, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW) {
                Ok(()) | Err(Errno::INVAL | Errno::PERM) => {}
                Err(e) => return Err(failed("Setting the owner of")(e)),
            }
        }
        if !matches!(entry.kind, EntryKind::Symlink { .. }) {
            rustix::fs::chmodat(&self.fd, path, Mode::from_raw_mode(entry.mode), AtFlags::empty())
                .map_err(failed("Setting the mode of"))?;
        }
        rustix::fs::utimensat(&self.fd, path, &times(entry), AtFlags::SYMLINK_NOFOLLOW)
            .map_err(failed("Setting the time of"))
    }
}

fn create_in(dir: &OwnedFd, path: &[u8]) -> Result<OwnedFd, Errno> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(dir, os(path), flags, Mode::from_raw_mode(0o600))
}

fn times(entry: &Entry) -> Timestamps {
    let time = Timespec { tv_sec: entry.mtime.0, tv_nsec: entry.mtime.1.into() };
    Timestamps { last_access: time, last_modification: time }
}

/// Marks a directory for the kind of overlayfs mount that this process can make. Being root says nothing: in a user namespace
/// only the second is allowed. Without either the layer's entries alone know.
fn mark_opaque(dir: &OwnedFd) -> rustix::io::Result<()> {
    for name in ["trusted.overlay.opaque", "user.overlay.opaque"] {
        match rustix::fs::fsetxattr(dir, name, b"y", XattrFlags::empty()) {
            Err(Errno::PERM | Errno::ACCESS | Errno::NOTSUP) => {}
            done => return done,
        }
    }
    Ok(())
}
