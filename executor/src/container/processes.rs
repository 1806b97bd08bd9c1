//! The processes of a running container, as the host numbers them.

use std::fs;

use super::error::{ContainerError, Result};
use super::record::Container;

/// Pids of the host, ascending.
///
/// # Errors
/// The container is not running.
pub fn processes(container: &Container) -> Result<Vec<u32>> {
    let first = container.state.pid;
    if first == 0 {
        return Err(ContainerError::NotRunning(container.name.clone()));
    }
    let own = fs::read_link(format!("/proc/{first}/ns/pid")).ok();
    let all: Vec<u32> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    // With the host's pid namespace only the first process is surely the container's.
    let inside = |pid: &u32| {
        *pid == first
            || (!container.spec.host_pid
                && own.is_some()
                && fs::read_link(format!("/proc/{pid}/ns/pid")).ok() == own)
    };
    let mut pids: Vec<u32> = all.into_iter().filter(inside).collect();
    pids.sort_unstable();
    Ok(pids)
}
