//! Lists: a slice of slots. Sub-lists (`tail`) share the slots of the list they were cut from.
//!
//! `++` of lists that are not small only remembers its operands; the elements are brought together when somebody looks at
//! them. So a list that grows element by element costs as much as its final size, not its square.

use std::cell::Cell;
use std::fmt;

use bumpalo::Bump;

use super::{Slot, share};

/// Lists up to this size are copied by `++` at once.
const SMALL: usize = 16;

/// A list.
pub struct List<'a> {
    elements: Cell<Elements<'a>>,
}

#[derive(Clone, Copy)]
enum Elements<'a> {
    Together(&'a [Slot<'a>]),
    Joined(&'a Joined<'a>),
}

/// Two lists, one behind the other.
struct Joined<'a> {
    left: &'a List<'a>,
    right: &'a List<'a>,
    len: usize,
    arena: &'a Bump,
}

impl<'a> List<'a> {
    /// The list of the elements in some slots.
    #[inline]
    pub fn new(arena: &'a Bump, items: &'a [Slot<'a>]) -> &'a Self {
        arena.alloc(List { elements: Cell::new(Elements::Together(items)) })
    }

    /// `left ++ right`.
    pub fn join(arena: &'a Bump, left: &'a Self, right: &'a Self) -> &'a Self {
        if left.is_empty() {
            return right;
        }
        if right.is_empty() {
            return left;
        }
        let len = left.len() + right.len();
        if len > SMALL {
            let joined = arena.alloc(Joined { left, right, len, arena });
            return arena.alloc(List { elements: Cell::new(Elements::Joined(joined)) });
        }
        let (first, second) = (left.items(), right.items());
        let items = arena.alloc_slice_fill_with(len, |index| {
            Cell::new(share(match first.get(index) {
                Some(slot) => slot,
                None => &second[index - first.len()],
            }))
        });
        Self::new(arena, items)
    }

    /// The same elements as a list of its own: lists are told apart by where they are, unless they are empty.
    #[inline]
    pub fn copy(&'a self, arena: &'a Bump) -> &'a Self {
        if self.is_empty() { self } else { Self::new(arena, self.items()) }
    }

    /// The elements.
    #[inline(always)]
    pub fn items(&self) -> &'a [Slot<'a>] {
        match self.elements.get() {
            Elements::Together(items) => items,
            Elements::Joined(joined) => self.bring_together(joined),
        }
    }

    #[inline(never)]
    fn bring_together(&self, joined: &'a Joined<'a>) -> &'a [Slot<'a>] {
        let mut items = bumpalo::collections::Vec::with_capacity_in(joined.len, joined.arena);
        let mut rest = vec![joined.right, joined.left];
        while let Some(list) = rest.pop() {
            match list.elements.get() {
                Elements::Together(part) => items.extend(part.iter().map(|slot| Cell::new(share(slot)))),
                Elements::Joined(inner) => rest.extend([inner.right, inner.left]),
            }
        }
        let items = items.into_bump_slice();
        self.elements.set(Elements::Together(items));
        items
    }

    /// Number of elements.
    #[inline(always)]
    pub fn len(&self) -> usize {
        match self.elements.get() {
            Elements::Together(items) => items.len(),
            Elements::Joined(joined) => joined.len,
        }
    }

    /// True when there is no element.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Debug for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "List({} items)", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::value::Value;

    #[test]
    fn a_list_header_is_a_slice() {
        assert_eq!(size_of::<List<'_>>(), 16);
    }

    #[test]
    fn joined_lists_have_their_elements_in_order() {
        let arena = Bump::new();
        let one = |n: i64| List::new(&arena, std::slice::from_ref(arena.alloc(Cell::new(Value::Int(n)))));
        let (mut left, mut right) = (one(0), one(99));
        for n in 1..100 {
            left = List::join(&arena, left, one(n));
            right = List::join(&arena, one(99 - n), right);
        }
        let both = List::join(&arena, left, right);
        let numbers: Vec<i64> =
            both.items().iter().map(|slot| if let Value::Int(n) = slot.get() { n } else { -1 }).collect();
        assert_eq!(numbers, (0..100).chain(0..100).collect::<Vec<_>>());
        assert_eq!(both.len(), 200);
    }
}
