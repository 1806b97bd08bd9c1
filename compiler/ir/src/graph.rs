//! The DAG of steps, hash-consed: a step that is added twice is one node that remembers both places.

use std::collections::{BTreeMap, HashMap, HashSet};

use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::Dfs;

use crate::image_config::{History, ImageConfig};
use crate::keys;
use crate::origin::Span;
use crate::step::{Role, Step, StepId};

/// What the graph knows of a step beside the step itself; never enters a key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Node {
    /// The step.
    pub step: Step,
    /// How people see it, for example `[build 2/5] RUN make`.
    pub label: String,
    /// All places it came from.
    pub origins: Vec<Span>,
    /// Names of the stages it came from.
    pub stages: Vec<String>,
    /// For an Exec: the ARGs in scope, so that a miss can name the one that changed.
    pub args: BTreeMap<String, String>,
}

impl Node {
    /// The instruction alone: the label without what stands in brackets before it.
    pub fn text(&self) -> &str {
        match self.label.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
            Some((_, text)) => text,
            None => &self.label,
        }
    }

    /// True when one of its stages has one of these names, in any case.
    pub fn is_of(&self, stages: &[String]) -> bool {
        self.stages.iter().any(|own| stages.iter().any(|name| name.eq_ignore_ascii_case(own)))
    }

    /// The first stage it came from, empty when there is none.
    pub fn stage(&self) -> &str {
        self.stages.first().map_or("", String::as_str)
    }
}

/// An image or tree that is wanted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    /// Stage or attribute name.
    pub name: String,
    /// Names that its source gives the image, beside those of the command line.
    pub tags: Vec<String>,
    /// The step whose tree is the image's.
    pub root: StepId,
    /// The image's config.
    pub config: ImageConfig,
    /// History of the base image, unchanged.
    pub base_history: Vec<History>,
    /// New history, in order.
    pub history: Vec<TargetHistory>,
}

/// One new history entry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TargetHistory {
    /// `created_by` text.
    pub created_by: String,
    /// The step whose layer this is; `None` = `empty_layer`.
    pub step: Option<StepId>,
}

/// The graph. Iteration is always in insertion order, which is a topological order (inputs are added first).
#[derive(Clone, Default, Debug)]
pub struct Graph {
    inner: DiGraph<StepId, Role>,
    index: HashMap<StepId, NodeIndex>,
    nodes: Vec<(StepId, Node)>,
    positions: HashMap<StepId, usize>,
    /// What is wanted of the graph.
    pub targets: Vec<Target>,
}

/// A step names an input that is not in the graph.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("step refers to an input {0} that is not in the graph")]
pub struct UnknownInput(pub StepId);

impl Graph {
    /// An empty graph.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a step, or joins it with an equal one, and returns its id.
    ///
    /// # Errors
    /// [`UnknownInput`] when an input has not been added before; this also makes cycles impossible.
    pub fn add(&mut self, node: Node) -> Result<StepId, UnknownInput> {
        let id = keys::step_id(&node.step);
        if let Some(&at) = self.positions.get(&id) {
            self.join(at, node);
            return Ok(id);
        }
        let mut edges = Vec::with_capacity(node.step.inputs.len());
        for input in &node.step.inputs {
            edges.push((*self.index.get(&input.step).ok_or(UnknownInput(input.step))?, input.role));
        }
        let index = self.inner.add_node(id);
        for (from, role) in edges {
            self.inner.add_edge(from, index, role);
        }
        self.index.insert(id, index);
        self.positions.insert(id, self.nodes.len());
        self.nodes.push((id, node));
        Ok(id)
    }

    /// Puts a word before the stage in every label, as in `[linux/arm64 build 1/3] RUN make`.
    pub fn prefix_labels(&mut self, word: &str) {
        for (_, node) in &mut self.nodes {
            if let Some(rest) = node.label.strip_prefix('[') {
                node.label = format!("[{word} {rest}");
            }
        }
    }

    /// Takes up all steps and targets of another graph; what both have is one node.
    ///
    /// # Errors
    /// [`UnknownInput`] as [`Graph::add`]; a whole graph has all its inputs.
    pub fn absorb(&mut self, other: Self) -> Result<(), UnknownInput> {
        for (_, node) in other.nodes {
            self.add(node)?;
        }
        self.targets.extend(other.targets);
        Ok(())
    }

    /// Takes up the steps of another graph for others to stand on: neither its targets, nor what the other knows of where
    /// its steps came from.
    ///
    /// # Errors
    /// [`UnknownInput`] as [`Graph::add`]; a whole graph has all its inputs.
    pub fn stand_on(&mut self, other: &Self) -> Result<(), UnknownInput> {
        for (_, node) in &other.nodes {
            self.add(Node { origins: Vec::new(), stages: Vec::new(), ..node.clone() })?;
        }
        Ok(())
    }

    /// Puts a build's name before the names of all stages. Steps of no stage, which others stand on, stay so.
    pub fn qualify_stages(&mut self, build: &str) {
        for stage in self.nodes.iter_mut().flat_map(|(_, node)| &mut node.stages) {
            *stage = format!("{build}/{stage}");
        }
    }

    /// The part of the graph that some of its targets need, in the same order.
    ///
    /// # Errors
    /// [`UnknownInput`] as [`Graph::add`]; a whole graph has all its inputs.
    pub fn narrowed(&self, targets: std::ops::Range<usize>) -> Result<Self, UnknownInput> {
        let targets = self.targets.get(targets).unwrap_or_default().to_vec();
        let made = targets.iter().flat_map(|target| &target.history).filter_map(|entry| entry.step);
        let needed = self.reachable(targets.iter().map(|target| target.root).chain(made));
        let mut part = Self { targets, ..Self::new() };
        for (_, node) in self.nodes.iter().filter(|(id, _)| needed.contains(id)) {
            part.add(node.clone())?;
        }
        Ok(part)
    }

    fn join(&mut self, at: usize, node: Node) {
        let known = &mut self.nodes[at].1;
        for origin in node.origins {
            if !known.origins.contains(&origin) {
                known.origins.push(origin);
            }
        }
        for stage in node.stages {
            if !known.stages.contains(&stage) {
                known.stages.push(stage);
            }
        }
    }

    /// The node called `id`.
    pub fn get(&self, id: StepId) -> Option<&Node> {
        self.positions.get(&id).map(|&at| &self.nodes[at].1)
    }

    /// Number of steps.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// True without steps.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// All steps, inputs before users.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (StepId, &Node)> + ExactSizeIterator {
        self.nodes.iter().map(|(id, node)| (*id, node))
    }

    /// Steps that need `id`, in insertion order, without repeats.
    pub fn users(&self, id: StepId) -> Vec<StepId> {
        let Some(&index) = self.index.get(&id) else { return Vec::new() };
        let mut users: Vec<usize> = self
            .inner
            .neighbors_directed(index, petgraph::Direction::Outgoing)
            .filter_map(|n| self.positions.get(&self.inner[n]).copied())
            .collect();
        users.sort_unstable();
        users.dedup();
        users.into_iter().map(|at| self.nodes[at].0).collect()
    }

    /// Where a step stands in [`Graph::iter`].
    pub fn position(&self, id: StepId) -> Option<usize> {
        self.positions.get(&id).copied()
    }

    /// The steps that `roots` need, themselves included.
    pub fn reachable(&self, roots: impl IntoIterator<Item = StepId>) -> HashSet<StepId> {
        let upward = petgraph::visit::Reversed(&self.inner);
        let mut walk = Dfs::empty(upward);
        walk.stack = roots.into_iter().filter_map(|id| self.index.get(&id).copied()).collect();
        let mut found = HashSet::new();
        while let Some(index) = walk.next(upward) {
            found.insert(self.inner[index]);
        }
        found
    }

    /// The petgraph view, for algorithms; node weights are step ids, edges point from input to user.
    pub fn as_petgraph(&self) -> &DiGraph<StepId, Role> {
        &self.inner
    }
}
