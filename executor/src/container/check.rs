//! Options that exclude each other or cannot be kept.

use std::collections::BTreeSet;

use super::error::{ContainerError, Result};
use super::health::HealthOptions;
use super::spec::{ContainerSpec, NetworkMode, RestartPolicy};

/// Less than this the kernel cannot start a process with.
const LEAST_MEMORY_BYTES: u64 = 6 << 20;

/// Options that exclude each other.
pub(super) fn check(spec: &ContainerSpec) -> Result<()> {
    let conflict = |text: &str| Err(ContainerError::Conflict(text.to_owned()));
    if spec.remove && spec.restart != RestartPolicy::No {
        return conflict("`--rm` and `--restart` exclude each other");
    }
    if spec.health.disabled && spec.health != (HealthOptions { disabled: true, ..HealthOptions::default() }) {
        return conflict("`--no-healthcheck` leaves nothing that `--health-*` could change");
    }
    let shared = matches!(spec.network, NetworkMode::Container(_));
    if shared && (spec.publish_all || !spec.publish.is_empty()) {
        return conflict("ports cannot be published with `--network container:`");
    }
    let own_names = spec.hostname.is_some() || !spec.extra_hosts.is_empty() || !spec.dns.is_empty();
    if shared && own_names {
        return conflict(
            "`--hostname`, `--add-host` and `--dns` belong to the other container with `--network container:`",
        );
    }
    if spec.host_uts && spec.hostname.is_some() {
        return conflict("`--hostname` cannot change the host's name with `--uts host`");
    }
    if spec.limits.memory_bytes.is_some_and(|bytes| bytes < LEAST_MEMORY_BYTES) {
        let bytes = spec.limits.memory_bytes.unwrap_or_default().to_string();
        return Err(ContainerError::option("--memory", &bytes, "the least is 6m"));
    }
    if let (Some(memory), Some(swap)) = (spec.limits.memory_bytes, spec.limits.memory_swap_bytes)
        && u64::try_from(swap).is_ok_and(|swap| swap < memory)
    {
        return conflict("`--memory-swap` is memory and swap together, and less than `--memory`");
    }
    if let Some((name, value)) = spec.sysctls.iter().find(|(name, _)| !has_own(spec, name)) {
        let reason = "it would change the host: the container has no namespace of its own for it";
        return Err(ContainerError::option("--sysctl", &format!("{name}={value}"), reason));
    }
    let mut targets = BTreeSet::new();
    if let Some(mount) = spec.mounts.iter().find(|mount| !targets.insert(mount.target.as_str())) {
        return conflict(&format!("there are two mounts on `{}`", mount.target));
    }
    match spec.limits.cpus {
        Some(cpus) if !(cpus.is_finite() && cpus > 0.0) => {
            Err(ContainerError::option("--cpus", &cpus.to_string(), "it is not a number above 0"))
        }
        _ => Ok(()),
    }
}

/// Whether a kernel parameter is one of the container's own namespaces (namespaces(7)).
fn has_own(spec: &ContainerSpec, parameter: &str) -> bool {
    const IPC: [&str; 8] = [
        "kernel.msgmax",
        "kernel.msgmnb",
        "kernel.msgmni",
        "kernel.sem",
        "kernel.shmall",
        "kernel.shmmax",
        "kernel.shmmni",
        "kernel.shm_rmid_forced",
    ];
    // The kernel takes both separators.
    let name = parameter.replace('/', ".");
    if name.contains("..") {
        return false;
    }
    match name.split('.').next() {
        Some("net") => spec.network != NetworkMode::Host,
        _ if name == "kernel.domainname" => !spec.host_uts,
        _ => !spec.host_ipc && (name.starts_with("fs.mqueue.") || IPC.contains(&name.as_str())),
    }
}
