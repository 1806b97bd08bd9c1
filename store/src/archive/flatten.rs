//! An image's merged root file system as one tar or one directory.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::sys::stat::{Mode, SFlag, mknod};

use super::Result;
use super::error::io as io_error;
use crate::{EntryKind, Found, ImageRecord, Store, TreeView};

/// Writes an image's merged root file system as one tar (`build --output type=tar`). Extended attributes are PAX
/// records `SCHILY.xattr.*`, as GNU tar writes them.
///
/// # Errors
/// When a layer cannot be read, or writing fails.
pub fn export_tar(store: &Store, image: &ImageRecord, out: &mut dyn Write) -> Result<()> {
    let mut builder = tar::Builder::new(out);
    append_image(store, image, Path::new(""), &mut builder)?;
    finish(builder)
}

/// The same of several images, each below a directory of its own.
///
/// # Errors
/// As [`export_tar`].
pub fn export_tar_of(store: &Store, images: &[(String, &ImageRecord)], out: &mut dyn Write) -> Result<()> {
    let mut builder = tar::Builder::new(out);
    for (dir, image) in images {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Directory);
        header.set_mode(0o755);
        header.set_size(0);
        builder
            .append_data(&mut header, format!("{dir}/"), io::empty())
            .map_err(|source| io_error("write", dir, source))?;
        append_image(store, image, Path::new(dir), &mut builder)?;
    }
    finish(builder)
}

fn append_image(
    store: &Store,
    image: &ImageRecord,
    dir: &Path,
    builder: &mut tar::Builder<&mut dyn Write>,
) -> Result<()> {
    let view = TreeView::new(store, &image.layers)?;
    view.walk(b"")?.iter().try_for_each(|found| append(&view, dir, builder, found))
}

fn finish(mut builder: tar::Builder<&mut dyn Write>) -> Result<()> {
    let fail = |source| io_error("write", "-", source);
    builder.finish().map_err(fail)?;
    builder.get_mut().flush().map_err(fail)
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
    dir: &Path,
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
    header.set_mtime(u64::try_from(entry.mtime.0).unwrap_or_default());
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

/// Writes an image's merged root file system into a directory (`build --output type=local`). Owners and device nodes
/// are set when the process may; without that right files belong to the caller and devices are left out. With
/// `exact` whatever else is in the directory is removed.
///
/// # Errors
/// When a layer cannot be read, or writing fails.
pub fn export_dir(store: &Store, image: &ImageRecord, dir: &Path, exact: bool) -> Result<()> {
    let view = TreeView::new(store, &image.layers)?;
    fs::create_dir_all(dir).map_err(|source| io_error("make", dir, source))?;
    let privileged = nix::unistd::geteuid().is_root();
    if exact {
        remove_others(&view, dir, b"").map_err(|source| io_error("clear", dir, source))?;
    }
    let mut directories = Vec::new();
    for found in view.walk(b"")? {
        let path = dir.join(path_of(&found.entry.path));
        place(&view, &found, dir, &path, privileged).map_err(|source| io_error("write", &path, source))?;
        if matches!(found.entry.kind, EntryKind::Dir { .. }) {
            directories.push((path, found.entry.mode, found.entry.mtime));
        }
    }
    // Contents change a directory's time, and a read-only directory would take no contents.
    for (path, mode, mtime) in directories.iter().rev() {
        finish_dir(path, *mode, *mtime).map_err(|source| io_error("write", path, source))?;
    }
    Ok(())
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

fn place(view: &TreeView, found: &Found, root: &Path, path: &Path, privileged: bool) -> io::Result<()> {
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
    if privileged {
        may(std::os::unix::fs::lchown(path, Some(entry.uid), Some(entry.gid)))?;
    }
    match entry.kind {
        EntryKind::Symlink { .. } | EntryKind::Dir { .. } => Ok(()),
        _ => finish_file(path, entry.mode, entry.mtime),
    }
}

fn make_node(path: &Path, kind: SFlag, major: u32, minor: u32) -> io::Result<()> {
    let device = nix::sys::stat::makedev(major.into(), minor.into());
    Ok(mknod(path, kind, Mode::empty(), device)?)
}

/// False for what the kernel refuses to the root of a user namespace: device nodes always, owners without a mapped id.
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

fn finish_file(path: &Path, mode: u32, mtime: (i64, u32)) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(mode))?;
    set_mtime(path, mtime)
}

fn finish_dir(path: &Path, mode: u32, mtime: (i64, u32)) -> io::Result<()> {
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
