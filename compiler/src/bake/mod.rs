//! Bake files: several builds described in one file, as `docker buildx bake` reads them (docker-bake.hcl and .json).
//!
//! Owns: variables, groups, inheritance, matrices, and what a target says in the end. Never does: reading files or the
//! environment, or building.

mod calls;
mod compose;
mod evaluate;
mod functions;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

/// Why a bake file cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BakeError {
    /// The file is not HCL or JSON, or an expression in it has no value.
    #[error("`{file}`: {why}")]
    File {
        /// Its name.
        file: String,
        /// What is wrong, with the place where the reader knows it.
        why: String,
    },
    /// No target or group has the name.
    #[error("There is no target or group `{name}`{nearest}; there are {known}")]
    Unknown {
        /// The name.
        name: String,
        /// A question about the name that is nearest, if one is near.
        nearest: String,
        /// All names.
        known: String,
    },
    /// Groups or targets lead back to themselves.
    #[error("`{name}` leads back to itself")]
    Cycle {
        /// Where the circle was noticed.
        name: String,
    },
    /// An override that does not fit.
    #[error("`{option}` does not say TARGET.FIELD=VALUE")]
    Override {
        /// As written.
        option: String,
    },
}

/// A bake file as it was read.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct BakeFile {
    groups: BTreeMap<String, Vec<String>>,
    targets: BTreeMap<String, Map<String, Value>>,
}

/// What is to be built.
#[derive(Clone, PartialEq, Debug)]
pub struct Baked {
    /// Groups by name, with the targets that they come to.
    pub groups: BTreeMap<String, Vec<String>>,
    /// Targets by name, with everything that they inherit.
    pub targets: BTreeMap<String, Map<String, Value>>,
}

impl Baked {
    /// As `bake --print` has it.
    pub fn json(&self) -> Value {
        let groups = self.groups.iter().map(|(name, targets)| (name.clone(), json!({ "targets": targets })));
        json!({ "group": groups.collect::<Map<_, _>>(), "target": self.targets })
    }
}

/// Fields that are joined key by key when a target inherits; others are replaced.
const JOINED: [&str; 3] = ["args", "contexts", "labels"];

impl BakeFile {
    /// Reads files in order; later ones add to what earlier ones say. Compose files, which are those of YAML, come first.
    /// `environment` overrides variables; `dotenv` is the text of the `.env` file that compose files take theirs from too.
    ///
    /// # Errors
    /// [`BakeError::File`] with the first thing that cannot be understood.
    pub fn read(
        files: &[(String, String)],
        environment: &dyn Fn(&str) -> Option<String>,
        dotenv: &str,
    ) -> Result<Self, BakeError> {
        let (composed, own): (Vec<_>, Vec<_>) = files.iter().partition(|(name, _)| compose::is_compose(name));
        let file = match composed.is_empty() {
            true => Self::default(),
            false => compose::read(&composed, environment, dotenv)?,
        };
        evaluate::read(file, &own, environment)
    }

    /// `--set TARGET.FIELD[.KEY]=VALUE`; TARGET may have `*`.
    ///
    /// # Errors
    /// [`BakeError::Override`] for anything else.
    pub fn set(&mut self, option: &str) -> Result<(), BakeError> {
        let bad = || BakeError::Override { option: option.to_owned() };
        let (path, value) = option.split_once('=').ok_or_else(bad)?;
        let (pattern, field) = path.split_once('.').ok_or_else(bad)?;
        let (field, key) = field.split_once('.').map_or((field, None), |(f, k)| (f, Some(k)));
        for (_, target) in self.targets.iter_mut().filter(|(name, _)| fits(pattern, name)) {
            let old = target.get(field);
            let new = match (key, old) {
                (Some(key), old) => {
                    let mut map = old.and_then(Value::as_object).cloned().unwrap_or_default();
                    map.insert(key.to_owned(), json!(value));
                    Value::Object(map)
                }
                (None, _) if matches!(value, "true" | "false") => json!(value == "true"),
                (None, _) if is_list(field) => json!([value]),
                (None, _) => json!(value),
            };
            target.insert(field.to_owned(), new);
        }
        Ok(())
    }

    /// What names come to; without names, `default`.
    ///
    /// # Errors
    /// [`BakeError::Unknown`] and [`BakeError::Cycle`].
    pub fn resolve(&self, names: &[String]) -> Result<Baked, BakeError> {
        let default = ["default".to_owned()];
        let names = if names.is_empty() { &default } else { names };
        let mut baked = Baked { groups: BTreeMap::new(), targets: BTreeMap::new() };
        let mut wanted = Vec::new();
        for name in names {
            let before = wanted.len();
            self.expand(name, &mut BTreeSet::new(), &mut wanted)?;
            if self.groups.contains_key(name) {
                baked.groups.insert(name.clone(), wanted[before..].to_vec());
            }
        }
        baked.groups.entry("default".to_owned()).or_insert_with(|| wanted.clone());
        while let Some(name) = wanted.pop() {
            let Entry::Vacant(place) = baked.targets.entry(name) else { continue };
            let mut target = self.inherited(place.key(), &mut BTreeSet::new())?;
            complete(&mut target);
            wanted.extend(linked(&target));
            place.insert(target);
        }
        Ok(baked)
    }

    fn expand(
        &self,
        name: &str,
        open: &mut BTreeSet<String>,
        out: &mut Vec<String>,
    ) -> Result<(), BakeError> {
        let Some(members) = self.groups.get(name) else {
            if !self.targets.contains_key(name) {
                return Err(self.unknown(name));
            }
            if !out.iter().any(|known| known == name) {
                out.push(name.to_owned());
            }
            return Ok(());
        };
        if !open.insert(name.to_owned()) {
            return Err(BakeError::Cycle { name: name.to_owned() });
        }
        for member in members {
            self.expand(member, open, out)?;
        }
        open.remove(name);
        Ok(())
    }

    fn inherited(&self, name: &str, open: &mut BTreeSet<String>) -> Result<Map<String, Value>, BakeError> {
        let own = self.targets.get(name).ok_or_else(|| self.unknown(name))?;
        if !open.insert(name.to_owned()) {
            return Err(BakeError::Cycle { name: name.to_owned() });
        }
        let mut target = Map::new();
        for parent in strings(own.get("inherits")) {
            join(&mut target, &self.inherited(&parent, open)?);
        }
        join(&mut target, own);
        target.remove("inherits");
        open.remove(name);
        Ok(target)
    }

    fn unknown(&self, name: &str) -> BakeError {
        let known: Vec<&str> = self.groups.keys().chain(self.targets.keys()).map(String::as_str).collect();
        let near = |other: &&&str| strsim::damerau_levenshtein(name, other) <= name.len().div_ceil(3);
        let nearest = known.iter().filter(near).min_by_key(|other| strsim::damerau_levenshtein(name, other));
        let nearest = nearest.map(|other| format!(" (did you mean `{other}`?)")).unwrap_or_default();
        BakeError::Unknown { name: name.to_owned(), nearest, known: known.join(", ") }
    }
}

/// Says what is meant where a target is silent, and makes text of what build arguments and labels hold.
fn complete(target: &mut Map<String, Value>) {
    target.entry("context").or_insert_with(|| json!("."));
    target.entry("dockerfile").or_insert_with(|| json!("Dockerfile"));
    for field in ["args", "labels"] {
        let Some(map) = target.get_mut(field).and_then(Value::as_object_mut) else { continue };
        map.retain(|_, value| !value.is_null());
        for value in map.values_mut().filter(|value| !value.is_string()) {
            *value = Value::String(value.to_string());
        }
    }
}

/// Fields that hold lists.
fn is_list(field: &str) -> bool {
    ["tags", "platforms", "output", "cache-from", "cache-to", "secret", "ssh", "attest", "no-cache-filter"]
        .contains(&field)
}

fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, end)) => {
            name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
        }
    }
}

/// Puts one target's fields over another's.
fn join(under: &mut Map<String, Value>, over: &Map<String, Value>) {
    for (field, value) in over {
        match (under.get_mut(field).and_then(Value::as_object_mut), value.as_object()) {
            (Some(old), Some(new)) if JOINED.contains(&field.as_str()) => old.extend(new.clone()),
            _ => drop(under.insert(field.clone(), value.clone())),
        }
    }
}

/// The strings of a list, or the one string that stands for a list.
pub fn strings(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(items)) => {
            items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
        }
        _ => Vec::new(),
    }
}

/// Targets that a target's contexts name.
pub fn linked(target: &Map<String, Value>) -> Vec<String> {
    let contexts = target.get("contexts").and_then(Value::as_object).into_iter().flatten();
    contexts.filter_map(|(_, value)| Some(value.as_str()?.strip_prefix("target:")?.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<BakeFile, BakeError> {
        let environment = |name: &str| (name == "FROM_ENV").then(|| "env".to_owned());
        BakeFile::read(&[("docker-bake.hcl".to_owned(), text.to_owned())], &environment, "")
    }

    #[test]
    fn targets_inherit_and_groups_expand() {
        let file = read(
            r#"
            variable "TAG" { default = "1.${PATCH}" }
            variable "PATCH" { default = 2 }
            variable "FROM_ENV" { default = "file" }
            group "default" { targets = ["more", "app"] }
            group "more" { targets = ["app", "db"] }
            target "base" { args = { A = "1", B = FROM_ENV } }
            target "app" {
              inherits = ["base"]
              args = { A = "2" }
              tags = ["app:${TAG}", upper("x")]
            }
            target "db" { contexts = { base = "target:base" } }
            "#,
        )
        .unwrap();
        let baked = file.resolve(&[]).unwrap();
        assert_eq!(baked.groups["default"], ["app", "db"]);
        assert_eq!(baked.targets["app"]["args"], json!({ "A": "2", "B": "env" }));
        assert_eq!(baked.targets["app"]["tags"], json!(["app:1.2", "X"]));
        assert!(baked.targets.contains_key("base"), "a linked target is built too");
    }

    #[test]
    fn a_matrix_makes_targets_and_a_group() {
        let file = read(
            r#"target "app" {
              name = "app-${v}-${o}"
              matrix = { v = ["1", "2"], o = ["a"] }
              args = { V = v }
            }"#,
        )
        .unwrap();
        let baked = file.resolve(&["app".to_owned()]).unwrap();
        assert_eq!(baked.groups["app"], ["app-1-a", "app-2-a"]);
        let want = json!({ "context": ".", "dockerfile": "Dockerfile", "args": { "V": "2" } });
        assert_eq!(json!(baked.targets["app-2-a"]), want);
    }

    #[test]
    fn overrides_change_fields() {
        let mut file = read("target \"a\" {}\ntarget \"ab\" {}").unwrap();
        file.set("a*.args.X=1").unwrap();
        file.set("a.tags=t").unwrap();
        let baked = file.resolve(&["a".to_owned(), "ab".to_owned()]).unwrap();
        assert_eq!(baked.targets["ab"]["args"]["X"], "1");
        assert_eq!(baked.targets["a"]["tags"], json!(["t"]));
        assert!(file.set("x").is_err());
    }

    #[test]
    fn what_cannot_be_is_named() {
        for (text, want) in [
            ("target \"a\" {", "docker-bake.hcl"),
            ("target \"a\" { tags = [nope] }", "nope"),
            ("variable \"A\" { default = B }\nvariable \"B\" { default = A }", "A"),
            ("thing \"a\" {}", "thing"),
            ("function \"f\" {\n params = []\n result = f()\n}\ntarget \"a\" { tags = [f()] }", "itself"),
            ("function \"f\" {\n params = [x]\n result = x\n}\ntarget \"a\" { tags = [f()] }", "arguments"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(want), "{text}: {error}");
        }
        let deep = format!("a = {}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(read(&deep).unwrap_err().to_string().contains("deep"));
        let circle = read("group \"a\" { targets = [\"b\"] }\ngroup \"b\" { targets = [\"a\"] }").unwrap();
        assert!(matches!(circle.resolve(&["a".to_owned()]), Err(BakeError::Cycle { .. })));
        assert!(matches!(circle.resolve(&["c".to_owned()]), Err(BakeError::Unknown { .. })));
    }

    #[test]
    fn functions_of_the_file_are_called() {
        let file = read(
            r#"
            variable "N" { default = "outer" }
            function "add" {
              params = [N, m]
              result = N + m
            }
            function "tag" {
              params = [name]
              variadic_params = rest
              result = "$${x} ${name}:${join("-", rest)}"
            }
            function "both" {
              params = [x]
              result = [tag(x, N), tag(N, x, "z")]
            }
            target "default" {
              args = { SUM = add(add(1, 2), 4) }
              tags = concat(both("in"), [tag("s", ["a", "b"]...), "plain-${add(1, 1)}-$${y}"])
            }"#,
        )
        .unwrap();
        let target = &file.resolve(&[]).unwrap().targets["default"];
        assert_eq!(target["args"]["SUM"], "7");
        let want = ["${x} in:outer", "${x} outer:in-z", "${x} s:a-b", "plain-2-${y}"];
        assert_eq!(target["tags"], json!(want));
    }

    #[test]
    fn variables_are_validated_and_names_suggested() {
        let rule = |value: &str| {
            read(&format!(
                "variable \"V\" {{\n default = \"{value}\"\n validation {{\n condition = V != \"\"\n error_message = \"V is needed\"\n }}\n}}\ntarget \"app\" {{}}"
            ))
        };
        assert!(rule("").unwrap_err().to_string().contains("V is needed"));
        let file = rule("x").unwrap();
        let error = file.resolve(&["apq".to_owned()]).unwrap_err().to_string();
        assert!(error.contains("did you mean `app`?"), "{error}");
    }

    #[test]
    fn json_has_the_same_meaning() {
        let text = r#"{"variable": {"T": {"default": "1"}}, "group": {"default": {"targets": ["a"]}},
            "target": {"a": {"tags": ["x:${T}"]}}}"#;
        let file =
            BakeFile::read(&[("docker-bake.json".to_owned(), text.to_owned())], &|_| None, "").unwrap();
        assert_eq!(file.resolve(&[]).unwrap().targets["a"]["tags"], json!(["x:1"]));
    }
}
