//! Random programs of the Nix language: the same number always gives the same program. Most evaluate, some fail.
//!
//! [`program`] grows a program that respects types; [`mangled`] spoils the text of one, for the parser; [`texts`] makes
//! programs around regular expressions, JSON and other texts with a grammar. A [`Tree`] can be made smaller while a
//! difference lasts. Nothing here knows what a program means.

mod grow;
mod mangle;
mod rng;
mod table;
mod text;
mod tree;
mod types;

pub use grow::program;
pub use mangle::mangled;
pub use rng::Rng;
pub use text::texts;
pub use tree::Tree;
