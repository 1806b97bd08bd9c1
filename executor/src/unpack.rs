//! A tar stream becomes files below a directory that none of them can leave, whatever else happens there meanwhile: `cp`
//! into a container, and build contexts that arrive as archives.
//!
//! Owns: writing the entries, and how much they may take. Never does: decompressing, or choosing the place.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use buildc_store::{Content, StoreError, TarItem, TarReader, leave_hole};
use rustix::fs::{
    AtFlags, FileType, Gid, Mode, OFlags, ResolveFlags, Timespec, Timestamps, Uid, chownat, linkat, mkdirat,
    mknodat, openat, openat2, symlinkat, unlinkat, utimensat,
};
use rustix::io::Errno;
use tar::EntryType;

/// Bytes moved at once.
const BUFFER_BYTES: usize = 256 << 10;
/// What an entry without content takes of a limit: about an inode and its name.
const ENTRY_BYTES: u64 = 1 << 10;
/// Directories inside each other that an archive may have.
const DEEPEST: usize = 512;

/// Why an archive is not unpacked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UnpackError {
    /// The archive is damaged or refused, or a file cannot be written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It takes more than it may.
    #[error("it takes more than {limit_bytes} bytes")]
    TooLarge { limit_bytes: u64 },
}

impl From<Errno> for UnpackError {
    fn from(errno: Errno) -> Self {
        Self::Io(errno.into())
    }
}

type Result<T> = std::result::Result<T, UnpackError>;

/// Where an archive goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Destination<'d> {
    /// What no entry leaves.
    pub root: BorrowedFd<'d>,
    /// An existing directory below it.
    pub dir: &'d Path,
    /// Owners are as the archive has them, else the caller's.
    pub owners: bool,
    /// Most bytes that the entries may take.
    pub limit_bytes: Option<u64>,
}

/// Opens a path below a root: links are followed, but never out of it.
///
/// # Errors
/// As `openat2`.
pub(crate) fn open_in_root(root: BorrowedFd<'_>, path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    loop {
        match openat2(root, path, flags | OFlags::CLOEXEC, Mode::empty(), ResolveFlags::IN_ROOT) {
            // Somebody renamed something on the way; the kernel asks to try again.
            Err(Errno::AGAIN | Errno::INTR) => {}
            other => return Ok(other?),
        }
    }
}

/// Unpacks all entries; a file that is there already is replaced.
///
/// # Errors
/// [`UnpackError`]; what was unpacked until then stays.
pub(crate) fn unpack(to: Destination<'_>, input: &mut dyn Read) -> Result<()> {
    let mut unpacker =
        Unpacker { to, reader: TarReader::new(input), buffer: vec![0; BUFFER_BYTES], used_bytes: 0 };
    let mut directories = Vec::new();
    while let Some(item) = unpacker.reader.next_item().map_err(damaged)? {
        let path = to.dir.join(below(path(&item.name))?);
        unpacker.charge(ENTRY_BYTES)?;
        if path != to.dir && unpacker.write(&path, &item)? {
            directories.push((path, item.mode, item.mtime));
        }
    }
    // Files written into a directory change its time, and its mode may forbid them, so the directories' own come last.
    for (path, mode, mtime) in directories.iter().rev() {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW;
        let directory = open_in_root(to.root, path, flags)?;
        rustix::fs::fchmod(&directory, Mode::from_raw_mode(*mode))?;
        utimensat(directory.as_fd(), ".", &times(*mtime), AtFlags::empty())?;
    }
    Ok(())
}

/// What the reader says, of an archive that is no layer.
fn damaged(error: StoreError) -> io::Error {
    match error {
        StoreError::TarEntry { path, problem } => {
            io::Error::other(format!("the archive's entry `{path}` is refused: {problem}"))
        }
        StoreError::Tar { problem } => io::Error::other(format!("the archive is damaged: {problem}")),
        StoreError::TarCutOff => io::Error::other("the archive ends in the middle of an entry"),
        error => io::Error::other(error),
    }
}

fn path(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}

/// An entry's path without `.`; one with `..` is refused, not repaired.
fn below(path: &Path) -> io::Result<PathBuf> {
    let mut clean = PathBuf::new();
    if path.components().count() > DEEPEST {
        return Err(io::Error::other("the archive's directories are too deep"));
    }
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

struct Unpacker<'u> {
    to: Destination<'u>,
    reader: TarReader<&'u mut dyn Read>,
    buffer: Vec<u8>,
    used_bytes: u64,
}

impl Unpacker<'_> {
    fn charge(&mut self, bytes: u64) -> Result<()> {
        self.used_bytes = self.used_bytes.saturating_add(bytes);
        match self.to.limit_bytes {
            Some(limit_bytes) if self.used_bytes > limit_bytes => Err(UnpackError::TooLarge { limit_bytes }),
            _ => Ok(()),
        }
    }

    /// Makes one entry; true for a directory.
    fn write(&mut self, path: &Path, item: &TarItem) -> Result<bool> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Ok(false) };
        let parent = self.directory(parent)?;
        let (parent, name) = (parent.as_fd(), Path::new(name));
        let is_dir = item.is_dir();
        let mode = Mode::from_raw_mode(item.mode);
        if is_dir {
            make_directory(parent, name)?;
        } else {
            make_way(parent, name)?;
        }
        let mut opened = None;
        match item.kind {
            _ if is_dir => {}
            EntryType::Symlink => symlinkat(link_name(item)?, parent, name)?,
            EntryType::Link => {
                return self.hard_link(&below(link_name(item)?)?, parent, name).map(|()| false);
            }
            EntryType::Fifo => mknodat(parent, name, FileType::Fifo, mode, 0)?,
            EntryType::Regular | EntryType::Continuous => {
                let flags =
                    OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                let mut file = File::from(openat(parent, name, flags, Mode::RUSR | Mode::WUSR)?);
                self.fill(&mut file)?;
                opened = Some(file);
            }
            // Devices cannot be brought anywhere this way.
            _ => return Ok(false),
        }
        if self.to.owners {
            let (uid, gid) = (Uid::from_raw(item.uid), Gid::from_raw(item.gid));
            chownat(parent, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?;
        }
        if let Some(file) = opened {
            // By descriptor: a running container may have put a link in the name's place meanwhile.
            rustix::fs::fchmod(&file, mode)?;
        }
        if !is_dir {
            utimensat(parent, name, &times(item.mtime), AtFlags::SYMLINK_NOFOLLOW)?;
        }
        Ok(is_dir)
    }

    /// Opens a directory; those that the archive took for granted are made.
    fn directory(&self, path: &Path) -> Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        match open_in_root(self.to.root, path, flags) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => return Ok(other?),
        }
        if let (Some(parent), Some(name)) = (path.parent(), path.file_name()) {
            // The depth is bounded where the name was cleaned.
            let parent = self.directory(parent)?;
            mkdirat(&parent, Path::new(name), Mode::from_raw_mode(0o755))?;
        }
        Ok(open_in_root(self.to.root, path, flags)?)
    }

    fn fill(&mut self, file: &mut File) -> Result<()> {
        loop {
            match self.reader.next_content(&mut self.buffer).map_err(damaged)? {
                Content::End => return Ok(()),
                Content::Hole(bytes) => leave_hole(file, bytes)?,
                Content::Bytes(read) => {
                    self.charge(read as u64)?;
                    file.write_all(self.buffer.get(..read).unwrap_or_default())?;
                }
            }
        }
    }

    fn hard_link(&self, target: &Path, parent: BorrowedFd<'_>, name: &Path) -> Result<()> {
        let target = self.to.dir.join(target);
        let (Some(dir), Some(target)) = (target.parent(), target.file_name()) else {
            return Err(io::Error::other("a link of the archive has no target").into());
        };
        let dir = open_in_root(self.to.root, dir, OFlags::RDONLY | OFlags::DIRECTORY)?;
        Ok(linkat(dir.as_fd(), Path::new(target), parent, name, AtFlags::empty())?)
    }
}

fn link_name(item: &TarItem) -> io::Result<&Path> {
    match item.link.is_empty() {
        true => Err(io::Error::other("a link of the archive has no target")),
        false => Ok(path(&item.link)),
    }
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

fn times((seconds, nanos): (i64, u32)) -> Timestamps {
    let time = Timespec { tv_sec: seconds, tv_nsec: nanos.into() };
    Timestamps { last_access: time, last_modification: time }
}
