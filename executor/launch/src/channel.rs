//! Messages with descriptors over `SOCK_SEQPACKET` sockets, between the caller, the zygote and new processes.

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, Read, Seek, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::PathBuf;

use nix::sys::socket::{
    AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType, recvmsg, sendmsg,
    socketpair,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::WireError;
use crate::sys;

/// More than any message holds; the kernel's own limit is 253.
const MAX_DESCRIPTORS: usize = 32;

/// The longest message; anything longer goes through a memory file.
const MAX_MESSAGE: usize = 64 * 1024;

/// Asked of the zygote.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Request {
    /// Fork with these `CLONE_*` flags and do the work that the first descriptor, a memory file, describes; the
    /// second descriptor is the status socket.
    Fork { flags: u64 },
    /// The same with a socket as the first descriptor, which the work comes through later.
    ForkAhead { flags: u64 },
    /// Leave this process alone when the caller ends.
    Forget { pid: u32 },
}

/// Told to the caller on the status socket, by the zygote and by the new process.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Status {
    /// A process was forked; its pidfd comes with the message.
    Forked { pid: u32 },
    /// The forked process has forked the one to follow, in the container it entered; with its pidfd.
    Entered { pid: u32 },
    /// Setting up is done and the program is about to be executed; the pty's master side comes along, if any.
    Ready { created: Vec<PathBuf>, warnings: Vec<String> },
    /// It failed.
    Failed(WireError),
}

/// A connected pair of sockets.
pub(crate) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)?)
}

/// Sends one message.
pub(crate) fn send<T: Serialize>(to: BorrowedFd<'_>, message: &T, fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    let data = serde_json::to_vec(message)?;
    let raw: Vec<RawFd> = fds.iter().map(AsRawFd::as_raw_fd).collect();
    let control = [ControlMessage::ScmRights(&raw)];
    let control = if raw.is_empty() { &control[..0] } else { &control[..] };
    sendmsg::<()>(to.as_raw_fd(), &[IoSlice::new(&data)], control, MsgFlags::MSG_NOSIGNAL, None)?;
    Ok(())
}

/// Receives one message; none when the other side is closed.
pub(crate) fn receive<T: DeserializeOwned>(from: BorrowedFd<'_>) -> io::Result<Option<(T, Vec<OwnedFd>)>> {
    let mut data = vec![0u8; MAX_MESSAGE];
    let mut control = nix::cmsg_space!([RawFd; MAX_DESCRIPTORS]);
    let mut fds = Vec::new();
    let len = loop {
        let mut parts = [IoSliceMut::new(&mut data)];
        let flags = MsgFlags::MSG_CMSG_CLOEXEC;
        match recvmsg::<()>(from.as_raw_fd(), &mut parts, Some(&mut control), flags) {
            Ok(message) => {
                for part in message.cmsgs()? {
                    if let ControlMessageOwned::ScmRights(list) = part {
                        // SAFETY: the kernel has just made these descriptors for us.
                        fds.extend(list.into_iter().map(|fd| unsafe { sys::own(fd) }));
                    }
                }
                break message.bytes;
            }
            Err(nix::errno::Errno::EINTR) => {}
            Err(nix::errno::Errno::ECONNRESET) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
    };
    if len == 0 {
        return Ok(None);
    }
    Ok(Some((serde_json::from_slice(data.get(..len).unwrap_or_default())?, fds)))
}

/// Puts a value of any size into a memory file.
pub(crate) fn to_memory<T: Serialize>(value: &T) -> io::Result<OwnedFd> {
    let fd = rustix::fs::memfd_create("buildc-launch", rustix::fs::MemfdFlags::CLOEXEC)?;
    let mut file = File::from(fd);
    file.write_all(&serde_json::to_vec(value)?)?;
    Ok(file.into())
}

/// Reads what [`to_memory`] wrote.
pub(crate) fn from_memory<T: DeserializeOwned>(fd: OwnedFd) -> io::Result<T> {
    let mut file = File::from(fd);
    file.rewind()?;
    let mut data = Vec::new();
    file.read_to_end(&mut data)?;
    Ok(serde_json::from_slice(&data)?)
}

/// Both ends of a descriptor list that is taken from the front.
pub(crate) struct Descriptors(std::vec::IntoIter<OwnedFd>);

impl Descriptors {
    pub(crate) fn new(list: Vec<OwnedFd>) -> Descriptors {
        Descriptors(list.into_iter())
    }

    /// The next descriptor of the message.
    pub(crate) fn take(&mut self) -> io::Result<OwnedFd> {
        self.0.next().ok_or_else(|| io::Error::other("a descriptor is missing from the request"))
    }
}

/// Sends without caring whether anybody still listens.
pub(crate) fn tell(to: &OwnedFd, status: &Status, fds: &[BorrowedFd<'_>]) {
    // The caller is gone when this fails, and then the zygote ends everything.
    let _ = send(to.as_fd(), status, fds);
}
