//! Go's `filepath.Match`, as COPY and ADD wildcards use it.

use super::PatternError;
use super::matcher::{Language, Matcher};

/// A compiled `filepath.Match` pattern. The engine expands a COPY source component by component: one glob per
/// component of the pattern that [has wildcards](Glob::has_wildcard).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Glob(Matcher);

impl Glob {
    /// Compiles a pattern: `*`, `?`, `[a-z]`, `[^a]`, `\c`.
    ///
    /// # Errors
    /// [`PatternError::Malformed`] where Go has `ErrBadPattern`.
    pub fn new(pattern: &str) -> Result<Self, PatternError> {
        Matcher::compile(pattern, Language::Glob)
            .map(Self)
            .map_err(|_| PatternError::Malformed { line: 1, text: pattern.to_owned() })
    }

    /// True when the text holds any of `*?[\`, so that it has to be expanded.
    pub fn has_wildcard(pattern: &str) -> bool {
        pattern.contains(['*', '?', '[', '\\'])
    }

    /// True when the whole name matches.
    pub fn matches(&self, name: &[u8]) -> bool {
        self.0.matches(name)
    }
}
