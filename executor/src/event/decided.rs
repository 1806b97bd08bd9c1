//! What the plan said of each step, as a build's log keeps it: enough to say afterwards what was done with a step and
//! why, and to enter its state again.

use std::collections::HashMap;
use std::path::PathBuf;

use buildc_digest::{ContentDigest, Key};
use buildc_ir::step::Exec;
use buildc_ir::{FileId, Plan, Reason, Setting, SourceMap, Span, State, StepId, StepKind};
use serde::{Deserialize, Serialize};

/// A directory of the user's that a build takes files from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ContextPlace {
    /// What steps call it; the main one has the empty name.
    pub name: String,
    /// Where it is. What was fetched or unpacked for the build is gone afterwards.
    pub dir: PathBuf,
    /// Name and text of the ignore file that applies.
    pub ignore: Option<(String, String)>,
}

/// One step of a plan.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Decided {
    /// Which.
    pub id: StepId,
    /// How people see it.
    pub label: String,
    /// `FILE:LINE` of each instruction that it comes from.
    pub places: Vec<String>,
    /// The step whose tree it is applied to; none where that is empty.
    pub base: Option<StepId>,
    /// Its definition key.
    pub definition_key: Key,
    /// What was to happen.
    #[serde(flatten)]
    pub state: State,
    /// Why.
    #[serde(flatten)]
    pub reason: Reason,
    /// The command, where it is one; without what enters no key.
    #[serde(default)]
    pub exec: Option<Exec>,
    /// Of what is no command, what one after it would run with, where that is known.
    #[serde(default)]
    pub setting: Option<Setting>,
    /// Of a command, the steps that its mounts are taken from, by the number its definition gives them; none for an
    /// empty tree.
    #[serde(default)]
    pub inputs: Vec<Option<StepId>>,
    /// Of a command, the digests of what it mounts of build contexts, in the mounts' order.
    #[serde(default)]
    pub selected: Vec<ContentDigest>,
}

/// All steps of a plan that people see, in its order.
pub(crate) fn decided(plan: &Plan) -> Vec<Decided> {
    let mut lines = Lines { sources: &plan.sources, starts: HashMap::new() };
    let steps = plan.graph.iter().zip(&plan.steps);
    let seen = steps.filter(|((_, node), _)| {
        !matches!(node.step.kind, StepKind::Scratch | StepKind::Config(_) | StepKind::Diff)
    });
    seen.map(|((id, node), planned)| Decided {
        id,
        label: node.label.clone(),
        places: node.origins.iter().filter_map(|span| lines.place(*span)).collect(),
        base: node.step.base().and_then(|id| tree_of(plan, id)),
        definition_key: planned.definition_key,
        state: planned.state.clone(),
        reason: planned.reason.clone(),
        exec: if let StepKind::Exec(exec) = &node.step.kind { Some(exec.clone()) } else { None },
        setting: node.setting.as_deref().cloned(),
        inputs: if let StepKind::Exec(exec) = &node.step.kind
            && !exec.mounts.is_empty()
        {
            node.step.inputs.iter().map(|input| tree_of(plan, input.step)).collect()
        } else {
            Vec::new()
        },
        selected: match node.step.kind {
            StepKind::Exec(_) => planned.selected.clone(),
            _ => Vec::new(),
        },
    })
    .collect()
}

/// The step that people see whose tree this one has; none where that is empty.
fn tree_of(plan: &Plan, mut id: StepId) -> Option<StepId> {
    loop {
        let step = &plan.graph.get(id)?.step;
        match step.kind {
            StepKind::Scratch => return None,
            StepKind::Config(_) => id = step.base()?,
            _ => return Some(id),
        }
    }
}

/// Line numbers of many places; each file is searched once.
struct Lines<'s> {
    sources: &'s SourceMap,
    /// Where the lines of a file end.
    starts: HashMap<FileId, Vec<usize>>,
}

impl Lines<'_> {
    fn place(&mut self, span: Span) -> Option<String> {
        let file = self.sources.get(span.file)?;
        let ends = self.starts.entry(span.file).or_insert_with(|| {
            file.text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at).collect()
        });
        let line = ends.partition_point(|end| *end < span.start as usize) + 1;
        Some(format!("{}:{line}", file.name))
    }
}
