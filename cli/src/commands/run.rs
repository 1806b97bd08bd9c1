//! `buildc run` and `buildc create`: a new container from an image or from a directory with a Dockerfile.

use super::Shell;
use super::container_options::ContainerOptions;
use crate::failure::{Failure, Outcome};

const RUN_HELP: &str = "\
Examples:
  buildc run --rm busybox echo hello              run, show the output, remove
  buildc run -d --name web -p 8080:80 nginx       in the background with a published port
  buildc run --rm -it debian bash                 a shell
  buildc run --rm -v \"$PWD\":/src -w /src node npm test
  buildc run --rm ./examples/node-hello           build the directory's Dockerfile and run it

The exit code is the command's; 125 when buildc fails, 126 when the command cannot be run, 127 when it
is not found. A word is a directory when it begins with `.` or `/`, or when it names a directory with a
Dockerfile and no image.";

/// Options of `buildc run`.
#[derive(clap::Args, Debug)]
#[command(after_help = RUN_HELP, disable_help_flag = true)]
#[command(override_usage = "buildc run [OPTIONS] IMAGE|DIR [COMMAND...]")]
pub struct RunArgs {
    /// Run in the background and print the container's id
    #[arg(short, long)]
    detach: bool,
    /// Remove the container when it has stopped
    #[arg(long)]
    rm: bool,
    #[command(flatten)]
    options: ContainerOptions,
}

/// Options of `buildc create`.
#[derive(clap::Args, Debug)]
#[command(disable_help_flag = true, override_usage = "buildc create [OPTIONS] IMAGE|DIR [COMMAND...]")]
pub struct CreateArgs {
    /// Remove the container when it has stopped
    #[arg(long)]
    rm: bool,
    #[command(flatten)]
    options: ContainerOptions,
}

/// Makes and starts a container.
pub fn run(args: RunArgs, shell: &Shell) -> Outcome {
    let _ = (args, shell);
    Err(Failure::usage("not yet"))
}

/// Makes a container.
pub fn create(args: CreateArgs, shell: &Shell) -> Outcome {
    let _ = (args, shell);
    Err(Failure::usage("not yet"))
}
