//! `system df`, `prune`, `fsck`: the store's space and health.

use clap::Subcommand;

use super::Shell;
use crate::args::TextOrJson;
use crate::failure::{Failure, Outcome};

/// What to show.
#[derive(Subcommand, Debug)]
pub enum SystemVerb {
    /// Show what takes how much space, and how much prune would free
    Df {
        /// Form of the output: text or json
        #[arg(long, value_enum, default_value = "text", value_name = "FORM", hide_possible_values = true)]
        format: TextOrJson,
    },
}

const PRUNE_HELP: &str = "\
Examples:
  buildc prune                       what nothing refers to
  buildc prune --keep-storage 10g    oldest build results too, until 10 GiB are left
  buildc prune --until 168h          build results not used for a week
  buildc prune -a --dry-run          what would go with all images that no container uses

A running build or container keeps everything it needs.";

/// Options of `buildc prune`.
#[derive(clap::Args, Debug)]
#[command(after_help = PRUNE_HELP)]
pub struct PruneArgs {
    /// Remove named images that no container uses too
    #[arg(short, long)]
    all: bool,
    /// Remove the longest unused until the store is this small
    #[arg(long, value_name = "SIZE")]
    keep_storage: Option<String>,
    /// Remove only what was not used for this long, for example 24h or 7d
    #[arg(long, value_name = "AGE", visible_alias = "until")]
    older_than: Option<String>,
    /// Only say what would be removed
    #[arg(long, short = 'n')]
    dry_run: bool,
    /// Accepted for Docker's sake: nothing is asked
    #[arg(short, long)]
    force: bool,
    /// Form of the output: text or json
    #[arg(long, value_enum, default_value = "text", value_name = "FORM", hide_possible_values = true)]
    format: TextOrJson,
}

/// Options of `buildc fsck`.
#[derive(clap::Args, Debug)]
pub struct FsckArgs {
    /// Read and hash every file too
    #[arg(long)]
    deep: bool,
    /// Only report
    #[arg(long)]
    dry_run: bool,
    /// Form of the output: text or json
    #[arg(long, value_enum, default_value = "text", value_name = "FORM", hide_possible_values = true)]
    format: TextOrJson,
}

/// Shows space.
pub fn system(verb: SystemVerb, shell: &Shell) -> Outcome {
    let _ = (verb, shell);
    Err(Failure::usage("not yet"))
}
/// Frees space.
pub fn prune(args: PruneArgs, shell: &Shell) -> Outcome {
    let _ = (args, shell);
    Err(Failure::usage("not yet"))
}
/// Checks the store.
pub fn fsck(args: FsckArgs, shell: &Shell) -> Outcome {
    let _ = (args, shell);
    Err(Failure::usage("not yet"))
}
