//! Go's `filepath.Match`, as COPY and ADD wildcards use it.

use super::PatternError;

/// A compiled `filepath.Match` pattern. The engine expands a COPY source component by component: one glob per
/// component of the pattern that [has wildcards](Glob::has_wildcard).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Glob(String);

impl Glob {
    /// Compiles a pattern: `*`, `?`, `[a-z]`, `[^a]`, `\\c`.
    ///
    /// # Errors
    /// [`PatternError::Malformed`] where Go's `ErrBadPattern` would be.
    pub fn new(pattern: &str) -> Result<Self, PatternError> {
        Ok(Self(pattern.to_owned()))
    }

    /// True when the text holds any of `*?[\\`, so that it has to be expanded.
    pub fn has_wildcard(pattern: &str) -> bool {
        pattern.contains(['*', '?', '[', '\\'])
    }

    /// True when the whole name matches.
    pub fn matches(&self, _name: &[u8]) -> bool {
        todo!()
    }
}
