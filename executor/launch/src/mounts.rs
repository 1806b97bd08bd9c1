//! The mounts a specification asks for: binds, trees, tmpfs and files.
//!
//! Sources are opened in the host's tree before anything is mounted; targets are resolved inside the root.

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Gid, Mode, OFlags, Uid, fchmod, fchown, mkdirat, openat};
use rustix::mount::{MountAttrFlags, UnmountFlags, unmount};

use crate::error::{Doing, LaunchError, Result};
use crate::overlay::Overlay;
use crate::spec::MountSpec;
use crate::sys::{self, MountAttributes};
use crate::target::{Kind, Root, is_directory};
use crate::userns;

/// A bind source that was cloned while its propagation was still the host's.
pub(crate) struct Source(Option<OwnedFd>);

/// Opens what the mounts take from the host, one for each mount.
pub(crate) fn open_sources(mounts: &[MountSpec]) -> Result<Vec<Source>> {
    mounts
        .iter()
        .map(|mount| match mount {
            MountSpec::Bind { source, recursive, .. } => sys::clone_tree(CWD, source, *recursive)
                .doing(|| format!("Open mount source `{}`", source.display()))
                .map(|fd| Source(Some(fd))),
            _ => Ok(Source(None)),
        })
        .collect()
}

/// Makes one mount in the root. Device nodes in directories work only with `devices`; one that is itself the source of
/// a bind was given on purpose.
pub(crate) fn apply(root: &mut Root, mount: &MountSpec, source: Source, devices: bool) -> Result<()> {
    match mount {
        MountSpec::Bind { target, readonly, recursive, propagation, .. } => {
            let Some(source) = source.0 else { return Ok(()) };
            let what = || format!("Look at the mount source of `{}`", target.display());
            let dead = !devices && is_directory(source.as_fd()).doing(what)?;
            let change = MountAttributes {
                set: if *readonly { libc::MOUNT_ATTR_RDONLY } else { 0 }
                    | if dead { libc::MOUNT_ATTR_NODEV } else { 0 },
                clear: 0,
                propagation: propagation_flag(propagation.as_deref())?,
            };
            sys::mount_setattr(source.as_fd(), *recursive, change)
                .doing(|| format!("Set the attributes of the mount `{}`", target.display()))?;
            attach_asked(root, source.as_fd(), target)
        }
        MountSpec::Tree { base, lowers, subpath, target, readonly } => {
            tree(root, base, lowers, subpath, target, *readonly)
        }
        MountSpec::Tmpfs { target, options, size_bytes, mode } => {
            tmpfs(root, target, options, *size_bytes, *mode)
        }
        MountSpec::File { target, data, mode, uid, gid } => file(root, target, data, *mode, (*uid, *gid)),
    }
}

/// Attaches a detached mount at a path of the root, which is made as a file or a directory when missing.
pub(crate) fn attach(root: &mut Root, mount: BorrowedFd<'_>, target: &Path) -> Result<()> {
    let place = mount_point(root, mount, target)?;
    sys::attach(mount, place.as_fd()).doing(|| format!("Mount `{}`", target.display()))
}

fn mount_point(root: &mut Root, mount: BorrowedFd<'_>, target: &Path) -> Result<OwnedFd> {
    let what = || format!("Mount `{}`", target.display());
    let directory = is_directory(mount).doing(what)?;
    let kind = if directory { Kind::Directory } else { Kind::File };
    let place = root.make(target, kind).doing(|| format!("Make the mount point `{}`", target.display()))?;
    if is_directory(place.as_fd()).doing(what)? == directory {
        return Ok(place);
    }
    let (source, place) = if directory { ("directory", "file") } else { ("file", "directory") };
    Err(LaunchError::with_help(
        what(),
        std::io::Error::other(format!("the source is a {source} and the image has a {place} there")),
        "Mount a file on a file and a directory on a directory",
    ))
}

/// The same for a mount that somebody asked for. Where it leads is looked at when it has been found, so that no symlink
/// of the image hides it: what covers a part of /proc could make the container's own limits look satisfied, or take the
/// write protection of the host's parameters away (CVE-2019-16884, CVE-2023-27561).
fn attach_asked(root: &mut Root, mount: BorrowedFd<'_>, target: &Path) -> Result<()> {
    let what = || format!("Mount `{}`", target.display());
    let place = mount_point(root, mount, target)?;
    if is_proc(place.as_fd()).doing(what)? && !may_cover(mount, target).doing(what)? {
        return Err(LaunchError::with_help(
            what(),
            std::io::Error::other("it is inside the container's /proc"),
            "Mount it somewhere else; in /proc only the reports that lxcfs replaces may be covered",
        ));
    }
    sys::attach(mount, place.as_fd()).doing(what)
}

/// Reports of /proc that lxcfs and the like replace, as runc has them.
const REPORTS: [&str; 11] = [
    "/proc/cpuinfo",
    "/proc/diskstats",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/swaps",
    "/proc/uptime",
    "/proc/loadavg",
    "/proc/slabinfo",
    "/proc/net/dev",
    "/proc/sys/kernel/ns_last_pid",
    "/proc/sys/crypto/fips_enabled",
];

/// The host's own proc may stand in for the container's, and a file for one of the reports.
fn may_cover(mount: BorrowedFd<'_>, target: &Path) -> std::io::Result<bool> {
    let report = REPORTS.iter().any(|report| target == Path::new(report));
    Ok(report || (target == Path::new("/proc") && is_proc(mount)?))
}

fn is_proc(fd: BorrowedFd<'_>) -> std::io::Result<bool> {
    Ok(rustix::fs::fstatfs(fd)?.f_type == rustix::fs::PROC_SUPER_MAGIC)
}

fn propagation_flag(name: Option<&str>) -> Result<u64> {
    match name {
        None | Some("private" | "rprivate") => Ok(libc::MS_PRIVATE),
        Some("slave" | "rslave") => Ok(libc::MS_SLAVE),
        Some("shared" | "rshared") => Ok(libc::MS_SHARED),
        Some(other) => Err(LaunchError::with_help(
            format!("Use the mount propagation `{other}`"),
            std::io::Error::from_raw_os_error(libc::EINVAL),
            "Use one of `private`, `rprivate`, `slave`, `rslave`, `shared`, `rshared`",
        )),
    }
}

/// A tree of layers. Writes go to a tmpfs, which is attached over the root for as long as overlayfs, which takes
/// directories of this namespace only, needs to find it there.
fn tree(
    root: &mut Root,
    base: &Path,
    lowers: &[PathBuf],
    subpath: &Path,
    target: &Path,
    readonly: bool,
) -> Result<()> {
    let what = || format!("Mount a tree at `{}`", target.display());
    let scratch = sys::new_filesystem("tmpfs", &[("mode", "0700")], MountAttrFlags::empty()).doing(what)?;
    for name in ["upper", "work", "empty"] {
        mkdirat(&scratch, name, Mode::from_raw_mode(0o755)).doing(what)?;
    }
    sys::attach(scratch.as_fd(), root.fd()).doing(what)?;
    let overlay = tree_overlay(base, lowers, &scratch, readonly);
    rustix::process::fchdir(&scratch).doing(what)?;
    unmount(".", UnmountFlags::DETACH).doing(what)?;
    let overlay = Root::new(overlay?);
    let shown = overlay
        .open(subpath)
        .doing(|| format!("Find `{}` in the tree to mount at `{}`", subpath.display(), target.display()))?;
    let part = clone_part(root, overlay.fd(), shown.as_fd(), "").doing(what)?;
    let set = libc::MOUNT_ATTR_NODEV | if readonly { libc::MOUNT_ATTR_RDONLY } else { 0 };
    sys::mount_setattr(part.as_fd(), false, MountAttributes { set, ..Default::default() }).doing(what)?;
    attach_asked(root, part.as_fd(), target)
}

/// A copy of what stands at `path` below `dir` in a mount that is attached nowhere. Before Linux 6.15 only what is
/// attached can be cloned: there the mount covers the root for that moment.
fn clone_part(
    root: &Root,
    mount: BorrowedFd<'_>,
    dir: BorrowedFd<'_>,
    path: &str,
) -> std::io::Result<OwnedFd> {
    match sys::clone_tree(dir, path, false) {
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {}
        other => return other,
    }
    sys::attach(mount, root.fd())?;
    let part = sys::clone_tree(dir, path, false);
    rustix::process::fchdir(mount)?;
    unmount(".", UnmountFlags::DETACH)?;
    part
}

fn tree_overlay(base: &Path, lowers: &[PathBuf], scratch: &OwnedFd, readonly: bool) -> Result<OwnedFd> {
    let inside = |name: &str| PathBuf::from(format!("/proc/self/fd/{}/{name}", scratch.as_raw_fd()));
    let (upper, work, empty) = (inside("upper"), inside("work"), inside("empty"));
    let mut lowers = lowers.to_vec();
    if readonly {
        // Without an upper directory overlayfs wants two lower ones.
        lowers.push(empty.clone());
    }
    let overlay = Overlay {
        base,
        lowers: &lowers,
        upper: (!readonly).then_some((upper.as_path(), work.as_path())),
        userxattr: userns::is_inside(),
        volatile: true,
    };
    let place = sys::open_path(&empty).doing(|| "Open the scratch directory of a tree")?;
    overlay.mount(place.as_fd())
}

/// Options of `--tmpfs` that are attributes of the mount; the others are for the file system.
const ATTRIBUTES: &[(&str, MountAttrFlags, bool)] = &[
    ("ro", MountAttrFlags::MOUNT_ATTR_RDONLY, true),
    ("rw", MountAttrFlags::MOUNT_ATTR_RDONLY, false),
    ("nosuid", MountAttrFlags::MOUNT_ATTR_NOSUID, true),
    ("suid", MountAttrFlags::MOUNT_ATTR_NOSUID, false),
    ("nodev", MountAttrFlags::MOUNT_ATTR_NODEV, true),
    ("dev", MountAttrFlags::MOUNT_ATTR_NODEV, false),
    ("noexec", MountAttrFlags::MOUNT_ATTR_NOEXEC, true),
    ("exec", MountAttrFlags::MOUNT_ATTR_NOEXEC, false),
    ("noatime", MountAttrFlags::MOUNT_ATTR_NOATIME, true),
    ("strictatime", MountAttrFlags::MOUNT_ATTR_STRICTATIME, true),
    ("nodiratime", MountAttrFlags::MOUNT_ATTR_NODIRATIME, true),
];

fn tmpfs(
    root: &mut Root,
    target: &Path,
    options: &str,
    size_bytes: Option<u64>,
    mode: Option<u32>,
) -> Result<()> {
    let what = || format!("Make a tmpfs for `{}` with the options `{options}`", target.display());
    let mode = mode.map_or_else(|| covered_mode(root, target).doing(what), Ok)?;
    let mut attributes = MountAttrFlags::MOUNT_ATTR_NODEV;
    let (mode, size) = (format!("{mode:o}"), size_bytes.map(|size| size.to_string()));
    let mut settings = vec![("mode", mode.as_str())];
    if let Some(size) = &size {
        settings.push(("size", size.as_str()));
    }
    for option in options.split(',').filter(|option| !option.is_empty()) {
        if let Some((_, flag, on)) = ATTRIBUTES.iter().find(|(name, ..)| *name == option) {
            attributes.set(*flag, *on);
        } else if !matches!(option, "relatime" | "defaults" | "async") {
            settings.push(option.split_once('=').unwrap_or((option, "")));
        }
    }
    let mount = sys::new_filesystem("tmpfs", &settings, attributes).doing(what)?;
    attach_asked(root, mount.as_fd(), target)
}

/// What a tmpfs has whose mode nobody gave: the mode of the directory it covers, or that of `/tmp`, as runc does it.
fn covered_mode(root: &Root, target: &Path) -> std::io::Result<u32> {
    match root.open(target) {
        Ok(place) => Ok(rustix::fs::fstat(&place)?.st_mode & 0o7777),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0o1777),
        Err(error) => Err(error),
    }
}

/// A file on a tmpfs of its own, of which only the file is attached.
fn file(root: &mut Root, target: &Path, data: &[u8], mode: u32, owner: (u32, u32)) -> Result<()> {
    let what = || format!("Make the file `{}`", target.display());
    let holder = sys::new_filesystem("tmpfs", &[("mode", "0700")], MountAttrFlags::empty()).doing(what)?;
    let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::CLOEXEC;
    let mut content: File = openat(&holder, "file", flags, Mode::from_raw_mode(0o600)).doing(what)?.into();
    content.write_all(data).doing(what)?;
    fchown(&content, Some(Uid::from_raw(owner.0)), Some(Gid::from_raw(owner.1))).doing(what)?;
    fchmod(&content, Mode::from_raw_mode(mode)).doing(what)?;
    drop(content);
    let mount = clone_part(root, holder.as_fd(), holder.as_fd(), "file").doing(what)?;
    let change = MountAttributes { set: libc::MOUNT_ATTR_RDONLY, ..Default::default() };
    sys::mount_setattr(mount.as_fd(), false, change).doing(what)?;
    attach_asked(root, mount.as_fd(), target)
}
