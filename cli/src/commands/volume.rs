//! `buildc volume`: directories that outlive containers.

use std::collections::BTreeSet;

use buildc_executor::container::options;
use buildc_executor::volume::{self, Volume, VolumeError};
use clap::Subcommand;
use serde_json::{Value, json};

use super::Shell;
use crate::failure::{Failure, Outcome};
use crate::listing::{self, Filters, Layout, label_matches};
use crate::session::Session;
use crate::{output, report, units};

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
        /// Show only some: name, label, dangling, driver
        #[arg(short, long, value_name = "NAME=VALUE")]
        filter: Vec<String>,
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
        /// Accepted for Docker's sake: nothing is asked
        #[arg(short, long)]
        force: bool,
    },
}

/// Does it.
pub fn run(verb: VolumeVerb, shell: &Shell) -> Outcome {
    let session = Session::open(shell)?;
    let store = &session.store;
    match verb {
        VolumeVerb::Create { label, name } => {
            let labels = label.iter().map(|l| options::pair(l)).collect();
            output::data(&volume::create(store, name.as_deref(), labels)?.name)?;
        }
        VolumeVerb::Ls { quiet, filter, format } => {
            let filters = Filters::parse(&filter, &["name", "label", "dangling", "driver"])?;
            let used = volume::used(store)?;
            let mut volumes = volume::list(store)?;
            volumes.retain(|volume| filters.pass(|name, value| holds(volume, &used, name, value)));
            let rows: Vec<Value> = volumes.iter().map(row).collect();
            let columns = [("DRIVER", "Driver"), ("VOLUME NAME", "Name")];
            listing::print(&rows, Layout { columns: &columns, id: "Name" }, format.as_deref(), quiet)?;
        }
        VolumeVerb::Rm { force, names } => return remove(&session, &names, force, shell),
        VolumeVerb::Inspect { format, names } => {
            let found = names.iter().map(|n| Ok(document(&volume::find(store, n)?)));
            listing::inspect(&found.collect::<Result<Vec<_>, VolumeError>>()?, format.as_deref())?;
        }
        VolumeVerb::Prune { all, force: _ } => {
            let (names, bytes) = volume::prune(store, all)?;
            for name in names {
                output::data(&name)?;
            }
            output::say(&format!("Freed {}", units::size(bytes)));
        }
    }
    Ok(0)
}

/// Whether a filter of `volume ls` holds; a part of the name is enough, as with Docker.
fn holds(volume: &Volume, used: &BTreeSet<String>, filter: &str, value: &str) -> bool {
    match filter {
        "name" => volume.name.contains(value),
        "label" => label_matches(Some(&json!(volume.labels)), value),
        "dangling" => used.contains(&volume.name) != matches!(value, "true" | "1"),
        _ => value == "local",
    }
}

fn remove(session: &Session, names: &[String], force: bool, shell: &Shell) -> Outcome {
    let mut code = 0;
    for name in names {
        match volume::remove(&session.store, name) {
            Ok(()) => output::data(name)?,
            Err(VolumeError::NotFound(_)) if force => {}
            Err(error) => {
                let failure = Failure::from(error);
                report::failure(&failure, shell.streams);
                code = failure.exit_code();
            }
        }
    }
    Ok(code)
}

fn row(volume: &Volume) -> Value {
    let labels: Vec<String> = volume.labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
    json!({
        "Driver": "local",
        "Name": volume.name,
        "Mountpoint": volume.dir.display().to_string(),
        "Labels": labels.join(","),
        "Label": volume.labels,
        "Scope": "local",
    })
}

/// What `inspect` shows of a volume.
pub fn document(volume: &Volume) -> Value {
    json!({
        "CreatedAt": units::rfc3339(volume.created),
        "Driver": "local",
        "Labels": volume.labels,
        "Mountpoint": volume.dir.display().to_string(),
        "Name": volume.name,
        "Anonymous": volume.anonymous,
        "Scope": "local",
    })
}
