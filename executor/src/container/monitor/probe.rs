//! Asks a container how it is: runs its health check in it, again and again, as long as one run lasts.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use buildc_launch::{ProcessSpec, Stdio, StdioSpec, enter};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::fs::{OFlags, fcntl_setfl};
use rustix::pipe::{PipeFlags, pipe_with};

use super::shared::Shared;
use crate::container::health::{Health, HealthCheck, Probe};
use crate::container::record::now;
use crate::process_id::ProcessId;

/// So much of a check's output is kept.
const OUTPUT_BYTES: usize = 4096;
/// So much a pipe holds.
const PIPE_BYTES: usize = 64 << 10;
/// A check that did not end of itself.
const FAILED: i32 = -1;

/// Starts to ask; `container` is what the check runs like. Ends with the run.
pub(super) fn start(check: &HealthCheck, container: &ProcessSpec, shared: &Arc<Shared>) -> io::Result<()> {
    let process = ProcessSpec {
        args: check.args.iter().map(Into::into).collect(),
        terminal: false,
        ..container.clone()
    };
    let (check, shared) = (check.clone(), Arc::clone(shared));
    let Some(run) = shared.change(|live| {
        live.state.health = Some(Health::default());
        live.process()
    }) else {
        return Ok(());
    };
    let ask = move || while ask_once(&check, &process, run, &shared) {};
    thread::Builder::new().name("health".to_owned()).stack_size(256 << 10).spawn(ask).map(drop)
}

/// Waits for the time to ask, and asks; false when the run is over.
fn ask_once(check: &HealthCheck, process: &ProcessSpec, run: ProcessId, shared: &Shared) -> bool {
    let began = shared.lock().run_began;
    let pause = check.pause(&shared.lock().state.health.clone().unwrap_or_default(), began.elapsed());
    if shared.wait_until(Instant::now().checked_add(pause), |live| live.process() != Some(run)) {
        return false;
    }
    let start = now();
    let (exit_code, output) = match attempt(process, run.pid, check.timeout) {
        Ok(answer) => answer,
        Err(error) => (FAILED, error.to_string()),
    };
    let probe = Probe { start, end: now(), exit_code, output };
    let goes_on = shared.change(|live| {
        // A check that ended because its container did says nothing.
        let same = live.process() == Some(run);
        if let Some(health) = live.state.health.as_mut().filter(|_| same) {
            health.count(probe, check, began.elapsed());
        }
        same
    });
    if goes_on {
        shared.write_state();
    }
    goes_on
}

/// Runs the check once; its exit status and the beginning of its output.
fn attempt(process: &ProcessSpec, pid: u32, timeout: Duration) -> io::Result<(i32, String)> {
    let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
    fcntl_setfl(&read, OFlags::NONBLOCK)?;
    let stdio =
        StdioSpec { stdin: Stdio::Null, stdout: Stdio::Fd(write.try_clone()?), stderr: Stdio::Fd(write) };
    let mut running = enter(pid, process, None, stdio).map_err(io::Error::other)?;
    let deadline = Instant::now().checked_add(timeout);
    let (mut from, mut output) = (Some(read), Vec::new());
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left == Some(Duration::ZERO) {
            running.kill().map_err(io::Error::other)?;
            let late = format!("Health check exceeded timeout ({})", humantime::format_duration(timeout));
            return Ok((FAILED, late));
        }
        let ended = {
            let mut watched = vec![PollFd::new(running.pidfd(), PollFlags::POLLIN)];
            watched.extend(from.as_ref().map(|from| PollFd::new(from.as_fd(), PollFlags::POLLIN)));
            match poll(&mut watched, poll_time(left)) {
                Ok(_) | Err(nix::errno::Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
            watched.first().and_then(PollFd::revents).is_some_and(|events| !events.is_empty())
        };
        if let Some(pipe) = &from
            && take(pipe, &mut output)?
        {
            from = None;
        }
        if ended {
            let exit = running.wait().map_err(io::Error::other)?;
            return Ok((i32::from(exit.status()), String::from_utf8_lossy(&output).into_owned()));
        }
    }
}

/// Rounded up: a wait of half a millisecond is not one of none.
fn poll_time(left: Option<Duration>) -> PollTimeout {
    left.map_or(PollTimeout::NONE, |left| {
        PollTimeout::try_from(left.as_micros().div_ceil(1000)).unwrap_or(PollTimeout::MAX)
    })
}

/// Takes what the pipe has now, as far as it holds, and keeps the beginning; true when every writer has gone.
fn take(pipe: &OwnedFd, output: &mut Vec<u8>) -> io::Result<bool> {
    let mut from = File::from(pipe.try_clone()?);
    let mut buffer = [0; OUTPUT_BYTES];
    // A writer that never pauses must not keep the deadline from being looked at.
    for _ in 0..PIPE_BYTES / OUTPUT_BYTES {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(true),
            Ok(read) => {
                let room = OUTPUT_BYTES.saturating_sub(output.len()).min(read);
                output.extend_from_slice(buffer.get(..room).unwrap_or_default());
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}
