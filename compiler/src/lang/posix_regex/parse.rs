//! From a pattern to its automaton, in one pass and without recursion.

use super::RegexError;
use super::bracket;
use super::nfa::{Fragment, Nfa, Op};
use super::set::ByteSet;

/// Bytes with a meaning of their own outside brackets; only these may follow a backslash.
const SPECIAL: &[u8] = b".[\\()*+?{|^$";

/// A group that is open: what came before its last `|`, and the terms since.
struct Level {
    open: Fragment,
    group: u32,
    before: Option<Fragment>,
    terms: Vec<Fragment>,
}

impl Level {
    fn new(open: Fragment, group: u32) -> Level {
        Level { open, group, before: None, terms: Vec::new() }
    }
}

struct Parser<'p> {
    pattern: &'p [u8],
    at: usize,
    nfa: Nfa,
    outer: Vec<Level>,
    level: Level,
}

/// Builds the automaton of `pattern`; its start is state 0.
pub(super) fn parse(pattern: &[u8]) -> Result<Nfa, RegexError> {
    let mut nfa = Nfa::default();
    let open = nfa.insert_open()?;
    let mut parser = Parser { pattern, at: 0, nfa, outer: Vec::new(), level: Level::new(open, 0) };
    while let Some(byte) = parser.take() {
        parser.token(byte)?;
    }
    if !parser.outer.is_empty() {
        return Err(RegexError::Invalid);
    }
    let body = parser.close_level()?;
    let accept = parser.nfa.insert(Op::Accept)?;
    parser.nfa.append(body, accept);
    Ok(parser.nfa)
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.pattern.get(self.at).copied()
    }

    fn take(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn token(&mut self, byte: u8) -> Result<(), RegexError> {
        match byte {
            b'^' => return self.assertion(Op::LineBegin),
            b'$' => return self.assertion(Op::LineEnd),
            b'|' => return self.alternative(),
            b'(' => {
                let group = self.nfa.groups;
                let open = self.nfa.insert_open()?;
                self.outer.push(std::mem::replace(&mut self.level, Level::new(open, group)));
                return Ok(());
            }
            b')' => {
                let Some(outer) = self.outer.pop() else { return Err(RegexError::Invalid) };
                let group = self.close_level()?;
                self.level = outer;
                self.level.terms.push(group);
            }
            b'*' | b'+' | b'?' | b'{' | 0 => return Err(RegexError::Invalid),
            b'.' => self.set(ByteSet::any())?,
            b'[' => {
                let (set, length) = bracket::parse(&self.pattern[self.at..])?;
                self.at += length;
                self.set(set)?;
            }
            b'\\' => {
                let escaped = self.take().filter(|b| SPECIAL.contains(b)).ok_or(RegexError::Invalid)?;
                self.set(ByteSet::of(escaped))?;
            }
            literal => self.set(ByteSet::of(literal))?,
        }
        self.quantifiers()
    }

    fn set(&mut self, set: ByteSet) -> Result<(), RegexError> {
        let fragment = self.nfa.insert_set(set)?;
        self.level.terms.push(fragment);
        Ok(())
    }

    /// An assertion takes no quantifier: one after it is an error, because it begins a term.
    fn assertion(&mut self, op: Op) -> Result<(), RegexError> {
        let fragment = self.nfa.insert(op)?;
        self.level.terms.push(fragment);
        Ok(())
    }

    /// Ends the branch that was being read and joins it to those before it.
    fn alternative(&mut self) -> Result<(), RegexError> {
        let mut branch = self.nfa.insert(Op::Dummy)?;
        for term in std::mem::take(&mut self.level.terms).into_iter().rev() {
            branch = self.nfa.append(term, branch);
        }
        let joined = match self.level.before {
            None => branch,
            Some(before) => {
                let end = self.nfa.insert(Op::Dummy)?;
                self.nfa.append(before, end);
                self.nfa.append(branch, end);
                let choice = self.nfa.insert(Op::Alternative { alt: before.start })?;
                self.nfa.state_mut(choice.start).next = branch.start;
                Fragment { start: choice.start, end: end.end }
            }
        };
        self.level.before = Some(joined);
        Ok(())
    }

    /// The whole group with its opening and closing.
    fn close_level(&mut self) -> Result<Fragment, RegexError> {
        self.alternative()?;
        let body = self.level.before.ok_or(RegexError::Invalid)?;
        let close = self.nfa.insert(Op::Close(self.level.group))?;
        let opened = self.nfa.append(self.level.open, body);
        Ok(self.nfa.append(opened, close))
    }

    fn quantifiers(&mut self) -> Result<(), RegexError> {
        let mut is_starred = false;
        while let Some(byte @ (b'*' | b'+' | b'?' | b'{')) = self.peek() {
            self.at += 1;
            // What may come any number of times already: loops around a loop change nothing, and cost the more the more
            // there are.
            if is_starred && byte != b'{' {
                continue;
            }
            is_starred = byte == b'*';
            let term = self.level.terms.pop().ok_or(RegexError::Invalid)?;
            let repeated = match byte {
                b'{' => self.interval(term)?,
                _ => {
                    let repeat = self.nfa.insert(Op::Repeat { alt: term.start, looping: byte != b'?' })?;
                    match byte {
                        b'*' => {
                            self.nfa.append(term, repeat);
                            repeat
                        }
                        b'+' => self.nfa.append(term, repeat),
                        _ => {
                            let end = self.nfa.insert(Op::Dummy)?;
                            self.nfa.append(term, end);
                            self.nfa.append(repeat, end)
                        }
                    }
                }
            };
            self.level.terms.push(repeated);
        }
        Ok(())
    }

    /// `{n}`, `{n,}` and `{n,m}` after the brace: copies of the term, then optional copies or a loop.
    fn interval(&mut self, term: Fragment) -> Result<Fragment, RegexError> {
        let least = self.number()?;
        let mut result = self.nfa.insert(Op::Dummy)?;
        let mut most = Some(least);
        if self.peek() == Some(b',') {
            self.at += 1;
            most = match self.peek() {
                Some(b'0'..=b'9') => Some(self.number()?),
                _ => None,
            };
        }
        if self.take() != Some(b'}') {
            return Err(RegexError::Invalid);
        }
        for _ in 0..least {
            let copy = self.nfa.duplicate(term)?;
            result = self.nfa.append(result, copy);
        }
        let Some(most) = most else {
            let copy = self.nfa.duplicate(term)?;
            let repeat = self.nfa.insert(Op::Repeat { alt: copy.start, looping: true })?;
            self.nfa.append(copy, repeat);
            return Ok(self.nfa.append(result, repeat));
        };
        let optional = most.checked_sub(least).ok_or(RegexError::Invalid)?;
        let end = self.nfa.insert(Op::Dummy)?;
        for _ in 0..optional {
            let copy = self.nfa.duplicate(term)?;
            let repeat = self.nfa.insert(Op::Repeat { alt: copy.start, looping: false })?;
            self.nfa.state_mut(result.end).next = repeat.start;
            // The way on from a repeat node is the end of the interval; it is set now so that `append` on the copy's
            // end chains to the next optional copy.
            self.nfa.state_mut(repeat.start).next = end.start;
            result = Fragment { start: result.start, end: copy.end };
        }
        Ok(self.nfa.append(result, end))
    }

    /// A decimal number that fits libstdc++'s `int`.
    fn number(&mut self) -> Result<u32, RegexError> {
        let digits = self.pattern[self.at..].iter().take_while(|b| b.is_ascii_digit()).count();
        let text = &self.pattern[self.at..self.at + digits];
        self.at += digits;
        std::str::from_utf8(text)
            .ok()
            .and_then(|text| text.parse::<i32>().ok())
            .and_then(|n| u32::try_from(n).ok())
            .ok_or(RegexError::Invalid)
    }
}
