//! What this host allows, found out by trying.

use std::os::fd::{AsFd, AsRawFd};
use std::path::PathBuf;

use rustix::fs::{Mode, mkdirat};
use rustix::mount::MountAttrFlags;

use crate::error::{Doing, Result};
use crate::overlay::Overlay;
use crate::{cgroup, launch, rootfs, sys, userns};

/// What this host allows; each refusal with the kernel's words.
#[derive(Clone, Debug)]
pub struct HostSupport {
    /// The caller is root, or root of its user namespace.
    pub root: bool,
    /// Whether user namespaces can be made.
    pub user_namespaces: std::result::Result<(), String>,
    /// Whether an overlay can be mounted.
    pub overlay: std::result::Result<(), String>,
    /// The writable cgroup hierarchy.
    pub cgroup: std::result::Result<String, String>,
    /// Number of subordinate user ids, or of ids mapped already in a user namespace.
    pub subuids: u32,
}

/// Asks the host what it allows. Takes some milliseconds.
///
/// Who is not root is in the user namespace of [`userns::enter_user_namespace`] afterwards, because an overlay can only
/// be tried there. Must be called before any thread exists.
pub fn probe_host() -> HostSupport {
    let root = userns::is_privileged();
    let (cgroup, subuids) = (cgroup::probe(), userns::subordinate_count());
    let user_namespaces = if root {
        launch::probe(libc::CLONE_NEWUSER as u64, false)
    } else {
        userns::enter_user_namespace().map(drop)
    };
    let user_namespaces = user_namespaces.map_err(words);
    let overlay = match &user_namespaces {
        Err(why) if !root => Err(why.clone()),
        _ => launch::probe(libc::CLONE_NEWNS as u64, true).map_err(words),
    };
    HostSupport { root, user_namespaces, overlay, cgroup, subuids }
}

fn words(error: crate::LaunchError) -> String {
    error.to_string()
}

/// Mounts an overlay on a tmpfs, in the mount namespace of the probing process.
pub(crate) fn try_overlay() -> Result<()> {
    rootfs::isolate_mounts()?;
    let what = || "Mount a tmpfs";
    let scratch = sys::new_filesystem("tmpfs", &[], MountAttrFlags::empty()).doing(what)?;
    for name in ["lower", "upper", "work"] {
        mkdirat(&scratch, name, Mode::from_raw_mode(0o755)).doing(what)?;
    }
    let slash = sys::open_path("/").doing(what)?;
    sys::attach(scratch.as_fd(), slash.as_fd()).doing(what)?;
    let inside = |name: &str| PathBuf::from(format!("/proc/self/fd/{}/{name}", scratch.as_raw_fd()));
    let (upper, work) = (inside("upper"), inside("work"));
    let overlay = Overlay {
        base: &inside(""),
        lowers: &[inside("lower")],
        upper: Some((&upper, &work)),
        userxattr: userns::is_inside(),
        volatile: true,
    };
    overlay.mount(scratch.as_fd()).map(drop)
}
