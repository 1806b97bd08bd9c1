//! `bake --print`: groups and targets as `docker buildx bake --print` writes them, field by field in its order.

use serde_json::{Map, Value, json};

use super::Baked;
use super::entries;

/// The fields of a target in the order in which they are printed.
pub(super) const FIELDS: [&str; 27] = [
    "description",
    "inherits",
    "annotations",
    "attest",
    "context",
    "contexts",
    "dockerfile",
    "dockerfile-inline",
    "args",
    "labels",
    "tags",
    "cache-from",
    "cache-to",
    "target",
    "secret",
    "ssh",
    "platforms",
    "output",
    "pull",
    "no-cache",
    "network",
    "no-cache-filter",
    "shm-size",
    "ulimits",
    "call",
    "entitlements",
    "extra-hosts",
];
/// Fields whose texts could be taken for templates when what is printed is read again.
const TEMPLATES: [&str; 5] = ["annotations", "dockerfile-inline", "args", "labels", "extra-hosts"];

impl Baked {
    /// The text of `bake --print`, with its last line break.
    ///
    /// # Errors
    /// What is wrong with an entry of a list such as `cache-from`.
    pub fn printed(&self) -> Result<String, String> {
        Ok(format!("{}\n", escaped(&format!("{:#}", self.document()?))))
    }

    /// The same as a value.
    ///
    /// # Errors
    /// As of `printed`.
    pub fn document(&self) -> Result<Value, String> {
        let groups = self.groups.iter().map(|(name, group)| {
            let mut fields = Map::new();
            if let Some(text) = group.description.as_deref().filter(|text| !text.is_empty()) {
                fields.insert("description".to_owned(), json!(text));
            }
            fields.insert("targets".to_owned(), json!(group.targets));
            (name.clone(), Value::Object(fields))
        });
        let targets = self.targets.iter().map(|(name, fields)| {
            let target = target(fields).map_err(|why| format!("target `{name}`: {why}"))?;
            Ok((name.clone(), Value::Object(target)))
        });
        let targets: Map<_, _> = targets.collect::<Result<_, String>>()?;
        let mut document = Map::new();
        if !self.groups.is_empty() {
            document.insert("group".to_owned(), Value::Object(groups.collect()));
        }
        document.insert("target".to_owned(), Value::Object(targets));
        Ok(Value::Object(document))
    }
}

fn target(fields: &Map<String, Value>) -> Result<Map<String, Value>, String> {
    let mut printed = Map::new();
    for field in FIELDS {
        let Some(value) = fields.get(field) else { continue };
        let value = match field {
            _ if entries::is_field(field) => entries::normal(field, value)?,
            _ if TEMPLATES.contains(&field) => untemplated(value),
            _ => value.clone(),
        };
        let empty = match &value {
            Value::Array(items) => items.is_empty(),
            Value::Object(map) => map.is_empty(),
            Value::String(text) => text.is_empty() && field == "description",
            _ => false,
        };
        if !empty {
            printed.insert(field.to_owned(), sorted(value));
        }
    }
    Ok(printed)
}

/// Keys of maps in order; what an entry says is ordered already.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut pairs: Vec<_> = map.into_iter().collect();
            pairs.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(pairs.into_iter().collect())
        }
        other => other,
    }
}

fn untemplated(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(text.replace("${", "$${").replace("%{", "%%{")),
        Value::Array(items) => items.iter().map(untemplated).collect(),
        Value::Object(map) => {
            Value::Object(map.iter().map(|(key, value)| (key.clone(), untemplated(value))).collect())
        }
        other => other.clone(),
    }
}

/// JSON as Go writes it: what HTML gives a meaning is escaped. Those characters stand in strings only.
pub(super) fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            other => out.push(other),
        }
    }
    out
}
