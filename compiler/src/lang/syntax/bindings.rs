//! Bindings while their braces are open.
//!
//! Owns: merging of attribute paths (`a.b = 1; a.c = 2;`) and of literal sets under the same path, and what counts as defined
//! twice.
//! Never does: read tokens, or word errors.

use std::collections::HashMap;

use bumpalo::Bump;

use super::ast::{AttrName, Binding, BindingKind, Bindings, DynamicBinding, Expr, Node};
use super::pos::Pos;
use super::symbol::Symbol;
use crate::lang::stack::StackLimit;

/// An attribute cannot be added.
#[derive(Debug)]
pub(super) enum Duplicate<'a> {
    /// It is there already.
    Defined {
        /// Up to the name that is defined twice.
        path: Vec<AttrName<'a>>,
        pos: Pos,
        /// Where it is defined first.
        before: Pos,
    },
    /// Sets to be merged are nested too deeply.
    TooDeep,
}

type Result<'a, T> = std::result::Result<T, Box<Duplicate<'a>>>;

/// A set whose bindings are being collected.
#[derive(Clone, Copy, Debug)]
pub(super) struct Set(usize);

/// The value of an attribute.
#[derive(Clone, Copy, Debug)]
enum Value<'a> {
    Node(Node<'a>),
    /// A nested set that more may be merged into.
    Open(Set),
}

#[derive(Clone, Copy, Debug)]
struct Attr<'a> {
    name: Symbol,
    pos: Pos,
    kind: BindingKind,
    value: Value<'a>,
}

#[derive(Clone, Copy, Debug)]
struct DynamicAttr<'a> {
    pos: Pos,
    name: Node<'a>,
    value: Value<'a>,
}

/// Beyond so many attributes they are looked up in a table.
const FEW: usize = 16;

#[derive(Debug)]
struct OpenSet<'a> {
    pos: Pos,
    recursive: bool,
    /// In order of appearance.
    attrs: Vec<Attr<'a>>,
    /// Where in `attrs` names are, as far as it was needed; used beyond [`FEW`] attributes.
    index: HashMap<Symbol, u32>,
    greatest: Option<Symbol>,
    is_sorted: bool,
    dynamic: Vec<DynamicAttr<'a>>,
    inherit_from: Vec<Node<'a>>,
    /// Its node, once it is closed.
    node: Node<'a>,
}

const NOT_CLOSED: Node<'static> = &Expr::List(&[]);

impl<'a> OpenSet<'a> {
    fn new() -> Self {
        OpenSet {
            pos: Pos::NONE,
            recursive: false,
            attrs: Vec::new(),
            index: HashMap::new(),
            greatest: None,
            is_sorted: true,
            dynamic: Vec::new(),
            inherit_from: Vec::new(),
            node: NOT_CLOSED,
        }
    }

    fn reset(&mut self, pos: Pos, recursive: bool) {
        self.pos = pos;
        self.recursive = recursive;
        self.attrs.clear();
        self.index.clear();
        self.greatest = None;
        self.is_sorted = true;
        self.dynamic.clear();
        self.inherit_from.clear();
        self.node = NOT_CLOSED;
    }

    /// Where in `attrs` a name is. Names are mostly new, and then greater than all before.
    fn find(&mut self, name: Symbol) -> Option<usize> {
        if self.greatest.is_none_or(|greatest| greatest < name) {
            return None;
        }
        if self.attrs.len() <= FEW {
            return self.attrs.iter().position(|attr| attr.name == name);
        }
        for (place, attr) in self.attrs.iter().enumerate().skip(self.index.len()) {
            self.index.insert(attr.name, place as u32);
        }
        self.index.get(&name).map(|place| *place as usize)
    }

    /// Adds an attribute whose name is new.
    fn insert(&mut self, attr: Attr<'a>) {
        if self.greatest.is_none_or(|greatest| greatest < attr.name) {
            self.greatest = Some(attr.name);
        } else {
            self.is_sorted = false;
        }
        self.attrs.push(attr);
    }

    /// Takes over the bindings of a set that was closed.
    fn fill(&mut self, bindings: &Bindings<'a>) {
        for attr in bindings.attrs {
            self.insert(Attr {
                name: attr.name,
                pos: attr.pos,
                kind: attr.kind,
                value: Value::Node(attr.value),
            });
        }
        self.append(bindings);
    }

    /// Adds the attributes of another set whose names are computed, and the sources that it inherits from.
    fn append(&mut self, bindings: &Bindings<'a>) {
        self.dynamic.extend(bindings.dynamic.iter().map(|attr| DynamicAttr {
            pos: attr.pos,
            name: attr.name,
            value: Value::Node(attr.value),
        }));
        self.inherit_from.extend_from_slice(bindings.inherit_from);
    }
}

/// The sets that are open, the innermost last. A nested set comes after the one it is nested in.
#[derive(Debug)]
pub(super) struct BindingSets<'a> {
    sets: Vec<OpenSet<'a>>,
    /// How many of `sets` are in use; the others keep their memory for the next ones.
    used: usize,
    /// Attributes of the sets in use.
    attributes: usize,
    stack: StackLimit,
}

impl<'a> BindingSets<'a> {
    pub fn new(stack: StackLimit) -> Self {
        BindingSets { sets: Vec::new(), used: 0, attributes: 0, stack }
    }

    /// Bytes held, about: vectors are up to twice as large as what is in them.
    pub fn held(&self) -> usize {
        self.sets.len() * size_of::<OpenSet<'_>>() + self.attributes * 2 * size_of::<Attr<'_>>()
    }

    /// Starts a set.
    pub fn open(&mut self, pos: Pos, recursive: bool) -> Set {
        if self.used == self.sets.len() {
            self.sets.push(OpenSet::new());
        }
        let set = Set(self.used);
        self.sets[set.0].reset(pos, recursive);
        self.used += 1;
        set
    }

    /// Ends a set, and those nested in it by attribute paths.
    pub fn close(&mut self, set: Set, arena: &'a Bump) -> &'a Bindings<'a> {
        let mut bindings = self.bindings(self.used - 1, arena);
        for index in (set.0..self.used - 1).rev() {
            let closed = &mut self.sets[index + 1];
            let (pos, recursive) = (closed.pos, closed.recursive);
            closed.node = arena.alloc(Expr::Attrs { pos, recursive, bindings });
            bindings = self.bindings(index, arena);
        }
        let closed = self.sets[set.0..self.used].iter();
        self.attributes -= closed.map(|closed| closed.attrs.len() + closed.dynamic.len()).sum::<usize>();
        self.used = set.0;
        bindings
    }

    fn insert(&mut self, set: Set, attr: Attr<'a>) {
        self.attributes += 1;
        self.sets[set.0].insert(attr);
    }

    fn insert_dynamic(&mut self, set: Set, attr: DynamicAttr<'a>) {
        self.attributes += 1;
        self.sets[set.0].dynamic.push(attr);
    }

    fn bindings(&mut self, index: usize, arena: &'a Bump) -> &'a Bindings<'a> {
        let set = &mut self.sets[index];
        if !set.is_sorted {
            set.attrs.sort_unstable_by_key(|attr| attr.name);
        }
        let set = &self.sets[index];
        let node = |value| match value {
            Value::Node(node) => node,
            Value::Open(nested) => self.sets[nested.0].node,
        };
        let attrs = arena.alloc_slice_fill_iter(set.attrs.iter().map(|attr| Binding {
            name: attr.name,
            pos: attr.pos,
            kind: attr.kind,
            value: node(attr.value),
        }));
        let dynamic = arena.alloc_slice_fill_iter(set.dynamic.iter().map(|attr| DynamicBinding {
            pos: attr.pos,
            name: attr.name,
            value: node(attr.value),
        }));
        let inherit_from = arena.alloc_slice_copy(&set.inherit_from);
        arena.alloc(Bindings { attrs, inherit_from, dynamic })
    }

    /// Adds `path = value;`. `pos` is where the path starts.
    pub fn add(
        &mut self,
        set: Set,
        path: &[AttrName<'a>],
        pos: Pos,
        value: Node<'a>,
        arena: &'a Bump,
    ) -> Result<'a, ()> {
        let Some((last, parents)) = path.split_last() else { return Ok(()) };
        let mut innermost = set;
        for (depth, name) in parents.iter().enumerate() {
            innermost = match name {
                AttrName::Static(name) => self.nested(innermost, *name, pos).map_err(|before| {
                    Box::new(Duplicate::Defined { path: path[..=depth].to_vec(), pos, before })
                })?,
                AttrName::Dynamic(name) => {
                    let nested = self.open(Pos::NONE, false);
                    let attr = DynamicAttr { pos, name, value: Value::Open(nested) };
                    self.insert_dynamic(innermost, attr);
                    nested
                }
            };
        }
        match last {
            AttrName::Static(name) => {
                let attr = Attr { name: *name, pos, kind: BindingKind::Plain, value: Value::Node(value) };
                self.insert_or_merge(innermost, attr, value, &mut path.to_vec(), arena)
            }
            AttrName::Dynamic(name) => {
                let attr = DynamicAttr { pos, name, value: Value::Node(value) };
                self.insert_dynamic(innermost, attr);
                Ok(())
            }
        }
    }

    /// Adds `inherit names;` or `inherit (source) names;`.
    pub fn inherit(
        &mut self,
        set: Set,
        source: Option<(Pos, Node<'a>)>,
        names: &[(Symbol, Pos)],
        arena: &'a Bump,
    ) -> Result<'a, ()> {
        let open = &mut self.sets[set.0];
        let source = source.map(|(pos, node)| {
            open.inherit_from.push(node);
            &*arena.alloc(Expr::InheritFrom(pos, open.inherit_from.len() as u32 - 1))
        });
        for &(name, pos) in names {
            let open = &mut self.sets[set.0];
            if let Some(defined) = open.find(name) {
                let path = vec![AttrName::Static(name)];
                return Err(Box::new(Duplicate::Defined { path, pos, before: open.attrs[defined].pos }));
            }
            let (kind, value) = match source {
                None => (BindingKind::Inherited, Expr::Var(pos, name)),
                Some(base) => (BindingKind::InheritedFrom, inherited_from(arena, pos, base, name)),
            };
            self.insert(set, Attr { name, pos, kind, value: Value::Node(arena.alloc(value)) });
        }
        Ok(())
    }

    /// The nested set under a name, made if there is none; fails with the place of what else has the name.
    fn nested(&mut self, set: Set, name: Symbol, pos: Pos) -> std::result::Result<Set, Pos> {
        match self.sets[set.0].find(name) {
            Some(defined) => self.reopen(set, defined).ok_or(self.sets[set.0].attrs[defined].pos),
            None => {
                let nested = self.open(Pos::NONE, false);
                let attr = Attr { name, pos, kind: BindingKind::Plain, value: Value::Open(nested) };
                self.insert(set, attr);
                Ok(nested)
            }
        }
    }

    /// Makes the value of an attribute a set that can be added to, if it is a literal set.
    fn reopen(&mut self, set: Set, defined: usize) -> Option<Set> {
        match self.sets[set.0].attrs[defined].value {
            Value::Open(nested) => Some(nested),
            Value::Node(Expr::Attrs { pos, recursive, bindings }) => {
                let nested = self.open(*pos, *recursive);
                self.sets[nested.0].fill(bindings);
                self.attributes += bindings.attrs.len() + bindings.dynamic.len();
                self.sets[set.0].attrs[defined].value = Value::Open(nested);
                Some(nested)
            }
            Value::Node(_) => None,
        }
    }

    /// Adds an attribute; two literal sets under one name become one. A `rec` in front of the second one is lost, as in Nix.
    fn insert_or_merge(
        &mut self,
        set: Set,
        attr: Attr<'a>,
        value: Node<'a>,
        path: &mut Vec<AttrName<'a>>,
        arena: &'a Bump,
    ) -> Result<'a, ()> {
        let Some(defined) = self.sets[set.0].find(attr.name) else {
            self.insert(set, attr);
            value.set_name(attr.name);
            return Ok(());
        };
        if let Expr::Attrs { bindings, .. } = value
            && let Some(nested) = self.reopen(set, defined)
        {
            return self.merge(nested, bindings, path, arena);
        }
        let before = self.sets[set.0].attrs[defined].pos;
        Err(Box::new(Duplicate::Defined { path: path.clone(), pos: attr.pos, before }))
    }

    fn merge(
        &mut self,
        set: Set,
        from: &Bindings<'a>,
        path: &mut Vec<AttrName<'a>>,
        arena: &'a Bump,
    ) -> Result<'a, ()> {
        if self.stack.is_exhausted() {
            return Err(Box::new(Duplicate::TooDeep));
        }
        let sources = self.sets[set.0].inherit_from.len() as u32;
        for attr in from.attrs {
            let mut value = attr.value;
            if let Expr::Select { base: Expr::InheritFrom(source_pos, index), .. } = value
                && attr.kind == BindingKind::InheritedFrom
            {
                let base = arena.alloc(Expr::InheritFrom(*source_pos, index + sources));
                value = arena.alloc(inherited_from(arena, attr.pos, base, attr.name));
            }
            path.push(AttrName::Static(attr.name));
            let attr = Attr { name: attr.name, pos: attr.pos, kind: attr.kind, value: Value::Node(value) };
            self.insert_or_merge(set, attr, value, path, arena)?;
            path.pop();
        }
        self.sets[set.0].append(from);
        self.attributes += from.dynamic.len();
        Ok(())
    }
}

fn inherited_from<'a>(arena: &'a Bump, pos: Pos, base: Node<'a>, name: Symbol) -> Expr<'a> {
    let path = arena.alloc_slice_copy(&[AttrName::Static(name)]);
    Expr::Select { pos, base, path, default: None }
}
