//! One network namespace with a way out, by the means this host offers.

use std::net::Ipv4Addr;

use super::error::Result;
use super::namespace::Namespace;
use super::resolver::Reach;
use super::{bridge, nat, pasta, state};

/// A namespace with a way out. Everything about it ends with this value, or with the process that holds it.
#[derive(Debug)]
pub(crate) struct Sandbox {
    /// Declared first: the namespace goes before its address may be given to another.
    namespace: Namespace,
    way_out: WayOut,
}

#[derive(Debug)]
enum WayOut {
    Bridge(bridge::Attachment),
    Pasta(pasta::Attachment),
}

fn by_pasta() -> bool {
    state::rootless() || (!nat::available() && nat::installed("pasta"))
}

/// What can be told without making anything of whether this process can have a network with a way out.
///
/// # Errors
/// What the first command with a network would fail of, where that is known before.
pub fn ready() -> Result<()> {
    if by_pasta() { pasta::ready().map(drop) } else { Ok(()) }
}

impl Sandbox {
    /// Makes one: on the bridge as root, through `pasta` as a user and on hosts without nftables and iptables.
    pub(crate) fn new() -> Result<Self> {
        let namespace = Namespace::new()?;
        let way_out = if by_pasta() {
            WayOut::Pasta(pasta::attach(&namespace)?)
        } else {
            WayOut::Bridge(bridge::attach(&namespace)?)
        };
        Ok(Self { namespace, way_out })
    }

    pub(crate) fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Its own address.
    pub(crate) fn address(&self) -> Ipv4Addr {
        match &self.way_out {
            WayOut::Bridge(bridge) => bridge.address,
            WayOut::Pasta(pasta) => pasta.address,
        }
    }

    /// The host's address on the bridge.
    pub(crate) fn gateway(&self) -> Option<Ipv4Addr> {
        match &self.way_out {
            WayOut::Bridge(bridge) => Some(bridge.gateway),
            WayOut::Pasta(_) => None,
        }
    }

    pub(crate) fn reach(&self) -> Reach {
        match &self.way_out {
            WayOut::Bridge(_) => Reach::Bridge,
            WayOut::Pasta(_) => Reach::Pasta,
        }
    }
}
