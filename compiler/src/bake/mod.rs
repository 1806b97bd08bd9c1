//! Bake files: several builds described in one file, as `docker buildx bake` reads them (docker-bake.hcl and .json).
//!
//! Owns: variables, groups, inheritance, matrices, and what a target says in the end. Never does: reading files, the clock or the
//! environment, or building.

mod attempts;
mod calls;
mod compose;
mod entries;
mod evaluate;
mod functions;
mod kinds;
mod list;
mod merge;
mod operators;
mod order;
mod overrides;
mod print;
mod references;
mod seen;
mod targets;
#[cfg(test)]
mod tests;
mod variables;
mod walk;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

pub use self::entries::references;
use self::evaluate::Raw;
pub use self::list::Listing;
use self::list::Variable;
use self::overrides::Changes;

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
    #[error("--set `{option}`: {why}")]
    Override {
        /// As written.
        option: String,
        /// What is wrong with it.
        why: String,
    },
    /// A target's field that cannot be what it is.
    #[error("Target `{name}`: {why}")]
    Target {
        /// The target.
        name: String,
        /// What is wrong.
        why: String,
    },
}

/// What files cannot say by themselves.
pub struct Surroundings<'a> {
    /// Gives variables of the environment, which go before defaults.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
    /// The text of the `.env` file, which compose files take variables from too.
    pub dotenv: &'a str,
    /// Gives the text of a file that a compose file names, with its directory; `None` where there is none.
    pub read: &'a dyn Fn(&std::path::Path) -> Result<Option<String>, String>,
    /// What `timestamp()` is: the time in RFC 3339.
    pub now: &'a str,
    /// This machine's platform, `BAKE_LOCAL_PLATFORM`.
    pub platform: &'a str,
}

impl std::fmt::Debug for Surroundings<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Surroundings").field("now", &self.now).field("platform", &self.platform).finish()
    }
}

/// A group of targets and groups.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Group {
    /// What it is for.
    pub description: Option<String>,
    /// Its members.
    pub targets: Vec<String>,
}

/// A bake file as it was read.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct BakeFile {
    groups: BTreeMap<String, Group>,
    targets: BTreeMap<String, Map<String, Value>>,
    variables: Vec<Variable>,
    changes: BTreeMap<String, Changes>,
}

/// What is to be built.
#[derive(Clone, PartialEq, Debug)]
pub struct Baked {
    /// The groups that were asked for and those in them; `default` is what was asked for.
    pub groups: BTreeMap<String, Group>,
    /// Targets by name, with everything that they inherit.
    pub targets: BTreeMap<String, Map<String, Value>>,
}

impl BakeFile {
    /// Reads files in order; later ones add to what earlier ones say. Compose files, which are those of YAML, come first.
    ///
    /// # Errors
    /// [`BakeError::File`] with the first thing that cannot be understood.
    pub fn read(files: &[(String, String)], around: &Surroundings<'_>) -> Result<Self, BakeError> {
        let mut composed: Vec<&(String, String)> = Vec::new();
        let mut own = Raw::default();
        for file in files {
            let (name, text) = file;
            if compose::is_compose(name) {
                composed.push(file);
                continue;
            }
            match own.add(name, text) {
                Ok(()) => {}
                // Its name does not say what it is.
                Err(BakeError::File { .. }) if !evaluate::is_bake(name) && compose::can_be(text) => {
                    composed.push(file);
                }
                Err(error) => return Err(error),
            }
        }
        let file = match composed.is_empty() {
            true => Self::default(),
            false => compose::read(&composed, around)?,
        };
        own.evaluate(file, around)
    }

    /// What names come to; without names, `default`. A name may be a pattern such as `app-*`.
    ///
    /// # Errors
    /// [`BakeError::Unknown`], [`BakeError::Cycle`] and [`BakeError::Target`].
    pub fn resolve(&self, names: &[String]) -> Result<Baked, BakeError> {
        let default = ["default".to_owned()];
        let names = self.named_by(if names.is_empty() { &default } else { names })?;
        let mut baked = Baked { groups: BTreeMap::new(), targets: BTreeMap::new() };
        let mut wanted = Vec::new();
        for name in &names {
            self.expand(name, &mut BTreeSet::new(), &mut wanted, &mut baked.groups)?;
        }
        if names != default || !baked.groups.contains_key("default") {
            // A group of that name is there with its own members.
            let is_group = baked.groups.contains_key("default");
            let asked = baked.groups.entry("default".to_owned()).or_default();
            asked.targets.extend(
                names.iter().filter(|name| *name != "default" || names.len() == 1 || !is_group).cloned(),
            );
        }
        if let Some(group) = baked.groups.get_mut("default") {
            group.targets.sort();
            group.targets.dedup();
        }
        let asked = wanted.clone();
        while let Some(name) = wanted.pop() {
            let Entry::Vacant(place) = baked.targets.entry(name) else { continue };
            let mut target = self.inherited(place.key(), &mut BTreeSet::new())?;
            merge::complete(&mut target);
            if !asked.contains(place.key()) {
                // What others take files from goes nowhere itself.
                target.insert("output".to_owned(), json!(["type=cacheonly"]));
            }
            wanted.extend(linked(&target));
            place.insert(target);
        }
        let mut done = BTreeSet::new();
        for (name, target) in &baked.targets {
            baked.check_links(name, &mut Vec::new(), &mut done)?;
            baked.check_platforms(name, target)?;
        }
        Ok(baked)
    }

    fn named_by(&self, patterns: &[String]) -> Result<Vec<String>, BakeError> {
        let mut names: Vec<String> = Vec::new();
        for pattern in patterns {
            // Names of services may have dots, those of their targets have none.
            let pattern = pattern.replace('.', "_");
            let glob = buildc_ir::pattern::Glob::new(&pattern).ok();
            let found: Vec<String> = match glob.filter(|_| buildc_ir::pattern::Glob::has_wildcard(&pattern)) {
                None => vec![pattern.clone()],
                Some(glob) => {
                    let all = self.groups.keys().chain(self.targets.keys());
                    all.filter(|name| glob.matches(name.as_bytes())).cloned().collect()
                }
            };
            if found.is_empty() {
                return Err(self.unknown(&pattern));
            }
            for name in found {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        Ok(names)
    }

    fn expand(
        &self,
        name: &str,
        open: &mut BTreeSet<String>,
        out: &mut Vec<String>,
        groups: &mut BTreeMap<String, Group>,
    ) -> Result<(), BakeError> {
        let Some(group) = self.groups.get(name) else {
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
        groups.entry(name.to_owned()).or_insert_with(|| group.clone());
        for member in &group.targets {
            // A target in a group of its own name.
            match member == name && self.targets.contains_key(name) {
                true if !out.contains(member) => out.push(member.clone()),
                true => {}
                false => self.expand(member, open, out, groups)?,
            }
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
            merge::join(&mut target, &self.inherited(&parent, open)?);
        }
        merge::join(&mut target, own);
        target.shift_remove("inherits");
        if let Some(changes) = self.changes.get(name) {
            let wrong = |why| BakeError::Target { name: name.to_owned(), why };
            overrides::apply(&mut target, changes).map_err(wrong)?;
        }
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

impl Baked {
    /// Refuses targets that take files from each other in a circle.
    fn check_links<'a>(
        &'a self,
        name: &'a str,
        open: &mut Vec<&'a str>,
        done: &mut BTreeSet<&'a str>,
    ) -> Result<(), BakeError> {
        if done.contains(name) {
            return Ok(());
        }
        if open.contains(&name) {
            return Err(BakeError::Cycle { name: name.to_owned() });
        }
        open.push(name);
        let contexts = self.targets.get(name).and_then(|target| target.get("contexts"));
        for (_, place) in contexts.and_then(Value::as_object).into_iter().flatten() {
            if let Some(other) = place.as_str().and_then(|place| place.strip_prefix("target:")) {
                self.check_links(other, open, done)?;
            }
        }
        open.pop();
        done.insert(name);
        Ok(())
    }

    /// Refuses a target for several platforms, of which not all are those of a target of several that it takes files from.
    fn check_platforms(&self, name: &str, target: &Map<String, Value>) -> Result<(), BakeError> {
        let own = strings(target.get("platforms"));
        for other in linked(target).iter().filter(|_| own.len() > 1) {
            let known = strings(self.targets.get(other).and_then(|target| target.get("platforms")));
            if known.len() > 1 && !own.iter().all(|platform| known.contains(platform)) {
                let why = format!(
                    "it takes files from target `{other}`, but its platforms ({}) are not a subset of those of `{other}` ({})",
                    own.join(", "),
                    known.join(", ")
                );
                return Err(BakeError::Target { name: name.to_owned(), why });
            }
        }
        Ok(())
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
