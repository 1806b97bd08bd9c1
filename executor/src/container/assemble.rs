//! From a container's record to what the launcher is told.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use buildc_launch::{
    CgroupSpec, DEFAULT_CAPABILITIES, DEFAULT_MASKED_PATHS, DEFAULT_READONLY_PATHS, LaunchSpec, MountSpec,
    NetNs, ProcessSpec, RootFs, Seccomp,
};
use buildc_store::{ImageRecord, Rootfs, Store, TreeView};

use super::create::set;
use super::error::{ContainerError, Result};
use super::options::CAPABILITIES;
use super::record::{BoundMount, Container};
use super::spec::SeccompChoice;
use crate::account::{self, Account};

const SHM_BYTES: u64 = 64 << 20;
/// Larger account files are not read.
const ACCOUNTS_LIMIT_BYTES: u64 = 4 << 20;

/// Everything but the network, which its monitor prepares.
pub(super) fn launch_spec(store: &Store, image: &ImageRecord, container: &Container) -> Result<LaunchSpec> {
    let spec = &container.spec;
    let rootfs = store.snapshots()?.prepare_in(&image.layers, &container.dir)?;
    let account = account(&accounts(store, image, container)?, &container.user, &spec.group_add)?;
    let unmasked = spec.privileged || spec.unmask_system_paths;
    let paths =
        |list: &[&str]| if unmasked { Vec::new() } else { list.iter().map(|&p| p.to_owned()).collect() };
    let same_path = |device: &&super::spec::Device| device.host == device.container;
    Ok(LaunchSpec {
        rootfs: root_fs(rootfs),
        readonly_root: spec.read_only,
        mounts: mounts(container),
        process: process(container, &account),
        hostname: (!spec.host_uts).then(|| container.hostname.clone()),
        network: NetNs::Isolated,
        host_pid: spec.host_pid,
        host_ipc: spec.host_ipc,
        host_uts: spec.host_uts,
        standard_mounts: true,
        shm_size_bytes: spec.shm_size_bytes.unwrap_or(SHM_BYTES),
        masked_paths: paths(DEFAULT_MASKED_PATHS),
        readonly_paths: paths(DEFAULT_READONLY_PATHS),
        privileged: spec.privileged,
        cgroup: cgroup(container),
        init: spec.init,
        devices: spec.devices.iter().filter(same_path).map(|device| device.host.clone()).collect(),
        sysctls: spec.sysctls.clone(),
    })
}

fn root_fs(rootfs: Rootfs) -> RootFs {
    match rootfs {
        Rootfs::Overlay { base, lowers, upper, work, userxattr } => {
            RootFs::Overlay { base, lowers, upper, work, userxattr, volatile: false }
        }
        Rootfs::Directory(dir) => RootFs::Directory(dir),
    }
}

/// The control group, when anything is limited; only then is there something to clean up.
pub(super) fn cgroup(container: &Container) -> Option<CgroupSpec> {
    container.spec.limits.cgroup(container.id.clone())
}

/// The program with its credentials and environment.
pub(super) fn process(container: &Container, account: &Account) -> ProcessSpec {
    let spec = &container.spec;
    let mut env = container.env.clone();
    if !env.iter().any(|(name, _)| name == "HOSTNAME") {
        env.insert(1.min(env.len()), ("HOSTNAME".to_owned(), container.hostname.clone()));
    }
    if spec.tty && !env.iter().any(|(name, _)| name == "TERM") {
        set(&mut env, "TERM", "xterm");
    }
    if !account::has_home(&env) {
        set(&mut env, "HOME", account.home.as_deref().unwrap_or("/"));
    }
    ProcessSpec {
        args: container.args.iter().map(OsString::from).collect(),
        env: env.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
        cwd: PathBuf::from(&container.workdir),
        uid: account.uid,
        gid: account.gid,
        groups: account.groups.clone(),
        capabilities: capabilities(container),
        no_new_privs: spec.no_new_privs,
        seccomp: match &spec.seccomp {
            _ if spec.privileged => Seccomp::Unconfined,
            SeccompChoice::Default => Seccomp::Default,
            SeccompChoice::Unconfined => Seccomp::Unconfined,
            SeccompChoice::Profile(text) => Seccomp::Profile(text.clone()),
        },
        umask: 0o022,
        rlimits: spec.ulimits.iter().map(|limit| (limit.name.clone(), limit.soft, limit.hard)).collect(),
        oom_score_adj: spec.oom_score_adj,
        terminal: spec.tty,
    }
}

/// Docker's default set without what is dropped, then with what is added.
pub(super) fn capabilities(container: &Container) -> Vec<String> {
    let spec = &container.spec;
    let all = |list: &[String]| list.iter().any(|name| name == "ALL");
    if spec.privileged || (all(&spec.cap_add) && spec.cap_drop.is_empty()) {
        return every_capability();
    }
    let mut names: Vec<&str> = match (all(&spec.cap_drop), all(&spec.cap_add)) {
        (_, true) => CAPABILITIES.to_vec(),
        (true, false) => Vec::new(),
        (false, false) => DEFAULT_CAPABILITIES.to_vec(),
    };
    names.retain(|name| !spec.cap_drop.iter().any(|dropped| dropped == name));
    for added in spec.cap_add.iter().filter(|name| *name != "ALL") {
        if !names.contains(&added.as_str()) {
            names.push(added);
        }
    }
    names.into_iter().map(str::to_owned).collect()
}

/// Every capability that Linux has.
pub(crate) fn every_capability() -> Vec<String> {
    CAPABILITIES.iter().map(|&name| name.to_owned()).collect()
}

/// The files that name the host and the container, then what the user asked for.
fn mounts(container: &Container) -> Vec<MountSpec> {
    let mut mounts: Vec<MountSpec> = ["hosts", "hostname", "resolv.conf"]
        .into_iter()
        .map(|name| bind(&container.dir.join(name), &Path::new("/etc").join(name), false))
        .filter(|mount| !covered(container, mount))
        .collect();
    mounts.extend(container.mounts.iter().map(mount));
    let moved = container.spec.devices.iter().filter(|device| device.host != device.container);
    mounts.extend(moved.map(|device| bind(&device.host, &device.container, false)));
    mounts
}

/// A file that the user mounts himself is left to him.
fn covered(container: &Container, file: &MountSpec) -> bool {
    matches!(file, MountSpec::Bind { target, .. } if container.mounts.iter().any(|m| target == Path::new(&m.target)))
}

fn bind(source: &Path, target: &Path, readonly: bool) -> MountSpec {
    let (source, target) = (source.to_owned(), target.to_owned());
    MountSpec::Bind { source, target, readonly, recursive: false, propagation: None }
}

fn mount(mount: &BoundMount) -> MountSpec {
    let target = PathBuf::from(&mount.target);
    if mount.kind == "tmpfs" {
        let mut options = mount.options.clone();
        if mount.readonly && !options.split(',').any(|option| option == "ro") {
            options.push_str(if options.is_empty() { "ro" } else { ",ro" });
        }
        return MountSpec::Tmpfs { target, options, size_bytes: mount.size_bytes, mode: mount.mode };
    }
    MountSpec::Bind {
        source: mount.source.clone(),
        target,
        readonly: mount.readonly,
        recursive: mount.recursive,
        propagation: mount.propagation.clone(),
    }
}

/// The texts of /etc/passwd and /etc/group.
pub(super) struct Accounts {
    passwd: String,
    group: String,
}

/// Reads them as the container has them: what it wrote itself counts before the image's.
pub(super) fn accounts(store: &Store, image: &ImageRecord, container: &Container) -> Result<Accounts> {
    let view = TreeView::new(store, &image.layers)?;
    let read = |name: &str| -> Result<String> {
        let bytes = match own_file(&container.dir, name) {
            Some(own) => Some(fs::read(&own).map_err(ContainerError::io("read", &own))?),
            None => view.read_file(format!("etc/{name}").as_bytes(), ACCOUNTS_LIMIT_BYTES)?,
        };
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default())
    };
    Ok(Accounts { passwd: read("passwd")?, group: read("group")? })
}

/// The container's own version of a file in /etc. Nothing but a plain file in a plain directory is trusted: a link of
/// the container's making could lead anywhere on the host.
fn own_file(dir: &Path, name: &str) -> Option<PathBuf> {
    let own = ["upper/etc", "rootfs/etc"]
        .into_iter()
        .map(|etc| dir.join(etc))
        .find_map(|etc| fs::symlink_metadata(&etc).is_ok_and(|meta| meta.is_dir()).then(|| etc.join(name)))?;
    let plain = fs::symlink_metadata(&own);
    plain.is_ok_and(|meta| meta.is_file() && meta.len() <= ACCOUNTS_LIMIT_BYTES).then_some(own)
}

/// Who `user` is, with further groups.
pub(super) fn account(accounts: &Accounts, user: &str, group_add: &[String]) -> Result<Account> {
    let unknown = |error| match error {
        account::AccountError::User(name) => ContainerError::UnknownUser { what: "user", name },
        account::AccountError::Group(name) => ContainerError::UnknownUser { what: "group", name },
    };
    let mut account = account::look_up(user, &accounts.passwd, &accounts.group).map_err(unknown)?;
    for group in group_add {
        account.groups.push(account::group_id(group, &accounts.group).map_err(unknown)?);
    }
    Ok(account)
}
