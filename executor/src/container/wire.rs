//! Messages between commands and monitors: JSON behind a length, with descriptors beside it.
//!
//! Both ends are one user's processes of one host; commands of a newer version meet monitors of an older one, so fields
//! are only ever added, with defaults.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;

use buildc_launch::ProcessSpec;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::error::ContainerError;
use super::monitor::Order;

/// No message is longer: the environment of a process is bounded by the kernel to less.
const LIMIT_BYTES: u32 = 16 << 20;
/// A message brings at most the three standard streams.
const FDS: usize = 3;

/// What a command asks of a monitor.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Request {
    /// Become the monitor of this container; the standard streams of an attached command come along.
    Start(Box<Order>),
    /// Send a signal to the container's process.
    Signal {
        /// Its number.
        signal: i32,
        /// It is meant to end the container, so its restart policy rests.
        last: bool,
    },
    /// The window of the attached terminal has another size.
    Resize {
        /// Lines.
        rows: u16,
        /// Characters in a line.
        columns: u16,
    },
    /// End the container; answered when it has ended.
    Stop {
        /// First this signal.
        signal: i32,
        /// SIGKILL after so many seconds; none = never.
        timeout_seconds: Option<u64>,
    },
    /// Answered when the container has ended.
    Wait,
    /// Run another process; its standard streams come along.
    Exec {
        /// What.
        process: Box<ProcessSpec>,
    },
    /// Answered with a descriptor of the container's root directory as its processes see it.
    Root,
}

/// What a monitor answers.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Answer {
    /// The process runs; a pty's master side comes along where there is one.
    Started {
        /// For the user.
        warnings: Vec<String>,
    },
    /// It was not done.
    Failed(Failed),
    /// The process has ended with this status.
    Exited(u8),
    /// It was done; a descriptor comes along where one was asked for.
    Done,
}

/// The codes of what can fail in a monitor.
const MONITOR_CODES: [&str; 11] = [
    "launch::not_found",
    "launch::not_executable",
    "launch::setup",
    "network::missing_program",
    "network::program",
    "network::device",
    "network::system",
    "network::exhausted",
    "network::port",
    "container::not_running",
    "container::io",
];

/// An error on its way from a monitor to a command.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Failed {
    pub(super) code: String,
    pub(super) message: String,
    pub(super) help: Option<String>,
    pub(super) exit_code: u8,
}

impl From<&ContainerError> for Failed {
    fn from(error: &ContainerError) -> Self {
        let (code, message) = (error.code().to_owned(), error.to_string());
        Self { code, message, help: error.help(), exit_code: error.exit_code() }
    }
}

impl From<Failed> for ContainerError {
    fn from(failed: Failed) -> Self {
        let code = MONITOR_CODES.into_iter().find(|code| *code == failed.code).unwrap_or("launch::setup");
        Self::Launch { code, message: failed.message, help: failed.help, exit_code: failed.exit_code }
    }
}

/// Sends a message with descriptors.
pub(super) fn send(
    mut socket: &UnixStream,
    message: &impl Serialize,
    fds: &[BorrowedFd<'_>],
) -> io::Result<()> {
    let body = serde_json::to_vec(message)?;
    let length = u32::try_from(body.len()).ok().filter(|length| *length <= LIMIT_BYTES);
    let header = length.ok_or_else(|| io::Error::other("the message is too long"))?.to_le_bytes();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FDS))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(io::Error::other("too many descriptors"));
    }
    let sent = sendmsg(socket.as_fd(), &[IoSlice::new(&header)], &mut ancillary, SendFlags::NOSIGNAL)?;
    socket.write_all(header.get(sent..).unwrap_or_default())?;
    socket.write_all(&body)
}

/// Receives a message; `None` when the other side has closed.
pub(super) fn receive<T: DeserializeOwned>(mut socket: &UnixStream) -> io::Result<Option<(T, Vec<OwnedFd>)>> {
    let mut header = [0; 4];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FDS))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received = loop {
        let slices = &mut [IoSliceMut::new(&mut header)];
        match recvmsg(socket.as_fd(), slices, &mut ancillary, RecvFlags::CMSG_CLOEXEC) {
            Err(rustix::io::Errno::INTR) => {}
            other => break other?.bytes,
        }
    };
    let mut fds = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(received) = message {
            fds.extend(received);
        }
    }
    if received == 0 {
        return Ok(None);
    }
    socket.read_exact(header.get_mut(received..).unwrap_or_default())?;
    let length = u32::from_le_bytes(header);
    if length > LIMIT_BYTES {
        return Err(io::Error::other("the message is too long"));
    }
    let mut body = vec![0; usize::try_from(length).unwrap_or_default()];
    socket.read_exact(&mut body)?;
    Ok(Some((serde_json::from_slice(&body)?, fds)))
}

/// Name of a monitor's socket in its container's directory.
pub(super) const SOCKET: &str = "control";

/// A path to the socket that is short enough for a socket address, wherever the store is.
pub(super) fn with_short_path<T>(dir: &Path, work: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    use std::os::fd::AsRawFd;
    let dir = std::fs::File::open(dir)?;
    work(&Path::new("/proc/self/fd").join(dir.as_raw_fd().to_string()).join(SOCKET))
}
