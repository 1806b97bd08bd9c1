//! `buildc bake`: the builds of a bake file, as one graph.

mod build;
mod words;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use buildc_compiler::bake::{BakeError, BakeFile, Baked, linked};
use serde_json::{Map, Value};

use self::words::Target;
use super::Shell;
use super::build::Progress;
use crate::failure::{Failure, Outcome};
use crate::output;

const AFTER_HELP: &str = "\
Examples:
  buildc bake                          build the group or target `default`
  buildc bake app db                   build these
  buildc bake --print                  show what would be built, as JSON
  TAG=2 buildc bake                    a variable from the environment
  buildc bake --set app.platforms=linux/arm64";

/// Files that are looked for, in this order; each that is there is read.
const DEFAULT_FILES: [&str; 8] = [
    "compose.yaml",
    "compose.yml",
    "docker-compose.yml",
    "docker-compose.yaml",
    "docker-bake.json",
    "docker-bake.hcl",
    "docker-bake.override.json",
    "docker-bake.override.hcl",
];
/// Where compose files take variables from that the environment does not have.
const DOTENV: &str = ".env";

// Options of `buildc bake`.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct BakeArgs {
    /// Bake or compose file; repeatable [default: compose.yaml, docker-bake.json and docker-bake.hcl, with their overrides]
    #[arg(short, long, value_name = "FILE")]
    file: Vec<PathBuf>,
    /// Print what would be built, as JSON, and build nothing
    #[arg(long)]
    print: bool,
    /// Change a field, for example app.args.V=2; TARGET may have a `*`; repeatable
    #[arg(long, value_name = "TARGET.FIELD=VALUE")]
    set: Vec<String>,
    /// Run every step, whatever is cached
    #[arg(long)]
    no_cache: bool,
    /// Ask the registry for newer base images
    #[arg(long)]
    pull: bool,
    /// Push the images that have names
    #[arg(long)]
    push: bool,
    /// How to show progress: auto, plain (lines), tty (a moving display), json or quiet
    #[arg(long, value_name = "HOW", default_value = "auto", env = "BUILDC_PROGRESS", hide_env = true)]
    #[arg(hide_possible_values = true)]
    progress: Progress,
    /// How many steps may run at once [default: number of CPUs]
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Write digests and names of each target to a JSON file
    #[arg(long, value_name = "FILE")]
    metadata_file: Option<PathBuf>,
    /// Accepted for Docker's sake: the images are always in the store
    #[arg(long)]
    load: bool,
    /// Groups and targets [default: default]
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
}

/// Prints or builds.
pub fn run(args: &BakeArgs, shell: &Shell) -> Outcome {
    let bad = |error: BakeError| Failure::told("bake::invalid", &error, None);
    let environment = |name: &str| std::env::var(name).ok();
    let mut file = BakeFile::read(&texts(&args.file)?, &environment, &dotenv()?).map_err(bad)?;
    for option in &args.set {
        file.set(option).map_err(bad)?;
    }
    let baked = file.resolve(&args.targets).map_err(bad)?;
    if args.print {
        output::json(&baked.json())?;
        return Ok(0);
    }
    let targets = order(&baked)?.into_iter().map(|name| target(args, &baked, name));
    build::run(args, targets.collect::<Result<_, _>>()?, shell)
}

/// A target with what the command line says of all.
fn target(args: &BakeArgs, baked: &Baked, name: String) -> Result<Target, Failure> {
    let mut target = words::target(&name, baked.targets.get(&name).unwrap_or(&Map::new()))?;
    target.args.source.no_cache |= args.no_cache;
    target.args.source.pull |= args.pull;
    target.args.push |= args.push && !target.args.tag.is_empty();
    target.args.progress = args.progress;
    Ok(target)
}

/// The files with their names.
fn texts(files: &[PathBuf]) -> Result<Vec<(String, String)>, Failure> {
    let there = DEFAULT_FILES.iter().map(PathBuf::from).filter(|path| path.is_file());
    let files: Vec<PathBuf> = if files.is_empty() { there.collect() } else { files.to_vec() };
    if files.is_empty() {
        return Err(Failure::new(
            "input::not_found",
            "There is no docker-bake.hcl, docker-bake.json or compose.yaml here",
        )
        .help("Name a file with -f"));
    }
    let mut found = Vec::new();
    for path in files {
        let text = std::fs::read_to_string(&path).map_err(|e| Failure::file("read", &path, &e))?;
        found.push((path.display().to_string(), text));
    }
    Ok(found)
}

fn dotenv() -> Result<String, Failure> {
    match std::fs::read_to_string(DOTENV) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        read => read.map_err(|e| Failure::file("read", std::path::Path::new(DOTENV), &e)),
    }
}

/// All targets, those that others take files from first.
fn order(baked: &Baked) -> Result<Vec<String>, Failure> {
    let mut done: Vec<String> = Vec::new();
    let mut left: Vec<(&String, &Map<String, Value>)> = baked.targets.iter().collect();
    while !left.is_empty() {
        let before = left.len();
        left.retain(|(name, target)| {
            let ready = linked(target).iter().all(|other| done.contains(other));
            if ready {
                done.push((*name).clone());
            }
            !ready
        });
        if left.len() == before {
            let names: Vec<&str> = left.iter().map(|(name, _)| name.as_str()).collect();
            let why = format!("These targets need each other: {}", names.join(", "));
            return Err(Failure::new("bake::invalid", why).help("Take one of their `target:` contexts out"));
        }
    }
    Ok(done)
}
