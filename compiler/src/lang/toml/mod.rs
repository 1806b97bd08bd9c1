//! TOML as `builtins.fromTOML` reads it: version 1.0, with the errors of toml11, which Nix uses.
//!
//! Reading goes on behind an error; the message holds them all. Dates and times are values here; whether they are
//! welcome is the caller's business.

mod error;
mod grammar;
mod number;
mod parse;
mod scan;
mod skip;
#[cfg(test)]
mod tests;
mod text;
mod value;

use error::{Problem, Source};
use parse::Parser;

use super::stack::StackLimit;
pub use value::Value;

/// The name that messages call the text by.
const FILE: &str = "fromTOML";

/// Why a text is no TOML.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TomlError {
    /// What is wrong and where, as toml11 says it; bytes because it quotes the text.
    Syntax(Vec<u8>),
    /// Arrays and tables are nested deeper than the stack allows.
    TooDeep,
}

/// The stack is used up.
#[derive(Clone, Copy, Debug)]
struct TooDeep;

/// Why a value could not be read.
enum Stop {
    Problem(Box<Problem>),
    TooDeep,
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Stop {
        Stop::Problem(Box::new(problem))
    }
}

impl From<TooDeep> for Stop {
    fn from(_: TooDeep) -> Stop {
        Stop::TooDeep
    }
}

/// Reads a document; the value is a table.
///
/// # Errors
/// [`TomlError`].
pub fn read(text: &[u8], stack: StackLimit) -> Result<Value, TomlError> {
    let mut text = text.to_vec();
    // A line end at the end makes the grammar simpler. A lone CR is an error and must stay one.
    if !matches!(text.last(), None | Some(b'\n' | b'\r')) {
        text.push(b'\n');
    }
    let line_ends: Vec<usize> =
        text.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at).collect();
    let mut parser = Parser::new(Source { file: FILE, text: &text, line_ends: &line_ends }, stack);
    let root = parser.file().map_err(|TooDeep| TomlError::TooDeep)?;
    if parser.problems.is_empty() {
        return Ok(root.into_value());
    }
    let mut message = Vec::new();
    parser.problems.iter().for_each(|problem| problem.write(&mut message));
    Err(TomlError::Syntax(message))
}
