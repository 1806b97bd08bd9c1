//! A process that is forked before anybody knows what it is to become: making namespaces takes as long as mounting into
//! them, and a program that is about to launch has other work to do meanwhile.
//!
//! Owns: the one process that waits. Never does: anything that needs the launch's own description.
//!
//! The zygote forks it; or the program itself, where it was [executed sealed](crate::sealed::spawn) and still has one thread.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Mutex, PoisonError};

use crate::channel::{self, Request, Status, send, tell};
use crate::error::{LaunchError, Result};
use crate::process::Process;
use crate::sys::{self, Fork};
use crate::{container, zygote};

/// The process that waits for its work.
struct Ahead {
    flags: u64,
    line: OwnedFd,
    status: OwnedFd,
}

static AHEAD: Mutex<Option<Ahead>> = Mutex::new(None);

/// Has the zygote fork one in these namespaces, starting the zygote where there is none.
pub(crate) fn fork(flags: u64) -> Result<()> {
    let (line, theirs) = pair()?;
    let (status, told) = pair()?;
    zygote::request(&Request::ForkAhead { flags }, &[theirs.as_fd(), told.as_fd()])?;
    keep(Ahead { flags, line, status });
    Ok(())
}

/// Forks one itself: it is killed when the calling thread ends.
pub(crate) fn fork_here(flags: u64) -> Result<()> {
    let failed = |error: io::Error| LaunchError::setup("Fork", error);
    if std::fs::read_dir("/proc/self/task").map_err(failed)?.count() != 1 {
        return fork(flags);
    }
    let (line, theirs) = pair()?;
    let (status, told) = pair()?;
    // SAFETY: this is the only thread.
    match unsafe { sys::fork_with(flags) }.map_err(failed)? {
        Fork::Child => {
            drop((line, status));
            container::main_tied(theirs, told)
        }
        Fork::Parent { pid, pidfd } => {
            tell(&told, &Status::Forked { pid }, &[pidfd.as_fd()]);
            keep(Ahead { flags, line, status });
            Ok(())
        }
    }
}

fn pair() -> Result<(OwnedFd, OwnedFd)> {
    channel::pair().map_err(|error| LaunchError::setup("Make a socket for a process", error))
}

fn keep(ahead: Ahead) {
    let mut kept = AHEAD.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(unused) = kept.replace(ahead) {
        unused.dismiss();
    }
}

/// Gives the work to the waiting process, if there is one in these namespaces; its status socket then tells the rest.
pub(crate) fn give(flags: u64, fds: &[BorrowedFd<'_>]) -> Option<OwnedFd> {
    let ahead = AHEAD.lock().unwrap_or_else(PoisonError::into_inner).take()?;
    let given = match ahead.flags == flags {
        true => send(ahead.line.as_fd(), &(), fds),
        false => Err(io::ErrorKind::Unsupported.into()),
    };
    match given {
        Ok(()) => Some(ahead.status),
        Err(_) => {
            ahead.dismiss();
            None
        }
    }
}

impl Ahead {
    /// Lets it end, and reaps it: it is this program's child.
    fn dismiss(self) {
        drop(self.line);
        let _ = Process::follow(&self.status, None);
    }
}
