//! Places of steps and of what was fetched, in the strings of a request.
//!
//! Owns: where in a request they are, and which of them can be honoured. Never does: mounting.

use serde_json::Value as Json;

/// The places that a request names.
#[derive(Debug, Default)]
pub(super) struct Mentions {
    pub(super) places: Vec<String>,
    /// Where in the request each of them is.
    holders: Vec<Vec<String>>,
    /// Where in the request we are.
    pub(super) path: Vec<String>,
}

impl Mentions {
    pub(super) fn add(&mut self, place: String) {
        self.places.push(place);
        self.holders.push(self.path.clone());
    }

    /// Refuses a place where a string is only kept: nothing would be there when it is read.
    pub(super) fn check(&self, kind: &str, request: &Json) -> Result<(), String> {
        let is_used = |holder: &[String]| match (kind, holder.first().map_or("", String::as_str)) {
            // A command has all that its strings name mounted.
            ("exec", _) => true,
            ("copy", first) => first == "from",
            ("dockerfile", first) => matches!(first, "context" | "file" | "contexts"),
            _ => false,
        };
        let Some(at) = self.holders.iter().position(|holder| !is_used(holder)) else { return Ok(()) };
        Err(format!(
            "attribute '{}' holds the place `{}`, where nothing will be: only commands have what their strings name mounted. Copy it into the tree with buildc.copy and write the path that it has there",
            attribute(&self.holders[at], request),
            self.places[at],
        ))
    }
}

/// What the author calls a part of a request.
fn attribute(path: &[String], request: &Json) -> String {
    let mut names = Vec::new();
    let mut here = Some(request);
    for word in path {
        here = here.and_then(|value| match value {
            Json::Array(items) => items.get(word.parse::<usize>().ok()?),
            value => value.get(word),
        });
        // An element with a name of its own is known by that.
        match here.and_then(|value| value.get("name")).and_then(Json::as_str) {
            Some(name) => {
                names.push(name.to_owned());
                break;
            }
            None => names.push(word.clone()),
        }
    }
    match names.split_first() {
        Some((first, rest)) if first == "config" && !rest.is_empty() => of_config(rest),
        _ if names == ["dest"] => "to".to_owned(),
        _ => names.join("."),
    }
}

/// The attribute of an image config, whose names begin with a capital.
fn of_config(names: &[String]) -> String {
    let capital = |word: &String| match word.as_str() {
        "ports" => "ExposedPorts".to_owned(),
        word => word.chars().take(1).flat_map(char::to_uppercase).chain(word.chars().skip(1)).collect(),
    };
    let (first, rest) = names.split_at(names.len().min(1));
    first.iter().map(capital).chain(rest.iter().cloned()).collect::<Vec<_>>().join(".")
}
