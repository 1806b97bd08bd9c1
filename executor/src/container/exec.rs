//! Another process in a running container.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread::{self, JoinHandle};

use buildc_launch::{ProcessSpec, Seccomp, resize_pty};
use buildc_store::Store;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::pipe::{PipeFlags, pipe_with};

use super::attach::follow;
use super::error::{ContainerError, Result};
use super::lifecycle::connect;
use super::record::Container;
use super::terminal::{self, Raw};
use super::wire::{self, Answer, Request};
use super::{assemble, create};

const BUFFER_BYTES: usize = 32 << 10;

/// What to run.
#[derive(Clone, Debug, Default)]
pub struct ExecSpec {
    /// Program and arguments.
    pub command: Vec<String>,
    /// On top of the container's environment.
    pub env: Vec<(String, String)>,
    /// Instead of the container's.
    pub workdir: Option<String>,
    /// Instead of the container's.
    pub user: Option<String>,
    /// All capabilities, no system call filter.
    pub privileged: bool,
    /// Gives it this process's standard input.
    pub interactive: bool,
    /// A pty as controlling terminal.
    pub tty: bool,
    /// Does not wait; the exit status is then 0.
    pub detach: bool,
}

/// Runs it with this process's standard streams and returns its exit status.
///
/// # Errors
/// The container is not running; [`ContainerError::Launch`] with Docker's exit code when the program cannot be started.
pub fn exec(store: &Store, container: &Container, spec: &ExecSpec) -> Result<u8> {
    let line = connect(container)?;
    let process = Box::new(process(store, container, spec)?);
    let io = |what| ContainerError::io(what, Path::new("container"));
    let (theirs, ours) = if spec.tty || spec.detach {
        Default::default()
    } else {
        pipes(spec.interactive).map_err(io("make pipes for the"))?
    };
    let borrowed: Vec<BorrowedFd<'_>> = theirs.iter().map(AsFd::as_fd).collect();
    wire::send(&line, &Request::Exec { process }, &borrowed).map_err(io("talk to the"))?;
    drop(borrowed);
    drop(theirs);
    let pty = match wire::receive::<Answer>(&line) {
        Ok(Some((Answer::Started { .. }, fds))) => fds.into_iter().next(),
        Ok(Some((Answer::Failed(failed), _))) => return Err(failed.into()),
        _ => return Err(ContainerError::NotRunning(container.name.clone())),
    };
    if spec.detach {
        return Ok(0);
    }
    match pty {
        Some(pty) => on_terminal(&line, container, pty, spec.interactive),
        None => piped(&line, container, ours),
    }
}

/// The container's process with other arguments and what else the command changes.
fn process(store: &Store, container: &Container, spec: &ExecSpec) -> Result<ProcessSpec> {
    let image = store.image(&container.image.to_string())?.ok_or_else(|| ContainerError::ImageConfig {
        image: container.spec.image.clone(),
        reason: "the image is not in the store any more".to_owned(),
    })?;
    let mut like = container.clone();
    like.args.clone_from(&spec.command);
    like.spec.tty = spec.tty;
    for (name, value) in &spec.env {
        create::set(&mut like.env, name, value);
    }
    if let Some(dir) = &spec.workdir {
        if !dir.starts_with('/') {
            return Err(ContainerError::option("--workdir", dir, "it is not an absolute path"));
        }
        like.workdir.clone_from(dir);
    }
    let user = spec.user.as_ref().unwrap_or(&container.user);
    let accounts = assemble::accounts(store, &image, container)?;
    let account = assemble::account(&accounts, user, &container.spec.group_add)?;
    let mut process = assemble::process(&like, &account);
    if spec.privileged {
        process.capabilities = assemble::every_capability();
        process.seccomp = Seccomp::Unconfined;
    }
    Ok(process)
}

/// Our ends of the pipes: input to write, output and errors to read.
#[derive(Default)]
struct Ours {
    stdin: Option<OwnedFd>,
    stdout: Option<OwnedFd>,
    stderr: Option<OwnedFd>,
}

/// The descriptors of this process itself never enter a container, where they could be opened again for writing.
fn pipes(interactive: bool) -> io::Result<(Vec<OwnedFd>, Ours)> {
    let pipe = || pipe_with(PipeFlags::CLOEXEC);
    let ((in_read, in_write), (out_read, out_write), (err_read, err_write)) = (pipe()?, pipe()?, pipe()?);
    let stdin = interactive.then_some(in_write);
    Ok((vec![in_read, out_write, err_write], Ours { stdin, stdout: Some(out_read), stderr: Some(err_read) }))
}

fn piped(line: &UnixStream, container: &Container, ours: Ours) -> Result<u8> {
    let io = |what| ContainerError::io(what, Path::new("container"));
    let stream = |fd: BorrowedFd<'_>| fd.try_clone_to_owned().map(File::from);
    let mut carriers = Vec::new();
    let (stdout, stderr) = (io::stdout(), io::stderr());
    for (from, to) in [(ours.stdout, stdout.as_fd()), (ours.stderr, stderr.as_fd())] {
        if let Some(from) = from {
            let to = stream(to).map_err(io("write output of the"))?;
            carriers.push(carry(from.into(), to).map_err(io("start threads for the"))?);
        }
    }
    if let Some(to) = ours.stdin {
        let from = stream(io::stdin().as_fd()).map_err(io("read input for the"))?;
        // It ends with this process; waiting for it would mean waiting for the user to type.
        carry(from, to.into()).map(drop).map_err(io("start threads for the"))?;
    }
    let code = follow(line, None, container)?.code();
    for carrier in carriers {
        let _ = carrier.join();
    }
    Ok(code)
}

/// Reads and writes by hand: `io::copy` would splice, which sets the file position of a shared output back to what it was
/// when it began to wait, so that standard output and error of one file overwrite each other.
fn carry(mut from: File, mut to: File) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().spawn(move || {
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            // Either end may close at any time; that is the end of the stream and nothing to tell anybody.
            let bytes = match from.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Ok(0) | Err(_) => return,
                Ok(read) => buffer.get(..read).unwrap_or_default(),
            };
            if to.write_all(bytes).is_err() {
                return;
            }
        }
    })
}

/// Shows the pty on this process's terminal.
fn on_terminal(line: &UnixStream, container: &Container, pty: OwnedFd, interactive: bool) -> Result<u8> {
    let io = |what| ContainerError::io(what, Path::new("terminal"));
    let raw = if interactive { Raw::enter().map_err(io("prepare the"))? } else { None };
    let windows: SigSet = [Signal::SIGWINCH].into_iter().collect();
    windows.thread_block().map_err(|errno| io("prepare the")(errno.into()))?;
    let resized = SignalFd::with_flags(&windows, SfdFlags::SFD_CLOEXEC)
        .map_err(|errno| io("prepare the")(errno.into()))?;
    let show = carry(
        pty.try_clone().map_err(io("use the"))?.into(),
        io::stdout().as_fd().try_clone_to_owned().map_err(io("use the"))?.into(),
    );
    let show = show.map_err(io("use the"))?;
    if interactive {
        let from = io::stdin().as_fd().try_clone_to_owned().map_err(io("use the"))?;
        carry(from.into(), pty.try_clone().map_err(io("use the"))?.into())
            .map(drop)
            .map_err(io("use the"))?;
    }
    let resize = || {
        if let Some((rows, columns)) = terminal::window() {
            // A terminal of the wrong size is better than none.
            let _ = resize_pty(&pty, rows, columns);
        }
    };
    resize();
    loop {
        let mut watched =
            [PollFd::new(line.as_fd(), PollFlags::POLLIN), PollFd::new(resized.as_fd(), PollFlags::POLLIN)];
        let _ = poll(&mut watched, PollTimeout::NONE);
        let ready =
            |at: usize| watched.get(at).and_then(PollFd::revents).is_some_and(|events| !events.is_empty());
        if ready(0) {
            break;
        }
        if ready(1) {
            let _ = resized.read_signal();
            resize();
        }
    }
    let end = follow(line, None, container);
    let _ = show.join();
    drop(raw);
    Ok(end?.code())
}
