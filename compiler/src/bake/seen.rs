//! Targets as expressions see them: `target.NAME.FIELD`.

use std::collections::{BTreeMap, BTreeSet};

use hcl::Value as Hcl;
use serde_json::{Map, Value};

use super::targets::Draft;
use super::{entries, merge, print};

/// The targets that are wanted, with one field or all; what has no value yet is not there. What a target does not say is null
/// if `nulls` are wanted.
pub(super) fn targets(
    drafts: &[Draft],
    by_name: &BTreeMap<String, Vec<usize>>,
    wanted: &BTreeSet<(String, Option<String>)>,
    nulls: bool,
) -> Hcl {
    let mut seen: hcl::Map<String, hcl::Map<String, Hcl>> = hcl::Map::new();
    for (name, field) in wanted {
        let Some(places) = by_name.get(name) else { continue };
        let blocks: Vec<&Draft> = places.iter().map(|place| &drafts[*place]).collect();
        let own = seen.entry(name.clone()).or_default();
        own.insert("name".to_owned(), Hcl::from(name.as_str()));
        let said = blocks.iter().flat_map(|draft| draft.fields.iter().map(|(field, _)| field.as_str()));
        let fields: BTreeSet<&str> = match field {
            Some(field) => print::FIELDS.into_iter().filter(|known| known == field).collect(),
            None if nulls => print::FIELDS.into_iter().collect(),
            None => said.collect(),
        };
        for field in fields {
            if let Some(value) = value(&blocks, field).filter(|value| nulls || !value.is_null()) {
                own.insert(field.to_owned(), as_expression(field, &value));
            }
        }
    }
    Hcl::Object(seen.into_iter().map(|(name, fields)| (name, Hcl::Object(fields))).collect())
}

/// A field's value of all blocks of a target, null where none says it; `None` where one has none yet.
fn value(blocks: &[&Draft], field: &str) -> Option<Value> {
    let mut joined = Map::new();
    for draft in blocks {
        for (at, _) in draft.fields.iter().enumerate().filter(|(_, (name, _))| name == field) {
            let value = draft.values.get(&at)?;
            if !value.is_null() {
                merge::join(&mut joined, &Map::from_iter([(field.to_owned(), value.clone())]));
            }
        }
    }
    Some(joined.swap_remove(field).unwrap_or(Value::Null))
}

/// A field's value for others: entries that were written as texts are maps.
fn as_expression(field: &str, value: &Value) -> Hcl {
    let normal = match value {
        Value::Array(_) if entries::is_field(field) => entries::normal(field, value).ok(),
        _ => None,
    };
    hcl::to_value(normal.as_ref().unwrap_or(value)).unwrap_or(Hcl::Null)
}
