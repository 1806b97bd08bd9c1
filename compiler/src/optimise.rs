//! Passes: each pure, in one file, individually switchable, and saying what it did. Three change the graph before it is
//! planned; link and reorder say of the planned steps which may be made before their turn, merge which are made in one go.
//!
//! Owns: which passes there are and their order. Never does: anything that changes the final tree, the image config,
//! its layers or its history; a property test compares both ways.

mod dedupe;
mod fold;
pub(crate) mod link;
pub(crate) mod merge;
mod prune;
pub(crate) mod reorder;
mod rewrite;

use buildc_ir::{Graph, PassReport};

/// Which passes are on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Passes {
    /// Leaves out what no target reaches.
    pub prune: bool,
    /// Reports steps that several places share; the graph itself joins equal steps when they are added.
    pub dedupe: bool,
    /// Removes config-only steps.
    pub fold: bool,
    /// Prepares copies while their base is being made.
    pub link: bool,
    /// Makes neighbouring steps that only put files there in one go.
    pub merge: bool,
    /// Starts commands before others that they have nothing to do with.
    pub reorder: bool,
}

impl Passes {
    /// Their names, in the order in which they run.
    pub const NAMES: [&'static str; 6] =
        [prune::NAME, fold::NAME, dedupe::NAME, link::NAME, reorder::NAME, merge::NAME];
    /// All of them.
    pub const ALL: Passes =
        Passes { prune: true, dedupe: true, fold: true, link: true, merge: true, reorder: true };
    /// None of them.
    pub const NONE: Passes =
        Passes { prune: false, dedupe: false, fold: false, link: false, merge: false, reorder: false };

    /// Switches one pass by its name; false when there is no such pass.
    pub fn set(&mut self, name: &str, on: bool) -> bool {
        match name {
            prune::NAME => self.prune = on,
            dedupe::NAME => self.dedupe = on,
            fold::NAME => self.fold = on,
            link::NAME => self.link = on,
            merge::NAME => self.merge = on,
            reorder::NAME => self.reorder = on,
            _ => return false,
        }
        true
    }
}

impl Default for Passes {
    fn default() -> Self {
        Self::ALL
    }
}

/// A pass: the new graph, and one line per change.
type Pass = fn(Graph) -> (Graph, Vec<String>);

/// Runs the passes over the graph that are on: prune, then fold, then dedupe, which also sees what folding made equal.
pub fn run(graph: Graph, passes: &Passes) -> (Graph, Vec<PassReport>) {
    let all: [(bool, &'static str, Pass); 3] = [
        (passes.prune, prune::NAME, prune::run),
        (passes.fold, fold::NAME, fold::run),
        (passes.dedupe, dedupe::NAME, dedupe::run),
    ];
    let mut reports = Vec::new();
    let mut graph = graph;
    for (on, pass, run) in all {
        if on {
            let (next, changes) = run(graph);
            graph = next;
            reports.push(PassReport { pass, changes });
        }
    }
    (graph, reports)
}
