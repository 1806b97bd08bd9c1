//! How long a plan will take, by how long its steps took the last time: the work of the executor's queue, played through
//! with known durations. Owns: the estimate. Never does: looking at a clock.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use buildc_ir::plan::{Estimate, Interval};
use buildc_ir::{Graph, PlannedStep, State, StepId};

/// Plays the plan through with `jobs` steps at once. Steps that are decided while the build runs count in the longer
/// time only; a step whose time is not known counts nothing, and is counted.
pub(super) fn estimate(graph: &Graph, steps: &[PlannedStep], jobs: usize) -> Estimate {
    let jobs = jobs.max(1);
    let surely = |step: &PlannedStep| step.state == State::WillRun;
    let maybe = |step: &PlannedStep| matches!(step.state, State::WillRun | State::DependsOn { .. });
    let links = Links::of(graph);
    let least = Run::play(&links, &times(steps, surely), jobs);
    let most_times = times(steps, maybe);
    let most = Run::play(&links, &most_times, jobs);
    let (critical_path, critical_ms) = longest(&links, &most_times, steps);
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
}

impl Links {
    fn of(graph: &Graph) -> Self {
        let mut users = vec![Vec::new(); graph.len()];
        let mut all = Vec::with_capacity(graph.len());
        for (at, (_, node)) in graph.iter().enumerate() {
            let mut inputs: Vec<usize> =
                node.step.inputs.iter().filter_map(|input| graph.position(input.step)).collect();
            inputs.sort_unstable();
            inputs.dedup();
            inputs.iter().for_each(|&input| users[input].push(at));
            all.push(inputs);
        }
        Self { inputs: all, users }
    }
}

/// One play: when each step starts, and when all is done.
struct Run {
    starts: Vec<u64>,
    end_ms: u64,
}

impl Run {
    /// The queue is served in the order in which steps become ready, as the executor does.
    fn play(links: &Links, times: &[Option<u64>], jobs: usize) -> Self {
        let mut waits: Vec<usize> = links.inputs.iter().map(Vec::len).collect();
        let mut ready: VecDeque<usize> = (0..waits.len()).filter(|at| waits[*at] == 0).collect();
        let mut running: BinaryHeap<Reverse<(u64, usize)>> = BinaryHeap::new();
        let mut waiting = VecDeque::new();
        let mut run = Self { starts: vec![0; times.len()], end_ms: 0 };
        loop {
            while let Some(at) = ready.pop_front() {
                match times[at] {
                    None => release(links, at, &mut waits, &mut ready),
                    Some(_) => waiting.push_back(at),
                }
            }
            while running.len() < jobs
                && let Some(at) = waiting.pop_front()
            {
                run.starts[at] = run.end_ms;
                running.push(Reverse((run.end_ms + times[at].unwrap_or(0), at)));
            }
            let Some(Reverse((end_ms, at))) = running.pop() else { return run };
            run.end_ms = end_ms;
            release(links, at, &mut waits, &mut ready);
        }
    }
}

fn release(links: &Links, at: usize, waits: &mut [usize], ready: &mut VecDeque<usize>) {
    for &user in &links.users[at] {
        waits[user] -= 1;
        if waits[user] == 0 {
            ready.push_back(user);
        }
    }
}

/// The chain of steps that takes longest, each needing the one before; steps that take no time are left out.
fn longest(links: &Links, times: &[Option<u64>], steps: &[PlannedStep]) -> (Vec<StepId>, u64) {
    let mut ends: Vec<u64> = Vec::with_capacity(times.len());
    let mut before: Vec<Option<usize>> = Vec::with_capacity(times.len());
    for (at, inputs) in links.inputs.iter().enumerate() {
        let latest = inputs.iter().copied().max_by_key(|&input| ends[input]);
        before.push(latest);
        ends.push(latest.map_or(0, |input| ends[input]) + times[at].unwrap_or(0));
    }
    let last = (0..ends.len()).max_by_key(|&at| ends[at]);
    let mut path = Vec::new();
    let mut walk = last;
    while let Some(at) = walk {
        if times[at].unwrap_or(0) > 0 {
            path.push(steps[at].id);
        }
        walk = before[at];
    }
    path.reverse();
    (path, last.map_or(0, |at| ends[at]))
}
