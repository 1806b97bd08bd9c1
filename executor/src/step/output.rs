//! A command's output: read as it comes, told in whole lines where it writes lines, its end kept for the failure.

use std::collections::VecDeque;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use buildc_ir::StepId;
use buildc_launch::{Exit, LaunchError, Process};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::event::{Event, Recorder, Stream};

/// Lines of the end that a failure shows.
const TAIL_LINES: usize = 20;
/// A line without end is told in pieces of this size.
const MAX_LINE_BYTES: usize = 64 << 10;
/// How often a waiting step looks whether it is still wanted.
const PATIENCE: Duration = Duration::from_millis(50);

/// Follows one command to its end.
#[derive(Debug)]
pub(super) struct Output<'o> {
    pub id: StepId,
    pub recorder: &'o Recorder<'o>,
    tail: VecDeque<Vec<u8>>,
}

/// One of the two pipes.
struct Pipe {
    fd: OwnedFd,
    stream: Stream,
    held: Vec<u8>,
    open: bool,
}

impl<'o> Output<'o> {
    pub(super) fn new(id: StepId, recorder: &'o Recorder<'o>) -> Self {
        Self { id, recorder, tail: VecDeque::new() }
    }

    /// The last lines, oldest first.
    pub(super) fn tail(&self) -> Vec<String> {
        self.tail.iter().map(|line| String::from_utf8_lossy(line).trim_end().to_owned()).collect()
    }

    /// Reads both streams until their writers are gone, then waits for the end. `None` when `stop`, which is asked again
    /// and again, wanted its end, and then everything in the container is dead.
    pub(super) fn follow(
        &mut self,
        process: &mut Process,
        stdout: OwnedFd,
        stderr: OwnedFd,
        stop: &mut dyn FnMut() -> bool,
    ) -> Result<Option<Exit>, LaunchError> {
        let pipe = |fd, stream| Pipe { fd, stream, held: Vec::new(), open: true };
        let mut pipes = [pipe(stdout, Stream::Stdout), pipe(stderr, Stream::Stderr)];
        let mut buffer = vec![0; MAX_LINE_BYTES];
        while pipes.iter().any(|p| p.open) {
            if stop() {
                process.kill()?;
                return Ok(None);
            }
            let ready = wait(&pipes);
            for (pipe, ready) in pipes.iter_mut().zip(ready) {
                if ready {
                    self.read(pipe, &mut buffer);
                } else {
                    self.flush(pipe);
                }
            }
        }
        loop {
            if let Some(exit) = process.wait_timeout(PATIENCE)? {
                return Ok(Some(exit));
            }
            if stop() {
                process.kill()?;
                return Ok(None);
            }
        }
    }

    fn read(&mut self, pipe: &mut Pipe, buffer: &mut [u8]) {
        match rustix::io::read(&pipe.fd, &mut *buffer) {
            Ok(0) => {
                pipe.open = false;
                self.flush(pipe);
            }
            Ok(n) => self.take(pipe, &buffer[..n]),
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(_) => pipe.open = false,
        }
    }

    /// Tells all whole lines and holds the rest back.
    fn take(&mut self, pipe: &mut Pipe, bytes: &[u8]) {
        let end = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        if end > 0 {
            pipe.held.extend_from_slice(&bytes[..end]);
            self.flush(pipe);
        }
        pipe.held.extend_from_slice(&bytes[end..]);
        if pipe.held.len() >= MAX_LINE_BYTES {
            self.flush(pipe);
        }
    }

    fn flush(&mut self, pipe: &mut Pipe) {
        if pipe.held.is_empty() {
            return;
        }
        let bytes = std::mem::take(&mut pipe.held);
        for line in bytes.split_inclusive(|b| *b == b'\n') {
            if self.tail.len() == TAIL_LINES {
                self.tail.pop_front();
            }
            self.tail.push_back(line[..line.len().min(4096)].to_vec());
        }
        self.recorder.tell(Event::Log { id: self.id, stream: pipe.stream, bytes });
    }
}

/// Which pipes can be read; none when nothing came in time.
fn wait(pipes: &[Pipe; 2]) -> [bool; 2] {
    let timeout = Timespec { tv_sec: 0, tv_nsec: i64::from(PATIENCE.subsec_nanos()) };
    let open: Vec<usize> = (0..pipes.len()).filter(|at| pipes[*at].open).collect();
    let mut fds: Vec<PollFd<'_>> =
        open.iter().map(|at| PollFd::from_borrowed_fd(pipes[*at].fd.as_fd(), PollFlags::IN)).collect();
    let mut ready = [false; 2];
    if poll(&mut fds, Some(&timeout)).is_ok() {
        for (at, fd) in open.iter().zip(&fds) {
            ready[*at] = !fd.revents().is_empty();
        }
    }
    ready
}
