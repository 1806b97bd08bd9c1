//! The monitor: one process per running container that outlives the command that started it.

use super::error::Result;

/// A monitor process that waits for its container.
#[derive(Debug)]
pub struct Standby {}

impl Standby {
    /// Forks one. Must happen before this process starts a thread or opens a store; with threads it returns `None`, and
    /// [`start`](super::start) then finds another way.
    ///
    /// # Errors
    /// The system refused a process.
    pub fn fork() -> Result<Option<Self>> {
        todo!()
    }
}

/// Must be called by `main()` before it looks at its arguments: when this process was started as a monitor it never
/// returns.
pub fn monitor_if_requested() {}
