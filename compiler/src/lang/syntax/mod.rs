//! Text → syntax tree, and the tree → the text that `nix-instantiate --parse` prints.
//!
//! Owns: bytes, names, positions and the grammar. Trees live in a bump arena and are never freed one by one.
//! Never does: scope. An undefined variable is a well-formed tree here.

use bumpalo::Bump;

pub mod ast;
mod bindings;
mod early_names;
pub mod error;
mod escape;
mod lexer;
mod number;
mod parser;
pub mod path;
pub mod pos;
pub mod print;
mod scan;
pub mod settings;
pub mod symbol;
mod token;

pub use error::{SyntaxError, Warning};
pub use parser::Parsed;
pub use pos::{Origin, Pos, Sources};
pub use settings::{Lint, Settings};
pub use symbol::{Symbol, Symbols};

/// What a source is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// One expression.
    Expression,
    /// Bindings as they stand between the braces of a set; the last semicolon may be missing. The tree is that of the set.
    Bindings,
}

/// Parses a source and adds it to `sources`; warnings are appended also when it fails.
///
/// # Errors
/// When the source is not well formed, nested deeper than the settings allow, or too large.
pub fn parse<'a>(
    arena: &'a Bump,
    symbols: &mut Symbols<'a>,
    sources: &mut Sources<'a>,
    form: Form,
    (origin, text): (Origin<'a>, &'a [u8]),
    settings: &Settings<'_>,
    warnings: &mut Vec<Warning>,
) -> error::Result<Parsed<'a>> {
    let base = sources.add(origin, text).map_err(|full| SyntaxError::new(Pos::NONE, full.to_string()))?;
    let tables = parser::Tables { arena, symbols, sources, settings, warnings };
    match form {
        Form::Expression => parser::parse(tables, text, base),
        Form::Bindings => parser::parse_bindings(tables, text, base),
    }
}
