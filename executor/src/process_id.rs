//! A process named so that a reuse of its pid is noticed: by pid and start time (`/proc/PID/stat`, field 22).

use std::fs;
use std::os::fd::AsFd;

use rustix::process::{Pid, PidfdFlags, pidfd_open};
use serde::{Deserialize, Serialize};

/// One process of this boot.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct ProcessId {
    pub(crate) pid: u32,
    /// Clock ticks since boot.
    pub(crate) start: u64,
}

impl ProcessId {
    /// The process that has this pid now; `None` when it has ended, even if nobody has waited for it yet.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The second field, the name, may hold anything; the rest begins behind its last parenthesis.
        let (_, rest) = stat.rsplit_once(')')?;
        let mut fields = rest.split_whitespace();
        let state = fields.next()?;
        let start = fields.nth(18)?.parse().ok()?;
        (!matches!(state, "Z" | "X")).then_some(Self { pid, start })
    }

    /// This process.
    pub(crate) fn own() -> Self {
        Self::of(std::process::id()).unwrap_or_default()
    }

    /// Whether it still runs.
    pub(crate) fn alive(self) -> bool {
        self.pid != 0 && Self::of(self.pid) == Some(self)
    }

    /// Sends a signal, if it still runs.
    pub(crate) fn signal(self, signal: i32) -> std::io::Result<()> {
        let gone = || std::io::Error::from_raw_os_error(libc::ESRCH);
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw).ok_or_else(gone)?;
        let pidfd = pidfd_open(pid, PidfdFlags::empty())?;
        // Only a pidfd opened while the start time still matches is surely this process.
        if !self.alive() {
            return Err(gone());
        }
        buildc_launch::send_signal(pidfd.as_fd(), signal)
    }
}

/// The boot this process lives in.
pub(crate) fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|text| text.trim().to_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ended_process_is_not_alive() {
        let own = ProcessId::own();
        assert!(own.alive());
        assert!(!ProcessId { start: own.start + 1, ..own }.alive());
        assert!(!ProcessId::default().alive());
        let mut child = std::process::Command::new("sleep").arg("60").spawn().expect("sleep");
        let id = ProcessId::of(child.id()).expect("it runs");
        id.signal(9).expect("it can be killed");
        while id.alive() {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        assert!(id.signal(9).is_err(), "nobody is signalled in its place");
        child.wait().expect("it ends");
    }
}
