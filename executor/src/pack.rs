//! The reading side: a tree as a tar stream.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Dir, FileType, OFlags, Stat, fstat, readlinkat};
use tar::{Builder, EntryType, Header};

use super::root::Place;

/// Deeper trees are refused.
const DEEPEST: usize = 512;

/// Writes what stands at the place, under this name; `.` for the contents of a directory.
pub(super) fn pack(from: &Place, name: &str, follow: bool, out: &mut dyn Write) -> io::Result<()> {
    let mut tar = Builder::new(out);
    add(&mut tar, from, &from.path, Path::new(name), follow || from.contents, 0)?;
    tar.into_inner()?.flush()
}

fn add(
    tar: &mut Builder<&mut dyn Write>,
    from: &Place,
    path: &Path,
    name: &Path,
    follow: bool,
    depth: usize,
) -> io::Result<()> {
    if depth > DEEPEST {
        return Err(io::Error::other("the directories are too deep"));
    }
    let look = if follow { OFlags::PATH } else { OFlags::PATH | OFlags::NOFOLLOW };
    let seen = from.open(path, look)?;
    let stat = fstat(&seen)?;
    let mut header = header(&stat);
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => {
            header.set_entry_type(EntryType::Directory);
            tar.append_data(&mut header, name, io::empty())?;
            for child in children(from, path)? {
                add(tar, from, &path.join(&child), &name.join(&child), false, depth + 1)?;
            }
            Ok(())
        }
        FileType::RegularFile => {
            let file = File::from(from.open(path, OFlags::RDONLY | OFlags::NONBLOCK)?);
            let size = file.metadata()?.len();
            header.set_size(size);
            // A file that shrinks meanwhile would make the rest of the archive unreadable.
            tar.append_data(&mut header, name, io::Read::take(io::Read::chain(file, io::repeat(0)), size))
        }
        FileType::Symlink => {
            let target = readlinkat(seen.as_fd(), "", Vec::new())?.into_bytes();
            header.set_entry_type(EntryType::Symlink);
            tar.append_link(&mut header, name, PathBuf::from(std::ffi::OsString::from_vec(target)))
        }
        FileType::Fifo => {
            header.set_entry_type(EntryType::Fifo);
            tar.append_data(&mut header, name, io::empty())
        }
        // Devices and sockets belong to where they are.
        _ => Ok(()),
    }
}

/// Names in a directory, sorted, so that equal trees give equal archives.
fn children(from: &Place, path: &Path) -> io::Result<Vec<std::ffi::OsString>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(from.open(path, OFlags::RDONLY | OFlags::DIRECTORY)?)? {
        let name = entry?.file_name().to_bytes().to_vec();
        if name != b"." && name != b".." {
            names.push(std::ffi::OsString::from_vec(name));
        }
    }
    names.sort_unstable();
    Ok(names)
}

fn header(stat: &Stat) -> Header {
    let mut header = Header::new_gnu();
    header.set_size(0);
    header.set_mode(stat.st_mode & 0o7777);
    header.set_uid(stat.st_uid.into());
    header.set_gid(stat.st_gid.into());
    header.set_mtime(u64::try_from(stat.st_mtime).unwrap_or(0));
    header
}
