//! The order of work: which steps a plan needs, and running them in parallel as their inputs come in.
//!
//! One thread owns the state of the graph; workers are started one by one as there is work for them, so a build from
//! the cache starts none, and none of them ever waits for another step. The first failure stops the rest, and
//! everything that was started has ended when [`Schedule::run`] returns.

mod crew;
mod group;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use buildc_digest::Key;
use buildc_ir::graph::Node;
use buildc_ir::step::Network;
use buildc_ir::{Plan, PlannedStep, Reason, Role, State, StepId, StepKind};
use buildc_store::{Layer, StoreError};
use crossbeam_channel::unbounded;

use crate::event::{Event, PlannedLine, Why};
use crate::network::Pool;
use crate::step::{self, Ahead, How, Made, Prepared, Site, StepError, Tree, Work};
use crew::{Crew, Job, Reply, labour};

/// What is known of one step.
#[derive(Debug)]
struct Slot<'p> {
    id: StepId,
    node: &'p Node,
    planned: &'p PlannedStep,
    /// Somebody asks for it.
    needed: bool,
    /// Its own layers, where the plan found them.
    known: Option<Vec<Layer>>,
    /// Needed inputs that are not done.
    waits: usize,
    /// Needed steps that wait for it.
    users: Vec<usize>,
    done: Option<Finished>,
    early: Early,
    /// It is made in one go with the step that it builds on.
    taken: bool,
}

/// How far a step is that may be made before its turn.
#[derive(Debug, Default)]
enum Early {
    /// It has not been begun.
    #[default]
    No,
    /// It is being made; `true` once its turn has come and it is waited for.
    Running(Arc<Ahead>, bool),
    /// It has been made, or not.
    Over(Option<Prepared>),
}

#[derive(Clone, Debug)]
struct Finished {
    tree: Tree,
    fixed: bool,
}

/// The needed part of a plan.
#[derive(Debug)]
pub(crate) struct Schedule<'p> {
    plan: &'p Plan,
    slots: Vec<Slot<'p>>,
    /// Those that may be made before their turn and have not been begun.
    early: Vec<usize>,
    /// Those that take something of a step that is to run whatever is known of it.
    take_new: Vec<bool>,
}

/// What running came to.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub ran: u32,
    pub cached: u32,
    pub new_bytes: u64,
    /// (position, milliseconds) of the steps that ran.
    pub durations: Vec<(usize, u64)>,
    /// (position, bytes of regular files in its own layers) of the steps that were needed.
    pub sizes: Vec<(usize, u64)>,
}

/// The step that failed first.
#[derive(Debug)]
pub(crate) struct Failure {
    pub at: usize,
    pub error: StepError,
}

impl<'p> Schedule<'p> {
    /// Finds what is needed. A result that was pruned since the plan was made is made again, with what it needs.
    pub(crate) fn new(site: &Site<'_>, plan: &'p Plan) -> Result<Self, StoreError> {
        let slots = plan.graph.iter().zip(&plan.steps).map(|((id, node), planned)| Slot {
            id,
            node,
            planned,
            needed: false,
            known: None,
            waits: 0,
            users: Vec::new(),
            done: None,
            early: Early::No,
            taken: false,
        });
        let early = (0..plan.steps.len()).filter(|at| plan.steps[*at].early.is_some()).collect();
        let take_new = plan.graph.takes_from(|node| site.is_fresh(node));
        let mut schedule = Self { plan, slots: slots.collect(), early, take_new };
        schedule.look_up(site)?;
        schedule.mark_needed();
        schedule.connect();
        Ok(schedule)
    }

    /// Fetches all results that the plan found, in one transaction.
    fn look_up(&mut self, site: &Site<'_>) -> Result<(), StoreError> {
        let keyed: Vec<(usize, Key)> =
            self.slots.iter().enumerate().filter_map(|(at, s)| Some((at, s.planned.result_key?))).collect();
        if !keyed.is_empty() {
            let keys: Vec<Key> = keyed.iter().map(|(_, key)| *key).collect();
            for ((at, _), found) in keyed.iter().zip(site.store.lookup_results(&keys)?) {
                self.slots[*at].known = found.map(|f| f.layers);
            }
        }
        for slot in &mut self.slots {
            match &slot.node.step.kind {
                StepKind::Scratch | StepKind::Config(_) => slot.known = Some(Vec::new()),
                StepKind::Image(image) if slot.planned.state == State::Cached => {
                    slot.known = site.store.image_by_manifest(&image.manifest)?.map(|i| i.layers);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The inputs that a step waits for: of a known one only the base counts.
    fn inputs(&self, at: usize) -> Vec<usize> {
        let slot = &self.slots[at];
        let wanted = slot.node.step.inputs.iter().filter(|i| slot.known.is_none() || i.role == Role::Base);
        let mut inputs: Vec<usize> = wanted.filter_map(|i| self.plan.graph.position(i.step)).collect();
        inputs.sort_unstable();
        inputs.dedup();
        inputs
    }

    fn mark_needed(&mut self) {
        let roots = self.plan.graph.targets.iter().filter_map(|t| self.plan.graph.position(t.root));
        let mut todo: Vec<usize> = roots.collect();
        while let Some(at) = todo.pop() {
            if !std::mem::replace(&mut self.slots[at].needed, true) {
                todo.extend(self.inputs(at));
            }
        }
    }

    fn connect(&mut self) {
        for at in 0..self.slots.len() {
            if !self.slots[at].needed {
                continue;
            }
            let inputs = self.inputs(at);
            self.slots[at].waits = inputs.len();
            for input in inputs {
                self.slots[input].users.push(at);
            }
        }
    }

    /// The needed steps, for the first event.
    pub(crate) fn lines(&self) -> Vec<PlannedLine> {
        let shown = self.slots.iter().filter(|s| s.needed && is_work(&s.node.step.kind));
        shown
            .map(|s| PlannedLine {
                id: s.id,
                label: s.node.label.clone(),
                will_run: s.known.is_none(),
                last_duration_ms: s.planned.last_duration_ms,
            })
            .collect()
    }

    /// The tree of a step that is done.
    pub(crate) fn tree(&self, id: StepId) -> Option<Tree> {
        self.finished(id).map(|finished| finished.tree.clone())
    }

    fn finished(&self, id: StepId) -> Option<&Finished> {
        self.slots.get(self.plan.graph.position(id)?)?.done.as_ref()
    }

    /// The step at a position.
    pub(crate) fn node(&self, at: usize) -> (StepId, &'p Node) {
        (self.slots[at].id, self.slots[at].node)
    }

    /// Runs everything that is needed.
    pub(crate) fn run(&mut self, site: &Site<'_>) -> (Tally, Result<(), Failure>) {
        self.prepare_network(site);
        let (work_out, work_in) = unbounded::<Job<'p>>();
        let (replies_out, replies) = unbounded::<(usize, Reply, bool)>();
        let mut crew = Crew { idle: 0, size: 0, busy: 0, limit: site.options.jobs.max(1) };
        let mut tally = Tally::default();
        let mut failure: Option<Failure> = None;
        let ready = (0..self.slots.len()).filter(|at| self.slots[*at].needed && self.slots[*at].waits == 0);
        let mut ready: VecDeque<usize> = ready.collect();
        std::thread::scope(|scope| {
            loop {
                while let Some(at) = ready.pop_front() {
                    if failure.is_some() {
                        break;
                    }
                    if let Some(layers) = self.slots[at].known.take() {
                        let why = self.adopt(site, at);
                        let made = Made { layers, how: How::Cached(why), fixed: true };
                        self.finish(site, at, made, &mut tally, &mut ready);
                        continue;
                    }
                    if self.slots[at].taken || self.is_being_made(at) {
                        continue;
                    }
                    if crew.wants_another() {
                        let (work, replies) = (work_in.clone(), replies_out.clone());
                        scope.spawn(move || labour(site, &work, &replies));
                    }
                    crew.busy += 1;
                    // The receiving end lives as long as this function.
                    let first = (at, self.work(at));
                    let _ = work_out.send(Job { first, rest: self.group(at) });
                }
                // Only what would be idle makes steps before their turn.
                while failure.is_none() && crew.busy > 0 && crew.busy < crew.limit {
                    let Some((at, work)) = self.next_early() else { break };
                    if crew.wants_another() {
                        let (work, replies) = (work_in.clone(), replies_out.clone());
                        scope.spawn(move || labour(site, &work, &replies));
                    }
                    crew.busy += 1;
                    let _ = work_out.send(Job { first: (at, work), rest: Vec::new() });
                }
                if crew.busy == 0 {
                    break;
                }
                let Ok((at, reply, is_last)) = replies.recv() else { break };
                if is_last {
                    crew.rest();
                }
                match reply {
                    Reply::Made(Ok(made)) => self.finish(site, at, made, &mut tally, &mut ready),
                    Reply::Made(Err(error)) => self.fail(site, at, error, &mut failure),
                    Reply::Prepared(prepared) => ready.extend(self.prepared(at, prepared)),
                }
            }
            drop(work_out);
        });
        (tally, failure.map_or(Ok(()), Err))
    }

    /// How a result that the plan found was found. One that was found by a trace is made known under its own keys.
    fn adopt(&self, site: &Site<'_>, at: usize) -> Why {
        let planned = self.slots[at].planned;
        if !matches!(planned.reason, Reason::SameReads { .. }) {
            return Why::Definition;
        }
        // Where it cannot be written the next plan looks at the trace again.
        let _ = step::adopt_planned(site, planned);
        Why::Trace
    }

    /// Begins to make a network namespace where a step will want one.
    fn prepare_network(&self, site: &Site<'_>) {
        let wants = |s: &Slot<'_>| {
            matches!(&s.node.step.kind, StepKind::Exec(e) if e.network == Network::Default)
                && s.needed
                && s.known.is_none()
        };
        if self.slots.iter().any(wants) {
            site.network.get_or_init(Pool::start);
        }
    }

    fn work(&self, at: usize) -> Work<'p> {
        let slot = &self.slots[at];
        let input = |id: StepId| self.finished(id);
        let inputs = &slot.node.step.inputs;
        let trees = inputs.iter().map(|i| input(i.step).map_or_else(Tree::empty, |d| d.tree.clone()));
        let base = slot.node.step.base().and_then(input).map(|d| d.tree.clone());
        let fixed = inputs.iter().all(|i| input(i.step).is_some_and(|d| d.fixed));
        let prepared = if let Early::Over(prepared) = &slot.early { prepared.clone() } else { None };
        let (id, node, planned) = (slot.id, slot.node, slot.planned);
        let takes_new = self.take_new[at];
        Work { id, node, planned, takes_new, base, inputs: trees.collect(), fixed, ahead: None, prepared }
    }

    /// A step whose turn has not come that may be made already, with the nearest tree that is there.
    fn next_early(&mut self) -> Option<(usize, Work<'p>)> {
        let (nth, over) = self.early.iter().enumerate().find_map(|(nth, at)| Some((nth, self.over(*at)?)))?;
        let at = self.early.remove(nth);
        let patience = self.slots[at].planned.early.and_then(|early| early.patience_ms);
        let ahead = Arc::new(Ahead::new(patience.map(Duration::from_millis)));
        let work = Work { base: Some(over), ahead: Some(Arc::clone(&ahead)), ..self.work(at) };
        self.slots[at].early = Early::Running(ahead, false);
        Some((at, work))
    }

    /// The nearest tree below a step that may be made early now.
    fn over(&self, at: usize) -> Option<Tree> {
        let slot = &self.slots[at];
        let waits = slot.needed && slot.known.is_none() && slot.done.is_none() && slot.waits > 0;
        slot.planned.early.filter(|_| waits && matches!(slot.early, Early::No))?;
        let position = |id| self.plan.graph.position(id);
        let others = slot.node.step.inputs.iter().filter(|input| input.role != Role::Base);
        let are_there = others
            .map(|input| position(input.step))
            .all(|input| input.is_some_and(|input| self.slots[input].done.is_some()));
        let base = |at: usize| position(self.slots[at].node.step.base()?);
        let mut below = std::iter::successors(base(at), |at| base(*at));
        below.find_map(|at| self.slots[at].done.as_ref()).filter(|_| are_there).map(|done| done.tree.clone())
    }

    /// Whether a step whose turn has come is being made already; it is told that somebody waits for it.
    fn is_being_made(&mut self, at: usize) -> bool {
        let base = self.slots[at].node.step.base().and_then(|id| self.tree(id));
        let Early::Running(ahead, waited) = &mut self.slots[at].early else { return false };
        ahead.arrived(base.unwrap_or_else(Tree::empty));
        *waited = true;
        true
    }

    /// Keeps what was made of a step early; gives the step if its turn has come.
    fn prepared(&mut self, at: usize, prepared: Prepared) -> Option<usize> {
        let early = std::mem::replace(&mut self.slots[at].early, Early::Over(Some(prepared)));
        matches!(early, Early::Running(_, true)).then_some(at)
    }

    fn finish(
        &mut self,
        site: &Site<'_>,
        at: usize,
        made: Made,
        tally: &mut Tally,
        ready: &mut VecDeque<usize>,
    ) {
        let slot = &self.slots[at];
        if is_work(&slot.node.step.kind) {
            let layers = made.layers.iter().map(|l| l.id.0).collect();
            let bytes = made.layers.iter().map(|l| l.size_bytes).sum::<u64>();
            tally.sizes.push((at, bytes));
            match made.how {
                How::Ran { duration_ms } => {
                    tally.ran += 1;
                    tally.new_bytes += bytes;
                    tally.durations.push((at, duration_ms));
                    site.recorder.tell(Event::Done { id: slot.id, duration_ms, layers });
                }
                How::Cached(why) => {
                    tally.cached += 1;
                    site.recorder.tell(Event::Cached {
                        id: slot.id,
                        label: slot.node.label.clone(),
                        why,
                        layers,
                    });
                }
            }
        }
        let base = slot.node.step.base().and_then(|id| self.tree(id)).unwrap_or_else(Tree::empty);
        self.slots[at].done = Some(Finished { tree: base.with(&made.layers), fixed: made.fixed });
        for user in std::mem::take(&mut self.slots[at].users) {
            self.slots[user].waits -= 1;
            if self.slots[user].waits == 0 {
                ready.push_back(user);
            }
        }
    }

    /// The first failure stops everything else; what ends because of it is no failure of its own.
    fn fail(&self, site: &Site<'_>, at: usize, error: StepError, failure: &mut Option<Failure>) {
        let slot = &self.slots[at];
        if error.is_cancelled() {
            site.recorder.tell(Event::Cancelled { id: slot.id });
        } else {
            site.recorder.tell(Event::Failed {
                id: slot.id,
                label: slot.node.label.clone(),
                message: error.to_string(),
                exit_status: error.command().0,
                layers: error.left().into_iter().map(|layer| layer.0).collect(),
            });
        }
        site.cancel.cancel();
        let only_cancelled = failure.as_ref().is_none_or(|f| f.error.is_cancelled());
        if only_cancelled && (failure.is_none() || !error.is_cancelled()) {
            *failure = Some(Failure { at, error });
        }
    }
}

/// True for a step that the user sees.
fn is_work(kind: &StepKind) -> bool {
    !matches!(kind, StepKind::Scratch | StepKind::Config(_) | StepKind::Diff)
}
