//! The data that describes a launch. Nothing here touches the system.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::wire::bytes;

/// Everything about one process in its own namespaces.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LaunchSpec {
    /// The file tree that becomes `/`.
    pub rootfs: RootFs,
    /// Makes `/` read-only; the mounts keep their own mode.
    pub readonly_root: bool,
    /// In order, after the root and the standard mounts. Targets are resolved inside the root
    /// (`RESOLVE_IN_ROOT`) and made when missing; what was made is in [`Process::created`](crate::Process::created).
    pub mounts: Vec<MountSpec>,
    /// The program and its credentials.
    pub process: ProcessSpec,
    /// Host name in the new UTS namespace; ignored with `host_uts`.
    pub hostname: Option<String>,
    /// The network namespace.
    pub network: NetNs,
    /// Shares the caller's pid namespace instead of making one.
    pub host_pid: bool,
    /// Shares the caller's System V and POSIX message queues.
    pub host_ipc: bool,
    /// Shares the caller's host name.
    pub host_uts: bool,
    /// Adds the standard `/proc`, `/dev`, `/dev/pts`, `/dev/shm`, `/dev/mqueue`, `/sys` and `/sys/fs/cgroup`.
    pub standard_mounts: bool,
    /// Size limit of `/dev/shm`.
    pub shm_size_bytes: u64,
    /// Paths covered with nothing; [`DEFAULT_MASKED_PATHS`] is Docker's list.
    pub masked_paths: Vec<String>,
    /// Paths made read-only; [`DEFAULT_READONLY_PATHS`] is Docker's list.
    pub readonly_paths: Vec<String>,
    /// Writable `/sys`, all host devices, no masks. Capabilities and seccomp are still taken from `process`.
    pub privileged: bool,
    /// Limits. Asking for one where no hierarchy is writable is an error.
    pub cgroup: Option<CgroupSpec>,
    /// Runs a small reaping and signal-forwarding init as pid 1.
    pub init: bool,
    /// Extra device nodes, by their path on the host.
    pub devices: Vec<PathBuf>,
    /// Kernel parameters as (`net.core.somaxconn`, value).
    pub sysctls: Vec<(String, String)>,
}

/// The program, its surroundings and its credentials.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProcessSpec {
    /// Program and arguments. A name without `/` is looked up in the `PATH` of `env`, inside the root.
    #[serde(with = "bytes::os_list")]
    pub args: Vec<OsString>,
    /// The whole environment.
    #[serde(with = "bytes::os_pairs")]
    pub env: Vec<(OsString, OsString)>,
    /// Working directory, absolute; made when missing.
    #[serde(with = "bytes::path")]
    pub cwd: PathBuf,
    /// User id inside the container.
    pub uid: u32,
    /// Primary group id inside the container.
    pub gid: u32,
    /// Supplementary groups.
    pub groups: Vec<u32>,
    /// Names without the `CAP_` prefix, upper-case; [`DEFAULT_CAPABILITIES`] is Docker's list.
    pub capabilities: Vec<String>,
    /// Sets `no_new_privs`: set-user-id programs gain nothing.
    pub no_new_privs: bool,
    /// The system call filter.
    pub seccomp: Seccomp,
    /// File mode creation mask, 0o022 usually.
    pub umask: u32,
    /// (name such as `nofile`, soft, hard); what cannot be raised is left, and reported in
    /// [`Process::warnings`](crate::Process::warnings).
    pub rlimits: Vec<(String, u64, u64)>,
    /// Adjustment of the out-of-memory score; a refusal is reported, never fatal.
    pub oom_score_adj: Option<i32>,
    /// Allocates a pty as controlling terminal; the given stdio is then ignored, and
    /// [`Process::take_pty`](crate::Process::take_pty) gives the master side.
    pub terminal: bool,
}

/// The system call filter of a process.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Seccomp {
    /// Docker's default list, opened further by the capabilities the process has.
    Default,
    /// No filter.
    Unconfined,
    /// The text of a profile in Docker's JSON format.
    Profile(String),
}

/// Where `/` comes from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum RootFs {
    /// An overlay mounted inside the new mount namespace: gone with the process.
    Overlay {
        /// Directory that relative `lowers` are relative to.
        #[serde(with = "bytes::path")]
        base: PathBuf,
        /// Read-only trees, **topmost first**, relative to `base` or absolute.
        #[serde(with = "bytes::path_list")]
        lowers: Vec<PathBuf>,
        /// Takes the writes.
        #[serde(with = "bytes::path")]
        upper: PathBuf,
        /// Overlayfs' scratch directory, empty, on the same file system as `upper`.
        #[serde(with = "bytes::path")]
        work: PathBuf,
        /// Keep overlay attributes as `user.overlay.*`, which is what a user namespace may write.
        userxattr: bool,
        /// Ignore `fsync` in the container: right for build steps, whose upper directory is sealed and synced
        /// later; wrong for containers. The work directory cannot be used for a second mount.
        volatile: bool,
    },
    /// An existing directory.
    Directory(#[serde(with = "bytes::path")] PathBuf),
}

/// One mount in the container.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum MountSpec {
    /// A file or directory of the host.
    Bind {
        /// On the host.
        #[serde(with = "bytes::path")]
        source: PathBuf,
        /// In the container.
        #[serde(with = "bytes::path")]
        target: PathBuf,
        /// Refuse writes (also in mounts below, when `recursive`).
        readonly: bool,
        /// With the mounts below `source`.
        recursive: bool,
        /// `private` (the default), `rprivate`, `slave`, `rslave`, `shared`, `rshared`.
        propagation: Option<String>,
    },
    /// Overlay of lower directories shown at `target`; writes are thrown away (tmpfs upper) unless `readonly`.
    Tree {
        /// Directory that relative `lowers` are relative to.
        #[serde(with = "bytes::path")]
        base: PathBuf,
        /// Topmost first.
        #[serde(with = "bytes::path_list")]
        lowers: Vec<PathBuf>,
        /// What of the tree to show; empty or `/` for all of it. Symlinks are resolved inside the tree.
        #[serde(with = "bytes::path")]
        subpath: PathBuf,
        /// In the container.
        #[serde(with = "bytes::path")]
        target: PathBuf,
        /// Refuse writes.
        readonly: bool,
    },
    /// An empty file system in memory.
    Tmpfs {
        /// In the container.
        #[serde(with = "bytes::path")]
        target: PathBuf,
        /// Mount options as in `--tmpfs`, comma-separated, such as `noexec,nosuid,uid=5`.
        options: String,
        /// Limit; none means half of the memory.
        size_bytes: Option<u64>,
        /// Mode of its root directory; none means that of the directory it covers, 1777 where there is none.
        mode: Option<u32>,
    },
    /// A read-only file with this content, never on the disk of the layer.
    File {
        /// In the container.
        #[serde(with = "bytes::path")]
        target: PathBuf,
        /// The content.
        #[serde(with = "bytes::raw")]
        data: Vec<u8>,
        /// Permission bits.
        mode: u32,
        /// Owner inside the container.
        uid: u32,
        /// Group inside the container.
        gid: u32,
    },
}

impl MountSpec {
    /// Where it is seen, absolute.
    pub fn target(&self) -> &Path {
        match self {
            MountSpec::Bind { target, .. }
            | MountSpec::Tree { target, .. }
            | MountSpec::Tmpfs { target, .. }
            | MountSpec::File { target, .. } => target,
        }
    }
}

/// The network namespace of a launch.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum NetNs {
    /// The caller's.
    Host,
    /// A new one, loopback only.
    Isolated,
    /// This prepared one: a bind mount of it, or `/proc/PID/ns/net`.
    Join(#[serde(with = "bytes::path")] PathBuf),
}

/// Resource limits.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct CgroupSpec {
    /// Name below buildc's own parent group.
    pub name: String,
    /// Memory limit.
    pub memory_bytes: Option<u64>,
    /// Memory plus swap; -1 is unlimited, none is twice `memory_bytes`.
    pub memory_swap_bytes: Option<i64>,
    /// Processors' worth of time, such as 1.5.
    pub cpus: Option<f64>,
    /// Relative weight, 2–262144, 1024 being the usual.
    pub cpu_shares: Option<u64>,
    /// Processors it may run on, such as `0-2,4`.
    pub cpuset: Option<String>,
    /// Limit of processes and threads.
    pub pids: Option<u64>,
}

/// One standard stream of the new process.
#[derive(Debug)]
pub enum Stdio {
    /// `/dev/null`.
    Null,
    /// The caller's.
    Inherit,
    /// This descriptor.
    Fd(OwnedFd),
}

/// The three standard streams.
#[derive(Debug)]
pub struct StdioSpec {
    /// Standard input.
    pub stdin: Stdio,
    /// Standard output.
    pub stdout: Stdio,
    /// Standard error.
    pub stderr: Stdio,
}

/// The fourteen capabilities Docker gives (mask `a80425fb`).
pub const DEFAULT_CAPABILITIES: &[&str] = &[
    "CHOWN",
    "DAC_OVERRIDE",
    "FSETID",
    "FOWNER",
    "MKNOD",
    "NET_RAW",
    "SETGID",
    "SETUID",
    "SETFCAP",
    "SETPCAP",
    "NET_BIND_SERVICE",
    "SYS_CHROOT",
    "KILL",
    "AUDIT_WRITE",
];

/// What Docker hides of `/proc` and `/sys`.
pub const DEFAULT_MASKED_PATHS: &[&str] = &[
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
];

/// What Docker makes read-only of `/proc`.
pub const DEFAULT_READONLY_PATHS: &[&str] =
    &["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];
