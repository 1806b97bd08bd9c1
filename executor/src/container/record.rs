//! What is remembered of a container, and how it stands now.
//!
//! A container's directory holds `container.json`, written once (again only for another name), and `state.json`,
//! written by its monitor. Both are replaced by rename, so a reader sees one or the other version whole.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{fs, io};

use buildc_digest::Digest;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::error::{ContainerError, Result};
use super::health::{Health, HealthCheck};
use super::spec::{ContainerSpec, PublishedPort};
use crate::process_id::{ProcessId, boot_id};

/// File that makes a directory a container.
pub(super) const RECORD: &str = "container.json";
const STATE: &str = "state.json";
/// Changed when somebody first noticed that the monitor is gone; empty.
const NOTICED: &str = "noticed";
/// Exit status given to a container whose monitor was killed, and which therefore was killed too.
const KILLED: u8 = 137;

/// A container as it stood when it was looked up.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Container {
    /// 64 hexadecimal digits.
    pub id: String,
    /// Its name, without a slash.
    pub name: String,
    /// RFC 3339 with nanoseconds.
    pub created: String,
    /// Id (config digest) of its image.
    pub image: Digest,
    /// What was asked for.
    pub spec: ContainerSpec,
    /// Program and arguments after entrypoint and command were put together.
    pub args: Vec<String>,
    /// Entrypoint, of the image or the command line.
    pub entrypoint: Option<Vec<String>>,
    /// Command, of the image or the command line.
    pub command: Option<Vec<String>>,
    /// Environment of image and command line together.
    pub env: Vec<(String, String)>,
    /// Working directory, absolute.
    pub workdir: String,
    /// `user[:group]`, empty for root.
    pub user: String,
    /// Host name inside.
    pub hostname: String,
    /// Labels of image and command line together.
    pub labels: BTreeMap<String, String>,
    /// Ports that the image exposes, such as `80/tcp`.
    pub exposed: Vec<String>,
    /// Mounts with volumes that exist.
    pub mounts: Vec<BoundMount>,
    /// How its health is checked.
    #[serde(default)]
    pub health: Option<HealthCheck>,
    /// Signal that asks it to stop.
    pub stop_signal: i32,
    /// How it stands.
    #[serde(skip)]
    pub state: State,
    /// Its directory.
    #[serde(skip)]
    pub dir: PathBuf,
}

/// A mount whose source is known.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BoundMount {
    /// `bind`, `volume` or `tmpfs`.
    pub kind: String,
    /// Name of the volume.
    pub volume: Option<String>,
    /// The volume was made for this container.
    pub anonymous: bool,
    /// An empty volume gets what the image has at the target.
    #[serde(default)]
    pub fill: bool,
    /// On the host; empty for a tmpfs.
    pub source: PathBuf,
    /// In the container.
    pub target: String,
    /// Refuses writes.
    pub readonly: bool,
    /// Of a bind.
    pub propagation: Option<String>,
    /// A bind with the mounts below it.
    pub recursive: bool,
    /// Options of a tmpfs.
    pub options: String,
    /// Limit of a tmpfs.
    pub size_bytes: Option<u64>,
    /// Mode of a tmpfs.
    pub mode: Option<u32>,
}

impl Container {
    /// The first twelve digits of the id.
    pub fn short_id(&self) -> &str {
        self.id.get(..12).unwrap_or(&self.id)
    }

    /// The log file.
    pub fn log_path(&self) -> PathBuf {
        self.dir.join("log")
    }

    /// The name under which the store keeps its image and layers.
    pub(crate) fn pin(id: &str) -> String {
        format!("container/{id}")
    }

    /// Reads the container in this directory; `None` when there is none (any more, or yet).
    pub(crate) fn read(dir: &Path) -> Result<Option<Self>> {
        let Some(mut container) = read_json::<Self>(&dir.join(RECORD))? else { return Ok(None) };
        container.state = State::read(dir)?.stands_now(dir);
        container.dir = dir.to_owned();
        Ok(Some(container))
    }

    /// Writes what is remembered of it.
    pub(crate) fn write(&self) -> Result<()> {
        self.write_in(&self.dir)
    }

    /// Writes what is remembered of it into a directory that is to become its own. Synced, unless a power cut ends the
    /// container anyway: a torn record would hide what its writable layer and volumes hold.
    pub(super) fn write_in(&self, dir: &Path) -> Result<()> {
        write_json(&dir.join(RECORD), self, !self.spec.remove)
    }

    /// Its monitor, when it has one that lives.
    pub(crate) fn monitor(&self) -> Option<ProcessId> {
        Some(self.state.monitor_id()).filter(|monitor| monitor.alive())
    }
}

/// Where in its life a container is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Never started.
    #[default]
    Created,
    /// Its process runs.
    Running,
    /// Its process ended and its policy will start it again.
    Restarting,
    /// Its process ended.
    Exited,
}

impl Status {
    /// Docker's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Restarting => "restarting",
            Self::Exited => "exited",
        }
    }

    /// Whether a monitor is at work on it.
    pub(crate) fn is_active(self) -> bool {
        matches!(self, Self::Running | Self::Restarting)
    }
}

/// How a container stands.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// Where in its life.
    pub status: Status,
    /// Its process on the host, 0 when it does not run.
    pub pid: u32,
    /// Start time of that process in ticks since boot.
    pub pid_start: u64,
    /// Exit status of the last run.
    pub exit_code: u8,
    /// The kernel killed it for want of memory.
    pub oom_killed: bool,
    /// Why the last start failed; empty when it did not.
    pub error: String,
    /// RFC 3339; none = never.
    pub started: Option<String>,
    /// RFC 3339; none = never.
    pub finished: Option<String>,
    /// How often the policy started it again.
    pub restarts: u32,
    /// Address on the bridge, when it runs on it.
    pub ip_address: Option<IpAddr>,
    /// Gateway of that address.
    pub gateway: Option<IpAddr>,
    /// Published ports as they were bound.
    pub ports: Vec<PublishedPort>,
    /// What its health check says, or said last.
    pub health: Option<Health>,
    /// The monitor's pid; 0 when there is none.
    pub monitor: u32,
    /// Its start time in ticks since boot.
    pub monitor_start: u64,
    /// The boot in which it runs.
    pub boot_id: String,
}

impl State {
    /// What the monitor wrote last.
    pub(crate) fn read(dir: &Path) -> Result<Self> {
        match read_json(&dir.join(STATE)) {
            // It is replaced without a sync, and only a power cut tears it: that ended the container too.
            Err(ContainerError::Damaged { .. }) => Ok(Self { status: Status::Running, ..Self::default() }),
            read => Ok(read?.unwrap_or_default()),
        }
    }

    pub(crate) fn write(&self, dir: &Path) -> Result<()> {
        write_json(&dir.join(STATE), self, false)
    }

    pub(crate) fn monitor_id(&self) -> ProcessId {
        ProcessId { pid: self.monitor, start: self.monitor_start }
    }

    /// What it means when nobody watches any more: the launcher ends a container with its monitor, and a reboot ends
    /// both. When that was is not known better than by the last thing that was written, and without a reboot by when it
    /// was first noticed.
    fn stands_now(mut self, dir: &Path) -> Self {
        let is_of_this_boot = self.boot_id == boot_id();
        if self.status.is_active() && !(is_of_this_boot && self.monitor_id().alive()) {
            self.status = Status::Exited;
            self.exit_code = KILLED;
            "Its monitor process was killed, or the machine went down".clone_into(&mut self.error);
            let ended = if is_of_this_boot { noticed(dir) } else { None };
            self.finished = ended.or_else(|| last_sign(dir)).map(rfc3339);
            self.rest();
        }
        self
    }

    /// Forgets what only a running container has.
    pub(crate) fn rest(&mut self) {
        (self.pid, self.pid_start, self.monitor, self.monitor_start) = (0, 0, 0, 0);
        (self.ip_address, self.gateway) = (None, None);
        self.ports.clear();
    }
}

/// When something was last written to the log, or else the state, of a container.
fn last_sign(dir: &Path) -> Option<SystemTime> {
    written(dir, "log").max(written(dir, STATE))
}

/// When the end of a container whose monitor is gone was first noticed since its state was written: now, where nobody has
/// noted it. `None` where it cannot be noted.
fn noticed(dir: &Path) -> Option<SystemTime> {
    if let Some(noted) =
        written(dir, NOTICED).filter(|noted| written(dir, STATE).is_none_or(|it| *noted >= it))
    {
        return Some(noted);
    }
    let now = SystemTime::now();
    fs::File::create(dir.join(NOTICED)).and_then(|file| file.set_modified(now)).ok()?;
    Some(now)
}

fn written(dir: &Path, name: &str) -> Option<SystemTime> {
    fs::metadata(dir.join(name)).and_then(|meta| meta.modified()).ok()
}

/// Now, in RFC 3339 with nanoseconds.
pub(crate) fn now() -> String {
    rfc3339(SystemTime::now())
}

fn rfc3339(time: SystemTime) -> String {
    humantime::format_rfc3339_nanos(time).to_string()
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ContainerError::io("read", path)(error)),
        Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|error| ContainerError::Damaged {
            id: path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned(),
            reason: error.to_string(),
        }),
    }
}

/// Replaces a file as a whole; a reader sees the old or the new one. Only a `durable` one is sure to survive a power cut.
fn write_json(path: &Path, value: &impl Serialize, durable: bool) -> Result<()> {
    let draft = path.with_extension("new");
    let write = || {
        let mut file = fs::File::create(&draft)?;
        file.write_all(&serde_json::to_vec(value)?)?;
        if durable {
            file.sync_all()?;
        }
        fs::rename(&draft, path)
    };
    write().map_err(ContainerError::io("write", path))
}
