//! Rebuilds a graph with some steps left out. Ids of later steps change with their inputs, so everything that names a
//! step is renamed on the way.

use buildc_ir::graph::UnknownInput;
use buildc_ir::{Graph, StepId, StepMap, Target, graph::Node};

/// What becomes of one step.
pub(super) enum Fate {
    /// It stays.
    Keep,
    /// It goes, and nothing that stays needs it.
    Drop,
    /// It goes, and its users use this step of the old graph, which came before it, instead.
    Become(StepId),
}

/// Applies a fate to every step.
///
/// # Errors
/// [`UnknownInput`] when a step stays that needs a dropped one.
pub(super) fn rewrite(graph: &Graph, fate: impl Fn(StepId, &Node) -> Fate) -> Result<Graph, UnknownInput> {
    let mut out = Graph::new();
    let mut renamed: StepMap<StepId> = StepMap::with_capacity_and_hasher(graph.len(), Default::default());
    let mut gone: Vec<StepId> = Vec::new();
    for (id, node) in graph.iter() {
        let new = match fate(id, node) {
            Fate::Drop => continue,
            Fate::Become(other) => {
                gone.push(id);
                *renamed.get(&other).ok_or(UnknownInput(other))?
            }
            Fate::Keep => out.add(rewired(node, &renamed)?)?,
        };
        renamed.insert(id, new);
    }
    gone.sort_unstable();
    for target in &graph.targets {
        out.targets.push(retargeted(target, &renamed, &gone)?);
    }
    Ok(out)
}

fn rewired(node: &Node, renamed: &StepMap<StepId>) -> Result<Node, UnknownInput> {
    let mut node = node.clone();
    for input in &mut node.step.inputs {
        input.step = *renamed.get(&input.step).ok_or(UnknownInput(input.step))?;
    }
    Ok(node)
}

/// A history entry keeps its text; its layer goes with its step.
fn retargeted(target: &Target, renamed: &StepMap<StepId>, gone: &[StepId]) -> Result<Target, UnknownInput> {
    let mut target = target.clone();
    target.root = *renamed.get(&target.root).ok_or(UnknownInput(target.root))?;
    for entry in &mut target.history {
        entry.step = entry.step.filter(|id| gone.binary_search(id).is_err());
        if let Some(id) = entry.step {
            entry.step = Some(*renamed.get(&id).ok_or(UnknownInput(id))?);
        }
    }
    Ok(target)
}
