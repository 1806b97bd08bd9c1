//! Computations that wait to be needed.
//!
//! All kinds of them have one form, so that a [`Value`] is a word, then the kind and an index of four bytes each: a part
//! of twelve bytes would be copied in other pieces than it is read in, and that stalls the processor.

use std::cell::Cell;
use std::fmt;

use bumpalo::Bump;

use super::{CodeId, Env, Value};

/// What a suspension computes, and what its environment holds for that.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Work {
    /// An expression; the index is a [`CodeId`], the environment that of the expression.
    Expression,
    /// A function of the element of a list at the index. The environment: function, list.
    Map,
    /// A function of the index. The environment: function.
    Generate,
    /// A function of name and value of the attribute at the index. The environment: function, set without layers.
    MapAttrs,
    /// A function of arguments. The environment: function, arguments.
    Apply,
}

/// A suspended computation. Only in a slot; never copied out of it.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Suspension<'a> {
    /// What the computation knows.
    pub env: &'a Env<'a>,
    /// What is computed.
    pub work: Work,
    /// For which element, or the expression.
    pub index: u32,
}

impl<'a> Suspension<'a> {
    /// An expression in its environment.
    #[inline(always)]
    pub fn expression(code: CodeId, env: &'a Env<'a>) -> Value<'a> {
        Value::Suspended(Suspension { env, work: Work::Expression, index: code.0 })
    }

    /// What the suspended applications of one builtin have in common: the function, then what it is applied to.
    pub fn application(arena: &'a Bump, work: Work, parts: &[Value<'a>]) -> Self {
        let slots = arena.alloc_slice_fill_with(parts.len(), |index| Cell::new(parts[index]));
        Suspension { env: arena.alloc(Env::new(slots, None)), work, index: 0 }
    }

    /// The one for an element.
    #[inline(always)]
    pub fn at(self, index: u32) -> Value<'a> {
        Value::Suspended(Suspension { index, ..self })
    }

    /// The function of an application.
    pub fn function(self) -> Option<Value<'a>> {
        (self.work != Work::Expression).then(|| self.env.slots[0].get())
    }
}

impl fmt::Debug for Suspension<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Suspension({:?}, {})", self.work, self.index)
    }
}
