//! Which steps may be made before their base is there: asks the link and reorder passes about each step that waits.

use buildc_digest::{ContentDigest, Key};
use buildc_ir::graph::Node;
use buildc_ir::plan::Early;
use buildc_ir::step::From;
use buildc_ir::world::{Effects, Facts, Traced};
use buildc_ir::{Graph, PassReport, State, StepId, StepKind, keys};

use super::PlanOptions;
use super::decide::Decision;
use super::define::Definition;
use crate::optimise::{link, reorder};

/// What is below a step.
#[derive(Clone, Copy)]
struct Below {
    /// The nearest step at or below it whose tree is in the store.
    over: Option<usize>,
    /// Steps above that one, and how many commands are among them.
    steps: usize,
    commands: usize,
}

struct Orderer<'a> {
    nodes: Vec<(StepId, &'a Node)>,
    bases: Vec<Option<usize>>,
    definitions: &'a [Definition],
    decisions: &'a [Decision],
    facts: &'a dyn Facts,
    options: &'a PlanOptions,
}

/// For each step, in the graph's order, whether it may be made early; and what the two passes did.
pub(super) fn order(
    graph: &Graph,
    definitions: &[Definition],
    decisions: &[Decision],
    facts: &dyn Facts,
    options: &PlanOptions,
) -> (Vec<Option<Early>>, Vec<PassReport>) {
    let nodes: Vec<(StepId, &Node)> = graph.iter().collect();
    let bases = (0..nodes.len()).map(|at| graph.base(at)).collect();
    let orderer = Orderer { nodes, bases, definitions, decisions, facts, options };
    let (mut linked, mut moved) = (Vec::new(), Vec::new());
    let mut below: Vec<Below> = Vec::with_capacity(decisions.len());
    let mut early = Vec::with_capacity(decisions.len());
    for (at, decision) in decisions.iter().enumerate() {
        let base = orderer.bases[at].map(|base| below[base]);
        below.push(orderer.standing(at, base));
        let may_run = matches!(decision.state, State::WillRun | State::DependsOn { .. });
        early.push(base.filter(|base| may_run && base.steps > 0).and_then(|base| {
            let over = base.over?;
            let node = orderer.node(at);
            match &node.step.kind {
                StepKind::Copy(_) if options.passes.link && base.commands > 0 => {
                    let early = link::early(node, orderer.nodes[over].0)?;
                    linked.push(link::change(node));
                    Some(early)
                }
                StepKind::Exec(_) if options.passes.reorder && base.steps <= reorder::MOST => {
                    orderer.moved(at, over, &mut moved)
                }
                _ => None,
            }
        }));
    }
    let mut reports = Vec::new();
    if options.passes.link {
        reports.push(PassReport { pass: link::NAME, changes: linked });
    }
    if options.passes.reorder {
        reports.push(PassReport { pass: reorder::NAME, changes: moved });
    }
    (early, reports)
}

impl<'a> Orderer<'a> {
    fn node(&self, at: usize) -> &'a Node {
        self.nodes[at].1
    }

    fn standing(&self, at: usize, base: Option<Below>) -> Below {
        let here = Below { over: Some(at), steps: 0, commands: 0 };
        if self.decisions[at].is_known() {
            return here;
        }
        match (base, &self.node(at).step.kind) {
            (None, _) => Below { over: None, ..here },
            (Some(base), StepKind::Exec(_)) => {
                Below { steps: base.steps + 1, commands: base.commands + 1, ..base }
            }
            (Some(base), _) => Below { steps: base.steps + 1, ..base },
        }
    }

    fn moved(&self, at: usize, over: usize, changes: &mut Vec<String>) -> Option<Early> {
        if !self.options.traces() {
            return None;
        }
        let key = self.trace_key(at)?;
        let own = self.facts.effects(&key)?;
        let differs = self.runs_in_any_case(at, over, &key)?;
        let past: Vec<reorder::Passed<'_>> =
            std::iter::successors(self.bases[at], |below| self.bases[*below])
                .take_while(|below| *below != over)
                .filter(|below| !self.decisions[*below].is_known())
                .map(|below| reorder::Passed { node: self.node(below), effects: self.effects(below) })
                .collect();
        let early = reorder::early(self.nodes[over].0, &own, &past, differs.as_deref())?;
        changes.push(reorder::change(self.node(at), &past));
        Some(early)
    }

    /// The path, relative to the root, that makes it run over `over`, `Some(None)` where nothing could keep it from it; `None`
    /// where an earlier result may do.
    fn runs_in_any_case(&self, at: usize, over: usize, key: &Key) -> Option<Option<Vec<u8>>> {
        let node = self.node(at);
        if self.options.is_fresh(node) {
            return Some(None);
        }
        let StepKind::Exec(exec) = &node.step.kind else { return None };
        match self.facts.traced(key, exec, &self.layers(over)) {
            Traced::Differs { path, .. } => Some(Some(path.trim_start_matches('/').as_bytes().to_vec())),
            Traced::Never | Traced::Same { .. } => None,
        }
    }

    fn effects(&self, at: usize) -> Option<Effects> {
        self.facts.effects(&self.trace_key(at)?)
    }

    /// The key of its traces, where all that it selects is from contexts and so known by now.
    fn trace_key(&self, at: usize) -> Option<Key> {
        let step = &self.node(at).step;
        if keys::selections(&step.kind).iter().any(|s| matches!(s.from, From::Input(_))) {
            return None;
        }
        Some(self.options.keyed(keys::trace_key(step, &self.definitions[at].selected)?))
    }

    fn layers(&self, at: usize) -> Vec<ContentDigest> {
        let chain = std::iter::successors(Some(at), |at| self.bases[*at]);
        let mut own: Vec<&[ContentDigest]> = chain.map(|at| self.decisions[at].own_layers()).collect();
        own.reverse();
        own.concat()
    }
}
