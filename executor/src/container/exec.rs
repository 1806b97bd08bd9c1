//! Another process in a running container.

use buildc_store::Store;

use super::error::Result;
use super::record::Container;

/// What to run.
#[derive(Clone, Debug, Default)]
pub struct ExecSpec {
    /// Program and arguments.
    pub command: Vec<String>,
    /// On top of the container's environment.
    pub env: Vec<(String, String)>,
    /// Instead of the container's.
    pub workdir: Option<String>,
    /// Instead of the container's.
    pub user: Option<String>,
    /// All capabilities, no system call filter.
    pub privileged: bool,
    /// Gives it this process's standard input.
    pub interactive: bool,
    /// A pty as controlling terminal.
    pub tty: bool,
    /// Does not wait; the exit status is then 0.
    pub detach: bool,
}

/// Runs it with this process's standard streams and returns its exit status.
pub fn exec(_store: &Store, _container: &Container, _spec: &ExecSpec) -> Result<u8> {
    todo!()
}
