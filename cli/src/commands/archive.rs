//! `load`, `save`, `import`: images in files.

use std::path::PathBuf;

use clap::ValueEnum;

use super::Shell;
use crate::failure::{Failure, Outcome};

/// Form of a saved image.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum ArchiveFormat {
    /// docker-archive: what `docker save` writes.
    #[value(alias = "docker")]
    DockerArchive,
    /// A tar of an OCI layout.
    #[value(alias = "oci")]
    OciArchive,
    /// An OCI layout directory.
    OciDir,
}

/// Options of `buildc load`.
#[derive(clap::Args, Debug)]
pub struct LoadArgs {
    /// File, or OCI layout directory [default: standard input]
    #[arg(short, long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Print only what was loaded
    #[arg(short, long)]
    quiet: bool,
}

/// Options of `buildc save`.
#[derive(clap::Args, Debug)]
pub struct SaveArgs {
    /// File [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// docker-archive, oci-archive or oci-dir
    #[arg(
        long,
        value_enum,
        default_value = "docker-archive",
        value_name = "FORMAT",
        hide_possible_values = true
    )]
    format: ArchiveFormat,
    /// Names or ids
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<String>,
}

const IMPORT_HELP: &str = "\
Examples:
  mmdebstrap trixie base.tar && buildc import base.tar debian:trixie
  tar -C rootfs -c . | buildc import -c 'CMD [\"/bin/sh\"]' - mybase";

/// Options of `buildc import`.
#[derive(clap::Args, Debug)]
#[command(after_help = IMPORT_HELP)]
pub struct ImportArgs {
    /// Instruction to apply: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, USER, VOLUME, WORKDIR…; repeatable
    #[arg(short, long, value_name = "INSTRUCTION")]
    change: Vec<String>,
    /// Comment in the image's history
    #[arg(short, long, value_name = "TEXT")]
    message: Option<String>,
    /// Platform of the image [default: this machine's]
    #[arg(long, value_name = "OS/ARCH")]
    platform: Option<String>,
    /// Tar archive (compressed or not), or - for standard input
    file: PathBuf,
    /// Name of the image
    #[arg(value_name = "NAME[:TAG]")]
    name: Option<String>,
}

/// Reads images.
pub fn load(args: LoadArgs, shell: &Shell) -> Outcome {
    let _ = (args, shell);
    Err(Failure::usage("not yet"))
}
/// Writes images.
pub fn save(args: SaveArgs, shell: &Shell) -> Outcome {
    let _ = (args, shell);
    Err(Failure::usage("not yet"))
}
/// Makes an image of a root file system.
pub fn import(args: ImportArgs, shell: &Shell) -> Outcome {
    let _ = (args, shell);
    Err(Failure::usage("not yet"))
}
