//! fold: a change of the image's config is data on the target, never a layer or an execution. Config steps go; their
//! users stand on what was below them. Steps that become equal by that are joined.

use buildc_ir::graph::Node;
use buildc_ir::{Graph, StepId, StepKind};

use super::rewrite::{Fate, rewrite};

pub(super) const NAME: &str = "fold";

pub(super) fn run(graph: Graph) -> (Graph, Vec<String>) {
    let folded = graph.iter().filter(|(_, node)| below(node).is_some());
    let changes: Vec<String> =
        folded.map(|(_, node)| format!("`{}` only changes the config", node.label)).collect();
    if changes.is_empty() {
        return (graph, changes);
    }
    match rewrite(&graph, |_, node| below(node).map_or(Fate::Keep, Fate::Become)) {
        Ok(folded) => (folded, changes),
        // Nothing is dropped, so every input stays known; a malformed graph is left for the plan to refuse.
        Err(_) => (graph, Vec::new()),
    }
}

/// What a config step stands on.
fn below(node: &Node) -> Option<StepId> {
    match node.step.kind {
        StepKind::Config(_) => node.step.base(),
        _ => None,
    }
}
