//! prune: leaves out what no target reaches. A graph without targets is left as it is.

use buildc_ir::Graph;

use super::rewrite::{Fate, rewrite};

pub(super) const NAME: &str = "prune";

pub(super) fn run(graph: Graph) -> (Graph, Vec<String>) {
    let reached = graph.reachable(graph.targets.iter().map(|t| t.root));
    if graph.targets.is_empty() || reached.len() == graph.len() {
        return (graph, Vec::new());
    }
    let lost = graph.iter().filter(|(id, _)| !reached.contains(id));
    let changes = lost.map(|(_, node)| format!("`{}` is not reached by any target", node.label)).collect();
    match rewrite(&graph, |id, _| if reached.contains(&id) { Fate::Keep } else { Fate::Drop }) {
        Ok(pruned) => (pruned, changes),
        // A target's history names a step that its tree does not need: nothing may be left out.
        Err(_) => (graph, Vec::new()),
    }
}
