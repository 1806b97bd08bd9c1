//! How long a plan will take, by how long its steps took the last time: the work of the executor's queue, played through
//! with known durations. Owns: the estimate. Never does: looking at a clock.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use buildc_ir::plan::{Estimate, Interval};
use buildc_ir::{Graph, PlannedStep, Role, State, StepId};

/// Plays the plan through with `jobs` steps at once. Steps that are decided while the build runs count in the longer
/// time only; a step whose time is not known counts nothing, and is counted. A step that may be made early starts where
/// a job is idle, and all that is made early is taken to hold.
pub(super) fn estimate(graph: &Graph, steps: &[PlannedStep], jobs: usize) -> Estimate {
    let jobs = jobs.max(1);
    let surely = |step: &PlannedStep| step.state == State::WillRun;
    let maybe = |step: &PlannedStep| matches!(step.state, State::WillRun | State::DependsOn { .. });
    let links = Links::of(graph, steps);
    let least = Run::play(&links, &times(steps, surely), jobs);
    let most_times = times(steps, maybe);
    let most = Run::play(&links, &most_times, jobs);
    // With one job nothing is idle while another step runs.
    let (critical_path, critical_ms) = longest(&links, &most_times, steps, jobs > 1);
    let interval = |(at, step): (usize, &PlannedStep)| {
        maybe(step).then(|| Interval {
            step: step.id,
            start_ms: most.starts[at],
            end_ms: most.starts[at] + most_times[at].unwrap_or(0),
        })
    };
    Estimate {
        jobs,
        least_ms: least.end_ms,
        most_ms: most.end_ms,
        unknown: steps.iter().filter(|s| maybe(s) && s.last_duration_ms.is_none()).count(),
        critical_path,
        critical_ms,
        timeline: steps.iter().enumerate().filter_map(interval).collect(),
    }
}

/// Per step, how long it occupies a job; `None` for one that does not run.
fn times(steps: &[PlannedStep], runs: impl Fn(&PlannedStep) -> bool) -> Vec<Option<u64>> {
    steps.iter().map(|step| runs(step).then(|| step.last_duration_ms.unwrap_or(0))).collect()
}

/// The graph by positions.
struct Links {
    inputs: Vec<Vec<usize>>,
    users: Vec<Vec<usize>>,
    /// For a step that may be made early, what it needs for that.
    early: Vec<Option<Vec<usize>>>,
    /// Steps that need this one to be made early.
    early_users: Vec<Vec<usize>>,
}

impl Links {
    fn of(graph: &Graph, steps: &[PlannedStep]) -> Self {
        let mut users = vec![Vec::new(); graph.len()];
        let mut all = Vec::with_capacity(graph.len());
        let mut early: Vec<Option<Vec<usize>>> = Vec::with_capacity(graph.len());
        let mut early_users = vec![Vec::new(); graph.len()];
        for (at, (_, node)) in graph.iter().enumerate() {
            let mut inputs: Vec<usize> =
                node.step.inputs.iter().filter_map(|input| graph.position(input.step)).collect();
            inputs.sort_unstable();
            inputs.dedup();
            inputs.iter().for_each(|&input| users[input].push(at));
            all.push(inputs);
            early.push(steps[at].early.map(|early| {
                let others = node.step.inputs.iter().filter(|input| input.role != Role::Base);
                let needs = others.map(|input| input.step).chain([early.over]);
                let mut needs: Vec<usize> = needs.filter_map(|id| graph.position(id)).collect();
                needs.sort_unstable();
                needs.dedup();
                needs.iter().for_each(|&need| early_users[need].push(at));
                needs
            }));
        }
        Self { inputs: all, users, early, early_users }
    }
}

/// One play: when each step starts, and when all is done.
struct Run<'l> {
    links: &'l Links,
    /// Inputs that are not done.
    waits: Vec<usize>,
    state: Vec<Stage>,
    /// Those whose turn has come.
    ready: VecDeque<usize>,
    /// What is not done of that which making it early needs.
    early_waits: Vec<usize>,
    /// Those that may be made early.
    early: BinaryHeap<Reverse<usize>>,
    starts: Vec<u64>,
    end_ms: u64,
}

/// How far a step is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Waiting,
    Running,
    /// It was made before its turn.
    Prepared,
    Done,
}

impl<'l> Run<'l> {
    /// The queue is served in the order in which steps become ready, as the executor does.
    fn play(links: &'l Links, times: &[Option<u64>], jobs: usize) -> Self {
        let waits: Vec<usize> = links.inputs.iter().map(Vec::len).collect();
        let ready = (0..waits.len()).filter(|at| waits[*at] == 0).collect();
        let (state, starts) = (vec![Stage::Waiting; waits.len()], vec![0; waits.len()]);
        let early_waits = links.early.iter().map(|needs| needs.as_ref().map_or(0, Vec::len)).collect();
        let early = BinaryHeap::new();
        let mut run = Self { links, waits, state, ready, early_waits, early, starts, end_ms: 0 };
        let mut running: BinaryHeap<Reverse<(u64, usize)>> = BinaryHeap::new();
        let mut waiting = VecDeque::new();
        loop {
            while let Some(at) = run.ready.pop_front() {
                match (times[at], run.state[at]) {
                    (None, _) | (_, Stage::Prepared) => run.done(at),
                    (Some(_), Stage::Waiting) => waiting.push_back(at),
                    (Some(_), Stage::Running | Stage::Done) => {}
                }
            }
            while running.len() < jobs {
                let next = waiting.pop_front();
                let Some(at) = next.or_else(|| run.next_early(times, running.is_empty())) else {
                    break;
                };
                (run.starts[at], run.state[at]) = (run.end_ms, Stage::Running);
                running.push(Reverse((run.end_ms + times[at].unwrap_or(0), at)));
            }
            let Some(Reverse((end_ms, at))) = running.pop() else { return run };
            run.end_ms = end_ms;
            match run.waits[at] {
                0 => run.done(at),
                _ => run.state[at] = Stage::Prepared,
            }
        }
    }

    /// A step that what is idle may make before its turn.
    fn next_early(&mut self, times: &[Option<u64>], is_idle: bool) -> Option<usize> {
        if is_idle {
            return None;
        }
        let waits =
            |at: &usize| self.state[*at] == Stage::Waiting && self.waits[*at] > 0 && times[*at].is_some();
        // What is taken and does not wait has had its turn.
        std::iter::from_fn(|| self.early.pop()).map(|Reverse(at)| at).find(waits)
    }

    fn done(&mut self, at: usize) {
        self.state[at] = Stage::Done;
        for &user in &self.links.users[at] {
            self.waits[user] -= 1;
            if self.waits[user] == 0 {
                self.ready.push_back(user);
            }
        }
        for &user in &self.links.early_users[at] {
            self.early_waits[user] -= 1;
            if self.early_waits[user] == 0 {
                self.early.push(Reverse(user));
            }
        }
    }
}

/// The chain of steps that takes longest, each needing the one before, where nothing waits for a job; steps that take no
/// time are left out, and so are those that `early` has made when their turn comes.
fn longest(links: &Links, times: &[Option<u64>], steps: &[PlannedStep], early: bool) -> (Vec<StepId>, u64) {
    let mut ends: Vec<u64> = Vec::with_capacity(times.len());
    // For each, the step before it, and whether its own time comes after that.
    let mut before: Vec<(Option<usize>, bool)> = Vec::with_capacity(times.len());
    for (at, inputs) in links.inputs.iter().enumerate() {
        let time = times[at].unwrap_or(0);
        let end = |input: Option<usize>| input.map_or(0, |input| ends[input]);
        let latest = inputs.iter().copied().max_by_key(|&input| ends[input]);
        let (prior, end_ms, counts) = match links.early[at].as_ref().filter(|_| early) {
            None => (latest, end(latest) + time, true),
            Some(needs) => {
                let first = needs.iter().copied().max_by_key(|&input| ends[input]);
                match end(first) + time {
                    early_end if early_end > end(latest) => (first, early_end, true),
                    _ => (latest, end(latest), false),
                }
            }
        };
        before.push((prior, counts));
        ends.push(end_ms);
    }
    let last = (0..ends.len()).max_by_key(|&at| ends[at]);
    let mut path = Vec::new();
    let mut walk = last;
    while let Some(at) = walk {
        let (prior, counts) = before[at];
        if counts && times[at].unwrap_or(0) > 0 {
            path.push(steps[at].id);
        }
        walk = prior;
    }
    path.reverse();
    (path, last.map_or(0, |at| ends[at]))
}
