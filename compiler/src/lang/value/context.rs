//! String contexts: which store objects the text of a string refers to.

use bumpalo::Bump;

/// One dependency of a string. The order of the variants is the order in which Nix keeps a context.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ContextElement<'a> {
    /// A store path as it is (`/nix/store/…`).
    Opaque(&'a [u8]),
    /// A derivation with everything it needs: `=/nix/store/….drv`.
    Deep(&'a [u8]),
    /// One output of a derivation: `!out!/nix/store/….drv`.
    Built {
        /// Store path of the derivation.
        derivation: &'a [u8],
        /// Name of the output.
        output: &'a [u8],
    },
}

/// A sorted set of dependencies, never empty.
#[derive(PartialEq, Eq, Debug)]
pub struct Context<'a> {
    /// Sorted, without duplicates.
    pub elements: &'a [ContextElement<'a>],
}

impl<'a> Context<'a> {
    /// The set of `elements`; `None` when there are none.
    pub fn new(arena: &'a Bump, mut elements: Vec<ContextElement<'a>>) -> Option<&'a Self> {
        elements.sort_unstable();
        elements.dedup();
        if elements.is_empty() {
            return None;
        }
        Some(arena.alloc(Context { elements: arena.alloc_slice_copy(&elements) }))
    }

    /// Both sets together; shares one of them where it has everything.
    pub fn union(arena: &'a Bump, left: Option<&'a Self>, right: Option<&'a Self>) -> Option<&'a Self> {
        match (left, right) {
            (None, other) | (other, None) => other,
            (Some(l), Some(r)) if std::ptr::eq(l, r) || r.elements.iter().all(|e| l.contains(e)) => Some(l),
            (Some(l), Some(r)) => Self::new(arena, [l.elements, r.elements].concat()),
        }
    }

    /// True when the set has `element`.
    pub fn contains(&self, element: &ContextElement<'_>) -> bool {
        self.elements.binary_search(element).is_ok()
    }
}
