//! The writing side: a tar stream becomes files below a directory that none of them can leave.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{
    AtFlags, FileType, Gid, Mode, OFlags, Timespec, Timestamps, Uid, chownat, linkat, mkdirat, mknodat,
    openat, symlinkat, unlinkat, utimensat,
};
use rustix::io::Errno;
use tar::{Archive, Entry, EntryType};

use super::root::Place;

/// Unpacks below the place. `owners`: as the archive has them, else the caller's.
pub(super) fn unpack(to: &Place, input: &mut dyn Read, owners: bool) -> io::Result<()> {
    let mut archive = Archive::new(input);
    let mut directories = Vec::new();
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = to.path.join(below(&entry.path()?)?);
        if path == to.path {
            continue;
        }
        if write(to, &path, &mut entry, owners)? {
            directories.push((path, entry.header().mtime()?));
        }
    }
    // Files written into a directory change its time, so the directories' own come last.
    for (path, mtime) in directories.iter().rev() {
        let directory = to.open(path, OFlags::RDONLY | OFlags::DIRECTORY)?;
        utimensat(directory.as_fd(), ".", &times(*mtime), AtFlags::empty())?;
    }
    Ok(())
}

/// An entry's path without `.`; one with `..` is refused, not repaired.
fn below(path: &Path) -> io::Result<PathBuf> {
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => clean.push(name),
            Component::CurDir | Component::RootDir => {}
            Component::ParentDir | Component::Prefix(_) => {
                return Err(io::Error::other(format!(
                    "the archive's entry `{}` leaves the directory",
                    path.display()
                )));
            }
        }
    }
    Ok(clean)
}

/// Makes one entry; true for a directory.
fn write<R: Read>(to: &Place, path: &Path, entry: &mut Entry<'_, R>, owners: bool) -> io::Result<bool> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Ok(false) };
    let parent = to.open(parent, OFlags::RDONLY | OFlags::DIRECTORY)?;
    let (parent, name) = (parent.as_fd(), Path::new(name));
    let kind = entry.header().entry_type();
    let mode = Mode::from_raw_mode(entry.header().mode()? & 0o7777);
    if kind == EntryType::Directory {
        make_directory(parent, name)?;
    } else {
        make_way(parent, name)?;
    }
    let mut opened = None;
    match kind {
        EntryType::Directory => {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            opened = Some(File::from(openat(parent, name, flags, Mode::empty())?));
        }
        EntryType::Symlink => symlinkat(link_name(entry)?, parent, name)?,
        EntryType::Link => return hard_link(to, &below(&link_name(entry)?)?, parent, name).map(|()| false),
        EntryType::Fifo => mknodat(parent, name, FileType::Fifo, mode, 0)?,
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let mut file = File::from(openat(parent, name, flags, Mode::RUSR | Mode::WUSR)?);
            io::copy(entry, &mut file)?;
            opened = Some(file);
        }
        // Devices cannot be brought into a container this way.
        _ => return Ok(false),
    }
    if owners {
        let (uid, gid) = (entry.header().uid()?, entry.header().gid()?);
        let id = |id: u64| u32::try_from(id).map_err(|_| io::Error::other("an owner's id is too large"));
        let (uid, gid) = (Uid::from_raw(id(uid)?), Gid::from_raw(id(gid)?));
        chownat(parent, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?;
    }
    if let Some(file) = opened {
        // By descriptor: a running container may have put a link in the name's place meanwhile.
        rustix::fs::fchmod(&file, mode)?;
    }
    utimensat(parent, name, &times(entry.header().mtime()?), AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(kind == EntryType::Directory)
}

fn link_name<R: Read>(entry: &Entry<'_, R>) -> io::Result<PathBuf> {
    let name = entry.link_name()?.ok_or_else(|| io::Error::other("a link of the archive has no target"))?;
    Ok(name.into_owned())
}

fn hard_link(to: &Place, target: &Path, parent: BorrowedFd<'_>, name: &Path) -> io::Result<()> {
    let target = to.path.join(target);
    let (Some(dir), Some(target)) = (target.parent(), target.file_name()) else {
        return Err(io::Error::other("a link of the archive has no target"));
    };
    let dir = to.open(dir, OFlags::RDONLY | OFlags::DIRECTORY)?;
    Ok(linkat(dir.as_fd(), Path::new(target), parent, name, AtFlags::empty())?)
}

fn make_directory(parent: BorrowedFd<'_>, name: &Path) -> io::Result<()> {
    match mkdirat(parent, name, Mode::RWXU) {
        Err(Errno::EXIST) => {
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW;
            openat(parent, name, flags, Mode::empty()).map(drop).map_err(|_| {
                io::Error::other(format!("a directory cannot be copied over `{}`", name.display()))
            })
        }
        other => Ok(other?),
    }
}

/// Removes a file that is to be replaced.
fn make_way(parent: BorrowedFd<'_>, name: &Path) -> io::Result<()> {
    match unlinkat(parent, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(Errno::ISDIR) => {
            Err(io::Error::other(format!("a file cannot be copied over directory `{}`", name.display())))
        }
        Err(error) => Err(error.into()),
    }
}

fn times(seconds: u64) -> Timestamps {
    let time = Timespec { tv_sec: i64::try_from(seconds).unwrap_or(0), tv_nsec: 0 };
    Timestamps { last_access: time, last_modification: time }
}
