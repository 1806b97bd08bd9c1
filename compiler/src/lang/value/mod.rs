//! Values of the language.
//!
//! Owns: the representation of evaluated and unevaluated values, lists, attribute sets, strings, environments.
//! Never does: evaluation. Everything lives in one bump arena that is dropped as a whole, so values are `Copy`, hold
//! plain references and are never counted or collected.
//!
//! A [`Value`] is sixteen bytes and sits *inline* in the slots of lists, attribute sets and environments. A slot that
//! was not needed yet holds its suspended computation itself ([`Value::Suspended`]), so making one allocates nothing; whoever needs the value of a slot without forcing it holds a reference to the slot
//! ([`Value::Thunk`]). Forcing writes the result over the suspension. See [`share`] for the one rule that this needs.

use std::cell::Cell;
use std::fmt;

pub mod attrs;
pub mod context;
pub mod env;
pub mod function;
pub mod list;
pub mod string;
pub mod suspension;

pub use attrs::{Attrs, Shape};
pub use context::{Context, ContextElement};
pub use env::Env;
pub use function::{Closure, PartialBuiltin, PartialClosure};
pub use list::List;
pub use string::{NixString, PathValue};
pub use suspension::{Suspension, Work};

use super::builtins::Builtin;

/// A place that holds a value or the suspended computation of one.
pub type Slot<'a> = Cell<Value<'a>>;

/// Index of a suspended expression in the evaluator's table of code; it fits beside the environment in a [`Value`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CodeId(pub u32);

/// A value, or a suspension that stands where a value will be.
///
/// Which one it is stands where a suspension has its [`Work`], and every payload fills the word before it.
#[derive(Clone, Copy)]
pub enum Value<'a> {
    /// Computed when it is needed. Only in a slot; never copied out of it.
    Suspended(Suspension<'a>),
    /// Whatever the slot holds; never points to an evaluated slot when read through [`share`].
    Thunk(&'a Slot<'a>),
    /// Being evaluated. Only in a slot.
    Blackhole,
    /// Evaluation failed; index of the error in the evaluator's table. Only in a slot.
    Failed(u32),

    /// `null`.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// 64-bit signed integer.
    Int(i64),
    /// IEEE double.
    Float(f64),
    /// Bytes with an optional context.
    String(&'a NixString<'a>),
    /// Absolute canonical path.
    Path(&'a PathValue<'a>),
    /// List of slots.
    List(&'a List<'a>),
    /// Attribute set.
    Attrs(&'a Attrs<'a>),
    /// Function of the language.
    Closure(&'a Closure<'a>),
    /// Curried function of the language that still waits for arguments.
    PartialClosure(&'a PartialClosure<'a>),
    /// Builtin without arguments.
    Builtin(&'static Builtin),
    /// Builtin that still waits for arguments.
    PartialBuiltin(&'a PartialBuiltin<'a>),
}

impl<'a> Value<'a> {
    /// True for everything that [`share`] may copy: values in weak head normal form.
    #[inline(always)]
    pub fn is_evaluated(self) -> bool {
        !matches!(self, Value::Suspended(_) | Value::Thunk(_) | Value::Blackhole | Value::Failed(_))
    }

    /// True for closures, builtins and their partial applications; not for sets with `__functor`.
    pub fn is_function(self) -> bool {
        matches!(
            self,
            Value::Closure(_) | Value::PartialClosure(_) | Value::Builtin(_) | Value::PartialBuiltin(_)
        )
    }

    /// Name as `builtins.typeOf` says it; `None` for a suspension.
    pub fn type_name(self) -> Option<&'static str> {
        Some(match self {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Float(_) => "float",
            Value::String(_) => "string",
            Value::Path(_) => "path",
            Value::List(_) => "list",
            Value::Attrs(_) => "set",
            Value::Closure(_) | Value::PartialClosure(_) | Value::Builtin(_) | Value::PartialBuiltin(_) => {
                "lambda"
            }
            Value::Suspended(_) | Value::Thunk(_) | Value::Blackhole | Value::Failed(_) => return None,
        })
    }
}

/// Reads a slot without forcing it, so that the result may be stored elsewhere: the value if there is one, else a
/// reference to the slot that will hold it.
#[inline(always)]
pub fn share<'a>(slot: &'a Slot<'a>) -> Value<'a> {
    match slot.get() {
        Value::Suspended(_) | Value::Blackhole | Value::Failed(_) => Value::Thunk(slot),
        Value::Thunk(inner) => {
            let value = inner.get();
            if value.is_evaluated() { value } else { Value::Thunk(inner) }
        }
        value => value,
    }
}

/// Names the kind of value only: values may be cyclic and infinite.
impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Bool(b) => write!(f, "Bool({b})"),
            Value::Int(n) => write!(f, "Int({n})"),
            Value::Float(n) => write!(f, "Float({n})"),
            Value::String(s) => write!(f, "String({:?})", String::from_utf8_lossy(s.bytes())),
            Value::Path(p) => write!(f, "Path({:?})", String::from_utf8_lossy(p.bytes)),
            Value::Suspended(_) | Value::Thunk(_) => f.write_str("Thunk"),
            Value::Blackhole => f.write_str("Blackhole"),
            Value::Failed(_) => f.write_str("Failed"),
            other => f.write_str(other.type_name().unwrap_or("?")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_sixteen_bytes() {
        assert_eq!(size_of::<Value<'_>>(), 16);
        assert_eq!(size_of::<Result<Value<'_>, Box<u8>>>(), 16);
    }
}
