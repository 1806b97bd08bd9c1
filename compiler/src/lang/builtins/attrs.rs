//! Attribute sets.

use std::cell::Cell;

use super::Builtin;
use crate::lang::error::{EvalError, Result};
use crate::lang::eval::Evaluator;
use crate::lang::syntax::symbol::known;
use crate::lang::syntax::{Pos, Symbol};
use crate::lang::value::attrs::{AttrsBuilder, Found};
use crate::lang::value::{Attrs, Shape, Slot, Suspension, Value, Work, share};

pub(super) const BUILTINS: &[Builtin] = &[
    Builtin::new("attrNames", &["set"], attr_names, "The names of *set*, sorted.").borrowing(&[0]).forces(0),
    Builtin::new("attrValues", &["set"], attr_values, "The values of *set*, in the order of their names.").borrowing(&[0]).forces(0),
    Builtin::new("hasAttr", &["name", "set"], has_attr, "True when *set* has an attribute *name*.").borrowing(&[0, 1]).forces(0),
    Builtin::new("getAttr", &["name", "set"], get_attr, "The attribute *name* of *set*, which must exist.").borrowing(&[0, 1]).forces(0),
    Builtin::new(
        "unsafeGetAttrPos",
        &["name", "set"],
        unsafe_get_attr_pos,
        "Where the attribute *name* of *set* is defined: file, line and column; null when it is not known.",
    ).borrowing(&[0, 1]),
    Builtin::new(
        "removeAttrs",
        &["set", "names"],
        remove_attrs,
        "*set* without the attributes in the list *names*.",
    ).borrowing(&[0, 1]).forces(0)
    .plain(),
    Builtin::new(
        "listToAttrs",
        &["list"],
        list_to_attrs,
        "The set of the `{ name; value; }` in *list*; of several with the same name the first counts.",
    ).borrowing(&[0]).forces(0),
    Builtin::new(
        "intersectAttrs",
        &["a", "b"],
        intersect_attrs,
        "The attributes of *b* whose names are also in *a*.",
    ).borrowing(&[0, 1]).forces(0),
    Builtin::new(
        "catAttrs",
        &["name", "list"],
        cat_attrs,
        "The values of the attribute *name* of those sets in *list* that have it.",
    ).borrowing(&[0, 1]).forces(0),
    Builtin::new(
        "mapAttrs",
        &["function", "set"],
        map_attrs,
        "*set* with every value replaced by the result of *function* for its name and itself.",
    ).borrowing(&[1]).forces(1).as_given(),
    Builtin::new(
        "zipAttrsWith",
        &["function", "list"],
        zip_attrs_with,
        "The set of all names in the sets of *list*: each the result of *function* for the name and the list of its values.",
    ).borrowing(&[1]).forces(0).then(1),
];

fn attr_names<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let set =
        ev.attrs_of(args[0], Pos::NONE, "while evaluating the argument passed to builtins.attrNames")?;
    if set.is_empty() {
        return Ok(ev.list(std::iter::empty()));
    }
    let (shape, _) = set.flatten(ev.arena);
    Ok(ev.list_of_slots(shape.names(ev.arena, &ev.symbols)))
}

fn attr_values<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let set =
        ev.attrs_of(args[0], Pos::NONE, "while evaluating the argument passed to builtins.attrValues")?;
    let (_, values) = set.flatten(ev.arena);
    let order = set.by_name(ev.arena, &ev.symbols);
    Ok(ev.list(order.iter().map(|index| share(&values[*index as usize]))))
}

fn has_attr<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the first argument passed to builtins.hasAttr";
    let name = ev.plain_string_of(args[0], Pos::NONE, context)?;
    let context = "while evaluating the second argument passed to builtins.hasAttr";
    let set = ev.attrs_of(args[1], Pos::NONE, context)?;
    Ok(Value::Bool(ev.symbols.lookup(name).is_some_and(|name| set.get(name).is_some())))
}

fn get_attr<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the first argument passed to builtins.getAttr";
    let name = ev.plain_string_of(args[0], Pos::NONE, context)?;
    let context = "while evaluating the second argument passed to builtins.getAttr";
    let set = ev.attrs_of(args[1], Pos::NONE, context)?;
    let name = ev.symbols.intern(name);
    let found = ev.required(set, name, "in the attribute set under consideration")?;
    ev.force_slot(found.slot, Pos::NONE)
}

fn unsafe_get_attr_pos<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the first argument passed to builtins.unsafeGetAttrPos";
    let name = ev.plain_string_of(args[0], Pos::NONE, context)?;
    let context = "while evaluating the second argument passed to builtins.unsafeGetAttrPos";
    let set = ev.attrs_of(args[1], Pos::NONE, context)?;
    let found = ev.symbols.lookup(name).and_then(|name| set.find(name));
    Ok(found.map_or(Value::Null, |found| ev.place_value(found.pos)))
}

fn remove_attrs<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the first argument passed to builtins.removeAttrs";
    let set = ev.attrs_of(args[0], Pos::NONE, context)?;
    let context = "while evaluating the second argument passed to builtins.removeAttrs";
    let list = ev.list_of(args[1], Pos::NONE, context)?;
    let mut names = Vec::with_capacity(list.len());
    for slot in list.items() {
        let context = "while evaluating the values of the second argument passed to builtins.removeAttrs";
        let name = ev.plain_string_of(share(slot), Pos::NONE, context)?;
        names.extend(ev.symbols.lookup(name));
    }
    names.sort_unstable();
    Ok(select(ev, set, |name| names.binary_search(&name).is_err()))
}

/// The attributes of a set whose names are wanted.
fn select<'a>(ev: &Evaluator<'a>, set: &'a Attrs<'a>, wanted: impl Fn(Symbol) -> bool) -> Value<'a> {
    let (shape, values) = set.flatten(ev.arena);
    let kept: Vec<usize> = (0..values.len()).filter(|index| wanted(shape.symbols[*index])).collect();
    if kept.len() == values.len() {
        return Value::Attrs(set);
    }
    pick(ev, shape, values, &kept)
}

/// The attributes at some indices.
fn pick<'a>(ev: &Evaluator<'a>, shape: &'a Shape<'a>, values: &'a [Slot<'a>], kept: &[usize]) -> Value<'a> {
    if kept.is_empty() {
        return ev.no_attrs();
    }
    let symbols = ev.arena.alloc_slice_fill_iter(kept.iter().map(|index| shape.symbols[*index]));
    let positions: &'a [Pos] = if shape.has_positions() {
        ev.arena.alloc_slice_fill_iter(kept.iter().map(|index| shape.position(*index)))
    } else {
        &[]
    };
    let values = ev.arena.alloc_slice_fill_iter(kept.iter().map(|index| Cell::new(share(&values[*index]))));
    Value::Attrs(Attrs::new(ev.arena, Shape::new(ev.arena, symbols, positions), values))
}

fn list_to_attrs<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let list =
        ev.list_of(args[0], Pos::NONE, "while evaluating the argument passed to builtins.listToAttrs")?;
    let mut names = Vec::with_capacity(list.len());
    for (index, slot) in list.items().iter().enumerate() {
        let context = "while evaluating an element of the list passed to builtins.listToAttrs";
        let pair = ev.attrs_of(share(slot), Pos::NONE, context)?;
        let found = ev.required(pair, known::NAME, "in a {name=...; value=...;} pair")?;
        let context =
            "while evaluating the `name` attribute of an element of the list passed to builtins.listToAttrs";
        let name = ev.plain_string_of(share(found.slot), found.pos, context)?;
        names.push((ev.symbols.intern(name), index as u32, pair));
    }
    if !names.is_sorted_by(|a, b| a.0 < b.0) {
        names.sort_unstable_by_key(|(name, index, _)| (*name, *index));
        names.dedup_by_key(|(name, ..)| *name);
    }
    let mut builder = AttrsBuilder::with_capacity(names.len());
    for (name, _, pair) in names {
        let found = ev.required(pair, known::VALUE, "in a {name=...; value=...;} pair")?;
        builder.push(name, found.pos, share(found.slot));
    }
    Ok(Value::Attrs(builder.finish(ev.arena)))
}

fn intersect_attrs<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the first argument passed to builtins.intersectAttrs";
    let left = ev.attrs_of(args[0], Pos::NONE, context)?;
    let context = "while evaluating the second argument passed to builtins.intersectAttrs";
    let right = ev.attrs_of(args[1], Pos::NONE, context)?;
    let (left_shape, _) = left.flatten(ev.arena);
    let (shape, values) = right.flatten(ev.arena);
    let small = left_shape.symbols.len() * 8 < shape.symbols.len();
    let kept: Vec<usize> = if small {
        left_shape.symbols.iter().filter_map(|name| shape.index_of(*name)).collect()
    } else {
        (0..values.len()).filter(|index| left_shape.index_of(shape.symbols[*index]).is_some()).collect()
    };
    Ok(pick(ev, shape, values, &kept))
}

fn cat_attrs<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the first argument passed to builtins.catAttrs";
    let name = ev.plain_string_of(args[0], Pos::NONE, context)?;
    let name = ev.symbols.intern(name);
    let context = "while evaluating the second argument passed to builtins.catAttrs";
    let list = ev.list_of(args[1], Pos::NONE, context)?;
    let mut found = Vec::new();
    for slot in list.items() {
        let context =
            "while evaluating an element in the list passed as second argument to builtins.catAttrs";
        let set = ev.attrs_of(share(slot), Pos::NONE, context)?;
        found.extend(set.get(name).map(share));
    }
    Ok(ev.list(found.into_iter()))
}

fn map_attrs<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the second argument passed to builtins.mapAttrs";
    let attrs = ev.attrs_of(args[1], Pos::NONE, context)?;
    if attrs.is_empty() {
        return Ok(Value::Attrs(attrs));
    }
    Ok(applied_to_each(ev, args[0], attrs))
}

/// The set of what a function gives for each name and value, once that is wanted.
fn applied_to_each<'a>(ev: &Evaluator<'a>, function: Value<'a>, attrs: &'a Attrs<'a>) -> Value<'a> {
    let (shape, values) = attrs.flatten(ev.arena);
    let application = Suspension::application(ev.arena, Work::MapAttrs, &[function, Value::Attrs(attrs)]);
    let values =
        ev.arena.alloc_slice_fill_with(values.len(), |index| Cell::new(application.at(index as u32)));
    Value::Attrs(Attrs::new(ev.arena, shape.without_positions(ev.arena), values))
}

fn zip_attrs_with<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the first argument passed to builtins.zipAttrsWith";
    let function = ev.function_of(args[0], Pos::NONE, context)?;
    let context = "while evaluating the second argument passed to builtins.zipAttrsWith";
    let list = ev.list_of(args[1], Pos::NONE, context)?;
    let mut all: Vec<(Symbol, u32, Value<'a>)> = Vec::new();
    for (index, slot) in list.items().iter().enumerate() {
        let context =
            "while evaluating a value of the list passed as second argument to builtins.zipAttrsWith";
        let set = ev.attrs_of(share(slot), Pos::NONE, context)?;
        let (shape, values) = set.flatten(ev.arena);
        all.extend(shape.symbols.iter().zip(values).map(|(name, slot)| (*name, index as u32, share(slot))));
    }
    all.sort_unstable_by_key(|(name, index, _)| (*name, *index));
    let mut builder = AttrsBuilder::with_capacity(all.len());
    for group in all.chunk_by(|a, b| a.0 == b.0) {
        let values = ev.list(group.iter().map(|(.., value)| *value));
        builder.push(group[0].0, Pos::NONE, values);
    }
    let lists = builder.finish(ev.arena);
    Ok(applied_to_each(ev, function, lists))
}

impl<'a> Evaluator<'a> {
    /// An attribute that must exist.
    ///
    /// # Errors
    /// When it does not.
    pub fn required(&self, set: &Attrs<'a>, name: Symbol, context: &'static str) -> Result<Found<'a>> {
        set.find(name).ok_or_else(|| {
            let text = [b"attribute '".as_slice(), &self.symbols.shown(name), b"' missing"].concat();
            EvalError::new(text).trace(Pos::NONE, context.as_bytes())
        })
    }
}
