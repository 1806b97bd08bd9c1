//! What a service has in its environment, which its build's arguments without a value are taken from.
//!
//! Owns: `environment` and `env_file`. Never does: reading files itself.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value};

use super::{LIMIT_BYTES, dotenv};

type LookUp<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Where the files that compose files name are.
pub(super) struct Place<'a> {
    /// The directory of the first compose file.
    pub directory: &'a Path,
    /// Gives a file's text; `None` where there is no such file.
    pub read: &'a dyn Fn(&Path) -> Result<Option<String>, String>,
}

/// The variables of a service that has them as maps; what it says itself goes before what its files say.
///
/// # Errors
/// A file that is missing or is not of the form.
pub(super) fn of(
    service: &Value,
    place: &Place<'_>,
    look_up: LookUp<'_>,
) -> Result<BTreeMap<String, String>, String> {
    let mut found = BTreeMap::new();
    let files = match service.get("env_file") {
        None | Some(Value::Null) => &[],
        Some(Value::Array(files)) => files.as_slice(),
        Some(one) => std::slice::from_ref(one),
    };
    for file in files {
        let path = file.as_str().or_else(|| file.get("path")?.as_str());
        let path = path.ok_or_else(|| format!("env_file: `{file}` names no file"))?;
        let required = file.get("required") != Some(&Value::Bool(false));
        match (place.read)(&place.directory.join(path))? {
            Some(text) if text.len() > LIMIT_BYTES => {
                return Err(format!("env_file `{path}` is larger than {LIMIT_BYTES} bytes"));
            }
            Some(text) => {
                found.extend(
                    dotenv::parse(&text, look_up).map_err(|why| format!("env_file `{path}`: {why}"))?,
                );
            }
            None if required => return Err(format!("there is no env_file `{path}`")),
            None => {}
        }
    }
    let empty = Map::new();
    for (name, value) in service.get("environment").and_then(Value::as_object).unwrap_or(&empty) {
        match value {
            Value::Null => found.extend(look_up(name).map(|value| (name.clone(), value))),
            Value::String(text) => drop(found.insert(name.clone(), text.clone())),
            other => drop(found.insert(name.clone(), other.to_string())),
        }
    }
    Ok(found)
}
