//! Which step of the previous build a step is the successor of.

use std::collections::{HashMap, VecDeque};

use buildc_ir::Graph;
use buildc_ir::world::{BuildRecord, StepRecord};

/// The previous build, matched with the steps of this one.
pub(super) struct Previous {
    records: Vec<StepRecord>,
    /// Per step of this build: its record, and whether that has the same text.
    matched: Vec<Option<(usize, bool)>>,
}

impl Previous {
    /// Matches by stage and text first, equal ones in order; what is left by its place in the stage.
    pub(super) fn new(previous: BuildRecord, graph: &Graph) -> Self {
        let records = previous.steps;
        let mut by_text: HashMap<(&str, &str), VecDeque<usize>> = HashMap::new();
        for (at, record) in records.iter().enumerate() {
            by_text.entry((&record.stage, &record.text)).or_default().push_back(at);
        }
        let mut matched: Vec<Option<(usize, bool)>> = Vec::with_capacity(graph.len());
        for (_, node) in graph.iter() {
            let same = by_text.get_mut(&(node.stage(), node.text())).and_then(VecDeque::pop_front);
            matched.push(same.map(|at| (at, true)));
        }
        match_by_place(&records, graph, &mut matched);
        Self { records, matched }
    }

    /// The record that a step succeeds.
    pub(super) fn of(&self, at: usize) -> Option<&StepRecord> {
        let (record, _) = (*self.matched.get(at)?)?;
        self.records.get(record)
    }

    /// The record of the step, if it is still the same instruction.
    pub(super) fn same(&self, at: usize) -> Option<&StepRecord> {
        let (record, same) = (*self.matched.get(at)?)?;
        self.records.get(record).filter(|_| same)
    }
}

fn match_by_place(records: &[StepRecord], graph: &Graph, matched: &mut [Option<(usize, bool)>]) {
    let mut free: HashMap<(&str, usize), usize> = HashMap::new();
    let mut taken = vec![false; records.len()];
    for (record, _) in matched.iter().flatten() {
        taken[*record] = true;
    }
    for (at, place) in places(records.iter().map(|r| r.stage.as_str())).enumerate() {
        if !taken[at] {
            free.insert(place, at);
        }
    }
    let mine: Vec<(&str, usize)> = places(graph.iter().map(|(_, node)| node.stage())).collect();
    for (slot, place) in matched.iter_mut().zip(mine) {
        if slot.is_none() {
            *slot = free.remove(&place).map(|at| (at, false));
        }
    }
}

/// Numbers steps within their stage.
fn places<'a>(stages: impl Iterator<Item = &'a str>) -> impl Iterator<Item = (&'a str, usize)> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    stages.map(move |stage| {
        let count = counts.entry(stage).or_default();
        *count += 1;
        (stage, *count)
    })
}
