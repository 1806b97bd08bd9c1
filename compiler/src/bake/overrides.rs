//! `--set TARGET.FIELD[.KEY]=VALUE` and what else the command line says of all targets.

use std::collections::BTreeMap;

use buildc_ir::go;
use buildc_ir::pattern::Glob;
use serde_json::{Map, Value, json};

use super::merge::join;
use super::{BakeError, BakeFile};

/// A change of one field.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Change {
    values: Vec<String>,
    append: bool,
}

/// The changes of one target, by `FIELD` or `FIELD.KEY`.
pub(super) type Changes = BTreeMap<String, Change>;

/// Fields that take several values; written several times they have all of them.
const LISTS: [&str; 13] = [
    "output",
    "cache-to",
    "cache-from",
    "tags",
    "platform",
    "secrets",
    "ssh",
    "attest",
    "entitlements",
    "annotations",
    "no-cache-filter",
    "ulimits",
    "policy",
];
/// Fields that have one value.
const SINGLE: [&str; 11] = [
    "context",
    "dockerfile",
    "target",
    "call",
    "no-cache",
    "pull",
    "shm-size",
    "network",
    "push",
    "load",
    "dockerfile-inline",
];
/// Fields that have a value for a key.
const MAPS: [&str; 4] = ["args", "contexts", "labels", "extra-hosts"];

impl BakeFile {
    /// `--set TARGET.FIELD[.KEY]=VALUE`, or `+=` to add to a list; TARGET may be a pattern such as `web-*`. An argument without value
    /// takes that of `environment`.
    ///
    /// # Errors
    /// [`BakeError::Override`] for anything else.
    pub fn set(
        &mut self,
        option: &str,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<(), BakeError> {
        let bad = |why: &str| BakeError::Override { option: option.to_owned(), why: why.to_owned() };
        let (path, value) =
            option.split_once('=').map_or((option, None), |(path, value)| (path, Some(value)));
        let (path, append) = path.strip_suffix('+').map_or((path, false), |path| (path, true));
        let (target, key) = path.split_once('.').ok_or_else(|| bad("it says no TARGET.FIELD=VALUE"))?;
        let (field, name) = key.split_once('.').map_or((key, None), |(field, name)| (field, Some(name)));
        // Names of fields in files are understood too.
        let field = match field {
            "platforms" => "platform",
            "secret" => "secrets",
            field => field,
        };
        if MAPS.contains(&field) != name.is_some_and(|name| !name.is_empty()) {
            return Err(bad("args, contexts, labels and extra-hosts have a key, other fields have none"));
        }
        if !MAPS.contains(&field) && !LISTS.contains(&field) && !SINGLE.contains(&field) {
            return Err(bad(&format!("`{field}` is no field that can be set")));
        }
        let value = match (value, name) {
            (Some(value), _) => value.to_owned(),
            (None, Some(name)) if field == "args" => match environment(name) {
                Some(value) => value,
                None => return Ok(()),
            },
            (None, _) => return Err(bad("it has no value")),
        };
        let names = self.matching(target, &bad)?;
        for target in names {
            let key = name.map_or_else(|| field.to_owned(), |name| format!("{field}.{name}"));
            let changes = self.changes.entry(target).or_default();
            let change = changes.entry(key).or_insert_with(|| Change { values: Vec::new(), append });
            if LISTS.contains(&field) {
                change.append = append;
                change.values.push(value.clone());
            } else {
                change.values = vec![value.clone()];
            }
        }
        Ok(())
    }

    fn matching(&self, target: &str, bad: &dyn Fn(&str) -> BakeError) -> Result<Vec<String>, BakeError> {
        if self.targets.contains_key(target) {
            return Ok(vec![target.to_owned()]);
        }
        let glob = Glob::new(target).map_err(|error| bad(&error.to_string()))?;
        let fits = |name: &&String| glob.matches(name.as_bytes());
        let names: Vec<String> = self.targets.keys().filter(fits).cloned().collect();
        match names.is_empty() {
            true => Err(bad(&format!("there is no target like `{target}`"))),
            false => Ok(names),
        }
    }
}

/// Changes a target that has everything it inherits.
pub(super) fn apply(target: &mut Map<String, Value>, changes: &Changes) -> Result<(), String> {
    for (key, change) in changes {
        let (field, name) =
            key.split_once('.').map_or((key.as_str(), None), |(field, name)| (field, Some(name)));
        let last = change.values.last().cloned().unwrap_or_default();
        let field = match field {
            "platform" => "platforms",
            "secrets" => "secret",
            field => field,
        };
        match (field, name) {
            (field, Some(name)) => {
                let one = Map::from_iter([(name.to_owned(), json!(last))]);
                join(target, &Map::from_iter([(field.to_owned(), Value::Object(one))]));
            }
            ("push", None) => push(target, truth(field, &last)?),
            ("load", None) => {
                if truth(field, &last)? {
                    load(target);
                }
            }
            ("no-cache" | "pull", None) => {
                target.insert(field.to_owned(), json!(truth(field, &last)?));
            }
            (field, None) if SINGLE.contains(&field) => {
                target.insert(field.to_owned(), json!(last));
            }
            (field, None) => {
                let added = matches!(field, "entitlements" | "annotations" | "attest") || change.append;
                let mut items = match target.get(field) {
                    Some(Value::Array(items)) if added => items.clone(),
                    Some(one) if added => vec![one.clone()],
                    _ => Vec::new(),
                };
                items.extend(change.values.iter().map(|value| json!(value)));
                target.insert(field.to_owned(), Value::Array(items));
            }
        }
    }
    Ok(())
}

fn truth(field: &str, value: &str) -> Result<bool, String> {
    go::truth(value).ok_or_else(|| format!("`{field}` is neither true nor false: `{value}`"))
}

fn outputs(target: &Map<String, Value>) -> Vec<Map<String, Value>> {
    let normal = target.get("output").and_then(|value| super::entries::normal("output", value).ok());
    let items = normal.as_ref().and_then(Value::as_array).cloned().unwrap_or_default();
    items.iter().filter_map(Value::as_object).cloned().collect()
}

fn kind(output: &Map<String, Value>) -> &str {
    output.get("type").and_then(Value::as_str).unwrap_or_default()
}

/// Images are pushed, or are not; where something else is asked for, nothing is added.
fn push(target: &mut Map<String, Value>, wanted: bool) {
    let mut outputs = outputs(target);
    if !wanted {
        outputs.retain(|output| kind(output) != "registry");
    }
    let only_docker = outputs.iter().all(|output| kind(output) == "docker");
    for output in outputs.iter_mut().filter(|output| kind(output) == "image") {
        output.insert("push".to_owned(), json!(wanted.to_string()));
    }
    if wanted && only_docker {
        outputs
            .push(Map::from_iter([("type".to_owned(), json!("image")), ("push".to_owned(), json!("true"))]));
    }
    target.insert("output".to_owned(), json!(outputs));
}

fn load(target: &mut Map<String, Value>) {
    let mut outputs = outputs(target);
    let loaded = |output: &Map<String, Value>| kind(output) == "docker" && !output.contains_key("dest");
    let images = |output: &Map<String, Value>| ["docker", "image", "registry", "oci"].contains(&kind(output));
    if !outputs.iter().any(loaded) && outputs.iter().all(images) {
        outputs.push(Map::from_iter([("type".to_owned(), json!("docker"))]));
    }
    target.insert("output".to_owned(), json!(outputs));
}
