//! The caller's side of a launch: descriptors in, a running process out.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use crate::cgroup::Group;
use crate::channel::{self, Request, to_memory};
use crate::container::{Job, Task};
use crate::error::{Doing, Result};
use crate::process::Process;
use crate::spec::{CgroupSpec, LaunchSpec, MountSpec, NetNs, ProcessSpec, RootFs, Stdio, StdioSpec};
use crate::{ahead, seccomp, sys, zygote};

/// Starts a process in namespaces of its own; returns once the user's program has been executed, or failed to be.
///
/// # Errors
/// [`LaunchError::NotFound`](crate::LaunchError::NotFound) and [`LaunchError::NotExecutable`](crate::LaunchError::NotExecutable) for the program, [`LaunchError::Setup`](crate::LaunchError::Setup) with the
/// kernel's words for everything before it. Nothing is left mounted or running.
pub fn launch(spec: &LaunchSpec, stdio: StdioSpec) -> Result<Process> {
    launch_over(spec, stdio, None)
}

/// The same over a file system that the caller serves: `top` is a detached mount that becomes the topmost lower of the
/// [`RootFs::Overlay`]. It ends with the process, once the caller has closed its own descriptor.
///
/// # Errors
/// As for [`launch`].
pub fn launch_over(spec: &LaunchSpec, stdio: StdioSpec, top: Option<BorrowedFd<'_>>) -> Result<Process> {
    let filter = seccomp::compile(&spec.process)?;
    let group = spec.cgroup.as_ref().map(Group::create).transpose()?;
    let mut fds = stdio_fds(stdio)?;
    if let Some(top) = top {
        fds.push(top.try_clone_to_owned().doing(|| "Pass the root's file system on")?);
    }
    if let NetNs::Join(path) = &spec.network {
        fds.push(open(path).doing(|| format!("Open the network namespace `{}`", path.display()))?);
    }
    let procs = group.as_ref().map(Group::open_procs).transpose()?.unwrap_or_default();
    let cgroups = procs.len();
    fds.extend(procs);
    let task = Task::Launch { spec: Box::new(absolute(spec)?), has_top: top.is_some() };
    start(clone_flags(spec), Job { task, filter, cgroups }, fds, group)
}

/// Runs another process in the namespaces of the running container whose pid 1 has this pid.
///
/// The process joins the container's own control groups; `cgroup` only says where to look for its memory events.
///
/// # Errors
/// As for [`launch`].
pub fn enter(
    pid: u32,
    process: &ProcessSpec,
    cgroup: Option<&CgroupSpec>,
    stdio: StdioSpec,
) -> Result<Process> {
    let filter = seccomp::compile(process)?;
    let fds = stdio_fds(stdio)?;
    let group = cgroup.map(Group::find);
    let task = Task::Enter { pid, process: Box::new(process.clone()) };
    start(0, Job { task, filter, cgroups: 0 }, fds, group)
}

/// Tries whether the kernel forks with these flags, and mounts an overlay there.
pub(crate) fn probe(flags: u64, overlay: bool) -> Result<()> {
    let fds = stdio_fds(StdioSpec { stdin: Stdio::Null, stdout: Stdio::Null, stderr: Stdio::Null })?;
    let job = Job { task: Task::Probe { overlay }, filter: None, cgroups: 0 };
    start(flags, job, fds, None)?.wait().map(drop)
}

fn open(path: &Path) -> io::Result<OwnedFd> {
    use rustix::fs::{Mode, OFlags};
    Ok(rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?)
}

/// The namespaces to make.
fn clone_flags(spec: &LaunchSpec) -> u64 {
    let mut flags = usual_flags(matches!(spec.network, NetNs::Isolated));
    for (shared, flag) in [
        (spec.host_pid, libc::CLONE_NEWPID),
        (spec.host_ipc, libc::CLONE_NEWIPC),
        (spec.host_uts, libc::CLONE_NEWUTS),
    ] {
        if shared {
            flags &= !(flag as u64);
        }
    }
    flags
}

/// The namespaces of a container that shares none with the host but perhaps the network.
pub(crate) fn usual_flags(isolated_network: bool) -> u64 {
    let network = if isolated_network { libc::CLONE_NEWNET } else { 0 };
    (libc::CLONE_NEWNS | libc::CLONE_NEWPID | libc::CLONE_NEWIPC | libc::CLONE_NEWUTS | network) as u64
}

/// Sends the job to the zygote and follows it to the program's start.
fn start(flags: u64, job: Job, fds: Vec<OwnedFd>, group: Option<Group>) -> Result<Process> {
    let memory = to_memory(&job).doing(|| "Write the launch request")?;
    let work: Vec<BorrowedFd<'_>> =
        std::iter::once(memory.as_fd()).chain(fds.iter().map(AsFd::as_fd)).collect();
    if let Some(status) = ahead::give(flags, &work) {
        drop(work);
        drop((memory, fds));
        return Process::follow(&status, group);
    }
    let (ours, theirs) = channel::pair().doing(|| "Make a status socket")?;
    let mut sent: Vec<BorrowedFd<'_>> = vec![memory.as_fd(), theirs.as_fd()];
    sent.extend(fds.iter().map(AsFd::as_fd));
    zygote::request(&Request::Fork { flags }, &sent)?;
    drop(sent);
    drop((memory, theirs, fds));
    Process::follow(&ours, group)
}

/// Makes the three descriptors.
fn stdio_fds(stdio: StdioSpec) -> Result<Vec<OwnedFd>> {
    use rustix::fs::{Mode, OFlags};
    let inherited = [0, 1, 2].map(sys::stream);
    [stdio.stdin, stdio.stdout, stdio.stderr]
        .into_iter()
        .zip(inherited)
        .map(|(stream, own)| match stream {
            Stdio::Fd(fd) => Ok(fd),
            Stdio::Inherit => own.try_clone_to_owned().doing(|| "Pass a standard stream on"),
            Stdio::Null => rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())
                .doing(|| "Open `/dev/null`"),
        })
        .collect()
}

/// The specification with all host paths absolute: the zygote has another working directory.
fn absolute(spec: &LaunchSpec) -> Result<LaunchSpec> {
    let mut spec = spec.clone();
    match &mut spec.rootfs {
        RootFs::Overlay { base, upper, work, .. } => {
            for path in [base, upper, work] {
                make_absolute(path)?;
            }
        }
        RootFs::Directory(path) => make_absolute(path)?,
    }
    for mount in &mut spec.mounts {
        match mount {
            MountSpec::Bind { source, .. } => make_absolute(source)?,
            MountSpec::Tree { base, .. } => make_absolute(base)?,
            MountSpec::Tmpfs { .. } | MountSpec::File { .. } => {}
        }
    }
    Ok(spec)
}

fn make_absolute(path: &mut PathBuf) -> Result<()> {
    *path = std::path::absolute(&path).doing(|| format!("Make `{}` absolute", path.display()))?;
    Ok(())
}
