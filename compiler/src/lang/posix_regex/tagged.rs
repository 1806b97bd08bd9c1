//! A deterministic automaton with capture registers, built while it runs.
//!
//! Its states are ordered lists of graph nodes, most preferred first; a transition says from which row of registers each
//! new row is copied and which slots then get the current place. It takes the first alternative in order, which is right
//! for whole matches always and for searches whose alternations the next byte decides.

use std::collections::HashMap;
use std::rc::Rc;

use super::UNSET;
use super::graph::{Graph, Node, NodeId};

/// Registers of automaton states kept before the cache is emptied, counted in list entries.
const CACHE_ENTRIES: usize = 1 << 20;

/// What the automaton looks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mode {
    /// A match of the whole text.
    Whole,
    /// The first match at or after a place.
    Search,
}

/// Index of an automaton state.
type StateId = u32;

/// A transition that was not computed yet.
const UNKNOWN: u32 = u32::MAX;

/// The row of a match that starts here.
const FRESH: u32 = u32::MAX;

/// Identity of an automaton state.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Key {
    threads: Vec<NodeId>,
    /// At the beginning of the text.
    begin: bool,
    /// A match may still start later; the last thread is the one that starts here.
    seeding: bool,
    /// An empty match does not count.
    not_null: bool,
}

/// Where a new row comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Move {
    row: u32,
    saves: Vec<u32>,
}

/// A consuming node that the state reaches without consuming.
#[derive(Debug)]
struct Leaf {
    set: u32,
    next: NodeId,
    origin: Move,
}

#[derive(Debug)]
struct State {
    key: Key,
    leaves: Vec<Leaf>,
    /// The match that ends here while the text goes on, and where it ends.
    accept: Option<Move>,
    accept_at_end: Option<Move>,
    transitions: Vec<u32>,
}

#[derive(Debug)]
struct Transition {
    next: StateId,
    moves: Vec<Move>,
    effect: Effect,
}

/// Short cuts for what a transition does to the rows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Effect {
    /// No way on.
    Dead,
    /// Rows stay as they are.
    Keep,
    /// There is one row before and after, with the first slot moved to the next place.
    Reseed,
    /// As the moves say.
    Moves,
}

/// The automaton.
#[derive(Debug)]
pub(super) struct Tagged {
    mode: Mode,
    states: Vec<State>,
    ids: HashMap<Key, StateId>,
    transitions: Vec<Rc<Transition>>,
    entries: usize,
    rows: Vec<usize>,
    scratch: Vec<usize>,
    visited: Vec<u32>,
    generation: u32,
}

impl Tagged {
    pub(super) fn new(mode: Mode) -> Tagged {
        Tagged {
            mode,
            states: Vec::new(),
            ids: HashMap::new(),
            transitions: Vec::new(),
            entries: 0,
            rows: Vec::new(),
            scratch: Vec::new(),
            visited: Vec::new(),
            generation: 0,
        }
    }

    /// Matches all of `text`; the slots of groups, those of the whole match left unset.
    pub(super) fn match_whole(&mut self, graph: &Graph, text: &[u8]) -> Option<Vec<usize>> {
        let mut state = self.start(graph, true, false, false);
        self.begin_rows(graph, UNSET);
        for (place, byte) in text.iter().enumerate() {
            state = self.advance(graph, state, *byte, place)?;
        }
        let accept = self.states[state as usize].accept_at_end.clone()?;
        Some(self.result(graph, &accept, text.len()))
    }

    /// Finds the first match at or after `from`; with `retry` a non-empty one exactly at `from`.
    pub(super) fn search(
        &mut self,
        graph: &Graph,
        text: &[u8],
        from: usize,
        retry: bool,
    ) -> Option<Vec<usize>> {
        let mut state = self.start(graph, from == 0, !retry, retry);
        self.begin_rows(graph, from);
        let mut best = None;
        for (offset, byte) in text[from..].iter().enumerate() {
            let place = from + offset;
            if let Some(accept) = self.states[state as usize].accept.clone() {
                best = Some(self.result(graph, &accept, place));
            }
            match self.advance(graph, state, *byte, place) {
                Some(next) => state = next,
                None => return best,
            }
        }
        match self.states[state as usize].accept_at_end.clone() {
            Some(accept) => Some(self.result(graph, &accept, text.len())),
            None => best,
        }
    }

    fn begin_rows(&mut self, graph: &Graph, start: usize) {
        self.rows.clear();
        self.rows.resize(graph.slots, UNSET);
        if let Some(slot) = self.rows.first_mut() {
            *slot = start;
        }
    }

    /// The slots of a match that ends at `place`.
    fn result(&self, graph: &Graph, accept: &Move, place: usize) -> Vec<usize> {
        let begin = accept.row as usize * graph.slots;
        let mut slots = self.rows[begin..begin + graph.slots].to_vec();
        for slot in &accept.saves {
            slots[*slot as usize] = place;
        }
        slots[1] = place;
        slots
    }

    /// Consumes the byte at `place`.
    fn advance(&mut self, graph: &Graph, state: StateId, byte: u8, place: usize) -> Option<StateId> {
        let class = usize::from(graph.classes[usize::from(byte)]);
        let mut known = self.states[state as usize].transitions[class];
        if known == UNKNOWN {
            known = self.add_transition(graph, state, class);
        }
        let transition = &self.transitions[known as usize];
        match transition.effect {
            Effect::Keep => {}
            Effect::Dead => return None,
            Effect::Reseed => self.rows[0] = place + 1,
            Effect::Moves => {
                let transition = Rc::clone(transition);
                self.move_rows(graph.slots, &transition.moves, place);
                return Some(transition.next);
            }
        }
        Some(transition.next)
    }

    fn move_rows(&mut self, slots: usize, moves: &[Move], place: usize) {
        self.scratch.clear();
        for Move { row, saves } in moves {
            let at = self.scratch.len();
            if *row == FRESH {
                self.scratch.resize(at + slots, UNSET);
                self.scratch[at] = place + 1;
            } else {
                let begin = *row as usize * slots;
                self.scratch.extend_from_slice(&self.rows[begin..begin + slots]);
            }
            for slot in saves {
                self.scratch[at + *slot as usize] = place;
            }
        }
        std::mem::swap(&mut self.rows, &mut self.scratch);
    }

    fn start(&mut self, graph: &Graph, begin: bool, seeding: bool, not_null: bool) -> StateId {
        let seeding = seeding && self.mode == Mode::Search;
        self.state_of(graph, Key { threads: vec![graph.start], begin, seeding, not_null })
    }

    fn state_of(&mut self, graph: &Graph, key: Key) -> StateId {
        if let Some(id) = self.ids.get(&key) {
            return *id;
        }
        let mut state = State {
            leaves: Vec::new(),
            accept: None,
            accept_at_end: None,
            transitions: vec![UNKNOWN; graph.representatives.len()],
            key,
        };
        state.accept_at_end = self.close(graph, &state.key, true, &mut Vec::new());
        state.accept = self.close(graph, &state.key, false, &mut state.leaves);
        self.entries += state.leaves.len() + state.key.threads.len() + state.transitions.len();
        let id = StateId::try_from(self.states.len()).unwrap_or(0);
        self.ids.insert(state.key.clone(), id);
        self.states.push(state);
        id
    }

    /// Collects what a state reaches without consuming, in order of preference, and returns its first match. In a search
    /// nothing after a match is of interest.
    fn close(&mut self, graph: &Graph, key: &Key, at_end: bool, leaves: &mut Vec<Leaf>) -> Option<Move> {
        self.visited.resize(graph.nodes.len(), 0);
        self.generation = self.generation.wrapping_add(1);
        let mut accept = None;
        let mut saves: Vec<u32> = Vec::new();
        let mut stack: Vec<(NodeId, usize)> = Vec::new();
        for (row, thread) in key.threads.iter().enumerate() {
            let row = u32::try_from(row).unwrap_or(0);
            stack.push((*thread, 0));
            while let Some((id, depth)) = stack.pop() {
                saves.truncate(depth);
                if std::mem::replace(&mut self.visited[id as usize], self.generation) == self.generation {
                    continue;
                }
                match graph.node(id) {
                    Node::Byte { set, next } => {
                        leaves.push(Leaf { set, next, origin: Move { row, saves: saves.clone() } });
                    }
                    Node::Choice { first, second, .. } => {
                        stack.push((second, depth));
                        stack.push((first, depth));
                    }
                    Node::Save { slot, next } => {
                        // The whole match is delimited by the engine.
                        if slot > 1 {
                            saves.push(slot);
                        }
                        stack.push((next, saves.len()));
                    }
                    Node::Begin { next } if key.begin => stack.push((next, depth)),
                    Node::End { next } if at_end => stack.push((next, depth)),
                    Node::Begin { .. } | Node::End { .. } => {}
                    Node::Accept if key.not_null => {}
                    Node::Accept => {
                        if accept.is_none() {
                            accept = Some(Move { row, saves: saves.clone() });
                        }
                        if self.mode == Mode::Search {
                            return accept;
                        }
                    }
                }
            }
        }
        accept
    }

    fn add_transition(&mut self, graph: &Graph, from: StateId, class: usize) -> u32 {
        let byte = graph.representatives[class];
        let state = &self.states[from as usize];
        let mut key = Key {
            threads: Vec::new(),
            begin: false,
            seeding: state.key.seeding && state.accept.is_none(),
            not_null: false,
        };
        let mut moves = Vec::new();
        let mut taken = std::collections::HashSet::new();
        for leaf in &state.leaves {
            if graph.sets[leaf.set as usize].contains(byte) && taken.insert(leaf.next) {
                key.threads.push(leaf.next);
                moves.push(leaf.origin.clone());
            }
        }
        if key.seeding && taken.insert(graph.start) {
            key.threads.push(graph.start);
            moves.push(Move { row: FRESH, saves: Vec::new() });
        }
        let effect = effect(&moves, state.key.threads.len());
        self.entries += moves.iter().map(|m| 4 + m.saves.len()).sum::<usize>();
        let mut from = from;
        if self.entries > CACHE_ENTRIES {
            from = self.empty_cache(graph, from);
        }
        let next = if effect == Effect::Dead { from } else { self.state_of(graph, key) };
        let id = u32::try_from(self.transitions.len()).unwrap_or(0);
        self.transitions.push(Rc::new(Transition { next, moves, effect }));
        self.states[from as usize].transitions[class] = id;
        id
    }

    /// Forgets everything but the state the automaton is in.
    fn empty_cache(&mut self, graph: &Graph, current: StateId) -> StateId {
        let key = self.states[current as usize].key.clone();
        self.states.clear();
        self.ids.clear();
        self.transitions.clear();
        self.entries = 0;
        self.state_of(graph, key)
    }
}

fn effect(moves: &[Move], rows: usize) -> Effect {
    let in_place = |(at, m): (usize, &Move)| m.row as usize == at && m.saves.is_empty();
    match moves {
        [] => Effect::Dead,
        [only] if rows == 1 && only.row == FRESH => Effect::Reseed,
        _ if moves.iter().enumerate().all(in_place) => Effect::Keep,
        _ => Effect::Moves,
    }
}
