//! Limits in the terms of cgroup v2 (kernel: admin-guide/cgroup-v2) and v1.

use std::fs;
use std::io;
use std::path::Path;

use super::hierarchy::{Controller, Version, fill_cpuset};
use crate::error::{Doing, LaunchError, Result};
use crate::spec::CgroupSpec;

/// The period in which a share of processor time is handed out.
const CPU_PERIOD_MICROSECONDS: u64 = 100_000;

/// The controllers a specification takes.
pub(super) fn needed(spec: &CgroupSpec) -> Vec<Controller> {
    let mut needed = Vec::new();
    for (asked, controller) in [
        (spec.memory_bytes.is_some() || spec.memory_swap_bytes.is_some(), Controller::Memory),
        (spec.cpus.is_some() || spec.cpu_shares.is_some(), Controller::Cpu),
        (spec.cpuset.is_some(), Controller::Cpuset),
        (spec.pids.is_some(), Controller::Pids),
    ] {
        if asked {
            needed.push(controller);
        }
    }
    needed
}

/// Writes the limits of one controller.
pub(super) fn apply(spec: &CgroupSpec, controller: Controller, version: Version, group: &Path) -> Result<()> {
    match (controller, version) {
        (Controller::Memory, Version::V2) => memory_v2(spec, group),
        (Controller::Memory, Version::V1) => memory_v1(spec, group),
        (Controller::Cpu, Version::V2) => cpu_v2(spec, group),
        (Controller::Cpu, Version::V1) => cpu_v1(spec, group),
        (Controller::Cpuset, version) => cpuset(spec, version, group),
        (Controller::Pids, _) => set_optional(group, "pids.max", spec.pids),
    }
}

/// Memory plus swap in bytes, or none for no limit.
fn total_bytes(spec: &CgroupSpec) -> Option<u64> {
    match spec.memory_swap_bytes {
        Some(total) => u64::try_from(total).ok(),
        None => spec.memory_bytes.map(|memory| memory.saturating_mul(2)),
    }
}

fn memory_v2(spec: &CgroupSpec, group: &Path) -> Result<()> {
    set_optional(group, "memory.max", spec.memory_bytes)?;
    let swap = total_bytes(spec).map(|total| total.saturating_sub(spec.memory_bytes.unwrap_or(0)));
    // A kernel without swap accounting has no such file, and nothing to limit.
    ignore_missing(group, "memory.swap.max", &swap.map_or("max".to_owned(), |swap| swap.to_string()))
}

fn memory_v1(spec: &CgroupSpec, group: &Path) -> Result<()> {
    set_optional(group, "memory.limit_in_bytes", spec.memory_bytes)?;
    match total_bytes(spec) {
        Some(total) => ignore_missing(group, "memory.memsw.limit_in_bytes", &total.to_string()),
        None => Ok(()),
    }
}

fn cpu_v2(spec: &CgroupSpec, group: &Path) -> Result<()> {
    if let Some(cpus) = spec.cpus {
        set(group, "cpu.max", &format!("{} {CPU_PERIOD_MICROSECONDS}", quota(cpus)?))?;
    }
    // The mapping of runtimes from the range 2–262144 to 1–10000.
    let weight = spec.cpu_shares.map(|shares| 1 + (shares.clamp(2, 262_144) - 2) * 9_999 / 262_142);
    set_optional(group, "cpu.weight", weight)
}

fn cpu_v1(spec: &CgroupSpec, group: &Path) -> Result<()> {
    if let Some(cpus) = spec.cpus {
        set(group, "cpu.cfs_period_us", &CPU_PERIOD_MICROSECONDS.to_string())?;
        set(group, "cpu.cfs_quota_us", &quota(cpus)?.to_string())?;
    }
    set_optional(group, "cpu.shares", spec.cpu_shares)
}

/// Microseconds in each period. The kernel takes no less than a thousand.
fn quota(cpus: f64) -> Result<u64> {
    let quota = cpus * CPU_PERIOD_MICROSECONDS as f64;
    if !quota.is_finite() || quota < 1_000.0 {
        return Err(LaunchError::with_help(
            format!("Limit processor time to {cpus} processors"),
            io::Error::from_raw_os_error(libc::EINVAL),
            "Use a number of at least 0.01",
        ));
    }
    Ok(quota as u64)
}

fn cpuset(spec: &CgroupSpec, version: Version, group: &Path) -> Result<()> {
    if let (Version::V1, Some(parent)) = (version, group.parent()) {
        fill_cpuset(parent, group).doing(|| format!("Prepare the processor set `{}`", group.display()))?;
    }
    match &spec.cpuset {
        Some(cpus) => set(group, "cpuset.cpus", cpus),
        None => Ok(()),
    }
}

fn set_optional(group: &Path, file: &str, value: Option<u64>) -> Result<()> {
    value.map_or(Ok(()), |value| set(group, file, &value.to_string()))
}

fn set(group: &Path, file: &str, value: &str) -> Result<()> {
    let path = group.join(file);
    fs::write(&path, value).doing(|| format!("Write `{value}` to `{}`", path.display()))
}

fn ignore_missing(group: &Path, file: &str, value: &str) -> Result<()> {
    if group.join(file).exists() { set(group, file, value) } else { Ok(()) }
}
