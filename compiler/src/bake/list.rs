//! `bake --list`: the targets or the variables of the files, as a table or as JSON.

use serde_json::{Map, Value, json};

use super::BakeFile;

/// What is listed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Listing {
    /// Targets and groups.
    Targets,
    /// Variables with their values.
    Variables,
}

/// A variable as it is after everything that sets it.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Variable {
    pub name: String,
    pub description: String,
    /// As `type` of its block has it, in words.
    pub kind: String,
    /// `None` for null.
    pub value: Option<String>,
}

/// Width of a tab stop of a table, in characters.
const TAB: usize = 8;

impl BakeFile {
    /// The text of `bake --list=targets` or `variables`.
    pub fn list(&self, what: Listing) -> String {
        let rows = match what {
            Listing::Targets => {
                let head = vec!["TARGET".to_owned(), "DESCRIPTION".to_owned()];
                let rows = self.named().into_iter().map(|(name, text, _)| vec![name, text]);
                std::iter::once(head).chain(rows).collect::<Vec<_>>()
            }
            Listing::Variables => {
                let head = ["VARIABLE", "TYPE", "VALUE", "DESCRIPTION"].map(str::to_owned).to_vec();
                let rows = self.variables.iter().map(|variable| {
                    let value = variable.value.clone().unwrap_or_else(|| "<null>".to_owned());
                    vec![variable.name.clone(), variable.kind.clone(), value, variable.description.clone()]
                });
                std::iter::once(head).chain(rows).collect()
            }
        };
        table(&rows)
    }

    /// The same as JSON, fields without a value left out.
    pub fn list_json(&self, what: Listing) -> String {
        let full = |fields: Vec<(&str, Value)>| {
            let kept = fields.into_iter().filter(|(_, value)| !value.is_null() && *value != json!(false));
            Value::Object(kept.map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
        };
        let some = |text: &String| if text.is_empty() { Value::Null } else { json!(text) };
        let items: Vec<Value> = match what {
            Listing::Targets => {
                let named = self.named().into_iter();
                let item = |(name, text, group)| {
                    full(vec![("name", json!(name)), ("description", some(&text)), ("group", json!(group))])
                };
                named.map(item).collect()
            }
            Listing::Variables => {
                let item = |variable: &Variable| {
                    full(vec![
                        ("name", json!(variable.name)),
                        ("description", some(&variable.description)),
                        ("type", some(&variable.kind)),
                        ("value", json!(variable.value)),
                    ])
                };
                self.variables.iter().map(item).collect()
            }
        };
        format!("{}\n", super::print::escaped(&format!("{:#}", Value::Array(items))))
    }

    /// Targets and groups by name, with what is said of each; those that begin with `_` are private.
    fn named(&self) -> Vec<(String, String, bool)> {
        let targets = self.targets.iter().map(|(name, fields)| {
            let text = fields.get("description").and_then(Value::as_str).unwrap_or_default();
            (name.clone(), text.to_owned(), false)
        });
        let groups = self.groups.iter().map(|(name, group)| {
            let mut members = group.targets.clone();
            members.sort();
            let members = members.join(", ");
            let text = match group.description.as_deref().filter(|text| !text.is_empty()) {
                Some(text) => format!("{text} ({members})"),
                None => members,
            };
            (name.clone(), text, true)
        });
        let mut all: Vec<_> = targets.chain(groups).filter(|(name, ..)| !name.starts_with('_')).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    }
}

/// Columns stand at tab stops.
fn table(rows: &[Vec<String>]) -> String {
    let mut out = String::new();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        let widest = cells.map(|cell| cell.chars().count()).max().unwrap_or_default();
        (widest + 1).next_multiple_of(TAB)
    };
    for row in rows {
        for (column, cell) in row.iter().enumerate() {
            out.push_str(cell);
            if column + 1 < row.len() {
                let missing = width(column) - cell.chars().count();
                out.push_str(&"\t".repeat(missing.div_ceil(TAB)));
            }
        }
        out.push('\n');
    }
    out
}
