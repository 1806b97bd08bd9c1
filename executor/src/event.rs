//! What a build tells while it runs: the only progress channel. Rendered by the command line alone; every event is
//! also appended to the build's log file.

mod decided;
mod recorder;

use buildc_digest::Digest;
use buildc_ir::StepId;
use serde::{Deserialize, Serialize};

pub(crate) use decided::decided;
pub use decided::{ContextPlace, Decided};
pub(crate) use recorder::Recorder;

/// Which output of a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Why a step did not have to run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// The definition key was known.
    Definition,
    /// The content key was known (early cut-off).
    Content,
    /// A run over another base read nothing of what is different in this one.
    Trace,
    /// Another build was running the same step and finished it.
    OtherBuild,
}

/// One step as the plan has it, for renderers that show all steps from the start.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct PlannedLine {
    /// Which.
    pub id: StepId,
    /// How people see it.
    pub label: String,
    /// True when the plan expects it to run.
    pub will_run: bool,
    /// How long it took the last time.
    pub last_duration_ms: Option<u64>,
}

/// One thing that happened.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The first event: what is built, and what the plan said of each step.
    Begun {
        /// Source, target and platform.
        source: String,
        /// Names of the targets.
        targets: Vec<String>,
        /// Where its build contexts are.
        contexts: Vec<ContextPlace>,
        /// In graph order.
        steps: Vec<Decided>,
    },
    /// All steps that this build needs.
    Planned {
        /// In graph order.
        steps: Vec<PlannedLine>,
    },
    /// A step begins to run.
    Started {
        /// Which.
        id: StepId,
        /// How people see it.
        label: String,
    },
    /// A step's command wrote something: whole lines where it writes lines.
    Log {
        /// Which step.
        id: StepId,
        /// Where to.
        stream: Stream,
        /// What, at most 64 KiB.
        #[serde(serialize_with = "as_text")]
        bytes: Vec<u8>,
    },
    /// A step's result was in the store.
    Cached {
        /// Which.
        id: StepId,
        /// How people see it.
        label: String,
        /// How it was found.
        why: Why,
        /// Ids of its layers in the store.
        layers: Vec<i64>,
    },
    /// A step has run.
    Done {
        /// Which.
        id: StepId,
        /// How long.
        duration_ms: u64,
        /// Ids of its layers in the store.
        layers: Vec<i64>,
    },
    /// A step has failed; the others are cancelled.
    Failed {
        /// Which.
        id: StepId,
        /// How people see it.
        label: String,
        /// What happened.
        message: String,
        /// Exit status of its command, if it got that far.
        exit_status: Option<u8>,
        /// Id of the layer that holds what its command left.
        layers: Vec<i64>,
    },
    /// A step was stopped, since another failed or the user asked.
    Cancelled {
        /// Which.
        id: StepId,
    },
    /// What was made of a step before its turn does not hold; it is made again in its turn.
    Discarded {
        /// Which.
        id: StepId,
        /// How people see it.
        label: String,
        /// Why.
        why: String,
    },
    /// Progress of a pull or download.
    Pull {
        /// Which step.
        id: StepId,
        /// What is fetched: a blob's digest or a URL.
        what: String,
        /// Bytes so far.
        done_bytes: u64,
        /// Bytes in all, if known.
        total_bytes: Option<u64>,
    },
    /// Worth knowing; the build goes on.
    Warning {
        /// Which step, if one.
        id: Option<StepId>,
        /// Stable code.
        code: &'static str,
        /// The fact.
        message: String,
    },
    /// An image is in the store.
    Assembled {
        /// Target's name.
        target: String,
        /// Digest of its config.
        image: Digest,
    },
    /// The last event.
    Finished {
        /// True when everything was built.
        success: bool,
        /// Steps that ran.
        ran: u32,
        /// Steps that did not have to.
        cached: u32,
        /// From the start of the build.
        duration_ms: u64,
    },
}

/// Log bytes are shown as text; what is not UTF-8 is replaced.
fn as_text<S: serde::Serializer>(bytes: &[u8], s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(&String::from_utf8_lossy(bytes))
}
