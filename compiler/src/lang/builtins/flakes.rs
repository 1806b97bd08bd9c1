//! Flake references: `parseFlakeRef`, `flakeRefToString`. Flakes themselves are in [`super::get_flake`].

use super::Builtin;
use crate::lang::error::{EvalError, Result};
use crate::lang::eval::{Evaluator, Feature};
use crate::lang::flake_ref::{self, Attribute, Attributes, FlakeRefError};
use crate::lang::print;
use crate::lang::syntax::Pos;
use crate::lang::value::Value;
use crate::lang::value::attrs::AttrsBuilder;

pub(super) const BUILTINS: &[Builtin] = &[
    Builtin::new(
        "parseFlakeRef",
        &["reference"],
        parse_flake_ref,
        "The attributes of the flake reference *reference*. Needs the experimental feature `flakes`.",
    ),
    Builtin::new(
        "flakeRefToString",
        &["attributes"],
        flake_ref_to_string,
        "The flake reference that *attributes* mean. Needs the experimental feature `flakes`.",
    ),
];

#[cold]
pub(super) fn reference_error(error: FlakeRefError) -> Box<EvalError> {
    EvalError::new(error.text)
}

/// Insists on the feature that the scheme of a reference needs.
pub(super) fn require_scheme(ev: &Evaluator<'_>, attributes: &Attributes) -> Result<()> {
    if flake_ref::is_experimental(attributes) { ev.require(Feature::Flakes, "") } else { Ok(()) }
}

fn parse_flake_ref<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the argument passed to builtins.parseFlakeRef";
    let text = String::from_utf8_lossy(ev.plain_string_of(args[0], Pos::NONE, context)?).into_owned();
    ev.require(Feature::Flakes, "")?;
    let attributes = flake_ref::parse(&text).map_err(reference_error)?;
    let mut builder = AttrsBuilder::with_capacity(attributes.len());
    for (name, attribute) in attributes {
        let value = match attribute {
            Attribute::Text(text) => ev.string(ev.bytes(text.as_bytes())),
            Attribute::Number(number) => Value::Int(i64::try_from(number).unwrap_or(i64::MAX)),
            Attribute::Switch(on) => Value::Bool(on),
        };
        builder.push(ev.symbols.intern(name.as_bytes()), Pos::NONE, value);
    }
    Ok(Value::Attrs(builder.finish(ev.arena)))
}

fn flake_ref_to_string<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the argument passed to builtins.flakeRefToString";
    let set = ev.attrs_of(args[0], Pos::NONE, context)?;
    let mut attributes = Attributes::new();
    for (symbol, found) in set.iter(ev.arena) {
        let name = String::from_utf8_lossy(ev.symbols.name(symbol)).into_owned();
        let attribute = match ev.force_slot(found.slot, found.pos)? {
            Value::Int(number) => Attribute::Number(u64::try_from(number).map_err(|_| {
                let name = ev.symbols.shown(symbol);
                let name = String::from_utf8_lossy(&name);
                EvalError::new(format!("negative value given for flake ref attr {name}: {number}"))
            })?),
            Value::Bool(on) => Attribute::Switch(on),
            Value::String(text) => Attribute::Text(String::from_utf8_lossy(text.bytes()).into_owned()),
            other => {
                let name = ev.symbols.shown(symbol);
                let name = String::from_utf8_lossy(&name);
                return Err(EvalError::new(format!(
                    "flake reference attribute sets may only contain integers, Booleans, and strings, but attribute '{name}' is {}",
                    print::type_phrase(other)
                )));
            }
        };
        attributes.insert(name, attribute);
    }
    require_scheme(ev, &attributes)?;
    let text = flake_ref::to_text(&attributes).map_err(reference_error)?;
    Ok(ev.string(ev.bytes(text.as_bytes())))
}
