//! Networks of build steps and containers: private network namespaces with outgoing NAT, and published ports.
//!
//! Owns: the bridge, its addresses and the NAT rules (root), the attached `pasta` (rootless), the forwarding of
//! published ports, and what stands in a container's resolv.conf.
//! Never does: joining a namespace with a program in it (the launcher's).

mod bridge;
mod error;
mod namespace;
mod nat;
mod netlink;
mod pasta;
mod pool;
mod port;
mod publish;
mod resolver;
mod sandbox;
mod state;
mod udp;

pub use error::{NetworkError, Result};
pub use pool::{Lease, Pool, host_resolv_conf};
pub use port::{PortMapping, Protocol, PublishedPort};
pub(crate) use publish::Publication;
pub(crate) use resolver::{Reach, Resolver, resolv_conf};
pub(crate) use sandbox::Sandbox;
pub use sandbox::ready;
