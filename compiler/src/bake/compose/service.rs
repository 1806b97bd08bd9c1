//! What a service's build section means as a target.
//!
//! Owns: the fields of build sections and of `x-bake`. Never does: reading them from text.

use serde_json::{Map, Value, json};

use super::sizes;
use crate::bake::merge::clean;
use crate::bake::strings;

type LookUp<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The fields that the compose specification has in a build section.
const FIELDS: [&str; 25] = [
    "context",
    "dockerfile",
    "dockerfile_inline",
    "entitlements",
    "args",
    "provenance",
    "sbom",
    "ssh",
    "labels",
    "cache_from",
    "cache_to",
    "no_cache",
    "additional_contexts",
    "network",
    "pull",
    "target",
    "shm_size",
    "extra_hosts",
    "isolation",
    "privileged",
    "secrets",
    "tags",
    "ulimits",
    "platforms",
    "no_cache_filter",
];
/// Those that are maps and may be written as lists of `KEY=VALUE`.
const MAPS: [&str; 5] = ["args", "labels", "additional_contexts", "extra_hosts", "ssh"];

/// A target's name: it has no dots.
pub(super) fn target_name(service: &str) -> String {
    service.replace('.', "_")
}

/// Makes maps of what may be written as a list, so that files can be merged by key, and of a build section that is only its context.
pub(super) fn normalise(document: &mut Value) -> Result<(), String> {
    let Some(services) = document.get_mut("services").and_then(Value::as_object_mut) else { return Ok(()) };
    for (name, service) in services {
        let service = service.as_object_mut().ok_or_else(|| format!("services.{name} is no map"))?;
        if let Some(Value::Array(items)) = service.get("environment") {
            let map =
                pairs("environment", items).map_err(|why| format!("services.{name}.environment: {why}"))?;
            service.insert("environment".to_owned(), Value::Object(map));
        }
        if let Some(one @ (Value::String(_) | Value::Object(_))) = service.get("env_file") {
            let list = json!([one]);
            service.insert("env_file".to_owned(), list);
        }
        let Some(build) = service.get_mut("build") else { continue };
        match build {
            Value::String(context) => *build = json!({ "context": context }),
            Value::Object(fields) => {
                let known = |field: &&String| !FIELDS.contains(&field.as_str()) && !field.starts_with("x-");
                if let Some(field) = fields.keys().find(known) {
                    return Err(format!("services.{name}.build: `{field}` is no field"));
                }
                for field in MAPS {
                    let Some(Value::Array(items)) = fields.get(field) else { continue };
                    let map =
                        pairs(field, items).map_err(|why| format!("services.{name}.build.{field}: {why}"))?;
                    fields.insert(field.to_owned(), Value::Object(map));
                }
            }
            Value::Null => {}
            _ => return Err(format!("services.{name}.build is neither a context nor a map")),
        }
    }
    Ok(())
}

fn pairs(field: &str, items: &[Value]) -> Result<Map<String, Value>, String> {
    let mut map = Map::new();
    for item in items {
        let text = item.as_str().ok_or_else(|| format!("`{item}` is no string"))?;
        // Only hosts may have a colon in the place of the sign.
        let pair = text.split_once('=').or_else(|| text.split_once(':').filter(|_| field == "extra_hosts"));
        match pair {
            Some((key, value)) => map.insert(key.to_owned(), json!(value)),
            None if field == "labels" => map.insert(text.to_owned(), json!("")),
            None => map.insert(text.to_owned(), Value::Null),
        };
    }
    Ok(map)
}

/// True for a build with arguments that are taken from the environment.
pub(super) fn has_open_arguments(service: &Value) -> bool {
    let args = service.get("build").and_then(|build| build.get("args")).and_then(Value::as_object);
    args.is_some_and(|args| args.values().any(Value::is_null))
}

/// The target of a service; `None` where it is not built.
pub(super) fn target(
    name: &str,
    service: &Value,
    secrets: &Map<String, Value>,
    look_up: LookUp<'_>,
) -> Result<Option<Map<String, Value>>, String> {
    let Some(build) = service.get("build").and_then(Value::as_object) else { return Ok(None) };
    let mut target = Map::new();
    for (field, value) in build {
        let place = |why: String| format!("services.{name}.build.{field}: {why}");
        put(&mut target, field, value, secrets, look_up).map_err(place)?;
    }
    attest(&mut target, build);
    if let Some(extension) = build.get("x-bake") {
        let place = format!("services.{name}.build.x-bake");
        extend(&mut target, extension.as_object().ok_or(format!("{place} is no map"))?)
            .map_err(|why| format!("{place}.{why}"))?;
    }
    let image = service.get("image").and_then(Value::as_str).filter(|image| !image.is_empty());
    if let Some(image) = image.filter(|_| strings(target.get("tags")).is_empty()) {
        target.insert("tags".to_owned(), json!([image]));
    }
    Ok(Some(target))
}

fn put(
    target: &mut Map<String, Value>,
    field: &str,
    value: &Value,
    secrets: &Map<String, Value>,
    look_up: LookUp<'_>,
) -> Result<(), String> {
    if value.is_null() {
        return Ok(());
    }
    let (field, value) = match field {
        "context" | "dockerfile" | "target" | "network" => (field, json!(text(value)?)),
        "dockerfile_inline" => ("dockerfile-inline", json!(text(value)?)),
        "args" => ("args", args(map(value)?, look_up)?),
        "labels" | "extra_hosts" => {
            let texts = map(value)?.iter().map(|(key, value)| Ok((key.clone(), json!(text(value)?))));
            (
                if field == "labels" { field } else { "extra-hosts" },
                Value::Object(texts.collect::<Result<_, String>>()?),
            )
        }
        "cache_from" => ("cache-from", list(value)?),
        "cache_to" => ("cache-to", list(value)?),
        "tags" | "platforms" | "entitlements" => (field, list(value)?),
        "no_cache_filter" => ("no-cache-filter", list(value)?),
        // Silence means the same.
        "no_cache" | "pull" if !truth(value)? => return Ok(()),
        "no_cache" => ("no-cache", json!(true)),
        "pull" => ("pull", json!(true)),
        "additional_contexts" => ("contexts", contexts(map(value)?)?),
        "secrets" => ("secret", secret(value, secrets)?),
        "ssh" => ("ssh", ssh(map(value)?)),
        "shm_size" => ("shm-size", json!(sizes::normal(&text(value)?)?)),
        "ulimits" => ("ulimits", ulimits(map(value)?)?),
        // How a builder of another kind isolates, and what is told below.
        _ => return Ok(()),
    };
    target.insert(field.to_owned(), value);
    Ok(())
}

fn attest(target: &mut Map<String, Value>, build: &Map<String, Value>) {
    let mut wanted = Vec::new();
    for field in ["sbom", "provenance"] {
        match build.get(field) {
            Some(Value::Bool(true)) => wanted.push(format!("type={field}")),
            Some(Value::Bool(false)) => wanted.push(format!("type={field},disabled=true")),
            Some(Value::String(word)) if word == "true" => wanted.push(format!("type={field}")),
            Some(Value::String(word)) if word == "false" => {
                wanted.push(format!("type={field},disabled=true"))
            }
            Some(Value::String(fields)) => wanted.push(format!("type={field},{fields}")),
            _ => {}
        }
    }
    if !wanted.is_empty() {
        target.insert("attest".to_owned(), json!(wanted));
    }
}

/// `x-bake`: lists are added to, all else replaced; what bake does not know is left to others.
fn extend(target: &mut Map<String, Value>, extension: &Map<String, Value>) -> Result<(), String> {
    for (field, value) in extension.iter().filter(|(_, value)| !value.is_null()) {
        let place = |why| format!("{field}: {why}");
        match field.as_str() {
            "tags" | "cache-from" | "cache-to" | "secret" | "ssh" | "platforms" | "output"
            | "no-cache-filter" | "entitlements" => {
                let mut all = strings(target.get(field));
                let more = strings(Some(&list(value).map_err(place)?));
                all.extend(more.into_iter().filter(|item| !strings(target.get(field)).contains(item)));
                target.insert(field.clone(), json!(all));
            }
            "pull" | "no-cache" => drop(target.insert(field.clone(), json!(truth(value).map_err(place)?))),
            "contexts" => {
                let mut all = target.get(field).and_then(Value::as_object).cloned().unwrap_or_default();
                all.extend(map(value).map_err(place)?.clone());
                target.insert(field.clone(), Value::Object(all));
            }
            _ => {}
        }
    }
    Ok(())
}

/// A name without value is taken from the environment, and left out where that has none.
fn args(map: &Map<String, Value>, look_up: LookUp<'_>) -> Result<Value, String> {
    let mut args = Map::new();
    for (name, value) in map {
        let value = if value.is_null() { look_up(name) } else { Some(text(value)?) };
        args.extend(value.map(|value| (name.clone(), json!(value))));
    }
    Ok(Value::Object(args))
}

fn contexts(map: &Map<String, Value>) -> Result<Value, String> {
    let context = |(name, value): (&String, &Value)| {
        let place = text(value)?;
        let place = match place.strip_prefix("service:") {
            Some(service) => format!("target:{}", target_name(service)),
            None if place.starts_with("target:") => place,
            None => clean(&place),
        };
        Ok((name.clone(), json!(place)))
    };
    Ok(Value::Object(map.iter().map(context).collect::<Result<_, String>>()?))
}

/// The secrets of a build by their names at the top of the file.
fn secret(value: &Value, known: &Map<String, Value>) -> Result<Value, String> {
    let mut found = Vec::new();
    for item in value.as_array().ok_or("it is no list")? {
        let name = item.as_str().or_else(|| item.get("source")?.as_str()).ok_or("a secret has no name")?;
        let source =
            known.get(name).ok_or_else(|| format!("there is no secret `{name}` at the top of the file"))?;
        let field = |field: &str| source.get(field).and_then(Value::as_str);
        found.push(match (field("file"), field("environment")) {
            (Some(file), _) => format!("id={name},src={file}"),
            (None, Some(variable)) => format!("id={name},env={variable}"),
            (None, None) => return Err(format!("secret `{name}` is neither a file nor of the environment")),
        });
    }
    Ok(json!(found))
}

fn ssh(map: &Map<String, Value>) -> Value {
    let agents =
        map.iter().map(|(id, socket)| socket.as_str().map_or(id.clone(), |socket| format!("{id}={socket}")));
    json!(agents.collect::<Vec<_>>())
}

fn ulimits(map: &Map<String, Value>) -> Result<Value, String> {
    let limit = |(name, value): (&String, &Value)| match value {
        Value::Object(both) => {
            let of = |which: &str| both.get(which).map_or(Ok("0".to_owned()), text);
            Ok(format!("{name}={}:{}", of("soft")?, of("hard")?))
        }
        one => Ok(format!("{name}={0}:{0}", text(one)?)),
    };
    Ok(json!(map.iter().map(limit).collect::<Result<Vec<_>, String>>()?))
}

fn map(value: &Value) -> Result<&Map<String, Value>, String> {
    value.as_object().ok_or_else(|| "it is neither a map nor a list of KEY=VALUE".to_owned())
}

/// A list of strings, or the one string that stands for it.
fn list(value: &Value) -> Result<Value, String> {
    match value {
        Value::Array(items) => Ok(json!(items.iter().map(text).collect::<Result<Vec<_>, _>>()?)),
        one => Ok(json!([text(one)?])),
    }
}

fn truth(value: &Value) -> Result<bool, String> {
    match value {
        Value::Bool(truth) => Ok(*truth),
        Value::String(word) if word == "true" => Ok(true),
        Value::String(word) if matches!(word.as_str(), "false" | "") => Ok(false),
        other => Err(format!("`{other}` is neither true nor false")),
    }
}

/// Text, or what stands for it as people write it.
fn text(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(truth) => Ok(truth.to_string()),
        Value::Null => Ok(String::new()),
        Value::Number(number) => {
            let text = number.to_string();
            Ok(text.strip_suffix(".0").map_or(text.clone(), str::to_owned))
        }
        Value::Array(_) | Value::Object(_) => Err("a list or map stands where a text is wanted".to_owned()),
    }
}
