//! Joining the namespaces of a running container.

use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::process::{Pid, PidfdFlags, pidfd_open};
use rustix::thread::{ThreadNameSpaceType, move_into_thread_name_spaces};

use crate::channel::{Status, tell};
use crate::container::{Handover, Never, Report, use_stdio};
use crate::credentials::{self, Filter};
use crate::error::{Doing, LaunchError, Result};
use crate::program;
use crate::spec::ProcessSpec;
use crate::sys::{self, Fork};
use crate::target::Root;
use crate::{cgroup, pty};

/// The first fork joins; a second one is needed because a process cannot change its own pid namespace.
pub(crate) fn main(
    pid: u32,
    process: &ProcessSpec,
    filter: Option<Filter>,
    stdio: [OwnedFd; 3],
    status: &OwnedFd,
) -> Result<Never> {
    join(pid)?;
    // SAFETY: a child of the zygote has one thread.
    match unsafe { sys::fork_with(libc::CLONE_PARENT as u64) }.doing(|| "Fork into the container")? {
        Fork::Parent { pid, pidfd } => {
            tell(status, &Status::Entered { pid }, &[pidfd.as_fd()]);
            sys::exit_now(0)
        }
        Fork::Child => run(process, filter, stdio, status),
    }
}

fn join(pid: u32) -> Result<()> {
    let gone = |error: io::Error| {
        LaunchError::with_help(
            format!("Join the container of process {pid}"),
            error,
            "`buildc ps` shows what runs",
        )
    };
    let target = i32::try_from(pid)
        .ok()
        .and_then(Pid::from_raw)
        .ok_or_else(|| gone(io::Error::from_raw_os_error(libc::ESRCH)))?;
    let pidfd = pidfd_open(target, PidfdFlags::empty()).map_err(|error| gone(error.into()))?;
    cgroup::join_of(pid)?;
    let mut kinds = ThreadNameSpaceType::MOUNT
        | ThreadNameSpaceType::PROCESS_ID
        | ThreadNameSpaceType::INTER_PROCESS_COMMUNICATION
        | ThreadNameSpaceType::HOST_NAME_AND_NIS_DOMAIN_NAME
        | ThreadNameSpaceType::NETWORK
        | ThreadNameSpaceType::CONTROL_GROUP;
    if other_user_namespace(pid) {
        kinds |= ThreadNameSpaceType::USER;
    }
    move_into_thread_name_spaces(pidfd.as_fd(), kinds).map_err(|error| gone(error.into()))
}

/// Joining the user namespace one is in already is refused by the kernel.
fn other_user_namespace(pid: u32) -> bool {
    let name = |who: &str| fs::read_link(format!("/proc/{who}/ns/user")).ok();
    name(&pid.to_string()) != name("self")
}

fn run(
    process: &ProcessSpec,
    filter: Option<Filter>,
    stdio: [OwnedFd; 3],
    status: &OwnedFd,
) -> Result<Never> {
    let _ = rustix::process::setsid();
    rustix::process::umask(rustix::fs::Mode::empty());
    let slash = sys::open_path("/").doing(|| "Open the container's root")?;
    let root = Root::new(slash);
    let master = match process.terminal {
        true => Some(pty::open(&root, process)?),
        false => {
            use_stdio(&stdio, process).doing(|| "Set up the standard streams")?;
            None
        }
    };
    drop(stdio);
    program::enter_cwd(&process.cwd)?;
    let mut warnings = Vec::new();
    credentials::apply_limits(process, &mut warnings)?;
    let handover = Handover { process, filter, status, init: false };
    handover.execute(Report { created: root.into_created(), warnings, master })
}
