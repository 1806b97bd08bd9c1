//! A launched process as its caller holds it.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::process::{Signal, WaitId, WaitIdOptions, pidfd_send_signal, waitid};

use crate::cgroup::Group;
use crate::channel::{Status, receive};
use crate::error::{Doing, LaunchError, Result};
use crate::zygote;

/// `SIGRTMIN` as programs know it: the two before are the C library's.
pub const REALTIME_FIRST: i32 = 34;

/// `SIGRTMAX`.
pub const REALTIME_LAST: i32 = 64;

/// How a process ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// It called `exit` with this status.
    Code(u8),
    /// This signal killed it.
    Signal(i32),
}

impl Exit {
    /// The status a shell shows: the code, or 128 plus the signal's number.
    pub fn status(self) -> u8 {
        match self {
            Exit::Code(code) => code,
            Exit::Signal(signal) => 128u8.wrapping_add(signal as u8),
        }
    }
}

/// A launched process. Dropping it kills everything in its pid namespace and waits for that.
#[derive(Debug)]
pub struct Process {
    /// What had to be made in the root for mounts and the working directory, in order; absolute paths of the
    /// container. Those below a mount are not part of the root's own file system.
    pub created: Vec<PathBuf>,
    /// What was asked for and refused without being fatal, in words for the user.
    pub warnings: Vec<String>,
    pid: u32,
    pidfd: OwnedFd,
    pty: Option<OwnedFd>,
    group: Option<Group>,
    exit: Option<Exit>,
    detached: bool,
}

impl Process {
    /// Follows a fork through its status socket until the program is executed.
    pub(crate) fn follow(status: &OwnedFd, group: Option<Group>) -> Result<Process> {
        let mut report = Report::default();
        let failure = report.read(status);
        let process = match (report.entered.take(), report.forked.take()) {
            (Some(entered), Some((_, leading))) => {
                let _ = wait_for(leading.as_fd());
                Some(entered)
            }
            (entered, forked) => entered.or(forked),
        };
        let (pid, pidfd) = match (process, failure) {
            (Some(process), None) if report.ready => process,
            (process, failure) => {
                if let Some((_, pidfd)) = &process {
                    let _ = pidfd_send_signal(pidfd, Signal::KILL);
                    let _ = wait_for(pidfd.as_fd());
                }
                return Err(failure.unwrap_or_else(|| {
                    LaunchError::setup(
                        "Start the process",
                        io::Error::other("it ended before its program began"),
                    )
                }));
            }
        };
        let Report { created, warnings, pty, .. } = report;
        Ok(Process { created, warnings, pid, pidfd, pty, group, exit: None, detached: false })
    }

    /// The pid of the process in the caller's pid namespace.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Start time in clock ticks since boot (`/proc/PID/stat`, field 22), to guard against reuse of the pid; 0
    /// once the process has been waited for.
    pub fn start_time(&self) -> u64 {
        if self.exit.is_some() { 0 } else { start_time(self.pid).unwrap_or(0) }
    }

    /// The master side of the pty, once, where `terminal` was asked for.
    pub fn take_pty(&mut self) -> Option<OwnedFd> {
        self.pty.take()
    }

    /// Readable (as by `poll`) once the process has ended.
    pub fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    /// Waits for the end. Everything of its pid namespace is gone then, and nothing of it is mounted.
    pub fn wait(&mut self) -> Result<Exit> {
        if let Some(exit) = self.exit {
            return Ok(exit);
        }
        let exit = wait_for(self.pidfd.as_fd()).doing(|| format!("Wait for process {}", self.pid))?;
        self.exit = Some(exit);
        Ok(exit)
    }

    /// Waits at most this long; `None` when it still runs.
    pub fn wait_timeout(&mut self, timeout: Duration) -> Result<Option<Exit>> {
        let deadline = Instant::now().checked_add(timeout);
        while self.exit.is_none() {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            // Rounded up: a wait of half a millisecond is not one of none.
            let left = left.map_or(PollTimeout::NONE, |left| {
                PollTimeout::try_from(left.as_micros().div_ceil(1000)).unwrap_or(PollTimeout::MAX)
            });
            let mut watched = [PollFd::new(self.pidfd.as_fd(), PollFlags::POLLIN)];
            match poll(&mut watched, left) {
                Ok(0) if deadline.is_some_and(|deadline| Instant::now() >= deadline) => return Ok(None),
                Ok(0) | Err(nix::errno::Errno::EINTR) => {}
                Ok(_) => return self.wait().map(Some),
                Err(error) => return Err(error).doing(|| format!("Wait for process {}", self.pid)),
            }
        }
        Ok(self.exit)
    }

    /// Sends a signal to the process. Pid 1 ignores those it has no handler for, except KILL and STOP sent here.
    ///
    /// # Errors
    /// `ESRCH` when it has ended.
    pub fn signal(&self, signal: i32) -> Result<()> {
        let what = || format!("Send signal {signal} to process {}", self.pid);
        // A pidfd never means another process, even when this one was waited for.
        send_signal(self.pidfd.as_fd(), signal).doing(what)
    }

    /// Kills the process and with it everything in its pid namespace, and waits for that. Nothing happens where it
    /// has ended already.
    pub fn kill(&mut self) -> Result<()> {
        if self.exit.is_some() {
            return Ok(());
        }
        match pidfd_send_signal(&self.pidfd, Signal::KILL) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => {}
            Err(error) => return Err(error).doing(|| format!("Kill process {}", self.pid)),
        }
        if let Some(group) = &self.group {
            group.kill();
        }
        self.wait().map(drop)
    }

    /// True when the kernel killed something in its control group for want of memory.
    pub fn oom_killed(&self) -> bool {
        self.group.as_ref().is_some_and(Group::oom_killed)
    }

    /// Lets it live on after this value and after this program. Its control group stays too.
    pub fn detach(mut self) {
        self.detached = true;
        if let Some(group) = &mut self.group {
            group.keep();
        }
        // Where the zygote is gone it guards nothing.
        let _ = zygote::forget(self.pid);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.detached {
            let _ = self.kill();
        }
    }
}

/// What the status socket told.
#[derive(Default)]
struct Report {
    forked: Option<(u32, OwnedFd)>,
    /// Of a process in another container, which `forked` only leads to. Either may be told first.
    entered: Option<(u32, OwnedFd)>,
    ready: bool,
    created: Vec<PathBuf>,
    warnings: Vec<String>,
    pty: Option<OwnedFd>,
}

impl Report {
    /// Reads until every writer is gone: the last closes it by executing the program.
    fn read(&mut self, status: &OwnedFd) -> Option<LaunchError> {
        let mut failure = None;
        loop {
            match receive::<Status>(status.as_fd()) {
                Ok(None) => return failure,
                Ok(Some((status, fds))) => self.take(status, fds, &mut failure),
                Err(error) => return Some(LaunchError::setup("Read the launch status", error)),
            }
        }
    }

    fn take(&mut self, status: Status, fds: Vec<OwnedFd>, failure: &mut Option<LaunchError>) {
        let fd = fds.into_iter().next();
        match status {
            Status::Forked { pid } => self.forked = fd.map(|pidfd| (pid, pidfd)),
            Status::Entered { pid } => self.entered = fd.map(|pidfd| (pid, pidfd)),
            Status::Ready { created, warnings } => {
                self.ready = true;
                self.created = created;
                self.warnings = warnings;
                self.pty = fd;
            }
            Status::Failed(error) => *failure = Some(error.into()),
        }
    }
}

/// Waits for a child and reaps it.
fn wait_for(pidfd: BorrowedFd<'_>) -> io::Result<Exit> {
    loop {
        match waitid(WaitId::PidFd(pidfd), WaitIdOptions::EXITED) {
            Ok(Some(status)) => {
                return Ok(match (status.exit_status(), status.terminating_signal()) {
                    (_, Some(signal)) => Exit::Signal(signal),
                    (code, None) => Exit::Code(code.unwrap_or(0) as u8),
                });
            }
            Ok(None) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Sends a signal by number, one of the real-time ones too, which systemd and others end by.
///
/// # Errors
/// `EINVAL` when there is no such signal, `ESRCH` when the process has ended.
pub fn send_signal(pidfd: BorrowedFd<'_>, signal: i32) -> io::Result<()> {
    let known = match signal {
        // SAFETY: the number is one of a signal that the C library leaves to programs, and it is only sent.
        REALTIME_FIRST..=REALTIME_LAST => Some(unsafe { Signal::from_raw_unchecked(signal) }),
        _ => Signal::from_named_raw(signal),
    };
    Ok(pidfd_send_signal(pidfd, known.ok_or(io::Error::from_raw_os_error(libc::EINVAL))?)?)
}

/// Field 22 of `/proc/PID/stat`. The program's name, field 2, may hold anything but ends at the last parenthesis.
pub(crate) fn start_time(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(19)?.parse().ok()
}
