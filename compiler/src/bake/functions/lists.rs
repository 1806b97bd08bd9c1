//! Functions of lists.

use hcl::Value;
use hcl::eval::FuncArgs;

use super::{Answer, Row, as_text, at, from_number, from_texts, index, list, number, texts};

pub(super) const TABLE: [Row; 15] = [
    ("concat", 1, None, concat),
    ("contains", 2, Some(2), |args| Ok(Value::Bool(list(&args, 0)?.contains(at(&args, 1)?)))),
    ("sethaselement", 2, Some(2), |args| Ok(Value::Bool(list(&args, 0)?.contains(at(&args, 1)?)))),
    ("length", 1, Some(1), length),
    ("coalescelist", 1, None, |args| {
        let places = (0..args.len()).map(|place| list(&args, place)).collect::<Result<Vec<_>, _>>()?;
        let found = places.into_iter().find(|list| !list.is_empty());
        found.map(|list| Value::Array(list.clone())).ok_or_else(|| "no list has an element".to_owned())
    }),
    ("compact", 1, Some(1), |args| {
        let kept = list(&args, 0)?.iter().filter(|value| !value.is_null() && value.as_str() != Some(""));
        Ok(Value::Array(kept.cloned().collect()))
    }),
    ("distinct", 1, Some(1), |args| Ok(Value::Array(distinct(list(&args, 0)?)))),
    ("chunklist", 2, Some(2), |args| {
        let (list, size) = (list(&args, 0)?, index(&args, 1)?);
        let size = if size == 0 { list.len().max(1) } else { size };
        Ok(Value::Array(list.chunks(size).map(|chunk| Value::Array(chunk.to_vec())).collect()))
    }),
    ("element", 2, Some(2), |args| {
        let (list, place) = (list(&args, 0)?, number(&args, 1)? as i64);
        let count = i64::try_from(list.len()).unwrap_or(i64::MAX);
        let place =
            if count == 0 { return Err("the list is empty".to_owned()) } else { place.rem_euclid(count) };
        Ok(list.get(usize::try_from(place).unwrap_or_default()).cloned().unwrap_or(Value::Null))
    }),
    ("flatten", 1, Some(1), |args| {
        let mut flat = Vec::new();
        flatten(list(&args, 0)?, &mut flat);
        Ok(Value::Array(flat))
    }),
    ("indexof", 2, Some(2), |args| {
        let wanted = at(&args, 1)?;
        let place = list(&args, 0)?.iter().position(|value| value == wanted);
        from_number(place.ok_or("item not found")? as f64)
    }),
    ("reverselist", 1, Some(1), |args| Ok(Value::Array(list(&args, 0)?.iter().rev().cloned().collect()))),
    ("slice", 2, Some(3), slice),
    ("sort", 1, Some(1), |args| {
        let mut texts = texts(&args, 0)?;
        texts.sort();
        Ok(from_texts(texts))
    }),
    ("zipmap", 2, Some(2), |args| {
        let (keys, values) = (list(&args, 0)?, list(&args, 1)?);
        if keys.len() != values.len() {
            return Err("there are not as many keys as values".to_owned());
        }
        let pairs = keys.iter().zip(values).map(|(key, value)| Ok((as_text(key)?, value.clone())));
        pairs.collect::<Result<hcl::Map<_, _>, String>>().map(Value::Object)
    }),
];

fn concat(args: FuncArgs) -> Answer {
    let mut all = Vec::new();
    for place in 0..args.len() {
        all.extend(list(&args, place)?.iter().cloned());
    }
    Ok(Value::Array(all))
}

fn length(args: FuncArgs) -> Answer {
    Ok(Value::from(match args.first() {
        Some(Value::Array(items)) => items.len(),
        Some(Value::Object(map)) => map.len(),
        Some(Value::String(text)) => text.chars().count(),
        _ => return Err("length wants a list, a map or a string".to_owned()),
    }))
}

/// Each value once, where it is first.
pub(super) fn distinct(list: &[Value]) -> Vec<Value> {
    let mut seen: Vec<Value> = Vec::new();
    for value in list {
        if !seen.contains(value) {
            seen.push(value.clone());
        }
    }
    seen
}

fn flatten(list: &[Value], flat: &mut Vec<Value>) {
    for value in list {
        match value {
            Value::Array(inner) => flatten(inner, flat),
            other => flat.push(other.clone()),
        }
    }
}

fn slice(args: FuncArgs) -> Answer {
    let (list, from) = (list(&args, 0)?, index(&args, 1)?);
    let to = if args.len() > 2 { index(&args, 2)? } else { list.len() };
    let part = list.get(from..to).ok_or_else(|| format!("the list has no part from {from} to {to}"))?;
    Ok(Value::Array(part.to_vec()))
}
