//! Functions, and those that wait for more arguments.

use std::fmt;

use super::{Env, Value};
use crate::lang::builtins::Builtin;
use crate::lang::expr::Lambda;

/// A function of the language with the frame it was made in.
#[derive(Clone, Copy)]
pub struct Closure<'a> {
    /// The code.
    pub lambda: &'a Lambda<'a>,
    /// Where its free variables live.
    pub env: &'a Env<'a>,
}

/// `x: y: …` applied to fewer arguments than it has names; behaves like the inner function.
#[derive(Clone, Copy)]
pub struct PartialClosure<'a> {
    /// The outermost function.
    pub closure: &'a Closure<'a>,
    /// Arguments so far: at least one, fewer than the arity.
    pub args: &'a [Value<'a>],
}

/// A builtin applied to fewer arguments than it takes.
#[derive(Clone, Copy)]
pub struct PartialBuiltin<'a> {
    /// The builtin.
    pub builtin: &'static Builtin,
    /// Arguments so far: at least one, fewer than the arity.
    pub args: &'a [Value<'a>],
}

impl fmt::Debug for Closure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Closure")
    }
}

impl fmt::Debug for PartialClosure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PartialClosure({} args)", self.args.len())
    }
}

impl fmt::Debug for PartialBuiltin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PartialBuiltin({}, {} args)", self.builtin.name, self.args.len())
    }
}
