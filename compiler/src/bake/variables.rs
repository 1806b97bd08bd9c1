//! Variables: what their blocks say, and what goes before their defaults.

use std::collections::BTreeMap;

use hcl::{Expression, Value as Hcl};
use serde_json::Value;

use super::evaluate::Fields;
use super::kinds::Kind;
use super::order::Evaluation;
use super::targets::values;

/// What stands behind a variable's name in the environment where its value is JSON.
const JSON_SUFFIX: &str = "_JSON";

/// What files say of a variable.
#[derive(Default)]
pub(super) struct Declared {
    /// `NAME = …` at the top of a file, which goes before a default.
    attribute: Option<Expression>,
    default: Option<Expression>,
    kind: Option<Expression>,
    pub description: Option<Expression>,
    /// It has a block of its own: only those are listed, and only those the environment may change.
    pub block: bool,
}

impl Declared {
    /// From the fields of a block.
    pub(super) fn block(fields: Fields) -> Self {
        let mut declared = Self { block: true, ..Self::default() };
        for (field, value) in fields {
            match field.as_str() {
                "default" => declared.default = Some(value),
                "type" => declared.kind = Some(value),
                "description" => declared.description = Some(value),
                _ => {}
            }
        }
        declared
    }

    /// From a plain value at the top of a file.
    pub(super) fn attribute(value: Expression) -> Self {
        Self { attribute: Some(value), ..Self::default() }
    }

    /// What a later file says goes before what this one says.
    pub(super) fn join(&mut self, later: Self) {
        self.attribute = later.attribute.or(self.attribute.take());
        self.default = later.default.or(self.default.take());
        self.kind = later.kind.or(self.kind.take());
        self.description = later.description.or(self.description.take());
        self.block |= later.block;
    }

    /// Its value where nothing goes before it.
    pub(super) fn own(&self) -> Option<&Expression> {
        self.attribute.as_ref().or(self.default.as_ref())
    }

    /// All that is evaluated of it.
    pub(super) fn expressions_mut(&mut self) -> impl Iterator<Item = &mut Expression> {
        [&mut self.attribute, &mut self.default, &mut self.description].into_iter().flatten()
    }

    /// Its type, if it names one.
    pub(super) fn kind(&self) -> Result<Option<Kind>, String> {
        self.kind.as_ref().map(Kind::read).transpose()
    }

    /// Its value: what `given` says, else its own.
    pub(super) fn value(
        &self,
        own: Option<Hcl>,
        given: Option<&Given>,
        kind: Option<&Kind>,
    ) -> Result<Hcl, String> {
        let given = given.filter(|_| self.block);
        let own = match (own, kind) {
            (Some(value), _) => value,
            (None, None) => Hcl::from(""),
            (None, Some(_)) => Hcl::Null,
        };
        match (given, kind) {
            (Some(Given::Json(text)), Some(kind)) => kind.parse_json(text),
            (Some(Given::Text(text)), Some(kind)) => kind.parse_csv(text),
            (Some(Given::Json(text) | Given::Text(text)), None) => overridden(text, &own),
            (None, Some(kind)) => kind.check(own),
            (None, None) => Ok(own),
        }
    }
}

/// A value that goes before a variable's own.
pub(super) enum Given {
    /// Plain, or with commas for a list.
    Text(String),
    /// JSON.
    Json(String),
}

impl Given {
    /// What the environment says of a variable: `NAME_JSON` goes before `NAME` where the variable has a type, unless it
    /// is the name of another variable.
    pub(super) fn of(
        name: &str,
        typed: bool,
        declared: &BTreeMap<String, Declared>,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Option<Self> {
        let plain = environment(name);
        let json = format!("{name}{JSON_SUFFIX}");
        let asked = plain.is_none() || typed;
        let json = if asked && !declared.contains_key(&json) { environment(&json) } else { None };
        json.map(Self::Json).or(plain.map(Self::Text))
    }
}

/// The environment's text as a value of the default's type.
fn overridden(text: &str, default: &Hcl) -> Result<Hcl, String> {
    match default {
        Hcl::Bool(_) => Kind::Bool.parse_csv(text),
        Hcl::Number(_) => Kind::Number.parse_csv(text),
        Hcl::Array(_) | Hcl::Object(_) => Err(format!(
            "unsupported type: it is `{text}` in the environment, which only a variable with a `type` may have instead of a list or a map"
        )),
        Hcl::String(_) | Hcl::Null => Ok(Hcl::from(text)),
    }
}

/// Every `condition` must hold for the values that variables have now.
pub(super) fn validate(rules: &[(String, Fields)], order: &mut Evaluation<'_>) -> Result<(), String> {
    for (name, fields) in rules {
        let wrong = |why: String| format!("validation of variable `{name}`: {why}");
        let fields = values(fields, order).map_err(wrong)?;
        match fields.get("condition") {
            Some(Value::Bool(true)) => {}
            Some(Value::Bool(false)) => {
                let why =
                    fields.get("error_message").and_then(Value::as_str).unwrap_or("its condition is false");
                return Err(format!("variable `{name}` is refused: {why}"));
            }
            _ => return Err(wrong("it has no condition that is true or false".to_owned())),
        }
    }
    Ok(())
}
