//! The attributes that the base is shown with: those of its manifest, and for all that no manifest holds something that
//! is the same on every machine.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use buildc_store::{Entry, EntryKind};
use fuser::{FileAttr, FileType, INodeNo};

/// Modification time of every directory, in seconds and nanoseconds since 1970: the one of a directory changes with
/// every name in it that nobody looked at. 1985-10-26, as npm's archives have it, and odd enough to be told from one
/// that a command set; see [`restore_times`](super::restore_times).
pub(super) const DIRECTORY_TIME: (i64, u32) = (499_162_500, 1);

const BLOCK_BYTES: u32 = 4096;

/// What `stat` shows.
pub(super) fn attributes(entry: &Entry, ino: u64, names: u32, single_id: bool) -> FileAttr {
    let (size, rdev) = match &entry.kind {
        EntryKind::Dir { .. } => (u64::from(BLOCK_BYTES), 0),
        EntryKind::File { size, .. } => (*size, 0),
        EntryKind::Symlink { target } => (target.len() as u64, 0),
        EntryKind::CharDevice { major, minor } | EntryKind::BlockDevice { major, minor } => {
            (0, device(*major, *minor))
        }
        EntryKind::Hardlink { .. } | EntryKind::Fifo | EntryKind::Whiteout => (0, 0),
    };
    let time = if entry.is_dir() { DIRECTORY_TIME } else { entry.mtime };
    let time = system_time(time);
    FileAttr {
        ino: INodeNo(ino),
        size,
        blocks: size.div_ceil(u64::from(BLOCK_BYTES)) * u64::from(BLOCK_BYTES / 512),
        atime: time,
        mtime: time,
        ctime: time,
        crtime: time,
        kind: file_type(&entry.kind),
        perm: (entry.mode & 0o7777) as u16,
        nlink: names,
        uid: if single_id { 0 } else { entry.uid },
        gid: if single_id { 0 } else { entry.gid },
        rdev,
        blksize: BLOCK_BYTES,
        flags: 0,
    }
}

/// An answer that says that a name does not exist.
pub(super) fn nothing() -> FileAttr {
    attributes(&Entry::whiteout(Vec::new()), 0, 0, false)
}

/// The type in listings.
pub(super) fn file_type(kind: &EntryKind) -> FileType {
    match kind {
        EntryKind::Dir { .. } => FileType::Directory,
        EntryKind::Symlink { .. } => FileType::Symlink,
        EntryKind::CharDevice { .. } => FileType::CharDevice,
        EntryKind::BlockDevice { .. } => FileType::BlockDevice,
        EntryKind::Fifo => FileType::NamedPipe,
        EntryKind::File { .. } | EntryKind::Hardlink { .. } | EntryKind::Whiteout => FileType::RegularFile,
    }
}

/// The 32-bit form of a device number, `new_encode_dev` in Linux.
fn device(major: u32, minor: u32) -> u32 {
    (minor & 0xff) | (major << 8) | ((minor & !0xff) << 12)
}

fn system_time((seconds, nanoseconds): (i64, u32)) -> SystemTime {
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let time = if seconds < 0 { UNIX_EPOCH.checked_sub(whole) } else { UNIX_EPOCH.checked_add(whole) };
    let time = time.and_then(|time| time.checked_add(Duration::from_nanos(u64::from(nanoseconds))));
    time.unwrap_or(UNIX_EPOCH)
}
