//! What is remembered of a container, and how it stands now.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use buildc_digest::Digest;
use serde::{Deserialize, Serialize};

use super::spec::{ContainerSpec, Protocol};

/// A container as it stood when it was looked up.
#[derive(Clone, Debug)]
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
    /// Labels of image and command line together.
    pub labels: std::collections::BTreeMap<String, String>,
    /// How it stands.
    pub state: State,
    /// Its directory.
    pub dir: PathBuf,
}

impl Container {
    /// The first twelve digits of the id.
    pub fn short_id(&self) -> &str {
        self.id.get(..12).unwrap_or(&self.id)
    }

    /// The log file.
    pub fn log_path(&self) -> PathBuf {
        Path::new(&self.dir).join("log")
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
    /// The monitor's pid; 0 when there is none.
    pub monitor: u32,
    /// Its start time in ticks since boot.
    pub monitor_start: u64,
    /// The boot in which it runs.
    pub boot_id: String,
}

/// A published port with the host port it got.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PublishedPort {
    /// Address on the host; none = all.
    pub host_ip: Option<IpAddr>,
    /// On the host.
    pub host_port: u16,
    /// In the container.
    pub container_port: u16,
    /// Transport.
    pub protocol: Protocol,
}
