//! Networks of build steps and containers: private network namespaces with outgoing NAT, and published ports.
//!
//! Owns: the bridge, its addresses and the NAT rules (root), the attached `pasta` (rootless), the forwarding of
//! published ports, and what stands in a container's resolv.conf.
//! Never does: joining a namespace with a program in it (the launcher's).

mod error;
mod pool;

pub use error::{NetworkError, Result};
pub use pool::{Lease, Pool, host_resolv_conf};
