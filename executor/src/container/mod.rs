//! Containers: launched images, each watched by a monitor process of its own.
//!
//! Owns: what a container is to be ([`ContainerSpec`]), its directory below the store's `containers`, its state, log,
//! published ports, restarts and end. The contract is written down in `spec/containers.md`.
//! Never does: namespaces and mounts (the launcher's), fetching images (the command line asks `resolve`), rendering
//! tables (the command line's).

mod attach;
mod cp;
mod error;
mod exec;
mod inspect;
mod lifecycle;
mod list;
mod logs;
mod monitor;
pub mod options;
mod record;
mod spec;

pub use attach::Attached;
pub use cp::{CopyOptions, Source, Target, copy_in, copy_out};
pub use error::{ContainerError, Result};
pub use exec::{ExecSpec, exec};
pub use inspect::inspect;
pub use lifecycle::{StartOptions, StopOptions, create, kill, remove, rename, restart, start, stop, wait};
pub use list::{Filters, find, list};
pub use logs::{LogOptions, logs};
pub use monitor::{Standby, monitor_if_requested};
pub use record::{Container, PublishedPort, State, Status};
pub use spec::*;
