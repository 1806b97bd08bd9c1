//! The root file system: mounted, and at the end made `/` by `pivot_root`.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

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
pub(crate) fn prepare(rootfs: &RootFs, devices: bool) -> Result<Root> {
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
            (overlay.mount(place.as_fd())?, place)
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
