//! The files that name the container and its surroundings: /etc/hosts, /etc/hostname, /etc/resolv.conf.

use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;

use super::error::{ContainerError, Result};
use super::record::Container;
use super::spec::{NetworkMode, PortMapping, Protocol};
use crate::network::{Reach, Resolver, resolv_conf};

const LOCAL_NAMES: &str = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::\tip6-localnet\n\
    ff00::\tip6-mcastprefix\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n";

/// Writes all three, anew at every start. A container that uses another's network has that one's files.
pub(super) fn write(
    dir: &Path,
    container: &Container,
    reach: Reach,
    address: Option<Ipv4Addr>,
    gateway: Option<Ipv4Addr>,
) -> Result<()> {
    if matches!(container.spec.network, NetworkMode::Container(_)) {
        return Ok(());
    }
    let spec = &container.spec;
    let resolver = Resolver {
        servers: spec.dns.clone(),
        search: spec.dns_search.clone(),
        options: spec.dns_options.clone(),
    };
    let files = [
        ("hosts", hosts(container, address, gateway).into_bytes()),
        ("hostname", format!("{}\n", container.hostname).into_bytes()),
        ("resolv.conf", resolv_conf(reach, &resolver)),
    ];
    for (name, text) in files {
        let path = dir.join(name);
        fs::write(&path, text).map_err(ContainerError::io("write", &path))?;
    }
    Ok(())
}

fn hosts(container: &Container, address: Option<Ipv4Addr>, gateway: Option<Ipv4Addr>) -> String {
    let host_file = || fs::read_to_string("/etc/hosts").ok();
    let mut text = match container.spec.network {
        NetworkMode::Host => host_file().unwrap_or_else(|| LOCAL_NAMES.to_owned()),
        _ => LOCAL_NAMES.to_owned(),
    };
    if !text.ends_with('\n') {
        text.push('\n');
    }
    if let Some(address) = address {
        text.push_str(&format!("{address}\t{}\n", container.hostname));
    }
    let host = gateway.or(address).unwrap_or(Ipv4Addr::LOCALHOST).to_string();
    for (name, address) in &container.spec.extra_hosts {
        let address = if address == "host-gateway" { &host } else { address };
        text.push_str(&format!("{address}\t{name}\n"));
    }
    text
}

/// A free host port for each port that the image exposes.
pub(super) fn exposed_ports(container: &Container) -> Vec<PortMapping> {
    let mapping = |text: &String| {
        let (port, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
        let protocol = if protocol == "udp" { Protocol::Udp } else { Protocol::Tcp };
        let container_port = port.parse().ok()?;
        let published = |p: &PortMapping| p.container_port == container_port && p.protocol == protocol;
        (!container.spec.publish.iter().any(published)).then_some(PortMapping {
            host_ip: None,
            host_port: 0,
            host_port_end: 0,
            container_port,
            protocol,
        })
    };
    container.exposed.iter().filter_map(mapping).collect()
}
