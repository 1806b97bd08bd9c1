//! `start`, `stop`, `restart`, `kill`, `rm`, `wait`: the life of containers.

use super::Shell;
use crate::failure::{Failure, Outcome};

/// Containers by name or id.
#[derive(clap::Args, Debug)]
pub struct NamesArgs {
    /// Names or ids
    #[arg(required = true, value_name = "CONTAINER")]
    names: Vec<String>,
}

/// Options of `buildc start`.
#[derive(clap::Args, Debug)]
pub struct StartArgs {
    /// Show its output and end with its exit code
    #[arg(short, long)]
    attach: bool,
    /// Give it standard input
    #[arg(short, long)]
    interactive: bool,
    #[command(flatten)]
    containers: NamesArgs,
}

/// Options of `buildc stop` and `buildc restart`.
#[derive(clap::Args, Debug)]
pub struct StopArgs {
    /// Seconds to wait before it is killed; -1 waits for ever
    #[arg(
        short = 't',
        long = "timeout",
        visible_alias = "time",
        value_name = "SECONDS",
        allow_negative_numbers = true
    )]
    timeout: Option<i64>,
    /// Signal to send
    #[arg(short, long, value_name = "SIGNAL")]
    signal: Option<String>,
    #[command(flatten)]
    containers: NamesArgs,
}

/// Options of `buildc kill`.
#[derive(clap::Args, Debug)]
pub struct KillArgs {
    /// Signal to send
    #[arg(short, long, value_name = "SIGNAL", default_value = "KILL")]
    signal: String,
    #[command(flatten)]
    containers: NamesArgs,
}

/// Options of `buildc rm`.
#[derive(clap::Args, Debug)]
pub struct RmArgs {
    /// Kill it first if it runs
    #[arg(short, long)]
    force: bool,
    /// Remove its anonymous volumes too
    #[arg(short, long)]
    volumes: bool,
    #[command(flatten)]
    containers: NamesArgs,
}

/// Starts containers.
pub fn start(args: StartArgs, shell: &Shell) -> Outcome {
    let _ = (args, shell);
    Err(Failure::usage("not yet"))
}
/// Stops containers.
pub fn stop(args: StopArgs, shell: &Shell) -> Outcome {
    let _ = (args, shell);
    Err(Failure::usage("not yet"))
}
/// Stops and starts containers.
pub fn restart(args: StopArgs, shell: &Shell) -> Outcome {
    let _ = (args, shell);
    Err(Failure::usage("not yet"))
}
/// Signals containers.
pub fn kill(args: KillArgs, shell: &Shell) -> Outcome {
    let _ = (args, shell);
    Err(Failure::usage("not yet"))
}
/// Removes containers.
pub fn rm(args: RmArgs, shell: &Shell) -> Outcome {
    let _ = (args, shell);
    Err(Failure::usage("not yet"))
}
/// Waits for containers.
pub fn wait(args: NamesArgs, shell: &Shell) -> Outcome {
    let _ = (args, shell);
    Err(Failure::usage("not yet"))
}
