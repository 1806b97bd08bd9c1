//! Strings and paths: bytes, not necessarily UTF-8, without NUL.

use std::fmt;

use super::context::Context;

/// A string. Cutting one shares the bytes.
#[derive(Clone, Copy)]
pub struct NixString<'a> {
    /// The text.
    pub bytes: &'a [u8],
    /// What the text depends on; `None` for nothing.
    pub context: Option<&'a Context<'a>>,
}

impl fmt::Debug for NixString<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(self.bytes))
    }
}

/// A path value: absolute, without `.`, `..` and doubled slashes.
#[derive(Clone, Copy)]
pub struct PathValue<'a> {
    /// The text.
    pub bytes: &'a [u8],
}

impl fmt::Debug for PathValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(self.bytes))
    }
}
