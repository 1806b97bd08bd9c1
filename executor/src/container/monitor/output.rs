//! What goes through the monitor: the container's output to the log and to an attached command, that command's input
//! to the container.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use buildc_launch::{LaunchSpec, Stdio, StdioSpec};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::pipe::{PipeFlags, pipe_with};

use crate::container::log::{Lines, LogWriter, Stream};

const BUFFER_BYTES: usize = 32 << 10;
/// Something that left the container's pid namespace may hold its output open for ever.
const DRAIN: Duration = Duration::from_secs(2);

/// The standard streams of the attached command.
#[derive(Debug, Default)]
pub(super) struct Attached {
    pub(super) stdin: Option<File>,
    pub(super) stdout: Option<File>,
    pub(super) stderr: Option<File>,
    /// Hung up when that command has gone.
    pub(super) line: Option<UnixStream>,
}

/// Our ends of one run's streams.
#[derive(Debug, Default)]
pub(super) struct Ends {
    stdin: Option<OwnedFd>,
    stdout: Option<OwnedFd>,
    stderr: Option<OwnedFd>,
}

/// Makes the streams of a run; with a pty the launcher makes them.
pub(super) fn streams(launch: &LaunchSpec, interactive: bool) -> io::Result<(StdioSpec, Ends)> {
    if launch.process.terminal {
        let stdio = StdioSpec { stdin: Stdio::Null, stdout: Stdio::Null, stderr: Stdio::Null };
        return Ok((stdio, Ends::default()));
    }
    let pipe = || -> io::Result<(OwnedFd, OwnedFd)> {
        let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
        // A program that opens /dev/stdout again needs to be the pipe's owner.
        if launch.process.uid != 0 {
            let owner = Some(rustix::fs::Uid::from_raw(launch.process.uid));
            let group = Some(rustix::fs::Gid::from_raw(launch.process.gid));
            // Where the user namespace lacks the id, the launch fails in words that say so.
            let _ = rustix::fs::fchown(&read, owner, group);
        }
        Ok((read, write))
    };
    let ((out, their_out), (err, their_err)) = (pipe()?, pipe()?);
    let (stdin, their_in) = match interactive {
        true => pipe().map(|(read, write)| (Some(write), Stdio::Fd(read)))?,
        false => (None, Stdio::Null),
    };
    let stdio = StdioSpec { stdin: their_in, stdout: Stdio::Fd(their_out), stderr: Stdio::Fd(their_err) };
    Ok((stdio, Ends { stdin, stdout: Some(out), stderr: Some(err) }))
}

/// The threads that carry one run's streams.
#[derive(Debug)]
pub(super) struct Relay {
    ended: mpsc::Receiver<()>,
    /// Keeps standard input of a detached interactive container open.
    _stdin: Option<OwnedFd>,
}

impl Relay {
    /// Starts to carry. `pty` replaces all three ends.
    pub(super) fn start(
        mut ends: Ends,
        pty: Option<OwnedFd>,
        attached: &Attached,
        log: &Arc<Mutex<LogWriter>>,
    ) -> io::Result<Self> {
        let pipes = pty.is_none();
        if let Some(pty) = pty {
            ends = Ends { stdin: Some(pty.try_clone()?), stdout: Some(pty), stderr: None };
        }
        let (end, ended) = mpsc::channel();
        let outputs = [
            (ends.stdout, attached.stdout.as_ref(), Stream::Stdout),
            (ends.stderr, attached.stderr.as_ref(), Stream::Stderr),
        ];
        for (from, to, stream) in outputs {
            let Some(from) = from else { continue };
            let to = to.map(File::try_clone).transpose()?;
            let (log, end) = (Arc::clone(log), end.clone());
            spawn("output", move || {
                carry_out(from.into(), to, &log, stream, pipes);
                drop(end);
            })?;
        }
        let mut stdin = ends.stdin;
        if let (Some(from), Some(line)) = (&attached.stdin, &attached.line)
            && let Some(to) = stdin.take()
        {
            let (from, line) = (from.try_clone()?, line.try_clone()?);
            spawn("input", move || carry_in(from, to.into(), &line))?;
        }
        Ok(Self { ended, _stdin: stdin })
    }

    /// Waits until everything the container wrote has been carried.
    pub(super) fn drain(self) {
        // Nothing is ever sent: the channel closes when the last carrier ends.
        let _ = self.ended.recv_timeout(DRAIN);
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.to_owned()).stack_size(256 << 10).spawn(work).map(drop)
}

/// Carries to the attached command and to the log. A `pipe` ends when that command's reader has gone.
fn carry_out(mut from: File, mut to: Option<File>, log: &Mutex<LogWriter>, stream: Stream, pipe: bool) {
    let mut lines = Lines::default();
    let write = |line: &[u8]| {
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        // The container matters more than its log on a full disk.
        if let Err(error) = log.write(stream, line) {
            tracing::warn!(%error, "a line of a container's log was lost");
        }
    };
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let read = match from.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            // The master side of a pty says EIO when nobody has the other side open any more.
            Ok(0) | Err(_) => break,
            Ok(read) => read,
        };
        let bytes = buffer.get(..read).unwrap_or_default();
        let carried = to.as_mut().map_or(Ok(()), |to| to.write_all(bytes));
        lines.push(bytes, write);
        match carried {
            Ok(()) => {}
            // `run … | head`: the container learns it as a program in a pipeline does.
            Err(error) if pipe && error.kind() == io::ErrorKind::BrokenPipe => break,
            // A terminal has gone; the container goes on.
            Err(_) => to = None,
        }
    }
    lines.finish(write);
}

/// Carries until the input or the attached command ends; what a terminal's user types after that is not ours.
fn carry_in(mut from: File, mut to: File, line: &UnixStream) {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let mut watched =
            [PollFd::new(from.as_fd(), PollFlags::POLLIN), PollFd::new(line.as_fd(), PollFlags::empty())];
        match poll(&mut watched, PollTimeout::NONE) {
            Err(nix::errno::Errno::EINTR) => continue,
            Err(_) => return,
            Ok(_) => {}
        }
        let ready = |at: usize| {
            let entry = watched.get(at).and_then(PollFd::revents);
            entry.is_some_and(|events| !events.is_empty())
        };
        if ready(1) {
            return;
        }
        match from.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => return,
            Ok(read) if to.write_all(buffer.get(..read).unwrap_or_default()).is_err() => return,
            Ok(_) => {}
        }
    }
}
