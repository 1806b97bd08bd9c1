//! Target and group blocks: matrices, names, and what fields may hold.

use std::collections::BTreeMap;
use std::rc::Rc;

use hcl::{Expression, Value as Hcl};
use serde_json::{Map, Value};

use super::evaluate::Fields;
use super::order::Evaluation;
use super::{BakeFile, Group, entries, merge, strings};

/// Most targets that one matrix makes.
const LIMIT_MATRIX: usize = 1024;

/// The axes of a matrix at one of its points.
pub(super) type Axes = BTreeMap<String, Hcl>;

/// A target's block.
pub(super) struct Block {
    at: usize,
    /// Its label.
    pub name: String,
    /// The names of the targets that its matrix makes.
    pub own_name: Option<Expression>,
    pub matrix: Option<Expression>,
    fields: Rc<Fields>,
}

impl Block {
    /// The block in the place `at` of all.
    pub(super) fn new(at: usize, name: String, fields: Fields) -> Result<Self, String> {
        let mut block = Self { at, name, own_name: None, matrix: None, fields: Rc::default() };
        let mut rest = Vec::new();
        for (field, value) in fields {
            match field.as_str() {
                "matrix" => block.matrix = Some(value),
                "name" => block.own_name = Some(value),
                _ => rest.push((field, value)),
            }
        }
        if block.own_name.is_some() && block.matrix.is_none() {
            return Err(format!("target `{}`: `name` requires matrix", block.name));
        }
        block.fields = Rc::new(rest);
        Ok(block)
    }

    /// A target that it makes, with the name that its matrix gives it.
    pub(super) fn draft(&self, name: Option<String>, axes: Axes) -> Draft {
        let block = name.is_some().then(|| self.name.clone());
        let (fields, name) = (Rc::clone(&self.fields), name.unwrap_or_else(|| self.name.clone()));
        Draft { at: self.at, block, name, fields, axes: Rc::new(axes), values: BTreeMap::new() }
    }
}

/// A target whose fields get their values.
pub(super) struct Draft {
    /// The place of its block.
    pub at: usize,
    /// The block's name where it has a matrix.
    pub block: Option<String>,
    pub name: String,
    pub fields: Rc<Fields>,
    pub axes: Rc<Axes>,
    /// Values of fields by their places; null is as good as not there.
    pub values: BTreeMap<usize, Value>,
}

/// A name of a target or group.
///
/// # Errors
/// Why it is none.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    match !name.is_empty() && name.chars().all(fits) {
        true => Ok(()),
        false => Err(format!("`{name}` is no name: it has other signs than letters, digits, `_` and `-`")),
    }
}

/// The name that a matrix gives a target.
pub(super) fn name(value: &Hcl) -> Result<String, String> {
    let name = match value {
        Hcl::String(name) => name.clone(),
        Hcl::Number(_) | Hcl::Bool(_) => value.to_string(),
        other => return Err(format!("`name` is a string, not `{other}`")),
    };
    check_name(&name).map(|()| name)
}

/// Adds all targets, and a group for each matrix whose targets have other names than its block.
pub(super) fn targets(file: &mut BakeFile, drafts: Vec<Draft>) {
    let mut made: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for Draft { block, name, fields, mut values, .. } in drafts {
        if let Some(block) = block {
            let names = made.entry(block).or_default();
            if !names.contains(&name) {
                names.push(name.clone());
            }
        }
        let mut own = Map::new();
        for (at, (field, _)) in fields.iter().enumerate() {
            if let Some(value) = values.remove(&at).filter(|value| !value.is_null()) {
                own.insert(field.clone(), value);
            }
        }
        // A later block of a name adds to the first, as an heir does to what it inherits.
        merge::join(file.targets.entry(name).or_default(), &own);
    }
    for (block, names) in made {
        if names != [block.clone()] {
            file.groups.entry(block).or_default().targets.extend(names);
        }
    }
}

/// What a field holds; numbers and booleans become text where text is wanted.
///
/// # Errors
/// What it cannot hold.
pub(super) fn checked(field: &str, mut value: Value) -> Result<Value, String> {
    let text = |value: &mut Value| match value {
        Value::Number(_) | Value::Bool(_) => {
            *value = Value::String(value.to_string());
            true
        }
        Value::String(_) => true,
        _ => false,
    };
    let (fits, wanted) = match field {
        "args" | "labels" | "contexts" | "extra-hosts" => {
            let fits = |map: &mut Map<String, Value>| map.values_mut().all(|v| v.is_null() || text(v));
            (value.as_object_mut().is_some_and(fits), "a map of strings")
        }
        "pull" | "no-cache" => {
            if let Some(truth @ ("true" | "false")) = value.as_str() {
                value = Value::Bool(truth == "true");
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
        _ => (text(&mut value), "a string"),
    };
    match fits {
        true => Ok(value),
        false => Err(format!("it is {wanted}, not `{value}`")),
    }
}

/// The points of a matrix: a row for each combination of its axes.
///
/// # Errors
/// What it is instead, or that there are too many.
pub(super) fn rows(matrix: Hcl) -> Result<Vec<Axes>, String> {
    let Hcl::Object(axes) = matrix else { return Err("`matrix` is no object".to_owned()) };
    let mut rows = vec![Axes::new()];
    for (axis, points) in axes {
        let Hcl::Array(points) = points else {
            return Err(format!("matrix axis `{axis}` is no list"));
        };
        let longer = |row: &Axes, point: &Hcl| {
            let mut row = row.clone();
            row.insert(axis.clone(), point.clone());
            row
        };
        rows = rows.iter().flat_map(|row| points.iter().map(move |point| longer(row, point))).collect();
        if rows.len() > LIMIT_MATRIX {
            return Err(format!("its matrix makes more than {LIMIT_MATRIX} targets"));
        }
    }
    Ok(rows)
}

/// Values of the fields of a block that is no target.
pub(super) fn values(fields: &Fields, order: &mut Evaluation<'_>) -> Result<Map<String, Value>, String> {
    let mut found = Map::new();
    for (field, expression) in fields {
        let wrong = |why: String| format!("`{field}`: {why}");
        let value = order.value(expression, &Axes::default()).map_err(wrong)?;
        let value = serde_json::to_value(&value).map_err(|error| wrong(error.to_string()))?;
        if !value.is_null() {
            found.insert(field.clone(), value);
        }
    }
    Ok(found)
}

/// All groups. A group of compose files is what their services are; one that is written takes its place.
pub(super) fn groups(
    blocks: Vec<(String, Fields)>,
    order: &mut Evaluation<'_>,
) -> Result<BTreeMap<String, Group>, String> {
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    for (name, fields) in blocks {
        let fields = values(&fields, order).map_err(|why| format!("group `{name}`: {why}"))?;
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
    Ok(groups)
}
