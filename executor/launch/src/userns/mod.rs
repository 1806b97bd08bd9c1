//! Rootless operation: the user namespace this command works in.
//!
//! A command that is not root puts itself into a user namespace before its first thread. All rootless commands
//! of one user that run at the same time share one namespace, because only its members can signal, enter and
//! clean up a container of it: each registers itself in the user's runtime directory, the next joins a live one.

mod ids;
mod registry;

use std::ffi::OsString;
use std::fs;
use std::io::{self, Read, Write};
use std::process::Command;

use nix::sched::{CloneFlags, unshare};
use nix::sys::wait::{WaitStatus, waitpid};
use rustix::mount::{MountPropagationFlags, mount_change};
use rustix::process::{getgid, getuid};

use crate::error::{Doing, LaunchError, Result};
use crate::sys;
use ids::Range;

/// What [`enter_user_namespace`] found or made.
#[derive(Clone, Debug)]
pub struct UserNs {
    /// Whether this command runs without the host's root.
    pub rootless: bool,
    /// Number of user ids mapped (1 without subuids).
    pub ids: u32,
}

/// Puts this command into a user namespace with the user's subuids (newuidmap, newgidmap) where they exist, else
/// with a single-id map, plus a mount namespace. Does nothing for root and for who is in one already.
///
/// Must be called before any thread exists.
///
/// # Errors
/// When the kernel or a security policy refuses; the help line names the switch.
pub fn enter_user_namespace() -> Result<UserNs> {
    if is_privileged() {
        if is_inside() {
            // A child of a rootless command that may outlive it: keeps the namespace findable.
            let _ = registry::Registry::open(host_uid()).map(|registry| registry.register());
        }
        return Ok(UserNs { rootless: is_inside(), ids: mapped_ids() });
    }
    let (uid, gid) = (getuid().as_raw(), getgid().as_raw());
    let registry = registry::Registry::open(uid).doing(|| "Open the list of rootless commands")?;
    if !registry.join_existing() {
        create(uid, gid)?;
    }
    unshare(CloneFlags::CLONE_NEWNS).doing(|| "Make a mount namespace")?;
    mount_change("/", MountPropagationFlags::REC | MountPropagationFlags::DOWNSTREAM)
        .doing(|| "Keep mounts from showing on the host")?;
    registry.register().doing(|| "Register this rootless command")?;
    Ok(UserNs { rootless: true, ids: mapped_ids() })
}

/// Whether this process is in a user namespace other than the host's first.
pub(crate) fn is_inside() -> bool {
    uid_map().split_ascii_whitespace().ne(["0", "0", "4294967295"])
}

/// Root, or root of the namespace it is in.
pub(crate) fn is_privileged() -> bool {
    caps::has_cap(None, caps::CapSet::Effective, caps::Capability::CAP_SYS_ADMIN).unwrap_or(false)
}

fn uid_map() -> String {
    fs::read_to_string("/proc/self/uid_map").unwrap_or_default()
}

fn mapped_ids() -> u32 {
    uid_map()
        .lines()
        .filter_map(|line| line.split_ascii_whitespace().nth(2)?.parse::<u32>().ok())
        .fold(0, u32::saturating_add)
}

/// Whether this process is in a user namespace with nothing but the user's own id.
pub fn has_single_id() -> bool {
    is_inside() && mapped_ids() == 1
}

/// Whether this process has but the user's own id although a new namespace would have more: it joined one that was made
/// before there were any, or before there was a program to map them.
pub fn could_have_more_ids() -> bool {
    let (users, groups) = ids::subordinate(host_uid());
    let has_program = |name: &str| {
        std::env::var_os("PATH")
            .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(name).exists()))
    };
    has_single_id()
        && !users.is_empty()
        && !groups.is_empty()
        && has_program("newuidmap")
        && has_program("newgidmap")
}

/// How many ids other than the user's own there are to use.
pub(crate) fn subordinate_count() -> u32 {
    if is_inside() {
        return mapped_ids();
    }
    let (users, _) = ids::subordinate(getuid().as_raw());
    users.iter().map(|range| range.count).fold(0, u32::saturating_add)
}

/// Who root of this namespace is outside.
fn host_uid() -> u32 {
    uid_map().split_ascii_whitespace().nth(1).and_then(|id| id.parse().ok()).unwrap_or(0)
}

/// Makes a user namespace and moves there. A forked helper, still outside, asks for the maps meanwhile.
fn create(uid: u32, gid: u32) -> Result<()> {
    let (users, groups) = ids::subordinate(uid);
    let helper = if users.is_empty() || groups.is_empty() {
        None
    } else {
        Some(Helper::fork(&map_arguments(uid, &users), &map_arguments(gid, &groups))?)
    };
    unshare(CloneFlags::CLONE_NEWUSER).map_err(|error| refused(error.into()))?;
    if helper.is_some_and(|helper| helper.run()) {
        return Ok(());
    }
    map_single(uid, gid).map_err(refused)
}

/// The map as newuidmap takes it: root is the user, what follows are the subordinate ids.
fn map_arguments(id: u32, ranges: &[Range]) -> Vec<OsString> {
    let mut arguments = vec!["0".into(), id.to_string().into(), "1".into()];
    let mut inside = 1u32;
    for range in ranges {
        arguments.extend([inside, range.start, range.count].map(|number| number.to_string().into()));
        inside = inside.saturating_add(range.count);
    }
    arguments
}

/// Without subordinate ids a process may only map itself, and must give up setgroups (user_namespaces(7)).
fn map_single(uid: u32, gid: u32) -> io::Result<()> {
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("0 {uid} 1"))?;
    fs::write("/proc/self/gid_map", format!("0 {gid} 1"))
}

/// A child that stays in the outer namespace.
struct Helper {
    go: io::PipeWriter,
    pid: u32,
}

impl Helper {
    fn fork(users: &[OsString], groups: &[OsString]) -> Result<Helper> {
        let (mut ready, go) = io::pipe().doing(|| "Make a pipe")?;
        let target = std::process::id().to_string();
        // SAFETY: `enter_user_namespace` requires that there is no other thread.
        match unsafe { sys::fork_with(0) }.doing(|| "Fork the helper that maps ids")? {
            sys::Fork::Parent { pid, .. } => Ok(Helper { go, pid }),
            sys::Fork::Child => {
                drop(go);
                let mapped = ready.read_exact(&mut [0]).is_ok()
                    && run_map("newuidmap", &target, users)
                    && run_map("newgidmap", &target, groups);
                sys::exit_now(i32::from(!mapped))
            }
        }
    }

    /// Lets it map the ids of this process; false when it could not.
    fn run(mut self) -> bool {
        let told = self.go.write_all(b"1").is_ok();
        drop(self.go);
        let pid = nix::unistd::Pid::from_raw(self.pid as i32);
        told && matches!(waitpid(pid, None), Ok(WaitStatus::Exited(_, 0)))
    }
}

fn run_map(program: &str, target: &str, arguments: &[OsString]) -> bool {
    let mut command = Command::new(program);
    command
        .arg(target)
        .args(arguments)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Names the switch that keeps users from making namespaces.
fn refused(error: io::Error) -> LaunchError {
    let setting = |path: &str| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
    let help = if setting("/proc/sys/kernel/unprivileged_userns_clone") == "0" {
        "The host forbids it: set the sysctl `kernel.unprivileged_userns_clone` to 1, or run as root"
    } else if setting("/proc/sys/user/max_user_namespaces") == "0" {
        "The host forbids it: raise the sysctl `user.max_user_namespaces`, or run as root"
    } else if setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1" {
        "AppArmor forbids it: set the sysctl `kernel.apparmor_restrict_unprivileged_userns` to 0, give the \
         program a profile that allows `userns`, or run as root"
    } else {
        "The kernel, a container around this one or a security module forbids it; run as root, or only build what \
         needs no RUN step"
    };
    LaunchError::with_help("Make a user namespace", error, help)
}
