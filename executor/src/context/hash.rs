//! Reading what the index does not know: file hashes and extended attributes, in parallel, each read checked against
//! the file's stamp before and after.

use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use buildc_digest::{FileHash, InternalHasher};
use buildc_store::EntryKind;
use rayon::prelude::*;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::index::{Attributes, Index, Known};
use super::trust;
use super::walk::stamp;
use crate::select::{Bytes, Node, Stamp};

/// Buffer of one reader.
const CHUNK: usize = 1 << 20;
/// From here on one file is hashed by all threads.
const LARGE: u64 = 16 << 20;
/// A file that changes while it is read is read again this often.
const ATTEMPTS: u32 = 5;

/// How regular files of a context are opened: what has become a pipe must not block.
const FILE_FLAGS: OFlags =
    OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC).union(OFlags::NONBLOCK);

type Failure = (Vec<u8>, Errno);

/// Fills in hashes and attributes, from the index where the stamp is the same.
pub(super) fn complete(root: &OwnedFd, index: &mut Index, nodes: Vec<&mut Node>) -> Result<(), Failure> {
    let mut unknown: Vec<&mut Node> = Vec::new();
    for node in nodes {
        let Bytes::Context(stamp) = &node.bytes else { continue };
        match index.get(&node.entry.path, stamp) {
            Some((hash, xattrs)) => fill(node, hash, xattrs),
            None => unknown.push(node),
        }
    }
    let bytes: u64 = unknown.iter().map(|n| size(n)).sum();
    let seen: HashMap<Vec<u8>, i64> = unknown.iter().filter_map(|node| seen(index, node)).collect();
    let read = |node: &mut &mut Node| -> Result<Known, Failure> {
        let path = &node.entry.path;
        let known = read(root, node, seen.get(path).copied()).map_err(|e| (path.clone(), e))?;
        node.bytes = Bytes::Context(known.stamp);
        node.entry.mode = known.stamp.mode & 0o7777;
        node.entry.mtime = known.stamp.mtime;
        fill(node, known.hash, known.xattrs.clone());
        Ok(known)
    };
    let known: Vec<Known> = if unknown.len() < 16 && bytes < LARGE {
        unknown.iter_mut().map(read).collect::<Result<_, _>>()?
    } else {
        unknown.par_iter_mut().with_max_len(64).map(read).collect::<Result<_, _>>()?
    };
    for (node, known) in unknown.into_iter().zip(known) {
        index.put(node.entry.path.clone(), known);
    }
    Ok(())
}

fn size(node: &Node) -> u64 {
    if let EntryKind::File { size, .. } = node.entry.kind { size } else { 0 }
}

fn fill(node: &mut Node, hash: FileHash, xattrs: Attributes) {
    if let (EntryKind::File { size, hash: unknown }, Bytes::Context(stamp)) =
        (&mut node.entry.kind, &node.bytes)
    {
        *size = stamp.size;
        *unknown = hash;
    }
    node.entry.xattrs = xattrs;
}

/// When the stamp that a file has now was first seen, where that matters.
fn seen(index: &mut Index, node: &Node) -> Option<(Vec<u8>, i64)> {
    let Bytes::Context(stamp) = &node.bytes else { return None };
    Some((node.entry.path.clone(), index.seen(&node.entry.path, stamp)?))
}

/// Reads one file until it held still. `seen` is when the stamp it was listed with was first seen.
fn read(root: &OwnedFd, node: &Node, seen: Option<i64>) -> Result<Known, Errno> {
    let fd = open(root, &node.entry.path)?;
    let foreign = trust::is_foreign(&fd);
    for _ in 0..ATTEMPTS {
        let now = trust::now();
        let before = stamp(&rustix::fs::fstat(&fd)?);
        let hash = hash(&fd, before.size)?;
        let xattrs = xattrs(&fd)?;
        if stamp(&rustix::fs::fstat(&fd)?) == before {
            let seen = seen.filter(|_| node.bytes == Bytes::Context(before));
            let trust = trust::judge(&before, now, foreign, seen);
            return Ok(Known { stamp: before, hash, xattrs, trust });
        }
    }
    Err(Errno::BUSY)
}

/// Opens a regular file of the context whose path holds no link.
pub(crate) fn open(root: &OwnedFd, path: &[u8]) -> Result<OwnedFd, Errno> {
    open_beneath(root, path, FILE_FLAGS)
}

/// Opens a directory of the context whose path holds no link, to open files in it.
pub(crate) fn open_dir(root: &OwnedFd, path: &[u8]) -> Result<OwnedFd, Errno> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    open_beneath(root, if path.is_empty() { b"." } else { path }, flags)
}

/// Opens a regular file in an open directory; a name has no slash.
pub(crate) fn open_in(dir: &OwnedFd, name: &[u8]) -> Result<OwnedFd, Errno> {
    rustix::fs::openat(dir, std::ffi::OsStr::from_bytes(name), FILE_FLAGS, Mode::empty())
}

fn open_beneath(root: &OwnedFd, path: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
    let path = std::ffi::OsStr::from_bytes(path);
    match rustix::fs::openat2(root, path, flags, Mode::empty(), beneath()) {
        Err(Errno::NOSYS | Errno::PERM) => rustix::fs::openat(root, path, flags, Mode::empty()),
        other => other,
    }
}

fn beneath() -> rustix::fs::ResolveFlags {
    rustix::fs::ResolveFlags::BENEATH | rustix::fs::ResolveFlags::NO_SYMLINKS
}

fn hash(fd: &OwnedFd, size: u64) -> Result<FileHash, Errno> {
    let mut hasher = InternalHasher::new();
    let len = usize::try_from(size).unwrap_or(CHUNK).saturating_add(1).min(CHUNK);
    let mut buffer = vec![0; len];
    let mut at = 0;
    loop {
        let n = rustix::io::pread(fd, &mut buffer, at)?;
        if n == 0 {
            return Ok(hasher.file());
        }
        if size >= LARGE {
            hasher.update_parallel(&buffer[..n])
        } else {
            hasher.update(&buffer[..n])
        }
        at += n as u64;
        if at == size && n < len {
            return Ok(hasher.file());
        }
    }
}

/// Extended attributes that images carry: all but those of the system and of overlayfs itself.
pub(crate) fn xattrs(fd: impl AsFd) -> Result<Attributes, Errno> {
    let mut list = [0_u8; 4096];
    let n = match rustix::fs::flistxattr(&fd, &mut list[..]) {
        Ok(0) | Err(Errno::NOTSUP | Errno::RANGE) => return Ok(Vec::new()),
        other => other?,
    };
    let mut found = Vec::new();
    for name in list[..n].split(|b| *b == 0).filter(|n| is_carried(n)) {
        let mut value = vec![0_u8; 64 << 10];
        let Ok(len) = rustix::fs::fgetxattr(&fd, std::ffi::OsStr::from_bytes(name), &mut value[..]) else {
            continue;
        };
        value.truncate(len);
        found.push((name.to_vec(), value));
    }
    found.sort();
    Ok(found)
}

fn is_carried(name: &[u8]) -> bool {
    name == b"security.capability" || (name.starts_with(b"user.") && !name.starts_with(b"user.overlay."))
}

/// The stamp of an open file.
pub(crate) fn stamp_of(fd: impl AsFd) -> Result<Stamp, Errno> {
    rustix::fs::fstat(fd).map(|stat| stamp(&stat))
}
