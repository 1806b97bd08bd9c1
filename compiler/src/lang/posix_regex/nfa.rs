//! The automaton that libstdc++ builds for a pattern, state for state: its size decides whether a pattern is refused,
//! and its repetition nodes decide how often an empty iteration is tried.

use std::collections::HashMap;

use super::RegexError;
use super::set::ByteSet;

/// Index of a state.
pub(super) type StateId = u32;

/// No state yet.
pub(super) const NONE: StateId = StateId::MAX;

/// libstdc++'s `_GLIBCXX_REGEX_STATE_LIMIT`.
const STATE_LIMIT: usize = 100_000;

/// What a state does; `next` is kept beside it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Op {
    /// Nothing.
    Dummy,
    /// Consumes a byte of the set with this index.
    Byte(u32),
    /// Tries `alt`, then `next`; the longer match wins in a search.
    Alternative { alt: StateId },
    /// Tries `alt` (once more), and `next` only when that found nothing. `looping` tells `*`, `+` and `{n,}`, whose body
    /// leads back here, from optional parts.
    Repeat { alt: StateId, looping: bool },
    /// Opens a group.
    Open(u32),
    /// Closes a group.
    Close(u32),
    /// `^`
    LineBegin,
    /// `$`
    LineEnd,
    /// The end of the pattern.
    Accept,
}

/// One state.
#[derive(Clone, Copy, Debug)]
pub(super) struct State {
    pub(super) op: Op,
    pub(super) next: StateId,
}

/// Part of an automaton with one way in and one way out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fragment {
    pub(super) start: StateId,
    pub(super) end: StateId,
}

/// The automaton under construction and finished.
#[derive(Debug, Default)]
pub(super) struct Nfa {
    pub(super) states: Vec<State>,
    pub(super) sets: Vec<ByteSet>,
    set_ids: HashMap<ByteSet, u32>,
    /// Number of groups, the whole match (group 0) among them.
    pub(super) groups: u32,
}

impl Nfa {
    /// Adds a state.
    ///
    /// # Errors
    /// [`RegexError::TooLarge`] beyond the limit.
    pub(super) fn insert(&mut self, op: Op) -> Result<Fragment, RegexError> {
        let id = self.insert_state(State { op, next: NONE })?;
        Ok(Fragment { start: id, end: id })
    }

    fn insert_state(&mut self, state: State) -> Result<StateId, RegexError> {
        if self.states.len() >= STATE_LIMIT {
            return Err(RegexError::TooLarge);
        }
        self.states.push(state);
        StateId::try_from(self.states.len() - 1).map_err(|_| RegexError::TooLarge)
    }

    /// Adds a state that consumes a byte of `set`.
    pub(super) fn insert_set(&mut self, set: ByteSet) -> Result<Fragment, RegexError> {
        let fresh = u32::try_from(self.sets.len()).map_err(|_| RegexError::TooLarge)?;
        let id = *self.set_ids.entry(set).or_insert(fresh);
        if id == fresh {
            self.sets.push(set);
        }
        self.insert(Op::Byte(id))
    }

    /// Adds the opening of the next group.
    pub(super) fn insert_open(&mut self) -> Result<Fragment, RegexError> {
        let group = self.groups;
        self.groups += 1;
        self.insert(Op::Open(group))
    }

    /// `first` followed by `second`.
    pub(super) fn append(&mut self, first: Fragment, second: Fragment) -> Fragment {
        self.state_mut(first.end).next = second.start;
        Fragment { start: first.start, end: second.end }
    }

    pub(super) fn state(&self, id: StateId) -> State {
        self.states[id as usize]
    }

    pub(super) fn state_mut(&mut self, id: StateId) -> &mut State {
        &mut self.states[id as usize]
    }

    /// Copies a fragment. A state reached by two edges is copied twice and used once, as libstdc++ does: it counts
    /// towards the limit.
    pub(super) fn duplicate(&mut self, fragment: Fragment) -> Result<Fragment, RegexError> {
        let mut copies: HashMap<StateId, StateId> = HashMap::new();
        let mut pending = vec![fragment.start];
        while let Some(id) = pending.pop() {
            let state = self.state(id);
            let copy = self.insert_state(state)?;
            copies.insert(id, copy);
            if let Op::Alternative { alt } | Op::Repeat { alt, .. } = state.op
                && alt != NONE
                && !copies.contains_key(&alt)
            {
                pending.push(alt);
            }
            if id != fragment.end && state.next != NONE && !copies.contains_key(&state.next) {
                pending.push(state.next);
            }
        }
        let renamed = |id: StateId| copies.get(&id).copied().unwrap_or(id);
        for copy in copies.values() {
            let state = self.states[*copy as usize];
            let op = match state.op {
                Op::Alternative { alt } => Op::Alternative { alt: renamed(alt) },
                Op::Repeat { alt, looping } => Op::Repeat { alt: renamed(alt), looping },
                other => other,
            };
            self.states[*copy as usize] = State { op, next: renamed(state.next) };
        }
        Ok(Fragment { start: renamed(fragment.start), end: renamed(fragment.end) })
    }
}
