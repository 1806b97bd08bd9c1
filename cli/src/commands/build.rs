//! `buildc build`: from a Dockerfile to an image.

use std::path::PathBuf;

use clap::ValueEnum;

use super::Shell;
use crate::failure::{Failure, Outcome};

const AFTER_HELP: &str = "\
Examples:
  buildc build .                                  build ./Dockerfile
  buildc build -t app:1.2 --build-arg V=1.2 .     name the result, set an ARG
  buildc build --target test -f ci/Dockerfile .   stop at the stage `test`
  buildc build -o type=oci,dest=app.tar .         write an OCI archive
  ssh host cat Dockerfile | buildc build -f - .   the Dockerfile from standard input

The id of the image goes to standard output with -q, everything else to standard error.";

/// What decides the graph: shared by `build` and `plan`.
#[derive(clap::Args, Debug, Clone)]
pub struct SourceArgs {
    /// Directory that COPY and ADD take files from (the build context)
    #[arg(value_name = "DIR")]
    pub context: PathBuf,
    /// The Dockerfile; `-` reads standard input [default: DIR/Dockerfile]
    #[arg(short, long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Value of an ARG; without `=VALUE` it is taken from the environment
    #[arg(long, value_name = "NAME[=VALUE]")]
    pub build_arg: Vec<String>,
    /// Another directory that COPY --from=NAME takes files from
    #[arg(long, value_name = "NAME=DIR")]
    pub build_context: Vec<String>,
    /// Build this stage instead of the last one
    #[arg(long, value_name = "STAGE")]
    pub target: Option<String>,
    /// Run every step, whatever is cached
    #[arg(long)]
    pub no_cache: bool,
    /// Ask the registry for newer base images
    #[arg(long)]
    pub pull: bool,
    /// Label of the image
    #[arg(long, value_name = "NAME=VALUE")]
    pub label: Vec<String>,
    /// Network of RUN instructions: default (a private one with a way out), none or host
    #[arg(long, value_name = "MODE", default_value = "default", hide_possible_values = true)]
    pub network: BuildNetwork,
    /// Platform of the image, for example linux/arm64 [default: this machine's]
    #[arg(long, value_name = "OS/ARCH")]
    pub platform: Option<String>,
    /// Line for /etc/hosts during RUN
    #[arg(long, value_name = "HOST:IP")]
    pub add_host: Vec<String>,
}

/// Network of RUN instructions.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum BuildNetwork {
    /// A private one with a way out.
    #[value(alias = "bridge")]
    Default,
    /// Loopback only.
    None,
    /// The host's.
    Host,
}

/// How progress is shown.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    /// `tty` on a terminal, else `plain`.
    Auto,
    /// Lines.
    Plain,
    /// A moving display.
    Tty,
    /// One JSON object per line.
    #[value(alias = "rawjson")]
    Json,
    /// Nothing but errors.
    #[value(alias = "none")]
    Quiet,
}

/// Options of `buildc build`.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct BuildArgs {
    #[command(flatten)]
    pub source: SourceArgs,
    /// Name of the image, for example app:1.2; repeatable
    #[arg(short, long, value_name = "NAME[:TAG]")]
    pub tag: Vec<String>,
    /// How to show progress: auto, plain (lines), tty (a moving display), json or quiet
    #[arg(long, value_name = "HOW", default_value = "auto", env = "BUILDC_PROGRESS", hide_env = true)]
    #[arg(hide_possible_values = true)]
    pub progress: Progress,
    /// Print only the image id
    #[arg(short, long)]
    pub quiet: bool,
    /// Write the image id to a file
    #[arg(long, value_name = "FILE")]
    pub iidfile: Option<PathBuf>,
    /// Write digests and names to a JSON file
    #[arg(long, value_name = "FILE")]
    pub metadata_file: Option<PathBuf>,
    /// Secret for RUN --mount=type=secret
    #[arg(long, value_name = "id=NAME[,src=FILE|,env=VAR]")]
    pub secret: Vec<String>,
    /// ssh agent for RUN --mount=type=ssh
    #[arg(long, value_name = "default|ID[=SOCKET]")]
    pub ssh: Vec<String>,
    /// How many steps may run at once [default: number of CPUs]
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<std::num::NonZeroUsize>,
    /// Where the result goes, for example type=oci,dest=app.tar; a bare DIR receives the files; repeatable
    #[arg(short, long, value_name = "type=TYPE[,dest=PATH]")]
    pub output: Vec<String>,
    /// Push the named image when it is built
    #[arg(long)]
    pub push: bool,
    /// Accepted for Docker's sake: the image is always in the store
    #[arg(long)]
    pub load: bool,
}

/// Builds.
pub fn run(args: BuildArgs, shell: &Shell) -> Outcome {
    let _ = (args, shell);
    Err(Failure::usage("not yet"))
}
