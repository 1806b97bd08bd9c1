//! `buildc exec`: another process in a running container.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;

use buildc_executor::container::{self, ExecSpec};

use super::Shell;
use super::container_options::{environment, words};
use crate::failure::{Failure, Outcome};
use crate::session::Session;

const AFTER_HELP: &str = "\
Examples:
  buildc exec -it web sh
  buildc exec -e DEBUG=1 web node check.js

The exit code is the command's; 126 and 127 when it cannot be run or found.";

// Options of `buildc exec`.
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

/// Runs the command; its status is ours.
pub fn run(args: ExecArgs, shell: &Shell) -> Outcome {
    if args.interactive && args.tty && !args.detach && !std::io::stdin().is_terminal() {
        return Err(Failure::usage("-it needs a terminal, and standard input is none").help("Leave out -t"));
    }
    let mut words = words(&args.words)?;
    let name = words.remove(0);
    let session = Session::open(shell)?;
    let container = container::find(&session.store, &name)?;
    let spec = ExecSpec {
        command: words,
        env: environment(&args.env_file, &args.env)?,
        workdir: args.workdir,
        user: args.user,
        privileged: args.privileged,
        interactive: args.interactive,
        tty: args.tty,
        detach: args.detach,
    };
    Ok(container::exec(&session.store, &container, &spec)?)
}
