//! The small init that `--init` puts in front of the program as pid 1: it forwards signals and reaps orphans.

use std::os::fd::OwnedFd;

use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::error::{Doing, Result};
use crate::sys::{self, Fork};

/// Forks: returns in the new process, which becomes the program, and never in pid 1.
pub(crate) fn fork(terminal: bool, _status: &OwnedFd) -> Result<()> {
    let all = SigSet::all();
    all.thread_block().doing(|| "Block signals in init")?;
    // SAFETY: a child of the zygote has one thread.
    match unsafe { sys::fork_with(0) }.doing(|| "Fork the program under init")? {
        Fork::Child => {
            sys::reset_signals();
            let _ = rustix::process::setsid();
            if terminal {
                crate::pty::take_terminal()?;
            }
            Ok(())
        }
        Fork::Parent { pid, .. } => {
            // The status socket above all: the caller waits for its last holder's exec.
            let _ = sys::close_from(0, false);
            forward(&all, Pid::from_raw(pid as i32))
        }
    }
}

fn forward(signals: &SigSet, program: Pid) -> ! {
    loop {
        match signals.wait() {
            Ok(Signal::SIGCHLD) => reap(program),
            Ok(signal) => {
                let _ = kill(program, signal);
            }
            Err(_) => {}
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
