//! Starts programs in namespaces of their own: the one launcher behind build steps and containers.
//!
//! This crate owns namespaces, mounts, capabilities, seccomp, cgroups and ptys, and it is the only place of the
//! workspace with `unsafe` code. It knows neither the store nor a plan: everything it needs is in a [`LaunchSpec`].
//!
//! The caller's process has threads, and forking such a process is not safe. So the first launch starts a *zygote*:
//! a sealed copy of the running program, re-executed with the name `buildc-init`, single-threaded, with an empty
//! environment and no inherited descriptor. It forks once per launch, and what it forks becomes a child of the
//! caller. When the caller dies, the zygote kills what was not [detached](Process::detach) and ends.
//!
//! Needs Linux 5.12 or later (`mount_setattr`). The contract is written down in `spec/launcher.md`.
#![deny(missing_docs)]
#![allow(unsafe_code)]

mod error;
mod process;
mod spec;
mod wire;

pub use error::{LaunchError, Result};
pub use process::{Exit, Process, resize_pty};
pub use spec::*;

/// Must be the first thing `main()` calls: when this process was started as the launcher's init it never returns.
pub fn init_if_requested() {}

/// Starts a process; returns once the user's program has been executed, or has failed to be.
pub fn launch(spec: &LaunchSpec, stdio: StdioSpec) -> Result<Process> {
    let _ = (spec, stdio);
    todo!()
}

/// Runs another process in the namespaces of the running container whose pid 1 has this pid on the host.
pub fn enter(
    pid: u32,
    process: &ProcessSpec,
    cgroup: Option<&CgroupSpec>,
    stdio: StdioSpec,
) -> Result<Process> {
    let _ = (pid, process, cgroup, stdio);
    todo!()
}

/// What this host allows; each refusal with the kernel's words.
#[derive(Clone, Debug)]
pub struct HostSupport {
    /// The caller is root, or root of its user namespace.
    pub root: bool,
    /// Whether user namespaces can be made.
    pub user_namespaces: std::result::Result<(), String>,
    /// Whether an overlay can be mounted.
    pub overlay: std::result::Result<(), String>,
    /// The writable cgroup hierarchy.
    pub cgroup: std::result::Result<String, String>,
    /// Number of subordinate user ids.
    pub subuids: u32,
}

/// Asks the host what it allows.
pub fn probe_host() -> HostSupport {
    todo!()
}

/// What [`enter_user_namespace`] found or made.
#[derive(Clone, Debug)]
pub struct UserNs {
    /// Whether this command runs without the host's root.
    pub rootless: bool,
    /// Number of ids mapped (1 without subuids).
    pub ids: u32,
}

/// Puts this command into a user namespace with the user's subuids; a no-op for root.
pub fn enter_user_namespace() -> Result<UserNs> {
    todo!()
}
