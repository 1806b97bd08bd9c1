//! Values made: strings, lists, sets, suspensions.
//!
//! Owns: which list is whose. Two slots never hold one list, unless one refers to the other: «repeated» would show it. So a
//! slot whose value is the list of another slot gets a copy of its head; a list that was just made is nobody's yet.
//! Never does: evaluate.

use std::cell::Cell;

use super::Evaluator;
use crate::lang::syntax::Symbol;
use crate::lang::value::{Context, List, NixString, Slot, Suspension, Value, Work};

impl<'a> Evaluator<'a> {
    /// The value of a computation is its own, even when it is that of a variable; it shows in «repeated», and in that
    /// only one and the same function is equal to itself.
    #[inline(always)]
    pub(super) fn own(&self, value: Value<'a>, is_new: bool) -> Value<'a> {
        match value {
            Value::List(list) if self.is_newest(list) => {
                self.newest.set(None);
                value
            }
            Value::List(list) => Value::List(list.copy(self.arena)),
            Value::Closure(closure) if !is_new => Value::Closure(self.arena.alloc(*closure)),
            value => value,
        }
    }

    /// A string value.
    #[inline]
    pub fn string(&self, bytes: &'a [u8]) -> Value<'a> {
        if bytes.is_empty() {
            return Value::String(self.empty_string);
        }
        Value::String(NixString::new(self.arena, bytes, None))
    }

    /// A name as a string value.
    pub(in crate::lang) fn name_value(&mut self, name: Symbol) -> Value<'a> {
        if let Some(Some(string)) = self.names.get(name.index()) {
            return Value::String(string);
        }
        self.new_name_value(name)
    }

    #[inline(never)]
    fn new_name_value(&mut self, name: Symbol) -> Value<'a> {
        let string = NixString::new(self.arena, self.symbols.name(name), None);
        self.names.resize(self.names.len().max(self.symbols.len()), None);
        self.names[name.index()] = Some(string);
        Value::String(string)
    }

    /// A string value with a context.
    #[inline]
    pub fn string_with(&self, bytes: &'a [u8], context: Option<&'a Context<'a>>) -> Value<'a> {
        Value::String(NixString::new(self.arena, bytes, context))
    }

    /// A copy of bytes that lives as long as the values.
    pub fn bytes(&self, bytes: &[u8]) -> &'a [u8] {
        self.arena.alloc_slice_copy(bytes)
    }

    /// A list value.
    pub fn list(&self, values: impl ExactSizeIterator<Item = Value<'a>>) -> Value<'a> {
        if values.len() == 0 {
            return Value::List(self.empty_list);
        }
        let items = self.arena.alloc_slice_fill_iter(values.map(Cell::new));
        self.list_of_slots(items)
    }

    /// A list value over slots that exist already.
    #[inline]
    pub fn list_of_slots(&self, items: &'a [Slot<'a>]) -> Value<'a> {
        let list = List::new(self.arena, items);
        self.newest.set(Some(list));
        Value::List(list)
    }

    /// True for a list that was just made and is in no slot yet.
    #[inline(always)]
    fn is_newest(&self, list: &'a List<'a>) -> bool {
        self.newest.get().is_some_and(|newest| std::ptr::eq(newest, list))
    }

    /// Says that the list which was made last may be in some slot by now, unless it is this value.
    #[inline(always)]
    pub(super) fn forget_newest_but(&self, value: Value<'a>) {
        if !matches!(value, Value::List(list) if self.is_newest(list)) {
            self.newest.set(None);
        }
    }

    /// `{ }`.
    pub fn no_attrs(&self) -> Value<'a> {
        Value::Attrs(self.empty_attrs)
    }

    /// A value that is a suspension for now.
    pub fn thunk(&self, suspended: Value<'a>) -> Value<'a> {
        Value::Thunk(self.arena.alloc(Cell::new(suspended)))
    }

    /// A suspended `function arg …`.
    pub fn deferred_call(&self, function: Value<'a>, args: &[Value<'a>]) -> Value<'a> {
        Suspension::application(self.arena, Work::Apply, &[&[function], args].concat()).at(0)
    }
}
