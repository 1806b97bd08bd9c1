//! Published ports: connections to the host's port are carried into the namespace by threads of the monitor.
//!
//! No rule of any firewall is involved, so it works alike for root, for users and from the host's own loopback. The
//! price: the program inside sees its own address as the caller's.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{
    IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, SocketAddrV4, TcpListener, TcpStream, UdpSocket,
};
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use nix::sched::{CloneFlags, setns};
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrIn, SockaddrIn6, bind, listen, setsockopt, socket,
    sockopt,
};

use super::error::{NetworkError, Result};
use super::port::{PortMapping, Protocol, PublishedPort};
use super::sandbox::Sandbox;
use super::udp;

/// Connections of one port at once; more wait in the listener's queue.
const MOST_CONNECTIONS: u32 = 1024;
const BUFFER_BYTES: usize = 32 << 10;
const STACK_BYTES: usize = 128 << 10;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const BUSY: Duration = Duration::from_millis(20);

/// A published port. It ends with the process.
#[derive(Debug)]
pub(crate) struct Publication {
    /// With the host port it got.
    pub(crate) port: PublishedPort,
}

impl Publication {
    /// Binds the host's port and starts to carry what comes to it.
    ///
    /// # Errors
    /// [`NetworkError::Port`] when every wanted port is taken or forbidden.
    pub(crate) fn new(mapping: &PortMapping, sandbox: &Sandbox) -> Result<Self> {
        let (sockets, host_port) = bind_first(mapping)?;
        let system = || NetworkError::system("publish a port");
        let to = SocketAddrV4::new(sandbox.address(), mapping.container_port);
        for socket in sockets {
            let namespace = sandbox.namespace().handle().map_err(system())?;
            let carry: Box<dyn FnOnce() + Send> = match mapping.protocol {
                Protocol::Tcp => {
                    let listener = TcpListener::from(socket);
                    Box::new(move || accept(&listener, &Arc::new(namespace), to))
                }
                Protocol::Udp => {
                    let socket = UdpSocket::from(socket);
                    Box::new(move || udp::carry(&Arc::new(socket), &Arc::new(namespace), to))
                }
            };
            spawn(carry).map_err(system())?;
        }
        let (host_ip, container_port, protocol) = (mapping.host_ip, mapping.container_port, mapping.protocol);
        Ok(Self { port: PublishedPort { host_ip, host_port, container_port, protocol } })
    }
}

/// Starts a thread with the small stack that carrying needs.
pub(super) fn spawn(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name("port".to_owned()).stack_size(STACK_BYTES).spawn(work).map(drop)
}

/// Binds the first port of the range that is free: on the address asked for, or on all, IPv4 and IPv6.
fn bind_first(mapping: &PortMapping) -> Result<(Vec<OwnedFd>, u16)> {
    let first_address = mapping.host_ip.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let mut failed = None;
    for port in mapping.host_port..=mapping.host_port_end.max(mapping.host_port) {
        let address = SocketAddr::new(first_address, port);
        let bound = match bind_one(address, mapping.protocol) {
            Ok(bound) => bound,
            Err(source) => {
                let protocol = mapping.protocol.as_str();
                failed = Some(NetworkError::Port { address, protocol, source });
                continue;
            }
        };
        let (socket, port) = bound;
        let mut sockets = vec![socket];
        if mapping.host_ip.is_none() {
            let everywhere = SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port);
            // A host without IPv6 publishes on IPv4 alone.
            sockets.extend(bind_one(everywhere, mapping.protocol).ok().map(|(socket, _)| socket));
        }
        return Ok((sockets, port));
    }
    Err(failed.unwrap_or(NetworkError::Exhausted("port")))
}

/// A bound socket, listening if it is one of TCP, and its port.
fn bind_one(address: SocketAddr, protocol: Protocol) -> io::Result<(OwnedFd, u16)> {
    let family = if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    let kind = match protocol {
        Protocol::Tcp => SockType::Stream,
        Protocol::Udp => SockType::Datagram,
    };
    let fd = socket(family, kind, SockFlag::SOCK_CLOEXEC, None)?;
    if protocol == Protocol::Tcp {
        // A port whose last connections are still winding down is free.
        setsockopt(&fd, sockopt::ReuseAddr, &true)?;
    }
    match address {
        SocketAddr::V4(address) => bind(fd.as_raw_fd(), &SockaddrIn::from(address))?,
        SocketAddr::V6(address) => {
            // IPv4 has a socket of its own.
            setsockopt(&fd, sockopt::Ipv6V6Only, &true)?;
            bind(fd.as_raw_fd(), &SockaddrIn6::from(address))?;
        }
    }
    if protocol == Protocol::Tcp {
        listen(&fd, Backlog::MAXCONN)?;
        let listener = TcpListener::from(fd);
        let port = listener.local_addr()?.port();
        return Ok((listener.into(), port));
    }
    let socket = UdpSocket::from(fd);
    let port = socket.local_addr()?.port();
    Ok((socket.into(), port))
}

/// Enters the namespace with this thread, for good.
pub(super) fn enter(namespace: &File) -> io::Result<()> {
    Ok(setns(namespace, CloneFlags::CLONE_NEWNET)?)
}

fn accept(listener: &TcpListener, namespace: &Arc<File>, to: SocketAddrV4) {
    let open = Arc::new(AtomicU32::new(0));
    for stream in listener.incoming() {
        let Ok(stream) = stream else {
            // Out of descriptors or memory for the moment.
            thread::sleep(BUSY);
            continue;
        };
        while open.load(Ordering::Relaxed) >= MOST_CONNECTIONS {
            thread::sleep(BUSY);
        }
        open.fetch_add(1, Ordering::Relaxed);
        let (ours, namespace) = (Arc::clone(&open), Arc::clone(namespace));
        let carry = move || {
            // Either side may end at any time; that is the end of the connection and nothing to tell anybody.
            let _ = connect_and_carry(&stream, &namespace, to);
            ours.fetch_sub(1, Ordering::Relaxed);
        };
        if spawn(carry).is_err() {
            open.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

fn connect_and_carry(outside: &TcpStream, namespace: &File, to: SocketAddrV4) -> io::Result<()> {
    enter(namespace)?;
    let inside = TcpStream::connect_timeout(&SocketAddr::V4(to), CONNECT_TIMEOUT)?;
    outside.set_nodelay(true)?;
    inside.set_nodelay(true)?;
    let (from, back) = (outside.try_clone()?, inside.try_clone()?);
    let inward = thread::Builder::new().stack_size(STACK_BYTES).spawn(move || copy(&from, &back))?;
    copy(&inside, outside);
    // The inward copy ends when its reader does.
    let _ = inward.join();
    Ok(())
}

/// Copies until the end of one direction and passes that end on.
fn copy(mut from: &TcpStream, mut to: &TcpStream) {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match from.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(read) if read > 0 => {
                if to.write_all(buffer.get(..read).unwrap_or_default()).is_err() {
                    // Nobody takes it any more, so nobody need send it.
                    let _ = from.shutdown(Shutdown::Read);
                    return;
                }
            }
            _ => break,
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
