//! A copy of the calling process that outlives it, for programs that watch over what they launch.

use std::io;

use crate::error::{LaunchError, Result};
use crate::zygote;

/// Which of the two processes this is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Forked {
    /// The one that asked.
    Parent,
    /// The copy, in a session of its own and with the root as its working directory.
    Child,
}

/// Forks the calling process, when it has one thread only: a copy of a process with threads could find locks that
/// nobody is left to release. Returns `None` with more.
///
/// # Errors
/// The kernel refused a process, or `/proc` is missing.
pub fn fork_session() -> Result<Option<Forked>> {
    let failed = |error: io::Error| LaunchError::setup("Fork", error);
    if std::fs::read_dir("/proc/self/task").map_err(failed)?.count() != 1 || zygote::started() {
        return Ok(None);
    }
    // SAFETY: this is the only thread.
    match unsafe { libc::fork() } {
        -1 => Err(failed(io::Error::last_os_error())),
        0 => {
            let _ = rustix::process::setsid();
            rustix::process::chdir("/").map_err(|error| failed(error.into()))?;
            Ok(Some(Forked::Child))
        }
        _ => Ok(Some(Forked::Parent)),
    }
}
