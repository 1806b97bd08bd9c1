//! registries.conf, version 2 (containers-registries.conf(5)): where a name is looked for.
//!
//! Owns: finding and merging the files, search list, aliases, prefixes, mirrors. Never does: any request.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::name::{DOCKER_IO, Name, split_host};
use super::{RemoteError, Result};

/// The merged configuration.
#[derive(Clone, Debug, Default)]
pub struct Registries {
    search: Option<Vec<String>>,
    rules: Vec<Rule>,
    aliases: BTreeMap<String, String>,
}

/// One repository at one host where an image may be asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Place {
    /// Host with port, as configured.
    pub(super) host: String,
    /// Repository within the host.
    pub(super) path: String,
    /// Plain http and unverified certificates are allowed.
    pub(super) insecure: bool,
}

#[derive(Deserialize, Debug)]
#[serde(rename_all = "kebab-case")]
struct File {
    unqualified_search_registries: Option<Vec<String>>,
    #[serde(default)]
    registry: Vec<Rule>,
    #[serde(default)]
    aliases: BTreeMap<String, String>,
    /// The table of version 1; refused.
    registries: Option<toml::Value>,
}

#[derive(Clone, Deserialize, Debug)]
#[serde(rename_all = "kebab-case")]
struct Rule {
    prefix: Option<String>,
    #[serde(default)]
    location: String,
    #[serde(default)]
    insecure: bool,
    #[serde(default)]
    blocked: bool,
    #[serde(default)]
    mirror_by_digest_only: bool,
    #[serde(default)]
    mirror: Vec<Mirror>,
}

#[derive(Clone, Deserialize, Debug)]
#[serde(rename_all = "kebab-case")]
struct Mirror {
    location: String,
    #[serde(default)]
    insecure: bool,
    pull_from_mirror: Option<PullFromMirror>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize, Debug)]
#[serde(rename_all = "kebab-case")]
enum PullFromMirror {
    All,
    DigestOnly,
    TagOnly,
}

impl Registries {
    /// Reads the user's or the system's file and the drop-in directories, or the file that
    /// `$CONTAINERS_REGISTRIES_CONF` names. Missing files are no error.
    ///
    /// # Errors
    /// When a file exists and cannot be read or understood.
    pub fn load() -> Result<Self> {
        let forced =
            std::env::var_os("CONTAINERS_REGISTRIES_CONF").filter(|v| !v.is_empty()).map(PathBuf::from);
        let user = user_config_dir().map(|dir| dir.join("containers"));
        Self::load_from(forced.as_deref(), user.as_deref(), Some(Path::new("/etc/containers")))
    }

    /// Reads one file and nothing else.
    ///
    /// # Errors
    /// When the file cannot be read or understood.
    pub fn load_file(path: &Path) -> Result<Self> {
        Self::load_from(Some(path), None, None)
    }

    /// As [`Registries::load`], with the places given. A user's main file hides the system's drop-ins too.
    fn load_from(forced: Option<&Path>, user: Option<&Path>, system: Option<&Path>) -> Result<Self> {
        let user_main =
            user.map(|dir| dir.join("registries.conf")).filter(|p| forced.is_none() && p.exists());
        let mut files = Vec::new();
        let hides_system = user_main.is_some();
        match forced {
            Some(path) if !path.exists() => return Err(invalid(path, "the file does not exist")),
            Some(path) => files.push(path.to_owned()),
            None => files.extend(user_main.or_else(|| system.map(|dir| dir.join("registries.conf")))),
        }
        if !hides_system {
            files.extend(system.map(drop_ins).transpose()?.unwrap_or_default());
        }
        files.extend(user.map(drop_ins).transpose()?.unwrap_or_default());
        let mut merged = Self::default();
        for file in files {
            match std::fs::read_to_string(&file) {
                Ok(text) => merged.add(&file, &text)?,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(source) => return Err(RemoteError::Io { action: "read", path: file, source }),
            }
        }
        Ok(merged)
    }

    /// Lays one file over what was read before: lists replace, rules replace those with the same prefix.
    fn add(&mut self, path: &Path, text: &str) -> Result<()> {
        let file: File = toml::from_str(text).map_err(|error| invalid(path, error.to_string().trim()))?;
        if file.registries.is_some() {
            return Err(invalid(path, "`[registries.…]` is the obsolete version 1 form"));
        }
        if let Some(search) = file.unqualified_search_registries {
            self.search = Some(search);
        }
        for rule in file.registry {
            if rule.location.is_empty() && rule.prefix.is_none() {
                return Err(invalid(path, "a `[[registry]]` has neither `prefix` nor `location`"));
            }
            self.rules.retain(|old| old.prefix() != rule.prefix());
            self.rules.push(rule);
        }
        self.aliases.extend(file.aliases);
        Ok(())
    }

    /// The fully qualified names that a text may mean, in order.
    pub(super) fn candidates(&self, text: &str) -> Result<Vec<Name>> {
        if !Name::is_short(text) {
            return Ok(vec![Name::parse(text)?]);
        }
        let end = text.find(['@', ':']).unwrap_or(text.len());
        let (bare, rest) = text.split_at(end);
        if let Some(alias) = self.aliases.get(bare).filter(|a| !a.is_empty()) {
            return Ok(vec![Name::parse(&format!("{alias}{rest}"))?]);
        }
        match self.search.as_deref() {
            None | Some([]) => Ok(vec![Name::parse(text)?]),
            Some(hosts) => hosts.iter().map(|host| Name::parse(&format!("{host}/{text}"))).collect(),
        }
    }

    /// Where to ask for a name when pulling: mirrors in order, then the origin.
    pub(super) fn pull_places(&self, name: &Name) -> Result<Vec<Place>> {
        let mut places = Vec::new();
        let origin = self.push_place(name)?;
        if let Some(rule) = self.rule(name) {
            for mirror in rule.mirror.iter().filter(|m| rule.uses(m, name)) {
                if let Some(place) = rule.rewritten(name, &mirror.location, mirror.insecure) {
                    places.push(place);
                }
            }
        }
        places.push(origin);
        Ok(places)
    }

    /// Where to write a name: never a mirror.
    pub(super) fn push_place(&self, name: &Name) -> Result<Place> {
        let plain = Place { host: name.host.clone(), path: name.path.clone(), insecure: false };
        match self.rule(name) {
            None => Ok(plain),
            Some(rule) if rule.blocked => Err(RemoteError::Blocked { name: name.to_string() }),
            Some(rule) if rule.location.is_empty() => Ok(Place { insecure: rule.insecure, ..plain }),
            Some(rule) => Ok(rule.rewritten(name, &rule.location, rule.insecure).unwrap_or(plain)),
        }
    }

    /// Says whether a host may be spoken to in plain http.
    pub(super) fn is_insecure(&self, host: &str) -> bool {
        self.rules.iter().any(|rule| rule.insecure && rule.prefix().split('/').next() == Some(host))
    }

    /// The rule with the longest matching prefix.
    fn rule(&self, name: &Name) -> Option<&Rule> {
        let full = name.to_string();
        let matching = self.rules.iter().filter_map(|rule| Some((match_len(&full, rule.prefix())?, rule)));
        matching.max_by_key(|(len, _)| *len).map(|(_, rule)| rule)
    }
}

impl Rule {
    fn prefix(&self) -> &str {
        self.prefix.as_deref().filter(|p| !p.is_empty()).unwrap_or(&self.location)
    }

    fn uses(&self, mirror: &Mirror, name: &Name) -> bool {
        match mirror.pull_from_mirror {
            None if self.mirror_by_digest_only => name.digest.is_some(),
            None | Some(PullFromMirror::All) => true,
            Some(PullFromMirror::DigestOnly) => name.digest.is_some(),
            Some(PullFromMirror::TagOnly) => name.digest.is_none(),
        }
    }

    /// The repository with the matched prefix replaced by a location.
    fn rewritten(&self, name: &Name, location: &str, insecure: bool) -> Option<Place> {
        let full = name.repository();
        let len = match_len(&full, self.prefix())?;
        let repository = format!("{location}{}", full.get(len..)?);
        let (host, path) = match split_host(&repository) {
            (Some(host), path) => (host, path),
            (None, _) => repository.split_once('/')?,
        };
        Some(Place { host: host.to_owned(), path: path.to_owned(), insecure })
    }
}

/// How much of a full name a prefix covers; `*.example.com` covers the host of any subdomain.
fn match_len(full: &str, prefix: &str) -> Option<usize> {
    if let Some(domain) = prefix.strip_prefix('*') {
        let host = full.split('/').next()?;
        let bare = host.split(':').next()?;
        return (domain.starts_with('.') && bare.len() > domain.len() && bare.ends_with(domain))
            .then_some(host.len());
    }
    let rest = full.strip_prefix(prefix)?;
    (rest.is_empty() || rest.starts_with(['/', ':', '@'])).then_some(prefix.len())
}

fn drop_ins(dir: &Path) -> Result<Vec<PathBuf>> {
    let path = dir.join("registries.conf.d");
    let entries = match std::fs::read_dir(&path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(RemoteError::Io { action: "list", path, source }),
    };
    let is_conf = |p: &PathBuf| p.extension().is_some_and(|e| e == "conf");
    let mut files: Vec<PathBuf> = entries.flatten().map(|e| e.path()).filter(is_conf).collect();
    files.sort();
    Ok(files)
}

fn invalid(path: &Path, why: &str) -> RemoteError {
    RemoteError::Configuration { path: path.to_owned(), why: why.to_owned() }
}

/// `$XDG_CONFIG_HOME`, else `~/.config`.
pub(super) fn user_config_dir() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    set("XDG_CONFIG_HOME").or_else(|| set("HOME").map(|home| home.join(".config")))
}

/// The host that answers for a registry's name: Docker Hub's API has its own.
pub(super) fn api_host(host: &str) -> &str {
    if host == DOCKER_IO { "registry-1.docker.io" } else { host }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registries(text: &str) -> Registries {
        let mut out = Registries::default();
        out.add(Path::new("test.conf"), text).unwrap();
        out
    }

    fn places(registries: &Registries, name: &str) -> Vec<String> {
        let places = registries.pull_places(&Name::parse(name).unwrap()).unwrap();
        places
            .iter()
            .map(|p| format!("{}/{}{}", p.host, p.path, if p.insecure { " insecure" } else { "" }))
            .collect()
    }

    #[test]
    fn short_names_go_through_aliases_then_the_search_list_then_docker_io() {
        let text = "unqualified-search-registries = ['a.example', 'b.example:5000']\n[aliases]\nfed = 'r.example/fedora'";
        let names = |r: &Registries, t| -> Vec<String> {
            r.candidates(t).unwrap().iter().map(ToString::to_string).collect()
        };
        let r = registries(text);
        assert_eq!(names(&r, "x:1"), ["a.example/x:1", "b.example:5000/x:1"]);
        assert_eq!(names(&r, "fed:39"), ["r.example/fedora:39"]);
        assert_eq!(names(&r, "q.example/x"), ["q.example/x:latest"]);
        assert_eq!(names(&Registries::default(), "x"), ["docker.io/library/x:latest"]);
    }

    #[test]
    fn the_longest_prefix_decides_and_mirrors_come_first() {
        let r = registries(
            "[[registry]]\nprefix = 'docker.io'\nlocation = 'hub.example/cache'\n\
             [[registry.mirror]]\nlocation = 'm1.example:5000'\ninsecure = true\n\
             [[registry.mirror]]\nlocation = 'm2.example/hub'\npull-from-mirror = 'digest-only'\n\
             [[registry]]\nprefix = 'docker.io/acme'\nlocation = 'acme.example'\n",
        );
        assert_eq!(
            places(&r, "busybox"),
            ["m1.example:5000/library/busybox insecure", "hub.example/cache/library/busybox"]
        );
        assert_eq!(places(&r, "acme/tool"), ["acme.example/tool"]);
        assert_eq!(places(&r, "acmex/tool").last().unwrap(), "hub.example/cache/acmex/tool");
    }

    #[test]
    fn wildcards_and_blocking() {
        let r = registries(
            "[[registry]]\nprefix = '*.corp.example'\ninsecure = true\n\
             [[registry]]\nprefix = 'bad.corp.example/x'\nblocked = true\n",
        );
        assert_eq!(places(&r, "a.corp.example:5000/x"), ["a.corp.example:5000/x insecure"]);
        assert_eq!(places(&r, "corp.example/x"), ["corp.example/x"]);
        let refused = r.pull_places(&Name::parse("bad.corp.example/x/y").unwrap());
        assert!(matches!(refused, Err(RemoteError::Blocked { .. })));
    }

    #[test]
    fn a_users_file_hides_the_systems_and_drop_ins_lie_over_it() {
        let dir = tempfile::tempdir().unwrap();
        let (user, system) = (dir.path().join("user"), dir.path().join("system"));
        for d in [&user, &system] {
            std::fs::create_dir_all(d.join("registries.conf.d")).unwrap();
        }
        std::fs::write(system.join("registries.conf"), "unqualified-search-registries = ['s.example']")
            .unwrap();
        std::fs::write(system.join("registries.conf.d/a.conf"), "[aliases]\nx = 's.example/x'").unwrap();
        std::fs::write(user.join("registries.conf.d/b.conf"), "[aliases]\nx = 'u.example/x'").unwrap();
        let both = Registries::load_from(None, Some(&user), Some(&system)).unwrap();
        assert_eq!(both.candidates("x").unwrap()[0].host, "u.example");
        assert_eq!(both.candidates("y").unwrap()[0].host, "s.example");
        std::fs::write(user.join("registries.conf"), "").unwrap();
        let own = Registries::load_from(None, Some(&user), Some(&system)).unwrap();
        assert_eq!(own.candidates("y").unwrap()[0].host, DOCKER_IO);
    }

    #[test]
    fn what_cannot_be_understood_names_the_file() {
        for text in ["x = [", "[registries.search]\nregistries = []", "[[registry]]\nblocked = true"] {
            let error = Registries::default().add(Path::new("r.conf"), text).unwrap_err();
            assert!(error.to_string().contains("r.conf"), "{error}");
        }
    }
}
