//! Passes over the graph: each pure, in one file, individually switchable, with its reasons.

use buildc_ir::{Graph, PassReport};

/// Which passes are on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Passes {
    /// Leaves out what no target reaches.
    pub prune: bool,
    /// Reports steps that several places share.
    pub dedupe: bool,
    /// Removes config-only steps.
    pub fold: bool,
}

impl Default for Passes {
    fn default() -> Self {
        Self { prune: true, dedupe: true, fold: true }
    }
}

/// Runs the passes that are on, in their fixed order.
pub fn run(_graph: Graph, _passes: &Passes) -> (Graph, Vec<PassReport>) {
    todo!()
}
