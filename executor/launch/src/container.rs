//! What a new process does between the fork and the user's program, in order.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::process::{
    DumpableBehavior, Signal, parent_process_death_signal, set_dumpable_behavior,
    set_parent_process_death_signal,
};
use serde::{Deserialize, Serialize};

use crate::channel::{Descriptors, Status, from_memory, receive, tell};
use crate::credentials::{self, Filter};
use crate::error::{Doing, Result};
use crate::program::{self, Program};
use crate::spec::{LaunchSpec, NetNs, ProcessSpec};
use crate::sys;
use crate::target::Root;
use crate::{cgroup, enter, loopback, mask, mounts, pty, reaper, rootfs, seccomp, standard};

/// What the zygote's child is to do. The descriptors come beside it: standard input, output and error, then the
/// topmost lower of the root if there is one, the network namespace if one is joined, and the `cgroup.procs` files.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) task: Task,
    pub(crate) filter: Option<seccomp::Program>,
    /// Number of `cgroup.procs` files among the descriptors.
    pub(crate) cgroups: usize,
}

/// The kinds of new process.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Task {
    /// Make a container.
    Launch { spec: Box<LaunchSpec>, has_top: bool },
    /// Find out whether this can be forked, and whether an overlay can be mounted.
    Probe { overlay: bool },
    /// Join the container of this process.
    Enter { pid: u32, process: Box<ProcessSpec> },
}

/// The whole life of a forked process until it becomes the program. Never returns.
pub(crate) fn main(fds: Vec<OwnedFd>, status: OwnedFd) -> ! {
    let error = match run(fds, &status) {
        Ok(never) => match never {},
        Err(error) => error,
    };
    tell(&status, &Status::Failed(error.to_wire()), &[]);
    sys::exit_now(i32::from(error.exit_code()))
}

/// The same for a process that was forked before there was work: its descriptors come through this socket. It ends
/// when that is closed instead.
pub(crate) fn main_later(line: OwnedFd, status: OwnedFd) -> ! {
    match receive::<()>(line.as_fd()) {
        Ok(Some(((), fds))) => {
            drop(line);
            main(fds, status)
        }
        _ => sys::exit_now(0),
    }
}

/// The same where the caller forked it and no zygote watches over it: it is killed when the caller ends.
pub(crate) fn main_tied(line: OwnedFd, status: OwnedFd) -> ! {
    sys::reset_signals();
    let tied = set_parent_process_death_signal(Some(Signal::KILL))
        .and_then(|()| set_dumpable_behavior(DumpableBehavior::NotDumpable));
    match tied {
        Ok(()) => main_later(line, status),
        Err(_) => sys::exit_now(70),
    }
}

/// Has no value.
pub(crate) enum Never {}

fn run(fds: Vec<OwnedFd>, status: &OwnedFd) -> Result<Never> {
    let mut fds = Descriptors::new(fds);
    let job: Job = fds.take().and_then(from_memory).doing(|| "Read the launch request")?;
    let stdio = take_stdio(&mut fds).doing(|| "Take the standard streams")?;
    let filter = job.filter.map(seccomp::Program::into_filter);
    match job.task {
        Task::Launch { spec, has_top } => {
            let top = has_top.then(|| fds.take()).transpose().doing(|| "Take the root's file system")?;
            let network = match spec.network {
                NetNs::Join(_) => Some(fds.take().doing(|| "Take the network namespace")?),
                NetNs::Host | NetNs::Isolated => None,
            };
            join(network, job.cgroups, &mut fds)?;
            launch(&spec, top, filter, stdio, status)
        }
        Task::Probe { overlay } => {
            if overlay {
                crate::support::try_overlay()?;
            }
            tell(status, &Status::Ready { created: Vec::new(), warnings: Vec::new() }, &[]);
            sys::exit_now(0)
        }
        Task::Enter { pid, process } => enter::main(pid, &process, filter, stdio, status),
    }
}

fn take_stdio(fds: &mut Descriptors) -> io::Result<[OwnedFd; 3]> {
    Ok([fds.take()?, fds.take()?, fds.take()?])
}

/// Joins what exists already: the network namespace and the control groups.
fn join(network: Option<OwnedFd>, cgroups: usize, fds: &mut Descriptors) -> Result<()> {
    if let Some(network) = network {
        let kind = Some(rustix::thread::LinkNameSpaceType::Network);
        rustix::thread::move_into_link_name_space(network.as_fd(), kind)
            .doing(|| "Join the network namespace")?;
    }
    for _ in 0..cgroups {
        let procs = fds.take().doing(|| "Take the control group")?;
        rustix::io::write(&procs, b"0").doing(|| "Join the control group")?;
    }
    cgroup::unshare()
}

fn launch(
    spec: &LaunchSpec,
    top: Option<OwnedFd>,
    filter: Option<Filter>,
    stdio: [OwnedFd; 3],
    status: &OwnedFd,
) -> Result<Never> {
    let _ = rustix::process::setsid();
    rustix::process::umask(rustix::fs::Mode::empty());
    let mut warnings = Vec::new();
    let mut root = mount_all(spec, top)?;
    set_names(spec)?;
    program::make_cwd(&mut root, &spec.process.cwd)?;
    let master = match spec.process.terminal {
        true => {
            let master = pty::open(&root, &spec.process)?;
            pty::show_console(&mut root, &master)?;
            Some(master)
        }
        false => {
            use_stdio(&stdio, &spec.process).doing(|| "Set up the standard streams")?;
            None
        }
    };
    drop(stdio);
    rootfs::enter(&root, spec.readonly_root)?;
    let created = root.into_created();
    program::enter_cwd(&spec.process.cwd)?;
    if !spec.host_pid {
        // Nobody else is in the pid namespace yet, and a process that is not dumpable does not own its own files in
        // /proc when it is not the host's root.
        set_dumpable_behavior(DumpableBehavior::Dumpable).doing(|| "Take possession of `/proc/self`")?;
    }
    credentials::apply_limits(&spec.process, &mut warnings)?;
    let handover = Handover { process: &spec.process, filter, status, init: spec.init };
    handover.execute(Report { created, warnings, master })
}

/// What the caller learns just before the program starts.
pub(crate) struct Report {
    pub(crate) created: Vec<PathBuf>,
    pub(crate) warnings: Vec<String>,
    pub(crate) master: Option<OwnedFd>,
}

/// From the last thing that takes privileges to the program.
pub(crate) struct Handover<'a> {
    pub(crate) process: &'a ProcessSpec,
    pub(crate) filter: Option<Filter>,
    pub(crate) status: &'a OwnedFd,
    /// Stay as the program's parent.
    pub(crate) init: bool,
}

impl Handover<'_> {
    /// Gives up all privileges and becomes the program. What the filter might refuse comes before it.
    pub(crate) fn execute(&self, report: Report) -> Result<Never> {
        let program = Program::new(self.process)?;
        let mut parent = None;
        if self.init {
            parent = reaper::fork()?;
        }
        if self.process.terminal && parent.is_none() {
            pty::take_terminal()?;
        }
        // An init keeps no descriptor at all: the caller takes the end of the status socket for the program's start.
        sys::close_from(if parent.is_some() { 0 } else { 3 }, parent.is_none())
            .doing(|| "Close inherited descriptors")?;
        let tied = parent_process_death_signal().ok().flatten();
        credentials::apply(self.process, self.filter.as_ref())?;
        if tied.is_some() {
            // Another user was a reason for the kernel to forget it. A filter of the user's may refuse it.
            let _ = set_parent_process_death_signal(tied);
        }
        if let Some(parent) = parent {
            parent.run();
        }
        let master = report.master.as_ref().map(|fd| vec![fd.as_fd()]).unwrap_or_default();
        tell(self.status, &Status::Ready { created: report.created, warnings: report.warnings }, &master);
        Err(program.execute())
    }
}

/// The container's file system, complete but not yet entered.
fn mount_all(spec: &LaunchSpec, top: Option<OwnedFd>) -> Result<Root> {
    let sources = mounts::open_sources(&spec.mounts)?;
    rootfs::isolate_mounts()?;
    let mut root = rootfs::prepare(&spec.rootfs, top, spec.privileged)?;
    if spec.standard_mounts {
        standard::apply(&mut root, spec)?;
    }
    for (mount, source) in spec.mounts.iter().zip(sources) {
        mounts::apply(&mut root, mount, source, spec.privileged)?;
    }
    apply_sysctls(spec, &root)?;
    if !spec.privileged {
        mask::hide(&root, &spec.masked_paths)?;
        mask::protect(&root, &spec.readonly_paths)?;
    }
    Ok(root)
}

fn apply_sysctls(spec: &LaunchSpec, root: &Root) -> Result<()> {
    for (name, value) in &spec.sysctls {
        let what = || format!("Set the kernel parameter `{name}` to `{value}`");
        let path = Path::new("proc/sys").join(name.replace('.', "/"));
        let file = root.open_with(&path, rustix::fs::OFlags::WRONLY).doing(what)?;
        rustix::io::write(&file, value.as_bytes()).doing(what)?;
    }
    Ok(())
}

fn set_names(spec: &LaunchSpec) -> Result<()> {
    if let Some(name) = spec.hostname.as_ref().filter(|_| !spec.host_uts) {
        nix::unistd::sethostname(name).doing(|| format!("Set the host name `{name}`"))?;
    }
    if matches!(spec.network, NetNs::Isolated) {
        loopback::bring_up().doing(|| "Bring the loopback interface up")?;
    }
    Ok(())
}

/// Makes the descriptors numbers 0 to 2. Pipes become the user's, so that `/dev/stdout` can be opened.
pub(crate) fn use_stdio(stdio: &[OwnedFd; 3], process: &ProcessSpec) -> io::Result<()> {
    for (fd, number) in stdio.iter().zip(0..) {
        let mode = rustix::fs::fstat(fd)?.st_mode;
        if process.uid != 0 && rustix::fs::FileType::from_raw_mode(mode) == rustix::fs::FileType::Fifo {
            // Not ours to give away when it came from elsewhere.
            let _ = rustix::fs::fchown(fd, Some(rustix::fs::Uid::from_raw(process.uid)), None);
        }
        sys::duplicate_to(fd.as_fd(), number)?;
    }
    Ok(())
}
