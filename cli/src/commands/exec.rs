//! `buildc exec`: another process in a running container.

use std::ffi::OsString;
use std::path::PathBuf;

use super::Shell;
use crate::failure::{Failure, Outcome};

const AFTER_HELP: &str = "\
Examples:
  buildc exec -it web sh
  buildc exec -e DEBUG=1 web node check.js

The exit code is the command's; 126 and 127 when it cannot be run or found.";

/// Options of `buildc exec`.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP, override_usage = "buildc exec [OPTIONS] CONTAINER COMMAND...")]
pub struct ExecArgs {
    /// Do not wait for the command
    #[arg(short, long)]
    detach: bool,
    /// Keep standard input open
    #[arg(short, long)]
    interactive: bool,
    /// Give it a terminal
    #[arg(short, long)]
    tty: bool,
    /// Environment variable
    #[arg(short, long, value_name = "NAME[=VALUE]")]
    env: Vec<String>,
    /// File with NAME=VALUE lines
    #[arg(long, value_name = "FILE")]
    env_file: Vec<PathBuf>,
    /// Working directory inside
    #[arg(short, long, value_name = "DIR")]
    workdir: Option<String>,
    /// User, and group, that runs the command
    #[arg(short, long, value_name = "USER[:GROUP]")]
    user: Option<String>,
    /// All capabilities
    #[arg(long)]
    privileged: bool,
    /// A running container, and the command
    #[arg(required = true, num_args = 2.., trailing_var_arg = true, value_names = ["CONTAINER", "COMMAND"])]
    words: Vec<OsString>,
}

/// Runs the command.
pub fn run(args: ExecArgs, shell: &Shell) -> Outcome {
    let _ = (args, shell);
    Err(Failure::usage("not yet"))
}
