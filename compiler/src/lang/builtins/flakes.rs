//! Flake references: `parseFlakeRef`, `flakeRefToString`. Flakes themselves are in [`super::get_flake`].

use super::Builtin;
use crate::lang::error::{ErrorKind, EvalError, Result};
use crate::lang::eval::Evaluator;
use crate::lang::flake_ref::{Attribute, Attributes, FlakeRefError, Reader};
use crate::lang::print;
use crate::lang::syntax::Pos;
use crate::lang::value::Value;
use crate::lang::value::attrs::AttrsBuilder;

pub(super) const BUILTINS: &[Builtin] = &[
    Builtin::new(
        "parseFlakeRef",
        &["reference"],
        parse_flake_ref,
        "The attributes of the flake reference *reference*. Most schemes need the experimental feature `flakes`.",
    ),
    Builtin::new(
        "flakeRefToString",
        &["attributes"],
        flake_ref_to_string,
        "The flake reference that *attributes* mean. Most schemes need the experimental feature `flakes`.",
    ),
];

#[cold]
pub(super) fn reference_error(error: FlakeRefError) -> Box<EvalError> {
    let kind = if error.is_usage { ErrorKind::Usage } else { ErrorKind::Other };
    EvalError::of_kind(kind, error.text)
}

impl Evaluator<'_> {
    /// Reads references, and says what is warned of.
    pub(super) fn references<T>(
        &self,
        read: impl FnOnce(&mut Reader) -> std::result::Result<T, FlakeRefError>,
    ) -> Result<T> {
        let mut reader = Reader::new(self.options.features);
        let found = read(&mut reader);
        reader.warnings.iter().for_each(|warning| self.warn(warning.as_bytes()));
        found.map_err(reference_error)
    }
}

fn parse_flake_ref<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the argument passed to builtins.parseFlakeRef";
    let text = String::from_utf8_lossy(ev.plain_string_of(args[0], Pos::NONE, context)?).into_owned();
    let attributes = ev.references(|reader| reader.parse(&text))?;
    let mut builder = AttrsBuilder::with_capacity(attributes.len());
    for (name, attribute) in attributes {
        let value = match attribute {
            Attribute::Text(text) => ev.string(ev.bytes(text.as_bytes())),
            Attribute::Number(number) => Value::Int(number.cast_signed()),
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
    let text = ev.references(|reader| reader.to_text(&attributes))?;
    Ok(ev.string(ev.bytes(text.as_bytes())))
}
