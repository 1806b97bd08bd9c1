//! What will happen to each step: asks for what the targets need, in the order the executor would, and for nothing
//! else.
//!
//! A step that is needed needs its base. When its placed key is known that is all. Else the trees it selects from are
//! needed for its content key; when that is not known either, a command's traces are asked; and else it runs, and needs
//! whatever is left of its inputs.

use buildc_digest::{ContentDigest, Key};
use buildc_ir::graph::Node;
use buildc_ir::keys::{self, Selection};
use buildc_ir::step::From;
use buildc_ir::world::{Facts, Traced};
use buildc_ir::{Diagnostic, Graph, SourceMap, State, StepId, StepKind};

use super::PlanOptions;
use super::define::Definition;
use super::select;

/// What was decided of one step.
pub(super) struct Decision {
    pub(super) state: State,
    pub(super) placed_key: Option<Key>,
    pub(super) content_key: Option<Key>,
    pub(super) result_key: Option<Key>,
    /// What its traces say, where they were asked.
    pub(super) traced: Option<Traced>,
    /// Content digests of its own layers, where known.
    layers: Option<Vec<ContentDigest>>,
    /// Content digest of its whole tree, where known.
    tree: Option<ContentDigest>,
}

impl Decision {
    /// Whether its tree is in the store.
    pub(super) fn is_known(&self) -> bool {
        self.tree.is_some()
    }

    /// Content digests of its own layers; none where they are not known.
    pub(super) fn own_layers(&self) -> &[ContentDigest] {
        self.layers.as_deref().unwrap_or_default()
    }

    fn open() -> Self {
        Self {
            state: State::NotNeeded,
            placed_key: None,
            content_key: None,
            result_key: None,
            traced: None,
            layers: None,
            tree: None,
        }
    }
}

/// What is left to do for a step. An explicit stack: a chain of steps may be longer than the thread's stack.
enum Task {
    /// It is needed.
    Need(usize),
    /// Its base is decided.
    LookUp(usize),
    /// The trees it selects from are decided.
    LookUpContent(usize),
}

struct Decider<'a> {
    graph: &'a Graph,
    nodes: Vec<(StepId, &'a Node)>,
    definitions: &'a [Definition],
    sources: &'a SourceMap,
    facts: &'a dyn Facts,
    options: &'a PlanOptions,
    seen: Vec<bool>,
    /// What is copied in may be new without a word of it in the definition.
    takes_new: Vec<bool>,
    decisions: Vec<Decision>,
    problems: Vec<Diagnostic>,
    tasks: Vec<Task>,
}

/// Decides all steps, in the graph's order.
pub(super) fn decide(
    graph: &Graph,
    definitions: &[Definition],
    sources: &SourceMap,
    facts: &dyn Facts,
    options: &PlanOptions,
) -> Result<Vec<Decision>, Vec<Diagnostic>> {
    let mut decider = Decider {
        graph,
        nodes: graph.iter().collect(),
        definitions,
        sources,
        facts,
        options,
        seen: vec![false; graph.len()],
        takes_new: graph.takes_from(|node| options.is_fresh(node)),
        decisions: (0..graph.len()).map(|_| Decision::open()).collect(),
        problems: Vec::new(),
        tasks: Vec::new(),
    };
    for target in &graph.targets {
        decider.need(target.root);
        decider.work();
    }
    if decider.problems.is_empty() { Ok(decider.decisions) } else { Err(decider.problems) }
}

impl<'a> Decider<'a> {
    fn need(&mut self, id: StepId) {
        self.tasks.extend(self.graph.position(id).map(Task::Need));
    }

    fn work(&mut self) {
        while let Some(task) = self.tasks.pop() {
            match task {
                Task::Need(at) if self.seen[at] => {}
                Task::Need(at) => {
                    self.seen[at] = true;
                    self.tasks.push(Task::LookUp(at));
                    self.tasks.extend(self.base(at).map(Task::Need));
                }
                Task::LookUp(at) => self.look_up(at),
                Task::LookUpContent(at) => self.look_up_content(at),
            }
        }
    }

    fn node(&self, at: usize) -> &'a Node {
        self.nodes[at].1
    }

    fn base(&self, at: usize) -> Option<usize> {
        self.graph.base(at)
    }

    /// Content of the base tree: `None` when it is not known yet, `Some(None)` without a base.
    fn base_tree(&self, at: usize) -> Option<Option<ContentDigest>> {
        match self.base(at) {
            Some(base) => self.decisions[base].tree.map(Some),
            None => Some(None),
        }
    }

    fn look_up(&mut self, at: usize) {
        match &self.node(at).step.kind {
            StepKind::Scratch | StepKind::Config(_) => self.nothing_to_do(at),
            StepKind::Diff => {
                self.tasks.push(Task::LookUpContent(at));
                self.need_the_rest(at);
            }
            StepKind::Image(image) => match self.facts.image_layers(&image.manifest) {
                Some(layers) => self.known(at, None, layers),
                None => self.decisions[at].state = State::WillRun,
            },
            StepKind::Http(_)
            | StepKind::Git(_)
            | StepKind::Exec(_)
            | StepKind::Copy(_)
            | StepKind::Mkdir(_) => self.look_up_placed(at),
        }
    }

    fn look_up_placed(&mut self, at: usize) {
        let definition = &self.definitions[at];
        // It says nothing of the times of other trees than the base.
        let is_undated = self.options.strict_times
            && keys::selections(&self.node(at).step.kind)
                .iter()
                .any(|selection| matches!(selection.from, From::Input(_)));
        if let (Some(base), false) = (self.base_tree(at), definition.volatile || is_undated) {
            let key = keys::placed_key(&definition.key, base);
            self.decisions[at].placed_key = Some(key);
            let is_asked = !self.options.is_fresh(self.node(at)) && !self.takes_new[at];
            if let Some(layers) = is_asked.then(|| self.facts.result(&key)).flatten() {
                return self.known(at, Some(key), layers);
            }
        }
        let node = self.node(at);
        if self.options.is_fresh(node) || !keys::has_content_key(&node.step.kind) {
            return self.runs(at);
        }
        self.tasks.push(Task::LookUpContent(at));
        for selection in keys::selections(&node.step.kind) {
            self.tasks.extend(self.source(at, &selection).map(Task::Need));
        }
    }

    /// The input whose tree a selection asks.
    fn source(&self, at: usize, selection: &Selection) -> Option<usize> {
        match selection.from {
            From::Context(_) => None,
            From::Input(index) => self.graph.position(self.node(at).step.inputs.get(index)?.step),
        }
    }

    /// A difference is there as soon as its trees are.
    fn difference(&mut self, at: usize) {
        let step = &self.node(at).step;
        let Some((upper, lower)) = step.difference() else { return self.nothing_to_do(at) };
        let inputs = step.inputs.iter().filter_map(|input| self.graph.position(input.step));
        let open = inputs.filter(|tree| self.decisions[*tree].tree.is_none());
        let open: Vec<StepId> = open.map(|tree| self.nodes[tree].0).collect();
        if !open.is_empty() {
            self.decisions[at].state = State::DependsOn { steps: open };
            return;
        }
        let layers = |input: usize| {
            self.graph.position(step.inputs[input].step).map_or_else(Vec::new, |tree| self.layers(tree))
        };
        let below = lower.map_or(0, |lower| layers(lower).len());
        let own = layers(upper).get(below..).unwrap_or_default().to_vec();
        self.known(at, None, own);
    }

    fn look_up_content(&mut self, at: usize) {
        if self.node(at).step.kind == StepKind::Diff {
            return self.difference(at);
        }
        let selections = keys::selections(&self.node(at).step.kind);
        let waits = self.unknown_inputs(at, &selections);
        let Some(base) = self.base_tree(at).filter(|_| waits.is_empty()) else {
            self.decisions[at].state = State::DependsOn { steps: waits };
            return self.need_the_rest(at);
        };
        let Some(selected) = self.select(at, &selections) else { return };
        let key = self.options.keyed(keys::content_key(&self.node(at).step, base, &selected));
        self.decisions[at].content_key = Some(key);
        match self.facts.result(&key) {
            Some(layers) => self.known(at, Some(key), layers),
            None => self.look_up_traces(at, &selected),
        }
    }

    /// Over another base the command has made what it would make here, if it read nothing that is different.
    fn look_up_traces(&mut self, at: usize, selected: &[ContentDigest]) {
        let step = &self.node(at).step;
        let (StepKind::Exec(exec), Some(base), true) = (&step.kind, self.base(at), self.options.traces())
        else {
            return self.runs(at);
        };
        let Some(key) = keys::trace_key(step, selected) else { return self.runs(at) };
        let key = self.options.keyed(key);
        let traced = self.facts.traced(&key, exec, &self.layers(base));
        self.decisions[at].traced = Some(traced.clone());
        match traced {
            Traced::Same { result, layers, .. } => self.known(at, Some(result), layers),
            Traced::Never | Traced::Differs { .. } => self.runs(at),
        }
    }

    /// The steps among base and selected trees whose content is not known, each once, base first.
    fn unknown_inputs(&self, at: usize, selections: &[Selection]) -> Vec<StepId> {
        let trees = self.base(at).into_iter().chain(selections.iter().filter_map(|s| self.source(at, s)));
        let mut unknown = Vec::new();
        for mut tree in trees {
            if self.decisions[tree].tree.is_some() {
                continue;
            }
            // A config step has no content of its own to wait for.
            while let (true, Some(base)) = (self.decisions[tree].layers.is_some(), self.base(tree)) {
                tree = base;
            }
            let id = self.nodes[tree].0;
            if !unknown.contains(&id) {
                unknown.push(id);
            }
        }
        unknown
    }

    /// Digests of all selections; `None` when one failed, which has been noted.
    fn select(&mut self, at: usize, selections: &[Selection]) -> Option<Vec<ContentDigest>> {
        let mut from_contexts = self.definitions[at].selected.iter();
        let mut selected = Vec::with_capacity(selections.len());
        for selection in selections {
            let Some(source) = self.source(at, selection) else {
                selected.extend(from_contexts.next());
                continue;
            };
            match self.facts.select_tree(&self.layers(source), &selection.query) {
                Ok(found) => selected.push(found.digest),
                Err(error) => {
                    let problem = select::diagnostic(self.node(at), &selection.from, error, self.sources);
                    self.problems.push(problem);
                }
            }
        }
        (selected.len() == selections.len()).then_some(selected)
    }

    /// Content digests of the layers of a whole known tree, lowest first.
    fn layers(&self, at: usize) -> Vec<ContentDigest> {
        let chain = std::iter::successors(Some(at), |at| self.base(*at));
        let mut own: Vec<&[ContentDigest]> =
            chain.map(|at| self.decisions[at].layers.as_deref().unwrap_or_default()).collect();
        own.reverse();
        own.concat()
    }

    fn known(&mut self, at: usize, key: Option<Key>, layers: Vec<ContentDigest>) {
        let base = self.base_tree(at).map(|base| base.unwrap_or_else(keys::empty_tree));
        let decision = &mut self.decisions[at];
        decision.state = State::Cached;
        decision.result_key = key;
        decision.tree = base.map(|base| layers.iter().fold(base, keys::tree_extend));
        decision.layers = Some(layers);
    }

    fn nothing_to_do(&mut self, at: usize) {
        self.known(at, None, Vec::new());
    }

    fn runs(&mut self, at: usize) {
        self.decisions[at].state = State::WillRun;
        self.need_the_rest(at);
    }

    fn need_the_rest(&mut self, at: usize) {
        for input in &self.node(at).step.inputs {
            self.need(input.step);
        }
    }
}
