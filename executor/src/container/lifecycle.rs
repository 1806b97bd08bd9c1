//! The life of a container: created, started, stopped, killed, waited for, removed.

use buildc_store::{ImageRecord, Store};

use super::attach::Attached;
use super::error::Result;
use super::monitor::Standby;
use super::record::Container;
use super::spec::ContainerSpec;

/// How to start.
#[derive(Debug, Default)]
pub struct StartOptions {
    /// A monitor that was forked before this process had threads or an open store ([`Standby::fork`]); without one a
    /// monitor is started by executing this program again, which takes longer.
    pub standby: Option<Standby>,
    /// Writes the container's output to this process's standard streams.
    pub attach: bool,
    /// Gives the container this process's standard input, if it was created interactive.
    pub attach_stdin: bool,
}

/// How to stop.
#[derive(Clone, Debug, Default)]
pub struct StopOptions {
    /// Instead of the container's stop signal.
    pub signal: Option<String>,
    /// Seconds until SIGKILL, instead of the container's; -1 waits for ever.
    pub timeout_seconds: Option<i64>,
}

/// Makes a container from an image. Nothing runs yet.
pub fn create(_store: &Store, _image: &ImageRecord, _spec: ContainerSpec) -> Result<Container> {
    todo!()
}

/// Starts a created or stopped container; returns when its process has been executed.
pub fn start(_store: &Store, _container: &Container, _options: StartOptions) -> Result<Attached> {
    todo!()
}

/// Asks the container's process to end, then kills it. A stopped container is left as it is.
pub fn stop(_store: &Store, _container: &Container, _options: &StopOptions) -> Result<()> {
    todo!()
}

/// Sends a signal, by name (with or without `SIG`) or number.
pub fn kill(_store: &Store, _container: &Container, _signal: &str) -> Result<()> {
    todo!()
}

/// Stops and starts.
pub fn restart(_store: &Store, _container: &Container, _options: &StopOptions) -> Result<()> {
    todo!()
}

/// Removes a container; a running one only with `force`. `volumes`: its anonymous volumes too.
pub fn remove(_store: &Store, _container: &Container, _force: bool, _volumes: bool) -> Result<()> {
    todo!()
}

/// Waits until it does not run and returns its exit status.
pub fn wait(_store: &Store, _container: &Container) -> Result<u8> {
    todo!()
}

/// Gives it another name.
pub fn rename(_store: &Store, _container: &Container, _name: &str) -> Result<()> {
    todo!()
}
