//! What is wrong with a source.
//!
//! Owns: the wording of syntax errors and of warnings about syntax.
//! Never does: show the line of source; see the report of evaluation errors.

use std::fmt;

use super::pos::Pos;

/// Result of parsing. The error is boxed: it is rare, and results are everywhere.
pub type Result<T> = std::result::Result<T, Box<SyntaxError>>;

/// A source that is not well formed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SyntaxError {
    /// Where.
    pub pos: Pos,
    /// The text after `error: `, in Nix's words. May quote the source, so it need not be UTF-8.
    pub message: Vec<u8>,
    /// Nothing is wrong with the source, but its tree takes more memory than the settings allow.
    pub out_of_memory: bool,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.message))
    }
}

impl std::error::Error for SyntaxError {}

impl SyntaxError {
    #[cold]
    pub(super) fn new(pos: Pos, message: impl Into<Vec<u8>>) -> Box<Self> {
        Box::new(SyntaxError { pos, message: message.into(), out_of_memory: false })
    }

    /// The tree has become too large.
    #[cold]
    pub(super) fn out_of_memory() -> Box<Self> {
        let message = b"the source takes more memory than is allowed".to_vec();
        Box::new(SyntaxError { pos: Pos::NONE, message, out_of_memory: true })
    }

    /// `words` with `quoted` between its two halves.
    #[cold]
    pub(super) fn quoting(pos: Pos, before: &str, quoted: &[u8], after: &str) -> Box<Self> {
        SyntaxError::new(pos, [before.as_bytes(), quoted, after.as_bytes()].concat())
    }
}

/// Something that is well formed but discouraged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Warning {
    /// The line to show below the message; [`Pos::NONE`]: none.
    pub pos: Pos,
    /// The text after `warning: `.
    pub message: Vec<u8>,
}
