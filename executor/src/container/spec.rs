//! What a container is to be: the options of `run` and `create` as data. How their text is read is in `options`.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use buildc_launch::CgroupSpec;
use serde::{Deserialize, Serialize};

use super::health::HealthOptions;
pub use crate::network::{PortMapping, Protocol, PublishedPort};

/// Everything the user asked for, kept as long as the container exists.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ContainerSpec {
    /// Name; a random one when none is given.
    pub name: Option<String>,
    /// The image as the user wrote it.
    pub image: String,
    /// Arguments; empty means the image's CMD, unless `entrypoint` is given.
    pub command: Vec<String>,
    /// Replaces the image's ENTRYPOINT and clears its CMD; an empty list removes it.
    pub entrypoint: Option<Vec<String>>,
    /// Variables on top of the image's, the last of a name wins.
    pub env: Vec<(String, String)>,
    /// Labels on top of the image's.
    pub labels: BTreeMap<String, String>,
    /// Working directory, absolute.
    pub workdir: Option<String>,
    /// `user[:group]`, names or numbers.
    pub user: Option<String>,
    /// Host name inside.
    pub hostname: Option<String>,
    /// Standard input stays open.
    pub interactive: bool,
    /// A pty as controlling terminal.
    pub tty: bool,
    /// Removed together with its anonymous volumes when it has ended.
    pub remove: bool,
    /// A small init as process 1.
    pub init: bool,
    /// The root file system refuses writes.
    pub read_only: bool,
    /// All capabilities and devices, nothing masked, no system call filter.
    pub privileged: bool,
    /// Network namespace.
    pub network: NetworkMode,
    /// Published ports.
    pub publish: Vec<PortMapping>,
    /// Publishes every EXPOSEd port on a free host port.
    pub publish_all: bool,
    /// Lines for /etc/hosts: name and address (`host-gateway` stands for the host).
    pub extra_hosts: Vec<(String, String)>,
    /// Name servers instead of the host's.
    pub dns: Vec<IpAddr>,
    /// Search domains instead of the host's.
    pub dns_search: Vec<String>,
    /// Resolver options instead of the host's.
    pub dns_options: Vec<String>,
    /// Binds, volumes and memory file systems, in the order given.
    pub mounts: Vec<Mount>,
    /// Containers whose binds and volumes it gets too.
    pub volumes_from: Vec<VolumesFrom>,
    /// Limits kept by a control group.
    pub limits: Limits,
    /// Limits of each process.
    pub ulimits: Vec<Ulimit>,
    /// Size of /dev/shm; 64 MiB when not given.
    pub shm_size_bytes: Option<u64>,
    /// Score for the kernel's out-of-memory killer.
    pub oom_score_adj: Option<i32>,
    /// Capabilities added to Docker's default set, without `CAP_`, upper-case; `ALL` for all.
    pub cap_add: Vec<String>,
    /// Capabilities taken away before `cap_add` is looked at.
    pub cap_drop: Vec<String>,
    /// Set-user-id programs gain nothing.
    pub no_new_privs: bool,
    /// System call filter.
    pub seccomp: SeccompChoice,
    /// Leaves /proc and /sys unmasked (`--security-opt systempaths=unconfined`).
    pub unmask_system_paths: bool,
    /// Devices of the host.
    pub devices: Vec<Device>,
    /// Kernel parameters.
    pub sysctls: Vec<(String, String)>,
    /// Supplementary groups, names or numbers.
    pub group_add: Vec<String>,
    /// Shares the host's processes.
    pub host_pid: bool,
    /// Shares the host's System V and POSIX message queues.
    pub host_ipc: bool,
    /// Shares the host's name.
    pub host_uts: bool,
    /// Signal that asks it to stop, instead of the image's.
    pub stop_signal: Option<String>,
    /// Seconds between that signal and SIGKILL; -1 waits for ever, none means 10.
    pub stop_timeout_seconds: Option<i64>,
    /// What happens when the process ends.
    pub restart: RestartPolicy,
    /// What to make of the image's health check.
    pub health: HealthOptions,
    /// Bound of the log file in bytes before it is rotated; one old file is kept.
    pub log_max_bytes: Option<u64>,
}

/// Network namespace of a container.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum NetworkMode {
    /// An own one with an address behind NAT.
    #[default]
    Bridge,
    /// The host's.
    Host,
    /// An own one with loopback only.
    None,
    /// That of another container, by name or id.
    Container(String),
}

/// What is mounted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum MountSource {
    /// A path of the host.
    Bind {
        /// Absolute path.
        path: PathBuf,
        /// Makes a missing directory, as `-v` does and `--mount` does not.
        create: bool,
        /// `private`, `rslave`, …
        propagation: Option<String>,
        /// With the mounts below it.
        recursive: bool,
    },
    /// A volume; an anonymous one when it has no name.
    Volume {
        /// Name.
        name: Option<String>,
        /// Does not fill an empty volume with the image's content.
        nocopy: bool,
    },
    /// A file system in memory.
    Tmpfs {
        /// Options as in `--tmpfs`, without `size` and `mode`.
        options: String,
        /// Limit.
        size_bytes: Option<u64>,
        /// Mode of its root directory.
        mode: Option<u32>,
    },
}

/// One mount of a container.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Mount {
    /// What.
    pub source: MountSource,
    /// Where, absolute.
    pub target: String,
    /// Refuses writes.
    pub readonly: bool,
}

/// Another container whose binds and volumes are wanted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct VolumesFrom {
    /// Its name, id or unique id prefix.
    pub container: String,
    /// All of them refuse writes here.
    pub readonly: bool,
}

/// Limits kept by a control group; none = not limited.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Memory.
    pub memory_bytes: Option<u64>,
    /// Memory and swap together; -1 is unlimited, none is twice the memory.
    pub memory_swap_bytes: Option<i64>,
    /// Processors' worth of time.
    pub cpus: Option<f64>,
    /// Relative weight, 1024 being the usual.
    pub cpu_shares: Option<u64>,
    /// Processors it may run on, such as `0-2,4`.
    pub cpuset_cpus: Option<String>,
    /// Processes and threads.
    pub pids: Option<u64>,
}

impl Limits {
    /// Whether anything is limited at all.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// The control group of this name that keeps them, where anything is limited.
    pub(crate) fn cgroup(&self, name: String) -> Option<CgroupSpec> {
        (!self.is_none()).then(|| CgroupSpec {
            name,
            memory_bytes: self.memory_bytes,
            memory_swap_bytes: self.memory_swap_bytes,
            cpus: self.cpus,
            cpu_shares: self.cpu_shares,
            cpuset: self.cpuset_cpus.clone(),
            pids: self.pids,
        })
    }
}

/// Limit of each process (`setrlimit`).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Ulimit {
    /// Such as `nofile`.
    pub name: String,
    /// Soft limit; `u64::MAX` is unlimited.
    pub soft: u64,
    /// Hard limit.
    pub hard: u64,
}

/// System call filter.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum SeccompChoice {
    /// Docker's default profile.
    #[default]
    Default,
    /// None.
    Unconfined,
    /// The text of a profile in Docker's format.
    Profile(String),
}

/// A device of the host.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Device {
    /// On the host.
    pub host: PathBuf,
    /// In the container.
    pub container: PathBuf,
}

/// What happens when the container's process ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum RestartPolicy {
    /// Nothing.
    #[default]
    No,
    /// Starts again after a failure, at most so often; none = for ever.
    OnFailure(Option<u32>),
    /// Starts again.
    Always,
    /// Starts again unless it was stopped by the user.
    UnlessStopped,
}

impl RestartPolicy {
    /// Docker's spelling without the count.
    pub fn name(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::OnFailure(_) => "on-failure",
            Self::Always => "always",
            Self::UnlessStopped => "unless-stopped",
        }
    }
}
