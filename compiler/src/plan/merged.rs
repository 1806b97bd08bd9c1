//! Which steps are made together with the step that they build on: asks the merge pass about each that may run.

use buildc_ir::graph::Node;
use buildc_ir::plan::Early;
use buildc_ir::{Graph, PassReport, State};

use super::decide::Decision;
use crate::optimise::merge;

/// For each step, in the graph's order, whether it is made in one go with its base; and what the pass did. Of several
/// steps on one base the first is; one that may be made early does not wait for its base.
pub(super) fn merged(
    graph: &Graph,
    decisions: &[Decision],
    early: &[Option<Early>],
) -> (Vec<bool>, PassReport) {
    let nodes: Vec<&Node> = graph.iter().map(|(_, node)| node).collect();
    let may_run = |at: usize| matches!(decisions[at].state, State::WillRun | State::DependsOn { .. });
    // The group that a step is the last of.
    let mut ends: Vec<Option<usize>> = vec![None; nodes.len()];
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut merged = vec![false; nodes.len()];
    for at in 0..nodes.len() {
        if !may_run(at) {
            continue;
        }
        let base = graph.base(at).filter(|base| may_run(*base));
        let group = base.filter(|base| early[at].is_none() && merge::joins(nodes[*base], nodes[at]));
        let group = group.and_then(|base| ends[base].take());
        merged[at] = group.is_some();
        let group = group.unwrap_or_else(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[group].push(at);
        ends[at] = Some(group);
    }
    let told = groups.iter().map(|group| group.iter().map(|at| nodes[*at]).collect::<Vec<_>>());
    let changes = told.filter_map(|group| merge::change(&group)).collect();
    (merged, PassReport { pass: merge::NAME, changes })
}
