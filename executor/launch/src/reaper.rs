//! The small init that `--init` puts in front of the program as pid 1: it forwards signals and reaps orphans.

use nix::sys::signal::SigSet;

use crate::error::{Doing, Result};
use crate::sys::{self, Fork};

/// Pid 1, on its way to [`Init::run`].
pub(crate) struct Init {
    program: libc::pid_t,
    signals: SigSet,
}

/// Forks; none is returned in the new process, which becomes the program.
pub(crate) fn fork() -> Result<Option<Init>> {
    let signals = SigSet::all();
    signals.thread_block().doing(|| "Block signals in init")?;
    // SAFETY: a child of the zygote has one thread.
    match unsafe { sys::fork_with(0) }.doing(|| "Fork the program under init")? {
        Fork::Child => {
            sys::reset_signals();
            let _ = rustix::process::setsid();
            Ok(None)
        }
        Fork::Parent { pid, pidfd } => {
            // Its number is about to be closed with all others.
            std::mem::forget(pidfd);
            Ok(Some(Init { program: pid as libc::pid_t, signals }))
        }
    }
}

impl Init {
    /// Waits and forwards until the program ends, and ends with its status.
    pub(crate) fn run(&self) -> ! {
        // What `ps` shows; without it there is only a descriptor's number.
        let _ = rustix::thread::set_name(c"buildc-init");
        loop {
            match next(&self.signals) {
                Some(libc::SIGCHLD) => reap(self.program),
                Some(signal) => {
                    // SAFETY: it touches no memory.
                    unsafe { libc::kill(self.program, signal) };
                }
                None => {}
            }
        }
    }
}

/// Waits for a signal. By number, as those of real time have no name.
fn next(signals: &SigSet) -> Option<i32> {
    let mut number = 0;
    // SAFETY: both are live for the call.
    let failed = unsafe { libc::sigwait(signals.as_ref(), &raw mut number) };
    (failed == 0).then_some(number)
}

/// Reaps whatever has ended; ends with the program's status when that is among it.
fn reap(program: libc::pid_t) {
    loop {
        let mut status = 0;
        // SAFETY: `status` is live for the call.
        let pid = unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) };
        if pid <= 0 {
            return;
        }
        if pid == program && libc::WIFEXITED(status) {
            sys::exit_now(libc::WEXITSTATUS(status));
        }
        if pid == program && libc::WIFSIGNALED(status) {
            sys::exit_now(128 + libc::WTERMSIG(status));
        }
    }
}
