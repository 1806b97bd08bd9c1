//! From a graph to a plan: what will happen to each step and why.

pub mod render;

use buildc_ir::world::{BuildRecord, Facts};
use buildc_ir::{Diagnostic, Graph, PassReport, Plan, SourceMap};

/// What the user asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PlanOptions {
    /// Nothing counts as cached (`--no-cache`).
    pub no_cache: bool,
}

/// Decides every step of the graph as far as can be known before running.
///
/// # Errors
/// Diagnostics with spans where a step selects files that are not there.
pub fn plan(
    _graph: Graph,
    _passes: Vec<PassReport>,
    _sources: SourceMap,
    _facts: &dyn Facts,
    _options: &PlanOptions,
) -> Result<Plan, Vec<Diagnostic>> {
    todo!()
}

/// What the next plan of the same source compares itself with. Durations are those known before the build; the
/// executor puts in the new ones.
pub fn record(_plan: &Plan) -> BuildRecord {
    todo!()
}
