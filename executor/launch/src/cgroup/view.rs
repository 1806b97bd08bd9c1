//! What a container sees of control groups: its own group as `/`, read-only.

use std::os::fd::AsFd;
use std::path::Path;

use rustix::mount::MountAttrFlags;

use super::hierarchy::Controller;
use crate::error::{Doing, Result};
use crate::mounts::attach;
use crate::spec::LaunchSpec;
use crate::sys;
use crate::target::{Kind, Root};

/// The magic number of cgroup v2 (statfs(2)).
const CGROUP2_MAGIC: u64 = 0x6367_7270;

const PLACE: &str = "/sys/fs/cgroup";

/// Mounts `/sys/fs/cgroup`. Of cgroup v1 only what a limit was asked of is shown: every further hierarchy costs a
/// mount, and says nothing.
pub(crate) fn mount_view(root: &mut Root, spec: &LaunchSpec, attributes: MountAttrFlags) -> Result<()> {
    match rustix::fs::statfs(PLACE) {
        Ok(stat) if stat.f_type as u64 == CGROUP2_MAGIC => unified(root, attributes),
        Ok(_) if spec.cgroup.is_some() => separate(root, spec, attributes),
        Ok(_) | Err(_) => Ok(()),
    }
}

fn unified(root: &mut Root, attributes: MountAttrFlags) -> Result<()> {
    match sys::new_filesystem("cgroup2", &[], attributes) {
        Ok(mount) => attach(root, mount.as_fd(), Path::new(PLACE)),
        // A user namespace that does not own the cgroup namespace's hierarchy goes without.
        Err(error) if error.raw_os_error() == Some(libc::EPERM) => Ok(()),
        Err(error) => Err(error).doing(|| format!("Mount cgroup2 at `{PLACE}`")),
    }
}

fn separate(root: &mut Root, spec: &LaunchSpec, attributes: MountAttrFlags) -> Result<()> {
    let what = || format!("Mount the control groups at `{PLACE}`");
    let holder =
        sys::new_filesystem("tmpfs", &[("mode", "755")], attributes - MountAttrFlags::MOUNT_ATTR_RDONLY)
            .doing(what)?;
    attach(root, holder.as_fd(), Path::new(PLACE))?;
    let needed = spec.cgroup.as_ref().map(super::limits::needed).unwrap_or_default();
    for controller in needed.into_iter().map(Controller::name) {
        let mount = match sys::new_filesystem("cgroup", &[(controller, "")], attributes) {
            Ok(mount) => mount,
            // Under cgroup v2 here, or not ours to show.
            Err(_) => continue,
        };
        let place = root.make(&Path::new(PLACE).join(controller), Kind::Directory).doing(what)?;
        sys::attach(mount.as_fd(), place.as_fd()).doing(what)?;
    }
    let change = sys::MountAttributes { set: attributes.bits().into(), ..Default::default() };
    sys::mount_setattr(holder.as_fd(), false, change).doing(what)
}
