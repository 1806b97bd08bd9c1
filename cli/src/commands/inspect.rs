//! `buildc inspect`: everything known about objects, as JSON or through a template.

use clap::ValueEnum;

use super::Shell;
use crate::failure::{Failure, Outcome};

const AFTER_HELP: &str = "\
Examples:
  buildc inspect web
  buildc inspect -f '{{.State.Status}}' web
  buildc inspect -f '{{json .Config.Labels}}' app:1.2";

/// Options of `buildc inspect`.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct InspectArgs {
    /// json, or a template such as '{{.State.Pid}}'
    #[arg(short, long, value_name = "FORMAT")]
    format: Option<String>,
    /// Look only among these: container, image or volume
    #[arg(long = "type", value_name = "TYPE", value_enum, hide_possible_values = true)]
    kind: Option<ObjectKind>,
    /// Names or ids
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
}

/// What can be inspected.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum ObjectKind {
    /// A container.
    Container,
    /// An image.
    Image,
    /// A volume.
    Volume,
}

/// Prints objects.
pub fn run(args: InspectArgs, shell: &Shell) -> Outcome {
    let _ = (args, shell);
    Err(Failure::usage("not yet"))
}
