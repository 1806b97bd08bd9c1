//! Lists: `filter`, `all`, `any`, `partition`, `groupBy`, `foldl'`.

use std::collections::HashMap;

use super::Builtin;
use crate::lang::error::Result;
use crate::lang::eval::Evaluator;
use crate::lang::syntax::symbol::known;
use crate::lang::syntax::{Pos, Symbol};
use crate::lang::value::attrs::AttrsBuilder;
use crate::lang::value::{Value, share};

pub(super) const BUILTINS: &[Builtin] = &[
    Builtin::new(
        "filter",
        &["predicate", "list"],
        filter,
        "The elements of *list* for which *predicate* is true.",
    ).borrowing(&[0, 1]).forces(1),
    Builtin::new("all", &["predicate", "list"], all, "True when *predicate* is true of every element.").borrowing(&[0, 1])
        .forces(0).then(1),
    Builtin::new("any", &["predicate", "list"], any, "True when *predicate* is true of some element.").borrowing(&[0, 1])
        .forces(0).then(1),
    Builtin::new(
        "partition",
        &["predicate", "list"],
        partition,
        "`{ right; wrong; }`: the elements for which *predicate* is true, and the others.",
    ).borrowing(&[0, 1]).forces(0).then(1),
    Builtin::new(
        "groupBy",
        &["function", "list"],
        group_by,
        "A set of lists: the elements of *list* by the string that *function* gives for them.",
    ).borrowing(&[0, 1]).forces(0).then(1),
    Builtin::new(
        "foldl'",
        &["operator", "start", "list"],
        foldl_strict,
        "*operator* applied to *start* and the first element, then to that result and the second, and so on, each result \
         evaluated before the next.",
    ).borrowing(&[0, 2]).forces(0).then(2),
];

fn filter<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let list =
        ev.list_of(args[1], Pos::NONE, "while evaluating the second argument passed to builtins.filter")?;
    if list.is_empty() {
        return Ok(Value::List(list));
    }
    let context = "while evaluating the first argument passed to builtins.filter";
    let predicate = ev.function_of(args[0], Pos::NONE, context)?;
    let mut kept = Vec::with_capacity(list.len());
    for slot in list.items() {
        let item = share(slot);
        let result = ev.call(predicate, &[item], Pos::NONE)?;
        let context = "while evaluating the return value of the filtering function passed to builtins.filter";
        if ev.bool_of(result, Pos::NONE, context)? {
            // A predicate often evaluates its argument.
            kept.push(share(slot));
        }
    }
    if kept.len() == list.len() {
        return Ok(Value::List(list));
    }
    Ok(ev.list(kept.into_iter()))
}

fn all<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let contexts = [
        "while evaluating the first argument passed to builtins.all",
        "while evaluating the second argument passed to builtins.all",
        "while evaluating the return value of the function passed to builtins.all",
    ];
    Ok(Value::Bool(!some(ev, args, false, contexts)?))
}

fn any<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let contexts = [
        "while evaluating the first argument passed to builtins.any",
        "while evaluating the second argument passed to builtins.any",
        "while evaluating the return value of the function passed to builtins.any",
    ];
    Ok(Value::Bool(some(ev, args, true, contexts)?))
}

/// True when the predicate gives `wanted` for some element.
fn some<'a>(
    ev: &mut Evaluator<'a>,
    args: &[Value<'a>],
    wanted: bool,
    contexts: [&'static str; 3],
) -> Result<bool> {
    let predicate = ev.function_of(args[0], Pos::NONE, contexts[0])?;
    let list = ev.list_of(args[1], Pos::NONE, contexts[1])?;
    for slot in list.items() {
        let result = ev.call(predicate, &[share(slot)], Pos::NONE)?;
        if ev.bool_of(result, Pos::NONE, contexts[2])? == wanted {
            return Ok(true);
        }
    }
    Ok(false)
}

fn partition<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the first argument passed to builtins.partition";
    let predicate = ev.function_of(args[0], Pos::NONE, context)?;
    let context = "while evaluating the second argument passed to builtins.partition";
    let list = ev.list_of(args[1], Pos::NONE, context)?;
    let (mut right, mut wrong) = (Vec::new(), Vec::new());
    for slot in list.items() {
        // Unlike `filter`, partition evaluates its elements.
        let element = ev.force(share(slot), Pos::NONE)?;
        let result = ev.call(predicate, &[element], Pos::NONE)?;
        let context =
            "while evaluating the return value of the partition function passed to builtins.partition";
        let side = if ev.bool_of(result, Pos::NONE, context)? { &mut right } else { &mut wrong };
        side.push(share(slot));
    }
    let mut builder = AttrsBuilder::with_capacity(2);
    builder.push(known::RIGHT, Pos::NONE, ev.list(right.into_iter()));
    builder.push(known::WRONG, Pos::NONE, ev.list(wrong.into_iter()));
    Ok(Value::Attrs(builder.finish(ev.arena)))
}

fn group_by<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the first argument passed to builtins.groupBy";
    let function = ev.function_of(args[0], Pos::NONE, context)?;
    let context = "while evaluating the second argument passed to builtins.groupBy";
    let list = ev.list_of(args[1], Pos::NONE, context)?;
    let mut groups: Vec<(Symbol, Vec<Value<'a>>)> = Vec::new();
    let mut index: HashMap<u32, usize> = HashMap::new();
    for slot in list.items() {
        let result = ev.call(function, &[share(slot)], Pos::NONE)?;
        let context = "while evaluating the return value of the grouping function passed to builtins.groupBy";
        let name = ev.plain_string_of(result, Pos::NONE, context)?;
        let name = ev.symbols.intern(name);
        let group = *index.entry(name.index() as u32).or_insert_with(|| {
            groups.push((name, Vec::new()));
            groups.len() - 1
        });
        groups[group].1.push(share(slot));
    }
    let mut builder = AttrsBuilder::with_capacity(groups.len());
    for (name, members) in groups {
        builder.push(name, Pos::NONE, ev.list(members.into_iter()));
    }
    Ok(Value::Attrs(builder.finish(ev.arena)))
}

fn foldl_strict<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the first argument passed to builtins.foldlStrict";
    let operator = ev.function_of(args[0], Pos::NONE, context)?;
    let context = "while evaluating the third argument passed to builtins.foldlStrict";
    let list = ev.list_of(args[2], Pos::NONE, context)?;
    let mut result = args[1];
    for slot in list.items() {
        result = ev.call(operator, &[result, share(slot)], Pos::NONE)?;
    }
    ev.force(result, Pos::NONE)
}
