//! Namespaces, mounts, capabilities, seccomp, cgroups, pty. (API DRAFT: the owner splits it; names and meanings stay.)
#![allow(unused_variables, missing_docs, clippy::all)]

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// The command was not found (exit code 127).
    #[error("{0}")]
    NotFound(String),
    /// It was found but cannot be run (126).
    #[error("{0}")]
    NotExecutable(String),
    #[error("{what}: {source}")]
    Setup { what: String, source: std::io::Error, help: Option<String> },
}
pub type Result<T> = std::result::Result<T, LaunchError>;

/// Must be the first thing main() calls: when this process was started as the launcher's init it never returns.
pub fn init_if_requested() { }

/// Everything about one process in its own namespaces. Serialised to the init process over a pipe/memfd.
#[derive(Clone, Debug)]
pub struct LaunchSpec {
    pub rootfs: RootFs,
    pub readonly_root: bool,
    /// In order, after the root is mounted; targets are resolved inside the root (RESOLVE_IN_ROOT), made when missing.
    pub mounts: Vec<MountSpec>,
    pub process: ProcessSpec,
    pub hostname: Option<String>,
    pub network: NetNs,
    /// Share with the host instead of making new ones.
    pub host_pid: bool,
    pub host_ipc: bool,
    pub host_uts: bool,
    /// Adds the standard /proc, /dev, /dev/pts, /dev/shm, /sys, /sys/fs/cgroup, mqueue mounts.
    pub standard_mounts: bool,
    pub shm_size_bytes: u64,
    pub masked_paths: Vec<String>,
    pub readonly_paths: Vec<String>,
    pub privileged: bool,
    pub cgroup: Option<CgroupSpec>,
    /// Run a small reaping init as pid 1.
    pub init: bool,
    /// Extra device nodes from the host.
    pub devices: Vec<PathBuf>,
    pub sysctls: Vec<(String, String)>,
}

#[derive(Clone, Debug)]
pub struct ProcessSpec {
    pub args: Vec<OsString>,
    pub env: Vec<(OsString, OsString)>,
    pub cwd: PathBuf,
    pub uid: u32,
    pub gid: u32,
    pub groups: Vec<u32>,
    /// Names without CAP_ prefix, upper-case.
    pub capabilities: Vec<String>,
    pub no_new_privs: bool,
    pub seccomp: Seccomp,
    pub umask: u32,
    /// (name, soft, hard); what cannot be raised is left and reported, never fatal.
    pub rlimits: Vec<(String, u64, u64)>,
    pub oom_score_adj: Option<i32>,
    /// Allocate a pty as controlling terminal (Stdio::Pty gives the master side back).
    pub terminal: bool,
}

#[derive(Clone, Debug)]
pub enum Seccomp { Default, Unconfined, Profile(String) }

#[derive(Clone, Debug)]
pub enum RootFs {
    Overlay { base: PathBuf, lowers: Vec<PathBuf>, upper: PathBuf, work: PathBuf, userxattr: bool },
    Directory(PathBuf),
}

#[derive(Clone, Debug)]
pub enum MountSpec {
    Bind { source: PathBuf, target: PathBuf, readonly: bool, recursive: bool, propagation: Option<String> },
    /// Overlay of lower directories shown at target; writes thrown away (tmpfs upper) unless readonly.
    Tree { base: PathBuf, lowers: Vec<PathBuf>, subpath: PathBuf, target: PathBuf, readonly: bool },
    Tmpfs { target: PathBuf, options: String, size_bytes: Option<u64>, mode: u32 },
    /// A file with this content, read-only, never on disk of the layer.
    File { target: PathBuf, data: Vec<u8>, mode: u32, uid: u32, gid: u32 },
}

#[derive(Debug, Clone)]
pub enum NetNs {
    Host,
    /// New, loopback only.
    Isolated,
    /// Join this prepared namespace (path to a bind mount or /proc/PID/ns/net).
    Join(PathBuf),
}

#[derive(Clone, Debug, Default)]
pub struct CgroupSpec {
    /// Name below buildc's own parent group.
    pub name: String,
    pub memory_bytes: Option<u64>,
    pub memory_swap_bytes: Option<i64>,
    pub cpus: Option<f64>,
    pub cpu_shares: Option<u64>,
    pub cpuset: Option<String>,
    pub pids: Option<u64>,
}

#[derive(Debug)]
pub enum Stdio { Null, Inherit, Fd(OwnedFd) }

#[derive(Debug)]
pub struct StdioSpec { pub stdin: Stdio, pub stdout: Stdio, pub stderr: Stdio }

/// A launched process. Dropping it kills everything in its pid namespace.
#[derive(Debug)]
pub struct Process(());

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit { Code(u8), Signal(i32) }
impl Exit { pub fn status(self) -> u8 { match self { Exit::Code(c) => c, Exit::Signal(s) => 128u8.wrapping_add(s as u8) } } }

/// Starts; returns once the user's program has been exec'd (or failed to).
pub fn launch(spec: &LaunchSpec, stdio: StdioSpec) -> Result<Process> { todo!() }

impl Process {
    /// Host pid of the container's pid 1.
    pub fn pid(&self) -> u32 { todo!() }
    /// Start time in clock ticks, to guard against pid reuse.
    pub fn start_time(&self) -> u64 { todo!() }
    /// Master side of the pty when `terminal`.
    pub fn take_pty(&mut self) -> Option<OwnedFd> { todo!() }
    pub fn wait(&mut self) -> Result<Exit> { todo!() }
    pub fn wait_timeout(&mut self, timeout: Duration) -> Result<Option<Exit>> { todo!() }
    pub fn signal(&self, signal: i32) -> Result<()> { todo!() }
    /// Kills all processes of the pid namespace.
    pub fn kill(&mut self) -> Result<()> { todo!() }
    /// True when the kernel killed it for memory (cgroup events).
    pub fn oom_killed(&self) -> bool { todo!() }
    /// Lets it live on after drop.
    pub fn detach(self) {}
}

/// Runs another process in the namespaces of a running container (exec).
pub fn enter(pid: u32, process: &ProcessSpec, cgroup: Option<&CgroupSpec>, stdio: StdioSpec) -> Result<Process> { todo!() }

/// What this host allows; probed, each refusal with the kernel's words.
#[derive(Clone, Debug)]
pub struct HostSupport {
    pub root: bool,
    pub user_namespaces: std::result::Result<(), String>,
    pub overlay: std::result::Result<(), String>,
    pub cgroup: std::result::Result<String, String>,
    pub subuids: u32,
}
pub fn probe_host() -> HostSupport { todo!() }

/// Rootless: re-executes this program inside a user namespace (newuidmap/newgidmap with the user's subuids where they
/// exist, else a single-id map) plus a mount namespace, once per command, and returns there. A no-op for root.
/// Must be called before any thread exists.
pub fn enter_user_namespace() -> Result<UserNs> { todo!() }
#[derive(Clone, Debug)]
pub struct UserNs { pub rootless: bool, /// number of ids mapped (1 without subuids)
    pub ids: u32 }
