//! The names of a set, shared by all sets that have them from the same literal.
//!
//! Owns: where a name is, in which order names print, and what comes of laying one shape over another.
//! Never does: know values.

use std::cell::Cell;
use std::fmt;

use bumpalo::Bump;

use super::super::{NixString, Slot, Value};
use super::name_order::sort_by_name;
use crate::lang::syntax::{Pos, Symbol, Symbols};

/// The names of a set, with their positions.
pub struct Shape<'a> {
    /// Sorted, no name twice.
    pub symbols: &'a [Symbol],
    /// Beside `symbols`, or empty when no attribute has a position.
    positions: &'a [Pos],
    /// The order in which the names print, once somebody asked.
    order: Cell<Option<&'a Order<'a>>>,
    /// The same names without positions, once somebody asked: each `mapAttrs` over sets of one literal does.
    bare: Cell<Option<&'a Shape<'a>>>,
    /// Whether `//` had this shape on the right before: programs lay the same few literals over others again and again.
    laid_over: Cell<bool>,
    /// What that made lately, from the second time on.
    merged: Cell<Option<&'a Merged<'a>>>,
}

/// How the names of a shape print. Most shapes are never printed, and have none.
struct Order<'a> {
    /// Indices in the order of the names' bytes.
    by_name: &'a [u32],
    /// The names as strings, in that order, once somebody asked.
    names: Cell<Option<&'a [Slot<'a>]>>,
}

/// How two shapes become one.
pub(super) struct Merged<'a> {
    under: &'a Shape<'a>,
    pub(super) result: &'a Shape<'a>,
    /// For each attribute of the result its index in the upper shape, or, plus [`UNDER`], in the lower.
    pub(super) sources: &'a [u32],
    next: Option<&'a Merged<'a>>,
}

/// Marks an index into the lower shape.
pub(super) const UNDER: u32 = 1 << 31;

/// What is remembered of `//`: results up to this size, and so many partners of one shape.
const REMEMBERED: usize = 64;
const PARTNERS: usize = 6;

impl<'a> Shape<'a> {
    /// A shape; `symbols` are sorted and distinct, `positions` as many or none.
    pub fn new(arena: &'a Bump, symbols: &'a [Symbol], positions: &'a [Pos]) -> &'a Self {
        debug_assert!(symbols.is_sorted_by(|a, b| a < b));
        debug_assert!(positions.is_empty() || positions.len() == symbols.len());
        arena.alloc(Shape::started(symbols, positions, None))
    }

    fn started(symbols: &'a [Symbol], positions: &'a [Pos], order: Option<&'a Order<'a>>) -> Self {
        Shape {
            symbols,
            positions,
            order: Cell::new(order),
            bare: Cell::new(None),
            laid_over: Cell::new(false),
            merged: Cell::new(None),
        }
    }

    /// Where `name` is.
    #[inline]
    pub fn index_of(&self, name: Symbol) -> Option<usize> {
        if self.symbols.len() <= 8 {
            return self.symbols.iter().position(|symbol| *symbol == name);
        }
        self.symbols.binary_search(&name).ok()
    }

    /// Position of the attribute at `index`.
    #[inline]
    pub fn position(&self, index: usize) -> Pos {
        self.positions.get(index).copied().unwrap_or(Pos::NONE)
    }

    /// True when attributes have positions.
    pub fn has_positions(&self) -> bool {
        !self.positions.is_empty()
    }

    /// The same names without positions.
    pub fn without_positions(&'a self, arena: &'a Bump) -> &'a Self {
        if self.positions.is_empty() {
            return self;
        }
        if let Some(bare) = self.bare.get() {
            return bare;
        }
        let bare = arena.alloc(Shape::started(self.symbols, &[], self.order.get()));
        self.bare.set(Some(bare));
        bare
    }

    fn order(&self, arena: &'a Bump, symbols: &Symbols<'a>) -> &'a Order<'a> {
        if let Some(order) = self.order.get() {
            return order;
        }
        let by_name = arena.alloc_slice_fill_with(self.symbols.len(), |index| index as u32);
        sort_by_name(by_name, self.symbols, symbols);
        let order = arena.alloc(Order { by_name, names: Cell::new(None) });
        self.order.set(Some(order));
        order
    }

    /// Indices in the order in which names print and `attrNames` lists them.
    pub fn by_name(&self, arena: &'a Bump, symbols: &Symbols<'a>) -> &'a [u32] {
        self.order(arena, symbols).by_name
    }

    /// The names as string values, in the order of [`Shape::by_name`].
    pub fn names(&self, arena: &'a Bump, symbols: &Symbols<'a>) -> &'a [Slot<'a>] {
        let order = self.order(arena, symbols);
        if let Some(names) = order.names.get() {
            return names;
        }
        let string = |index: &u32| {
            let name = symbols.name(self.symbols[*index as usize]);
            Cell::new(Value::String(NixString::new(arena, name, None)))
        };
        let names: &'a [Slot<'a>] = arena.alloc_slice_fill_iter(order.by_name.iter().map(string));
        order.names.set(Some(names));
        names
    }
}

impl<'a> Shape<'a> {
    /// How this shape was laid over another, if that is remembered.
    #[inline]
    pub(super) fn remembered(&self, under: &Shape<'a>) -> Option<&'a Merged<'a>> {
        let mut partner = self.merged.get();
        while let Some(merged) = partner {
            if std::ptr::eq(merged.under, under) {
                return Some(merged);
            }
            partner = merged.next;
        }
        None
    }

    pub(super) fn remember(
        &self,
        arena: &'a Bump,
        under: &'a Shape<'a>,
        result: &'a Shape<'a>,
        sources: &[u32],
    ) {
        if !self.laid_over.replace(true) || sources.len() > REMEMBERED {
            return;
        }
        let (mut next, mut count) = (self.merged.get(), 0);
        while let Some(merged) = next {
            (next, count) = (merged.next, count + 1);
        }
        let next = if count < PARTNERS { self.merged.get() } else { None };
        let sources = arena.alloc_slice_copy(sources);
        self.merged.set(Some(arena.alloc(Merged { under, result, sources, next })));
    }
}

impl fmt::Debug for Shape<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shape({:?})", self.symbols)
    }
}

/// Where the names of `over // under` come from: see [`Merged::sources`].
pub(super) fn lay_over(over: &[Symbol], under: &[Symbol]) -> Vec<u32> {
    let mut sources = Vec::with_capacity(over.len() + under.len());
    let (mut o, mut u) = (0, 0);
    while let Some(name) = over.get(o) {
        while under.get(u).is_some_and(|other| other < name) {
            sources.push(u as u32 + UNDER);
            u += 1;
        }
        u += usize::from(under.get(u) == Some(name));
        sources.push(o as u32);
        o += 1;
    }
    sources.extend((u..under.len()).map(|u| u as u32 + UNDER));
    sources
}

/// The shape that sources make.
pub(super) fn pick_names<'a>(
    arena: &'a Bump,
    sources: &[u32],
    over: &Shape<'a>,
    under: &Shape<'a>,
) -> &'a Shape<'a> {
    let origin = |source: &u32| match source.checked_sub(UNDER) {
        Some(index) => (under, index as usize),
        None => (over, *source as usize),
    };
    let symbols = arena.alloc_slice_fill_iter(sources.iter().map(|source| {
        let (shape, index) = origin(source);
        shape.symbols[index]
    }));
    let positions: &'a [Pos] = if over.has_positions() || under.has_positions() {
        arena.alloc_slice_fill_iter(sources.iter().map(|source| {
            let (shape, index) = origin(source);
            shape.position(index)
        }))
    } else {
        &[]
    };
    Shape::new(arena, symbols, positions)
}
