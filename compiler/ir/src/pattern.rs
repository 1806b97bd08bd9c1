//! Path patterns as data and their matchers: Go's `filepath.Match` for COPY wildcards, moby's pattern matcher for
//! `.dockerignore` and `--exclude`. Reads no file: listings and texts are given.

mod error;
mod glob;
mod matcher;
mod set;
#[cfg(test)]
mod tests;

pub use error::PatternError;
pub use glob::Glob;
pub use set::{PatternSet, Rule, Verdict};

/// What a copy or bind mount selects out of a context or tree. Everything in it decides the digest of the selection.
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Serialize)]
pub struct SelectionQuery {
    /// Paths or wildcard patterns relative to the root, cleaned, no leading slash; empty text = the root.
    pub patterns: Vec<String>,
    /// `--exclude` patterns.
    pub exclude: Vec<String>,
    /// `--parents`.
    pub parents: bool,
}
