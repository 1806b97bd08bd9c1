//! Lists: taking them apart, and building them without calling functions more than an element needs.

use std::cell::Cell;

use super::Builtin;
use crate::lang::error::{ErrorKind, EvalError, Result};
use crate::lang::eval::Evaluator;
use crate::lang::syntax::Pos;
use crate::lang::value::{List, Suspension, Value, Work, share};

pub(super) const BUILTINS: &[Builtin] = &[
    Builtin::new("length", &["list"], length, "The number of elements of *list*.").borrowing(&[0]).forces(0),
    Builtin::new("head", &["list"], head, "The first element of *list*, which must not be empty.")
        .borrowing(&[0])
        .forces(0),
    Builtin::new("tail", &["list"], tail, "*list* without its first element; it must not be empty.")
        .borrowing(&[0])
        .forces(0),
    Builtin::new(
        "elemAt",
        &["list", "index"],
        elem_at,
        "The element of *list* at *index*, counted from zero.",
    )
    .borrowing(&[0, 1])
    .forces(1),
    Builtin::new("elem", &["value", "list"], elem, "True when an element of *list* equals *value*.")
        .borrowing(&[0, 1])
        .forces(1),
    Builtin::new("map", &["function", "list"], map, "The results of *function* for each element of *list*.")
        .borrowing(&[1])
        .forces(1)
        .plain(),
    Builtin::new(
        "genList",
        &["generator", "length"],
        gen_list,
        "A list of *length* elements: the results of *generator* for 0, 1, 2, ….",
    )
    .borrowing(&[1])
    .forces(1),
    Builtin::new("concatLists", &["lists"], concat_lists, "The elements of all *lists*, in order.")
        .borrowing(&[0])
        .forces(0),
    Builtin::new(
        "concatMap",
        &["function", "list"],
        concat_map,
        "The elements of the lists that *function* gives for each element of *list*.",
    )
    .borrowing(&[0, 1])
    .forces(0)
    .then(1),
];

fn length<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let list =
        ev.list_of(args[0], Pos::NONE, "while evaluating the first argument passed to builtins.length")?;
    Ok(Value::Int(list.len() as i64))
}

fn head<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the first argument passed to 'builtins.head'";
    match ev.list_of(args[0], Pos::NONE, context)?.items().first() {
        Some(first) => ev.force_slot(first, Pos::NONE),
        None => Err(EvalError::new("'builtins.head' called on an empty list")),
    }
}

fn tail<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the first argument passed to 'builtins.tail'";
    match ev.list_of(args[0], Pos::NONE, context)?.items().split_first() {
        Some((_, rest)) => Ok(ev.list_of_slots(rest)),
        None => Err(EvalError::new("'builtins.tail' called on an empty list")),
    }
}

fn elem_at<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let index =
        ev.int_of(args[1], Pos::NONE, "while evaluating the second argument passed to 'builtins.elemAt'")?;
    let list =
        ev.list_of(args[0], Pos::NONE, "while evaluating the first argument passed to 'builtins.elemAt'")?;
    match usize::try_from(index).ok().and_then(|index| list.items().get(index)) {
        Some(item) => ev.force_slot(item, Pos::NONE),
        None => Err(EvalError::new(format!(
            "'builtins.elemAt' called with index {index} on a list of size {}",
            list.len()
        ))),
    }
}

fn elem<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let list =
        ev.list_of(args[1], Pos::NONE, "while evaluating the second argument passed to builtins.elem")?;
    for item in list.items() {
        if ev.equal_shared(args[0], share(item), Pos::NONE)? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

fn map<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the second argument passed to builtins.map";
    let list = ev.list_of(args[1], Pos::NONE, context)?;
    if list.is_empty() {
        return Ok(Value::List(list));
    }
    let context = "while evaluating the first argument passed to builtins.map";
    let function = ev.function_of(args[0], Pos::NONE, context)?;
    let application = Suspension::application(ev.arena, Work::Map, &[function, Value::List(list)]);
    Ok(suspended_list(ev, application, list.len()))
}

fn gen_list<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let length =
        ev.int_of(args[1], Pos::NONE, "while evaluating the second argument passed to builtins.genList")?;
    let refused = || EvalError::new(format!("cannot create list of size {length}"));
    if length < 0 {
        return Err(refused());
    }
    let context = "while evaluating the first argument passed to builtins.genList";
    let function = ev.function_of(args[0], Pos::NONE, context)?;
    // Nix asks for the memory at once, and says no more than this when there is none.
    let Ok(size) = u32::try_from(length) else {
        return Err(EvalError::of_kind(ErrorKind::Limit, "out of memory"));
    };
    if size == 0 {
        return Ok(ev.list(std::iter::empty()));
    }
    ev.room_for((size as usize).saturating_mul(size_of::<Value<'_>>()))?;
    let application = Suspension::application(ev.arena, Work::Generate, &[function]);
    Ok(suspended_list(ev, application, size as usize))
}

/// A list of suspended applications.
fn suspended_list<'a>(ev: &Evaluator<'a>, application: Suspension<'a>, size: usize) -> Value<'a> {
    ev.list_of_slots(ev.arena.alloc_slice_fill_with(size, |index| Cell::new(application.at(index as u32))))
}

fn concat_lists<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the first argument passed to builtins.concatLists";
    let lists = ev.list_of(args[0], Pos::NONE, context)?;
    let mut parts = Vec::with_capacity(lists.len());
    for slot in lists.items() {
        let context = "while evaluating a value of the list passed to builtins.concatLists";
        parts.push(ev.list_of(share(slot), Pos::NONE, context)?);
    }
    ev.concatenated(&parts)
}

fn concat_map<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the first argument passed to builtins.concatMap";
    let function = ev.function_of(args[0], Pos::NONE, context)?;
    let context = "while evaluating the second argument passed to builtins.concatMap";
    let list = ev.list_of(args[1], Pos::NONE, context)?;
    let mut parts = Vec::with_capacity(list.len());
    for slot in list.items() {
        let result = ev.call(function, &[share(slot)], Pos::NONE)?;
        let context = "while evaluating the return value of the function passed to builtins.concatMap";
        let pos = match ev.pos_of(result) {
            pos if pos.is_none() => ev.pos_of(function),
            pos => pos,
        };
        parts.push(ev.list_of(result, pos, context)?);
    }
    ev.concatenated(&parts)
}

impl<'a> Evaluator<'a> {
    /// All elements of some lists in one; the only one that is not empty is shared.
    ///
    /// # Errors
    /// When there is no room for them.
    pub(in crate::lang) fn concatenated(&self, parts: &[&'a List<'a>]) -> Result<Value<'a>> {
        let size = parts.iter().fold(0, |size: usize, part| size.saturating_add(part.len()));
        if let Some(only) = parts.iter().find(|part| part.len() == size) {
            return Ok(Value::List(only));
        }
        self.room_for(size.saturating_mul(size_of::<Value<'_>>()))?;
        let mut slots = parts.iter().flat_map(|part| part.items());
        let items =
            self.arena.alloc_slice_fill_with(size, |_| Cell::new(slots.next().map_or(Value::Null, share)));
        Ok(if items.is_empty() { self.list(std::iter::empty()) } else { self.list_of_slots(items) })
    }
}
