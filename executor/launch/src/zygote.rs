//! The zygote: a single-threaded process that forks the processes of all launches.
//!
//! It is started at the first launch, keeps nothing of its caller but one socket, and ends when that socket is
//! closed, killing what the caller had not detached. What it forks is the caller's child (`CLONE_PARENT`), so the
//! caller waits for it itself.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::process::{DumpableBehavior, Signal, pidfd_send_signal, set_dumpable_behavior};

use crate::channel::{self, Request, Status, receive, send, tell};
use crate::error::{LaunchError, Result};
use crate::launch::usual_flags;
use crate::sys::{self, Fork};
use crate::{ahead, container, sealed, seccomp};

/// The zygote's name in `argv[0]`.
const NAME: &str = "buildc-init";

/// The caller's side.
struct Zygote {
    socket: OwnedFd,
    process: Child,
    /// What it was executed from. Closing a mount waits for all CPUs, so it is left to the end.
    _program: OwnedFd,
}

static ZYGOTE: Mutex<Option<Zygote>> = Mutex::new(None);

/// Starts the launcher process ahead of the first launch, which then does not wait for it, and has it fork a process in
/// the namespaces of an ordinary container: one with a network namespace of its own that nobody else makes, where
/// `isolated`, else one that joins a network. Optional; worth it where there is other work to do before that launch.
///
/// # Errors
/// As the launch would.
pub fn prepare(isolated: bool) -> Result<()> {
    let flags = usual_flags(isolated);
    if sealed::is_sealed() {
        ahead::fork_here(flags)?
    } else {
        ahead::fork(flags)?
    }
    seccomp::prepare();
    Ok(())
}

/// Sends a request, starting the zygote first where there is none.
pub(crate) fn request(message: &Request, fds: &[std::os::fd::BorrowedFd<'_>]) -> Result<()> {
    let mut zygote = ZYGOTE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(running) = zygote.as_mut() {
        if send(running.socket.as_fd(), message, fds).is_ok() {
            return Ok(());
        }
        // Somebody killed it; a new one serves the rest.
        let _ = running.process.wait();
    }
    let started = zygote.insert(start()?);
    send(started.socket.as_fd(), message, fds)
        .map_err(|error| LaunchError::setup("Talk to the launcher process", error))
}

/// Whether this process has one: a fork must not share it.
pub(crate) fn started() -> bool {
    ZYGOTE.lock().unwrap_or_else(PoisonError::into_inner).is_some()
}

fn start() -> Result<Zygote> {
    spawn().map_err(|error| LaunchError::setup("Start the launcher process", error))
}

fn spawn() -> io::Result<Zygote> {
    if is_zygote() {
        return Err(io::Error::other("this program does not call `init_if_requested` first"));
    }
    let program = sealed::open()?;
    let (ours, theirs) = channel::pair()?;
    let process = Command::new(format!("/proc/self/fd/{}", program.as_raw_fd()))
        .arg0(NAME)
        .env_clear()
        .stdin(Stdio::from(theirs))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    Ok(Zygote { socket: ours, process, _program: program })
}

fn is_zygote() -> bool {
    std::env::args_os().next().is_some_and(|name| name == NAME)
}

/// Must be the first thing `main()` calls: in a process that the launcher started it never returns.
pub fn init_if_requested() {
    if is_zygote() {
        sys::exit_now(match serve() {
            Ok(()) => 0,
            Err(_) => 70,
        });
    }
}

/// Processes that end with the caller.
type Guarded = Vec<(u32, OwnedFd)>;

fn serve() -> io::Result<()> {
    sys::reset_signals();
    sys::close_from(3, false)?;
    // Out of the terminal's reach: Ctrl-C is for the caller, which decides what it means.
    let _ = rustix::process::setsid();
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    rustix::process::chdir("/")?;
    let socket = rustix::io::fcntl_dupfd_cloexec(sys::stream(0), 3)?;
    let null = rustix::fs::open("/dev/null", rustix::fs::OFlags::RDWR, rustix::fs::Mode::empty())?;
    sys::duplicate_to(null.as_fd(), 0)?;
    drop(null);
    let mut guarded = Guarded::new();
    let result = answer_all(&socket, &mut guarded);
    for (_, pidfd) in &guarded {
        let _ = pidfd_send_signal(pidfd, Signal::KILL);
    }
    result
}

fn answer_all(socket: &OwnedFd, guarded: &mut Guarded) -> io::Result<()> {
    loop {
        let mut watched = vec![PollFd::new(socket.as_fd(), PollFlags::POLLIN)];
        watched.extend(guarded.iter().map(|(_, pidfd)| PollFd::new(pidfd.as_fd(), PollFlags::POLLIN)));
        match poll(&mut watched, PollTimeout::NONE) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let ready: Vec<bool> =
            watched.iter().map(|entry| entry.revents().is_some_and(|events| !events.is_empty())).collect();
        drop(watched);
        let mut ended = ready.iter().skip(1);
        guarded.retain(|_| !ended.next().copied().unwrap_or(false));
        if ready.first() == Some(&true) {
            let Some((request, fds)) = receive::<Request>(socket.as_fd())? else { return Ok(()) };
            match request {
                Request::Fork { flags } => fork(flags, fds, guarded, container::main),
                Request::ForkAhead { flags } => {
                    fork(flags, fds, guarded, |mut fds, status| container::main_later(fds.remove(0), status))
                }
                Request::Forget { pid } => guarded.retain(|(known, _)| *known != pid),
            }
        }
    }
}

/// Forks one process, which goes its own way, and tells the caller.
fn fork(flags: u64, mut fds: Vec<OwnedFd>, guarded: &mut Guarded, way: fn(Vec<OwnedFd>, OwnedFd) -> !) {
    if fds.len() < 2 {
        return;
    }
    let status = fds.remove(1);
    // SAFETY: the zygote has one thread.
    match unsafe { sys::fork_with(flags | libc::CLONE_PARENT as u64) } {
        Ok(Fork::Child) => {
            guarded.clear();
            way(fds, status)
        }
        Ok(Fork::Parent { pid, pidfd }) => {
            tell(&status, &Status::Forked { pid }, &[pidfd.as_fd()]);
            guarded.push((pid, pidfd));
        }
        Err(error) => {
            let help = "The kernel refused a new process in namespaces of its own; `buildc info` shows what this host allows";
            let error = LaunchError::with_help("Make namespaces", error, help);
            tell(&status, &Status::Failed(error.to_wire()), &[]);
        }
    }
}

/// Tells the zygote to leave a process alone.
pub(crate) fn forget(pid: u32) -> Result<()> {
    request(&Request::Forget { pid }, &[])
}
