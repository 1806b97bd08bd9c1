//! Who the program is: capabilities, ids, limits, and what it may ask of the kernel.

use std::fs;
use std::str::FromStr;

use caps::{CapSet, Capability, CapsHashSet};
use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use rustix::thread::{
    CapabilitiesSecureBits, set_capabilities_secure_bits, set_keep_capabilities, set_no_new_privs,
    set_thread_groups, set_thread_res_gid, set_thread_res_uid,
};

use crate::error::{Doing, LaunchError, Result};
use crate::spec::ProcessSpec;
use crate::sys;

/// A compiled system call filter.
pub(crate) type Filter = Vec<libc::sock_filter>;

/// Gives up everything the program must not have. After it nothing can be mounted or joined any more.
pub(crate) fn apply(process: &ProcessSpec, filter: Option<&Filter>) -> Result<()> {
    let wanted = parse_capabilities(&process.capabilities)?;
    drop_bounding(&wanted)?;
    set_securebits()?;
    if process.no_new_privs {
        set_no_new_privs(true).doing(|| "Set no_new_privs")?;
    }
    set_ids(process)?;
    // Installing a filter without no_new_privs takes CAP_SYS_ADMIN, so it comes before the capabilities go.
    if let Some(filter) = filter {
        sys::install_filter(filter).doing(|| "Install the system call filter")?;
    }
    set_capabilities(process.uid, &wanted)?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable).doing(|| "Forbid core dumps of the launcher")
}

pub(crate) fn parse_capabilities(names: &[String]) -> Result<CapsHashSet> {
    names
        .iter()
        .map(|name| {
            Capability::from_str(&format!("CAP_{name}")).map_err(|_| {
                LaunchError::with_help(
                    format!("Use the capability `{name}`"),
                    std::io::Error::from_raw_os_error(libc::EINVAL),
                    "See capabilities(7) for the names",
                )
            })
        })
        .collect()
}

fn drop_bounding(wanted: &CapsHashSet) -> Result<()> {
    for capability in caps::all() {
        if wanted.contains(&capability) {
            continue;
        }
        match caps::drop(None, CapSet::Bounding, capability) {
            Ok(()) => {}
            // Newer than the running kernel: nobody has it.
            Err(_) if !caps::has_cap(None, CapSet::Bounding, capability).unwrap_or(false) => {}
            Err(error) => {
                return Err(LaunchError::setup(
                    format!("Drop the capability `{capability}`"),
                    std::io::Error::other(error.to_string()),
                ));
            }
        }
    }
    Ok(())
}

fn set_securebits() -> Result<()> {
    rustix::thread::clear_ambient_capability_set().doing(|| "Clear the ambient capabilities")?;
    match set_capabilities_secure_bits(CapabilitiesSecureBits::empty()) {
        // Without CAP_SETPCAP they could not have been set either.
        Ok(()) | Err(rustix::io::Errno::PERM) => Ok(()),
        Err(error) => Err(error).doing(|| "Clear the secure bits"),
    }
}

fn set_ids(process: &ProcessSpec) -> Result<()> {
    use rustix::process::{Gid, Uid};
    // The primary group is among the others too: a set-group-id program would otherwise lose it, and with it what a file
    // refuses to that group (CVE-2022-36109).
    let others = process.groups.iter().filter(|group| **group != process.gid);
    let groups: Vec<Gid> = [process.gid].iter().chain(others).copied().map(Gid::from_raw).collect();
    if let Err(error) = set_thread_groups(&groups) {
        // A user namespace with a single id may not change groups (user_namespaces(7)).
        if !(process.groups.is_empty() && error == rustix::io::Errno::PERM) {
            return Err(error).doing(|| format!("Set the groups {:?}", process.groups)).map_err(unmapped);
        }
    }
    let (uid, gid) = (Uid::from_raw(process.uid), Gid::from_raw(process.gid));
    set_thread_res_gid(gid, gid, gid).doing(|| format!("Become group {}", process.gid)).map_err(unmapped)?;
    set_keep_capabilities(true).doing(|| "Keep capabilities until the filter is installed")?;
    set_thread_res_uid(uid, uid, uid).doing(|| format!("Become user {}", process.uid)).map_err(unmapped)?;
    let permitted = caps::read(None, CapSet::Permitted).map_err(caps_error)?;
    caps::set(None, CapSet::Effective, &permitted).map_err(caps_error)
}

/// An id outside the map of the user namespace is EINVAL; where only one id is mapped, changing groups is EPERM.
fn unmapped(error: LaunchError) -> LaunchError {
    match error {
        LaunchError::Setup { what, source, .. }
            if matches!(source.raw_os_error(), Some(libc::EINVAL | libc::EPERM)) =>
        {
            let help = "The user namespace does not have this id; give the user a range in `/etc/subuid` and \
                        `/etc/subgid`, and install the package `uidmap`";
            LaunchError::with_help(what, source, help)
        }
        other => other,
    }
}

fn set_capabilities(uid: u32, wanted: &CapsHashSet) -> Result<()> {
    let permitted = caps::read(None, CapSet::Permitted).map_err(caps_error)?;
    // As Docker: a user other than root has none to begin with, and may gain those of the bounding set.
    let kept: CapsHashSet =
        if uid == 0 { wanted.intersection(&permitted).copied().collect() } else { CapsHashSet::new() };
    caps::clear(None, CapSet::Inheritable).map_err(caps_error)?;
    caps::set(None, CapSet::Effective, &kept).map_err(caps_error)?;
    caps::set(None, CapSet::Permitted, &kept).map_err(caps_error)
}

fn caps_error(error: caps::errors::CapsError) -> LaunchError {
    LaunchError::setup("Set capabilities", std::io::Error::other(error.to_string()))
}

/// Resource limits, umask and the out-of-memory score. What is refused is put into `warnings`.
pub(crate) fn apply_limits(process: &ProcessSpec, warnings: &mut Vec<String>) -> Result<()> {
    for (name, soft, hard) in &process.rlimits {
        let resource = rlimit_number(name)?;
        if let Err(error) = sys::set_rlimit(resource, *soft, *hard) {
            let (_, allowed) = sys::rlimit(resource).doing(|| format!("Read the limit `{name}`"))?;
            // As near as this host lets us come.
            let _ = sys::set_rlimit(resource, (*soft).min(allowed), (*hard).min(allowed));
            warnings.push(format!("Limit `{name}` of {hard} is above the host's {allowed}: {error}"));
        }
    }
    if let Some(score) = process.oom_score_adj
        && let Err(error) = fs::write("/proc/self/oom_score_adj", score.to_string())
    {
        warnings.push(format!("Out-of-memory score {score} was refused: {error}"));
    }
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(process.umask));
    Ok(())
}

fn rlimit_number(name: &str) -> Result<u32> {
    Ok(match name {
        "as" => libc::RLIMIT_AS,
        "core" => libc::RLIMIT_CORE,
        "cpu" => libc::RLIMIT_CPU,
        "data" => libc::RLIMIT_DATA,
        "fsize" => libc::RLIMIT_FSIZE,
        "locks" => libc::RLIMIT_LOCKS,
        "memlock" => libc::RLIMIT_MEMLOCK,
        "msgqueue" => libc::RLIMIT_MSGQUEUE,
        "nice" => libc::RLIMIT_NICE,
        "nofile" => libc::RLIMIT_NOFILE,
        "nproc" => libc::RLIMIT_NPROC,
        "rss" => libc::RLIMIT_RSS,
        "rtprio" => libc::RLIMIT_RTPRIO,
        "rttime" => libc::RLIMIT_RTTIME,
        "sigpending" => libc::RLIMIT_SIGPENDING,
        "stack" => libc::RLIMIT_STACK,
        other => {
            return Err(LaunchError::with_help(
                format!("Set the limit `{other}`"),
                std::io::Error::from_raw_os_error(libc::EINVAL),
                "The names are those of setrlimit(2) in lower case, without `RLIMIT_`",
            ));
        }
    })
}
