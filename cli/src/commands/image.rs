//! `images`, `tag`, `rmi`, `history`: the images in the store.

use super::Shell;
use crate::failure::{Failure, Outcome};

const IMAGES_HELP: &str = "\
Examples:
  buildc images
  buildc images -q --filter dangling=true          ids of unnamed images
  buildc images --format '{{.Repository}}:{{.Tag}} {{.Size}}'";

/// Options of `buildc images`.
#[derive(clap::Args, Debug)]
#[command(after_help = IMAGES_HELP)]
pub struct ImagesArgs {
    /// Show unnamed images too
    #[arg(short, long)]
    all: bool,
    /// Print only ids
    #[arg(short, long)]
    quiet: bool,
    /// Show manifest digests
    #[arg(long)]
    digests: bool,
    /// Do not shorten ids
    #[arg(long)]
    no_trunc: bool,
    /// Show only some: dangling, label, reference
    #[arg(short, long, value_name = "NAME=VALUE")]
    filter: Vec<String>,
    /// table, json, or a template such as '{{.ID}}'
    #[arg(long, value_name = "FORMAT")]
    format: Option<String>,
    /// Show only this repository, or name with wildcards
    #[arg(value_name = "REPOSITORY[:TAG]")]
    name: Option<String>,
}

/// Options of `buildc tag`.
#[derive(clap::Args, Debug)]
pub struct TagArgs {
    /// An image: name or id
    image: String,
    /// Its new name
    #[arg(required = true, value_name = "NAME[:TAG]")]
    names: Vec<String>,
}

/// Options of `buildc rmi`.
#[derive(clap::Args, Debug)]
pub struct RmiArgs {
    /// Remove all names of an image given by id, and images that stopped containers use
    #[arg(short, long)]
    force: bool,
    /// Names or ids
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<String>,
}

/// Options of `buildc history`.
#[derive(clap::Args, Debug)]
pub struct HistoryArgs {
    /// Do not shorten instructions
    #[arg(long)]
    no_trunc: bool,
    /// Print only ids
    #[arg(short, long)]
    quiet: bool,
    /// table, json, or a template such as '{{.CreatedBy}}'
    #[arg(long, value_name = "FORMAT")]
    format: Option<String>,
    /// Name or id
    image: String,
}

/// Lists images.
pub fn images(args: ImagesArgs, shell: &Shell) -> Outcome {
    let _ = (args, shell);
    Err(Failure::usage("not yet"))
}
/// Names an image.
pub fn tag(args: TagArgs, shell: &Shell) -> Outcome {
    let _ = (args, shell);
    Err(Failure::usage("not yet"))
}
/// Removes images.
pub fn rmi(args: RmiArgs, shell: &Shell) -> Outcome {
    let _ = (args, shell);
    Err(Failure::usage("not yet"))
}
/// Prints an image's history.
pub fn history(args: HistoryArgs, shell: &Shell) -> Outcome {
    let _ = (args, shell);
    Err(Failure::usage("not yet"))
}
