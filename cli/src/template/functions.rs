//! The functions of templates, and how values print and compare.

use std::cmp::Ordering;

use serde_json::Value;

use super::TemplateError;

/// All functions.
pub const NAMES: [&str; 24] = [
    "and", "eq", "ge", "gt", "index", "join", "json", "le", "len", "lower", "lt", "ne", "not", "or", "pad",
    "print", "printf", "println", "slice", "split", "title", "truncate", "upper", "trim",
];

/// A value as `{{.}}` prints it.
pub fn text(value: &Value) -> String {
    match value {
        Value::Null => "<no value>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(b) => b.to_string(),
        Value::Number(n) => n.to_string(),
        Value::Array(items) => format!("[{}]", items.iter().map(text).collect::<Vec<_>>().join(" ")),
        Value::Object(map) => {
            let mut pairs: Vec<String> = map.iter().map(|(k, v)| format!("{k}:{}", text(v))).collect();
            pairs.sort();
            format!("map[{}]", pairs.join(" "))
        }
    }
}

/// Whether `if` takes it for true: not zero, not empty.
pub fn truth(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(b) => *b,
        Value::Number(n) => n.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
    }
}

/// Calls a function.
pub fn call(name: &str, arguments: Vec<Value>) -> Result<Value, TemplateError> {
    if !NAMES.contains(&name) {
        return Err(TemplateError::UnknownFunction { name: name.to_owned() });
    }
    let wrong = |why: &str| TemplateError::Arguments { name: name.to_owned(), why: why.to_owned() };
    let text_at = |n: usize| arguments.get(n).map(text).ok_or_else(|| wrong("an argument is missing"));
    let number_at = |n: usize| {
        arguments
            .get(n)
            .and_then(Value::as_u64)
            .map(|n| n as usize)
            .ok_or_else(|| wrong("a number is missing"))
    };
    Ok(match name {
        "and" => pick(arguments, false).ok_or_else(|| wrong("an argument is missing"))?,
        "or" => pick(arguments, true).ok_or_else(|| wrong("an argument is missing"))?,
        "not" => (!truth(arguments.first().ok_or_else(|| wrong("an argument is missing"))?)).into(),
        "eq" => match arguments.split_first() {
            Some((first, rest)) if !rest.is_empty() => {
                rest.iter().any(|other| compare(first, other) == Some(Ordering::Equal)).into()
            }
            _ => return Err(wrong("two arguments are needed")),
        },
        "ne" | "lt" | "le" | "gt" | "ge" => match arguments.as_slice() {
            [a, b] => ordered(name, compare(a, b)).into(),
            _ => return Err(wrong("two arguments are needed")),
        },
        "index" => index(&arguments),
        "len" => length(arguments.first()).ok_or_else(|| wrong("it has no length"))?.into(),
        "json" => {
            arguments.first().map(Value::to_string).ok_or_else(|| wrong("an argument is missing"))?.into()
        }
        "join" => match arguments.first() {
            Some(Value::Array(items)) => items.iter().map(text).collect::<Vec<_>>().join(&text_at(1)?).into(),
            Some(Value::Null) => "".into(),
            _ => return Err(wrong("a list is needed")),
        },
        "split" => text_at(0)?.split(text_at(1)?.as_str()).map(Value::from).collect::<Vec<_>>().into(),
        "lower" => text_at(0)?.to_lowercase().into(),
        "upper" => text_at(0)?.to_uppercase().into(),
        "title" => title(&text_at(0)?).into(),
        "trim" => text_at(0)?.trim().into(),
        "truncate" => text_at(0)?.chars().take(number_at(1)?).collect::<String>().into(),
        "pad" => format!(
            "{}{}{}",
            " ".repeat(number_at(1)?.min(1000)),
            text_at(0)?,
            " ".repeat(number_at(2)?.min(1000))
        )
        .into(),
        "slice" => slice(&arguments).ok_or_else(|| wrong("the range is outside"))?,
        "print" => arguments.iter().map(text).collect::<String>().into(),
        "println" => format!("{}\n", arguments.iter().map(text).collect::<Vec<_>>().join(" ")).into(),
        _ => printf(&text_at(0)?, arguments.get(1..).unwrap_or_default()).into(),
    })
}

/// The first argument whose truth is `wanted`, else the last.
fn pick(arguments: Vec<Value>, wanted: bool) -> Option<Value> {
    let at = arguments.iter().position(|a| truth(a) == wanted).unwrap_or(arguments.len().checked_sub(1)?);
    arguments.into_iter().nth(at)
}

fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a.partial_cmp(&b),
        _ if std::mem::discriminant(a) == std::mem::discriminant(b) => Some(text(a).cmp(&text(b))),
        _ => None,
    }
}

fn ordered(name: &str, order: Option<Ordering>) -> bool {
    match (name, order) {
        ("ne", order) => order != Some(Ordering::Equal),
        (_, None) => false,
        ("lt", Some(order)) => order.is_lt(),
        ("le", Some(order)) => order.is_le(),
        ("gt", Some(order)) => order.is_gt(),
        (_, Some(order)) => order.is_ge(),
    }
}

/// `index MAP KEY…`: a missing key of a map is empty, as for Go's map of strings.
fn index(arguments: &[Value]) -> Value {
    let Some((first, keys)) = arguments.split_first() else { return Value::Null };
    let mut at = first;
    for key in keys {
        let next = match key {
            Value::Number(n) => n.as_u64().and_then(|n| at.get(n as usize)),
            other => at.get(text(other)),
        };
        match next {
            Some(next) => at = next,
            None if at.is_object() => return "".into(),
            None => return Value::Null,
        }
    }
    at.clone()
}

fn length(value: Option<&Value>) -> Option<u64> {
    let length = match value? {
        Value::String(text) => text.len(),
        Value::Array(items) => items.len(),
        Value::Object(map) => map.len(),
        Value::Null => 0,
        _ => return None,
    };
    u64::try_from(length).ok()
}

fn slice(arguments: &[Value]) -> Option<Value> {
    let from = arguments.get(1).map_or(Some(0), Value::as_u64)? as usize;
    let to = |length: usize| arguments.get(2).map_or(Some(length), |v| v.as_u64().map(|n| n as usize));
    match arguments.first()? {
        Value::String(text) => Some(text.get(from..to(text.len())?)?.into()),
        Value::Array(items) => Some(items.get(from..to(items.len())?)?.to_vec().into()),
        _ => None,
    }
}

fn title(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Go's `%v %s %d %q %f %x %%` with width, `-` and precision.
fn printf(format: &str, arguments: &[Value]) -> String {
    let mut out = String::new();
    let mut arguments = arguments.iter();
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        let spec = &rest[at + 1..];
        let flags = spec.find(|c: char| !(c.is_ascii_digit() || "-.+# ".contains(c))).unwrap_or(spec.len());
        let Some(verb) = spec[flags..].chars().next() else {
            out.push_str("%!(NOVERB)");
            return out;
        };
        rest = &spec[flags + verb.len_utf8()..];
        if verb == '%' {
            out.push('%');
            continue;
        }
        match arguments.next() {
            Some(value) => out.push_str(&formatted(&spec[..flags], verb, value)),
            None => out.push_str(&format!("%!{verb}(MISSING)")),
        }
    }
    out.push_str(rest);
    out
}

fn formatted(flags: &str, verb: char, value: &Value) -> String {
    let left = flags.contains('-');
    let (width, precision) = match flags.trim_start_matches(['-', '+', '#', ' ']).split_once('.') {
        Some((width, precision)) => (width, precision.parse::<usize>().ok()),
        None => (flags.trim_start_matches(['-', '+', '#', ' ']), None),
    };
    let width = width.parse::<usize>().unwrap_or(0).min(1000);
    let body = match (verb, value.as_f64()) {
        ('q', _) => Value::from(text(value)).to_string(),
        ('f', Some(n)) => format!("{n:.*}", precision.unwrap_or(6).min(100)),
        ('x', _) if value.as_u64().is_some() => format!("{:x}", value.as_u64().unwrap_or(0)),
        ('s' | 'v', _) => match precision {
            Some(limit) => text(value).chars().take(limit).collect(),
            None => text(value),
        },
        _ => text(value),
    };
    if left { format!("{body:<width$}") } else { format!("{body:>width$}") }
}
