//! Entering the state before or after a step: a container over its tree, with the step's mounts, variables and user.

use std::path::{Path, PathBuf};

use buildc_digest::Key;
use buildc_ir::step::{Exec, MountSource as StepMount, Network};
use buildc_ir::{ImageConfig, Platform, StepId, Target, TargetHistory};
use buildc_store::{ImageRecord, Layer, Store, TreeView};

use super::{Build, HistoryError, Side, Told};
use crate::assemble::{AssembleError, assemble};
use crate::build::BuildError;
use crate::container::{ContainerSpec, Mount, MountSource, NetworkMode};
use crate::step::existing_cache;

/// Shells that are looked for in the tree, the best first.
const SHELLS: [&str; 4] = ["/bin/bash", "/bin/sh", "/usr/bin/sh", "/bin/ash"];
/// Where a static busybox is, on a machine that has one.
const LENT: [&str; 2] = ["/bin/busybox", "/usr/bin/busybox"];
/// Where it stands in the container.
const LENT_AT: &str = "/.buildc-shell";

/// What is needed to enter a step.
#[derive(Debug)]
pub struct Reentry {
    /// The tree as an image without a name, to be removed afterwards.
    pub image: ImageRecord,
    /// The container over it.
    pub spec: ContainerSpec,
    /// Mounts of the step that it does not have, and why.
    pub missing: Vec<String>,
}

/// Prepares a container over the tree before or after a step that runs `command`, or a shell where that is empty.
///
/// # Errors
/// [`HistoryError`] when there is no such tree, or no shell; [`BuildError`] when the image cannot be put together.
pub fn reenter(
    store: &Store,
    build: &Build,
    step: &Told,
    side: Side,
    command: &[String],
) -> Result<Result<Reentry, BuildError>, HistoryError> {
    let layers = build.tree(store, step, side)?;
    let mut spec = ContainerSpec { remove: true, entrypoint: Some(Vec::new()), ..ContainerSpec::default() };
    spec.command = match command {
        [] => shell(store, &layers, &mut spec)?,
        words => words.to_vec(),
    };
    let mut missing = Vec::new();
    if let Some(exec) = &step.decided.exec {
        dress(store, exec, &mut spec, &mut missing)?;
    }
    Ok(match image(store, &layers) {
        Ok(image) => {
            spec.image = image.id.to_string();
            Ok(Reentry { image, spec, missing })
        }
        Err(error) => Err(error.into()),
    })
}

/// The shell of the tree, or one of this machine, mounted beside everything.
fn shell(store: &Store, layers: &[Layer], spec: &mut ContainerSpec) -> Result<Vec<String>, HistoryError> {
    let view = TreeView::new(store, layers)?;
    for shell in SHELLS {
        let found = view.resolve(shell.as_bytes(), false)?;
        if found.and_then(|(_, found)| found).is_some_and(|found| !found.entry.is_dir()) {
            return Ok(vec![shell.to_owned()]);
        }
    }
    let lent = LENT.iter().map(Path::new).find(|path| path.is_file()).ok_or(HistoryError::NoShell)?;
    let bind = bind(lent.to_owned());
    spec.mounts.push(Mount { source: bind, target: LENT_AT.to_owned(), readonly: true });
    Ok(vec![LENT_AT.to_owned(), "sh".to_owned()])
}

/// Gives the container what the command had.
fn dress(
    store: &Store,
    exec: &Exec,
    spec: &mut ContainerSpec,
    missing: &mut Vec<String>,
) -> Result<(), HistoryError> {
    spec.env.clone_from(&exec.env);
    spec.workdir = Some(exec.cwd.clone());
    spec.user = Some(exec.user.clone()).filter(|user| !user.is_empty());
    spec.privileged = exec.insecure;
    spec.extra_hosts.clone_from(&exec.extra_hosts);
    spec.network = match exec.network {
        Network::Default => NetworkMode::Bridge,
        Network::None => NetworkMode::None,
        Network::Host => NetworkMode::Host,
    };
    for mount in &exec.mounts {
        let source = match &mount.source {
            StepMount::Cache { id, initial: None, mode, uid, gid, .. } => {
                existing_cache(store, id, *mode, (*uid, *gid))?.map(bind)
            }
            StepMount::Tmpfs { size_bytes } => {
                Some(MountSource::Tmpfs { options: String::new(), size_bytes: *size_bytes, mode: None })
            }
            _ => None,
        };
        match source {
            Some(source) => {
                spec.mounts.push(Mount { source, target: mount.target.clone(), readonly: mount.readonly });
            }
            None => missing.push(format!("{} at {}", word(&mount.source), mount.target)),
        }
    }
    Ok(())
}

fn bind(path: PathBuf) -> MountSource {
    MountSource::Bind { path, create: false, propagation: None, recursive: false }
}

/// What a mount is called that is not there.
fn word(source: &StepMount) -> &'static str {
    match source {
        StepMount::Bind { .. } => "bind mount",
        StepMount::Cache { .. } => "cache mount",
        StepMount::Tmpfs { .. } => "tmpfs",
        StepMount::Secret { .. } => "secret (secrets are not kept)",
        StepMount::Ssh { .. } => "ssh agent",
        StepMount::Inline { .. } => "heredoc",
    }
}

/// The tree as an image of which the config says nothing.
fn image(store: &Store, layers: &[Layer]) -> Result<ImageRecord, AssembleError> {
    let nothing = StepId(Key::of(b"buildc.shell"));
    let entry = || TargetHistory { created_by: "buildc shell".to_owned(), step: Some(nothing) };
    let target = Target {
        name: "shell".to_owned(),
        tags: Vec::new(),
        root: nothing,
        config: ImageConfig::scratch(Platform::host()),
        base_history: Vec::new(),
        history: layers.iter().map(|_| entry()).collect(),
    };
    assemble(store, &target, layers, None)
}
