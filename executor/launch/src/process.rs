//! A launched process as its caller holds it.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Duration;

use crate::error::Result;

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
    /// What had to be made in the root for mounts and the working directory, in order; paths inside the container.
    pub created: Vec<PathBuf>,
    /// What was asked for and refused without being fatal, in words for the user.
    pub warnings: Vec<String>,
}

impl Process {
    /// The pid of the process in the caller's pid namespace.
    pub fn pid(&self) -> u32 {
        todo!()
    }

    /// Start time in clock ticks since boot (`/proc/PID/stat`, field 22), to guard against reuse of the pid.
    pub fn start_time(&self) -> u64 {
        todo!()
    }

    /// The master side of the pty, once, where `terminal` was asked for.
    pub fn take_pty(&mut self) -> Option<OwnedFd> {
        todo!()
    }

    /// Waits for the end.
    pub fn wait(&mut self) -> Result<Exit> {
        todo!()
    }

    /// Waits at most this long; `None` when it still runs.
    pub fn wait_timeout(&mut self, timeout: Duration) -> Result<Option<Exit>> {
        let _ = timeout;
        todo!()
    }

    /// Sends a signal to the process.
    pub fn signal(&self, signal: i32) -> Result<()> {
        let _ = signal;
        todo!()
    }

    /// Kills the process and with it everything in its pid namespace.
    pub fn kill(&mut self) -> Result<()> {
        todo!()
    }

    /// Whether the kernel killed something in its cgroup for want of memory.
    pub fn oom_killed(&self) -> bool {
        todo!()
    }

    /// Lets it live on after this value and after this program.
    pub fn detach(self) {}
}

/// Sets the window size of a pty, given its master side.
pub fn resize_pty(master: &OwnedFd, rows: u16, columns: u16) -> Result<()> {
    let _ = (master, rows, columns);
    todo!()
}
