//! `buildc logs`: what a container wrote.

use super::Shell;
use crate::failure::{Failure, Outcome};

/// Options of `buildc logs`.
#[derive(clap::Args, Debug)]
pub struct LogsArgs {
    /// Keep printing until the container stops
    #[arg(short, long)]
    follow: bool,
    /// Only what is newer: a time (RFC 3339 or Unix) or an age such as 10m
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only what is older
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only the last N lines
    #[arg(short = 'n', long, value_name = "N", default_value = "all")]
    tail: String,
    /// Put the time before each line
    #[arg(short, long)]
    timestamps: bool,
    /// Name or id
    container: String,
}

/// Prints the log: what went to standard error goes there again.
pub fn run(args: LogsArgs, shell: &Shell) -> Outcome {
    let _ = (args, shell);
    Err(Failure::usage("not yet"))
}
