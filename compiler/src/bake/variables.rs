//! Variables: their types, and where their values come from.

use hcl::eval::Context;
use hcl::{Expression, Value as Hcl};
use serde_json::Value;
use std::collections::BTreeMap;

use super::evaluate::Fields;
use super::list::Variable;
use super::targets::values;
use super::{Surroundings, attempts};

/// A `variable` block.
pub(super) struct Declared {
    name: String,
    pub default: Option<Expression>,
    kind: Option<Expression>,
    description: Option<Expression>,
    /// It has a block of its own, not just a value at the top of a file: only those are listed.
    block: bool,
}

impl Declared {
    /// From the fields of a block.
    pub(super) fn new(name: String, fields: Fields, block: bool) -> Self {
        let mut declared = Self { name, default: None, kind: None, description: None, block };
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
}

/// Gives all variables their values, in whatever order they speak of each other: the environment's, else their own.
pub(super) fn evaluate(
    list: Vec<Declared>,
    around: &Surroundings<'_>,
    context: &mut Context<'_>,
) -> Result<Vec<Variable>, String> {
    context.declare_var("BAKE_CMD_CONTEXT", "cwd://");
    context.declare_var("BAKE_LOCAL_PLATFORM", around.platform);
    // What a later file says goes before what an earlier one says.
    let mut open: BTreeMap<String, Declared> = BTreeMap::new();
    for later in list {
        match open.get_mut(&later.name) {
            None => drop(open.insert(later.name.clone(), later)),
            Some(known) => {
                known.default = later.default.or(known.default.take());
                known.kind = later.kind.or(known.kind.take());
                known.description = later.description.or(known.description.take());
                known.block |= later.block;
            }
        }
    }
    let mut done = Vec::new();
    while !open.is_empty() {
        let (mut left, mut why) = (BTreeMap::new(), String::new());
        let before = open.len();
        for (name, declared) in open {
            match variable(&declared, around, context) {
                Ok(variable) => done.extend(declared.block.then_some(variable)),
                Err(error) => {
                    why = format!("variable `{name}`: {error}");
                    left.insert(name, declared);
                }
            }
        }
        if left.len() == before {
            return Err(why);
        }
        open = left;
    }
    done.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(done)
}

fn variable(
    declared: &Declared,
    around: &Surroundings<'_>,
    context: &mut Context<'_>,
) -> Result<Variable, String> {
    let kind = declared.kind.as_ref().map(Kind::read).transpose()?;
    let own = match (&declared.default, &kind) {
        (Some(expression), _) => attempts::value(expression, context)?,
        (None, None) => Hcl::from(""),
        (None, Some(_)) => Hcl::Null,
    };
    let value = match ((around.environment)(&declared.name), &kind) {
        (Some(text), Some(kind)) => kind.parse(&text)?,
        (Some(text), None) => overridden(&text, &own)?,
        (None, Some(kind)) => kind.check(own)?,
        (None, None) => own,
    };
    let description = match &declared.description {
        Some(text) => attempts::value(text, context)?.as_str().unwrap_or_default().to_owned(),
        None => String::new(),
    };
    let shown = match &value {
        Hcl::Null => None,
        Hcl::String(text) => Some(text.clone()),
        other => Some(serde_json::to_string(other).map_err(|error| error.to_string())?),
    };
    context.declare_var(declared.name.as_str(), value);
    let kind = kind.map(|kind| kind.words()).unwrap_or_default();
    Ok(Variable { name: declared.name.clone(), description, kind, value: shown })
}

/// The environment's text as a value of the default's type.
fn overridden(text: &str, default: &Hcl) -> Result<Hcl, String> {
    match default {
        Hcl::Bool(_) => Kind::Bool.parse(text),
        Hcl::Number(_) => Kind::Number.parse(text),
        Hcl::Array(_) | Hcl::Object(_) => Err(format!(
            "it is `{text}` in the environment, which only a variable with a `type` may have instead of a list or a map"
        )),
        Hcl::String(_) | Hcl::Null => Ok(Hcl::from(text)),
    }
}

/// A type as `type` names it.
#[derive(Clone, PartialEq, Debug)]
enum Kind {
    Any,
    Text,
    Number,
    Bool,
    List(&'static str, Box<Kind>),
    Map(Box<Kind>),
    /// An object or a tuple, which are not looked into.
    Other(&'static str),
}

impl Kind {
    fn read(expression: &Expression) -> Result<Self, String> {
        let bad = || "its `type` is none".to_owned();
        match expression {
            Expression::Variable(name) => Ok(match name.as_str() {
                "string" => Self::Text,
                "number" => Self::Number,
                "bool" => Self::Bool,
                "any" => Self::Any,
                _ => return Err(bad()),
            }),
            Expression::FuncCall(call) => {
                let [argument] = call.args.as_slice() else { return Err(bad()) };
                let inner = || Self::read(argument).map(Box::new);
                Ok(match call.name.name.as_str() {
                    "list" => Self::List("list", inner()?),
                    "set" => Self::List("set", inner()?),
                    "map" => Self::Map(inner()?),
                    "object" => Self::Other("object"),
                    "tuple" => Self::Other("tuple"),
                    "optional" => return Self::read(argument),
                    _ => return Err(bad()),
                })
            }
            _ => Err(bad()),
        }
    }

    fn words(&self) -> String {
        match self {
            Self::Any => "dynamic".to_owned(),
            Self::Text => "string".to_owned(),
            Self::Number => "number".to_owned(),
            Self::Bool => "bool".to_owned(),
            Self::List(what, inner) => format!("{what} of {}", inner.words()),
            Self::Map(inner) => format!("map of {}", inner.words()),
            Self::Other(what) => (*what).to_owned(),
        }
    }

    /// The value of a text of the environment; a list is written with commas, a map as JSON.
    fn parse(&self, text: &str) -> Result<Hcl, String> {
        let bad = || format!("it is `{text}` in the environment, which is no {}", self.words());
        match self {
            Self::Any | Self::Text => Ok(Hcl::from(text)),
            Self::Bool => match text {
                "true" | "1" | "t" | "T" | "TRUE" | "True" => Ok(Hcl::Bool(true)),
                "false" | "0" | "f" | "F" | "FALSE" | "False" => Ok(Hcl::Bool(false)),
                _ => Err(bad()),
            },
            Self::Number => match text.parse::<i64>() {
                Ok(number) => Ok(Hcl::from(number)),
                Err(_) => text.parse::<f64>().ok().filter(|n| n.is_finite()).map(Hcl::from).ok_or_else(bad),
            },
            Self::List(_, inner) if !text.trim_start().starts_with('[') => {
                let items = text.split(',').filter(|_| !text.is_empty()).map(|item| inner.parse(item));
                items.collect::<Result<_, _>>().map(Hcl::Array)
            }
            Self::List(..) | Self::Map(_) | Self::Other(_) => {
                self.check(serde_json::from_str(text).map_err(|_| bad())?)
            }
        }
    }

    /// The default as a value of the type.
    fn check(&self, value: Hcl) -> Result<Hcl, String> {
        match (self, value) {
            (_, Hcl::Null) => Ok(Hcl::Null),
            (Self::Any | Self::Other(_), value) => Ok(value),
            (Self::Text, value @ (Hcl::Number(_) | Hcl::Bool(_))) => Ok(Hcl::from(value.to_string())),
            (Self::Text, value @ Hcl::String(_)) => Ok(value),
            (Self::Number, value @ Hcl::Number(_)) | (Self::Bool, value @ Hcl::Bool(_)) => Ok(value),
            (Self::Number | Self::Bool, Hcl::String(text)) => self.parse(&text),
            (Self::List(_, inner), Hcl::Array(items)) => {
                items.into_iter().map(|item| inner.check(item)).collect::<Result<_, _>>().map(Hcl::Array)
            }
            (Self::Map(inner), Hcl::Object(map)) => {
                let checked = map.into_iter().map(|(key, value)| Ok((key, inner.check(value)?)));
                checked.collect::<Result<_, String>>().map(Hcl::Object)
            }
            (_, value) => Err(format!("`{value}` is no {}", self.words())),
        }
    }
}

/// Every `condition` must hold for the values that variables have now.
pub(super) fn validate(rules: &[(String, Fields)], context: &Context<'_>) -> Result<(), String> {
    for (name, fields) in rules {
        let fields =
            values(fields, context).map_err(|why| format!("validation of variable `{name}`: {why}"))?;
        match fields.get("condition") {
            Some(Value::Bool(true)) => {}
            Some(Value::Bool(false)) => {
                let why =
                    fields.get("error_message").and_then(Value::as_str).unwrap_or("its condition is false");
                return Err(format!("variable `{name}` is refused: {why}"));
            }
            _ => {
                return Err(format!(
                    "validation of variable `{name}` has no condition that is true or false"
                ));
            }
        }
    }
    Ok(())
}
