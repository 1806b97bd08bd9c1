//! Containers: launched images, each watched by a monitor process of its own.
//!
//! Owns: what a container is to be ([`ContainerSpec`]), its directory below the store's `containers`, its state, log,
//! published ports, restarts and end. The contract is written down in `spec/containers.md`.
//! Never does: namespaces and mounts (the launcher's), fetching images (the command line asks `resolve`), rendering
//! tables (the command line's).

mod assemble;
mod attach;
mod check;
mod clear;
mod cp;
mod create;
mod error;
mod exec;
mod files;
mod health;
mod inspect;
mod lifecycle;
mod list;
mod log;
mod logs;
mod monitor;
mod mounts;
mod name;
pub mod options;
mod populate;
mod processes;
mod record;
mod spec;
mod terminal;
mod wire;

pub(crate) use assemble::every_capability;
pub use attach::Attached;
pub use clear::{remove_damaged, sweep};
pub use cp::{CopyOptions, Source, Target, copy_in, copy_out, copy_out_of_tree};
pub use create::create;
pub use error::{ContainerError, Result};
pub use exec::{ExecSpec, exec};
pub use health::{Health, HealthCheck, HealthOptions, HealthStatus, Probe};
pub use inspect::inspect;
pub use lifecycle::{
    StartOptions, StopOptions, Unrecorded, kill, remove, rename, restart, start, stop, wait,
};
pub use list::{Filters, find, hold_again, list};
pub(crate) use list::{all, unfinished};
pub use logs::{LogOptions, logs};
pub use monitor::{Standby, monitor_if_requested};
pub use processes::processes;
pub use record::{BoundMount, Container, State, Status};
pub use spec::*;
