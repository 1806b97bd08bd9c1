//! RUN: a command in namespaces of its own over the base tree.

use std::ffi::OsString;
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use buildc_ir::step::{self, Network};
use buildc_ir::{ReadSet, keys};
use buildc_launch::{
    DEFAULT_CAPABILITIES, DEFAULT_MASKED_PATHS, DEFAULT_READONLY_PATHS, Exit, LaunchSpec, MountSpec, NetNs,
    ProcessSpec, RootFs, Seccomp, Stdio, StdioSpec, launch_over,
};
use buildc_store::{Layer, PendingLayer, Rootfs, StoreError};
use rustix::pipe::{PipeFlags, pipe_with};

use super::identity::{Identity, identify};
use super::mounts::Mounts;
use super::output::Output;
use super::{Chosen, Site, StepError, Tree, Work, foreign, stubs};
use crate::account::{self, Account};
use crate::container::every_capability;
use crate::event::Event;
use crate::network::{Lease, Pool, host_resolv_conf};
use crate::select::LayerTree;
use crate::trace::{self, Tracing};

/// What BuildKit calls the machine.
const HOSTNAME: &str = "buildkitsandbox";
const SHM_BYTES: u64 = 64 << 20;
/// Files of the base that every command has another one mounted on.
const COVERED: [&str; 2] = ["etc/hosts", "etc/resolv.conf"];

/// Runs the command and seals what it changed; gives what it read where it was to be traced and could be.
pub(super) fn run(
    site: &Site<'_>,
    work: &Work<'_>,
    exec: &step::Exec,
    base: &Tree,
    chosen: &[Chosen],
    traced: bool,
) -> Result<(Layer, Option<ReadSet>), StepError> {
    let driver = site.snapshots()?;
    let mut pending = site.store.begin_layer()?;
    let rootfs = driver.prepare(&base.layers, &pending)?;
    let Identity { account, from_base } = identify(site.store, exec, &base.layers)?;
    let lease = match exec.network {
        Network::Default => Some(site.network.get_or_init(Pool::start).take()?),
        Network::None | Network::Host => None,
    };
    let mut mounts = Mounts::new(site, &work.inputs, site.is_fresh(work.node) && !site.options.keep_caches);
    let sandbox = &site.options.sandbox;
    let hostname = sandbox.hostname.as_deref().unwrap_or(HOSTNAME);
    let host = lease.as_ref().map_or(Ipv4Addr::LOCALHOST, Lease::host);
    mounts.push(names(exec, hostname, host));
    mounts.push(resolver(lease.as_ref()));
    mounts.add_all(&exec.mounts, chosen)?;
    let overlay = matches!(rootfs, Rootfs::Overlay { .. });
    let tracing = (traced && overlay).then(|| trace::begin(site.store, &base.layers, &COVERED)).flatten();
    let spec = LaunchSpec {
        rootfs: root(rootfs, stubs::directory(site.store)?, tracing.is_some()),
        network: network(exec.network, lease.as_ref()),
        process: ProcessSpec {
            rlimits: sandbox
                .ulimits
                .iter()
                .map(|limit| (limit.name.clone(), limit.soft, limit.hard))
                .collect(),
            ..process(exec, &account, &mounts)
        },
        mounts: mounts.specs(),
        hostname: Some(hostname.to_owned()),
        shm_size_bytes: sandbox.shm_size_bytes.unwrap_or(SHM_BYTES),
        cgroup: sandbox.limits.cgroup(group_name()),
        ..standard(exec)
    };
    let started = Instant::now();
    let mut stop = || {
        let early = || work.ahead.as_deref().zip(tracing.as_ref());
        site.cancel.is_cancelled()
            || early().is_some_and(|(ahead, tracing)| ahead.is_futile(site, started, || tracing.so_far()))
    };
    let ended = execute(site, work, &spec, tracing.as_ref(), &mut stop).map_err(|error| match error {
        StepError::Launch(error) => foreign::explained(error, &exec.platform),
        other => other,
    });
    drop(lease);
    let created = match ended {
        Ok(created) => created,
        Err(error) => {
            drop((tracing, mounts));
            return Err(keep_left(
                site,
                work,
                error,
                |pending| driver.collect(&base.layers, pending),
                pending,
            ));
        }
    };
    let mut reads = None;
    if let Some(tracing) = tracing {
        reads = tracing.finish();
        trace::restore_times(site.store, &base.layers, pending.dir())?;
    }
    if let Some(reads) = reads.as_mut().filter(|_| from_base) {
        reads.account = Some(trace::account(&account));
    }
    driver.collect(&base.layers, &mut pending)?;
    let forgotten = forget_stubs(&mut pending, &created, exec);
    let tree = LayerTree::new(site.store, &base.layers)?;
    let left_over = stubs::left_over(&tree)?;
    stubs::leave(&pending, &left_over)?;
    if let Some(reads) = &mut reads {
        left_over.iter().for_each(|name| reads.absent(name.as_bytes()));
    }
    if !forgotten.is_empty() {
        for parent in forgotten.iter().filter_map(|stub| stub.parent()) {
            pending.forget_copied_up(tree.view(), parent)?;
        }
    }
    drop(mounts);
    if let Some(seconds) = site.clamp {
        pending.clamp_times(seconds)?;
    }
    Ok((pending.seal_from_disk()?, reads))
}

/// Seals what a failed command left, so that it can be looked at afterwards: the newest failure of each step is kept as
/// results are. Where that fails too, the command's failure is what counts.
fn keep_left(
    site: &Site<'_>,
    work: &Work<'_>,
    error: StepError,
    collect: impl FnOnce(&mut PendingLayer) -> Result<(), StoreError>,
    mut pending: PendingLayer,
) -> StepError {
    let StepError::Command { status, signal, oom_killed, tail, .. } = error else { return error };
    if work.ahead.is_some() {
        // It runs again in its turn, and fails then if it must.
        return StepError::Command { status, signal, oom_killed, tail, left: None };
    }
    let sealed = collect(&mut pending).and_then(|()| pending.seal_from_disk());
    let kept = sealed.and_then(|layer| {
        let key = keys::left_key(work.id);
        site.store.record_result(&[key], &[layer.id], 0).map(|()| layer.id)
    });
    StepError::Command { status, signal, oom_killed, tail, left: kept.ok() }
}

/// Starts the command, follows it to its end, and gives what was made for its mounts.
fn execute(
    site: &Site<'_>,
    work: &Work<'_>,
    spec: &LaunchSpec,
    tracing: Option<&Tracing>,
    stop: &mut dyn FnMut() -> bool,
) -> Result<Vec<PathBuf>, StepError> {
    let pipe = || -> Result<(OwnedFd, OwnedFd), StepError> {
        pipe_with(PipeFlags::CLOEXEC).map_err(|e| StepError::io("Making a pipe for", "output")(e.into()))
    };
    let ((out, stdout), (err, stderr)) = (pipe()?, pipe()?);
    let stdio = StdioSpec { stdin: Stdio::Null, stdout: Stdio::Fd(stdout), stderr: Stdio::Fd(stderr) };
    let mut process = launch_over(spec, stdio, tracing.map(Tracing::mount))?;
    for message in std::mem::take(&mut process.warnings) {
        site.recorder.tell(Event::Warning { id: Some(work.id), code: "step::limited", message });
    }
    let mut output = Output::new(work.id, site.recorder);
    match output.follow(&mut process, out, err, stop)? {
        None => Err(StepError::Cancelled),
        Some(Exit::Code(0)) => Ok(std::mem::take(&mut process.created)),
        Some(exit) => Err(StepError::Command {
            status: exit.status(),
            signal: if let Exit::Signal(signal) = exit { Some(signal) } else { None },
            oom_killed: process.oom_killed(),
            tail: output.tail(),
            left: None,
        }),
    }
}

/// The root with the mount points below everything else; the layers stand there merged where they are `traced`.
fn root(rootfs: Rootfs, stubs: PathBuf, traced: bool) -> RootFs {
    match rootfs {
        Rootfs::Overlay { base, mut lowers, upper, work, userxattr } => {
            if traced {
                lowers.clear();
            }
            lowers.push(stubs);
            RootFs::Overlay { base, lowers, upper, work, userxattr, volatile: true }
        }
        Rootfs::Directory(path) => RootFs::Directory(path),
    }
}

/// A name that no other command of this process has.
fn group_name() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("step-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Everything that does not depend on the step's inputs.
fn standard(exec: &step::Exec) -> LaunchSpec {
    let paths = |list: &[&str]| -> Vec<String> {
        if exec.insecure { Vec::new() } else { list.iter().map(|p| (*p).to_owned()).collect() }
    };
    LaunchSpec {
        rootfs: RootFs::Directory(PathBuf::new()),
        readonly_root: false,
        mounts: Vec::new(),
        process: ProcessSpec {
            args: exec.args.iter().map(OsString::from).collect(),
            env: Vec::new(),
            cwd: PathBuf::from(&exec.cwd),
            uid: 0,
            gid: 0,
            groups: Vec::new(),
            capabilities: capabilities(exec.insecure),
            no_new_privs: false,
            seccomp: if exec.insecure { Seccomp::Unconfined } else { Seccomp::Default },
            umask: 0o022,
            rlimits: Vec::new(),
            oom_score_adj: None,
            terminal: false,
        },
        hostname: Some(HOSTNAME.to_owned()),
        network: NetNs::Isolated,
        host_pid: false,
        host_ipc: false,
        host_uts: false,
        standard_mounts: true,
        shm_size_bytes: SHM_BYTES,
        masked_paths: paths(DEFAULT_MASKED_PATHS),
        readonly_paths: paths(DEFAULT_READONLY_PATHS),
        privileged: exec.insecure,
        cgroup: None,
        init: false,
        devices: Vec::new(),
        sysctls: Vec::new(),
    }
}

fn capabilities(insecure: bool) -> Vec<String> {
    if insecure {
        return every_capability();
    }
    DEFAULT_CAPABILITIES.iter().map(|&name| name.to_owned()).collect()
}

fn process(exec: &step::Exec, account: &Account, mounts: &Mounts<'_>) -> ProcessSpec {
    let mut env: Vec<(OsString, OsString)> = Vec::new();
    for (name, value) in exec.env.iter().chain(&exec.unkeyed_env).chain(mounts.env()) {
        env.retain(|(known, _)| known != name.as_str());
        env.push((name.into(), value.into()));
    }
    if !account::has_home(&env) {
        let home = account.home.clone().unwrap_or_else(|| "/".to_owned());
        env.retain(|(name, _)| name != "HOME");
        env.push(("HOME".into(), home.into()));
    }
    ProcessSpec {
        env,
        uid: account.uid,
        gid: account.gid,
        groups: account.groups.clone(),
        ..standard(exec).process
    }
}

fn network(network: Network, lease: Option<&Lease>) -> NetNs {
    match (network, lease) {
        (Network::Host, _) => NetNs::Host,
        (_, Some(lease)) => NetNs::Join(lease.netns().to_owned()),
        (_, None) => NetNs::Isolated,
    }
}

/// `/etc/hosts`; `host-gateway` is this machine as the command reaches it.
fn names(exec: &step::Exec, hostname: &str, host: Ipv4Addr) -> MountSpec {
    let mut text = format!("127.0.0.1\tlocalhost {hostname}\n::1\tlocalhost ip6-localhost ip6-loopback\n");
    for (name, address) in &exec.extra_hosts {
        match address.as_str() {
            "host-gateway" => text.push_str(&format!("{host}\t{name}\n")),
            address => text.push_str(&format!("{address}\t{name}\n")),
        }
    }
    file("/etc/hosts", text.into_bytes())
}

/// `/etc/resolv.conf`.
fn resolver(lease: Option<&Lease>) -> MountSpec {
    file("/etc/resolv.conf", lease.map_or_else(host_resolv_conf, Lease::resolv_conf))
}

fn file(target: &str, data: Vec<u8>) -> MountSpec {
    MountSpec::File { target: target.into(), data, mode: 0o644, uid: 0, gid: 0 }
}

/// Removes what was made for mounts and is empty, and gives what went: the working directory stays, and so does what the
/// command filled.
fn forget_stubs<'c>(
    pending: &mut PendingLayer,
    created: &'c [PathBuf],
    exec: &step::Exec,
) -> Vec<&'c PathBuf> {
    let mut forgotten = Vec::new();
    let cwd = Path::new(&exec.cwd);
    for path in created.iter().rev() {
        let is_target = exec.mounts.iter().any(|m| Path::new(&m.target) == path);
        if cwd.starts_with(path) && !is_target {
            continue;
        }
        let Some(on_disk) = pending.place_of(path) else { continue };
        let empty = match on_disk.symlink_metadata() {
            Ok(m) if m.is_dir() => std::fs::read_dir(&on_disk).is_ok_and(|mut d| d.next().is_none()),
            Ok(m) => m.is_file() && m.len() == 0,
            Err(_) => false,
        };
        if empty {
            pending.forget(path);
            forgotten.push(path);
        }
    }
    forgotten
}
