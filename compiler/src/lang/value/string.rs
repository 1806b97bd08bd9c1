//! Strings and paths: bytes, not necessarily UTF-8, without NUL.
//!
//! `+` of strings that are not small only remembers its operands; the bytes are brought together when somebody looks at
//! them. So a string that grows piece by piece costs as much as its final size, not its square.

use std::cell::Cell;
use std::fmt;

use bumpalo::Bump;

use super::context::Context;

/// Strings up to this size are copied by `+` at once.
const SMALL: usize = 256;

/// A string.
pub struct NixString<'a> {
    text: Cell<Text<'a>>,
    /// What the text depends on; `None` for nothing.
    pub context: Option<&'a Context<'a>>,
}

#[derive(Clone, Copy)]
enum Text<'a> {
    Together(&'a [u8]),
    Joined(&'a Joined<'a>),
}

/// Two texts, one behind the other.
struct Joined<'a> {
    left: &'a NixString<'a>,
    right: &'a NixString<'a>,
    len: usize,
    arena: &'a Bump,
}

impl<'a> NixString<'a> {
    /// A string.
    #[inline]
    pub fn new(arena: &'a Bump, bytes: &'a [u8], context: Option<&'a Context<'a>>) -> &'a Self {
        arena.alloc(NixString { text: Cell::new(Text::Together(bytes)), context })
    }

    /// `left + right`.
    pub fn join(arena: &'a Bump, left: &'a Self, right: &'a Self) -> &'a Self {
        let context = Context::union(arena, left.context, right.context);
        let len = left.len() + right.len();
        if len > SMALL {
            let joined = arena.alloc(Joined { left, right, len, arena });
            return arena.alloc(NixString { text: Cell::new(Text::Joined(joined)), context });
        }
        let mut bytes = bumpalo::collections::Vec::with_capacity_in(len, arena);
        bytes.extend_from_slice_copy(left.bytes());
        bytes.extend_from_slice_copy(right.bytes());
        Self::new(arena, bytes.into_bump_slice(), context)
    }

    /// The text.
    #[inline(always)]
    pub fn bytes(&self) -> &'a [u8] {
        match self.text.get() {
            Text::Together(bytes) => bytes,
            Text::Joined(joined) => self.bring_together(joined),
        }
    }

    #[inline(never)]
    fn bring_together(&self, joined: &'a Joined<'a>) -> &'a [u8] {
        let mut bytes = bumpalo::collections::Vec::with_capacity_in(joined.len, joined.arena);
        let mut rest = vec![joined.right, joined.left];
        while let Some(string) = rest.pop() {
            match string.text.get() {
                Text::Together(part) => bytes.extend_from_slice_copy(part),
                Text::Joined(inner) => rest.extend([inner.right, inner.left]),
            }
        }
        let bytes = bytes.into_bump_slice();
        self.text.set(Text::Together(bytes));
        bytes
    }

    /// Size in bytes.
    #[inline(always)]
    pub fn len(&self) -> usize {
        match self.text.get() {
            Text::Together(bytes) => bytes.len(),
            Text::Joined(joined) => joined.len,
        }
    }

    /// True when there is no byte.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Debug for NixString<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(self.bytes()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_strings_have_their_bytes_in_order() {
        assert_eq!(size_of::<NixString<'_>>(), 24);
        let arena = Bump::new();
        let piece = |n: u32| NixString::new(&arena, arena.alloc_str(&format!("{n},")).as_bytes(), None);
        let mut all = piece(0);
        for n in 1..500 {
            all = NixString::join(&arena, all, piece(n));
        }
        let wanted: String = (0..500).map(|n| format!("{n},")).collect();
        assert_eq!(all.len(), wanted.len());
        assert_eq!(all.bytes(), wanted.as_bytes());
    }
}
