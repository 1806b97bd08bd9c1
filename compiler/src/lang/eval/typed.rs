//! Values that must be of a type: the type errors of Nix and the trace lines that go with them.
//!
//! Nix has two habits. For most types the line says what was being evaluated, whatever went wrong; for sets and lists it
//! appears only when the type is wrong. Both are kept here.

use super::Evaluator;
use crate::lang::error::{Context as _, EvalError, Result};
use crate::lang::print;
use crate::lang::syntax::Pos;
use crate::lang::syntax::symbol::known;
use crate::lang::value::{Attrs, ContextElement, List, NixString, Value};

impl<'a> Evaluator<'a> {
    /// `expected … but found …: value`.
    #[cold]
    pub fn type_error(&self, expected: &str, found: Value<'a>) -> Box<EvalError> {
        let mut text = format!("expected {expected} but found {}: ", print::type_phrase(found)).into_bytes();
        text.extend_from_slice(&print::in_error(self, found));
        EvalError::new(text)
    }

    /// An integer.
    ///
    /// # Errors
    /// When it is something else, or evaluation fails.
    #[inline]
    pub fn int_of(&mut self, value: Value<'a>, pos: Pos, context: &'static str) -> Result<i64> {
        match self.force(value, pos).context(pos, context)? {
            Value::Int(number) => Ok(number),
            other => Err(self.type_error("an integer", other).at(pos)).context(pos, context),
        }
    }

    /// A number, as a double.
    ///
    /// # Errors
    /// When it is something else, or evaluation fails.
    pub fn float_of(&mut self, value: Value<'a>, pos: Pos, context: &'static str) -> Result<f64> {
        match self.force(value, pos).context(pos, context)? {
            Value::Int(number) => Ok(number as f64),
            Value::Float(number) => Ok(number),
            other => Err(self.type_error("a float", other).at(pos)).context(pos, context),
        }
    }

    /// A Boolean.
    ///
    /// # Errors
    /// When it is something else, or evaluation fails.
    #[inline]
    pub fn bool_of(&mut self, value: Value<'a>, pos: Pos, context: &'static str) -> Result<bool> {
        match self.force(value, pos).context(pos, context)? {
            Value::Bool(value) => Ok(value),
            other => Err(self.type_error("a Boolean", other).at(pos)).context(pos, context),
        }
    }

    /// A string with its context.
    ///
    /// # Errors
    /// When it is something else, or evaluation fails.
    #[inline]
    pub fn string_of(
        &mut self,
        value: Value<'a>,
        pos: Pos,
        context: &'static str,
    ) -> Result<&'a NixString<'a>> {
        match self.force(value, pos).context(pos, context)? {
            Value::String(string) => Ok(string),
            other => Err(self.type_error("a string", other).at(pos)).context(pos, context),
        }
    }

    /// A string that must have no context.
    ///
    /// # Errors
    /// When it is something else or has one, or evaluation fails.
    pub fn plain_string_of(&mut self, value: Value<'a>, pos: Pos, context: &'static str) -> Result<&'a [u8]> {
        let string = self.string_of(value, pos, context)?;
        let Some(first) = string.context.and_then(|context| context.elements.first()) else {
            return Ok(string.bytes());
        };
        let shown = match first {
            ContextElement::Opaque(path) => path.to_vec(),
            ContextElement::Deep(path) => [path, b" (deep)".as_slice()].concat(),
            ContextElement::Built { derivation, output } => [derivation, b"^".as_slice(), output].concat(),
        };
        let text = [
            b"the string '".as_slice(),
            string.bytes(),
            b"' is not allowed to refer to a store path (such as '",
            &shown,
            b"')",
        ]
        .concat();
        Err(EvalError::new(text)).context(pos, context)
    }

    /// A list.
    ///
    /// # Errors
    /// When it is something else, or evaluation fails.
    #[inline]
    pub fn list_of(&mut self, value: Value<'a>, pos: Pos, context: &'static str) -> Result<&'a List<'a>> {
        match self.force(value, pos)? {
            Value::List(list) => Ok(list),
            other => Err(self.type_error("a list", other)).context(pos, context),
        }
    }

    /// A set.
    ///
    /// # Errors
    /// When it is something else, or evaluation fails.
    #[inline]
    pub fn attrs_of(&mut self, value: Value<'a>, pos: Pos, context: &'static str) -> Result<&'a Attrs<'a>> {
        match self.force(value, pos)? {
            Value::Attrs(attrs) => Ok(attrs),
            other => Err(self.type_error("a set", other)).context(pos, context),
        }
    }

    /// A function, or a set with `__functor`.
    ///
    /// # Errors
    /// When it is something else, or evaluation fails.
    #[inline]
    pub fn function_of(&mut self, value: Value<'a>, pos: Pos, context: &'static str) -> Result<Value<'a>> {
        match self.force(value, pos).context(pos, context)? {
            Value::Attrs(attrs) if attrs.get(known::FUNCTOR).is_some() => Ok(Value::Attrs(attrs)),
            function if function.is_function() => Ok(function),
            other => Err(self.type_error("a function", other).at(pos)).context(pos, context),
        }
    }
}
