//! The plan: what will happen and why, before anything happens.

use buildc_digest::{ContentDigest, Key};

use crate::graph::{Graph, UnknownInput};
use crate::origin::SourceMap;
use crate::reads::Aspect;
use crate::step::StepId;

/// A graph with every step decided as far as can be known before running.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The graph after all passes; its targets are what is built.
    pub graph: Graph,
    /// One entry per step of the graph, in the graph's order.
    pub steps: Vec<PlannedStep>,
    /// Whether commands are traced.
    pub tracing: Tracing,
    /// What the passes did.
    pub passes: Vec<PassReport>,
    /// What running it needs.
    pub privilege: Privilege,
    /// How long it will take.
    pub estimate: Estimate,
    /// Times after this, in Unix seconds, become this when a layer is sealed; its steps' keys hold it.
    pub clamp: Option<i64>,
    /// Times of files count like their content (`--strict-times`); keys of steps hold that.
    pub strict_times: bool,
    /// The sources that spans point into.
    pub sources: SourceMap,
}

impl Plan {
    /// What the plan says of some of its targets alone.
    ///
    /// # Errors
    /// [`UnknownInput`] for a graph that lacks inputs of its steps.
    pub fn narrowed(&self, targets: std::ops::Range<usize>) -> Result<Self, UnknownInput> {
        let graph = self.graph.narrowed(targets)?;
        let steps = self.steps.iter().filter(|step| graph.get(step.id).is_some()).cloned().collect();
        Ok(Self { graph, steps, ..self.clone() })
    }
}

/// Whether what a command reads is recorded, and results over other bases are looked for by what they read.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
#[serde(rename_all = "kebab-case", tag = "tracing")]
pub enum Tracing {
    /// Yes.
    #[default]
    On,
    /// The user does not want it (`--trace=off`).
    Off,
    /// Times count (`--strict-times`), and no trace holds them.
    StrictTimes,
    /// This host does not allow it.
    Unavailable {
        /// In the host's words.
        why: String,
    },
}

/// A step and what will become of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedStep {
    /// Which step.
    pub id: StepId,
    /// Its definition key; known for every step, since it depends on definitions and selected files only.
    pub definition_key: Key,
    /// Its placed key, where the content of its base is known. `None` also for whatever builds on a step that its
    /// definition does not fix ([`crate::keys::is_volatile`]).
    pub placed_key: Option<Key>,
    /// Its content key, where all its inputs are known and it was needed to decide.
    pub content_key: Option<Key>,
    /// For a cached step that has a result of its own: the key its result was found under.
    pub result_key: Option<Key>,
    /// Digests of what it selects from build contexts, in the order of [`crate::keys::context_selections`].
    pub selected: Vec<ContentDigest>,
    /// What will happen.
    pub state: State,
    /// Why.
    pub reason: Reason,
    /// Where it may be made before its base is there (the link and reorder passes).
    pub early: Option<Early>,
    /// It is made in one go with the step that it builds on (the merge pass).
    pub merged: bool,
    /// How long it took the last time, if that is known.
    pub last_duration_ms: Option<u64>,
    /// Bytes of regular files in its own layers the last time, if that is known.
    pub last_size_bytes: Option<u64>,
}

/// A step that may be made over an earlier tree while its own base is still being made. What comes of it counts only if it
/// is what the written order gives; the order of layers and history is the written one in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Early {
    /// The nearest step below whose tree is in the store.
    pub over: StepId,
    /// How long others wait for it once its base is there, in milliseconds; `None` = as long as it takes.
    pub patience_ms: Option<u64>,
}

/// How long a plan takes, by how long its steps took the last time. All times are in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Estimate {
    /// Steps at once.
    pub jobs: usize,
    /// Where every step that is decided while the build runs turns out to be cached.
    pub least_ms: u64,
    /// Where every such step runs.
    pub most_ms: u64,
    /// Steps that may run and whose time is not known; they count as nothing.
    pub unknown: usize,
    /// The chain of steps that takes longest, each needing the one before.
    pub critical_path: Vec<StepId>,
    /// How long that chain takes: no number of jobs makes the build faster.
    pub critical_ms: u64,
    /// When each step that may run would do so if all did.
    pub timeline: Vec<Interval>,
}

/// When a step would run, from the start of the build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Interval {
    /// Which.
    pub step: StepId,
    /// Its start in milliseconds.
    pub start_ms: u64,
    /// Its end in milliseconds.
    pub end_ms: u64,
}

/// What will happen to a step.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum State {
    /// Its result is in the store.
    Cached,
    /// It will be executed.
    WillRun,
    /// Decided when the content of these steps is known.
    DependsOn {
        /// The steps whose content decides.
        steps: Vec<StepId>,
    },
    /// A user of its result is cached, so nobody asks for it.
    NotNeeded,
}

/// Why a step is not simply cached, in the user's terms.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "reason")]
pub enum Reason {
    /// The definition key is known.
    DefinitionKnown,
    /// The definition is new but the content key is known (early cut-off).
    ContentKnown,
    /// An earlier run over another base read nothing of what is different in this one.
    SameReads {
        /// How many paths it read.
        paths: u64,
    },
    /// Something that it reads is different from what it was when it last ran.
    ReadChanged {
        /// The first such path, absolute.
        path: String,
        /// What of it; `None` where the path was free and is no longer.
        aspect: Option<Aspect>,
    },
    /// No earlier build of this source had this step.
    NeverBuilt,
    /// The text of the instruction changed.
    InstructionChanged {
        /// As it was.
        before: String,
        /// As it is.
        after: String,
    },
    /// A build argument changed.
    ArgChanged {
        /// Its name.
        name: String,
        /// As it was.
        before: Option<String>,
        /// As it is.
        after: Option<String>,
    },
    /// An environment variable changed.
    EnvChanged {
        /// Its name.
        name: String,
        /// As it was.
        before: Option<String>,
        /// As it is.
        after: Option<String>,
    },
    /// Something else that the step runs with changed: user, working directory, shell, network, security, platform
    /// or mounts.
    SettingChanged {
        /// Its name.
        name: String,
        /// As it was.
        before: Option<String>,
        /// As it is.
        after: Option<String>,
    },
    /// Files of the build context changed.
    FilesChanged {
        /// Up to ten paths, with `+`, `-`, `~` or `@` in front (added, removed, changed, another time and nothing else);
        /// those with `@` are last.
        paths: Vec<String>,
        /// How many in all.
        total: u64,
    },
    /// The base image's name now means another digest.
    BaseMoved {
        /// The name.
        reference: String,
        /// Digest as it was, if known.
        before: Option<String>,
        /// Digest as it is.
        after: String,
    },
    /// A step it builds on runs or changed.
    InputChanged {
        /// The one where it began, not necessarily an input itself.
        step: StepId,
    },
    /// The result was pruned since it was last built.
    ResultGone,
    /// `--no-cache` was given.
    NoCache,
    /// Something in its definition changed that is not recorded apart, or this version of buildc computes keys
    /// differently.
    DefinitionChanged,
    /// Everything that would use it is cached.
    NothingNeedsIt,
    /// There is nothing to do: the empty tree, or a change of the config only.
    NothingToDo,
    /// A base image whose layers have to be pulled.
    NotPulled,
    /// A fetched file without a checksum is asked for again every time.
    NotPinned,
}

/// What one pass changed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PassReport {
    /// Name of the pass, for example `prune`.
    pub pass: &'static str,
    /// One line per change.
    pub changes: Vec<String>,
}

/// What the host must allow for the plan to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Privilege {
    /// Nothing: there is no Exec step.
    #[default]
    None,
    /// Namespaces: root, or a user namespace.
    Namespaces,
    /// A fully privileged step (`--security=insecure`).
    Insecure,
}
