//! Attribute sets.
//!
//! A set is a *shape* — its names, sorted by symbol, with their positions — and a slice of values. Sets made by the
//! same literal share their shape. `//` with a small right side does not copy the left: it lays the right side over it
//! as a further layer. Layers grow geometrically downwards, so a set of n names has at most about log2 n of them and
//! folding `//` over n names costs n log n. Whoever needs all attributes calls [`Attrs::flatten`], which replaces the
//! layers by one in place.

use std::cell::Cell;
use std::fmt;

use bumpalo::Bump;

use super::{Slot, Value, share};
use crate::lang::syntax::{Pos, Symbol, Symbols};

mod name_order;
mod shape;

pub use shape::Shape;
use shape::{UNDER, lay_over, pick_names};

/// An attribute set.
pub struct Attrs<'a> {
    shape: Cell<&'a Shape<'a>>,
    values: Cell<Values<'a>>,
}

/// The values of the names in a shape, and what they lie over. Most sets lie over nothing, and have no word for it.
#[derive(Clone, Copy)]
enum Values<'a> {
    Alone(&'a [Slot<'a>]),
    Layered(&'a Layer<'a>),
}

/// A layer that lies over another.
struct Layer<'a> {
    values: &'a [Slot<'a>],
    below: &'a Attrs<'a>,
}

impl fmt::Debug for Attrs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Attrs({:?}, layered: {})", self.shape.get().symbols, self.below().is_some())
    }
}

/// Where an attribute was found.
#[derive(Clone, Copy)]
pub struct Found<'a> {
    /// Its value.
    pub slot: &'a Slot<'a>,
    /// Its position.
    pub pos: Pos,
}

impl fmt::Debug for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Found({:?})", self.pos)
    }
}

impl<'a> Attrs<'a> {
    /// A set of one layer; `values` are as many as the shape's names.
    #[inline]
    pub fn new(arena: &'a Bump, shape: &'a Shape<'a>, values: &'a [Slot<'a>]) -> &'a Self {
        debug_assert_eq!(shape.symbols.len(), values.len());
        arena.alloc(Attrs { shape: Cell::new(shape), values: Cell::new(Values::Alone(values)) })
    }

    /// The set of the same attributes and those of `below` that it hides.
    fn over(arena: &'a Bump, shape: &'a Shape<'a>, values: &'a [Slot<'a>], below: &'a Self) -> &'a Self {
        let layer = arena.alloc(Layer { values, below });
        let set = arena.alloc(Attrs { shape: Cell::new(shape), values: Cell::new(Values::Layered(layer)) });
        set.settle(arena);
        set
    }

    /// The values of the topmost layer.
    #[inline(always)]
    fn values(&self) -> &'a [Slot<'a>] {
        match self.values.get() {
            Values::Alone(values) => values,
            Values::Layered(layer) => layer.values,
        }
    }

    /// What the topmost layer lies over.
    #[inline(always)]
    fn below(&self) -> Option<&'a Attrs<'a>> {
        match self.values.get() {
            Values::Alone(_) => None,
            Values::Layered(layer) => Some(layer.below),
        }
    }

    /// The slot of `name`.
    #[inline]
    pub fn get(&self, name: Symbol) -> Option<&'a Slot<'a>> {
        let mut layer = self;
        loop {
            if let Some(index) = layer.shape.get().index_of(name) {
                return layer.values().get(index);
            }
            layer = layer.below()?;
        }
    }

    /// The slot of `name`, tried first at the place in the topmost layer where the same program text found it last.
    #[inline(always)]
    pub fn get_hinted(&self, name: Symbol, hint: &Cell<u32>) -> Option<&'a Slot<'a>> {
        let shape = self.shape.get();
        if shape.symbols.get(hint.get() as usize) == Some(&name) {
            return self.values().get(hint.get() as usize);
        }
        self.get_and_hint(name, hint)
    }

    #[inline(never)]
    fn get_and_hint(&self, name: Symbol, hint: &Cell<u32>) -> Option<&'a Slot<'a>> {
        let mut layer = self;
        loop {
            if let Some(index) = layer.shape.get().index_of(name) {
                hint.set(index as u32);
                return layer.values().get(index);
            }
            layer = layer.below()?;
        }
    }

    /// The slot and position of `name`, tried first where the same program text found it last.
    pub fn find_hinted(&self, name: Symbol, hint: &Cell<u32>) -> Option<Found<'a>> {
        let (shape, index) = (self.shape.get(), hint.get() as usize);
        if shape.symbols.get(index) == Some(&name) {
            return Some(Found { slot: self.values().get(index)?, pos: shape.position(index) });
        }
        self.find(name)
    }

    /// The slot and position of `name`.
    pub fn find(&self, name: Symbol) -> Option<Found<'a>> {
        let mut layer = self;
        loop {
            let shape = layer.shape.get();
            if let Some(index) = shape.index_of(name) {
                return Some(Found { slot: layer.values().get(index)?, pos: shape.position(index) });
            }
            layer = layer.below()?;
        }
    }

    /// True when there is no attribute.
    pub fn is_empty(&self) -> bool {
        // Layers are never empty.
        self.shape.get().symbols.is_empty()
    }

    /// Number of attributes.
    pub fn len(&self, arena: &'a Bump) -> usize {
        self.flatten(arena).0.symbols.len()
    }

    /// Address that tells sets apart: `true` means the very same set.
    pub fn same(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }

    /// All attributes in one layer, in the order of their symbols.
    pub fn flatten(&self, arena: &'a Bump) -> (&'a Shape<'a>, &'a [Slot<'a>]) {
        while let Some(below) = self.below() {
            self.join(arena, below);
        }
        (self.shape.get(), self.values())
    }

    /// The attributes in the order of their symbols.
    pub fn iter(&self, arena: &'a Bump) -> impl Iterator<Item = (Symbol, Found<'a>)> + use<'a> {
        let (shape, values) = self.flatten(arena);
        let found = move |(index, slot)| (shape.symbols[index], Found { slot, pos: shape.position(index) });
        values.iter().enumerate().map(found)
    }

    /// Indices into the result of [`Attrs::flatten`] in the order of the names' bytes.
    pub fn by_name(&self, arena: &'a Bump, symbols: &Symbols<'a>) -> &'a [u32] {
        self.flatten(arena).0.by_name(arena, symbols)
    }

    /// `left // right`.
    pub fn update(arena: &'a Bump, left: &'a Self, right: &'a Self) -> &'a Self {
        if left.is_empty() {
            return right;
        }
        if right.is_empty() {
            return left;
        }
        let large = right.size();
        if large > LARGE && left.size() * UNDER_RATIO <= large {
            return Self::with_missing(arena, right, left);
        }
        let (shape, values) = right.flatten(arena);
        let small = left.shape.get().symbols.len().max(left.size_below());
        if small <= SMALL || shape.symbols.len() * RATIO > small {
            left.flatten(arena);
            let (shape, values) = merge(arena, right, left);
            return Attrs::new(arena, shape, values);
        }
        Attrs::over(arena, shape, values, left)
    }

    /// A set with what another one has and it lacks, as one more layer.
    fn with_missing(arena: &'a Bump, set: &'a Self, other: &'a Self) -> &'a Self {
        let mut missing = AttrsBuilder::with_capacity(other.size());
        for (name, found) in other.iter(arena).filter(|(name, _)| set.get(*name).is_none()) {
            missing.push(name, found.pos, share(found.slot));
        }
        let missing = missing.finish(arena);
        if missing.is_empty() {
            return set;
        }
        Attrs::over(arena, missing.shape.get(), missing.values(), set)
    }

    /// Attributes of all layers together, a name in several of them counted for each.
    fn size(&self) -> usize {
        self.shape.get().symbols.len() + self.size_below()
    }

    fn size_below(&self) -> usize {
        let mut size = 0;
        let mut layer = self.below();
        while let Some(below) = layer {
            size += below.shape.get().symbols.len();
            layer = below.below();
        }
        size
    }

    /// Joins the topmost layers until each is less than half as large as the one below.
    fn settle(&self, arena: &'a Bump) {
        while let Some(below) = self.below()
            && self.shape.get().symbols.len() * 2 > below.shape.get().symbols.len()
        {
            self.join(arena, below);
        }
    }

    /// Makes one of the topmost layer and that below it.
    fn join(&self, arena: &'a Bump, below: &'a Self) {
        let (shape, values) = merge(arena, self, below);
        self.shape.set(shape);
        self.values.set(match below.below() {
            None => Values::Alone(values),
            Some(below) => Values::Layered(arena.alloc(Layer { values, below })),
        });
    }
}

/// Sets up to this size are copied by `//`.
const SMALL: usize = 16;

/// A left side at least this many times as large as the right is not copied by `//`.
const RATIO: usize = 4;

/// Right sides up to this size are copied by `//`.
const LARGE: usize = 64;

/// A right side at least this many times as large as the left is not copied by `//`.
const UNDER_RATIO: usize = 8;

/// The top layers of two sets in one: `over` hides `under`.
fn merge<'a>(arena: &'a Bump, over: &Attrs<'a>, under: &Attrs<'a>) -> (&'a Shape<'a>, &'a [Slot<'a>]) {
    let (over_shape, under_shape) = (over.shape.get(), under.shape.get());
    let (over, under) = (over.values(), under.values());
    if let Some(merged) = over_shape.remembered(under_shape) {
        return (merged.result, pick_values(arena, merged.sources, over, under));
    }
    let sources = lay_over(over_shape.symbols, under_shape.symbols);
    let result = pick_names(arena, &sources, over_shape, under_shape);
    over_shape.remember(arena, under_shape, result, &sources);
    (result, pick_values(arena, &sources, over, under))
}

fn pick_values<'a>(
    arena: &'a Bump,
    sources: &[u32],
    over: &'a [Slot<'a>],
    under: &'a [Slot<'a>],
) -> &'a [Slot<'a>] {
    arena.alloc_slice_fill_iter(sources.iter().map(|source| {
        Cell::new(share(match source.checked_sub(UNDER) {
            Some(index) => &under[index as usize],
            None => &over[*source as usize],
        }))
    }))
}

/// A set in the making whose attributes come in any order.
pub struct AttrsBuilder<'a> {
    attrs: Vec<(Symbol, Pos, Value<'a>)>,
}

impl fmt::Debug for AttrsBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AttrsBuilder({} attributes)", self.attrs.len())
    }
}

impl<'a> AttrsBuilder<'a> {
    /// Room for `size` attributes.
    pub fn with_capacity(size: usize) -> Self {
        AttrsBuilder { attrs: Vec::with_capacity(size) }
    }

    /// Adds an attribute. Of two with the same name the one added first stays.
    pub fn push(&mut self, name: Symbol, pos: Pos, value: Value<'a>) {
        self.attrs.push((name, pos, value));
    }

    /// The set.
    pub fn finish(mut self, arena: &'a Bump) -> &'a Attrs<'a> {
        if !self.attrs.is_sorted_by(|a, b| a.0 < b.0) {
            self.attrs.sort_by_key(|attr| attr.0);
            self.attrs.dedup_by_key(|attr| attr.0);
        }
        let symbols = arena.alloc_slice_fill_iter(self.attrs.iter().map(|attr| attr.0));
        let positions: &'a [Pos] = if self.attrs.iter().all(|attr| attr.1.is_none()) {
            &[]
        } else {
            arena.alloc_slice_fill_iter(self.attrs.iter().map(|attr| attr.1))
        };
        let values = arena.alloc_slice_fill_iter(self.attrs.iter().map(|attr| Cell::new(attr.2)));
        Attrs::new(arena, Shape::new(arena, symbols, positions), values)
    }
}
