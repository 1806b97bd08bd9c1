//! Definition keys of all steps: canonical steps, inputs, and what they select from build contexts.

use buildc_digest::{ContentDigest, Key};
use buildc_ir::graph::Node;
use buildc_ir::keys;
use buildc_ir::step::From;
use buildc_ir::world::Facts;
use buildc_ir::{Diagnostic, Graph, SourceMap};

use super::{PlanOptions, select};

/// What is known of a step before any result is looked up.
pub(super) struct Definition {
    pub(super) key: Key,
    /// Digests of its selections from contexts.
    pub(super) selected: Vec<ContentDigest>,
    /// It, or something it builds on, is not fixed by its definition.
    pub(super) volatile: bool,
}

/// Computes all definitions, in the graph's order.
pub(super) fn define(
    graph: &Graph,
    sources: &SourceMap,
    facts: &dyn Facts,
    options: &PlanOptions,
) -> Result<Vec<Definition>, Vec<Diagnostic>> {
    let mut out: Vec<Definition> = Vec::with_capacity(graph.len());
    let mut problems = Vec::new();
    for (_, node) in graph.iter() {
        let inputs = node.step.inputs.iter().filter_map(|i| out.get(graph.position(i.step)?));
        let volatile = keys::is_volatile(&node.step.kind) || inputs.clone().any(|i| i.volatile);
        let input_keys: Vec<Key> = inputs.map(|i| i.key).collect();
        let selected = select_all(node, sources, facts, &mut problems);
        let key = keys::definition_key(&node.step, &input_keys, &selected);
        let key = if keys::has_content_key(&node.step.kind) { options.keyed(key) } else { key };
        out.push(Definition { key, selected, volatile });
    }
    if problems.is_empty() { Ok(out) } else { Err(problems) }
}

fn select_all(
    node: &Node,
    sources: &SourceMap,
    facts: &dyn Facts,
    problems: &mut Vec<Diagnostic>,
) -> Vec<ContentDigest> {
    let mut selected = Vec::new();
    for (context, query) in keys::context_selections(&node.step.kind) {
        match facts.select_context(&context, &query) {
            Ok(found) => selected.push(found.digest),
            Err(error) => problems.push(select::diagnostic(node, &From::Context(context), error, sources)),
        }
    }
    selected
}
