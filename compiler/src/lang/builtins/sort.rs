//! `sort`.
//!
//! A stable merge sort that stays within its bounds whatever the comparing function answers.

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
).borrowing(&[0, 1])
.forces(1)
];

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

/// Up to this many elements are sorted by insertion.
const FEW: usize = 16;

/// The comparing function, and the elements while they move.
struct Sorter<'s, 'a, F> {
    items: &'s mut [Value<'a>],
    scratch: Vec<Value<'a>>,
    less: F,
}

/// Sorts stably, asking for the same comparisons in the same order as Nix, since a comparing function can be seen to
/// be called. Peeksort: J. I. Munro and S. Wild, "Nearly-Optimal Mergesorts" (2018).
fn merge_sort<'a>(
    items: &mut [Value<'a>],
    less: &mut impl FnMut(Value<'a>, Value<'a>) -> Result<bool>,
) -> Result<()> {
    let end = items.len();
    let scratch = Vec::with_capacity(end);
    Sorter { items, scratch, less }.sort((0, end), 0, end)
}

impl<'a, F: FnMut(Value<'a>, Value<'a>) -> Result<bool>> Sorter<'_, 'a, F> {
    /// Sorts a range whose elements before `left_end` and from `right_start` on are in order. The recursion halves
    /// the range.
    fn sort(&mut self, range: (usize, usize), left_end: usize, right_start: usize) -> Result<()> {
        let (begin, end) = range;
        if left_end == end || right_start == begin {
            return Ok(());
        }
        if end - begin <= FEW {
            return self.insert(begin, end);
        }
        let middle = begin + (end - begin) / 2;
        if middle <= left_end {
            self.sort((left_end, end), left_end + 1, right_start)?;
            return self.merge(begin, left_end, end);
        }
        if middle >= right_start {
            self.sort((begin, right_start), left_end, right_start - 1)?;
            return self.merge(begin, right_start, end);
        }
        let (from, to) = self.run_around(middle, left_end, right_start)?;
        if from == begin && to == end {
            return Ok(());
        }
        if middle - from < to - middle {
            self.sort((begin, from), left_end, from.saturating_sub(1))?;
            self.sort((from, end), to, right_start)?;
            self.merge(begin, from, end)
        } else {
            self.sort((begin, to), left_end, from)?;
            self.sort((to, end), to + 1, right_start)?;
            self.merge(begin, to, end)
        }
    }

    /// The longest run between two places that holds the element before `middle`; one that falls strictly is turned
    /// round.
    fn run_around(&mut self, middle: usize, left: usize, right: usize) -> Result<(usize, usize)> {
        let falling = self.falls(middle)?;
        let (mut from, mut to) = (middle - 1, middle);
        while from > left && self.falls(from)? == falling {
            from -= 1;
        }
        while to < right && self.falls(to)? == falling {
            to += 1;
        }
        if falling {
            self.items[from..to].reverse();
        }
        Ok((from, to))
    }

    /// Whether an element is less than the one before it.
    fn falls(&mut self, at: usize) -> Result<bool> {
        (self.less)(self.items[at], self.items[at - 1])
    }

    fn insert(&mut self, begin: usize, end: usize) -> Result<()> {
        for current in begin..end {
            let mut at = current;
            while at > begin && self.falls(at)? {
                self.items.swap(at, at - 1);
                at -= 1;
            }
        }
        Ok(())
    }

    /// Merges two neighbouring ranges in order; of equal elements those of the left one come first.
    fn merge(&mut self, begin: usize, middle: usize, end: usize) -> Result<()> {
        self.scratch.clear();
        self.scratch.extend_from_slice(&self.items[begin..end]);
        let (mut left, mut right) = (0, middle - begin);
        let (left_end, right_end) = (right, end - begin);
        for place in &mut self.items[begin..end] {
            let from_left = right == right_end
                || (left < left_end && !(self.less)(self.scratch[right], self.scratch[left])?);
            let from = if from_left { &mut left } else { &mut right };
            *place = self.scratch[*from];
            *from += 1;
        }
        Ok(())
    }
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
