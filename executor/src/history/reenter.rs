//! Entering the state before or after a step: a container over its tree, with the step's mounts, variables and user.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use buildc_digest::Key;
use buildc_ir::step::{Exec, Network};
use buildc_ir::{ImageConfig, Platform, StepId, Target, TargetHistory};
use buildc_store::{ImageRecord, Layer, Store, TreeView};
use crossbeam_channel::Sender;

use super::dress::{self, Dresser, Given};
use super::{Build, HistoryError, Side, Told};
use crate::assemble::{AssembleError, assemble};
use crate::build::BuildError;
use crate::container::{ContainerSpec, Mount, MountSource, NetworkMode, Unrecorded};
use crate::dating::Dating;
use crate::event::{Event, Recorder};
use crate::step::{Mounts, Site, Tree};

/// Shells that are looked for in the tree, the best first.
const SHELLS: [&str; 4] = ["/bin/bash", "/bin/sh", "/usr/bin/sh", "/bin/ash"];
/// Where a static busybox is, on a machine that has one.
const LENT: [&str; 2] = ["/bin/busybox", "/usr/bin/busybox"];
/// Where it stands in the container. Its name has to begin so: it would look for an applet of any other.
const LENT_AT: &str = "/.buildc/busybox";

/// A program's header and the list of its segments are within so many bytes.
const HEADER_BYTES: u64 = 4096;

/// What is needed to enter a step.
#[derive(Debug)]
pub struct Reentry {
    /// The tree as an image without a name, to be removed afterwards.
    pub image: ImageRecord,
    /// The container over it.
    pub spec: ContainerSpec,
    /// The step's mounts and what they set, to be given at the start.
    pub unrecorded: Unrecorded,
    /// What the user should know of the mounts, a sentence each.
    pub notes: Vec<String>,
}

/// Prepares a container over the tree before or after a step that runs `command`, or a shell where that is empty, and gives
/// it to `run`. A tree without a shell is lent this machine's, also where `command` asks for `sh`. The mounts stand until
/// `run` returns: locks of caches are held and copies kept so long. What is waited for before is told as `events`.
///
/// # Errors
/// [`HistoryError`] when there is no such tree, or no shell; [`BuildError`] when the image cannot be put together.
pub fn reenter<R>(
    store: &Store,
    build: &Build,
    (step, side): (&Told, Side),
    command: &[String],
    given: Given,
    events: &Sender<Event>,
    run: impl FnOnce(Reentry) -> R,
) -> Result<Result<R, BuildError>, HistoryError> {
    let layers = build.tree(store, step, side)?;
    let mut spec = ContainerSpec { remove: true, entrypoint: Some(Vec::new()), ..ContainerSpec::default() };
    spec.command = match command {
        [] => shell(store, &layers, &mut spec)?,
        // Busybox is lent to whoever asks for what it can stand in for.
        [name, words @ ..] if ["sh", "ash", "/bin/sh"].contains(&name.as_str()) => {
            let mut shell = match own_shell(store, &layers)? {
                Some(_) => vec![name.clone()],
                None => lent_shell(&mut spec)?,
            };
            shell.extend_from_slice(words);
            shell
        }
        words => words.to_vec(),
    };
    let (contexts, gone) = dress::contexts(store, build);
    let (recorder, options) = (Recorder::silent(events), given.into_options());
    let site = Site::new(store, &contexts, &options, (None, Dating::Free), &recorder);
    let (inputs, lost): (Vec<Tree>, Vec<Option<String>>) = dress::inputs(store, build, step)
        .into_iter()
        .map(|input| match input {
            Ok(tree) => (tree, None),
            Err(error) => (Tree::empty(), Some(error.to_string())),
        })
        .unzip();
    let mut mounts = Mounts::new(&site, &inputs, false);
    let mut notes = Vec::new();
    if let Some(exec) = &step.decided.exec {
        notes = Dresser { site: &site, step, gone: &gone, lost }.dress(exec, &mut mounts);
        clothe(exec, &mut spec);
    }
    if let Some(setting) = &step.decided.setting {
        wear(&setting.env, &setting.user, &setting.cwd, &mut spec);
    }
    let unrecorded = Unrecorded { mounts: mounts.specs(), env: mounts.env().to_vec() };
    Ok(match image(store, &layers) {
        Ok(image) => {
            spec.image = image.id.to_string();
            Ok(run(Reentry { image, spec, unrecorded, notes }))
        }
        Err(error) => Err(error.into()),
    })
}

/// The shell of the tree, or one of this machine, mounted beside everything.
fn shell(store: &Store, layers: &[Layer], spec: &mut ContainerSpec) -> Result<Vec<String>, HistoryError> {
    match own_shell(store, layers)? {
        Some(shell) => Ok(vec![shell.to_owned()]),
        None => lent_shell(spec),
    }
}

/// The best shell that the tree has.
fn own_shell(store: &Store, layers: &[Layer]) -> Result<Option<&'static str>, HistoryError> {
    let view = TreeView::new(store, layers)?;
    for shell in SHELLS {
        let found = view.resolve(shell.as_bytes(), false)?;
        if found.and_then(|(_, found)| found).is_some_and(|found| !found.entry.is_dir()) {
            return Ok(Some(shell));
        }
    }
    Ok(None)
}

/// This machine's shell, mounted beside everything.
fn lent_shell(spec: &mut ContainerSpec) -> Result<Vec<String>, HistoryError> {
    let lent = LENT.iter().map(Path::new).find(|path| is_static(path)).ok_or(HistoryError::NoShell)?;
    let source =
        MountSource::Bind { path: lent.to_owned(), create: false, propagation: None, recursive: false };
    spec.mounts.push(Mount { source, target: LENT_AT.to_owned(), readonly: true });
    Ok(vec![LENT_AT.to_owned(), "sh".to_owned()])
}

/// Whether a program needs no interpreter: one that does, which busybox is on some machines, cannot be lent. Only the
/// little-endian 64-bit form of ELF is told apart (`elf(5)`); any other is tried.
fn is_static(path: &Path) -> bool {
    const INTERPRETER: u64 = 3;
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(HEADER_BYTES).read_to_end(&mut bytes));
    if read.is_err() {
        return false;
    }
    let number = |at: u64, length: u64| -> Option<u64> {
        let range = usize::try_from(at).ok()?..usize::try_from(at.checked_add(length)?).ok()?;
        Some(bytes.get(range)?.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    };
    if !bytes.starts_with(b"\x7fELF\x02\x01") {
        return true;
    }
    let (Some(start), Some(size), Some(count)) = (number(32, 8), number(54, 2), number(56, 2)) else {
        return false;
    };
    (0..count).all(|nth| start.checked_add(nth * size).and_then(|at| number(at, 4)) != Some(INTERPRETER))
}

/// Gives the container what the command had beside its mounts.
fn clothe(exec: &Exec, spec: &mut ContainerSpec) {
    wear(&exec.env, &exec.user, &exec.cwd, spec);
    spec.privileged = exec.insecure;
    spec.extra_hosts.clone_from(&exec.extra_hosts);
    spec.network = match exec.network {
        Network::Default => NetworkMode::Bridge,
        Network::None => NetworkMode::None,
        Network::Host => NetworkMode::Host,
    };
}

fn wear(env: &[(String, String)], user: &str, cwd: &str, spec: &mut ContainerSpec) {
    spec.env = env.to_vec();
    spec.workdir = Some(cwd.to_owned()).filter(|cwd| !cwd.is_empty());
    spec.user = Some(user.to_owned()).filter(|user| !user.is_empty());
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

#[cfg(test)]
mod tests {
    use super::*;

    /// An ELF file of segments of these types.
    fn program(segments: &[u32]) -> Vec<u8> {
        let mut bytes = vec![0; 64];
        bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
        bytes[32..40].copy_from_slice(&64_u64.to_le_bytes());
        bytes[54..56].copy_from_slice(&56_u16.to_le_bytes());
        bytes[56..58].copy_from_slice(&u16::try_from(segments.len()).expect("few").to_le_bytes());
        for kind in segments {
            bytes.extend(kind.to_le_bytes());
            bytes.extend([0; 52]);
        }
        bytes
    }

    #[test]
    fn a_program_with_an_interpreter_is_not_lent() {
        let dir = tempfile::tempdir().expect("a directory");
        let is_lent = |bytes: &[u8]| {
            let path = dir.path().join("program");
            std::fs::write(&path, bytes).expect("written");
            is_static(&path)
        };
        assert!(is_lent(&program(&[6, 1, 1])));
        assert!(!is_lent(&program(&[6, 3, 1])));
        assert!(!is_lent(&program(&[])[..40]), "a damaged one");
        assert!(is_lent(b"#!/bin/sh"), "what is not ELF is tried");
        assert!(!is_static(&dir.path().join("nothing")));
    }
}
