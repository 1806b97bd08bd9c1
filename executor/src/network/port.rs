//! Published ports as data.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// Transport protocol of a published port.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl Protocol {
    /// `tcp` or `udp`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// One published port. A range on the command line is one value per port.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PortMapping {
    /// Address on the host; none means all, IPv4 and IPv6.
    pub host_ip: Option<IpAddr>,
    /// First port on the host to try; 0 takes any free one.
    pub host_port: u16,
    /// Last port to try; equal to `host_port` unless a host range was given for one container port.
    pub host_port_end: u16,
    /// Port in the container.
    pub container_port: u16,
    /// Transport.
    pub protocol: Protocol,
}

/// A published port with the host port it got.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PublishedPort {
    /// Address on the host; none = all.
    pub host_ip: Option<IpAddr>,
    /// On the host.
    pub host_port: u16,
    /// In the container.
    pub container_port: u16,
    /// Transport.
    pub protocol: Protocol,
}
