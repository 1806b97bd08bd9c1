//! The entries of lists such as `cache-from`, `output` and `secret`: strings of `KEY=VALUE` with commas, or maps.
//!
//! Owns: one form for both, and what a list comes to when entries speak of the same thing. Never does: acting on them.

use buildc_ir::go;
use serde_json::{Map, Value, json};

/// True for a field whose entries are such strings or maps.
pub(super) fn is_field(field: &str) -> bool {
    ["attest", "cache-from", "cache-to", "output", "secret", "ssh"].contains(&field)
}

/// A field's entries as maps, in the form in which buildx prints them; empty ones and repetitions left out.
///
/// # Errors
/// What is wrong with an entry.
pub(super) fn normal(field: &str, value: &Value) -> Result<Value, String> {
    let items = match value {
        Value::Array(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    let mut entries: Vec<Value> = Vec::new();
    for item in items {
        for entry in entries_of(field, item).map_err(|why| format!("`{field}`: {why}"))? {
            let same = |known: &&mut Value| match field {
                "attest" => known.get("type") == entry.get("type"),
                "ssh" => known.get("id") == entry.get("id"),
                _ => **known == entry,
            };
            match entries.iter_mut().find(same) {
                Some(known) => *known = entry,
                None => entries.push(entry),
            }
        }
    }
    Ok(Value::Array(entries))
}

/// The entries that an item stands for: mostly one, none where it is empty.
fn entries_of(field: &str, item: &Value) -> Result<Vec<Value>, String> {
    match item {
        Value::String(text) if text.is_empty() => Ok(Vec::new()),
        Value::String(text) => match references(field, text) {
            Some(names) => Ok(names.iter().map(|name| json!({ "ref": name, "type": "registry" })).collect()),
            None => Ok(vec![entry(field, read(field, text)?)?]),
        },
        Value::Object(map) => Ok(vec![entry(field, map.clone())?]),
        other => Err(format!("`{other}` is neither a string nor a map")),
    }
}

/// The images that an entry of a cache names, where it names nothing else.
pub fn references(field: &str, text: &str) -> Option<Vec<String>> {
    let names = split(text);
    (field.starts_with("cache-") && names.iter().all(|name| !name.contains('='))).then_some(names)
}

fn entry(field: &str, map: Map<String, Value>) -> Result<Value, String> {
    let map = map.into_iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| match value {
        Value::String(word) if field == "attest" && key == "disabled" => match go::truth(&word) {
            Some(truth) => Ok((key, json!(truth))),
            None => Err(format!("disabled=`{word}` is not true or false")),
        },
        Value::Bool(truth) if field == "attest" && key == "disabled" => Ok((key, json!(truth))),
        Value::String(_) | Value::Array(_) => Ok((key, value)),
        other => Ok((key, json!(other.to_string()))),
    });
    Ok(Value::Object(ordered(field, map.collect::<Result<_, _>>()?)))
}

/// Secrets and agents have an order of their own, the others that of their keys.
fn ordered(field: &str, map: Map<String, Value>) -> Map<String, Value> {
    let first: &[&str] = match field {
        "secret" => &["id", "src", "env"],
        "ssh" => &["id", "paths"],
        _ => &[],
    };
    let mut pairs: Vec<_> = map.into_iter().collect();
    let place = |key: &str| first.iter().position(|known| *known == key).unwrap_or(first.len());
    pairs.sort_by(|a, b| (place(&a.0), &a.0).cmp(&(place(&b.0), &b.0)));
    pairs.into_iter().collect()
}

fn read(field: &str, text: &str) -> Result<Map<String, Value>, String> {
    let fields = split(text);
    let plain = |text: &str| !text.contains('=');
    let one = fields.len() == 1 && plain(text);
    let map = match field {
        "ssh" => {
            let (id, paths) = text.split_once('=').map_or((text, None), |(id, paths)| (id, Some(paths)));
            let mut map = Map::from_iter([("id".to_owned(), json!(id))]);
            if let Some(paths) = paths {
                map.insert("paths".to_owned(), json!(split(paths)));
            }
            return Ok(map);
        }
        "output" if text == "-" => json!({ "type": "tar", "dest": "-" }),
        "output" if one => json!({ "type": "local", "dest": text }),
        _ => Value::Null,
    };
    if let Value::Object(map) = map {
        return Ok(map);
    }
    let mut map = Map::new();
    for pair in fields {
        let Some((key, value)) = pair.split_once('=') else {
            return Err(format!("`{pair}` in `{text}` is no KEY=VALUE"));
        };
        let key = match (field, key.trim().to_lowercase().as_str()) {
            ("secret", "source") => "src".to_owned(),
            // What is given to the maker of an attestation has names of its own.
            ("attest", small) if !["type", "disabled"].contains(&small) => key.to_owned(),
            ("output", _) if key.starts_with("annotation") => key.to_owned(),
            (_, key) => key.to_owned(),
        };
        map.insert(key, json!(value));
    }
    if field == "secret" {
        match map.shift_remove("type").as_ref().and_then(Value::as_str) {
            // `src` of a variable is its name.
            Some("env") => {
                let name = map.shift_remove("src").filter(|_| !map.contains_key("env"));
                if let Some(name) = name {
                    map.insert("env".to_owned(), name);
                }
            }
            Some("file") | None => {}
            Some(other) => return Err(format!("there is no secret of type `{other}`")),
        }
    } else if !map.contains_key("type") {
        return Err(format!("`{text}` has no type"));
    }
    Ok(map)
}

/// At commas; a field in double quotes may hold some (RFC 4180).
fn split(text: &str) -> Vec<String> {
    cut(text, ',').0
}

/// The same at another sign.
///
/// # Errors
/// A quote without end.
pub(super) fn fields(text: &str, at: char) -> Result<Vec<String>, String> {
    match cut(text, at) {
        (_, true) => Err("a quote has no end".to_owned()),
        (fields, false) => Ok(fields),
    }
}

/// The fields of a text, and whether a quote is left open.
fn cut(text: &str, at: char) -> (Vec<String>, bool) {
    let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.next_if_eq(&'"').is_some() => field.push('"'),
            '"' if quoted || field.is_empty() => quoted = !quoted,
            letter if letter == at && !quoted => fields.push(std::mem::take(&mut field)),
            other => field.push(other),
        }
    }
    fields.push(field);
    (fields, quoted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disabled_is_a_word_that_go_reads() {
        let disabled = |word: Value| {
            let entry = normal("attest", &json!([{ "type": "sbom", "disabled": word }]))?;
            Ok::<_, String>(entry[0]["disabled"].clone())
        };
        for (word, want) in [(json!("T"), true), (json!("FALSE"), false), (json!(true), true)] {
            assert_eq!(disabled(word), Ok(json!(want)));
        }
        assert!(disabled(json!("yes")).is_err_and(|why| why.contains("disabled=`yes`")));
        assert!(normal("attest", &json!("type=sbom,disabled=no")).is_err());
    }
}
