//! Reading what a container wrote.

use std::io::Write;
use std::time::SystemTime;

use buildc_store::Store;

use super::error::Result;
use super::record::Container;

/// What of the log to show.
#[derive(Clone, Debug, Default)]
pub struct LogOptions {
    /// Goes on until the container ends.
    pub follow: bool,
    /// Only the last lines.
    pub tail: Option<usize>,
    /// Only what is not older.
    pub since: Option<SystemTime>,
    /// Only what is not newer.
    pub until: Option<SystemTime>,
    /// Puts the time (RFC 3339 with nanoseconds) before each line.
    pub timestamps: bool,
}

/// Writes the log: what went to standard output to `out`, what went to standard error to `err`.
pub fn logs(
    _store: &Store,
    _container: &Container,
    _options: &LogOptions,
    _out: &mut dyn Write,
    _err: &mut dyn Write,
) -> Result<()> {
    todo!()
}
