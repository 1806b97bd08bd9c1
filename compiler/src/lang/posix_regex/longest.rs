//! Searches in which an alternation takes the branch whose match ends last.
//!
//! Where a match that goes through a node at a place ends depends on nothing before that place. One pass from the end of
//! the text computes it for every node, keeping a row every so often; blocks between kept rows are computed again when a
//! search comes to them. Time is linear in the text times the graph, twice; memory is that of one block and the kept rows.

use super::UNSET;
use super::graph::{Graph, Node, NodeId};

/// No match goes through here.
const NOWHERE: u32 = u32::MAX;

/// Entries of a block, unless the text is so long that fewer kept rows are better.
const BLOCK_ENTRIES: usize = 1 << 20;

/// The ends of all matches in one text.
pub(super) struct Longest<'g, 't> {
    graph: &'g Graph,
    text: &'t [u8],
    /// Places in a block.
    step: usize,
    /// Rows at multiples of `step`.
    kept: Vec<Vec<u32>>,
    /// The block that is in memory: its number, and one row for each place.
    block: Option<(usize, Vec<u32>)>,
}

impl<'g, 't> Longest<'g, 't> {
    pub(super) fn new(graph: &'g Graph, text: &'t [u8]) -> Longest<'g, 't> {
        let nodes = graph.nodes.len();
        let step = (BLOCK_ENTRIES / nodes).max(text.len().isqrt()).max(1);
        let mut this = Longest { graph, text, step, kept: Vec::new(), block: None };
        let mut kept = Vec::with_capacity(text.len() / step + 1);
        let mut after = vec![NOWHERE; nodes];
        for place in (0..=text.len()).rev() {
            let row = this.row(place, &after, false);
            if place % step == 0 {
                kept.push(row.clone());
            }
            after = row;
        }
        kept.reverse();
        this.kept = kept;
        this
    }

    /// Ends of matches through every node at `place`, given the row of the next place.
    fn row(&self, place: usize, after: &[u32], not_null: bool) -> Vec<u32> {
        let mut row = vec![NOWHERE; self.graph.nodes.len()];
        let byte = self.text.get(place).copied();
        for id in &self.graph.order {
            let of = |id: NodeId| row[id as usize];
            let end =
                match self.graph.node(*id) {
                    Node::Byte { set, next } => match byte {
                        Some(byte) if self.graph.sets[set as usize].contains(byte) => after[next as usize],
                        _ => NOWHERE,
                    },
                    Node::Choice { first, second, longest } => {
                        if takes_first(of(first), of(second), longest) { of(first) } else { of(second) }
                    }
                    Node::Save { next, .. } => of(next),
                    Node::Begin { next } if place == 0 => of(next),
                    Node::End { next } if place == self.text.len() => of(next),
                    Node::Begin { .. } | Node::End { .. } => NOWHERE,
                    Node::Accept if not_null => NOWHERE,
                    Node::Accept => u32::try_from(place).unwrap_or(NOWHERE),
                };
            row[*id as usize] = end;
        }
        row
    }

    /// The row of `place`, with its block brought into memory.
    fn row_at(&mut self, place: usize) -> &[u32] {
        let nodes = self.graph.nodes.len();
        let number = place / self.step;
        if self.block.as_ref().is_none_or(|(held, _)| *held != number) {
            let begin = number * self.step;
            let end = (begin + self.step).min(self.text.len() + 1);
            let mut rows = vec![NOWHERE; (end - begin) * nodes];
            let mut after = match self.kept.get(number + 1) {
                Some(row) => row.clone(),
                None => vec![NOWHERE; nodes],
            };
            for at in (begin..end).rev() {
                let row = self.row(at, &after, false);
                rows[(at - begin) * nodes..][..nodes].copy_from_slice(&row);
                after = row;
            }
            self.block = Some((number, rows));
        }
        match &self.block {
            Some((_, rows)) => &rows[(place % self.step) * nodes..][..nodes],
            None => &[],
        }
    }

    /// Finds the first match at or after `from`; with `retry` a non-empty one exactly at `from`.
    pub(super) fn search(&mut self, from: usize, retry: bool) -> Option<Vec<usize>> {
        let start = self.graph.start;
        if retry {
            let after = if from < self.text.len() { self.row_at(from + 1).to_vec() } else { return None };
            let row = self.row(from, &after, true);
            return (row[start as usize] != NOWHERE).then(|| self.walk(from, Some(&row)));
        }
        let place = (from..=self.text.len()).find(|at| self.row_at(*at)[start as usize] != NOWHERE)?;
        Some(self.walk(place, None))
    }

    /// Follows the choices of the match that starts at `from`; `first` stands for the row there.
    fn walk(&mut self, from: usize, first: Option<&[u32]>) -> Vec<usize> {
        let graph = self.graph;
        let mut slots = vec![UNSET; graph.slots];
        let mut place = from;
        let mut at = graph.start;
        loop {
            at = match graph.node(at) {
                Node::Byte { next, .. } => {
                    place += 1;
                    next
                }
                Node::Choice { first: one, second: two, longest } => {
                    let row = match first {
                        Some(row) if place == from => row,
                        _ => self.row_at(place),
                    };
                    if takes_first(row[one as usize], row[two as usize], longest) { one } else { two }
                }
                Node::Save { slot, next } => {
                    slots[slot as usize] = place;
                    next
                }
                Node::Begin { next } | Node::End { next } => next,
                Node::Accept => break,
            };
        }
        slots[0] = from;
        slots[1] = place;
        slots
    }
}

/// Which way a choice goes, given where the matches through both ways end.
fn takes_first(first: u32, second: u32, longest: bool) -> bool {
    first != NOWHERE && (!longest || second == NOWHERE || first >= second)
}
