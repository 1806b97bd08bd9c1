//! Errors of evaluation.
//!
//! Owns: what an error carries while it unwinds, and which errors `tryEval` catches.
//! Never does: printing (see [`super::report`]).

use std::borrow::Cow;

use super::syntax::Pos;

/// Result of evaluation.
pub type Result<T> = std::result::Result<T, Box<EvalError>>;

/// What went wrong, as far as the program can tell the difference.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorKind {
    /// `throw`; caught by `tryEval`.
    Throw,
    /// `assert`; caught by `tryEval`.
    Assert,
    /// The stack of the machine is used up; printed without a trace.
    StackOverflow,
    /// Memory or steps are used up; printed without a trace.
    Limit,
    /// The user asked for the end ([`World::interrupted`](super::world::World::interrupted)); printed without a trace.
    Interrupted,
    /// A word that stands for one of a few things stands for none; Nix then points at its `--help`.
    Usage,
    /// What was fetched has another hash than was said; the command line ends with a status of its own.
    HashMismatch,
    /// Anything else.
    Other,
}

/// A line `… while …` of a trace.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trace {
    /// Place it points at; [`Pos::NONE`] for none.
    pub pos: Pos,
    /// What was being done.
    pub text: Cow<'static, [u8]>,
    /// Shown even where the trace is cut short (`addErrorContext`).
    pub always: bool,
}

/// An error on its way to whoever catches or prints it.
#[derive(Clone, Debug)]
pub struct EvalError {
    /// What `tryEval` goes by.
    pub kind: ErrorKind,
    /// The text after `error: `.
    pub message: Vec<u8>,
    /// Place of the error itself.
    pub pos: Pos,
    /// Innermost first.
    pub traces: Vec<Trace>,
    /// Names for `Did you mean …?`, best first.
    pub suggestions: Vec<String>,
}

impl EvalError {
    /// An error that `tryEval` does not catch.
    #[cold]
    pub fn new(message: impl Into<Vec<u8>>) -> Box<Self> {
        Self::of_kind(ErrorKind::Other, message)
    }

    /// An error of a kind.
    #[cold]
    pub fn of_kind(kind: ErrorKind, message: impl Into<Vec<u8>>) -> Box<Self> {
        Box::new(EvalError {
            kind,
            message: message.into(),
            pos: Pos::NONE,
            traces: Vec::new(),
            suggestions: Vec::new(),
        })
    }

    /// Says where it happened.
    #[must_use]
    pub fn at(mut self: Box<Self>, pos: Pos) -> Box<Self> {
        self.pos = pos;
        self
    }

    /// Adds what was being done outside of everything that the trace has so far.
    #[cold]
    #[must_use]
    pub fn trace(mut self: Box<Self>, pos: Pos, text: impl Into<Cow<'static, [u8]>>) -> Box<Self> {
        self.add_trace(pos, text);
        self
    }

    /// The same in place. A result that is taken apart to be told more is copied even when it is none of an error, and
    /// that costs where it happens with each call.
    #[cold]
    pub fn add_trace(&mut self, pos: Pos, text: impl Into<Cow<'static, [u8]>>) {
        if self.is_traced() {
            self.traces.push(Trace { pos, text: text.into(), always: false });
        }
    }

    /// Whether it is told what was being done: not of what ends an evaluation from outside.
    pub(super) fn is_traced(&self) -> bool {
        !matches!(self.kind, ErrorKind::StackOverflow | ErrorKind::Limit | ErrorKind::Interrupted)
    }

    /// True when `tryEval` turns it into `{ success = false; … }`.
    pub fn is_catchable(&self) -> bool {
        matches!(self.kind, ErrorKind::Throw | ErrorKind::Assert)
    }
}

/// Adds trace lines to results.
pub trait Context<T> {
    /// On failure, says what was being done at `pos`.
    ///
    /// # Errors
    /// The same, with the line.
    fn context(self, pos: Pos, text: &'static str) -> Result<T>;
}

impl<T> Context<T> for Result<T> {
    #[inline(always)]
    fn context(self, pos: Pos, text: &'static str) -> Result<T> {
        match self {
            Ok(value) => Ok(value),
            Err(error) => Err(error.trace(pos, text.as_bytes())),
        }
    }
}
