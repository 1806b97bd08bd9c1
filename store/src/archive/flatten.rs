//! An image's merged root file system as one tar or one directory.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::sys::stat::{Mode, SFlag, mknod};
use rustix::fs::XattrFlags;

use super::Result;
use super::error::io as io_error;
use crate::{Entry, EntryKind, Found, ImageRecord, Store, TreeView};

/// Writes an image's merged root file system as one tar (`build --output type=tar`). Extended attributes are PAX
/// records `SCHILY.xattr.*`, as GNU tar writes them. With an `epoch`, in Unix seconds, every entry has that time.
///
/// # Errors
/// When a layer cannot be read, or writing fails.
pub fn export_tar(store: &Store, image: &ImageRecord, epoch: Option<i64>, out: &mut dyn Write) -> Result<()> {
    let mut builder = tar::Builder::new(out);
    append_image(store, image, (Path::new(""), epoch), &mut builder)?;
    end(builder)
}

/// The same of several images, each below a directory of its own.
///
/// # Errors
/// As [`export_tar`].
pub fn export_tar_of(
    store: &Store,
    images: &[(String, &ImageRecord)],
    epoch: Option<i64>,
    out: &mut dyn Write,
) -> Result<()> {
    let mut builder = tar::Builder::new(out);
    for (dir, image) in images {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Directory);
        header.set_mode(0o755);
        header.set_mtime(seconds(epoch.unwrap_or_default()));
        header.set_size(0);
        builder
            .append_data(&mut header, format!("{dir}/"), io::empty())
            .map_err(|source| io_error("write", dir, source))?;
        append_image(store, image, (Path::new(dir), epoch), &mut builder)?;
    }
    end(builder)
}

fn append_image(
    store: &Store,
    image: &ImageRecord,
    place: (&Path, Option<i64>),
    builder: &mut tar::Builder<&mut dyn Write>,
) -> Result<()> {
    let view = TreeView::new(store, &image.layers)?;
    view.walk(b"")?.iter().try_for_each(|found| append(&view, place, builder, found))
}

fn end(mut builder: tar::Builder<&mut dyn Write>) -> Result<()> {
    let fail = |source| io_error("write", "-", source);
    builder.finish().map_err(fail)?;
    builder.get_mut().flush().map_err(fail)
}

/// The time of an entry that leaves. As in BuildKit an epoch is the time of all files, also of those that are older, so
/// that what leaves has nothing of the machine in it.
fn time(entry: &Entry, epoch: Option<i64>) -> (i64, u32) {
    epoch.map_or(entry.mtime, |seconds| (seconds, 0))
}

/// As a header can hold it.
fn seconds(time: i64) -> u64 {
    u64::try_from(time).unwrap_or_default()
}

/// What an entry is once layers are merged: a hard link whose first name is gone or replaced is what that was, on its own.
enum Flat<'e> {
    Link(&'e [u8]),
    File,
    Other(&'e EntryKind),
}

fn flat<'e>(view: &TreeView, found: &'e Found) -> Result<Flat<'e>> {
    if let Some(to) = &found.link_to
        && view.get(to)?.is_some_and(|first| first.layer == found.layer)
    {
        return Ok(Flat::Link(to));
    }
    Ok(match &found.entry.kind {
        EntryKind::File { .. } => Flat::File,
        other => Flat::Other(other),
    })
}

fn append(
    view: &TreeView,
    (dir, epoch): (&Path, Option<i64>),
    builder: &mut tar::Builder<&mut dyn Write>,
    found: &Found,
) -> Result<()> {
    let entry = &found.entry;
    let path = dir.join(path_of(&entry.path));
    let fail = |source| io_error("write", &path, source);
    let mut header = tar::Header::new_gnu();
    header.set_mode(entry.mode);
    header.set_uid(u64::from(entry.uid));
    header.set_gid(u64::from(entry.gid));
    header.set_mtime(seconds(time(entry, epoch).0));
    header.set_size(0);
    let xattrs: Vec<(String, &[u8])> = entry
        .xattrs
        .iter()
        .map(|(name, value)| (format!("SCHILY.xattr.{}", String::from_utf8_lossy(name)), value.as_slice()))
        .collect();
    builder.append_pax_extensions(xattrs.iter().map(|(k, v)| (k.as_str(), *v))).map_err(fail)?;
    match flat(view, found)? {
        Flat::Link(to) => {
            header.set_entry_type(tar::EntryType::Link);
            builder.append_link(&mut header, &path, dir.join(path_of(to))).map_err(fail)
        }
        Flat::File => {
            let file =
                File::open(&found.disk_path).map_err(|source| io_error("open", &found.disk_path, source))?;
            header.set_entry_type(tar::EntryType::Regular);
            header.set_size(file.metadata().map_err(fail)?.len());
            builder.append_data(&mut header, &path, file).map_err(fail)
        }
        Flat::Other(EntryKind::Symlink { target }) => {
            header.set_entry_type(tar::EntryType::Symlink);
            builder.append_link(&mut header, &path, path_of(target)).map_err(fail)
        }
        Flat::Other(kind) => {
            header.set_entry_type(match kind {
                EntryKind::Dir { .. } => tar::EntryType::Directory,
                EntryKind::CharDevice { .. } => tar::EntryType::Char,
                EntryKind::BlockDevice { .. } => tar::EntryType::Block,
                _ => tar::EntryType::Fifo,
            });
            if let EntryKind::CharDevice { major, minor } | EntryKind::BlockDevice { major, minor } = kind {
                header
                    .set_device_major(*major)
                    .and_then(|()| header.set_device_minor(*minor))
                    .map_err(fail)?;
            }
            builder.append_data(&mut header, &path, io::empty()).map_err(fail)
        }
    }
}

/// Writes an image's merged root file system into a directory (`build --output type=local`). All of it belongs to the
/// user and group of this process, whoever owns it in the image; devices are left out where the process may not make them.
/// With `exact` whatever else is in the directory is removed; with an `epoch`, in Unix seconds, every entry has that time.
///
/// # Errors
/// When a layer cannot be read, or writing fails.
pub fn export_dir(
    store: &Store,
    image: &ImageRecord,
    dir: &Path,
    exact: bool,
    epoch: Option<i64>,
) -> Result<()> {
    let view = TreeView::new(store, &image.layers)?;
    // As BuildKit makes it: what an image holds is for others to see only where the caller says so.
    let make = DirBuilder::new().recursive(true).mode(0o700).create(dir);
    make.map_err(|source| io_error("make", dir, source))?;
    let privileged = nix::unistd::geteuid().is_root();
    if exact {
        remove_others(&view, dir, b"").map_err(|source| io_error("clear", dir, source))?;
    }
    let mut directories = Vec::new();
    for found in view.walk(b"")? {
        let path = dir.join(path_of(&found.entry.path));
        let mtime = time(&found.entry, epoch);
        place(&view, &found, dir, &path, (privileged, mtime))
            .map_err(|source| io_error("write", &path, source))?;
        if matches!(found.entry.kind, EntryKind::Dir { .. }) {
            directories.push((path, found.entry.mode, mtime));
        }
    }
    // Contents change a directory's time, and a read-only directory would take no contents.
    for (path, mode, mtime) in directories.iter().rev() {
        finish(path, *mode, *mtime).map_err(|source| io_error("write", path, source))?;
    }
    Ok(())
}

/// Writes one of several images below a directory of its own, which is an entry like those in it: a link that stands
/// there is replaced.
///
/// # Errors
/// As [`export_dir`].
pub fn export_dir_below(
    store: &Store,
    image: &ImageRecord,
    dir: &Path,
    exact: bool,
    epoch: Option<i64>,
) -> Result<()> {
    clear(dir, true).map_err(|source| io_error("replace", dir, source))?;
    export_dir(store, image, dir, exact, epoch)?;
    let set = || {
        own(dir)?;
        fs::set_permissions(dir, Permissions::from_mode(0o755))?;
        epoch.map_or(Ok(()), |seconds| set_mtime(dir, (seconds, 0)))
    };
    set().map_err(|source| io_error("write", dir, source))
}

/// The first path that is no directory in one of the images and is in another one too: written into one directory they
/// would overwrite each other there.
///
/// # Errors
/// When a layer cannot be read.
pub fn shared_path(store: &Store, images: &[ImageRecord]) -> Result<Option<PathBuf>> {
    let mut seen: BTreeMap<Vec<u8>, bool> = BTreeMap::new();
    for image in images {
        for found in TreeView::new(store, &image.layers)?.walk(b"")? {
            let entry = found.entry;
            let is_dir = matches!(entry.kind, EntryKind::Dir { .. });
            if let Some(was_dir) = seen.insert(entry.path.clone(), is_dir)
                && !(is_dir && was_dir)
            {
                return Ok(Some(path_of(&entry.path)));
            }
        }
    }
    Ok(None)
}

/// Removes what the view does not have. Only real directories are gone into, so that no link leads outside.
fn remove_others(view: &TreeView, root: &Path, below: &[u8]) -> io::Result<()> {
    let mut open = vec![below.to_vec()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(root.join(path_of(&directory)))? {
            let entry = entry?;
            let name = entry.file_name();
            let path = crate::join(&directory, name.as_bytes());
            let known = view.get(&path).map_err(io::Error::other)?;
            match (known, entry.file_type()?.is_dir()) {
                (Some(_), true) => open.push(path),
                (Some(_), false) => {}
                (None, true) => fs::remove_dir_all(entry.path())?,
                (None, false) => fs::remove_file(entry.path())?,
            }
        }
    }
    Ok(())
}

fn place(
    view: &TreeView,
    found: &Found,
    root: &Path,
    path: &Path,
    (privileged, mtime): (bool, (i64, u32)),
) -> io::Result<()> {
    clear(path, matches!(found.entry.kind, EntryKind::Dir { .. }))?;
    let flat = flat(view, found).map_err(io::Error::other)?;
    match flat {
        Flat::Link(to) => return fs::hard_link(root.join(path_of(to)), path),
        Flat::File => {
            fs::copy(&found.disk_path, path)?;
        }
        Flat::Other(EntryKind::Dir { .. }) if path.is_dir() => {}
        Flat::Other(EntryKind::Dir { .. }) => fs::create_dir(path)?,
        Flat::Other(EntryKind::Symlink { target }) => std::os::unix::fs::symlink(path_of(target), path)?,
        Flat::Other(EntryKind::Fifo) => nix::unistd::mkfifo(path, Mode::from_bits_truncate(0o600))?,
        Flat::Other(EntryKind::CharDevice { major, minor }) if privileged => {
            if !may(make_node(path, SFlag::S_IFCHR, *major, *minor))? {
                return Ok(());
            }
        }
        Flat::Other(EntryKind::BlockDevice { major, minor }) if privileged => {
            if !may(make_node(path, SFlag::S_IFBLK, *major, *minor))? {
                return Ok(());
            }
        }
        Flat::Other(_) => return Ok(()),
    }
    let entry = &found.entry;
    for (name, value) in &entry.xattrs {
        // What this file system or this user cannot have is no reason to give up all other files.
        let _ = rustix::fs::lsetxattr(path, OsStr::from_bytes(name), value, XattrFlags::empty());
    }
    own(path)?;
    match entry.kind {
        EntryKind::Dir { .. } => Ok(()),
        EntryKind::Symlink { .. } => set_mtime(path, mtime),
        _ => finish(path, entry.mode, mtime),
    }
}

/// Makes a file this process's own: what was there may be another's, and a directory may hand its group on. It takes
/// special bits away, so that modes come after it.
fn own(path: &Path) -> io::Result<()> {
    let (uid, gid) = (nix::unistd::getuid().as_raw(), nix::unistd::getgid().as_raw());
    may(std::os::unix::fs::lchown(path, Some(uid), Some(gid))).map(drop)
}

fn make_node(path: &Path, kind: SFlag, major: u32, minor: u32) -> io::Result<()> {
    let device = nix::sys::stat::makedev(major.into(), minor.into());
    Ok(mknod(path, kind, Mode::empty(), device)?)
}

/// False for what the kernel refuses: device nodes to the root of a user namespace, files of others to everybody else.
fn may(result: io::Result<()>) -> io::Result<bool> {
    use nix::libc::{EINVAL, EPERM};
    match result {
        Ok(()) => Ok(true),
        Err(error) if matches!(error.raw_os_error(), Some(EPERM | EINVAL)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Takes away what stands in the way. Links are removed, never followed: nothing outside the directory is touched.
fn clear(path: &Path, is_dir: bool) -> io::Result<()> {
    match path.symlink_metadata() {
        Ok(old) if old.is_dir() && is_dir => Ok(()),
        Ok(old) if old.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn finish(path: &Path, mode: u32, mtime: (i64, u32)) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(mode))?;
    set_mtime(path, mtime)
}

fn set_mtime(path: &Path, mtime: (i64, u32)) -> io::Result<()> {
    let time = nix::sys::time::TimeSpec::new(mtime.0, i64::from(mtime.1));
    let flags = nix::sys::stat::UtimensatFlags::NoFollowSymlink;
    Ok(nix::sys::stat::utimensat(nix::fcntl::AT_FDCWD, path, &time, &time, flags)?)
}

fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(bytes))
}
