//! The mounts every container has: `/proc`, `/sys`, `/dev` and what is below them.
//!
//! Where the kernel refuses a fresh file system, as it does to a user namespace that does not own the network or
//! sees only part of `/proc`, the host's is bound instead.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{CWD, Mode, mkdirat, symlinkat};
use rustix::mount::MountAttrFlags;

use crate::devices;
use crate::error::{Doing, Result};
use crate::mounts::attach;
use crate::spec::{LaunchSpec, NetNs};
use crate::sys::{self, MountAttributes};
use crate::target::Root;

const NO_SUID: MountAttrFlags = MountAttrFlags::MOUNT_ATTR_NOSUID;
const NO_EXEC: MountAttrFlags = MountAttrFlags::MOUNT_ATTR_NOEXEC;
const NO_DEV: MountAttrFlags = MountAttrFlags::MOUNT_ATTR_NODEV;
const READ_ONLY: MountAttrFlags = MountAttrFlags::MOUNT_ATTR_RDONLY;

/// Mounts all of them.
pub(crate) fn apply(root: &mut Root, spec: &LaunchSpec) -> Result<()> {
    let plain = NO_SUID | NO_EXEC | NO_DEV;
    fresh_or_host(root, "/proc", "proc", plain)?;
    dev(root, spec)?;
    let sys_mode = if spec.privileged { plain } else { plain | READ_ONLY };
    if matches!(spec.network, NetNs::Host) && crate::userns::is_inside() {
        bind_host(root, "/sys", sys_mode)?;
    } else {
        fresh_or_host(root, "/sys", "sysfs", sys_mode)?;
    }
    crate::cgroup::mount_view(root, spec, sys_mode)
}

/// A new file system of this kind, or else the host's at the same path.
fn fresh_or_host(root: &mut Root, path: &str, kind: &str, attributes: MountAttrFlags) -> Result<()> {
    match sys::new_filesystem(kind, &[], attributes) {
        Ok(mount) => attach(root, mount.as_fd(), Path::new(path)),
        Err(error) if error.raw_os_error() == Some(libc::EPERM) => bind_host(root, path, attributes),
        Err(error) => Err(error).doing(|| format!("Mount {kind} at `{path}`")),
    }
}

fn bind_host(root: &mut Root, path: &str, attributes: MountAttrFlags) -> Result<()> {
    let what = || format!("Bind the host's `{path}`");
    let mount = sys::clone_tree(CWD, path, true).doing(what)?;
    let change = MountAttributes { set: attributes.bits().into(), ..Default::default() };
    sys::mount_setattr(mount.as_fd(), true, change).doing(what)?;
    attach(root, mount.as_fd(), Path::new(path))
}

/// `/dev` on a tmpfs, filled before it is attached.
fn dev(root: &mut Root, spec: &LaunchSpec) -> Result<()> {
    let what = || "Make `/dev`";
    let options = [("mode", "755"), ("size", "64m")];
    let attributes = NO_SUID | MountAttrFlags::MOUNT_ATTR_STRICTATIME;
    let dev = sys::new_filesystem("tmpfs", &options, attributes).doing(what)?;
    for name in ["pts", "shm", "mqueue"] {
        mkdirat(&dev, name, Mode::from_raw_mode(0o755)).doing(what)?;
    }
    for (name, target) in [
        ("ptmx", "pts/ptmx"),
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
    ] {
        symlinkat(target, &dev, name).doing(what)?;
    }
    // As runc has it, only where there is one.
    if Path::new("/proc/kcore").exists() {
        symlinkat("/proc/kcore", &dev, "core").doing(what)?;
    }
    devices::make_standard_nodes(&dev)?;
    attach(root, dev.as_fd(), Path::new("/dev"))?;
    devices::enable_standard_nodes(&dev, spec.privileged)?;
    below_dev(root, spec, &dev)?;
    if spec.privileged {
        devices::add_all(&dev)?;
    }
    spec.devices.iter().try_for_each(|device| devices::add(root, device))
}

fn below_dev(root: &mut Root, spec: &LaunchSpec, dev: &OwnedFd) -> Result<()> {
    let pts = devpts().doing(|| "Mount devpts at `/dev/pts`")?;
    attach_at(&pts, dev, "pts")?;
    let size = spec.shm_size_bytes.to_string();
    let options = [("mode", "1777"), ("size", size.as_str())];
    let shm = sys::new_filesystem("tmpfs", &options, NO_SUID | NO_EXEC | NO_DEV)
        .doing(|| "Mount a tmpfs at `/dev/shm`")?;
    attach_at(&shm, dev, "shm")?;
    fresh_or_host(root, "/dev/mqueue", "mqueue", NO_SUID | NO_EXEC | NO_DEV)
}

/// The usual terminal group is 5; a single-id map does not have it.
fn devpts() -> std::io::Result<OwnedFd> {
    let options = [("newinstance", ""), ("ptmxmode", "0666"), ("mode", "0620"), ("gid", "5")];
    sys::new_filesystem("devpts", &options, NO_SUID | NO_EXEC)
        .or_else(|_| sys::new_filesystem("devpts", &options[..3], NO_SUID | NO_EXEC))
}

fn attach_at(mount: &OwnedFd, dev: &OwnedFd, name: &str) -> Result<()> {
    let what = || format!("Attach `/dev/{name}`");
    // In the mounted /dev: a path below the detached one would not show.
    let place =
        rustix::fs::openat(dev, name, rustix::fs::OFlags::PATH | rustix::fs::OFlags::CLOEXEC, Mode::empty())
            .doing(what)?;
    sys::attach(mount.as_fd(), place.as_fd()).doing(what)
}
