//! Paths inside the container's root, resolved so that no symlink of the image leads out of it.
//!
//! Every open goes through `openat2` with `RESOLVE_IN_ROOT`; names are only made or read in a parent that was
//! opened that way.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, mkdirat, openat, openat2, readlinkat, statat};
use rustix::io::Errno;

/// As many symlinks as the kernel follows.
const MAX_SYMLINKS: usize = 40;

/// What a mount target has to be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Directory,
    File,
}

/// The container's root directory, and what was made in it.
pub(crate) struct Root {
    fd: OwnedFd,
    created: Vec<PathBuf>,
}

impl Root {
    pub(crate) fn new(fd: OwnedFd) -> Root {
        Root { fd, created: Vec::new() }
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// What [`Root::make`] had to create, in order, as absolute paths of the container.
    pub(crate) fn into_created(self) -> Vec<PathBuf> {
        self.created
    }

    /// Refers to an existing path (`O_PATH`).
    pub(crate) fn open(&self, path: &Path) -> io::Result<OwnedFd> {
        self.open_with(path, OFlags::PATH)
    }

    /// Opens an existing path.
    pub(crate) fn open_with(&self, path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        loop {
            match openat2(&self.fd, path, flags | OFlags::CLOEXEC, Mode::empty(), resolve) {
                // Something was mounted or renamed anywhere on the machine while a `..` was resolved, so the kernel
                // cannot vouch for it and asks to try again (openat2(2), EAGAIN).
                Err(Errno::AGAIN | Errno::INTR) => {}
                other => return Ok(other?),
            }
        }
    }

    /// Refers to `path`, which is made with its parents when missing. Dangling symlinks are followed, as an
    /// `/etc/resolv.conf` often is one.
    pub(crate) fn make(&mut self, path: &Path, kind: Kind) -> io::Result<OwnedFd> {
        match self.open(path) {
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => {}
            other => return other,
        }
        let mut pending = components(path);
        let mut resolved = PathBuf::new();
        let mut links = 0;
        while let Some(name) = pending.pop_front() {
            if name == ".." {
                resolved.pop();
                continue;
            }
            let parent = self.open(&resolved)?;
            if let Some(link) = link_at(&parent, &name)? {
                links += 1;
                if links > MAX_SYMLINKS {
                    return Err(Errno::LOOP.into());
                }
                if link.is_absolute() {
                    resolved = PathBuf::new();
                }
                for part in components(&link).into_iter().rev() {
                    pending.push_front(part);
                }
                continue;
            }
            let kind = if pending.is_empty() { kind } else { Kind::Directory };
            resolved.push(&name);
            if make_at(&parent, &name, kind)? {
                self.created.push(Path::new("/").join(&resolved));
            }
        }
        self.open(&resolved)
    }
}

fn components(path: &Path) -> VecDeque<OsString> {
    path.components()
        .filter_map(|component| match component {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some(OsString::from("..")),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
        })
        .collect()
}

/// The target of a symlink, or none for anything else.
fn link_at(parent: &OwnedFd, name: &OsStr) -> io::Result<Option<PathBuf>> {
    match readlinkat(parent, name, Vec::new()) {
        Ok(target) => Ok(Some(OsString::from_vec(target.into_bytes()).into())),
        Err(Errno::INVAL | Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Makes one name; false when it is there already.
fn make_at(parent: &OwnedFd, name: &OsStr, kind: Kind) -> io::Result<bool> {
    let made = match kind {
        Kind::Directory => mkdirat(parent, name, Mode::from_raw_mode(0o755)),
        Kind::File => {
            let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
            openat(parent, name, flags, Mode::from_raw_mode(0o644)).map(drop)
        }
    };
    match made {
        Ok(()) => Ok(true),
        Err(Errno::EXIST) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Whether a descriptor refers to a directory.
pub(crate) fn is_directory(fd: BorrowedFd<'_>) -> io::Result<bool> {
    let stat = statat(fd, "", rustix::fs::AtFlags::EMPTY_PATH)?;
    Ok(FileType::from_raw_mode(stat.st_mode) == FileType::Directory)
}
