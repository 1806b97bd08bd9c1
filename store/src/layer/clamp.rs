//! Clamping the times of a layer that is about to be sealed (SOURCE_DATE_EPOCH).

use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};

use crate::error::{Result, StoreError};

/// Sets modification times below `root`, and its own, that are later than `seconds` to exactly that.
pub(super) fn clamp_times(root: &Path, seconds: i64) -> Result<()> {
    let clamped = Timespec { tv_sec: seconds, tv_nsec: 0 };
    let times = Timestamps { last_access: clamped, last_modification: clamped };
    let mut pending = vec![root.to_owned()];
    while let Some(path) = pending.pop() {
        let metadata = path.symlink_metadata().map_err(StoreError::io("read", &path))?;
        if metadata.is_dir() {
            for item in std::fs::read_dir(&path).map_err(StoreError::io("read", &path))? {
                pending.push(item.map_err(StoreError::io("read", &path))?.path());
            }
        }
        // A whiteout has no time; overlayfs may have linked one inode to many places.
        let whiteout = metadata.file_type().is_char_device() && metadata.rdev() == 0;
        if !whiteout && (metadata.mtime(), metadata.mtime_nsec()) > (seconds, 0) {
            utimensat(CWD, &path, &times, AtFlags::SYMLINK_NOFOLLOW)
                .map_err(|error| StoreError::io("set the time of", &path)(error.into()))?;
        }
    }
    Ok(())
}
