//! Compose files: each service that has a build section is a target, as in `docker buildx bake`.
//!
//! Owns: YAML, merging, and the services that others extend. Never does: anything about running services. `service` says what a build
//! section means, `interpolate` what `${…}` does, `dotenv` what a file of variables says.

mod dotenv;
mod environment;
mod interpolate;
mod others;
mod service;
mod sizes;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value};

use self::environment::Place;
use self::others::Others;
use super::{BakeError, BakeFile, Group, Surroundings, merge as fields};

/// Largest file that is read, in bytes.
const LIMIT_BYTES: usize = 1 << 20;
/// How deep services may extend each other.
const LIMIT_DEPTH: usize = 100;

/// True for a file that is a compose file by its name.
pub(super) fn is_compose(name: &str) -> bool {
    [".yml", ".yaml"].iter().any(|end| name.ends_with(end))
}

/// True for a text that is YAML and has services.
pub(super) fn can_be(text: &str) -> bool {
    text.len() <= LIMIT_BYTES && yaml(text).is_ok_and(|value| value.get("services").is_some())
}

/// Reads files, later ones over earlier ones. Variables are those of the environment, else of the `.env` file.
pub(super) fn read(files: &[&(String, String)], around: &Surroundings<'_>) -> Result<BakeFile, BakeError> {
    let fail = |file: &str, why: String| BakeError::File { file: file.to_owned(), why };
    let variables = dotenv::parse(around.dotenv, around.environment).map_err(|why| fail(".env", why))?;
    let look_up = |name: &str| (around.environment)(name).or_else(|| variables.get(name).cloned());
    let directory = files.first().and_then(|(name, _)| Path::new(name).parent()).unwrap_or(Path::new(""));
    let others = Others::new(Place { directory, read: around.read }, &look_up);
    let mut whole = Value::Object(Map::new());
    for (file, text) in files {
        let document = document(text, &look_up);
        let document = document.and_then(|own| others.whole(own, &mut Vec::new()));
        merge(&mut whole, document.map_err(|why| fail(file, why))?);
    }
    let shown: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    targets(&whole, &others).map_err(|why| fail(&shown.join(", "), why))
}

/// One file with its variables in place and one form for what has several.
fn document(text: &str, look_up: &dyn Fn(&str) -> Option<String>) -> Result<Value, String> {
    if text.len() > LIMIT_BYTES {
        return Err(format!("it is larger than {LIMIT_BYTES} bytes"));
    }
    let mut value = yaml(text)?;
    if !value.is_object() {
        return Err("it is no map".to_owned());
    }
    interpolate::all(&mut value, "", look_up)?;
    service::normalise(&mut value)?;
    Ok(value)
}

fn yaml(text: &str) -> Result<Value, String> {
    let options = serde_saphyr::options! { strict_booleans: true, legacy_octal_numbers: true };
    let read = serde_saphyr::from_str_with_options(text, options);
    read.map_err(|error| error.to_string().trim_start_matches("error: ").to_owned())
}

/// Puts one document over another: maps by key, lists one after the other, all else replaced.
fn merge(under: &mut Value, over: Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (key, value) in over {
                match under.get_mut(&key) {
                    Some(old) => merge(old, value),
                    None => drop(under.insert(key, value)),
                }
            }
        }
        (Value::Array(under), Value::Array(over)) => {
            for item in over {
                if !under.contains(&item) {
                    under.push(item);
                }
            }
        }
        (_, Value::Null) => {}
        (under, over) => *under = over,
    }
}

/// The services of a document.
fn services(document: &Value) -> Result<Option<&Map<String, Value>>, String> {
    match document.get("services") {
        None | Some(Value::Null) => Ok(None),
        Some(services) => services.as_object().map(Some).ok_or_else(|| "`services` is no map".to_owned()),
    }
}

fn targets(whole: &Value, others: &Others<'_>) -> Result<BakeFile, String> {
    let empty = Map::new();
    let services = services(whole)?.unwrap_or(&empty);
    let secrets = whole.get("secrets").and_then(Value::as_object).unwrap_or(&empty);
    check_secrets(secrets)?;
    let mut file = BakeFile::default();
    for name in services.keys() {
        let service = extended(services, name, others, &mut Vec::new())?;
        check_service(name, &service)?;
        // Files are looked for where something of them is wanted only.
        let own = match service::has_open_arguments(&service) {
            true => environment::of(&service, &others.place, others.look_up)
                .map_err(|why| format!("services.{name}: {why}"))?,
            false => BTreeMap::new(),
        };
        let look_up = |name: &str| own.get(name).cloned().or_else(|| (others.look_up)(name));
        if let Some(target) = service::target(name, &service, secrets, &look_up)? {
            // Names that differ by a dot only are one target.
            fields::join(file.targets.entry(service::target_name(name)).or_default(), &target);
        }
    }
    let all = Group { description: None, targets: file.targets.keys().cloned().collect() };
    file.groups.insert("default".to_owned(), all);
    Ok(file)
}

/// Refuses a service that cannot be run by anybody.
fn check_service(name: &str, service: &Value) -> Result<(), String> {
    let has = |field: &str| service.get(field).is_some_and(|value| !value.is_null() && *value != "");
    match ["image", "build", "provider"].into_iter().any(has) {
        true => Ok(()),
        false => Err(format!("service `{name}` has neither an image nor a build section")),
    }
}

fn check_secrets(secrets: &Map<String, Value>) -> Result<(), String> {
    let sources = ["file", "environment", "content", "external", "driver"];
    match secrets.iter().find(|(_, secret)| !sources.iter().any(|field| secret.get(field).is_some())) {
        None => Ok(()),
        Some((name, _)) => {
            Err(format!("secret `{name}` is neither a file nor of the environment nor external"))
        }
    }
}

/// A service over the one that it extends; `open` are the services that led here, with their files.
fn extended(
    services: &Map<String, Value>,
    name: &str,
    others: &Others<'_>,
    open: &mut Vec<(String, String)>,
) -> Result<Value, String> {
    let own = services.get(name).ok_or_else(|| format!("there is no service `{name}`"))?;
    let extends = match own.get("extends") {
        None | Some(Value::Null) => return Ok(own.clone()),
        Some(extends) => extends,
    };
    let base = extends.as_str().or_else(|| extends.get("service")?.as_str());
    let base = base.ok_or_else(|| format!("`extends` of service `{name}` names no service"))?;
    let file = extends.get("file").and_then(Value::as_str);
    let here = open.last().map(|(file, _)| file.clone()).unwrap_or_default();
    let step = (file.map_or(here, str::to_owned), base.to_owned());
    if open.contains(&step) || file.is_none() && base == name {
        return Err(format!("service `{name}` extends itself"));
    }
    if open.len() >= LIMIT_DEPTH {
        return Err(format!("services extend each other more than {LIMIT_DEPTH} deep"));
    }
    open.push(step);
    let mut service = match file {
        None => extended(services, base, others, open)?,
        Some(file) => {
            let document = others.document(file).map_err(|why| format!("service `{name}` extends: {why}"))?;
            let services = self::services(&document)?.ok_or_else(|| format!("`{file}` has no services"))?;
            extended(services, base, others, open)?
        }
    };
    open.pop();
    merge(&mut service, own.clone());
    Ok(service)
}
