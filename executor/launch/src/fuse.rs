//! A FUSE file system that is mounted nowhere: a device to serve it from, and the mount to hand to a launch.
//!
//! Owns: making the two. Never does: serving; whoever holds the device answers (Linux documentation, `fuse.rst`).

use std::os::fd::{AsRawFd, OwnedFd};

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::mount::MountAttrFlags;

use crate::error::{Doing, Result};
use crate::sys;

/// A mount that is attached to nothing; it ends with the last descriptor or launch that has it.
#[derive(Debug)]
pub struct FuseMount {
    /// Requests are read from it and answers are written to it. Reading fails with `ENODEV` once the mount has gone.
    pub device: OwnedFd,
    /// The mount, for [`launch_over`](crate::launch_over).
    pub mount: OwnedFd,
}

/// Makes a read-only FUSE mount that only its own server's user, and file systems stacked on it, may enter.
///
/// # Errors
/// Where `/dev/fuse` is missing or must not be opened, or the kernel refuses the mount.
pub fn open_fuse() -> Result<FuseMount> {
    let device = openat(CWD, "/dev/fuse", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())
        .doing(|| "Open `/dev/fuse`")?;
    let fd = device.as_raw_fd().to_string();
    // The root is a directory (its mode in octal); user 0 is the one of this user namespace.
    // A file system that is read-only itself, beside its mount: otherwise every read makes its time of access unknown to
    // the kernel, which then asks for attributes again.
    let options =
        [("fd", fd.as_str()), ("rootmode", "40000"), ("user_id", "0"), ("group_id", "0"), ("ro", "")];
    let attributes = MountAttrFlags::MOUNT_ATTR_RDONLY | MountAttrFlags::MOUNT_ATTR_NOATIME;
    let mount = sys::new_filesystem("fuse", &options, attributes).doing(|| "Mount a FUSE file system")?;
    Ok(FuseMount { device, mount })
}
