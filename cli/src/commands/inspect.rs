//! `buildc inspect`: everything known about objects, as JSON or through a template.

use buildc_executor::container::{self, ContainerError};
use buildc_executor::volume::{self, VolumeError};
use clap::ValueEnum;
use serde_json::Value;

use super::Shell;
use crate::document;
use crate::failure::{Failure, Outcome};
use crate::listing;
use crate::report;
use crate::session::Session;
const AFTER_HELP: &str = "\
Examples:
  buildc inspect web
  buildc inspect -f '{{.State.Status}}' web
  buildc inspect -f '{{json .Config.Labels}}' app:1.2";

// Options of `buildc inspect`.
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

/// Prints what was found; what was not is said, and the exit code is 1.
pub fn run(args: InspectArgs, shell: &Shell) -> Outcome {
    let session = Session::open(shell)?;
    let (mut found, mut code) = (Vec::new(), 0);
    for name in &args.names {
        match object(&session, name, args.kind)? {
            Some(document) => found.push(document),
            None => {
                let failure =
                    Failure::new("object::not_found", format!("There is no {} `{name}`", word(args.kind)))
                        .help("`buildc ps -a`, `buildc images` and `buildc volume ls` list what there is");
                report::failure(&failure, shell.streams);
                code = failure.exit_code();
            }
        }
    }
    listing::inspect(&found, args.format.as_deref())?;
    Ok(code)
}

fn word(kind: Option<ObjectKind>) -> &'static str {
    match kind {
        None => "container, image or volume",
        Some(ObjectKind::Container) => "container",
        Some(ObjectKind::Image) => "image",
        Some(ObjectKind::Volume) => "volume",
    }
}

/// Containers come first, as with Docker.
fn object(session: &Session, name: &str, kind: Option<ObjectKind>) -> Result<Option<Value>, Failure> {
    let wanted = |k| kind.is_none_or(|wanted| wanted == k);
    if wanted(ObjectKind::Container) {
        match container::find(&session.store, name) {
            Ok(found) => return Ok(Some(container::inspect(&session.store, &found)?)),
            Err(ContainerError::NotFound(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if wanted(ObjectKind::Image)
        && let Some(image) = session.find_image(name)?
    {
        return document::image(&session.store, &image).map(Some);
    }
    if wanted(ObjectKind::Volume) {
        return match volume::find(&session.store, name) {
            Ok(found) => Ok(Some(super::volume::document(&found))),
            // What cannot be the name of a volume is the name of none.
            Err(VolumeError::NotFound(_) | VolumeError::Name(_)) => Ok(None),
            Err(error) => Err(error.into()),
        };
    }
    Ok(None)
}
