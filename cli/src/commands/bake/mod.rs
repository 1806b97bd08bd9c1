//! `buildc bake`: the builds of a bake file, as one graph.

mod ask;
mod build;
mod files;
mod words;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use buildc_compiler::bake::{BakeError, BakeFile, Baked, Listing, Surroundings, linked};
use serde_json::{Map, Value};

use self::words::Target;
use super::Shell;
use super::build::Progress;
use crate::failure::{Failure, Outcome};
use crate::{output, units};

const AFTER_HELP: &str = "\
Examples:
  buildc bake                          build the group or target `default`
  buildc bake app db                   build these
  buildc bake --print                  show what would be built, as JSON
  TAG=2 buildc bake                    a variable from the environment
  buildc bake --set app.platforms=linux/arm64";

// Options of `buildc bake`.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct BakeArgs {
    /// Bake or compose file, `-` for standard input; repeatable [default: compose.yaml, docker-bake.json and docker-bake.hcl, with their overrides]
    #[arg(short, long, value_name = "FILE")]
    file: Vec<PathBuf>,
    /// Print what would be built, as JSON, and build nothing
    #[arg(long, conflicts_with = "list")]
    print: bool,
    /// List what the files have: targets or variables, also as type=targets,format=json
    #[arg(long, value_name = "WHAT")]
    list: Option<String>,
    /// Change a field, for example app.args.V=2, or add to a list with +=; TARGET may have a `*`; repeatable
    #[arg(long, value_name = "TARGET.FIELD=VALUE")]
    set: Vec<String>,
    /// Value of a variable, which goes before that of the environment; repeatable
    #[arg(long, value_name = "NAME=VALUE")]
    var: Vec<String>,
    /// What to do with each target instead of building it: check, outline or targets, each also with `,format=json`
    #[arg(long, value_name = "METHOD[,format=FORMAT]")]
    call: Option<String>,
    /// Only say what is unwise in the targets' Dockerfiles
    #[arg(long, conflicts_with = "call")]
    check: bool,
    /// Attach a list of packages to what leaves, as with `buildc build`
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    sbom: Option<String>,
    /// Attach how images were made to what leaves, as with `buildc build`
    #[arg(long, value_name = "MODE", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    provenance: Option<String>,
    /// Accepted for Docker's sake: targets say themselves what they may
    #[arg(long, value_name = "ENTITLEMENT")]
    allow: Vec<String>,
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

/// Prints, lists or builds.
pub fn run(args: &BakeArgs, shell: &Shell) -> Outcome {
    let bad = |error: BakeError| Failure::told("bake::invalid", &error, None);
    let given = given(&args.var)?;
    let environment = |name: &str| given.get(name).cloned().or_else(|| std::env::var(name).ok());
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let (dotenv, now) =
        (files::dotenv()?, units::rfc3339(i64::try_from(since.as_secs()).unwrap_or_default()));
    let platform = buildc_ir::Platform::host().to_string();
    let around = Surroundings {
        environment: &environment,
        dotenv: &dotenv,
        read: &files::named,
        now: &now,
        platform: &platform,
    };
    let mut file = BakeFile::read(&files::texts(&args.file)?, &around).map_err(bad)?;
    if let Some(what) = &args.list {
        let (what, json) = listing(what)?;
        output::data(&if json { file.list_json(what) } else { file.list(what) })?;
        return Ok(0);
    }
    for option in &args.set {
        file.set(option, &|name| std::env::var(name).ok()).map_err(bad)?;
    }
    for option in of_all(args) {
        file.set(&option, &|_| None).map_err(bad)?;
    }
    let baked = file.resolve(&args.targets).map_err(bad)?;
    if args.print {
        let text = baked.printed().map_err(|why| Failure::new("bake::invalid", why))?;
        output::data(&text)?;
        return Ok(0);
    }
    let targets = order(&baked)?.into_iter().map(|name| target(args, &baked, name));
    build::run(args, targets.collect::<Result<_, _>>()?, &baked, shell)
}

/// What options say of all targets, as `--set` would.
fn of_all(args: &BakeArgs) -> Vec<String> {
    let mut all = Vec::new();
    let mut add = |wanted: bool, option: &str| {
        if wanted {
            all.push(format!("*.{option}"));
        }
    };
    add(args.push, "push=true");
    add(args.load, "load=true");
    add(args.no_cache, "no-cache=true");
    add(args.pull, "pull=true");
    add(args.check, "call=lint");
    if let Some(call) = &args.call {
        add(true, &format!("call={}", call.replacen("check", "lint", 1)));
    }
    for (kind, value) in [("sbom", &args.sbom), ("provenance", &args.provenance)] {
        let Some(value) = value else { continue };
        let attest = match value.as_str() {
            "true" => format!("attest=type={kind}"),
            "false" => format!("attest=type={kind},disabled=true"),
            rest => format!("attest=type={kind},{rest}"),
        };
        add(true, &attest);
    }
    all
}

/// `--var NAME=VALUE`.
fn given(options: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let pair = |option: &String| {
        let pair = option.split_once('=').filter(|(name, _)| !name.is_empty());
        let pair = pair.map(|(name, value)| (name.to_owned(), value.to_owned()));
        pair.ok_or_else(|| Failure::usage(format!("--var `{option}` does not say NAME=VALUE")))
    };
    options.iter().map(pair).collect()
}

/// What `--list` names, and whether it is wanted as JSON.
fn listing(text: &str) -> Result<(Listing, bool), Failure> {
    let bad = || {
        Failure::usage(format!("--list `{text}` is not understood"))
            .help("Write targets, variables or type=targets,format=json")
    };
    let (mut what, mut json) = (None, false);
    for field in text.split(',') {
        match field.split_once('=').unwrap_or(("type", field)) {
            ("type", "targets") => what = Some(Listing::Targets),
            ("type", "variables") => what = Some(Listing::Variables),
            ("format", "json") => json = true,
            ("format", "table") => json = false,
            _ => return Err(bad()),
        }
    }
    Ok((what.ok_or_else(bad)?, json))
}

/// A target with what the command line says of all.
fn target(args: &BakeArgs, baked: &Baked, name: String) -> Result<Target, Failure> {
    let mut target = words::target(&name, baked.targets.get(&name).unwrap_or(&Map::new()))?;
    target.args.progress = args.progress;
    Ok(target)
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
