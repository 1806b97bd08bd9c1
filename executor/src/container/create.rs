//! Making a container: options and image config become one record.

use std::path::Path;

use buildc_ir::ImageConfig;
use buildc_store::{ImageRecord, Store};

use super::error::{ContainerError, Result};
use super::health::HealthCheck;
use super::record::{Container, State, now};
use super::spec::{ContainerSpec, NetworkMode};
use super::{check, clear, mounts, name, options};
use crate::config_json::ConfigDocument;
use crate::hidden::Hidden;

/// Larger configs are no configs.
const CONFIG_LIMIT_BYTES: u64 = 8 << 20;
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const SIGTERM: i32 = 15;

/// Makes a container from an image. Nothing runs yet.
///
/// # Errors
/// Options that exclude each other, a name in use, no command, a volume or file that cannot be made. Nothing is left
/// then, apart from named volumes.
pub fn create(store: &Store, image: &ImageRecord, spec: ContainerSpec) -> Result<Container> {
    check::check(&spec)?;
    let config = image_config(store, image, &spec)?;
    let (entrypoint, command) = program(&spec, &config);
    let args: Vec<String> = entrypoint.iter().chain(command.iter()).flatten().cloned().collect();
    if args.is_empty() {
        return Err(ContainerError::NoCommand(spec.image.clone()));
    }
    let stop_signal = match (&spec.stop_signal, &config.stop_signal) {
        (Some(text), _) => options::signal("--stop-signal", text)?,
        (None, Some(text)) => options::signal("STOPSIGNAL", text)?,
        (None, None) => SIGTERM,
    };
    let id = name::new_id();
    let container = Container {
        created: now(),
        image: image.id,
        args,
        env: environment(&spec, &config),
        workdir: workdir(&spec, &config)?,
        user: spec.user.clone().unwrap_or_else(|| config.user.clone()),
        hostname: hostname(&spec, &id),
        labels: config.labels.clone().into_iter().chain(spec.labels.clone()).collect(),
        exposed: config.exposed_ports.iter().cloned().collect(),
        mounts: mounts::wanted(store, &spec, &config)?,
        health: HealthCheck::new(&config, &spec.health),
        stop_signal,
        state: State::default(),
        dir: name::all(store)?.join(&id),
        name: String::new(),
        entrypoint,
        command,
        id,
        spec,
    };
    clear::sweep(store)?;
    furnish(store, image, container)
}

/// Everything on disk. All of it happens in a hidden directory whose record names the volumes before they are made:
/// what a kill leaves is cleared away by whoever comes next, and what is in use is seen to be.
fn furnish(store: &Store, image: &ImageRecord, mut container: Container) -> Result<Container> {
    let all = name::all(store)?;
    let draft = Hidden::make(&all, &container.id).map_err(ContainerError::io("make", &container.dir))?;
    let mut fill = || {
        container.name = name::claim(&all, container.spec.name.as_deref(), &container.id)?;
        container.write_in(draft.path())?;
        let layers: Vec<_> = image.layers.iter().map(|layer| layer.id).collect();
        store.pin(&Container::pin(&container.id), Some(&image.id), &layers)?;
        mounts::prepare(store, image, &container)
    };
    if let Err(error) = fill() {
        if let Err(left) = clear::clear(store, draft) {
            tracing::warn!(error = %left, "what was made of a container was not removed");
        }
        return Err(error);
    }
    draft.show().map_err(ContainerError::io("make", &container.dir))?;
    Ok(container)
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
