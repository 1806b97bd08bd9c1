//! Network namespaces for build steps, prepared off the critical path and used again by later steps.

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::error::Result;
use super::resolver::{Reach, Resolver, resolv_conf};
use super::sandbox::Sandbox;

/// The network namespaces of one build; they end with it. Every process of a step is dead before another step gets its
/// namespace, and no step has the capability to change one.
#[derive(Debug)]
pub struct Pool(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<Free>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Free {
    sandboxes: Vec<Sandbox>,
    /// The first one is still being made.
    preparing: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Free> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pool {
    /// Starts to prepare the first namespace in a background thread.
    pub fn start() -> Self {
        let state = Mutex::new(Free { preparing: true, ..Free::default() });
        let shared = Arc::new(Shared { state, changed: Condvar::new() });
        let theirs = Arc::clone(&shared);
        let prepare = move || {
            // A failure is told by `take`, which tries again.
            let made = Sandbox::new();
            let mut free = theirs.lock();
            free.sandboxes.extend(made.ok());
            free.preparing = false;
            theirs.changed.notify_all();
        };
        if std::thread::Builder::new().name("network".to_owned()).spawn(prepare).is_err() {
            shared.lock().preparing = false;
        }
        Self(shared)
    }

    /// A namespace nobody else uses; waits for the one that is being prepared. Give the lease back by dropping it when
    /// every process in the namespace has ended.
    ///
    /// # Errors
    /// The host does not allow or lacks something.
    pub fn take(&self) -> Result<Lease> {
        let mut free = self.0.lock();
        while free.preparing && free.sandboxes.is_empty() {
            free = self.0.changed.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
        let ready = free.sandboxes.pop();
        drop(free);
        let sandbox = match ready {
            Some(sandbox) => sandbox,
            None => Sandbox::new()?,
        };
        Ok(Lease { sandbox: Some(sandbox), pool: Arc::clone(&self.0) })
    }
}

impl Drop for Pool {
    /// Waits for the namespace that is being prepared: the program that connects it would outlive this process.
    fn drop(&mut self) {
        let mut free = self.0.lock();
        while free.preparing {
            free = self.0.changed.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
        let ended = std::mem::take(&mut free.sandboxes);
        drop(free);
        drop(ended);
    }
}

/// One namespace, for one step at a time.
#[derive(Debug)]
pub struct Lease {
    /// `None` only while it is dropped.
    sandbox: Option<Sandbox>,
    pool: Arc<Shared>,
}

impl Lease {
    /// A path for the launcher to join; valid as long as the lease.
    pub fn netns(&self) -> &Path {
        self.sandbox.as_ref().map_or(Path::new("/"), |sandbox| sandbox.namespace().path())
    }

    /// The content of /etc/resolv.conf inside.
    pub fn resolv_conf(&self) -> Vec<u8> {
        let reach = self.sandbox.as_ref().map_or(Reach::Bridge, Sandbox::reach);
        resolv_conf(reach, &Resolver::default())
    }

    /// The address of the namespace itself.
    pub fn address(&self) -> Ipv4Addr {
        self.sandbox.as_ref().map_or(Ipv4Addr::LOCALHOST, Sandbox::address)
    }
}

impl Lease {
    /// The address by which the namespace reaches this machine.
    pub fn host(&self) -> Ipv4Addr {
        self.sandbox.as_ref().and_then(Sandbox::gateway).unwrap_or_else(|| self.address())
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.pool.lock().sandboxes.extend(self.sandbox.take());
        self.pool.changed.notify_one();
    }
}

/// The content of /etc/resolv.conf for a process in the host's network namespace.
pub fn host_resolv_conf() -> Vec<u8> {
    resolv_conf(Reach::Host, &Resolver::default())
}
