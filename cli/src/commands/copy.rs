//! `buildc cp`: files into and out of containers.

use std::path::Path;

use buildc_executor::container::{self, ContainerError, CopyOptions, Source, Target};
use buildc_executor::history::{self, Side};
use buildc_store::{Layer, Store};

use super::Shell;
use crate::failure::{Failure, Outcome};
use crate::output;
use crate::session::Session;

const AFTER_HELP: &str = concat!(
    "\
Examples:
  buildc cp web:/etc/nginx/nginx.conf .     out of a container
  buildc cp ./site/. web:/usr/share/html    the contents of a directory into it
  buildc cp web:/data - | tar t             as a tar archive
  buildc cp '@npm ci':/app/node_modules .   out of what a step of the newest build left
  buildc cp @failed:/app/test-report .      out of what a failed step left

",
    naming_steps!(),
    "
Without @ before it the word means a container first, and words that are only a part of a text do
not count."
);

// Options of `buildc cp`.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct CpArgs {
    /// Keep user and group ids
    #[arg(short, long)]
    archive: bool,
    /// Follow a symbolic link in SOURCE
    #[arg(short = 'L', long)]
    follow_link: bool,
    /// CONTAINER:PATH, STEP:PATH, PATH, or - for a tar archive on standard input
    source: String,
    /// CONTAINER:PATH, PATH, or - for a tar archive on standard output
    target: String,
}

/// Copies one way or the other.
pub fn run(args: CpArgs, shell: &Shell) -> Outcome {
    let options = CopyOptions { archive: args.archive, follow_link: args.follow_link };
    match (End::parse(&args.source), End::parse(&args.target)) {
        (End::Inside(name, path), End::Host(to)) => {
            let mut session = Session::open(shell)?;
            let mut out = std::io::stdout().lock();
            let to = if to == "-" { Target::Tar(&mut out) } else { Target::Path(Path::new(to)) };
            let container = (!name.starts_with('@')).then(|| container::find(&session.store, name));
            match container {
                Some(Ok(container)) => container::copy_out(&session.store, &container, path, to, options)?,
                // What is no container may be a step.
                other => {
                    session.hold()?;
                    let layers = left_by_step(&session.store, name, other.and_then(Result::err))?;
                    container::copy_out_of_tree(&session.store, &layers, path, to, options)?;
                }
            }
        }
        (End::Host(_), End::Inside(name, _)) if name.starts_with('@') => {
            return Err(Failure::usage("What a step left cannot be changed"));
        }
        (End::Host(from), End::Inside(name, path)) => {
            let session = Session::open(shell)?;
            let container = container::find(&session.store, name)?;
            let mut stdin = std::io::stdin().lock();
            let from = if from == "-" { Source::Tar(&mut stdin) } else { Source::Path(Path::new(from)) };
            container::copy_in(&session.store, &container, from, path, options)?;
        }
        (End::Inside(..), End::Inside(..)) => {
            return Err(Failure::usage("Copying between two containers is not supported")
                .help("buildc cp A:/path - | buildc cp - B:/path"));
        }
        (End::Host(_), End::Host(_)) => {
            return Err(Failure::usage("One side must be CONTAINER:PATH"));
        }
    }
    Ok(0)
}

/// The tree that a step of the newest build left; where the word was no container, only if it is wholly a step's.
fn left_by_step(
    store: &Store,
    name: &str,
    no_container: Option<ContainerError>,
) -> Result<Vec<Layer>, Failure> {
    let Some(error) = no_container else {
        let build = history::newest(store)?;
        return Ok(build.tree(store, build.find(name)?, Side::After)?);
    };
    let Ok(build) = history::newest(store) else { return Err(error.into()) };
    let Ok(step) = build.find_whole(name) else { return Err(error.into()) };
    output::say(&format!("There is no container `{name}`, so this is what `{}` left", step.decided.label));
    Ok(build.tree(store, step, Side::After)?)
}

/// One side of a copy.
#[derive(Debug, PartialEq, Eq)]
enum End<'a> {
    /// A container and a path in it.
    Inside(&'a str, &'a str),
    /// A path of the host, or `-`.
    Host(&'a str),
}

impl<'a> End<'a> {
    /// A word that begins with `.` or `/` is a path, however many colons it has.
    fn parse(text: &'a str) -> Self {
        match text.split_once(':') {
            Some((name, path)) if !text.starts_with(['.', '/']) && !name.is_empty() => {
                Self::Inside(name, path)
            }
            _ => Self::Host(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colon_makes_a_container_unless_the_word_is_a_path() {
        assert_eq!(End::parse("web:/a:b"), End::Inside("web", "/a:b"));
        for path in ["./a:b", "/a:b", "-", "file", ":x"] {
            assert_eq!(End::parse(path), End::Host(path));
        }
    }
}
