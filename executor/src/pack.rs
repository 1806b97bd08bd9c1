//! Trees below a directory that nothing leaves become a tar stream, whatever else happens there meanwhile: the reverse of
//! `unpack`.
//!
//! Owns: the entries. Never does: choosing the place, or compressing.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Dir, FileType, OFlags, Stat, fstat, readlinkat};
use tar::{Builder, EntryType, Header};

use crate::unpack::open_in_root;

/// Deeper trees are refused.
const DEEPEST: usize = 512;

/// An archive being written.
pub(crate) struct Packer<'w> {
    tar: Builder<&'w mut dyn Write>,
}

/// What stands at a path below a root.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tree<'t> {
    /// What links do not leave.
    pub root: BorrowedFd<'t>,
    /// Below it.
    pub path: &'t Path,
}

impl<'w> Packer<'w> {
    pub(crate) fn new(out: &'w mut dyn Write) -> Self {
        Self { tar: Builder::new(out) }
    }

    /// Adds a file of these bytes, root's.
    pub(crate) fn file(&mut self, name: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut header = Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(0);
        self.tar.append_data(&mut header, name, bytes)
    }

    /// Adds a tree under this name; `follow` is for its root only.
    pub(crate) fn tree(&mut self, tree: Tree<'_>, name: &Path, follow: bool) -> io::Result<()> {
        self.add(tree.root, tree.path, name, follow, 0)
    }

    /// Writes the end of the archive.
    pub(crate) fn finish(self) -> io::Result<()> {
        self.tar.into_inner()?.flush()
    }

    fn add(
        &mut self,
        root: BorrowedFd<'_>,
        path: &Path,
        name: &Path,
        follow: bool,
        depth: usize,
    ) -> io::Result<()> {
        if depth > DEEPEST {
            return Err(io::Error::other("the directories are too deep"));
        }
        let look = if follow { OFlags::PATH } else { OFlags::PATH | OFlags::NOFOLLOW };
        let seen = open_in_root(root, path, look)?;
        let stat = fstat(&seen)?;
        let mut header = header(&stat);
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => {
                header.set_entry_type(EntryType::Directory);
                self.tar.append_data(&mut header, name, io::empty())?;
                for child in children(root, path)? {
                    self.add(root, &path.join(&child), &name.join(&child), false, depth + 1)?;
                }
                Ok(())
            }
            FileType::RegularFile => {
                let file = File::from(open_in_root(root, path, OFlags::RDONLY | OFlags::NONBLOCK)?);
                let size = file.metadata()?.len();
                header.set_size(size);
                // A file that shrinks meanwhile would make the rest of the archive unreadable.
                let bytes = io::Read::take(io::Read::chain(file, io::repeat(0)), size);
                self.tar.append_data(&mut header, name, bytes)
            }
            FileType::Symlink => {
                let target = target(&seen)?;
                header.set_entry_type(EntryType::Symlink);
                self.tar.append_link(&mut header, name, target)
            }
            FileType::Fifo => {
                header.set_entry_type(EntryType::Fifo);
                self.tar.append_data(&mut header, name, io::empty())
            }
            // Devices and sockets belong to where they are.
            _ => Ok(()),
        }
    }
}

fn target(link: &OwnedFd) -> io::Result<PathBuf> {
    Ok(PathBuf::from(OsString::from_vec(readlinkat(link.as_fd(), "", Vec::new())?.into_bytes())))
}

/// Names in a directory, sorted, so that equal trees give equal archives.
fn children(root: BorrowedFd<'_>, path: &Path) -> io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(open_in_root(root, path, OFlags::RDONLY | OFlags::DIRECTORY)?)? {
        let entry = entry?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        if name != "." && name != ".." {
            names.push(name.to_owned());
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
