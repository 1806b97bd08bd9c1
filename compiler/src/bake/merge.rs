//! How a target's fields come to lie over those of another, and what is made of them in the end.

use serde_json::{Map, Value, json};

/// Fields that are joined key by key when a target inherits.
const MAPS: [&str; 4] = ["args", "contexts", "labels", "extra-hosts"];
/// Fields to whose lists those of the heir are added; of the rest the heir's value stays.
const LISTS: [&str; 9] = [
    "annotations",
    "attest",
    "policy",
    "secret",
    "ssh",
    "cache-from",
    "no-cache-filter",
    "ulimits",
    "entitlements",
];

/// Puts one target's fields over another's.
pub(super) fn join(under: &mut Map<String, Value>, over: &Map<String, Value>) {
    for (field, value) in over {
        let Some(old) = under.get_mut(field) else {
            under.insert(field.clone(), value.clone());
            continue;
        };
        match (old, value) {
            (Value::Object(old), Value::Object(new)) if MAPS.contains(&field.as_str()) => {
                let given = new.iter().filter(|(_, value)| field == "contexts" || !value.is_null());
                old.extend(given.map(|(key, value)| (key.clone(), value.clone())));
            }
            (old, value) if LISTS.contains(&field.as_str()) => {
                let all = items(old).iter().chain(items(value)).cloned().collect();
                *old = Value::Array(all);
            }
            (old, value) => *old = value.clone(),
        }
    }
}

fn items(value: &Value) -> &[Value] {
    match value {
        Value::Array(items) => items,
        one => std::slice::from_ref(one),
    }
}

/// Says what is meant where a target is silent, leaves out what was taken back, and makes text of what arguments and
/// labels hold.
pub(super) fn complete(target: &mut Map<String, Value>) {
    let context = target.get("context").and_then(Value::as_str).unwrap_or(".");
    let context = json!(clean(context));
    target.insert("context".to_owned(), context);
    match target.get("dockerfile").and_then(Value::as_str).filter(|name| !name.is_empty()) {
        Some(_) => {}
        None => drop(target.insert("dockerfile".to_owned(), json!("Dockerfile"))),
    }
    for field in ["args", "labels", "extra-hosts"] {
        let Some(map) = target.get_mut(field).and_then(Value::as_object_mut) else { continue };
        map.retain(|_, value| !value.is_null());
        for value in map.values_mut().filter(|value| !value.is_string()) {
            *value = Value::String(value.to_string());
        }
    }
    if let Some(contexts) = target.get_mut("contexts").and_then(Value::as_object_mut) {
        contexts.retain(|_, place| place.as_str() != Some(""));
    }
    if target.get("network").and_then(Value::as_str) == Some("host") {
        let host = Map::from_iter([("entitlements".to_owned(), json!(["network.host"]))]);
        join(target, &host);
    }
    for field in ["annotations", "tags", "platforms", "no-cache-filter", "ulimits", "entitlements"] {
        let Some(items) = target.get_mut(field).and_then(Value::as_array_mut) else { continue };
        let mut seen: Vec<Value> = Vec::new();
        for item in items.drain(..) {
            let item = if item.is_number() || item.is_boolean() { json!(item.to_string()) } else { item };
            if item.as_str() != Some("") && !seen.contains(&item) {
                seen.push(item);
            }
        }
        *items = seen;
    }
}

/// A directory's name without what means nothing in it; what is no directory stays as it is.
pub(super) fn clean(context: &str) -> String {
    let remote = context.contains("://") || context.starts_with("git@") || context.starts_with("github.com/");
    if remote || context == "-" {
        return context.strip_prefix("cwd://").map_or_else(|| context.to_owned(), clean);
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in context.split('/').filter(|part| !part.is_empty() && *part != ".") {
        match part {
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if context.starts_with('/') => {}
            part => parts.push(part),
        }
    }
    match (context.starts_with('/'), parts.join("/")) {
        (true, path) => format!("/{path}"),
        (false, path) if path.is_empty() => ".".to_owned(),
        (false, path) => path,
    }
}
