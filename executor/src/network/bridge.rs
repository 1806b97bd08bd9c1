//! Root's network: one bridge per host with a private subnet, a port per namespace, addresses by lock files, NAT rules
//! in a table of our own.
//!
//! The bridge and the table stay when the last container has gone, as `docker0` does; both are made anew when missing.

use std::io;
use std::net::Ipv4Addr;

use super::error::{NetworkError, Result};
use super::namespace::Namespace;
use super::nat;
use super::netlink::{Netlink, Port, Route, host_bits};
use super::state::{self, Lock};
use crate::random;

/// Name of the bridge.
pub(super) const BRIDGE: &str = "buildc0";

/// 1,021 namespaces at once.
const PREFIX: u8 = 22;

/// Private networks that container tools do not usually take; the first that no route of the host overlaps is used.
const CANDIDATES: [Ipv4Addr; 8] = [
    Ipv4Addr::new(10, 201, 0, 0),
    Ipv4Addr::new(10, 217, 64, 0),
    Ipv4Addr::new(10, 233, 128, 0),
    Ipv4Addr::new(10, 249, 192, 0),
    Ipv4Addr::new(172, 29, 200, 0),
    Ipv4Addr::new(172, 30, 200, 0),
    Ipv4Addr::new(192, 168, 212, 0),
    Ipv4Addr::new(192, 168, 244, 0),
];

/// The bridge as it stands.
#[derive(Clone, Copy, Debug)]
struct Bridge {
    index: u32,
    gateway: Ipv4Addr,
    prefix: u8,
}

/// The connection of one namespace; its address is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Attachment {
    pub(super) address: Ipv4Addr,
    pub(super) gateway: Ipv4Addr,
    _lock: Lock,
}

/// Connects a new namespace to the bridge.
pub(super) fn attach(namespace: &Namespace) -> Result<Attachment> {
    let host = Netlink::open().map_err(NetworkError::system("talk to the kernel's network"))?;
    let bridge = ensure(&host)?;
    let (address, lock) = allocate(&bridge)?;
    let [a, b, c, d] = address.octets();
    // The MAC follows the address, so that no stale neighbour entry of an earlier holder can mislead the host.
    let mac = [0x02, 0x62, a, b, c, d];
    let name = format!("bc{}", random::hex(&random::bytes::<5>()));
    let connect = || {
        let mtu = outgoing_mtu(&host)?;
        host.add_port(&Port { name: &name, bridge: bridge.index, mtu, mac, namespace: namespace.fd() })
    };
    connect().map_err(NetworkError::system("connect a namespace to the bridge"))?;
    let configured = namespace.within(|| configure_inside(&bridge, address));
    configured.map_err(NetworkError::system("configure a network namespace"))?;
    Ok(Attachment { address, gateway: bridge.gateway, _lock: lock })
}

fn configure_inside(bridge: &Bridge, address: Ipv4Addr) -> io::Result<()> {
    let inside = Netlink::open()?;
    let missing = || io::Error::from(io::ErrorKind::NotFound);
    inside.set_up(inside.link("lo")?.ok_or_else(missing)?.index)?;
    let eth0 = inside.link("eth0")?.ok_or_else(missing)?.index;
    inside.add_address(eth0, address, bridge.prefix)?;
    inside.set_up(eth0)?;
    inside.add_default_route(bridge.gateway)
}

/// The bridge with its rules, made when missing.
fn ensure(host: &Netlink) -> Result<Bridge> {
    let system = || NetworkError::system("set up the bridge `buildc0`");
    if let Some(bridge) = existing(host).map_err(system())?
        && nat::in_place()
    {
        return Ok(bridge);
    }
    let _lock = state::lock(&state::dir("network")?.join("lock")).map_err(system())?;
    let (gateway, prefix) = match existing(host).map_err(system())? {
        Some(bridge) => (bridge.gateway, bridge.prefix),
        None => (free_subnet(&host.routes().map_err(system())?)?, PREFIX),
    };
    nat::install(gateway, prefix)?;
    // The address comes last: who sees it may rely on the rest.
    let make = || -> io::Result<Option<Bridge>> {
        host.add_bridge(BRIDGE)?;
        let index = host.link(BRIDGE)?.map(|link| link.index).ok_or(io::ErrorKind::NotFound)?;
        host.set_up(index)?;
        host.add_address(index, gateway, prefix)?;
        existing(host)
    };
    make().map_err(system())?.ok_or(NetworkError::Exhausted("subnet"))
}

fn existing(host: &Netlink) -> io::Result<Option<Bridge>> {
    let Some(link) = host.link(BRIDGE)? else { return Ok(None) };
    let address = host.addresses(link.index)?.into_iter().next();
    Ok(address.map(|(gateway, prefix)| Bridge { index: link.index, gateway, prefix }))
}

/// What the way out can carry; a larger MTU inside would need fragmentation that many networks drop. Ports ask each time:
/// the kernel gives the bridge itself the least of its ports', and 1500 whenever it has none.
fn outgoing_mtu(host: &Netlink) -> io::Result<u32> {
    let way_out = host.routes()?.iter().find(|r| r.prefix == 0).and_then(|r| r.interface);
    let link = way_out.map(|index| host.link_by_index(index)).transpose()?.flatten();
    Ok(link.map_or(1500, |link| link.mtu.clamp(1280, 1500)))
}

/// The first address of the first candidate that no route overlaps.
fn free_subnet(routes: &[Route]) -> Result<Ipv4Addr> {
    CANDIDATES
        .into_iter()
        .find(|candidate| !routes.iter().any(|route| overlaps(*candidate, route)))
        .map(|network| Ipv4Addr::from(u32::from(network) + 1))
        .ok_or(NetworkError::Exhausted("subnet"))
}

fn overlaps(candidate: Ipv4Addr, route: &Route) -> bool {
    // A default route covers everything and collides with nothing.
    let mask = !host_bits(route.prefix.min(PREFIX));
    route.prefix > 0 && u32::from(candidate) & mask == u32::from(route.destination) & mask
}

/// A free address and the lock that keeps it ours. The search begins anywhere, so that an address is not used again
/// right after its last holder.
fn allocate(bridge: &Bridge) -> Result<(Ipv4Addr, Lock)> {
    let dir = state::dir("network")?;
    let network = u32::from(bridge.gateway) & !host_bits(bridge.prefix);
    let count = host_bits(bridge.prefix).saturating_sub(1);
    let start = u32::from_le_bytes(random::bytes::<4>());
    for offset in 0..count {
        let address = Ipv4Addr::from(network + 1 + start.wrapping_add(offset) % count);
        if address == bridge.gateway {
            continue;
        }
        let lock = state::try_lock(&dir.join(address.to_string()));
        if let Some(lock) = lock.map_err(NetworkError::system("lock an address"))? {
            return Ok((address, lock));
        }
    }
    Err(NetworkError::Exhausted("address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(text: &str, prefix: u8) -> Route {
        Route { destination: text.parse().expect("an address"), prefix, interface: None }
    }

    #[test]
    fn a_subnet_that_the_host_routes_is_passed_over() {
        let first = Ipv4Addr::new(10, 201, 0, 1);
        assert_eq!(free_subnet(&[route("0.0.0.0", 0), route("192.0.2.0", 24)]).ok(), Some(first));
        for (taken, prefix) in [("10.201.2.0", 24), ("10.201.0.7", 32), ("10.200.0.0", 13)] {
            let found = free_subnet(&[route(taken, prefix)]).ok();
            assert_eq!(found, Some(Ipv4Addr::new(10, 217, 64, 1)), "{taken}/{prefix}");
        }
        let all = [route("10.0.0.0", 8), route("172.16.0.0", 12), route("192.168.0.0", 16)];
        assert!(matches!(free_subnet(&all), Err(NetworkError::Exhausted(_))));
    }
}
