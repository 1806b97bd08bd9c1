//! Builds that were, read back from their event logs (spec/history.md).
//!
//! Owns: which builds there are, what became of each step, the tree that a step had or left, and how to enter it.
//! Never does: planning, or keeping anything of its own: a log that is gone is a build that is forgotten.

mod dress;
mod error;
mod find;
mod read;
mod reenter;

use std::path::PathBuf;

use buildc_ir::StepId;
use buildc_store::{Layer, LayerId, Store, StoreError};
use serde::Serialize;

use crate::event::{ContextPlace, Decided, Why};

pub use dress::Given;
pub use error::HistoryError;
pub use read::{builds, newest, open};
pub use reenter::{Reentry, reenter};

/// One build.
#[derive(Clone, Debug, Serialize)]
pub struct Build {
    /// Its name: when it began in milliseconds since 1970, and the process.
    pub id: String,
    /// When it began, in milliseconds since 1970.
    pub started_ms: u64,
    /// What was built: source, target and platform.
    pub source: String,
    /// Names of its targets.
    pub targets: Vec<String>,
    /// Where its build contexts were.
    pub contexts: Vec<ContextPlace>,
    /// What became of its steps, in the plan's order.
    pub steps: Vec<Told>,
    /// Targets and the images that were made of them.
    pub images: Vec<(String, String)>,
    /// How it ended; none where it still runs or was killed.
    pub end: Option<End>,
    /// The whole log.
    pub log: PathBuf,
}

/// How a build ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct End {
    /// True when everything was built.
    pub success: bool,
    /// Steps that ran.
    pub ran: u32,
    /// Steps that did not have to.
    pub cached: u32,
    /// How long it took.
    pub duration_ms: u64,
}

/// A step of a build and what became of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Told {
    /// What the plan said.
    #[serde(flatten)]
    pub decided: Decided,
    /// What happened.
    pub fate: Fate,
    /// Ids of the layers it made or found; of a failed command, of what it left.
    #[serde(skip)]
    pub layers: Vec<i64>,
}

/// What became of a step.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub enum Fate {
    /// Nobody asked for it, or the build ended before.
    Untouched,
    /// It began, and the log says no more.
    Started,
    /// It was found.
    Cached {
        /// How.
        why: Why,
    },
    /// It ran.
    Ran {
        /// How long.
        duration_ms: u64,
    },
    /// It failed.
    Failed {
        /// What happened.
        message: String,
        /// Exit status of its command.
        exit_status: Option<u8>,
    },
    /// It was stopped.
    Cancelled,
}

/// Which side of a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// The tree it was given.
    Before,
    /// The tree it left, also where it failed.
    After,
}

impl Told {
    /// Whether the build had to do something for it.
    pub fn is_miss(&self) -> bool {
        !matches!(self.fate, Fate::Untouched | Fate::Cached { .. })
    }
}

impl Build {
    /// The newest build of the same source before this one in which the step with the same text, at the same place, had
    /// to be made, and that step.
    ///
    /// # Errors
    /// When the logs cannot be read.
    pub fn newest_miss(&self, store: &Store, step: &Told) -> Result<Option<(Build, Told)>, HistoryError> {
        for earlier in builds(store)?.into_iter().filter(|build| build.id < self.id) {
            let same = |told: &&Told| {
                told.decided.label == step.decided.label && told.decided.places == step.decided.places
            };
            let told = earlier.steps.iter().find(same).filter(|told| told.is_miss()).cloned();
            if let Some(told) = told.filter(|_| earlier.source == self.source) {
                return Ok(Some((earlier, told)));
            }
        }
        Ok(None)
    }

    fn step(&self, id: StepId) -> Option<&Told> {
        self.steps.iter().find(|told| told.decided.id == id)
    }

    /// The layers of the tree before or after a step, lowest first. Where this build had no need of the step, those of the
    /// newest earlier one that had it with the same definition.
    ///
    /// # Errors
    /// When no build came to the step, or its layers were pruned since.
    pub fn tree(&self, store: &Store, step: &Told, side: Side) -> Result<Vec<Layer>, HistoryError> {
        let error = match self.own_tree(store, step, side) {
            Err(error @ HistoryError::NoTree { .. }) => error,
            other => return other,
        };
        for earlier in builds(store)?.iter().filter(|build| build.id < self.id) {
            let same = earlier.step(step.decided.id);
            if let Some(same) = same.filter(|same| same.decided.definition_key == step.decided.definition_key)
                && let Ok(layers) = earlier.own_tree(store, same, side)
            {
                return Ok(layers);
            }
        }
        Err(error)
    }

    fn own_tree(&self, store: &Store, step: &Told, side: Side) -> Result<Vec<Layer>, HistoryError> {
        let mut chain = Vec::new();
        let mut at = match side {
            Side::After => Some(step),
            Side::Before => self.base(step)?,
        };
        while let Some(told) = at {
            if told.layers.is_empty() && !matches!(told.fate, Fate::Cached { .. } | Fate::Ran { .. }) {
                return Err(HistoryError::NoTree { label: told.decided.label.clone() });
            }
            chain.push(told);
            at = self.base(told)?;
        }
        let mut layers = Vec::new();
        for told in chain.iter().rev() {
            for id in &told.layers {
                layers.push(store.layer(LayerId(*id)).map_err(|error| match error {
                    StoreError::NoLayer { .. } => HistoryError::Pruned { label: told.decided.label.clone() },
                    other => other.into(),
                })?);
            }
        }
        Ok(layers)
    }

    fn base(&self, step: &Told) -> Result<Option<&Told>, HistoryError> {
        let Some(id) = step.decided.base else { return Ok(None) };
        let missing = || HistoryError::NoTree { label: step.decided.label.clone() };
        self.step(id).ok_or_else(missing).map(Some)
    }
}
