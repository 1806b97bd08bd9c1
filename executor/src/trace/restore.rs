//! Directories that overlayfs copied up have the time that the base was shown with; they get back their own.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use buildc_store::{Layer, Store, StoreError, TreeIndex, TreeNode};
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_OMIT, utimensat};

use super::attributes::DIRECTORY_TIME;

/// Gives directories in `upper` that the base has too, and that nothing has changed the time of, their time in the base.
///
/// # Errors
/// When the base or the directory cannot be read.
pub(crate) fn restore_times(store: &Store, layers: &[Layer], upper: &Path) -> Result<(), StoreError> {
    let index = TreeIndex::new(store, layers)?;
    let Some(root) = index.root()? else { return Ok(()) };
    let mut todo = vec![root];
    while let Some(dir) = todo.pop() {
        let place = upper.join(OsStr::from_bytes(&dir.found.entry.path));
        // What cannot be read here is met again by sealing, with its error.
        let Ok(names) = fs::read_dir(&place) else { continue };
        for name in names.flatten() {
            if !name.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            let below = index.child(&dir, name.file_name().as_bytes())?;
            if let Some(below) = below.filter(|below| below.found.entry.is_dir()) {
                let _ = restore(&below, &name.path());
                todo.push(below);
            }
        }
    }
    Ok(())
}

fn restore(dir: &TreeNode, place: &Path) -> io::Result<()> {
    let metadata = fs::symlink_metadata(place)?;
    let (seconds, nanoseconds) = DIRECTORY_TIME;
    if (metadata.mtime(), metadata.mtime_nsec()) != (seconds, i64::from(nanoseconds)) {
        return Ok(());
    }
    let (tv_sec, nanoseconds) = dir.found.entry.mtime;
    let times = Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec { tv_sec, tv_nsec: i64::from(nanoseconds) },
    };
    Ok(utimensat(CWD, place, &times, AtFlags::SYMLINK_NOFOLLOW)?)
}
