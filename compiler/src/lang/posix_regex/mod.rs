//! POSIX extended regular expressions with the meaning that `builtins.match` and `builtins.split` give them.
//!
//! The language and its choices are those of `std::regex` with the `extended` grammar as libstdc++ implements it, which
//! is what Nix exposes and which is *not* POSIX leftmost-longest: a repetition is greedy and gives back only when nothing
//! follows, while an alternation in a search takes the branch whose whole match ends last. `spec/language/regex.md`
//! states the rules; the tests hold vectors taken from Nix.
//!
//! How it works: `parse` builds the automaton libstdc++ would build (its size decides which patterns are refused),
//! `graph` turns it into a graph of ordered choices, and two engines run that graph: `tagged`, a lazily built
//! deterministic automaton whose transitions move capture registers, and `longest`, a backward pass for searches in
//! which an alternation has to compare lengths. Both are linear in the text for a fixed pattern and bounded in memory.
//!
//! Never: back references, look-around, case folding, Unicode. Text and patterns are bytes.

mod bracket;
mod graph;
mod longest;
mod nfa;
mod parse;
mod set;
mod tagged;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::ops::Range;

use graph::Graph;
use tagged::{Mode, Tagged};

/// Why a pattern cannot be used. The texts are Nix's without the pattern: see [`RegexError::message`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RegexError {
    /// The pattern is malformed.
    #[error("invalid regular expression")]
    Invalid,
    /// The pattern needs more states than libstdc++ allows (100,000), or the text is longer than 4 GiB.
    #[error("memory limit exceeded by regular expression")]
    TooLarge,
}

impl RegexError {
    /// Nix's message for this error and `pattern`.
    #[must_use]
    pub fn message(self, pattern: &[u8]) -> Vec<u8> {
        [format!("{self} '").as_bytes(), pattern, b"'"].concat()
    }
}

/// Where a group matched, as a byte range of the text; `None` for a group that took no part.
pub type Group = Option<Range<usize>>;

/// A compiled pattern. Matching takes `&mut self` because the deterministic automaton grows while it runs.
#[derive(Debug)]
pub struct Regex {
    graph: Graph,
    whole: Tagged,
    search: Tagged,
}

impl Regex {
    /// Compiles `pattern`.
    ///
    /// # Errors
    /// [`RegexError`] for what libstdc++ refuses as well.
    pub fn new(pattern: &[u8]) -> Result<Regex, RegexError> {
        let nfa = parse::parse(pattern)?;
        let graph = Graph::build(&nfa)?;
        Ok(Regex { whole: Tagged::new(Mode::Whole), search: Tagged::new(Mode::Search), graph })
    }

    /// Number of groups, that is of opening parentheses.
    #[must_use]
    pub fn group_count(&self) -> usize {
        self.graph.group_count()
    }

    /// Matches all of `text` and returns the groups in order, or `None`.
    pub fn match_whole(&mut self, text: &[u8]) -> Option<Vec<Group>> {
        let mut slots = self.whole.match_whole(&self.graph, text)?;
        slots[0] = 0;
        slots[1] = text.len();
        Some(groups(&slots).skip(1).collect())
    }

    /// Calls `found` for every match in `text`, in order, with the range of the match and its groups.
    /// The sequence is that of `std::regex_iterator`: after an empty match a non-empty one is tried at the same place.
    ///
    /// # Errors
    /// [`RegexError::TooLarge`] for a text of 4 GiB or more.
    pub fn for_each_match(
        &mut self,
        text: &[u8],
        mut found: impl FnMut(Range<usize>, &[Group]),
    ) -> Result<(), RegexError> {
        if u32::try_from(text.len()).map_or(true, |n| n == u32::MAX) {
            return Err(RegexError::TooLarge);
        }
        let mut longest = self.graph.compares_lengths().then(|| longest::Longest::new(&self.graph, text));
        let mut start = 0;
        let mut after_empty = false;
        loop {
            let slots = match &mut longest {
                Some(engine) => engine.search(start, after_empty),
                None => self.search.search(&self.graph, text, start, after_empty),
            };
            match slots {
                Some(slots) => {
                    let all: Vec<Group> = groups(&slots).collect();
                    let range = slots[0]..slots[1];
                    found(range.clone(), &all[1..]);
                    start = range.end;
                    after_empty = range.is_empty();
                    if after_empty && start == text.len() {
                        return Ok(());
                    }
                }
                None if after_empty => {
                    start += 1;
                    after_empty = false;
                }
                None => return Ok(()),
            }
        }
    }
}

/// Value of a capture slot that was not set.
const UNSET: usize = usize::MAX;

fn groups(slots: &[usize]) -> impl Iterator<Item = Group> {
    slots.chunks_exact(2).map(|pair| (pair[0] != UNSET && pair[1] != UNSET).then(|| pair[0]..pair[1]))
}

/// Compiled patterns by their text. Evaluation uses few patterns many times; the cache is emptied when it holds
/// [`RegexCache::CAPACITY`] of them.
#[derive(Debug, Default)]
pub struct RegexCache {
    compiled: HashMap<Box<[u8]>, Regex>,
}

impl RegexCache {
    /// Patterns held at most.
    pub const CAPACITY: usize = 512;

    /// The compiled form of `pattern`.
    ///
    /// # Errors
    /// As [`Regex::new`].
    pub fn get(&mut self, pattern: &[u8]) -> Result<&mut Regex, RegexError> {
        if !self.compiled.contains_key(pattern) {
            let regex = Regex::new(pattern)?;
            if self.compiled.len() >= Self::CAPACITY {
                self.compiled.clear();
            }
            self.compiled.insert(pattern.into(), regex);
        }
        self.compiled.get_mut(pattern).ok_or(RegexError::Invalid)
    }
}
