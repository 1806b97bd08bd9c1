//! What a plan says is what a build does.

use buildc_compiler::optimise::{self, Passes};
use buildc_compiler::plan::{self, PlanOptions};
use buildc_ir::{Diagnostic, Graph, Plan, SourceMap, State, StepId};

use super::world::{Build, Fate, World};

/// The plan of a graph with all passes on.
pub fn planned(
    graph: Graph,
    sources: SourceMap,
    world: &World,
    no_cache: bool,
) -> Result<Plan, Vec<Diagnostic>> {
    planned_as(graph, sources, world, PlanOptions { no_cache, passes: Passes::ALL, ..PlanOptions::default() })
}

/// The same with the passes and everything else that the options say.
///
/// # Errors
/// As the plan's.
pub fn planned_as(
    graph: Graph,
    sources: SourceMap,
    world: &World,
    options: PlanOptions,
) -> Result<Plan, Vec<Diagnostic>> {
    let (graph, passes) = optimise::run(graph, &options.passes);
    plan::plan(graph, passes, sources, world, &options)
}

/// Builds what a plan says and remembers the build; gives the steps that ran, in the graph's order.
pub fn checked_build(world: &mut World, plan: &Plan, no_cache: bool) -> Vec<StepId> {
    let mut build = Build::new(world, &plan.graph, no_cache);
    build.run();
    for (step, (id, node)) in plan.steps.iter().zip(plan.graph.iter()) {
        let fate = build.fates.get(&id);
        let as_planned = match step.state {
            State::Cached => fate == Some(&Fate::Cached),
            State::WillRun => fate == Some(&Fate::Ran),
            State::DependsOn { .. } => fate.is_some(),
            State::NotNeeded => fate.is_none(),
        };
        assert!(as_planned, "the plan said {:?} of `{}`, but it was {fate:?}", step.state, node.label);
    }
    let ran = |id: &StepId| build.fates.get(id) == Some(&Fate::Ran);
    let ran: Vec<StepId> = plan.graph.iter().map(|(id, _)| id).filter(ran).collect();
    let mut record = plan::record(plan);
    for (step, (id, _)) in record.steps.iter_mut().zip(plan.graph.iter()) {
        if ran.contains(&id) {
            step.duration_ms = Some(1500);
        }
    }
    world.record = Some(record);
    ran
}
