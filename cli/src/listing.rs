//! Lists of objects: a table for people, JSON lines or a template for programs, bare ids with `-q`.

use serde_json::Value;

use crate::failure::Failure;
use crate::output;
use crate::table::Table;
use crate::template::Template;

/// How a kind of object is listed.
#[derive(Debug, Clone, Copy)]
pub struct Layout<'a> {
    /// Head and field of each column of the table.
    pub columns: &'a [(&'a str, &'a str)],
    /// The field that `-q` prints.
    pub id: &'a str,
}

/// Prints the rows, each a flat JSON object.
pub fn print(rows: &[Value], layout: Layout<'_>, format: Option<&str>, quiet: bool) -> Result<(), Failure> {
    let text = match format {
        _ if quiet => rows.iter().map(|row| cell(row, layout.id) + "\n").collect(),
        None | Some("table") => table(rows, layout),
        Some("json") => rows.iter().map(json_line).collect(),
        Some(format) => templated(rows, &Template::parse(format)?)?,
    };
    output::data(&text)
}

/// A row without `Label`, the map that only templates look into.
fn json_line(row: &Value) -> String {
    let mut row = row.clone();
    if let Some(map) = row.as_object_mut() {
        map.remove("Label");
    }
    format!("{row}\n")
}

fn cell(row: &Value, field: &str) -> String {
    match row.get(field) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

fn table(rows: &[Value], layout: Layout<'_>) -> String {
    let heads: Vec<&str> = layout.columns.iter().map(|(head, _)| *head).collect();
    let mut table = Table::new(&heads);
    for row in rows {
        table.row(layout.columns.iter().map(|(_, field)| cell(row, field)).collect());
    }
    table.render()
}

fn templated(rows: &[Value], template: &Template) -> Result<String, Failure> {
    if !template.table {
        let lines = rows.iter().map(|row| Ok(template.render(row)? + "\n"));
        return lines.collect();
    }
    let mut table = Table::without_heads();
    table.row(template.heads());
    for row in rows {
        table.row(template.render(row)?.split('\t').map(str::to_owned).collect());
    }
    Ok(table.render())
}

/// Prints documents as `inspect` does: a JSON array, or a template applied to each.
pub fn inspect(documents: &[Value], format: Option<&str>) -> Result<(), Failure> {
    match format {
        None | Some("json") => output::json(&documents),
        Some(format) => {
            let template = Template::parse(format)?;
            let lines = documents.iter().map(|d| Ok(template.render(d)? + "\n"));
            output::data(&lines.collect::<Result<String, Failure>>()?)
        }
    }
}

/// Repeated `--filter NAME=VALUE`: values of one name are alternatives, names must all hold (several `label=` too).
#[derive(Debug, Default)]
pub struct Filters(Vec<(String, Vec<String>)>);

impl Filters {
    /// Reads the options; a name that is not in `known` is an error.
    pub fn parse(options: &[String], known: &[&str]) -> Result<Self, Failure> {
        let mut filters: Vec<(String, Vec<String>)> = Vec::new();
        for option in options {
            let (name, value) = option
                .split_once('=')
                .ok_or_else(|| Failure::usage(format!("Filter `{option}` is not of the form NAME=VALUE")))?;
            if !known.contains(&name) {
                let message = format!("There is no filter `{name}`");
                return Err(Failure::usage(message).help(format!("Filters here: {}", known.join(", "))));
            }
            match filters.iter_mut().find(|(n, _)| n == name && name != "label") {
                Some((_, values)) => values.push(value.to_owned()),
                None => filters.push((name.to_owned(), vec![value.to_owned()])),
            }
        }
        Ok(Self(filters))
    }

    /// True when `holds(name, value)` for one value of every name.
    pub fn pass(&self, holds: impl Fn(&str, &str) -> bool) -> bool {
        self.0.iter().all(|(name, values)| values.iter().any(|value| holds(name, value)))
    }

    /// The values that this filter was given.
    pub fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(n, _)| n == name).flat_map(|(_, values)| values).map(String::as_str)
    }

    /// True when this filter was given.
    pub fn names(&self, name: &str) -> bool {
        self.0.iter().any(|(n, _)| n == name)
    }
}

/// `label=NAME` or `label=NAME=VALUE` against a JSON map of labels.
pub fn label_matches(labels: Option<&Value>, wanted: &str) -> bool {
    let (name, value) = wanted.split_once('=').map_or((wanted, None), |(n, v)| (n, Some(v)));
    let found = labels.and_then(|l| l.get(name)).and_then(Value::as_str);
    found.is_some_and(|found| value.is_none_or(|v| v == found))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn filters_are_alternatives_within_a_name_only() {
        let options = ["name=a", "name=b", "status=up", "label=x", "label=y"].map(str::to_owned);
        let filters = Filters::parse(&options, &["name", "status", "label"]).unwrap();
        assert!(filters.pass(|n, v| matches!((n, v), ("name", "b") | ("status", "up") | ("label", _))));
        assert!(!filters.pass(|n, v| matches!((n, v), ("name", "b") | ("status", "up") | ("label", "x"))));
        assert!(Filters::parse(&["foo=1".to_owned()], &["name"]).is_err());
    }

    #[test]
    fn labels_match_by_name_or_value() {
        let labels = json!({"a": "1"});
        assert!(label_matches(Some(&labels), "a") && label_matches(Some(&labels), "a=1"));
        assert!(!label_matches(Some(&labels), "a=2") && !label_matches(None, "a"));
    }
}
