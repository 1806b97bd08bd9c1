//! The root file system: mounted, and at the end made `/` by `pivot_root`.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::CWD;
use rustix::mount::{MountPropagationFlags, UnmountFlags, mount_change, unmount};

use crate::error::{Doing, Result};
use crate::overlay::Overlay;
use crate::spec::RootFs;
use crate::sys::{self, MountAttributes};
use crate::target::Root;

/// Cuts the new mount namespace off from the host's: nothing mounted here shows there, or the other way round.
pub(crate) fn isolate_mounts() -> Result<()> {
    mount_change("/", MountPropagationFlags::REC | MountPropagationFlags::PRIVATE)
        .doing(|| "Make all mounts private")
}

/// Mounts the root over one of its own directories, from where [`enter`] takes it. The host's paths stay reachable.
///
/// Device nodes of the image, and those that a command makes, are dead unless `devices`: Docker keeps a container from
/// the host's disks with a control group, here `nodev` does.
///
/// `top` is a detached mount that becomes the topmost lower of an overlay.
pub(crate) fn prepare(rootfs: &RootFs, top: Option<OwnedFd>, devices: bool) -> Result<Root> {
    let (mount, place) = match rootfs {
        RootFs::Overlay { base, lowers, upper, work, userxattr, volatile } => {
            let place = open(&base.join(upper))?;
            let overlay = Overlay {
                base,
                lowers,
                upper: Some((upper, work)),
                userxattr: *userxattr,
                volatile: *volatile,
            };
            let mount = match top {
                None => overlay.mount(place.as_fd())?,
                Some(top) => mount_over(&overlay, &top, &place)?,
            };
            (mount, place)
        }
        RootFs::Directory(path) => {
            let mount = sys::clone_tree(CWD, path, true)
                .doing(|| format!("Bind the root directory `{}`", path.display()))?;
            (mount, open(path)?)
        }
    };
    if !devices {
        let change = MountAttributes { set: libc::MOUNT_ATTR_NODEV, ..Default::default() };
        sys::mount_setattr(mount.as_fd(), true, change)
            .doing(|| "Disable devices in the root file system")?;
    }
    sys::attach(mount.as_fd(), place.as_fd()).doing(|| "Attach the root file system")?;
    Ok(Root::new(mount))
}

/// Mounts the overlay with one more lower. Overlayfs only takes what is attached in this namespace (before Linux 6.15),
/// so the mount stands over the upper directory for a moment, which therefore goes by its descriptor.
fn mount_over(overlay: &Overlay<'_>, top: &OwnedFd, place: &OwnedFd) -> Result<OwnedFd> {
    let by_descriptor = |fd: &OwnedFd| PathBuf::from(format!("/proc/self/fd/{}", fd.as_raw_fd()));
    let (first, upper) = (by_descriptor(top), by_descriptor(place));
    sys::attach(top.as_fd(), place.as_fd()).doing(|| "Attach the file system of the root")?;
    let lowers: Vec<PathBuf> = std::iter::once(first.clone()).chain(overlay.lowers.to_vec()).collect();
    let whole = Overlay {
        lowers: &lowers,
        upper: overlay.upper.map(|(_, work)| (upper.as_path(), work)),
        ..*overlay
    };
    let mount = whole.mount(place.as_fd())?;
    unmount(first.as_path(), UnmountFlags::DETACH).doing(|| "Detach the file system of the root")?;
    Ok(mount)
}

fn open(path: &Path) -> Result<OwnedFd> {
    sys::open_path(path).doing(|| format!("Open the root directory `{}`", path.display()))
}

/// Makes the root `/` and takes the host's tree away.
pub(crate) fn enter(root: &Root, readonly: bool) -> Result<()> {
    if readonly {
        let change = MountAttributes { set: libc::MOUNT_ATTR_RDONLY, ..Default::default() };
        sys::mount_setattr(root.fd(), false, change).doing(|| "Make the root file system read-only")?;
    }
    rustix::process::fchdir(root.fd()).doing(|| "Enter the root file system")?;
    // Both roots on one place: the new one below, the host's on top, which is then detached (pivot_root(2)).
    rustix::process::pivot_root(".", ".").doing(|| "Make the container's file system `/`")?;
    unmount(".", UnmountFlags::DETACH).doing(|| "Detach the host's file system")?;
    rustix::process::chdir("/").doing(|| "Enter `/`")
}
