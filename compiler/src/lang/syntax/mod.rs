//! Text → syntax tree, and the tree → the text that `nix-instantiate --parse` prints.
//!
//! Owns: bytes, names, positions and the grammar. Trees live in a bump arena and are never freed one by one.
//! Never does: scope. An undefined variable is a well-formed tree here.

pub mod ast;
pub mod pos;
pub mod symbol;

pub use pos::{Origin, Pos, Sources};
pub use symbol::{Symbol, Symbols};
