//! Types of variables, and values of them as the environment writes them: as text, with commas, or as JSON.

use buildc_ir::go;
use hcl::expr::ObjectKey;
use hcl::{Expression, Value as Hcl};

use super::entries;

/// A type as `type` names it.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Kind {
    /// Whatever a value is.
    Any,
    /// `string`
    Text,
    /// `number`
    Number,
    /// `bool`
    Bool,
    /// `list` or `set`, by that name.
    List(&'static str, Box<Kind>),
    /// `map`
    Map(Box<Kind>),
    /// `tuple`
    Tuple(Vec<Kind>),
    /// `object`: fields, and whether each may be missing.
    Object(Vec<(String, Kind, bool)>),
}

impl Kind {
    /// From the expression of a `type`.
    pub(super) fn read(expression: &Expression) -> Result<Self, String> {
        let bad = || format!("`{expression}` is not a valid type");
        match expression {
            Expression::Variable(name) => Self::named(name.as_str()).ok_or_else(bad),
            // JSON has a name as a string.
            Expression::TemplateExpr(text) => match text.as_ref() {
                hcl::expr::TemplateExpr::QuotedString(name) => Self::named(name).ok_or_else(bad),
                hcl::expr::TemplateExpr::Heredoc(_) => Err(bad()),
            },
            Expression::FuncCall(call) => {
                let [argument] = call.args.as_slice() else { return Err(bad()) };
                let inner = || Self::read(argument).map(Box::new);
                Ok(match (call.name.name.as_str(), argument) {
                    ("list", _) => Self::List("list", inner()?),
                    ("set", _) => Self::List("set", inner()?),
                    ("map", _) => Self::Map(inner()?),
                    ("tuple", Expression::Array(items)) => {
                        Self::Tuple(items.iter().map(Self::read).collect::<Result<_, _>>()?)
                    }
                    ("object", Expression::Object(fields)) => {
                        let fields = fields.iter().map(|(key, value)| Self::field(key, value));
                        Self::Object(fields.collect::<Result<_, _>>()?)
                    }
                    _ => return Err(bad()),
                })
            }
            _ => Err(bad()),
        }
    }

    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "string" => Self::Text,
            "number" => Self::Number,
            "bool" => Self::Bool,
            "any" => Self::Any,
            _ => return None,
        })
    }

    fn field(key: &ObjectKey, value: &Expression) -> Result<(String, Self, bool), String> {
        let name = match key {
            ObjectKey::Identifier(name) => name.to_string(),
            ObjectKey::Expression(Expression::String(name)) => name.clone(),
            other => return Err(format!("`{other}` is no name of a field")),
        };
        match value {
            Expression::FuncCall(call) if call.name.name.as_str() == "optional" => match call.args.first() {
                Some(inner) => Ok((name, Self::read(inner)?, true)),
                None => Err("`optional` names no type".to_owned()),
            },
            other => Ok((name, Self::read(other)?, false)),
        }
    }

    /// Its name for people.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Any => "dynamic".to_owned(),
            Self::Text => "string".to_owned(),
            Self::Number => "number".to_owned(),
            Self::Bool => "bool".to_owned(),
            Self::List(what, inner) => format!("{what} of {}", inner.words()),
            Self::Map(inner) => format!("map of {}", inner.words()),
            Self::Tuple(_) => "tuple".to_owned(),
            Self::Object(_) => "object".to_owned(),
        }
    }

    fn is_plain(&self) -> bool {
        matches!(self, Self::Any | Self::Text | Self::Number | Self::Bool)
    }

    /// The value of a text: items of a list stand between commas, those of a map are `KEY:VALUE`.
    pub(super) fn parse_csv(&self, text: &str) -> Result<Hcl, String> {
        let unsupported = || {
            format!(
                "unsupported type {} for a value with commas; give it as JSON in the variable with `_JSON` at the end",
                self.words()
            )
        };
        let failed = |why: String| format!("failed to convert `{text}` from CSV: {why}");
        let split = |text: &str, at: char| match text {
            "" => Ok(Vec::new()),
            text => entries::fields(text, at).map_err(|why| failed(format!("`{text}` as CSV: {why}"))),
        };
        let item = |kind: &Self, text: &str| {
            kind.plain(text).map_err(|why| failed(format!("failed to parse element `{text}`: {why}")))
        };
        match self {
            Self::Any | Self::Text | Self::Number | Self::Bool => self.plain(text),
            Self::List(_, inner) if inner.is_plain() => {
                let items = split(text, ',')?;
                let items = items.iter().map(|text| item(inner, text)).collect::<Result<_, _>>()?;
                self.check(Hcl::Array(items))
            }
            Self::Tuple(kinds) if kinds.iter().all(Self::is_plain) => {
                let items = split(text, ',')?;
                if items.len() != kinds.len() {
                    return Err(failed(format!("{} elements are wanted, not {}", kinds.len(), items.len())));
                }
                let items = kinds.iter().zip(&items).map(|(kind, text)| item(kind, text));
                Ok(Hcl::Array(items.collect::<Result<_, _>>()?))
            }
            Self::Map(inner) if inner.is_plain() => {
                let pairs = split(text, ',')?;
                let pairs = pairs.iter().map(|pair| {
                    let parts = split(pair, ':')?;
                    let [key, value] = parts.as_slice() else {
                        return Err(failed(format!("expected one k/v pair, not `{pair}`")));
                    };
                    Ok((key.clone(), item(inner, value)?))
                });
                Ok(Hcl::Object(pairs.collect::<Result<_, _>>()?))
            }
            Self::List(..) | Self::Map(_) | Self::Tuple(_) | Self::Object(_) => Err(unsupported()),
        }
    }

    /// The value of a JSON text.
    pub(super) fn parse_json(&self, text: &str) -> Result<Hcl, String> {
        let failed = |why: String| format!("failed to convert `{text}` from JSON: {why}");
        let value = serde_json::from_str(text).map_err(|error| failed(error.to_string()))?;
        self.check(value).map_err(failed)
    }

    /// The value of a text that is not taken apart.
    fn plain(&self, text: &str) -> Result<Hcl, String> {
        match self {
            Self::Bool => match go::truth(text) {
                Some(truth) => Ok(Hcl::Bool(truth)),
                None => Err(format!("failed to parse `{text}` as bool")),
            },
            Self::Number => match text.parse::<i64>() {
                Ok(number) => Ok(Hcl::from(number)),
                Err(_) => {
                    let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
                    number.map(Hcl::from).ok_or_else(|| format!("failed to parse `{text}` as number"))
                }
            },
            _ => Ok(Hcl::from(text)),
        }
    }

    /// A value as one of the type, which numbers and the like become by themselves.
    pub(super) fn check(&self, value: Hcl) -> Result<Hcl, String> {
        let all = |inner: &Self, items: Vec<Hcl>| -> Result<Vec<Hcl>, String> {
            items.into_iter().map(|item| inner.check(item)).collect()
        };
        match (self, value) {
            (_, Hcl::Null) => Ok(Hcl::Null),
            (Self::Any, value) => Ok(value),
            (Self::Text, value @ (Hcl::Number(_) | Hcl::Bool(_))) => Ok(Hcl::from(value.to_string())),
            (Self::Text, value @ Hcl::String(_)) => Ok(value),
            (Self::Number, value @ Hcl::Number(_)) | (Self::Bool, value @ Hcl::Bool(_)) => Ok(value),
            (Self::Number | Self::Bool, Hcl::String(text)) => {
                self.plain(&text).map_err(|why| format!("invalid type: {why}"))
            }
            (Self::List("set", inner), Hcl::Array(items)) => Ok(Hcl::Array(as_set(all(inner, items)?))),
            (Self::List(_, inner), Hcl::Array(items)) => all(inner, items).map(Hcl::Array),
            (Self::Tuple(kinds), Hcl::Array(items)) if kinds.len() == items.len() => {
                let items = kinds.iter().zip(items).map(|(kind, item)| kind.check(item));
                items.collect::<Result<_, _>>().map(Hcl::Array)
            }
            (Self::Map(inner), Hcl::Object(map)) => {
                let checked = map.into_iter().map(|(key, value)| Ok((key, inner.check(value)?)));
                checked.collect::<Result<_, String>>().map(Hcl::Object)
            }
            (Self::Object(fields), Hcl::Object(mut map)) => {
                let fields = fields.iter().map(|(name, kind, optional)| match map.swap_remove(name) {
                    Some(value) => Ok((name.clone(), kind.check(value)?)),
                    None if *optional => Ok((name.clone(), Hcl::Null)),
                    None => Err(format!("invalid type: field `{name}` is missing")),
                });
                fields.collect::<Result<_, String>>().map(Hcl::Object)
            }
            (_, value) => Err(format!("invalid type: `{value}` is no {}", self.words())),
        }
    }
}

/// Each value once, numbers and texts in their order.
fn as_set(mut items: Vec<Hcl>) -> Vec<Hcl> {
    items.sort_by(|a, b| match (a, b) {
        (Hcl::Number(a), Hcl::Number(b)) => {
            a.as_f64().unwrap_or_default().total_cmp(&b.as_f64().unwrap_or_default())
        }
        (Hcl::String(a), Hcl::String(b)) => a.cmp(b),
        _ => std::cmp::Ordering::Equal,
    });
    items.dedup();
    items
}
