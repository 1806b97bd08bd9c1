//! The monitor: one process per running container that outlives the command that started it.
//!
//! Owns: the container's process, its network, log, published ports, state file, restarts, and with `--rm` its end.
//! Never does: anything with the store's index, but for that removal: it is forked before the index is opened.

mod control;
mod output;
mod probe;
mod restart;
mod shared;
mod watch;

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use buildc_launch::{Forked, LaunchSpec, fork_session};
use serde::{Deserialize, Serialize};

use super::error::{ContainerError, Result};
use super::record::{Container, State};
use super::wire::{self, Request};

/// The monitor's name in `argv[0]` when it was executed instead of forked.
const NAME: &str = "buildc-monitor";

/// Told to a monitor whose container has a network namespace that nobody else makes.
const ISOLATED: &str = "isolated";

/// A monitor process that waits for its container. Without one it ends when this is dropped.
#[derive(Debug)]
pub struct Standby(UnixStream);

/// Everything a monitor needs to know.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) store_root: PathBuf,
    pub(super) container: Container,
    pub(super) state: State,
    pub(super) dir: PathBuf,
    pub(super) launch: LaunchSpec,
    pub(super) network: NetworkOrder,
    /// The standard streams of the command that starts it came along.
    pub(super) attach: bool,
    /// Of these, standard input is the container's.
    pub(super) attach_stdin: bool,
    /// Size of the attached terminal's window: lines, characters.
    pub(super) window: Option<(u16, u16)>,
}

/// The network a monitor has to prepare.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) enum NetworkOrder {
    /// An own namespace with a way out and published ports.
    Own,
    /// The one the launch already names.
    Ready,
}

impl Standby {
    /// Starts one. Must happen before this process starts a thread or opens a store; with threads it may return `None`, and
    /// [`start`](super::start) then finds another way. It is ready sooner where `isolated` is true of a container whose
    /// network namespace nobody else makes, and only of one.
    ///
    /// # Errors
    /// The system refused a process.
    pub fn new(isolated: bool) -> Result<Option<Self>> {
        let (ours, theirs) = UnixStream::pair().map_err(monitor_io("make a socket for"))?;
        let words: &[&str] = if isolated { &[ISOLATED] } else { &[] };
        if buildc_launch::spawn_sealed(NAME, words, theirs.into()).is_ok() {
            return Ok(Some(Self(ours)));
        }
        // A program that cannot be mounted read-only is copied for every launch anyway.
        Self::fork(isolated)
    }

    fn fork(isolated: bool) -> Result<Option<Self>> {
        let (ours, theirs) = UnixStream::pair().map_err(monitor_io("make a socket for"))?;
        match fork_session()? {
            None => Ok(None),
            Some(Forked::Parent) => Ok(Some(Self(ours))),
            Some(Forked::Child) => {
                drop(ours);
                leave_caller(&theirs);
                serve(theirs, isolated)
            }
        }
    }

    /// Executes this program again as a monitor; a process with threads cannot be forked.
    pub(super) fn execute() -> Result<Self> {
        let (ours, theirs) = UnixStream::pair().map_err(monitor_io("make a socket for"))?;
        let mut command = Command::new("/proc/self/exe");
        command.arg0(NAME).stdin(Stdio::from(std::os::fd::OwnedFd::from(theirs)));
        command.stdout(Stdio::null()).stderr(Stdio::null()).current_dir("/").process_group(0);
        // It lives on when this process ends, and is then waited for by the system's first process.
        command.spawn().map(drop).map_err(monitor_io("start"))?;
        Ok(Self(ours))
    }

    /// Hands the order over; what comes back is the line to the monitor.
    pub(super) fn give(self, order: Order, streams: &[std::os::fd::BorrowedFd<'_>]) -> Result<UnixStream> {
        wire::send(&self.0, &Request::Start(Box::new(order)), streams).map_err(monitor_io("talk to"))?;
        Ok(self.0)
    }
}

fn monitor_io(what: &'static str) -> impl FnOnce(io::Error) -> ContainerError {
    ContainerError::io(what, Path::new("monitor"))
}

/// Must be called by `main()` before it looks at its arguments: when this process was started as a monitor it never
/// returns.
pub fn monitor_if_requested() {
    if std::env::args_os().next().is_none_or(|name| name != NAME) {
        return;
    }
    // A session of its own, out of the terminal's reach. It fails only where that is so already.
    let _ = nix::unistd::setsid();
    match io::stdin().as_fd().try_clone_to_owned() {
        Ok(socket) => {
            let socket = UnixStream::from(socket);
            leave_caller(&socket);
            serve(socket, std::env::args_os().nth(2).is_some_and(|word| word == ISOLATED))
        }
        Err(_) => std::process::exit(70),
    }
}

/// Lets go of everything of the caller's: a reader of its output waits until the last holder of the pipe has closed it.
fn leave_caller(keep: &UnixStream) {
    if let Ok(null) = std::fs::OpenOptions::new().read(true).write(true).open("/dev/null") {
        let _ = nix::unistd::dup2_stdin(&null);
        let _ = nix::unistd::dup2_stdout(&null);
        let _ = nix::unistd::dup2_stderr(&null);
    }
    let listed = |entry: std::fs::DirEntry| entry.file_name().to_str()?.parse::<i32>().ok();
    let open: Vec<i32> =
        std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten().filter_map(listed).collect();
    for fd in open {
        if fd > 2 && fd != keep.as_raw_fd() {
            // The listing itself had one, which is closed already.
            let _ = nix::unistd::close(fd);
        }
    }
}

/// The monitor's whole life.
fn serve(line: UnixStream, isolated: bool) -> ! {
    // A failure is told by the launch.
    let _ = buildc_launch::prepare(isolated);
    let code = match wire::receive::<Request>(&line) {
        Ok(Some((Request::Start(order), streams))) => {
            // Without root, later commands find the container's user namespace by its monitor. One that is not found
            // costs them `--network container:` only.
            let _ = buildc_launch::enter_user_namespace();
            watch::watch(*order, line, streams);
            0
        }
        // The command needed no container after all.
        Ok(None) => 0,
        _ => 70,
    };
    std::process::exit(code)
}
