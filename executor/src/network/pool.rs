//! Network namespaces for build steps, prepared off the critical path and used again by later steps.

use std::net::Ipv4Addr;
use std::path::Path;

use super::error::Result;

/// The network namespaces of one build.
#[derive(Debug)]
pub struct Pool {}

impl Pool {
    /// Starts to prepare the first namespace in a background thread.
    pub fn start() -> Self {
        todo!()
    }

    /// A namespace nobody else uses; waits for one that is being prepared. Give the lease back by dropping it when
    /// every process in the namespace has ended.
    ///
    /// # Errors
    /// The host does not allow or lacks something; the same error for every later call.
    pub fn take(&self) -> Result<Lease> {
        todo!()
    }
}

/// One namespace, for one step at a time.
#[derive(Debug)]
pub struct Lease {}

impl Lease {
    /// A path for the launcher to join; valid as long as the lease.
    pub fn netns(&self) -> &Path {
        todo!()
    }

    /// The content of /etc/resolv.conf inside.
    pub fn resolv_conf(&self) -> Vec<u8> {
        todo!()
    }

    /// The address of the namespace itself.
    pub fn address(&self) -> Ipv4Addr {
        todo!()
    }
}

/// The content of /etc/resolv.conf for a process in the host's network namespace.
pub fn host_resolv_conf() -> Vec<u8> {
    todo!()
}
