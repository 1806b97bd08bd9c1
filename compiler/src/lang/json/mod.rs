//! JSON in and out, as `builtins.fromJSON` and `builtins.toJSON` have it.
//!
//! Nix reads and writes JSON with nlohmann's library; the grammar, the conversion of numbers, the places and the texts of
//! errors here are that library's. Values come and go through [`Sink`] and the functions of `write`, so this module
//! knows nothing of the evaluator. Nesting costs one bit of memory a level and no stack.

mod lexer;
mod read;
#[cfg(test)]
mod tests;
pub mod write;

pub use read::{ReadError, Sink, no_nul, read};
