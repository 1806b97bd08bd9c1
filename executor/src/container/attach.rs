//! The command that started a container: waits for the end, forwards signals and window sizes.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

use buildc_store::Store;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::sys::signalfd::{SfdFlags, SignalFd};

use super::clear;
use super::error::{ContainerError, Result};
use super::record::Container;
use super::terminal::{self, Raw};
use super::wire::{self, Answer, Request};

/// After so many requests to end, the command ends and leaves the container alone, as Docker's does.
const PATIENCE: u32 = 3;

/// A started container, as the command that started it holds it.
#[derive(Debug)]
pub struct Attached {
    line: UnixStream,
    store: Store,
    container: Container,
    warnings: Vec<String>,
    signals: Option<SignalFd>,
    raw: Option<Raw>,
}

/// Blocks the forwarded signals, so that none is lost between a container's start and the wait for its end.
pub(super) fn hold_signals() -> io::Result<SignalFd> {
    let mask = terminal::forwarded();
    mask.thread_block()?;
    Ok(SignalFd::with_flags(&mask, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?)
}

impl Attached {
    /// `signals` and `raw` are for commands in the foreground.
    pub(super) fn new(
        line: UnixStream,
        store: &Store,
        container: &Container,
        warnings: Vec<String>,
        signals: Option<SignalFd>,
        raw: Option<Raw>,
    ) -> Self {
        Self { line, store: store.clone(), container: container.clone(), warnings, signals, raw }
    }

    /// What was asked for and refused without being fatal, in words for the user.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Waits for the container's end and returns its exit status. Output has been written to this process's standard
    /// streams meanwhile; signals to this process were forwarded; with a pty the terminal was raw and is as before.
    /// Call it from the main thread.
    ///
    /// # Errors
    /// The monitor was killed.
    pub fn wait(self) -> Result<u8> {
        let Self { line, store, container, signals, raw, .. } = self;
        let end = follow(&line, signals.as_ref(), &container)?;
        drop(raw);
        match end {
            End::Exited(code) if container.spec.remove => {
                clear::discard(&store, &container, true);
                Ok(code)
            }
            End::Exited(code) | End::Left(code) => Ok(code),
        }
    }
}

/// Why a command stops to wait.
pub(super) enum End {
    /// The process has ended with this status.
    Exited(u8),
    /// The user wants to; the process goes on. This is the command's own status.
    Left(u8),
}

impl End {
    /// The status for the command.
    pub(super) fn code(&self) -> u8 {
        match self {
            Self::Exited(code) | Self::Left(code) => *code,
        }
    }
}

/// Forwards signals until the answer that the process has ended.
pub(super) fn follow(line: &UnixStream, signals: Option<&SignalFd>, container: &Container) -> Result<End> {
    let killed = || ContainerError::Monitor { id: container.id.clone(), reason: "was killed".to_owned() };
    let mut ends = 0;
    loop {
        if let Some(signals) = signals {
            let mut watched = [
                PollFd::new(line.as_fd(), PollFlags::POLLIN),
                PollFd::new(signals.as_fd(), PollFlags::POLLIN),
            ];
            // An interrupted wait is looked at again.
            let _ = poll(&mut watched, PollTimeout::NONE);
            let answered = watched.first().and_then(PollFd::revents).is_some_and(|events| !events.is_empty());
            while let Ok(Some(signal)) = signals.read_signal() {
                let signal = i32::try_from(signal.ssi_signo).unwrap_or_default();
                ends += u32::from([Signal::SIGINT as i32, Signal::SIGTERM as i32].contains(&signal));
                forward(line, signal);
                if ends >= PATIENCE {
                    return Ok(End::Left(128u8.wrapping_add(u8::try_from(signal).unwrap_or_default())));
                }
            }
            if !answered {
                continue;
            }
        }
        match wire::receive::<Answer>(line) {
            Ok(Some((Answer::Exited(code), _))) => return Ok(End::Exited(code)),
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => return Err(killed()),
        }
    }
}

fn forward(line: &UnixStream, signal: i32) {
    let request = match terminal::window() {
        Some((rows, columns)) if signal == Signal::SIGWINCH as i32 => Request::Resize { rows, columns },
        _ if signal == Signal::SIGWINCH as i32 => return,
        _ => Request::Signal { signal, last: false },
    };
    // It may just have ended, which the answer will tell.
    let _ = wire::send(line, &request, &[]);
}
