//! Lists: a slice of slots. Sub-lists (`tail`) share the slots of the list they were cut from.

use std::fmt;

use super::Slot;

/// A list.
pub struct List<'a> {
    /// The elements.
    pub items: &'a [Slot<'a>],
}

impl<'a> List<'a> {
    /// Number of elements.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// True when there is no element.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

impl fmt::Debug for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "List({} items)", self.items.len())
    }
}
