//! Reads the text of `run`'s options into the types of a [`ContainerSpec`].
//!
//! Owns: the spellings, which are Docker's. Never does: looking at the host, apart from what a caller's closure says.

mod mount;
mod port;

pub use mount::{mount, tmpfs, volume, volumes_from};
pub use port::publish;

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use buildc_launch::{REALTIME_FIRST, REALTIME_LAST};
use nix::sys::signal::Signal;

use super::error::{ContainerError, Result};
use super::spec::*;

/// `--network`.
pub fn network(text: &str) -> Result<NetworkMode> {
    match text {
        "bridge" | "default" => Ok(NetworkMode::Bridge),
        "host" => Ok(NetworkMode::Host),
        "none" => Ok(NetworkMode::None),
        _ => match text.strip_prefix("container:") {
            Some(name) if !name.is_empty() => Ok(NetworkMode::Container(name.to_owned())),
            _ => Err(ContainerError::option(
                "--network",
                text,
                "only bridge, host, none and container:NAME are known",
            )),
        },
    }
}

/// `--restart`.
pub fn restart(text: &str) -> Result<RestartPolicy> {
    let (policy, count) = text.split_once(':').map_or((text, None), |(policy, count)| (policy, Some(count)));
    let bad = |reason: &str| ContainerError::option("--restart", text, reason);
    match (policy, count) {
        ("" | "no", None) => Ok(RestartPolicy::No),
        ("always", None) => Ok(RestartPolicy::Always),
        ("unless-stopped", None) => Ok(RestartPolicy::UnlessStopped),
        ("on-failure", None) => Ok(RestartPolicy::OnFailure(None)),
        ("on-failure", Some(count)) => {
            let count: u32 = count.parse().map_err(|_| bad("the maximum is not a number"))?;
            Ok(RestartPolicy::OnFailure((count > 0).then_some(count)))
        }
        ("no" | "always" | "unless-stopped", Some(_)) => Err(bad("only on-failure takes a maximum")),
        _ => Err(bad("only no, on-failure[:N], always and unless-stopped are known")),
    }
}

/// The limits that Linux has.
const ULIMITS: [&str; 15] = [
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
];

/// `--ulimit`: `NAME=SOFT[:HARD]`, -1 is unlimited.
pub fn ulimit(text: &str) -> Result<Ulimit> {
    let bad = |reason: &str| ContainerError::option("--ulimit", text, reason);
    let (name, values) = text.split_once('=').ok_or_else(|| bad("it is not of the form NAME=SOFT[:HARD]"))?;
    if !ULIMITS.contains(&name) {
        return Err(bad("there is no such limit"));
    }
    let value = |text: &str| match text {
        "-1" | "unlimited" => Ok(u64::MAX),
        _ => text.parse::<u64>().map_err(|_| bad("a limit is a number, or -1")),
    };
    let (soft, hard) = values.split_once(':').unwrap_or((values, values));
    let (soft, hard) = (value(soft)?, value(hard)?);
    if soft > hard {
        return Err(bad("the soft limit is above the hard one"));
    }
    Ok(Ulimit { name: name.to_owned(), soft, hard })
}

/// `--device`: `HOST[:CONTAINER][:rwm]`.
pub fn device(text: &str) -> Result<Device> {
    let is_mode = |text: &str| !text.is_empty() && text.chars().all(|c| "rwm".contains(c));
    let parts: Vec<&str> = text.split(':').collect();
    let (host, container) = match parts.as_slice() {
        [host] => (*host, *host),
        [host, mode] if is_mode(mode) => (*host, *host),
        [host, container] => (*host, *container),
        [host, container, mode] if is_mode(mode) => (*host, *container),
        _ => {
            return Err(ContainerError::option(
                "--device",
                text,
                "it is not of the form HOST[:CONTAINER][:rwm]",
            ));
        }
    };
    if !host.starts_with('/') || !container.starts_with('/') {
        return Err(ContainerError::option("--device", text, "devices are absolute paths"));
    }
    Ok(Device { host: PathBuf::from(host), container: PathBuf::from(container) })
}

/// `--add-host`: `name:ip` or `name=ip`; `host-gateway` stands for the host's address.
pub fn add_host(text: &str) -> Result<(String, String)> {
    let bad = |reason: &str| ContainerError::option("--add-host", text, reason);
    let (name, address) =
        text.split_once(['=', ':']).ok_or_else(|| bad("it is not of the form NAME:ADDRESS"))?;
    let address = address.trim_start_matches('[').trim_end_matches(']');
    if name.is_empty() {
        return Err(bad("the name is empty"));
    }
    if address != "host-gateway" && IpAddr::from_str(address).is_err() {
        return Err(bad("the address is not an IP address"));
    }
    Ok((name.to_owned(), address.to_owned()))
}

/// Sizes: a number, which may have a fraction, with `b`, `k`, `m`, `g` or `t` (powers of 1024). `option` is named in
/// the error.
pub fn size(option: &'static str, text: &str) -> Result<u64> {
    let bad = || ContainerError::option(option, text, "a size is a number with b, k, m, g or t");
    let lower = text.trim().to_ascii_lowercase();
    let digits = lower.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor: f64 = match lower.get(digits.len()..).unwrap_or_default() {
        "" | "b" => 1.0,
        "k" | "kb" | "kib" => 1024.0,
        "m" | "mb" | "mib" => 1_048_576.0,
        "g" | "gb" | "gib" => 1_073_741_824.0,
        "t" | "tb" | "tib" => 1_099_511_627_776.0,
        _ => return Err(bad()),
    };
    let number: f64 = digits.parse().map_err(|_| bad())?;
    let bytes = number * factor;
    // Beyond 2^63 nothing on this planet is meant.
    if !(0.0..9.2e18).contains(&bytes) {
        return Err(bad());
    }
    Ok(bytes as u64)
}

/// `--memory-swap`: a size, or -1.
pub fn memory_swap(text: &str) -> Result<i64> {
    if text == "-1" {
        return Ok(-1);
    }
    let bytes = size("--memory-swap", text)?;
    i64::try_from(bytes).map_err(|_| ContainerError::option("--memory-swap", text, "it is too large"))
}

/// `--security-opt`, applied to the container.
pub fn security(text: &str, spec: &mut ContainerSpec) -> Result<()> {
    let (key, value) = text.split_once(['=', ':']).map_or((text, None), |(key, value)| (key, Some(value)));
    let bad = |reason: &str| ContainerError::option("--security-opt", text, reason);
    match (key, value) {
        ("no-new-privileges", None | Some("true")) => spec.no_new_privs = true,
        ("no-new-privileges", Some("false")) => spec.no_new_privs = false,
        ("seccomp", Some("unconfined")) => spec.seccomp = SeccompChoice::Unconfined,
        ("seccomp", Some("builtin")) => spec.seccomp = SeccompChoice::Default,
        ("seccomp", Some(file)) => {
            let text = std::fs::read_to_string(file)
                .map_err(|e| bad(&format!("the profile cannot be read: {e}")))?;
            spec.seccomp = SeccompChoice::Profile(text);
        }
        ("systempaths", Some("unconfined")) => spec.unmask_system_paths = true,
        // buildc sets neither label; taking them away is what it does anyway.
        ("apparmor", Some("unconfined")) | ("label", Some("disable")) => {}
        _ => {
            return Err(bad(
                "only no-new-privileges, seccomp=unconfined|builtin|FILE and systempaths=unconfined are known",
            ));
        }
    }
    Ok(())
}

/// `-e`: `NAME=VALUE`, or `NAME` taken from `lookup`; `None` when it is not set there.
pub fn env(text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Result<Option<(String, String)>> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (text, lookup(text)),
    };
    if name.is_empty() {
        return Err(ContainerError::option("--env", text, "the name is empty"));
    }
    Ok(value.map(|value| (name.to_owned(), value)))
}

/// The text of an `--env-file`: `NAME=VALUE` lines without quotes or expansion; `NAME` alone is taken from `lookup`.
pub fn env_file(text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Result<Vec<(String, String)>> {
    let mut pairs = Vec::new();
    for (index, line) in text.strip_prefix('\u{feff}').unwrap_or(text).lines().enumerate() {
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let name = line.split_once('=').map_or(line, |(name, _)| name);
        if name.contains(char::is_whitespace) {
            return Err(ContainerError::option(
                "--env-file",
                line,
                format!("line {}: a name has no blanks", index + 1),
            ));
        }
        pairs.extend(env(line, lookup)?);
    }
    Ok(pairs)
}

/// `NAME=VALUE` of `--label` and `--sysctl`; without `=` the value is empty.
pub fn pair(text: &str) -> (String, String) {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    (name.to_owned(), value.to_owned())
}

/// Every capability of Linux, in the order of their numbers.
pub(crate) const CAPABILITIES: [&str; 41] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];

/// A capability's name as the kernel has it, without `CAP_`; `ALL` stays.
pub fn capability(option: &'static str, text: &str) -> Result<String> {
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("CAP_").unwrap_or(&upper);
    if name != "ALL" && !CAPABILITIES.contains(&name) {
        return Err(ContainerError::option(option, text, "there is no such capability"));
    }
    Ok(name.to_owned())
}

/// A signal by name, with or without `SIG`, or by number. `option` is where it was given.
pub fn signal(option: &'static str, text: &str) -> Result<i32> {
    let found = match text.parse::<i32>() {
        Ok(number) => Some(number),
        Err(_) => {
            let upper = text.to_ascii_uppercase();
            let name = upper.strip_prefix("SIG").unwrap_or(&upper);
            Signal::from_str(&format!("SIG{name}"))
                .ok()
                .map(|signal| signal as i32)
                .or_else(|| realtime(name))
        }
    };
    let exists =
        |number: &i32| Signal::try_from(*number).is_ok() || (REALTIME_FIRST..=REALTIME_LAST).contains(number);
    found.filter(exists).ok_or_else(|| ContainerError::option(option, text, "there is no such signal"))
}

/// `RTMIN`, `RTMIN+3`, `RTMAX-2`, `RTMAX`.
fn realtime(name: &str) -> Option<i32> {
    let offset = |text: &str| text.parse::<u8>().ok().map(i32::from);
    match (name.strip_prefix("RTMIN"), name.strip_prefix("RTMAX")) {
        (Some(""), _) => Some(REALTIME_FIRST),
        (_, Some("")) => Some(REALTIME_LAST),
        (Some(rest), _) => Some(REALTIME_FIRST + offset(rest.strip_prefix('+')?)?),
        (_, Some(rest)) => Some(REALTIME_LAST - offset(rest.strip_prefix('-')?)?),
        _ => None,
    }
}

/// The name of a signal, with `SIG`.
pub(crate) fn signal_name(signal: i32) -> String {
    match Signal::try_from(signal) {
        Ok(known) => known.as_str().to_owned(),
        Err(_) if signal == REALTIME_FIRST => "SIGRTMIN".to_owned(),
        Err(_) => format!("SIGRTMIN+{}", signal - REALTIME_FIRST),
    }
}

#[cfg(test)]
mod tests;
