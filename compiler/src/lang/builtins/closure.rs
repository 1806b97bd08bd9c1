//! `genericClosure`.

use std::cmp::Ordering;
use std::collections::{HashSet, VecDeque};

use super::Builtin;
use crate::lang::error::{EvalError, Result};
use crate::lang::eval::Evaluator;
use crate::lang::print;
use crate::lang::syntax::Pos;
use crate::lang::value::{Value, share};

pub(super) const BUILTINS: &[Builtin] = &[Builtin::new(
    "genericClosure",
    &["arguments"],
    generic_closure,
    "The sets of the list `startSet`, and whatever sets the function `operator` gives for a set that is in the result, each \
     `key` once. Keys must be comparable.",
).forces(0)];

/// A set in the result, with its key.
#[derive(Clone, Copy)]
struct Element<'a> {
    set: Value<'a>,
    key: Value<'a>,
}

fn generic_closure<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the first argument passed to builtins.genericClosure";
    let arguments = ev.attrs_of(args[0], Pos::NONE, context)?;
    let start = ev.symbols.intern(b"startSet");
    let context = "in the attrset passed as argument to builtins.genericClosure";
    let start = ev.required(arguments, start, context)?;
    let context = "while evaluating the 'startSet' attribute passed as argument to builtins.genericClosure";
    let start = ev.list_of(share(start.slot), Pos::NONE, context)?;
    if start.is_empty() {
        return Ok(Value::List(start));
    }
    let operator = ev.symbols.intern(b"operator");
    let context = "in the attrset passed as argument to builtins.genericClosure";
    let operator = ev.required(arguments, operator, context)?;
    let context = "while evaluating the 'operator' attribute passed as argument to builtins.genericClosure";
    let operator = ev.function_of(share(operator.slot), Pos::NONE, context)?;
    let mut work: VecDeque<Value<'a>> = start.items().iter().map(share).collect();
    let mut done = Vec::new();
    let mut keys = Keys::default();
    while let Some(next) = work.pop_front() {
        let element = element(ev, next)?;
        if !keys.insert(ev, element)? {
            continue;
        }
        done.push(element.set);
        let found = ev.call(operator, &[element.set], Pos::NONE).and_then(|result| {
            let context =
                "while evaluating the return value of the `operator` passed to builtins.genericClosure";
            let found = ev.list_of(result, Pos::NONE, context)?;
            // All that it gives is evaluated before any of it is looked at.
            found.items().iter().try_for_each(|slot| ev.force_slot(slot, Pos::NONE).map(drop))?;
            Ok(found)
        });
        match found {
            Ok(found) => work.extend(found.items().iter().map(share)),
            Err(error) => {
                return Err(error.trace(
                    Pos::NONE,
                    shown(ev, "while calling operator on genericClosure element ", element.set),
                ));
            }
        }
    }
    Ok(ev.list(done.into_iter()))
}

fn element<'a>(ev: &mut Evaluator<'a>, value: Value<'a>) -> Result<Element<'a>> {
    let set = ev.force(value, Pos::NONE).map_err(|error| {
        let shown = shown(ev, "in genericClosure element ", value);
        error.trace(Pos::NONE, shown)
    })?;
    let Value::Attrs(attrs) = set else {
        let error = ev.type_error("a set", set);
        return Err(error.trace(Pos::NONE, shown(ev, "in genericClosure element ", set)));
    };
    let key = ev.symbols.intern(b"key");
    let Some(key) = attrs.get(key) else {
        let error = EvalError::new("attribute 'key' missing");
        return Err(error.trace(Pos::NONE, shown(ev, "in genericClosure element ", set)));
    };
    let key = ev.force_slot(key, Pos::NONE)?;
    Ok(Element { set, key })
}

fn shown<'a>(ev: &Evaluator<'a>, text: &str, set: Value<'a>) -> Vec<u8> {
    [text.as_bytes(), &print::in_error(ev, set)].concat()
}

/// The elements seen so far.
#[derive(Default)]
struct Keys<'a> {
    /// As long as all keys are integers or all are strings, they are only looked for: no comparison can fail.
    integers: HashSet<i64>,
    texts: HashSet<&'a [u8]>,
    /// In the order of their making until a key is of another kind, from then on in the order of their keys.
    sorted: Vec<Element<'a>>,
    recent: Vec<Element<'a>>,
    is_mixed: bool,
    /// The one with the least key, once keys are mixed: Nix names it where keys cannot be compared.
    least: Option<Element<'a>>,
}

impl<'a> Keys<'a> {
    /// False when there is an element with an equal key.
    fn insert(&mut self, ev: &mut Evaluator<'a>, element: Element<'a>) -> Result<bool> {
        let is_new = match element.key {
            Value::Int(key) if !self.is_mixed && self.texts.is_empty() => self.integers.insert(key),
            Value::String(key) if !self.is_mixed && self.integers.is_empty() => {
                self.texts.insert(key.bytes())
            }
            _ => return self.insert_in_order(ev, element),
        };
        if is_new {
            self.sorted.push(element);
        }
        Ok(is_new)
    }

    fn insert_in_order(&mut self, ev: &mut Evaluator<'a>, element: Element<'a>) -> Result<bool> {
        if !std::mem::replace(&mut self.is_mixed, true) {
            self.sorted.sort_by(|left, right| match (left.key, right.key) {
                (Value::Int(left), Value::Int(right)) => left.cmp(&right),
                (Value::String(left), Value::String(right)) => left.bytes().cmp(right.bytes()),
                _ => Ordering::Equal,
            });
            self.least = self.sorted.first().copied();
        }
        let named = |error: Box<EvalError>, ev: &Evaluator<'a>, least: Option<Element<'a>>| match least {
            Some(least) => error
                .trace(Pos::NONE, shown(ev, "with element ", least.set))
                .trace(Pos::NONE, shown(ev, "while comparing element ", element.set)),
            None => error,
        };
        let found = search(ev, &self.sorted, element).map_err(|error| named(error, ev, self.least))?;
        let Err(in_sorted) = found else { return Ok(false) };
        let found = search(ev, &self.recent, element).map_err(|error| named(error, ev, self.least))?;
        let Err(at) = found else { return Ok(false) };
        self.recent.insert(at, element);
        if in_sorted == 0 && at == 0 {
            self.least = Some(element);
        }
        // Two levels keep insertion near the square root of the size.
        if self.recent.len() * self.recent.len() > self.sorted.len() + 64 {
            let recent = std::mem::take(&mut self.recent);
            let mut merged = Vec::with_capacity(self.sorted.len() + recent.len());
            let mut old = self.sorted.iter().copied().peekable();
            for new in recent {
                while let Some(next) = old.peek().copied() {
                    if compare(ev, next, new)? != Ordering::Less {
                        break;
                    }
                    merged.push(next);
                    old.next();
                }
                merged.push(new);
            }
            merged.extend(old);
            self.sorted = merged;
        }
        Ok(true)
    }
}

/// Where an element with an equal key is, or would be.
fn search<'a>(
    ev: &mut Evaluator<'a>,
    sorted: &[Element<'a>],
    element: Element<'a>,
) -> Result<std::result::Result<usize, usize>> {
    let (mut low, mut high) = (0, sorted.len());
    while low < high {
        // The lower of two, which is the one that Nix, too, looks at first; it shows in errors.
        let middle = low + (high - low - 1) / 2;
        match compare(ev, element, sorted[middle])? {
            Ordering::Equal => return Ok(Ok(middle)),
            Ordering::Less => high = middle,
            Ordering::Greater => low = middle + 1,
        }
    }
    Ok(Err(low))
}

fn compare<'a>(ev: &mut Evaluator<'a>, left: Element<'a>, right: Element<'a>) -> Result<Ordering> {
    if ev.less_than(left.key, right.key)? {
        return Ok(Ordering::Less);
    }
    Ok(if ev.less_than(right.key, left.key)? { Ordering::Greater } else { Ordering::Equal })
}
