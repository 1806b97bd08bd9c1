//! Fills an empty volume with what the image has at its target, as Docker does on first use.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, lchown, symlink};
use std::path::{Path, PathBuf};

use buildc_store::{Entry, EntryKind, Found, TreeView};
use rustix::fs::{CWD, FileType, Mode, Timespec, Timestamps, mknodat, utimensat};

use super::error::{ContainerError, Result};

/// Copies the image's directory at `target` into `dir`, with owners, modes and times, if `dir` is empty.
pub(super) fn populate(view: &TreeView, target: &str, dir: &Path) -> Result<()> {
    let io = || ContainerError::io("fill volume", dir);
    if fs::read_dir(dir).map_err(io())?.next().is_some() {
        return Ok(());
    }
    let path = target.trim_matches('/').as_bytes();
    let Some((real, Some(found))) = view.resolve(path, false)? else { return Ok(()) };
    if !matches!(found.entry.kind, EntryKind::Dir { .. }) {
        return Ok(());
    }
    let mut dirs = vec![(dir.to_owned(), found.entry)];
    for found in view.walk(&real)? {
        let to = dir.join(below(&real, &found.entry.path));
        write(&to, &found).map_err(ContainerError::io("fill volume", &to))?;
        match found.entry.kind {
            EntryKind::Dir { .. } => dirs.push((to, found.entry)),
            _ => own(&to, &found.entry).map_err(io())?,
        }
    }
    // Children change their directory's time, and a mode without write permission comes last for the same reason.
    for (to, entry) in dirs.iter().rev() {
        own(to, entry).map_err(ContainerError::io("fill volume", to))?;
    }
    Ok(())
}

fn below(root: &[u8], path: &[u8]) -> PathBuf {
    let rest = path.strip_prefix(root).unwrap_or(path);
    let rest = rest.strip_prefix(b"/").unwrap_or(rest);
    PathBuf::from(std::ffi::OsStr::from_bytes(rest))
}

fn write(to: &Path, found: &Found) -> io::Result<()> {
    match &found.entry.kind {
        EntryKind::Dir { .. } => fs::create_dir(to),
        // Two names of one file become two files: volumes are for data, where that is rare and harmless.
        EntryKind::File { .. } | EntryKind::Hardlink { .. } => fs::copy(&found.disk_path, to).map(drop),
        EntryKind::Symlink { target } => symlink(std::ffi::OsStr::from_bytes(target), to),
        EntryKind::Fifo => Ok(mknodat(CWD, to, FileType::Fifo, Mode::from_raw_mode(found.entry.mode), 0)?),
        EntryKind::CharDevice { major, minor } => node(to, FileType::CharacterDevice, *major, *minor),
        EntryKind::BlockDevice { major, minor } => node(to, FileType::BlockDevice, *major, *minor),
        EntryKind::Whiteout => Ok(()),
    }
}

fn node(to: &Path, kind: FileType, major: u32, minor: u32) -> io::Result<()> {
    Ok(mknodat(CWD, to, kind, Mode::RUSR | Mode::WUSR, rustix::fs::makedev(major, minor))?)
}

fn own(to: &Path, entry: &Entry) -> io::Result<()> {
    lchown(to, Some(entry.uid), Some(entry.gid))?;
    if !matches!(entry.kind, EntryKind::Symlink { .. }) {
        fs::set_permissions(to, Permissions::from_mode(entry.mode))?;
    }
    let time = Timespec { tv_sec: entry.mtime.0, tv_nsec: entry.mtime.1.into() };
    let times = Timestamps { last_access: time, last_modification: time };
    Ok(utimensat(CWD, to, &times, rustix::fs::AtFlags::SYMLINK_NOFOLLOW)?)
}
