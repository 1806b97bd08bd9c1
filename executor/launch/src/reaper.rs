//! The small init that `--init` puts in front of the program as pid 1: it forwards signals and reaps orphans.

use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::error::{Doing, Result};
use crate::sys::{self, Fork};

/// Pid 1, on its way to [`Init::run`].
pub(crate) struct Init {
    program: Pid,
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
            Ok(Some(Init { program: Pid::from_raw(pid as i32), signals }))
        }
    }
}

impl Init {
    /// Waits and forwards until the program ends, and ends with its status.
    pub(crate) fn run(&self) -> ! {
        // What `ps` shows; without it there is only a descriptor's number.
        let _ = rustix::thread::set_name(c"buildc-init");
        loop {
            match self.signals.wait() {
                Ok(Signal::SIGCHLD) => reap(self.program),
                Ok(signal) => {
                    let _ = kill(self.program, signal);
                }
                Err(_) => {}
            }
        }
    }
}

/// Reaps whatever has ended; ends with the program's status when that is among it.
fn reap(program: Pid) {
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(pid, code)) if pid == program => sys::exit_now(code),
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == program => sys::exit_now(128 + signal as i32),
            Ok(WaitStatus::StillAlive) | Err(_) => return,
            Ok(_) => {}
        }
    }
}
