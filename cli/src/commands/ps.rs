//! `buildc ps`: the list of containers.

use super::Shell;
use crate::failure::{Failure, Outcome};

const AFTER_HELP: &str = "\
Examples:
  buildc ps -a                                    stopped ones too
  buildc ps -q --filter label=app=web             ids for scripts
  buildc ps --format '{{.Names}} {{.Status}}'     your own columns
  buildc ps --format json                         one JSON object per line";

/// Options of `buildc ps`.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct PsArgs {
    /// Show stopped containers too
    #[arg(short, long)]
    all: bool,
    /// Print only ids
    #[arg(short, long)]
    quiet: bool,
    /// Show the newest container
    #[arg(short, long)]
    latest: bool,
    /// Show the newest N containers
    #[arg(short = 'n', long, value_name = "N")]
    last: Option<usize>,
    /// Do not shorten anything
    #[arg(long)]
    no_trunc: bool,
    /// Show only some: id, name, label, status, exited, ancestor, volume, publish, network
    #[arg(short, long, value_name = "NAME=VALUE")]
    filter: Vec<String>,
    /// table, json, or a template such as '{{.ID}}'
    #[arg(long, value_name = "FORMAT")]
    format: Option<String>,
}

/// Prints the list.
pub fn run(args: PsArgs, shell: &Shell) -> Outcome {
    let _ = (args, shell);
    Err(Failure::usage("not yet"))
}
