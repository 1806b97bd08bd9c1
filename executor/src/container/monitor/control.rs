//! The monitor's socket: `stop`, `kill`, `wait`, `exec` and `cp` ask here, because only the monitor is the parent of the
//! container's processes and, without root, only it lives in the container's user namespace.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use buildc_launch::{ProcessSpec, Stdio, StdioSpec, enter};

use super::shared::Shared;
use crate::container::error::ContainerError;
use crate::container::record::Status;
use crate::container::wire::{self, Answer, Failed, Request};

const SIGKILL: i32 = 9;
/// Requests answered at once; more wait in the socket's queue.
const MOST_ASKING: u32 = 128;

/// Starts to answer requests on the socket in the container's directory.
pub(super) fn listen(shared: &Arc<Shared>) -> io::Result<()> {
    // One of an earlier monitor that was killed.
    let _ = std::fs::remove_file(shared.dir.join(wire::SOCKET));
    let listener = wire::with_short_path(&shared.dir, |path| UnixListener::bind(path))?;
    let shared = Arc::clone(shared);
    spawn("control", move || {
        for stream in listener.incoming().flatten() {
            shared.wait_until(None, |live| live.asking < MOST_ASKING);
            shared.change(|live| live.asking += 1);
            let theirs = Arc::clone(&shared);
            let spawned = spawn("request", move || {
                // A command that has gone needs no answer.
                let _ = answer(&theirs, &stream);
                drop(stream);
                theirs.change(|live| live.asking -= 1);
            });
            if spawned.is_err() {
                shared.change(|live| live.asking -= 1);
            }
        }
    })
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.to_owned()).stack_size(256 << 10).spawn(work).map(drop)
}

fn answer(shared: &Shared, stream: &UnixStream) -> io::Result<()> {
    let Some((request, fds)) = wire::receive::<Request>(stream)? else { return Ok(()) };
    match request {
        Request::Signal { signal, last } => {
            let sent = shared.change(|live| {
                live.stopping |= last;
                live.process().map_or(Err(io::ErrorKind::NotFound.into()), |process| process.signal(signal))
            });
            reply_done(stream, sent, "signal the container")
        }
        Request::Stop { signal, timeout_seconds } => {
            stop(shared, signal, timeout_seconds);
            wire::send(stream, &Answer::Done, &[])
        }
        Request::Wait => {
            shared.wait_until(None, |live| live.finished);
            let code = shared.lock().state.exit_code;
            wire::send(stream, &Answer::Exited(code), &[])
        }
        Request::Exec { process } => exec(shared, stream, &process, fds),
        Request::Root => match root(shared) {
            Ok(root) => wire::send(stream, &Answer::Done, &[root.as_fd()]),
            Err(error) => reply_done(stream, Err(error), "open the container's root"),
        },
        Request::Start(_) | Request::Resize { .. } => Ok(()),
    }
}

fn reply_done(stream: &UnixStream, result: io::Result<()>, what: &str) -> io::Result<()> {
    match result {
        Ok(()) => wire::send(stream, &Answer::Done, &[]),
        Err(error) => {
            let message = format!("Cannot {what}: {error}");
            let code = "container::io".to_owned();
            wire::send(stream, &Answer::Failed(Failed { code, message, help: None, exit_code: 125 }), &[])
        }
    }
}

/// First the container's own signal, then SIGKILL; returns when all is over.
fn stop(shared: &Shared, signal: i32, timeout_seconds: Option<u64>) {
    let signal_it = |signal| {
        if let Some(process) = shared.lock().process() {
            // It may end of itself at any time, which is what is wanted.
            let _ = process.signal(signal);
        }
    };
    shared.change(|live| live.stopping = true);
    // A time too far away to be told is as good as none.
    let deadline = timeout_seconds.and_then(|s| Instant::now().checked_add(Duration::from_secs(s)));
    if timeout_seconds != Some(0) {
        signal_it(signal);
    }
    if !shared.wait_until(deadline, |live| live.state.status != Status::Running || live.finished) {
        signal_it(SIGKILL);
    }
    shared.wait_until(None, |live| live.finished);
}

fn exec(shared: &Shared, stream: &UnixStream, process: &ProcessSpec, fds: Vec<OwnedFd>) -> io::Result<()> {
    let pid = shared.lock().state.pid;
    let mut streams = fds.into_iter().map(Stdio::Fd);
    let mut next = || streams.next().unwrap_or(Stdio::Null);
    let stdio = StdioSpec { stdin: next(), stdout: next(), stderr: next() };
    let entered = match pid {
        0 => Err(ContainerError::NotRunning(String::new())),
        pid => enter(pid, process, None, stdio).map_err(ContainerError::from),
    };
    let mut process = match entered {
        Ok(process) => process,
        Err(error) => return wire::send(stream, &Answer::Failed(Failed::from(&error)), &[]),
    };
    let pty = process.take_pty();
    let pty: Vec<_> = pty.iter().map(AsFd::as_fd).collect();
    let started = Answer::Started { warnings: process.warnings.clone() };
    // The process lives on when the command has gone, as with Docker.
    let _ = wire::send(stream, &started, &pty);
    let exit = process.wait().map_err(io::Error::other)?;
    wire::send(stream, &Answer::Exited(exit.status()), &[])
}

fn root(shared: &Shared) -> io::Result<File> {
    let pid = shared.lock().state.pid;
    if pid == 0 {
        return Err(io::ErrorKind::NotFound.into());
    }
    File::open(format!("/proc/{pid}/root"))
}
