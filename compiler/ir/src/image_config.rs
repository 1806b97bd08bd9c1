//! The runtime configuration of an image (OCI image spec `config.md` plus Docker's extensions), as data.

use std::collections::{BTreeMap, BTreeSet};

use crate::platform::Platform;

/// What a container started from the image gets, and what a child build inherits.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct ImageConfig {
    /// Platform that the image is for.
    pub platform: Platform,
    /// `author`, set by MAINTAINER.
    pub author: Option<String>,
    /// `User`: `user[:group]`, empty for root.
    pub user: String,
    /// `ExposedPorts`: `80/tcp`.
    pub exposed_ports: BTreeSet<String>,
    /// `Env` in order, names unique.
    pub env: Vec<(String, String)>,
    /// `Entrypoint`; `None` when unset.
    pub entrypoint: Option<Vec<String>>,
    /// `Cmd`; `None` when unset.
    pub cmd: Option<Vec<String>>,
    /// Docker's `ArgsEscaped`.
    pub args_escaped: bool,
    /// `Volumes`.
    pub volumes: BTreeSet<String>,
    /// `WorkingDir`, empty when unset.
    pub working_dir: String,
    /// `Labels`.
    pub labels: BTreeMap<String, String>,
    /// `StopSignal` as written.
    pub stop_signal: Option<String>,
    /// `OnBuild` triggers as written.
    pub on_build: Vec<String>,
    /// `Healthcheck`.
    pub healthcheck: Option<Healthcheck>,
    /// `Shell`; `None` means `/bin/sh -c`.
    pub shell: Option<Vec<String>>,
}

impl ImageConfig {
    /// The configuration of `FROM scratch`.
    pub fn scratch(platform: Platform) -> Self {
        Self {
            platform,
            author: None,
            user: String::new(),
            exposed_ports: BTreeSet::new(),
            env: Vec::new(),
            entrypoint: None,
            cmd: None,
            args_escaped: false,
            volumes: BTreeSet::new(),
            working_dir: String::new(),
            labels: BTreeMap::new(),
            stop_signal: None,
            on_build: Vec::new(),
            healthcheck: None,
            shell: None,
        }
    }

    /// The working directory, `/` when unset.
    pub fn cwd(&self) -> &str {
        if self.working_dir.is_empty() { "/" } else { &self.working_dir }
    }

    /// Value of one environment variable.
    pub fn env(&self, name: &str) -> Option<&str> {
        self.env.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// Sets a variable in place, or appends it.
    pub fn set_env(&mut self, name: &str, value: &str) {
        match self.env.iter_mut().find(|(n, _)| n == name) {
            Some(pair) => pair.1 = value.to_owned(),
            None => self.env.push((name.to_owned(), value.to_owned())),
        }
    }
}

/// Docker's `Healthcheck`; durations in nanoseconds, 0 = default.
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Serialize)]
pub struct Healthcheck {
    /// `["NONE"]`, `["CMD", …]` or `["CMD-SHELL", text]`.
    pub test: Vec<String>,
    /// Time between checks.
    pub interval_ns: u64,
    /// Time after which one check has failed.
    pub timeout_ns: u64,
    /// Grace after the start.
    pub start_period_ns: u64,
    /// Time between checks during the grace.
    pub start_interval_ns: u64,
    /// Failures in a row that make the container unhealthy.
    pub retries: u32,
}

/// One entry of an image's history that already exists (of a base image).
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Serialize)]
pub struct History {
    /// RFC 3339 time.
    pub created: Option<String>,
    /// What made it.
    pub created_by: Option<String>,
    /// Free text.
    pub comment: Option<String>,
    /// Author.
    pub author: Option<String>,
    /// True when the entry has no layer.
    pub empty_layer: bool,
}
