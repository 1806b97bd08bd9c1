//! Paths of `/proc` and `/sys` that the container may not see or not write.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::CWD;
use rustix::mount::MountAttrFlags;

use crate::error::{Doing, Result};
use crate::sys::{self, MountAttributes};
use crate::target::{Root, is_directory};

/// Covers paths: directories with one empty read-only directory, everything else with `/dev/null`.
pub(crate) fn hide(root: &Root, paths: &[String]) -> Result<()> {
    let mut empty: Option<OwnedFd> = None;
    let mut null: Option<OwnedFd> = None;
    for path in paths {
        let what = || format!("Hide `{path}`");
        let Some(place) = existing(root, path).doing(what)? else { continue };
        let is_dir = is_directory(place.as_fd()).doing(what)?;
        let first = if is_dir { &mut empty } else { &mut null };
        // The first cover is attached itself: before Linux 6.15 only what is attached can be cloned.
        if let Some(first) = first {
            let cover = sys::clone_tree(first.as_fd(), "", false).doing(what)?;
            sys::attach(cover.as_fd(), place.as_fd()).doing(what)?;
            continue;
        }
        let cover = if is_dir {
            sys::new_filesystem("tmpfs", &[("nr_inodes", "2")], MountAttrFlags::MOUNT_ATTR_RDONLY)
        } else {
            sys::clone_tree(CWD, "/dev/null", false)
        };
        let cover = first.insert(cover.doing(what)?);
        sys::attach(cover.as_fd(), place.as_fd()).doing(what)?;
    }
    Ok(())
}

/// Makes paths, with what is mounted below them, read-only.
pub(crate) fn protect(root: &Root, paths: &[String]) -> Result<()> {
    for path in paths {
        let what = || format!("Make `{path}` read-only");
        let Some(place) = existing(root, path).doing(what)? else { continue };
        let mount = sys::clone_tree(place.as_fd(), "", true).doing(what)?;
        let change = MountAttributes { set: libc::MOUNT_ATTR_RDONLY, ..Default::default() };
        sys::mount_setattr(mount.as_fd(), true, change).doing(what)?;
        sys::attach(mount.as_fd(), place.as_fd()).doing(what)?;
    }
    Ok(())
}

/// None where the image or the kernel has no such path.
fn existing(root: &Root, path: &str) -> std::io::Result<Option<OwnedFd>> {
    match root.open(Path::new(path)) {
        Ok(place) => Ok(Some(place)),
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ENOTDIR)) => Ok(None),
        Err(error) => Err(error),
    }
}
