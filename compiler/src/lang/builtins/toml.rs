//! TOML: `fromTOML`.

use super::Builtin;
use crate::lang::error::{ErrorKind, EvalError, Result};
use crate::lang::eval::{Evaluator, Feature};
use crate::lang::json::no_nul;
use crate::lang::syntax::Pos;
use crate::lang::toml::{self, TomlError};
use crate::lang::value::Value;
use crate::lang::value::attrs::AttrsBuilder;

pub(super) const BUILTINS: &[Builtin] = &[Builtin::new(
    "fromTOML",
    &["toml"],
    from_toml,
    "The value that the TOML text *toml* stands for. Dates and times need the experimental feature `parse-toml-timestamps`.",
).borrowing(&[0])
.plain()];

fn from_toml<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the argument passed to builtins.fromTOML";
    let text = ev.plain_string_of(args[0], Pos::NONE, context)?;
    let parsed = toml::read(text, ev.stack).map_err(|error| match error {
        // Nix colours what it inserts into messages; the end of the colour keeps the line end before it in print.
        TomlError::Syntax(message) => failure(&[&message[..], b"\x1b[0m"].concat()),
        TomlError::TooDeep => {
            EvalError::of_kind(ErrorKind::StackOverflow, "stack overflow (possible infinite recursion)")
        }
    })?;
    ev.toml_value(parsed)
}

#[cold]
fn failure(why: &[u8]) -> Box<EvalError> {
    EvalError::new([b"while parsing TOML: ", why].concat())
}

#[cold]
fn nul(why: &[u8]) -> Box<EvalError> {
    failure(&[b"error: ", why].concat())
}

impl<'a> Evaluator<'a> {
    /// As deep as the text was nested when it was read, so the stack suffices.
    fn toml_value(&mut self, value: toml::Value) -> Result<Value<'a>> {
        Ok(match value {
            toml::Value::Boolean(value) => Value::Bool(value),
            toml::Value::Integer(number) => Value::Int(number),
            toml::Value::Float(number) => Value::Float(number),
            toml::Value::String(text) => {
                let text = no_nul(&text).map_err(|why| nul(&why))?;
                self.string(self.bytes(text))
            }
            toml::Value::Time(text) => return self.toml_time(&text),
            toml::Value::Array(items) => {
                let mut values = Vec::with_capacity(items.len());
                for item in items {
                    values.push(self.toml_value(item)?);
                }
                self.list(values.into_iter())
            }
            toml::Value::Table(members) => {
                let mut builder = AttrsBuilder::with_capacity(members.len());
                for (name, value) in members {
                    let name = self.symbols.intern(no_nul(&name).map_err(|why| nul(&why))?);
                    builder.push(name, Pos::NONE, self.toml_value(value)?);
                }
                Value::Attrs(builder.finish(self.arena))
            }
        })
    }

    fn toml_time(&mut self, text: &str) -> Result<Value<'a>> {
        if !self.options.features.has(Feature::ParseTomlTimestamps) {
            return Err(failure(b"Dates and times are not supported"));
        }
        let mut builder = AttrsBuilder::with_capacity(2);
        for (name, text) in [("_type", "timestamp"), ("value", text)] {
            let value = self.string(self.bytes(text.as_bytes()));
            builder.push(self.symbols.intern(name.as_bytes()), Pos::NONE, value);
        }
        Ok(Value::Attrs(builder.finish(self.arena)))
    }
}
