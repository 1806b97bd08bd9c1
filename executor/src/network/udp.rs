//! Published UDP ports: each caller gets a socket of its own inside, for as long as datagrams come and go.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::publish::{enter, spawn};

/// A caller is forgotten after so much silence, as by Docker's proxy.
const SILENCE: Duration = Duration::from_secs(90);
/// Callers at once; datagrams of more are dropped, as UDP may.
const MOST_CALLERS: usize = 512;
const DATAGRAM_BYTES: usize = 65_535;

type Callers = Arc<Mutex<HashMap<SocketAddr, Arc<UdpSocket>>>>;

/// Carries datagrams until the process ends.
pub(super) fn carry(outside: &Arc<UdpSocket>, namespace: &Arc<File>, to: SocketAddrV4) {
    // Sockets are made inside; the outer one keeps the namespace it was made in.
    if enter(namespace).is_err() {
        return;
    }
    let callers = Callers::default();
    let mut buffer = vec![0; DATAGRAM_BYTES];
    loop {
        // An error here is an answer of the network to an earlier datagram.
        let Ok((length, caller)) = outside.recv_from(&mut buffer) else { continue };
        let known = lock(&callers).get(&caller).cloned();
        let inside = match known {
            Some(inside) => Some(inside),
            None => welcome(outside, &callers, caller, to).ok().flatten(),
        };
        if let Some(inside) = inside {
            let _ = inside.send(buffer.get(..length).unwrap_or_default());
        }
    }
}

fn lock(callers: &Callers) -> std::sync::MutexGuard<'_, HashMap<SocketAddr, Arc<UdpSocket>>> {
    callers.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A new caller's socket, with a thread that carries answers back.
fn welcome(
    outside: &Arc<UdpSocket>,
    callers: &Callers,
    caller: SocketAddr,
    to: SocketAddrV4,
) -> io::Result<Option<Arc<UdpSocket>>> {
    if lock(callers).len() >= MOST_CALLERS {
        return Ok(None);
    }
    let inside = Arc::new(UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?);
    inside.connect(to)?;
    inside.set_read_timeout(Some(SILENCE))?;
    lock(callers).insert(caller, Arc::clone(&inside));
    let (outside, answers, theirs) = (Arc::clone(outside), Arc::clone(&inside), Arc::clone(callers));
    let spawned = spawn(move || {
        carry_back(&outside, &answers, caller);
        lock(&theirs).remove(&caller);
    });
    if let Err(error) = spawned {
        lock(callers).remove(&caller);
        return Err(error);
    }
    Ok(Some(inside))
}

fn carry_back(outside: &UdpSocket, inside: &UdpSocket, caller: SocketAddr) {
    let mut buffer = vec![0; DATAGRAM_BYTES];
    loop {
        match inside.recv(&mut buffer) {
            Ok(length) => {
                let _ = outside.send_to(buffer.get(..length).unwrap_or_default(), caller);
            }
            // Nobody listens inside yet; the caller may try again.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}
