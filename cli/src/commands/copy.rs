//! `buildc cp`: files into and out of containers.

use super::Shell;
use crate::failure::{Failure, Outcome};

const AFTER_HELP: &str = "\
Examples:
  buildc cp web:/etc/nginx/nginx.conf .     out of a container
  buildc cp ./site/. web:/usr/share/html    the contents of a directory into it
  buildc cp web:/data - | tar t             as a tar archive";

/// Options of `buildc cp`.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct CpArgs {
    /// Keep user and group ids
    #[arg(short, long)]
    archive: bool,
    /// Follow a symbolic link in SOURCE
    #[arg(short = 'L', long)]
    follow_link: bool,
    /// CONTAINER:PATH, PATH, or - for a tar archive on standard input
    source: String,
    /// CONTAINER:PATH, PATH, or - for a tar archive on standard output
    target: String,
}

/// Copies.
pub fn run(args: CpArgs, shell: &Shell) -> Outcome {
    let _ = (args, shell);
    Err(Failure::usage("not yet"))
}
