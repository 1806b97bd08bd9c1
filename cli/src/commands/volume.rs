//! `buildc volume`: directories that outlive containers.

use clap::Subcommand;

use super::Shell;
use crate::failure::{Failure, Outcome};

/// What to do with volumes.
#[derive(Subcommand, Debug)]
pub enum VolumeVerb {
    /// Make a volume
    Create {
        /// Label
        #[arg(short, long, value_name = "NAME[=VALUE]")]
        label: Vec<String>,
        /// Its name [default: a random one]
        name: Option<String>,
    },
    /// List volumes
    #[command(alias = "list")]
    Ls {
        /// Print only names
        #[arg(short, long)]
        quiet: bool,
        /// table, json, or a template such as '{{.Name}}'
        #[arg(long, value_name = "FORMAT")]
        format: Option<String>,
    },
    /// Remove volumes
    #[command(alias = "remove")]
    Rm {
        /// It is no error when one does not exist
        #[arg(short, long)]
        force: bool,
        /// Names
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
    },
    /// Show everything known about volumes
    Inspect {
        /// json, or a template such as '{{.Mountpoint}}'
        #[arg(short, long, value_name = "FORMAT")]
        format: Option<String>,
        /// Names
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
    },
    /// Remove volumes that no container uses
    Prune {
        /// Named ones too, not only anonymous ones
        #[arg(short, long)]
        all: bool,
        /// Do not ask
        #[arg(short, long)]
        force: bool,
    },
}

/// Does it.
pub fn run(verb: VolumeVerb, shell: &Shell) -> Outcome {
    let _ = (verb, shell);
    Err(Failure::usage("not yet"))
}
