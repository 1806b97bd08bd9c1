//! An image's config as OCI JSON, in both directions.
//!
//! Owns: the mapping between [`ImageConfig`] and the config document (OCI image specification `config.md`, Docker's
//! extensions `Healthcheck`, `OnBuild`, `Shell`, `ArgsEscaped`). Never does: storing or hashing it.

use std::collections::{BTreeMap, BTreeSet};

use buildc_digest::DiffId;
use buildc_ir::{Healthcheck, History, ImageConfig, Platform};
use serde::{Deserialize, Serialize};

/// A config document that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("Image config is not valid: {0}")]
pub struct ConfigJsonError(#[from] serde_json::Error);

/// What a config document says beside the runtime configuration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigDocument {
    /// Runtime configuration.
    pub config: ImageConfig,
    /// When the image was made, RFC 3339.
    pub created: Option<String>,
    /// Layers, lowest first.
    pub diff_ids: Vec<DiffId>,
    /// History, oldest first.
    pub history: Vec<History>,
}

impl ConfigDocument {
    /// Reads a document of either family.
    ///
    /// # Errors
    /// When it is not JSON of this shape.
    pub fn read(bytes: &[u8]) -> Result<Self, ConfigJsonError> {
        let document: Document = serde_json::from_slice(bytes)?;
        Ok(document.into_parts())
    }

    /// Writes the document; equal values give equal bytes.
    ///
    /// # Errors
    /// None in practice: every value has a JSON form.
    pub fn write(&self) -> Result<Vec<u8>, ConfigJsonError> {
        Ok(serde_json::to_vec(&Document::from_parts(self))?)
    }
}

#[derive(Serialize, Deserialize)]
struct Document {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    author: Option<String>,
    #[serde(default)]
    architecture: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    variant: Option<String>,
    #[serde(default)]
    os: String,
    #[serde(rename = "os.version", default, skip_serializing_if = "Option::is_none")]
    os_version: Option<String>,
    #[serde(default, deserialize_with = "null_is_default")]
    config: Runtime,
    rootfs: RootFs,
    #[serde(default, deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    history: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
struct RootFs {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default, deserialize_with = "null_is_default")]
    diff_ids: Vec<DiffId>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created_by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    author: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    empty_layer: bool,
}

/// A JSON object used as a set, as Go writes `map[string]struct{}`.
type Set = BTreeMap<String, serde_json::Map<String, serde_json::Value>>;

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Runtime {
    #[serde(skip_serializing_if = "String::is_empty")]
    user: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "null_is_default")]
    exposed_ports: Set,
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_is_default")]
    env: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entrypoint: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cmd: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    healthcheck: Option<Health>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    args_escaped: bool,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "null_is_default")]
    volumes: Set,
    #[serde(skip_serializing_if = "String::is_empty")]
    working_dir: String,
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_is_default")]
    on_build: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "null_is_default")]
    labels: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_signal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shell: Option<Vec<String>>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Health {
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_is_default")]
    test: Vec<String>,
    #[serde(skip_serializing_if = "is_zero")]
    interval: u64,
    #[serde(skip_serializing_if = "is_zero")]
    timeout: u64,
    #[serde(skip_serializing_if = "is_zero")]
    start_period: u64,
    #[serde(skip_serializing_if = "is_zero")]
    start_interval: u64,
    #[serde(skip_serializing_if = "is_zero")]
    retries: u64,
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// Go writers encode empty maps and lists as `null`.
fn null_is_default<'de, D: serde::Deserializer<'de>, T: Default + Deserialize<'de>>(
    d: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(d)?.unwrap_or_default())
}

impl Document {
    fn from_parts(parts: &ConfigDocument) -> Self {
        let config = &parts.config;
        Self {
            created: parts.created.clone(),
            author: config.author.clone(),
            architecture: config.platform.arch.clone(),
            variant: config.platform.variant.clone(),
            os: config.platform.os.clone(),
            os_version: config.platform.os_version.clone(),
            config: Runtime::from_config(config),
            rootfs: RootFs { kind: "layers".to_owned(), diff_ids: parts.diff_ids.clone() },
            history: parts.history.iter().map(Entry::from_history).collect(),
        }
    }

    fn into_parts(self) -> ConfigDocument {
        let platform = Platform {
            os_version: self.os_version.filter(|version| !version.is_empty()),
            ..Platform::normalised(&self.os, &self.architecture, self.variant.as_deref())
        };
        let mut config = self.config.into_config(platform);
        config.author = self.author;
        ConfigDocument {
            config,
            created: self.created,
            diff_ids: self.rootfs.diff_ids,
            history: self.history.into_iter().map(Entry::into_history).collect(),
        }
    }
}

impl Entry {
    fn from_history(h: &History) -> Self {
        Self {
            created: h.created.clone(),
            created_by: h.created_by.clone(),
            comment: h.comment.clone(),
            author: h.author.clone(),
            empty_layer: h.empty_layer,
        }
    }

    fn into_history(self) -> History {
        History {
            created: self.created,
            created_by: self.created_by,
            comment: self.comment,
            author: self.author,
            empty_layer: self.empty_layer,
        }
    }
}

fn to_set(items: &BTreeSet<String>) -> Set {
    items.iter().map(|i| (i.clone(), serde_json::Map::new())).collect()
}

impl Runtime {
    fn from_config(config: &ImageConfig) -> Self {
        Self {
            user: config.user.clone(),
            exposed_ports: to_set(&config.exposed_ports),
            env: config.env.iter().map(|(name, value)| format!("{name}={value}")).collect(),
            entrypoint: config.entrypoint.clone(),
            cmd: config.cmd.clone(),
            healthcheck: config.healthcheck.as_ref().map(Health::from_config),
            args_escaped: config.args_escaped,
            volumes: to_set(&config.volumes),
            working_dir: config.working_dir.clone(),
            on_build: config.on_build.clone(),
            labels: config.labels.clone(),
            stop_signal: config.stop_signal.clone(),
            shell: config.shell.clone(),
        }
    }

    fn into_config(self, platform: Platform) -> ImageConfig {
        let mut config = ImageConfig::scratch(platform);
        for pair in &self.env {
            // A variable without `=` has no value; Docker treats it as empty.
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            config.set_env(name, value);
        }
        config.user = self.user;
        config.exposed_ports = self.exposed_ports.into_keys().collect();
        config.entrypoint = self.entrypoint;
        config.cmd = self.cmd;
        config.healthcheck = self.healthcheck.map(Health::into_config);
        config.args_escaped = self.args_escaped;
        config.volumes = self.volumes.into_keys().collect();
        config.working_dir = self.working_dir;
        config.on_build = self.on_build;
        config.labels = self.labels;
        config.stop_signal = self.stop_signal.filter(|s| !s.is_empty());
        config.shell = self.shell;
        config
    }
}

impl Health {
    fn from_config(check: &Healthcheck) -> Self {
        Self {
            test: check.test.clone(),
            interval: check.interval_ns,
            timeout: check.timeout_ns,
            start_period: check.start_period_ns,
            start_interval: check.start_interval_ns,
            retries: check.retries.into(),
        }
    }

    fn into_config(self) -> Healthcheck {
        Healthcheck {
            test: self.test,
            interval_ns: self.interval,
            timeout_ns: self.timeout,
            start_period_ns: self.start_period,
            start_interval_ns: self.start_interval,
            retries: u32::try_from(self.retries).unwrap_or(u32::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_of_docker_is_read_and_written_back() {
        let text = r#"{"created":"2024-01-01T00:00:00Z","author":"me","architecture":"amd64","os":"linux",
            "config":{"User":"app","ExposedPorts":{"80/tcp":{}},"Env":["PATH=/bin","EMPTY="],"Cmd":["sh"],
            "Entrypoint":null,"Volumes":null,"WorkingDir":"/w","Labels":{"a":"b"},"OnBuild":null,
            "Healthcheck":{"Test":["CMD-SHELL","true"],"Interval":5000000000,"Retries":3}},
            "rootfs":{"type":"layers","diff_ids":[]},"history":[{"created_by":"x","empty_layer":true}]}"#;
        let read = ConfigDocument::read(text.as_bytes()).unwrap();
        assert_eq!(read.config.env("PATH"), Some("/bin"));
        assert_eq!(read.config.cmd, Some(vec!["sh".to_owned()]));
        assert_eq!(read.config.entrypoint, None);
        assert_eq!(
            read.config.healthcheck.as_ref().map(|h| (h.interval_ns, h.retries)),
            Some((5_000_000_000, 3))
        );
        assert!(read.history[0].empty_layer);
        let written = read.write().unwrap();
        assert_eq!(ConfigDocument::read(&written).unwrap(), read);
    }

    #[test]
    fn an_empty_command_stays_different_from_none() {
        let mut config = ImageConfig::scratch(Platform::host());
        config.cmd = Some(Vec::new());
        let document = ConfigDocument { config, created: None, diff_ids: Vec::new(), history: Vec::new() };
        let read = ConfigDocument::read(&document.write().unwrap()).unwrap();
        assert_eq!((read.config.cmd, read.config.entrypoint), (Some(Vec::new()), None));
    }

    #[test]
    fn what_is_no_config_is_an_error() {
        assert!(ConfigDocument::read(b"[]").is_err());
        assert!(ConfigDocument::read(b"{\"rootfs\":{\"diff_ids\":[1]}}").is_err());
    }
}
