//! The DAG of steps, hash-consed: a step that is added twice is one node that remembers both places.

use std::collections::BTreeMap;
use std::sync::Arc;

use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::{Dfs, EdgeRef as _};

use crate::image_config::{History, ImageConfig};
use crate::keys;
use crate::origin::Span;
use crate::step::{Role, Step, StepId};
use crate::step_map::{StepMap, StepSet};

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
    /// For what is no Exec: what one after it would run with, where that is known.
    pub setting: Option<Arc<Setting>>,
}

/// What a command runs with beside its tree.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Setting {
    /// Variables in order.
    pub env: Vec<(String, String)>,
    /// `user[:group]`, empty for root.
    pub user: String,
    /// The working directory; empty when unset.
    pub cwd: String,
}

impl Setting {
    /// What a config says.
    pub fn of(config: &ImageConfig) -> Self {
        Self { env: config.env.clone(), user: config.user.clone(), cwd: config.working_dir.clone() }
    }
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
    /// Steps are only ever added, so the index of one is also its place in `nodes`.
    index: StepMap<NodeIndex>,
    nodes: Vec<(StepId, Node)>,
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
        if let Some(at) = self.position(id) {
            self.join(at, node);
            return Ok(id);
        }
        if let Some(input) = node.step.inputs.iter().find(|input| !self.index.contains_key(&input.step)) {
            return Err(UnknownInput(input.step));
        }
        let index = self.inner.add_node(id);
        for input in &node.step.inputs {
            self.inner.add_edge(self.index[&input.step], index, input.role);
        }
        self.index.insert(id, index);
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
    pub fn absorb(&mut self, mut other: Self) -> Result<(), UnknownInput> {
        if self.is_empty() {
            self.targets.append(&mut other.targets);
            *self = Self { targets: std::mem::take(&mut self.targets), ..other };
            return Ok(());
        }
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
        self.position(id).map(|at| &self.nodes[at].1)
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

    /// Where a step stands in [`Graph::iter`].
    pub fn position(&self, id: StepId) -> Option<usize> {
        self.index.get(&id).map(|index| index.index())
    }

    /// Where the base of the step at a place stands, if it has one; as [`Step::base`], without a look at any id.
    pub fn base(&self, at: usize) -> Option<usize> {
        let inputs = self.inner.edges_directed(NodeIndex::new(at), Direction::Incoming);
        // The newest edge comes first, the first input is wanted.
        inputs.filter(|edge| *edge.weight() == Role::Base).last().map(|edge| edge.source().index())
    }

    /// For each position: whether the step takes something, other than its base, that comes of a step that runs whatever is
    /// known of it. Its definition does not say what that will be.
    pub fn takes_from(&self, runs_anyway: impl Fn(&Node) -> bool) -> Vec<bool> {
        let mut renewed = vec![false; self.len()];
        let mut takes = vec![false; self.len()];
        for (at, (_, node)) in self.iter().enumerate() {
            let is_new = |from: StepId| self.position(from).is_some_and(|from| renewed[from]);
            let new: Vec<Role> =
                node.step.inputs.iter().filter(|input| is_new(input.step)).map(|input| input.role).collect();
            takes[at] = new.iter().any(|role| *role != Role::Base);
            renewed[at] = !new.is_empty();
            renewed[at] |= runs_anyway(node);
        }
        takes
    }

    /// The steps that `roots` need, themselves included.
    pub fn reachable(&self, roots: impl IntoIterator<Item = StepId>) -> StepSet {
        let upward = petgraph::visit::Reversed(&self.inner);
        let mut walk = Dfs::empty(upward);
        walk.stack = roots.into_iter().filter_map(|id| self.index.get(&id).copied()).collect();
        let mut found = StepSet::default();
        while let Some(index) = walk.next(upward) {
            found.insert(self.inner[index]);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step::{ConfigChange, Input, StepKind};

    fn add(graph: &mut Graph, text: &str, inputs: &[(StepId, Role)]) -> StepId {
        let kind = StepKind::Config(ConfigChange { text: text.to_owned() });
        let inputs = inputs.iter().map(|&(step, role)| Input { step, role }).collect();
        let step = Step { kind, inputs };
        let (origins, stages) = (Vec::new(), vec![text.to_owned()]);
        let args = BTreeMap::new();
        graph.add(Node { step, label: text.to_owned(), origins, stages, args, setting: None }).unwrap()
    }

    #[test]
    fn a_step_s_base_by_place_is_its_base_by_id() {
        let mut graph = Graph::new();
        let (a, b) = (add(&mut graph, "a", &[]), add(&mut graph, "b", &[]));
        add(&mut graph, "one", &[(a, Role::CopyFrom), (b, Role::Base)]);
        add(&mut graph, "two", &[(b, Role::Base), (a, Role::Base), (b, Role::Mount)]);
        add(&mut graph, "none", &[(a, Role::Order)]);
        let bases: Vec<Option<usize>> = (0..graph.len()).map(|at| graph.base(at)).collect();
        assert_eq!(bases, [None, None, Some(1), Some(1), None]);
        assert!(
            graph
                .iter()
                .zip(bases)
                .all(|((_, node), at)| { node.step.base().and_then(|id| graph.position(id)) == at })
        );
    }

    #[test]
    fn what_an_empty_graph_takes_up_it_is_and_a_full_one_joins() {
        let mut other = Graph::new();
        let a = add(&mut other, "a", &[]);
        let b = add(&mut other, "b", &[(a, Role::Base)]);
        let mut graph = Graph::new();
        graph.absorb(other.clone()).unwrap();
        assert_eq!(graph.iter().map(|(id, _)| id).collect::<Vec<_>>(), [a, b]);
        let c = add(&mut graph, "c", &[(b, Role::Base)]);
        other.qualify_stages("again");
        graph.absorb(other).unwrap();
        assert_eq!(graph.iter().map(|(id, _)| id).collect::<Vec<_>>(), [a, b, c]);
        assert_eq!(graph.get(a).unwrap().stages, ["a", "again/a"]);
        assert_eq!(graph.reachable([b]), [a, b].into_iter().collect());
    }

    #[test]
    fn a_step_with_an_unknown_input_is_refused_and_leaves_the_graph_as_it_was() {
        let mut graph = Graph::new();
        let stranger = add(&mut Graph::new(), "elsewhere", &[]);
        let known = add(&mut graph, "a", &[]);
        let step = Step {
            kind: StepKind::Diff,
            inputs: vec![Input { step: known, role: Role::Base }, Input { step: stranger, role: Role::Base }],
        };
        let node = Node {
            step,
            label: String::new(),
            origins: Vec::new(),
            stages: Vec::new(),
            args: BTreeMap::new(),
            setting: None,
        };
        assert_eq!(graph.add(node), Err(UnknownInput(stranger)));
        assert_eq!((graph.len(), graph.reachable([known]).len()), (1, 1));
    }
}
