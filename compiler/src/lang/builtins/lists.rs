//! Lists.

use std::cell::Cell;

use super::Builtin;
use crate::lang::error::{EvalError, Result};
use crate::lang::eval::Evaluator;
use crate::lang::syntax::Pos;
use crate::lang::value::{Deferred, Slot, Value};

pub(super) const BUILTINS: &[Builtin] = &[
    Builtin::new("length", &["list"], length, "The number of elements of *list*."),
    Builtin::new("head", &["list"], head, "The first element of *list*, which must not be empty."),
    Builtin::new("tail", &["list"], tail, "*list* without its first element; it must not be empty."),
    Builtin::new(
        "elemAt",
        &["list", "index"],
        elem_at,
        "The element of *list* at *index*, counted from zero.",
    ),
    Builtin::new("map", &["function", "list"], map, "The results of *function* for each element of *list*.")
        .plain(),
];

fn length<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let list =
        ev.list_of(args[0], Pos::NONE, "while evaluating the first argument passed to builtins.length")?;
    Ok(Value::Int(list.len() as i64))
}

fn head<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the first argument passed to 'builtins.head'";
    match ev.list_of(args[0], Pos::NONE, context)?.items.first() {
        Some(first) => ev.force_slot(first, Pos::NONE),
        None => Err(EvalError::new("'builtins.head' called on an empty list")),
    }
}

fn tail<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the first argument passed to 'builtins.tail'";
    match ev.list_of(args[0], Pos::NONE, context)?.items.split_first() {
        Some((_, rest)) => Ok(ev.list_of_slots(rest)),
        None => Err(EvalError::new("'builtins.tail' called on an empty list")),
    }
}

fn elem_at<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let list =
        ev.list_of(args[0], Pos::NONE, "while evaluating the first argument passed to 'builtins.elemAt'")?;
    let index =
        ev.int_of(args[1], Pos::NONE, "while evaluating the second argument passed to 'builtins.elemAt'")?;
    match usize::try_from(index).ok().and_then(|index| list.items.get(index)) {
        Some(item) => ev.force_slot(item, Pos::NONE),
        None => Err(EvalError::new(format!(
            "'builtins.elemAt' called with index {index} on a list of size {}",
            list.len()
        ))),
    }
}

fn map<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the second argument passed to builtins.map";
    let list = ev.list_of(args[1], Pos::NONE, context)?;
    if list.is_empty() {
        return Ok(Value::List(list));
    }
    let context = "while evaluating the first argument passed to builtins.map";
    let function = ev.function_of(args[0], Pos::NONE, context)?;
    let deferred = ev.arena.alloc(Deferred::Map { function, items: list.items });
    Ok(deferred_list(ev, deferred, list.len()))
}

/// A list of suspended applications.
fn deferred_list<'a>(ev: &Evaluator<'a>, deferred: &'a Deferred<'a>, size: usize) -> Value<'a> {
    let items: &'a [Slot<'a>] =
        ev.arena.alloc_slice_fill_with(size, |index| Cell::new(Value::Deferred(index as u32, deferred)));
    ev.list_of_slots(items)
}
