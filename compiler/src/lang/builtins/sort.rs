//! `sort`.
//!
//! A stable merge sort of natural runs that stays within its bounds whatever the comparing function answers.

use std::cmp::Reverse;

use super::Builtin;
use crate::lang::error::{Context as _, Result};
use crate::lang::eval::Evaluator;
use crate::lang::expr::{Arith, Expr};
use crate::lang::syntax::Pos;
use crate::lang::value::{Value, share};

pub(super) const BUILTINS: &[Builtin] = &[Builtin::new(
    "sort",
    &["comparator", "list"],
    sort,
    "The elements of *list*, ordered so that *comparator* is true of what comes before something else; elements that it \
     does not tell apart keep their order.",
)];

fn sort<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let list =
        ev.list_of(args[1], Pos::NONE, "while evaluating the second argument passed to builtins.sort")?;
    if list.is_empty() {
        return Ok(Value::List(list));
    }
    let context = "while evaluating the first argument passed to builtins.sort";
    let comparator = ev.function_of(args[0], Pos::NONE, context)?;
    let mut items: Vec<Value<'a>> = Vec::with_capacity(list.len());
    for slot in list.items() {
        // Nix evaluates every element before it sorts.
        ev.force_slot(slot, Pos::NONE)?;
        items.push(share(slot));
    }
    if let Some(sorted) = natively(comparator, &items) {
        return Ok(ev.list(sorted.into_iter()));
    }
    let by_builtin = matches!(comparator, Value::Builtin(builtin) if builtin.name == "lessThan");
    merge_sort(&mut items, &mut |left, right| {
        if by_builtin {
            let context = "while evaluating the ordering function passed to builtins.sort";
            return ev.less_than(left, right).context(Pos::NONE, context);
        }
        let result = ev.call(comparator, &[left, right], Pos::NONE)?;
        let context = "while evaluating the return value of the sorting function passed to builtins.sort";
        ev.bool_of(result, Pos::NONE, context)
    })?;
    Ok(ev.list(items.into_iter()))
}

/// The order of a comparing function that is `<` or `>` and nothing else.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Up,
    Down,
}

fn direction(comparator: Value<'_>) -> Option<Direction> {
    match comparator {
        Value::Builtin(builtin) if builtin.name == "lessThan" => Some(Direction::Up),
        Value::Closure(closure) if closure.lambda.params.len() == 2 => match *closure.lambda.body.get() {
            Expr::Arith(Arith::Less, operands) => match (operands.left, operands.right) {
                (Expr::Local(0, _), Expr::Local(1, _)) => Some(Direction::Up),
                (Expr::Local(1, _), Expr::Local(0, _)) => Some(Direction::Down),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

/// Sorts integers or strings by `<` or `>` without calling anything: no comparison of them can fail.
fn natively<'a>(comparator: Value<'a>, items: &[Value<'a>]) -> Option<Vec<Value<'a>>> {
    let direction = direction(comparator)?;
    let mut sorted = items.to_vec();
    let integer = |value: &Value<'a>| match value {
        Value::Int(number) => Some(*number),
        _ => None,
    };
    let text = |value: &Value<'a>| match value {
        Value::String(string) => Some(string.bytes()),
        _ => None,
    };
    if items.iter().all(|item| integer(item).is_some()) {
        match direction {
            Direction::Up => sorted.sort_by_key(integer),
            Direction::Down => sorted.sort_by_key(|item| Reverse(integer(item))),
        }
    } else if items.iter().all(|item| text(item).is_some()) {
        match direction {
            Direction::Up => sorted.sort_by(|a, b| text(a).cmp(&text(b))),
            Direction::Down => sorted.sort_by(|a, b| text(b).cmp(&text(a))),
        }
    } else {
        return None;
    }
    Some(sorted)
}

/// Sorts stably: bottom-up merging of the runs that are there already.
fn merge_sort<'a>(
    items: &mut Vec<Value<'a>>,
    less: &mut impl FnMut(Value<'a>, Value<'a>) -> Result<bool>,
) -> Result<()> {
    let mut runs = natural_runs(items, less)?;
    let mut scratch = Vec::with_capacity(items.len());
    while runs.len() > 1 {
        scratch.clear();
        let mut merged = Vec::with_capacity(runs.len().div_ceil(2));
        let mut start = 0;
        for pair in runs.chunks(2) {
            match *pair {
                [middle, end] => merge(&items[start..middle], &items[middle..end], &mut scratch, less)?,
                [end] => scratch.extend_from_slice(&items[start..end]),
                _ => {}
            }
            start = scratch.len();
            merged.push(start);
        }
        std::mem::swap(items, &mut scratch);
        runs = merged;
    }
    Ok(())
}

/// Ends of the runs; those that fall strictly are turned round.
fn natural_runs<'a>(
    items: &mut [Value<'a>],
    less: &mut impl FnMut(Value<'a>, Value<'a>) -> Result<bool>,
) -> Result<Vec<usize>> {
    let mut ends = Vec::new();
    let mut start = 0;
    while start < items.len() {
        let mut end = start + 1;
        if end < items.len() {
            let falling = less(items[end], items[start])?;
            end += 1;
            while end < items.len() && less(items[end], items[end - 1])? == falling {
                end += 1;
            }
            if falling {
                items[start..end].reverse();
            }
        }
        ends.push(end);
        start = end;
    }
    Ok(ends)
}

fn merge<'a>(
    left: &[Value<'a>],
    right: &[Value<'a>],
    out: &mut Vec<Value<'a>>,
    less: &mut impl FnMut(Value<'a>, Value<'a>) -> Result<bool>,
) -> Result<()> {
    let (mut l, mut r) = (0, 0);
    while l < left.len() && r < right.len() {
        if less(right[r], left[l])? {
            out.push(right[r]);
            r += 1;
        } else {
            out.push(left[l]);
            l += 1;
        }
    }
    out.extend_from_slice(&left[l..]);
    out.extend_from_slice(&right[r..]);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(items: &[i64]) -> Vec<Value<'static>> {
        items.iter().map(|n| Value::Int(*n)).collect()
    }

    fn sorted(items: &[i64], mut less: impl FnMut(i64, i64) -> bool) -> Vec<i64> {
        let mut values = numbers(items);
        merge_sort(&mut values, &mut |a, b| match (a, b) {
            (Value::Int(a), Value::Int(b)) => Ok(less(a, b)),
            _ => Ok(false),
        })
        .unwrap();
        values.iter().map(|value| if let Value::Int(n) = value { *n } else { -1 }).collect()
    }

    #[test]
    fn sorts_stably_and_survives_nonsense() {
        let items: Vec<i64> = (0..997).map(|n| n * 7919 % 1009).collect();
        let mut wanted = items.clone();
        wanted.sort_by_key(|n| n / 10);
        assert_eq!(sorted(&items, |a, b| a / 10 < b / 10), wanted);
        assert_eq!(sorted(&items, |_, _| true).len(), items.len());
        assert_eq!(sorted(&items, |_, _| false), items);
        let mut state = 1u32;
        let random = sorted(&items, |_, _| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state > u32::MAX / 2
        });
        assert_eq!(random.len(), items.len());
    }
}
