//! Device nodes in the container's `/dev`: made where the kernel lets us, bound from the host where not.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, OFlags, chmodat, makedev, mknodat, openat, statat};
use rustix::io::Errno;

use crate::error::{Doing, LaunchError, Result};
use crate::sys::{self, MountAttributes};
use crate::target::{Kind, Root};

/// Name, major and minor number.
const STANDARD: &[(&str, u32, u32)] =
    &[("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0)];

/// Makes the six devices of every container in its `/dev`, which is not attached yet.
pub(crate) fn make_standard_nodes(dev: &OwnedFd) -> Result<()> {
    for (name, major, minor) in STANDARD {
        let what = || format!("Make the device `/dev/{name}`");
        let node = mknodat(
            dev,
            *name,
            FileType::CharacterDevice,
            Mode::from_raw_mode(0o666),
            makedev(*major, *minor),
        );
        match node {
            // Against the umask.
            Ok(()) => {
                chmodat(dev, *name, Mode::from_raw_mode(0o666), rustix::fs::AtFlags::empty()).doing(what)?;
            }
            Err(Errno::PERM) => make_bound(dev, name).doing(what)?,
            Err(error) => return Err(error).doing(what),
        }
    }
    Ok(())
}

/// An empty file for a bind of the host's node; the bind follows in [`enable_standard_nodes`].
fn make_bound(dev: &OwnedFd, name: &str) -> io::Result<()> {
    let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::CLOEXEC;
    drop(openat(dev, name, flags, Mode::from_raw_mode(0o666))?);
    Ok(())
}

/// Makes the standard nodes the only ones in `/dev` that work, now that it is attached: `/dev` itself becomes `nodev`,
/// and each node is covered by a mount of its own that is not, or by the host's where it could not be made. With
/// `all` every node that could be made works.
pub(crate) fn enable_standard_nodes(dev: &OwnedFd, all: bool) -> Result<()> {
    let mut nodes = Vec::with_capacity(STANDARD.len());
    for (name, ..) in STANDARD {
        let what = || format!("Bind the device `/dev/{name}`");
        let stat = statat(dev, *name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW).doing(what)?;
        let node = match FileType::from_raw_mode(stat.st_mode) {
            FileType::CharacterDevice if all => continue,
            FileType::CharacterDevice => sys::clone_tree(dev.as_fd(), *name, false),
            _ => sys::clone_tree(CWD, Path::new("/dev").join(name), false),
        };
        nodes.push((name, node.doing(what)?));
    }
    if !all {
        let change = MountAttributes { set: libc::MOUNT_ATTR_NODEV, ..Default::default() };
        sys::mount_setattr(dev.as_fd(), false, change).doing(|| "Disable other devices in `/dev`")?;
    }
    for (name, node) in nodes {
        let what = || format!("Attach the device `/dev/{name}`");
        let place = openat(dev, *name, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).doing(what)?;
        sys::attach(node.as_fd(), place.as_fd()).doing(what)?;
    }
    Ok(())
}

/// Adds one device of the host, under the same path.
pub(crate) fn add(root: &mut Root, device: &Path) -> Result<()> {
    let what = || format!("Add the device `{}`", device.display());
    let stat = rustix::fs::stat(device).doing(what)?;
    let kind = FileType::from_raw_mode(stat.st_mode);
    if !matches!(kind, FileType::CharacterDevice | FileType::BlockDevice) {
        return Err(LaunchError::setup(what(), io::Error::other("it is no device")));
    }
    let place = root.make(device, Kind::File).doing(what)?;
    let node = sys::clone_tree(CWD, device, false).doing(what)?;
    sys::attach(node.as_fd(), place.as_fd()).doing(what)
}

/// Adds every device node at the top of the host's `/dev`, for privileged containers.
pub(crate) fn add_all(dev: &OwnedFd) -> Result<()> {
    let entries = std::fs::read_dir("/dev").doing(|| "List the host's `/dev`")?;
    for entry in entries {
        let name = entry.doing(|| "List the host's `/dev`")?.file_name();
        let Ok(stat) = statat(CWD, Path::new("/dev").join(&name), rustix::fs::AtFlags::SYMLINK_NOFOLLOW)
        else {
            continue;
        };
        let kind = FileType::from_raw_mode(stat.st_mode);
        if !matches!(kind, FileType::CharacterDevice | FileType::BlockDevice) {
            continue;
        }
        match mknodat(dev, &name, kind, Mode::from_raw_mode(stat.st_mode & 0o7777), stat.st_rdev) {
            Ok(()) | Err(Errno::EXIST | Errno::PERM) => {}
            Err(error) => {
                return Err(error).doing(|| format!("Make the device `/dev/{}`", name.to_string_lossy()));
            }
        }
    }
    Ok(())
}
