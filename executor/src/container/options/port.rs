//! The spellings of `-p`.

use std::net::IpAddr;
use std::ops::RangeInclusive;

use crate::container::error::{ContainerError, Result};
use crate::container::spec::{PortMapping, Protocol};

/// `-p`: `8080:80`, `127.0.0.1:8080:80/udp`, `80`, `:80`, `8000-8010:8000-8010`, `[::1]:80:80`; one value per port.
pub fn publish(text: &str) -> Result<Vec<PortMapping>> {
    let bad = |reason: &str| ContainerError::option("--publish", text, reason);
    let (ports, protocol) = match text.split_once('/') {
        None => (text, Protocol::Tcp),
        Some((ports, "tcp")) => (ports, Protocol::Tcp),
        Some((ports, "udp")) => (ports, Protocol::Udp),
        Some(_) => return Err(bad("only /tcp and /udp are known")),
    };
    let (rest, container) = ports.rsplit_once(':').unwrap_or(("", ports));
    let (address, host) = match rest.rsplit_once(':') {
        Some((address, host)) => (address, host),
        // `127.0.0.1:80` has no host port, `8080:80` no address.
        None if rest.contains('.') => (rest, ""),
        None => ("", rest),
    };
    let host_ip = match address.trim_start_matches('[').trim_end_matches(']') {
        "" => None,
        text => Some(text.parse::<IpAddr>().map_err(|_| bad("the address is not an IP address"))?),
    };
    let container = range(container).ok_or_else(|| bad("the container's port is not a port or range"))?;
    let host = match host {
        // As with Docker, 0 is any free one.
        "" | "0" => 0..=0,
        text => range(text).ok_or_else(|| bad("the host's port is not a port or range"))?,
    };
    pairs(&host, &container)
        .map(|pairs| {
            let mapping = |(host, container): (RangeInclusive<u16>, u16)| PortMapping {
                host_ip,
                host_port: *host.start(),
                host_port_end: *host.end(),
                container_port: container,
                protocol,
            };
            pairs.into_iter().map(mapping).collect()
        })
        .ok_or_else(|| bad("the two ranges have different lengths"))
}

/// Which host ports each container port may get.
fn pairs(
    host: &RangeInclusive<u16>,
    container: &RangeInclusive<u16>,
) -> Option<Vec<(RangeInclusive<u16>, u16)>> {
    if container.len() == 1 {
        return Some(vec![(host.clone(), *container.start())]);
    }
    if *host == (0..=0) {
        return Some(container.clone().map(|port| (0..=0, port)).collect());
    }
    (host.len() == container.len()).then(|| {
        host.clone().zip(container.clone()).map(|(host, container)| (host..=host, container)).collect()
    })
}

fn range(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last): (u16, u16) = (first.parse().ok()?, last.parse().ok()?);
    (first > 0 && first <= last).then_some(first..=last)
}
