//! Looking containers up, and the filters of `ps`.

use std::fs;

use buildc_store::Store;

use super::error::{ContainerError, Result};
use super::name;
use super::record::Container;
use super::spec::NetworkMode;
use crate::hidden;

/// Filters of `ps`: values of one key are alternatives (all `label`s must match), keys must all match.
#[derive(Clone, Debug, Default)]
pub struct Filters(Vec<(String, String)>);

const KEYS: [&str; 13] = [
    "id", "name", "label", "status", "exited", "ancestor", "volume", "publish", "expose", "network",
    "health", "before", "since",
];

impl Filters {
    /// Reads `key=value` words.
    ///
    /// # Errors
    /// `InvalidOption` for an unknown key or a malformed value.
    pub fn parse(words: &[String]) -> Result<Self> {
        let read = |word: &String| {
            let bad = |reason: String| ContainerError::option("--filter", word, reason);
            let (key, value) =
                word.split_once('=').ok_or_else(|| bad("it is not of the form KEY=VALUE".to_owned()))?;
            if !KEYS.contains(&key) {
                return Err(bad(format!("keys are {}", KEYS.join(", "))));
            }
            if key == "exited" && value.parse::<u8>().is_err() {
                return Err(bad("an exit status is a number from 0 to 255".to_owned()));
            }
            Ok((key.to_owned(), value.to_owned()))
        };
        words.iter().map(read).collect::<Result<_>>().map(Self)
    }

    /// Looks up the containers that `before` and `since` name, and puts their times of creation in their place.
    ///
    /// # Errors
    /// One of them does not exist.
    pub fn resolve(mut self, store: &Store) -> Result<Self> {
        for (key, value) in &mut self.0 {
            if matches!(key.as_str(), "before" | "since") {
                *value = find(store, value)?.created;
            }
        }
        Ok(self)
    }

    /// Whether any filter is about the state, so that stopped containers must be looked at too.
    pub fn asks_for_state(&self) -> bool {
        self.0.iter().any(|(key, _)| matches!(key.as_str(), "status" | "exited"))
    }

    /// Whether a container passes.
    pub fn matches(&self, container: &Container) -> bool {
        KEYS.iter().all(|key| {
            let mut values = self.0.iter().filter(|(k, _)| k == key).map(|(_, v)| v.as_str()).peekable();
            match (values.peek(), *key) {
                (None, _) => true,
                (Some(_), "label") => values.all(|value| has(container, key, value)),
                (Some(_), _) => values.any(|value| has(container, key, value)),
            }
        })
    }
}

fn has(container: &Container, key: &str, value: &str) -> bool {
    match key {
        "id" => container.id.starts_with(value),
        "name" => is_named(&container.name, value),
        // RFC 3339 in UTC sorts as its times do.
        "before" => container.created.as_str() < value,
        "since" => container.created.as_str() > value,
        "label" => match value.split_once('=') {
            Some((name, value)) => container.labels.get(name).is_some_and(|v| v == value),
            None => container.labels.contains_key(value),
        },
        "status" => container.state.status.as_str() == value,
        "exited" => {
            let state = &container.state;
            state.finished.is_some() && !state.status.is_active() && value.parse() == Ok(state.exit_code)
        }
        "health" => match &container.state.health {
            Some(health) => value == health.status.as_str(),
            None => value == "none",
        },
        "ancestor" => is_ancestor(container, value),
        "volume" => container.mounts.iter().any(|m| m.target == value || m.volume.as_deref() == Some(value)),
        "publish" => container.state.ports.iter().any(|port| {
            port_is(value, port.host_port, port.protocol.as_str())
                || port_is(value, port.container_port, port.protocol.as_str())
        }),
        "expose" => {
            container.exposed.iter().any(|port| port == value || port.split('/').next() == Some(value))
        }
        "network" => match &container.spec.network {
            NetworkMode::Bridge => value == "bridge",
            NetworkMode::Host => value == "host",
            NetworkMode::None => value == "none",
            NetworkMode::Container(name) => value.strip_prefix("container:") == Some(name),
        },
        _ => false,
    }
}

/// A part of the name; `^` and `$` hold it to the beginning and the end.
fn is_named(name: &str, wanted: &str) -> bool {
    let (wanted, at_start) = match wanted.strip_prefix('^') {
        Some(rest) => (rest, true),
        None => (wanted, false),
    };
    let wanted = wanted.strip_prefix('/').unwrap_or(wanted);
    match (at_start, wanted.strip_suffix('$')) {
        (true, Some(whole)) => name == whole,
        (false, Some(end)) => name.ends_with(end),
        (true, None) => name.starts_with(wanted),
        (false, None) => name.contains(wanted),
    }
}

/// The image as it was written, with or without its tag, or the beginning of its id.
fn is_ancestor(container: &Container, value: &str) -> bool {
    let image = container.spec.image.as_str();
    let untagged = image.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')).map(|(name, _)| name);
    let hex = value.strip_prefix("sha256:").unwrap_or(value);
    image == value
        || untagged == Some(value)
        || value.strip_suffix(":latest") == Some(image)
        || (hex.len() >= 4 && container.image.hex().starts_with(hex))
}

fn port_is(value: &str, port: u16, protocol: &str) -> bool {
    let (number, wanted) = value.split_once('/').unwrap_or((value, protocol));
    number.parse() == Ok(port) && wanted == protocol
}

/// The container with this name, id or unique id prefix.
///
/// # Errors
/// `NotFound`, `Ambiguous`, or its record cannot be read.
pub fn find(store: &Store, name: &str) -> Result<Container> {
    let id = find_id(store, name)?;
    Container::read(&name::all(store)?.join(id))?.ok_or_else(|| ContainerError::NotFound(name.to_owned()))
}

/// The id of the container with this name, id or unique id prefix, whether its record can be read or not.
pub(super) fn find_id(store: &Store, name: &str) -> Result<String> {
    let all = name::all(store)?;
    let missing = || ContainerError::NotFound(name.to_owned());
    let word = name.strip_prefix('/').unwrap_or(name);
    if let Some(id) = name::holder(&all, word).filter(|id| all.join(id).exists()) {
        return Ok(id);
    }
    if word.is_empty() || !word.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(missing());
    }
    let mut matching = ids(store)?.into_iter().filter(|id| id.starts_with(word));
    let id = matching.next().ok_or_else(missing)?;
    match matching.next() {
        Some(_) => Err(ContainerError::Ambiguous(word.to_owned())),
        None => Ok(id),
    }
}

/// All containers, in no order.
///
/// # Errors
/// The directory of containers or one of their records cannot be read.
pub(crate) fn all(store: &Store) -> Result<Vec<Container>> {
    let all = name::all(store)?;
    ids(store)?.iter().filter_map(|id| Container::read(&all.join(id)).transpose()).collect()
}

/// Containers that are being made or removed, as far as their records are written.
///
/// # Errors
/// The directory of containers cannot be read.
pub(crate) fn unfinished(store: &Store) -> Result<Vec<Container>> {
    let all = name::all(store)?;
    let names = hidden::names(&all).map_err(ContainerError::io("read", &all))?;
    let ids = names.iter().filter(|name| name::is_id(name));
    Ok(ids.filter_map(|id| Container::read(&hidden::hidden(&all, id)).ok().flatten()).collect())
}

/// All containers, the newest first. One whose record is damaged is left out; looking it up by its id tells why.
///
/// # Errors
/// The directory of containers cannot be read.
pub fn list(store: &Store) -> Result<Vec<Container>> {
    let all = name::all(store)?;
    let mut containers: Vec<Container> =
        ids(store)?.iter().filter_map(|id| Container::read(&all.join(id)).ok().flatten()).collect();
    containers.sort_by(|a, b| b.created.cmp(&a.created));
    Ok(containers)
}

/// Pins the images of all containers again, in an index that was made anew. A container whose image is gone stays
/// unpinned; starting it says so.
///
/// # Errors
/// The directory of containers cannot be read, or the index not written.
pub fn hold_again(store: &Store) -> Result<()> {
    for container in list(store)? {
        if let Some(image) = store.image(&container.image.to_string())? {
            let layers: Vec<_> = image.layers.iter().map(|layer| layer.id).collect();
            store.pin(&Container::pin(&container.id), Some(&image.id), &layers)?;
        }
    }
    Ok(())
}

fn ids(store: &Store) -> Result<Vec<String>> {
    let all = name::all(store)?;
    let entries = fs::read_dir(&all).map_err(ContainerError::io("read", &all))?;
    Ok(entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name::is_id(name))
        .collect())
}
