//! Runs a plan.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use buildc_ir::world::BuildRecord;
use buildc_ir::{Plan, Span, StepId};
use buildc_store::{ImageRecord, Store};
use crossbeam_channel::Sender;

use crate::cancel::Cancel;
use crate::context::Context;
use crate::event::Event;

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
    /// Clamps the image's times, in Unix seconds.
    pub source_date_epoch: Option<i64>,
    /// Socket of the user's ssh agents by id (`--ssh`).
    pub ssh: BTreeMap<String, PathBuf>,
}

impl Default for BuildOptions {
    fn default() -> Self {
        Self {
            jobs: std::thread::available_parallelism().map_or(1, usize::from),
            no_cache: false,
            secrets: BTreeMap::new(),
            source_key: String::new(),
            record: BuildRecord::default(),
            cancel: Cancel::new(),
            log_dir: None,
            source_date_epoch: None,
            ssh: BTreeMap::new(),
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
    Store(#[from] buildc_store::StoreError),
}

impl BuildError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Step { code, .. } => code,
            Self::Cancelled => "build::cancelled",
            Self::Store(error) => error.code(),
        }
    }

    /// The remedy.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Step { help, .. } => help.clone(),
            Self::Store(error) => error.help().map(str::to_owned),
            Self::Cancelled => None,
        }
    }

    /// Which exit code it means; a cancelled build ends as the signal's shell convention wants, decided by the caller.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Step { kind, .. } => *kind,
            Self::Cancelled => FailureKind::Step,
            Self::Store(_) => FailureKind::Environment,
        }
    }
}

/// Runs what the plan says and returns the images of its targets.
///
/// # Errors
/// The first failure; everything else is cancelled and waited for, and nothing stays mounted.
pub fn build(
    _store: &Store,
    _plan: &Plan,
    _contexts: &BTreeMap<String, Context>,
    _options: &BuildOptions,
    _events: &Sender<Event>,
) -> Result<Outcome, BuildError> {
    todo!()
}
