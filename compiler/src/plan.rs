//! From a graph to a plan: what will happen to each step and why (spec/plan-format.md).
//!
//! Owns: which keys are looked up in which order, what is needed, and the reasons. Never does: running anything. What
//! a plan says is what the executor then does, so nothing here guesses.

mod decide;
mod define;
mod estimate;
mod explain;
mod merged;
mod order;
mod previous;
mod record;
pub mod render;
mod select;
#[cfg(test)]
mod tests;

use crate::optimise::Passes;
use buildc_digest::Key;
use buildc_ir::graph::Node;
use buildc_ir::keys;
use buildc_ir::plan::Tracing;
use buildc_ir::world::{BuildRecord, Facts, StepRecord};
use buildc_ir::{Diagnostic, Graph, PassReport, Plan, PlannedStep, Privilege, SourceMap, State, StepKind};

/// What the user asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PlanOptions {
    /// Nothing counts as cached (`--no-cache`).
    pub no_cache: bool,
    /// Steps of these stages do not count as cached (`--no-cache-filter`).
    pub fresh_stages: Vec<String>,
    /// Times after this, in Unix seconds, are clamped to it (`SOURCE_DATE_EPOCH`).
    pub clamp: Option<i64>,
    /// Times of files count like their content (`--strict-times`); `facts` then answer with digests that hold them.
    pub strict_times: bool,
    /// Whether traces are used.
    pub tracing: Tracing,
    /// How many steps may run at once, for the estimate; 0 counts as 1.
    pub jobs: usize,
    /// Which passes are on; those over the graph have run by now.
    pub passes: Passes,
}

impl PlanOptions {
    /// The key of a step whose layer depends on how times are treated.
    fn keyed(&self, key: Key) -> Key {
        keys::dated(keys::clamped(key, self.clamp), self.strict_times)
    }

    /// Whether traces are asked: they hold no times.
    fn traces(&self) -> bool {
        self.tracing == Tracing::On && !self.strict_times
    }

    /// True for a step that is to run whatever is known of it.
    fn is_fresh(&self, node: &Node) -> bool {
        self.no_cache || node.is_of(&self.fresh_stages)
    }
}

/// Decides every step of the graph as far as can be known before running.
///
/// # Errors
/// Diagnostics with spans where a step selects files that are not there or cannot be read; all of them at once.
pub fn plan(
    graph: Graph,
    mut passes: Vec<PassReport>,
    sources: SourceMap,
    facts: &dyn Facts,
    options: &PlanOptions,
) -> Result<Plan, Vec<Diagnostic>> {
    let definitions = define::define(&graph, &sources, facts, options)?;
    let decisions = decide::decide(&graph, &definitions, &sources, facts, options)?;
    let (early, reports) = order::order(&graph, &definitions, &decisions, facts, options);
    passes.extend(reports);
    let mut merged = vec![false; decisions.len()];
    if options.passes.merge {
        let (found, report) = merged::merged(&graph, &decisions, &early);
        merged = found;
        passes.push(report);
    }
    let previous = previous::Previous::new(facts.previous().unwrap_or_default(), &graph);
    let reasons = explain::explain(&graph, &definitions, &decisions, &previous, facts, options);
    let steps: Vec<PlannedStep> = graph
        .iter()
        .zip(definitions)
        .zip(decisions)
        .zip(reasons)
        .zip(early.into_iter().zip(merged))
        .enumerate()
        .map(|(at, (((((id, _), definition), decision), reason), (early, merged)))| PlannedStep {
            id,
            definition_key: definition.key,
            placed_key: decision.placed_key,
            content_key: decision.content_key,
            result_key: decision.result_key,
            selected: definition.selected,
            state: decision.state,
            reason,
            early,
            merged,
            last_duration_ms: previous.same(at).and_then(|record| record.duration_ms),
            last_size_bytes: previous.same(at).and_then(|record| record.size_bytes),
        })
        .collect();
    let privilege = privilege(&graph, &steps);
    let estimate = estimate::estimate(&graph, &steps, options.jobs);
    let tracing = options.tracing.clone();
    let PlanOptions { clamp, strict_times, .. } = *options;
    Ok(Plan { graph, steps, tracing, passes, privilege, estimate, clamp, strict_times, sources })
}

/// What the next plan of the same source compares itself with. Durations and sizes are those known before the
/// build; the executor puts in the new ones.
pub fn record(plan: &Plan) -> BuildRecord {
    let steps = plan.graph.iter().zip(&plan.steps).map(|((_, node), step)| {
        let selected = step.selected.clone();
        StepRecord {
            duration_ms: step.last_duration_ms,
            size_bytes: step.last_size_bytes,
            ..record::step_record(node, step.definition_key, selected, (plan.clamp, plan.strict_times))
        }
    });
    BuildRecord { steps: steps.collect() }
}

/// Only steps that may run ask for anything.
fn privilege(graph: &Graph, steps: &[PlannedStep]) -> Privilege {
    let may_run = |step: &PlannedStep| matches!(step.state, State::WillRun | State::DependsOn { .. });
    let of = |node: &Node| match &node.step.kind {
        StepKind::Exec(exec) if exec.insecure => Privilege::Insecure,
        StepKind::Exec(_) => Privilege::Namespaces,
        _ => Privilege::None,
    };
    let asked = graph.iter().zip(steps).filter(|(_, step)| may_run(step)).map(|((_, node), _)| of(node));
    asked.max().unwrap_or_default()
}
