//! Listing a build context: `getdents` and one `lstat` per entry, directories in parallel, ignored ones not entered.

use std::collections::BTreeMap;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use buildc_ir::pattern::{PatternSet, Verdict};
use buildc_store::compare_paths;
use rayon::prelude::*;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, Stat};
use rustix::io::Errno;

use crate::select::{Stamp, join};

/// Directories inside each other that are followed; deeper ones are refused as `ELOOP`.
const MAX_DEPTH: usize = 500;

/// What kind of thing an entry is. Sockets are never copied and never listed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Dir,
    File,
    Symlink,
    Fifo,
    Char(u32, u32),
    Block(u32, u32),
}

/// One entry of a context.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub path: Vec<u8>,
    pub kind: Kind,
    pub stamp: Stamp,
    /// Hard links.
    pub links: u64,
}

impl Item {
    fn new(path: Vec<u8>, stat: &Stat) -> Option<Self> {
        let device = (rustix::fs::major(stat.st_rdev), rustix::fs::minor(stat.st_rdev));
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => Kind::Dir,
            FileType::RegularFile => Kind::File,
            FileType::Symlink => Kind::Symlink,
            FileType::Fifo => Kind::Fifo,
            FileType::CharacterDevice => Kind::Char(device.0, device.1),
            FileType::BlockDevice => Kind::Block(device.0, device.1),
            FileType::Socket | FileType::Unknown => return None,
        };
        #[allow(clippy::unnecessary_cast, reason = "the width of nlink differs between architectures")]
        Some(Self { path, kind, stamp: stamp(stat), links: stat.st_nlink as u64 })
    }
}

/// The part of a `stat` that tells one version of a file from another.
pub(crate) fn stamp(stat: &Stat) -> Stamp {
    let nanos = |n| u32::try_from(n).unwrap_or_default();
    Stamp {
        size: u64::try_from(stat.st_size).unwrap_or_default(),
        mtime: (stat.st_mtime, nanos(stat.st_mtime_nsec)),
        ctime: (stat.st_ctime, nanos(stat.st_ctime_nsec)),
        inode: stat.st_ino,
        mode: stat.st_mode,
    }
}

/// What stands at a path; `None` when nothing does or a component is no directory. The last link is not followed; the
/// caller has resolved all others.
pub(super) fn lstat(root: &OwnedFd, path: &[u8]) -> Result<Option<Item>, Errno> {
    let name = std::ffi::OsStr::from_bytes(path);
    match rustix::fs::statat(root, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Item::new(path.to_vec(), &stat)),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::NAMETOOLONG | Errno::LOOP) => Ok(None),
        Err(e) => Err(e),
    }
}

/// Target of a symbolic link.
pub(super) fn read_link(root: &OwnedFd, path: &[u8]) -> Result<Vec<u8>, Errno> {
    rustix::fs::readlinkat(root, std::ffi::OsStr::from_bytes(path), Vec::new())
        .map(std::ffi::CString::into_bytes)
}

fn open_dir(at: impl AsFd, name: &[u8]) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let name = if name.is_empty() { b".".as_slice() } else { name };
    rustix::fs::openat(at, std::ffi::OsStr::from_bytes(name), flags, Mode::empty())
}

/// Names in a directory, sorted, and whether each is a directory.
pub(super) fn names(root: &OwnedFd, dir: &[u8]) -> Result<Vec<(Vec<u8>, bool)>, Errno> {
    let fd = open_dir(root, dir)?;
    let mut names = Vec::new();
    each_name(&fd, |name, kind| {
        let unknown = kind == FileType::Unknown;
        let is_dir = kind == FileType::Directory || (unknown && open_dir(&fd, name).is_ok());
        names.push((name.to_vec(), is_dir));
        Ok(())
    })?;
    names.sort_unstable();
    Ok(names)
}

fn each_name(fd: &OwnedFd, mut each: impl FnMut(&[u8], FileType) -> Result<(), Errno>) -> Result<(), Errno> {
    let mut buffer = [const { MaybeUninit::<u8>::uninit() }; 32 << 10];
    let mut dir = RawDir::new(fd, &mut buffer);
    while let Some(entry) = dir.next() {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            each(name, entry.file_type())?;
        }
    }
    Ok(())
}

/// The part of a listing that lies below a directory.
pub(super) fn range<'i>(items: &'i [Item], dir: &[u8]) -> &'i [Item] {
    let from = items.partition_point(|i| compare_paths(&i.path, dir).is_le());
    let len = items[from..].partition_point(|i| crate::select::is_below(&i.path, dir));
    &items[from..from + len]
}

/// Positions of directories among the entries of one, with what the rules say of each.
type Dirs = Vec<(usize, Verdict)>;

/// Walks a context under its ignore rules.
#[derive(Debug)]
pub(super) struct Walker<'c> {
    pub root: &'c OwnedFd,
    pub rules: &'c PatternSet,
    /// Listings of directories that were walked before; those are not entered again.
    pub known: BTreeMap<Vec<u8>, Arc<Vec<Item>>>,
}

type Failure = (Vec<u8>, Errno);

/// A listing in pieces, so that what was found deep down is moved once and not once per level.
type Pieces = Vec<Vec<Item>>;

impl Walker<'_> {
    /// Everything below `dir` that is not ignored, parents first, names sorted.
    pub(super) fn walk(&self, dir: &[u8], verdict: Verdict) -> Result<Vec<Item>, Failure> {
        let fd = open_dir(self.root, dir).map_err(|e| (dir.to_vec(), e))?;
        let mut pieces = self.below(&fd, dir, &verdict, 0)?;
        if pieces.len() == 1 {
            return Ok(pieces.pop().unwrap_or_default());
        }
        let mut all = Vec::with_capacity(pieces.iter().map(Vec::len).sum());
        pieces.into_iter().for_each(|piece| all.extend(piece));
        Ok(all)
    }

    fn below(&self, fd: &OwnedFd, dir: &[u8], verdict: &Verdict, depth: usize) -> Result<Pieces, Failure> {
        if depth > MAX_DEPTH {
            return Err((dir.to_vec(), Errno::LOOP));
        }
        let (here, dirs) = self.here(fd, dir, verdict).map_err(|e| (dir.to_vec(), e))?;
        let enter = |(at, verdict): &(usize, Verdict)| self.enter(fd, &here[*at].path, verdict, depth);
        let entered: Vec<Option<Pieces>> = if dirs.len() > 1 {
            dirs.par_iter().map(enter).collect::<Result<_, _>>()?
        } else {
            dirs.iter().map(enter).collect::<Result<_, _>>()?
        };
        let mut below = dirs.into_iter().map(|(at, _)| at).zip(entered).peekable();
        if below.peek().is_none() {
            return Ok(vec![here]);
        }
        let (mut pieces, mut piece) = (Pieces::new(), Vec::new());
        for (at, item) in here.into_iter().enumerate() {
            match below.next_if(|(dir, _)| *dir == at) {
                None => piece.push(item),
                // It is gone, or excluded with all that it holds.
                Some((_, None)) => {}
                Some((_, Some(inside))) => {
                    piece.push(item);
                    pieces.push(std::mem::take(&mut piece));
                    pieces.extend(inside);
                }
            }
        }
        pieces.push(piece);
        Ok(pieces)
    }

    /// What is below a directory; an excluded one counts only for what is taken back in.
    fn enter(
        &self,
        fd: &OwnedFd,
        path: &[u8],
        verdict: &Verdict,
        depth: usize,
    ) -> Result<Option<Pieces>, Failure> {
        let below = match self.known.get(path) {
            Some(known) => vec![known.to_vec()],
            None => match open_dir(fd, crate::select::split(path).1) {
                Ok(child) => self.below(&child, path, verdict, depth + 1)?,
                Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
                Err(e) => return Err((path.to_vec(), e)),
            },
        };
        let counts = !verdict.excluded || below.iter().any(|piece| !piece.is_empty());
        Ok(counts.then_some(below))
    }

    /// The entries of one directory that are to be seen or entered, sorted, and which of them are directories, with what
    /// the rules say of those.
    fn here(&self, fd: &OwnedFd, dir: &[u8], parent: &Verdict) -> Result<(Vec<Item>, Dirs), Errno> {
        let mut found: Vec<(Item, Verdict)> = Vec::new();
        each_name(fd, |name, kind| {
            let path = join(dir, name);
            let verdict =
                if self.rules.is_empty() { Verdict::default() } else { self.rules.judge(&path, parent) };
            let may_hold = matches!(kind, FileType::Directory | FileType::Unknown)
                && verdict.excluded
                && self.rules.may_include_below(&path, &verdict);
            if verdict.excluded && !may_hold {
                return Ok(());
            }
            match rustix::fs::statat(fd, std::ffi::OsStr::from_bytes(name), AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => {
                    let item = Item::new(path, &stat);
                    found.extend(
                        item.filter(|i| !verdict.excluded || i.kind == Kind::Dir).map(|i| (i, verdict)),
                    );
                    Ok(())
                }
                Err(Errno::NOENT) => Ok(()),
                Err(e) => Err(e),
            }
        })?;
        found.sort_unstable_by(|(a, _), (b, _)| a.path.cmp(&b.path));
        let (mut items, mut dirs) = (Vec::with_capacity(found.len()), Dirs::new());
        for (at, (item, verdict)) in found.into_iter().enumerate() {
            if item.kind == Kind::Dir {
                dirs.push((at, verdict));
            }
            items.push(item);
        }
        Ok((items, dirs))
    }
}
