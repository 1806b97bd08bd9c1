//! What a parse depends on besides the source.
//!
//! Owns: features, lints and limits.
//! Never does: read the environment.

use crate::lang::stack::StackLimit;

/// What to do about a discouraged form.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Lint {
    /// Nothing.
    #[default]
    Ignore,
    /// Warn.
    Warn,
    /// Refuse.
    Fatal,
}

/// How to parse.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'s> {
    /// Absolute directory that relative paths are relative to.
    pub base: &'s [u8],
    /// What `~` stands for; `None` when it must not be asked (pure evaluation).
    pub home: Option<&'s [u8]>,
    /// The experimental feature `pipe-operators`: `|>` and `<|`.
    pub pipe_operators: bool,
    /// `lint-url-literals`
    pub url_literals: Lint,
    /// `lint-absolute-path-literals`
    pub absolute_paths: Lint,
    /// `lint-short-path-literals`
    pub short_paths: Lint,
    /// How deep the parser may recurse.
    pub stack: StackLimit,
    /// Bytes that the arena may hold, with what the parser holds beside it; it stops soon after there are more.
    pub max_memory: usize,
}
