//! Runs a plan.
#![allow(
    clippy::result_large_err,
    reason = "one failure per build; its fields are what the command line shows"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use buildc_ir::plan::Tracing;
use buildc_ir::world::{BuildRecord, StepRecord};
use buildc_ir::{Plan, Span, StepId};
use buildc_store::{ErrorKind, ImageRecord, Store, StoreError};
use crossbeam_channel::Sender;

use crate::assemble::{AssembleError, assemble};
use crate::cache::Imported;
use crate::cancel::Cancel;
use crate::container::{Limits, Ulimit};
use crate::context::Context;
use crate::dating::Dating;
use crate::event::{Event, Recorder, decided};
use crate::facts::RECORD_KIND;
use crate::layering::{Layering, arrange};
use crate::schedule::{Failure, Schedule, Tally};
use crate::step::{Site, Tree};

/// Where a secret's value comes from; read when a step needs it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SecretSource {
    /// A file.
    File(PathBuf),
    /// An environment variable of this process.
    Env(String),
}

/// How to run a plan.
#[derive(Clone, Debug)]
pub struct BuildOptions {
    /// Steps at once, at least 1.
    pub jobs: usize,
    /// Looks nothing up.
    pub no_cache: bool,
    /// Looks nothing up for steps of these stages.
    pub fresh_stages: Vec<String>,
    /// Cache mounts stay what they are, although nothing is looked up.
    pub keep_caches: bool,
    /// Whether commands are traced, as the plan has it.
    pub tracing: Tracing,
    /// Caches that are asked for what the store does not have.
    pub imported: Option<Arc<Imported>>,
    /// Secrets by id.
    pub secrets: BTreeMap<String, SecretSource>,
    /// Names the source and target, so that the next plan finds this build's record.
    pub source_key: String,
    /// The plan's record (`compiler::plan::record`); measured durations are filled in and it is stored.
    pub record: BuildRecord,
    /// Ends the build early.
    pub cancel: Cancel,
    /// Where the event log goes; `None` = the store's `logs` directory.
    pub log_dir: Option<PathBuf>,
    /// Socket of the user's ssh agents by id (`--ssh`).
    pub ssh: BTreeMap<String, PathBuf>,
    /// Which layers the images get.
    pub layering: Layering,
    /// What the sandboxes of commands are like beyond what their steps say.
    pub sandbox: SandboxOptions,
}

/// What the user says of the sandboxes of all commands. None of it enters keys: it is for the machine, not for the result.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct SandboxOptions {
    /// Instead of `buildkitsandbox`.
    pub hostname: Option<String>,
    /// Size of /dev/shm in bytes; 64 MiB when not given.
    pub shm_size_bytes: Option<u64>,
    /// Limits of each process.
    pub ulimits: Vec<Ulimit>,
    /// Limits of all processes of one command together.
    pub limits: Limits,
}

impl Default for BuildOptions {
    fn default() -> Self {
        Self {
            jobs: std::thread::available_parallelism().map_or(1, usize::from),
            no_cache: false,
            fresh_stages: Vec::new(),
            keep_caches: false,
            tracing: Tracing::On,
            imported: None,
            secrets: BTreeMap::new(),
            source_key: String::new(),
            record: BuildRecord::default(),
            cancel: Cancel::new(),
            log_dir: None,
            ssh: BTreeMap::new(),
            layering: Layering::Keep,
            sandbox: SandboxOptions::default(),
        }
    }
}

/// What a build made.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Target name and image, in the plan's order.
    pub images: Vec<(String, ImageRecord)>,
    /// Steps that ran.
    pub ran: u32,
    /// Steps that did not have to.
    pub cached: u32,
    /// Wall time.
    pub duration: Duration,
    /// Bytes of regular files in new layers.
    pub new_bytes: u64,
}

/// Which exit code a failure means (spec/errors).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FailureKind {
    /// Something the user wrote or gave: exit code 1.
    Input,
    /// The host does not allow or have something: 3.
    Environment,
    /// A registry or server: 4.
    Remote,
    /// A command of the build failed: 5.
    Step,
    /// A fault of this program: 70.
    Internal,
}

impl FailureKind {
    pub(crate) fn of(error: &StoreError) -> Self {
        match error.kind() {
            ErrorKind::Input => Self::Input,
            ErrorKind::Environment => Self::Environment,
            ErrorKind::Internal => Self::Internal,
        }
    }
}

/// Why a build failed.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// One step failed; the message is complete without the rest.
    #[error("{message}")]
    Step {
        /// Which.
        id: StepId,
        /// How people see it.
        label: String,
        /// Where it stands in the source; the first is the main place.
        origins: Vec<Span>,
        /// Stable code.
        code: &'static str,
        /// Which exit code it means.
        kind: FailureKind,
        /// What happened.
        message: String,
        /// The remedy.
        help: Option<String>,
        /// Exit status of the command, if it got that far.
        exit_status: Option<u8>,
        /// Last lines of its output, at most 20.
        tail: Vec<String>,
    },
    /// The user asked for the end.
    #[error("Build was cancelled")]
    Cancelled,
    /// The store failed outside any step.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The image could not be put together.
    #[error(transparent)]
    Assemble(#[from] AssembleError),
}

impl BuildError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Step { code, .. } => code,
            Self::Cancelled => "build::cancelled",
            Self::Store(e) | Self::Assemble(AssembleError::Store(e)) => e.code(),
            Self::Assemble(_) => "build::not_assembled",
        }
    }

    /// The remedy.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Step { help, .. } => help.clone(),
            Self::Store(e) | Self::Assemble(AssembleError::Store(e)) => e.help().map(str::to_owned),
            Self::Cancelled | Self::Assemble(_) => None,
        }
    }

    /// Which exit code it means; a cancelled build ends as the signal's shell convention wants, decided by the caller.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Step { kind, .. } => *kind,
            Self::Cancelled => FailureKind::Step,
            Self::Store(e) | Self::Assemble(AssembleError::Store(e)) => FailureKind::of(e),
            Self::Assemble(_) => FailureKind::Internal,
        }
    }
}

/// Runs what the plan says and returns the images of its targets.
///
/// # Errors
/// The first failure; everything else is cancelled and waited for, and nothing stays mounted.
pub fn build(
    store: &Store,
    plan: &Plan,
    contexts: &BTreeMap<String, Context>,
    options: &BuildOptions,
    events: &Sender<Event>,
) -> Result<Outcome, BuildError> {
    let start = Instant::now();
    let _lease = store.lease()?;
    let logs = match &options.log_dir {
        Some(dir) => dir.clone(),
        None => store.subdir("logs")?,
    };
    let recorder = Recorder::new(events, &logs);
    let site =
        Site::new(store, contexts, options, (plan.clamp, Dating::strict(plan.strict_times)), &recorder);
    let mut schedule = Schedule::new(&site, plan)?;
    recorder.tell(Event::Begun {
        source: shown(&options.source_key),
        targets: plan.graph.targets.iter().map(|target| target.name.clone()).collect(),
        contexts: contexts.iter().map(|(name, context)| context.place(name)).collect(),
        steps: decided(plan),
    });
    recorder.tell(Event::Planned { steps: schedule.lines() });
    let (tally, result) = schedule.run(&site);
    let images = match result {
        Ok(()) => images(&site, plan, &schedule),
        Err(failure) => Err(failed(&schedule, failure)),
    };
    let images = match images {
        Ok(images) => {
            keep_record(store, options, measured(options, &tally))?;
            if tally.ran > 0 {
                store.sync()?;
            }
            Ok(images)
        }
        Err(error) => {
            // The failure is what is worth telling; without the record the next plan only explains less.
            let _ = keep_part(store, options, done(plan, &schedule, measured(options, &tally)));
            Err(error)
        }
    };
    let duration = start.elapsed();
    recorder.tell(Event::Finished {
        success: images.is_ok(),
        ran: tally.ran,
        cached: tally.cached,
        duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
    });
    let Tally { ran, cached, new_bytes, .. } = tally;
    images.map(|images| Outcome { images, ran, cached, duration, new_bytes })
}

/// Puts the images of all targets together.
fn images(
    site: &Site<'_>,
    plan: &Plan,
    schedule: &Schedule<'_>,
) -> Result<Vec<(String, ImageRecord)>, BuildError> {
    let mut images = Vec::new();
    for target in &plan.graph.targets {
        let tree = schedule.tree(target.root).unwrap_or_else(Tree::empty);
        let (target, layers) =
            arrange(site.store, &plan.graph, target, &tree.layers, site.options.layering, site.dating)?;
        let image = assemble(site.store, &target, &layers, plan.clamp)?;
        site.recorder.tell(Event::Assembled { target: target.name.clone(), image: image.id });
        images.push((target.name.clone(), image));
    }
    Ok(images)
}

fn failed(schedule: &Schedule<'_>, failure: Failure) -> BuildError {
    if failure.error.is_cancelled() {
        return BuildError::Cancelled;
    }
    let (id, node) = schedule.node(failure.at);
    let (exit_status, tail) = failure.error.command();
    BuildError::Step {
        id,
        label: node.label.clone(),
        origins: node.origins.clone(),
        code: failure.error.code(),
        kind: failure.error.kind(),
        message: failure.error.to_string(),
        help: failure.error.help(),
        exit_status,
        tail,
    }
}

/// The plan's record with what the build has measured.
fn measured(options: &BuildOptions, tally: &Tally) -> BuildRecord {
    let mut record = options.record.clone();
    for (at, duration_ms) in &tally.durations {
        if let Some(step) = record.steps.get_mut(*at) {
            step.duration_ms = Some(*duration_ms);
        }
    }
    for (at, bytes) in &tally.sizes {
        if let Some(step) = record.steps.get_mut(*at) {
            step.size_bytes = Some(*bytes);
        }
    }
    record
}

/// Of a build that failed, the record of the steps that were done.
fn done(plan: &Plan, schedule: &Schedule<'_>, record: BuildRecord) -> BuildRecord {
    let steps = plan.graph.iter().zip(record.steps);
    BuildRecord {
        steps: steps.filter(|((id, _), _)| schedule.tree(*id).is_some()).map(|(_, step)| step).collect(),
    }
}

/// A source's key without the parts that nothing was said of: target and platform.
fn shown(source_key: &str) -> String {
    let mut parts: Vec<&str> = source_key.rsplitn(3, '#').filter(|part| !part.is_empty()).collect();
    parts.reverse();
    parts.join("#")
}

/// Stores what the next plan compares itself with, unless it is what stands there.
fn keep_record(store: &Store, options: &BuildOptions, record: BuildRecord) -> Result<(), BuildError> {
    if options.source_key.is_empty() {
        return Ok(());
    }
    // Every record has a JSON form.
    let Ok(text) = serde_json::to_string(&record) else { return Ok(()) };
    if store.document(RECORD_KIND, &options.source_key)?.as_deref() != Some(text.as_str()) {
        store.put_document(RECORD_KIND, &options.source_key, &text)?;
    }
    Ok(())
}

/// The same for a part of the steps: unless it would push out a record of others, which say more about what did not
/// get its turn.
fn keep_part(store: &Store, options: &BuildOptions, part: BuildRecord) -> Result<(), BuildError> {
    let before = store.document(RECORD_KIND, &options.source_key)?;
    let before: BuildRecord = before.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    let has = |old: &StepRecord| part.steps.iter().any(|new| new.stage == old.stage && new.text == old.text);
    if before.steps.iter().all(has) { keep_record(store, options, part) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_shown_without_empty_parts() {
        for (key, want) in
            [("/a/Dockerfile##", "/a/Dockerfile"), ("/a#b/f#t#", "/a#b/f#t"), ("/f##p", "/f#p"), ("", "")]
        {
            assert_eq!(shown(key), want);
        }
    }
}
