//! The graph of ordered choices: the automaton with its empty cycles unrolled as often as libstdc++ walks them.
//!
//! libstdc++ enters the body of a repetition at most twice at one place in the text on one path. Only a body that can
//! match nothing comes back to its repetition without moving on, so only repetitions inside an empty cycle are counted;
//! each node here is a state together with the counts of its cycle. Between two consumed bytes the graph has no cycle.

use std::collections::HashMap;

use super::RegexError;
use super::nfa::{NONE, Nfa, Op, StateId};
use super::set::ByteSet;

/// Index of a node.
pub(super) type NodeId = u32;

/// How often the body of a repetition is entered at one place.
const ROUNDS: u8 = 2;

/// Nodes allowed while counting exactly; nested empty repetitions multiply. Beyond it only loops are counted, not
/// optional parts inside them: the language stays the same, submatches of such patterns may differ.
const EXACT_NODES: usize = 400_000;

/// Nodes allowed at all.
const MOST_NODES: usize = 2_000_000;

/// What a node does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Node {
    /// Consumes a byte of the set, then goes on.
    Byte { set: u32, next: NodeId },
    /// Tries `first`, then `second`. With `longest` the match that ends last wins in a search, else the first.
    Choice { first: NodeId, second: NodeId, longest: bool },
    /// Stores the place in a slot.
    Save { slot: u32, next: NodeId },
    /// Goes on at the beginning of the text only.
    Begin { next: NodeId },
    /// Goes on at the end of the text only.
    End { next: NodeId },
    /// A match.
    Accept,
}

/// The graph with its sets.
#[derive(Debug)]
pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
    pub(super) start: NodeId,
    pub(super) sets: Vec<ByteSet>,
    /// Class of every byte: bytes of one class are in the same sets.
    pub(super) classes: [u8; 256],
    /// A byte of each class.
    pub(super) representatives: Vec<u8>,
    /// Number of capture slots, two for each group and two for the whole match.
    pub(super) slots: usize,
    /// Nodes such that every node comes after those it leads to without consuming a byte.
    pub(super) order: Vec<NodeId>,
    compares_lengths: bool,
}

impl Graph {
    /// Unrolls `nfa`.
    ///
    /// # Errors
    /// [`RegexError::TooLarge`] when nested empty repetitions make too many nodes.
    pub(super) fn build(nfa: &Nfa) -> Result<Graph, RegexError> {
        let cycles = Cycles::of(nfa);
        let unrolled = Unroller::run(nfa, &cycles, false).or_else(|_| Unroller::run(nfa, &cycles, true))?;
        let (classes, representatives) = byte_classes(&nfa.sets);
        let mut graph = Graph {
            order: Vec::new(),
            nodes: unrolled.nodes,
            start: unrolled.start,
            sets: nfa.sets.clone(),
            classes,
            representatives,
            slots: 2 * nfa.groups as usize,
            compares_lengths: false,
        };
        graph.order = graph.topological_order();
        graph.compares_lengths = graph.has_ambiguous_alternative();
        Ok(graph)
    }

    pub(super) fn group_count(&self) -> usize {
        self.slots / 2 - 1
    }

    /// Whether a search has to compare the lengths of branches; otherwise taking the first branch is the same.
    pub(super) fn compares_lengths(&self) -> bool {
        self.compares_lengths
    }

    pub(super) fn node(&self, id: NodeId) -> Node {
        self.nodes[id as usize]
    }

    fn topological_order(&self) -> Vec<NodeId> {
        let mut order = Vec::with_capacity(self.nodes.len());
        let mut seen = vec![false; self.nodes.len()];
        let mut stack: Vec<(NodeId, bool)> = Vec::new();
        for root in 0..self.nodes.len() {
            stack.push((u32::try_from(root).unwrap_or(0), false));
            while let Some((id, done)) = stack.pop() {
                if done {
                    order.push(id);
                } else if !std::mem::replace(&mut seen[id as usize], true) {
                    stack.push((id, true));
                    for next in self.empty_successors(id) {
                        stack.push((next, false));
                    }
                }
            }
        }
        order
    }

    fn empty_successors(&self, id: NodeId) -> impl Iterator<Item = NodeId> {
        let (a, b) = match self.node(id) {
            Node::Byte { .. } | Node::Accept => (None, None),
            Node::Choice { first, second, .. } => (Some(first), Some(second)),
            Node::Save { next, .. } | Node::Begin { next } | Node::End { next } => (Some(next), None),
        };
        a.into_iter().chain(b)
    }

    /// An alternation is harmless when the next byte decides between its branches.
    fn has_ambiguous_alternative(&self) -> bool {
        let mut firsts = vec![(ByteSet::default(), false); self.nodes.len()];
        for id in &self.order {
            let of = |id: NodeId| firsts[id as usize];
            let result = match self.node(*id) {
                Node::Byte { set, .. } => (self.sets[set as usize], false),
                Node::Accept => (ByteSet::default(), true),
                Node::Save { next, .. } | Node::Begin { next } | Node::End { next } => of(next),
                Node::Choice { first, second, longest } => {
                    let (mut bytes, accepts) = of(first);
                    let (others, other_accepts) = of(second);
                    if longest && (accepts || !bytes.is_disjoint(&others)) {
                        return true;
                    }
                    bytes.union(&others);
                    (bytes, accepts || other_accepts)
                }
            };
            firsts[*id as usize] = result;
        }
        false
    }
}

/// Divides the bytes into classes that no set tells apart.
fn byte_classes(sets: &[ByteSet]) -> ([u8; 256], Vec<u8>) {
    let mut classes = [0_u8; 256];
    let mut count = 1_usize;
    for set in sets {
        let mut renamed: HashMap<(u8, bool), u8> = HashMap::new();
        for byte in 0..=u8::MAX {
            let key = (classes[usize::from(byte)], set.contains(byte));
            let fresh = u8::try_from(renamed.len()).unwrap_or(u8::MAX);
            classes[usize::from(byte)] = *renamed.entry(key).or_insert(fresh);
        }
        count = renamed.len();
    }
    let mut representatives = vec![0; count];
    for byte in 0..=u8::MAX {
        representatives[usize::from(classes[usize::from(byte)])] = byte;
    }
    (classes, representatives)
}

/// Strongly connected components of the automaton without its consuming edges.
struct Cycles {
    component: Vec<u32>,
}

impl Cycles {
    /// Tarjan's algorithm without recursion.
    fn of(nfa: &Nfa) -> Cycles {
        const UNSEEN: u32 = u32::MAX;
        let n = nfa.states.len();
        let (mut index, mut low) = (vec![UNSEEN; n], vec![0; n]);
        let mut component = vec![UNSEEN; n];
        let mut open: Vec<StateId> = Vec::new();
        let (mut counter, mut components) = (0, 0);
        let mut stack: Vec<(StateId, u8)> = Vec::new();
        for root in 0..n {
            if index[root] == UNSEEN {
                stack.push((u32::try_from(root).unwrap_or(0), 0));
            }
            while let Some((id, step)) = stack.pop() {
                let i = id as usize;
                if step == 0 {
                    if index[i] != UNSEEN {
                        continue;
                    }
                    (index[i], low[i]) = (counter, counter);
                    counter += 1;
                    open.push(id);
                }
                match empty_edges(nfa, id).nth(usize::from(step)) {
                    Some(to) => {
                        stack.push((id, step + 1));
                        if index[to as usize] == UNSEEN {
                            stack.push((to, 0));
                        }
                    }
                    None => {
                        for to in empty_edges(nfa, id) {
                            if component[to as usize] == UNSEEN {
                                low[i] = low[i].min(low[to as usize]);
                            }
                        }
                        if low[i] == index[i] {
                            while let Some(member) = open.pop() {
                                component[member as usize] = components;
                                if member == id {
                                    break;
                                }
                            }
                            components += 1;
                        }
                    }
                }
            }
        }
        Cycles { component }
    }

    fn same(&self, a: StateId, b: StateId) -> bool {
        self.component[a as usize] == self.component[b as usize]
    }
}

/// The states that a state leads to without consuming a byte.
fn empty_edges(nfa: &Nfa, id: StateId) -> impl Iterator<Item = StateId> {
    let state = nfa.state(id);
    let (alt, next) = match state.op {
        Op::Byte(_) | Op::Accept => (NONE, NONE),
        Op::Alternative { alt } | Op::Repeat { alt, .. } => (alt, state.next),
        _ => (NONE, state.next),
    };
    [alt, next].into_iter().filter(|to| *to != NONE)
}

/// Counts of the repetitions entered at this place: state and times, sorted by state.
type Counts = Vec<(StateId, u8)>;

struct Unroller<'n> {
    nfa: &'n Nfa,
    cycles: &'n Cycles,
    /// Count only the repetitions that close a loop; every empty cycle has one.
    loops_only: bool,
    ids: HashMap<(StateId, Counts), NodeId>,
    pending: Vec<(NodeId, StateId, Counts)>,
    nodes: Vec<Node>,
}

struct Unrolled {
    nodes: Vec<Node>,
    start: NodeId,
}

impl Unroller<'_> {
    fn run(nfa: &Nfa, cycles: &Cycles, loops_only: bool) -> Result<Unrolled, RegexError> {
        let mut this =
            Unroller { nfa, cycles, loops_only, ids: HashMap::new(), pending: Vec::new(), nodes: Vec::new() };
        let start = this.id_of(0, Counts::new());
        while let Some((id, state, counts)) = this.pending.pop() {
            if this.nodes.len() > if loops_only { MOST_NODES } else { EXACT_NODES } {
                return Err(RegexError::TooLarge);
            }
            this.nodes[id as usize] = this.expand(state, counts);
        }
        Ok(Unrolled { nodes: this.nodes, start })
    }

    /// The node for `state` reached with `counts`; states that only lead on are skipped.
    fn id_of(&mut self, mut state: StateId, mut counts: Counts) -> NodeId {
        loop {
            let from = state;
            match self.nfa.state(state).op {
                Op::Dummy => state = self.nfa.state(state).next,
                Op::Repeat { .. } if count(&counts, state) >= ROUNDS => state = self.nfa.state(state).next,
                _ => break,
            }
            if !self.cycles.same(from, state) {
                counts.clear();
            }
        }
        if let Some(id) = self.ids.get(&(state, counts.clone())) {
            return *id;
        }
        let id = NodeId::try_from(self.nodes.len()).unwrap_or(NodeId::MAX);
        self.nodes.push(Node::Accept);
        self.ids.insert((state, counts.clone()), id);
        self.pending.push((id, state, counts));
        id
    }

    /// The node for `to` after `from`: counts are kept inside an empty cycle only.
    fn follow(&mut self, from: StateId, to: StateId, counts: &Counts) -> NodeId {
        let counts = if self.cycles.same(from, to) { counts.clone() } else { Counts::new() };
        self.id_of(to, counts)
    }

    fn expand(&mut self, id: StateId, counts: Counts) -> Node {
        let state = self.nfa.state(id);
        match state.op {
            Op::Byte(set) => Node::Byte { set, next: self.id_of(state.next, Counts::new()) },
            Op::Open(group) => Node::Save { slot: 2 * group, next: self.follow(id, state.next, &counts) },
            Op::Close(group) => {
                Node::Save { slot: 2 * group + 1, next: self.follow(id, state.next, &counts) }
            }
            Op::LineBegin => Node::Begin { next: self.follow(id, state.next, &counts) },
            Op::LineEnd => Node::End { next: self.follow(id, state.next, &counts) },
            Op::Alternative { alt } => Node::Choice {
                first: self.follow(id, alt, &counts),
                second: self.follow(id, state.next, &counts),
                longest: true,
            },
            Op::Repeat { alt, looping } => {
                let mut inside = counts.clone();
                if self.cycles.same(id, alt) && (looping || !self.loops_only) {
                    match inside.binary_search_by_key(&id, |(state, _)| *state) {
                        Ok(at) => inside[at].1 += 1,
                        Err(at) => inside.insert(at, (id, 1)),
                    }
                }
                Node::Choice {
                    first: self.follow(id, alt, &inside),
                    second: self.follow(id, state.next, &counts),
                    longest: false,
                }
            }
            Op::Dummy | Op::Accept => Node::Accept,
        }
    }
}

fn count(counts: &Counts, state: StateId) -> u8 {
    counts.binary_search_by_key(&state, |(id, _)| *id).map_or(0, |at| counts[at].1)
}
