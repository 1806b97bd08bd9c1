//! Making a container: options and image config become one record; volumes are made and filled.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use buildc_ir::ImageConfig;
use buildc_store::{ImageRecord, Store, TreeView};

use super::error::{ContainerError, Result};
use super::record::{BoundMount, Container, State, now};
use super::spec::{ContainerSpec, Mount, MountSource, NetworkMode, RestartPolicy};
use super::{name, options, populate};
use crate::config_json::ConfigDocument;
use crate::volume;

/// Larger configs are no configs.
const CONFIG_LIMIT_BYTES: u64 = 8 << 20;
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const SIGTERM: i32 = 15;
/// Less than this the kernel cannot start a process with.
const LEAST_MEMORY_BYTES: u64 = 6 << 20;

/// Makes a container from an image. Nothing runs yet.
///
/// # Errors
/// Options that exclude each other, a name in use, no command, a volume or file that cannot be made. Nothing is left
/// then, apart from named volumes.
pub fn create(store: &Store, image: &ImageRecord, spec: ContainerSpec) -> Result<Container> {
    check(&spec)?;
    let config = image_config(store, image, &spec)?;
    let (entrypoint, command) = program(&spec, &config);
    let args: Vec<String> = entrypoint.iter().chain(command.iter()).flatten().cloned().collect();
    if args.is_empty() {
        return Err(ContainerError::NoCommand(spec.image.clone()));
    }
    let stop_signal = match spec.stop_signal.as_ref().or(config.stop_signal.as_ref()) {
        Some(text) => options::signal(text)?,
        None => SIGTERM,
    };
    let all = name::all(store)?;
    let id = name::new_id();
    let name = name::claim(&all, spec.name.as_deref(), &id)?;
    let mut container = Container {
        created: now(),
        image: image.id,
        args,
        env: environment(&spec, &config),
        workdir: workdir(&spec, &config)?,
        user: spec.user.clone().unwrap_or_else(|| config.user.clone()),
        hostname: hostname(&spec, &id),
        labels: config.labels.clone().into_iter().chain(spec.labels.clone()).collect(),
        exposed: config.exposed_ports.iter().cloned().collect(),
        mounts: Vec::new(),
        stop_signal,
        state: State::default(),
        dir: all.join(&id),
        entrypoint,
        command,
        id,
        name,
        spec,
    };
    let made = furnish(store, image, &config, &mut container);
    if made.is_err() {
        super::lifecycle::discard(store, &container, true);
    }
    made.map(|()| container)
}

/// Everything on disk; the record comes last and makes it a container.
fn furnish(
    store: &Store,
    image: &ImageRecord,
    config: &ImageConfig,
    container: &mut Container,
) -> Result<()> {
    let make = fs::DirBuilder::new().mode(0o700).create(&container.dir);
    make.map_err(ContainerError::io("make", &container.dir))?;
    let layers: Vec<_> = image.layers.iter().map(|layer| layer.id).collect();
    store.pin(&Container::pin(&container.id), Some(&image.id), &layers)?;
    let wanted = wanted_mounts(&container.spec, config);
    let mut view = None;
    for mount in &wanted {
        let bound = bind(store, mount)?;
        let volume_to_fill = match &mount.source {
            MountSource::Volume { nocopy: false, .. } => Some(&bound.source),
            _ => None,
        };
        // Only containers with volumes need to look into the image here.
        if let Some(dir) = volume_to_fill {
            let view = match &view {
                Some(view) => view,
                None => view.insert(TreeView::new(store, &image.layers)?),
            };
            populate::populate(view, &mount.target, dir)?;
        }
        container.mounts.push(bound);
    }
    container.write()
}

/// What was asked for, and an anonymous volume for each VOLUME of the image that nothing else stands on.
fn wanted_mounts(spec: &ContainerSpec, config: &ImageConfig) -> Vec<Mount> {
    let mut mounts = spec.mounts.clone();
    for target in &config.volumes {
        let target = target.trim_end_matches('/');
        if !target.is_empty() && !mounts.iter().any(|mount| mount.target == target) {
            let source = MountSource::Volume { name: None, nocopy: false };
            mounts.push(Mount { source, target: target.to_owned(), readonly: false });
        }
    }
    // Outer mounts first, or they would hide the inner ones.
    mounts.sort_by_key(|mount| mount.target.matches('/').count());
    mounts
}

fn bind(store: &Store, mount: &Mount) -> Result<BoundMount> {
    let mut bound = BoundMount {
        kind: String::new(),
        volume: None,
        anonymous: false,
        source: Default::default(),
        target: mount.target.clone(),
        readonly: mount.readonly,
        propagation: None,
        recursive: false,
        options: String::new(),
        size_bytes: None,
        mode: None,
    };
    match &mount.source {
        MountSource::Bind { path, create, propagation, recursive } => {
            if *create && !path.exists() {
                fs::create_dir_all(path).map_err(ContainerError::io("make", path))?;
            }
            fs::symlink_metadata(path).map_err(ContainerError::io("mount", path))?;
            "bind".clone_into(&mut bound.kind);
            (bound.source, bound.propagation, bound.recursive) =
                (path.clone(), propagation.clone(), *recursive);
        }
        MountSource::Volume { name, .. } => {
            let volume = volume::create(store, name.as_deref(), BTreeMap::new())?;
            "volume".clone_into(&mut bound.kind);
            (bound.source, bound.anonymous, bound.volume) = (volume.dir, name.is_none(), Some(volume.name));
        }
        MountSource::Tmpfs { options, size_bytes, mode } => {
            "tmpfs".clone_into(&mut bound.kind);
            (bound.options, bound.size_bytes, bound.mode) = (options.clone(), *size_bytes, *mode);
        }
    }
    Ok(bound)
}

fn image_config(store: &Store, image: &ImageRecord, spec: &ContainerSpec) -> Result<ImageConfig> {
    let text = store.read_blob(&image.id, CONFIG_LIMIT_BYTES)?;
    let document = ConfigDocument::read(&text);
    let bad = |reason: String| ContainerError::ImageConfig { image: spec.image.clone(), reason };
    document.map(|document| document.config).map_err(|error| bad(error.to_string()))
}

/// Entrypoint and command: arguments replace the command, an entrypoint on the command line clears the image's command.
fn program(spec: &ContainerSpec, config: &ImageConfig) -> (Option<Vec<String>>, Option<Vec<String>>) {
    let given = (!spec.command.is_empty()).then(|| spec.command.clone());
    match &spec.entrypoint {
        Some(entrypoint) => ((!entrypoint.is_empty()).then(|| entrypoint.clone()), given),
        None => (config.entrypoint.clone(), given.or_else(|| config.cmd.clone())),
    }
}

/// `PATH`, then `HOSTNAME` and `HOME` are added at the start; here the image's variables and the user's.
fn environment(spec: &ContainerSpec, config: &ImageConfig) -> Vec<(String, String)> {
    let mut env: Vec<(String, String)> = vec![("PATH".to_owned(), DEFAULT_PATH.to_owned())];
    for (name, value) in config.env.iter().chain(&spec.env) {
        set(&mut env, name, value);
    }
    env
}

/// Sets a variable in place, or appends it.
pub(super) fn set(env: &mut Vec<(String, String)>, name: &str, value: &str) {
    match env.iter_mut().find(|(known, _)| known == name) {
        Some(pair) => value.clone_into(&mut pair.1),
        None => env.push((name.to_owned(), value.to_owned())),
    }
}

fn workdir(spec: &ContainerSpec, config: &ImageConfig) -> Result<String> {
    match &spec.workdir {
        Some(dir) if !Path::new(dir).is_absolute() => {
            Err(ContainerError::option("--workdir", dir, "it is not an absolute path"))
        }
        Some(dir) => Ok(dir.clone()),
        None if config.working_dir.is_empty() => Ok("/".to_owned()),
        None => Ok(Path::new("/").join(&config.working_dir).to_string_lossy().into_owned()),
    }
}

fn hostname(spec: &ContainerSpec, id: &str) -> String {
    let own = || nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
    let host = (spec.host_uts || spec.network == NetworkMode::Host).then(own).flatten();
    let short = || id.get(..12).unwrap_or(id).to_owned();
    spec.hostname.clone().or(host).unwrap_or_else(short)
}

/// Options that exclude each other.
fn check(spec: &ContainerSpec) -> Result<()> {
    let conflict = |text: &str| Err(ContainerError::Conflict(text.to_owned()));
    if spec.remove && spec.restart != RestartPolicy::No {
        return conflict("`--rm` and `--restart` exclude each other");
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
