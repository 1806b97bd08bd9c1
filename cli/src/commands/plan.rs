//! `buildc plan`: what a build would do, and why.

use clap::ValueEnum;

use super::Shell;
use super::build::SourceArgs;
use crate::failure::{Failure, Outcome};

const AFTER_HELP: &str = "\
Examples:
  buildc plan .                           each step: cached, will run, or depends on another
  buildc plan --format json . | jq .      the same for programs
  buildc plan --format dot . | dot -Tsvg  a picture of the graph";

/// Options of `buildc plan`.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct PlanArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// Form of the output: text, json or dot
    #[arg(long, value_enum, default_value = "text", hide_possible_values = true)]
    format: PlanFormat,
}

/// Form of a printed plan.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum PlanFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For Graphviz.
    Dot,
}

/// Prints the plan.
pub fn run(args: PlanArgs, shell: &Shell) -> Outcome {
    let _ = (args, shell);
    Err(Failure::usage("not yet"))
}
