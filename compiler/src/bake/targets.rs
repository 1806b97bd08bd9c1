//! Values of target and group blocks: matrices, and blocks that speak of other blocks.

use std::collections::BTreeMap;

use hcl::Value as Hcl;
use hcl::eval::Context;
use serde_json::{Map, Value};

use super::evaluate::Fields;
use super::{BakeFile, Group, attempts, entries, merge, strings};

/// Most targets that one matrix makes.
const LIMIT_MATRIX: usize = 1024;

/// Values of fields; one without value is as good as not there.
pub(super) fn values(fields: &Fields, context: &Context<'_>) -> Result<Map<String, Value>, String> {
    let mut found = Map::new();
    for (field, expression) in fields {
        let value = attempts::value(expression, context).map_err(|error| format!("`{field}`: {error}"))?;
        let value = serde_json::to_value(&value).map_err(|error| format!("`{field}`: {error}"))?;
        if !value.is_null() {
            found.insert(field.clone(), value);
        }
    }
    Ok(found)
}

/// Adds all targets. One may speak of another as `target.NAME.FIELD`: those that have no value yet are tried again.
pub(super) fn targets(
    file: &mut BakeFile,
    blocks: Vec<(String, Fields)>,
    context: &mut Context<'_>,
) -> Result<(), String> {
    let mut known = hcl::Map::new();
    let mut open: Vec<(usize, String, Fields)> =
        blocks.into_iter().enumerate().map(|(at, (name, fields))| (at, name, fields)).collect();
    let mut all: Vec<(usize, Vec<Made>)> = Vec::new();
    while !open.is_empty() {
        let (mut left, mut why) = (Vec::new(), None);
        let before = open.len();
        for (at, name, fields) in open {
            match target(&name, &fields, context) {
                Ok(new) => {
                    for made in &new {
                        let value = hcl::to_value(&made.fields).map_err(|error| error.to_string())?;
                        known.insert(made.name.clone(), value);
                    }
                    all.push((at, new));
                    context.declare_var("target", Hcl::Object(known.clone()));
                }
                Err(error) => {
                    why.get_or_insert(error);
                    left.push((at, name, fields));
                }
            }
        }
        if left.len() == before {
            return Err(why.unwrap_or_default());
        }
        open = left;
    }
    all.sort_by_key(|(at, _)| *at);
    for Made { block, name, fields } in all.into_iter().flat_map(|(_, made)| made) {
        if let Some(block) = block {
            let group = file.groups.entry(block).or_default();
            if !group.targets.contains(&name) {
                group.targets.push(name.clone());
            }
        }
        // A later block of a name adds to the first, as an heir does to what it inherits.
        merge::join(file.targets.entry(name).or_default(), &fields);
    }
    Ok(())
}

/// A target that a block makes.
struct Made {
    /// The block's name where it has a matrix.
    block: Option<String>,
    name: String,
    fields: Map<String, Value>,
}

fn target(name: &str, fields: &Fields, context: &Context<'_>) -> Result<Vec<Made>, String> {
    let named = |why: String| format!("target `{name}`: {why}");
    let (matrix, fields): (Fields, Fields) = fields.iter().cloned().partition(|(field, _)| field == "matrix");
    let Some((_, matrix)) = matrix.into_iter().next() else {
        let fields = checked(values(&fields, context).map_err(named)?).map_err(named)?;
        if fields.contains_key("name") {
            return Err(named("`name` needs a matrix".to_owned()));
        }
        return Ok(vec![Made { block: None, name: name.to_owned(), fields }]);
    };
    let matrix = attempts::value(&matrix, context).map_err(|error| named(format!("`matrix`: {error}")))?;
    let mut made = Vec::new();
    for row in rows(name, matrix)? {
        let mut context = context.clone();
        for (axis, point) in row {
            context.declare_var(axis.as_str(), point);
        }
        let mut fields = values(&fields, &context).map_err(named)?;
        let Some(Value::String(own)) = fields.shift_remove("name") else {
            return Err(named("it has a matrix and needs a `name` made of its axes".to_owned()));
        };
        let fields = checked(fields).map_err(named)?;
        made.push(Made { block: Some(name.to_owned()), name: own, fields });
    }
    Ok(made)
}

/// Refuses what a field cannot hold; numbers and booleans become text where text is wanted.
fn checked(mut fields: Map<String, Value>) -> Result<Map<String, Value>, String> {
    for (field, value) in &mut fields {
        let text = |value: &mut Value| match value {
            Value::Number(_) | Value::Bool(_) => {
                *value = Value::String(value.to_string());
                true
            }
            Value::String(_) => true,
            _ => false,
        };
        let (fits, wanted) = match field.as_str() {
            "args" | "labels" | "contexts" | "extra-hosts" => {
                let fits = |map: &mut Map<String, Value>| map.values_mut().all(|v| v.is_null() || text(v));
                (value.as_object_mut().is_some_and(fits), "a map of strings")
            }
            "pull" | "no-cache" => {
                if let Some(truth @ ("true" | "false")) = value.as_str() {
                    *value = Value::Bool(truth == "true");
                }
                (value.is_boolean(), "true or false")
            }
            "tags" | "platforms" | "annotations" | "inherits" | "no-cache-filter" | "ulimits"
            | "entitlements" => {
                (value.as_array_mut().is_some_and(|items| items.iter_mut().all(text)), "a list of strings")
            }
            field if entries::is_field(field) || field == "policy" => {
                let entry = |item: &Value| item.is_string() || item.is_object();
                (value.as_array().is_some_and(|items| items.iter().all(entry)), "a list of strings or maps")
            }
            _ => (text(value), "a string"),
        };
        if !fits {
            return Err(format!("`{field}` is {wanted}, not `{value}`"));
        }
    }
    Ok(fields)
}

type Row = Vec<(String, Hcl)>;

fn rows(name: &str, matrix: Hcl) -> Result<Vec<Row>, String> {
    let Hcl::Object(axes) = matrix else { return Err(format!("matrix of `{name}` is no object")) };
    let mut rows: Vec<Row> = vec![Vec::new()];
    for (axis, points) in axes {
        let Hcl::Array(points) = points else {
            return Err(format!("matrix axis `{axis}` is no list"));
        };
        let longer = |row: &Row, point: &Hcl| {
            let mut row = row.clone();
            row.push((axis.clone(), point.clone()));
            row
        };
        rows = rows.iter().flat_map(|row| points.iter().map(move |point| longer(row, point))).collect();
        if rows.len() > LIMIT_MATRIX {
            return Err(format!("matrix of `{name}` makes more than {LIMIT_MATRIX} targets"));
        }
    }
    Ok(rows)
}

/// Adds all groups. A group of compose files is what their services are; one that is written takes its place.
pub(super) fn groups(
    file: &mut BakeFile,
    blocks: Vec<(String, Fields)>,
    context: &Context<'_>,
) -> Result<(), String> {
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    for (name, fields) in blocks {
        let fields = values(&fields, context).map_err(|why| format!("group `{name}`: {why}"))?;
        if let Some(field) = fields.keys().find(|field| !["targets", "description"].contains(&field.as_str()))
        {
            return Err(format!("group `{name}`: `{field}` is no field"));
        }
        let group = groups.entry(name).or_default();
        if fields.contains_key("targets") {
            // What a later file says takes the earlier one's place.
            let mut members = strings(fields.get("targets"));
            let mut seen = std::collections::BTreeSet::new();
            members.retain(|member| seen.insert(member.clone()));
            group.targets = members;
        }
        if let Some(text) = fields.get("description").and_then(Value::as_str) {
            group.description = Some(text.to_owned());
        }
    }
    file.groups.extend(groups);
    Ok(())
}
