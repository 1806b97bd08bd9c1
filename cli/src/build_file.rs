//! Build files on the command line: found, evaluated on a big stack, and their contexts opened.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use buildc_compiler::lang::build::{self, Argument, BuildFile, Built, Failed};
use buildc_compiler::lang::eval::Options;
use buildc_executor::context::Context;
use buildc_executor::lock::{LockedResolver, Mode};
use buildc_executor::resolve::{PullPolicy, StoreResolver};

use buildc_ir::lock::Lock;
use buildc_ir::{Diagnostic, SourceMap};

use crate::commands::build::SourceArgs;
use crate::epoch;
use crate::failure::Failure;
use crate::frontend;
use crate::language;
use crate::pipeline::{self, Compiled, Sourced};
use crate::session::{self, Session};

/// What a build file is called in a directory without `-f`.
const DEFAULT_NAME: &str = "build.nix";

/// The build file that is meant: one given by `-f`, or the only thing to build in the directory.
pub fn path(args: &SourceArgs) -> Option<PathBuf> {
    match &args.file {
        _ if args.inline.is_some() => None,
        Some(file) => (file.extension()? == "nix").then(|| file.clone()),
        None => default_file(&args.context),
    }
}

/// `build.nix` of a directory that has no Dockerfile.
pub fn default_file(directory: &Path) -> Option<PathBuf> {
    let file = directory.join(DEFAULT_NAME);
    let dockerfile = ["Dockerfile", "dockerfile"].iter().any(|name| directory.join(name).exists());
    (!dockerfile && file.is_file()).then_some(file)
}

/// Evaluates, improves and plans.
pub fn compile(
    session: &mut Session,
    args: &SourceArgs,
    path: &Path,
    mode: Mode,
) -> Result<Compiled, Failure> {
    let path = found(path)?;
    session.hold()?;
    let (built, _) = evaluate(session, args, &path, mode)?;
    let contexts = contexts(session, &built.contexts)?;
    let attribute = args.attribute.as_deref().unwrap_or_default();
    let platform = args.platform.join(",");
    let source_key = format!("{}#{attribute}#{platform}", path.display());
    let Built { graph, sources, warnings, .. } = built;
    let groups = vec![1; graph.targets.len()];
    let held = Vec::new();
    let clamp = epoch::of_options(args)?;
    pipeline::decide(
        session,
        args,
        Sourced { graph, sources, warnings, contexts, source_key, groups, clamp, held },
    )
}

/// Evaluates only for what the file asks of the world; gives its warnings and the lock with all answers.
pub fn lock(
    session: &mut Session,
    args: &SourceArgs,
    path: &Path,
    mode: Mode,
) -> Result<(Vec<Diagnostic>, SourceMap, Lock), Failure> {
    let path = found(path)?;
    session.hold()?;
    let (built, lock) = evaluate(session, args, &path, mode)?;
    Ok((built.warnings, built.sources, lock))
}

fn found(path: &Path) -> Result<PathBuf, Failure> {
    let path = std::path::absolute(path).map_err(|e| Failure::file("find", path, &e))?;
    if path.is_file() {
        return Ok(path);
    }
    Err(Failure::new("input::not_found", format!("There is no build file `{}`", path.display()))
        .help("-f is relative to the current directory"))
}

fn evaluate(session: &Session, args: &SourceArgs, path: &Path, mode: Mode) -> Result<(Built, Lock), Failure> {
    if let Some(stage) = &args.target {
        return Err(Failure::usage(format!("--target `{stage}` is for Dockerfiles"))
            .help("Choose an image of a build file with -A NAME"));
    }
    let text = path.to_str().ok_or_else(|| {
        Failure::new("input::not_utf8", format!("The path `{}` is not UTF-8", path.display()))
    })?;
    let arguments = arguments(args)?;
    if session::platforms(&args.platform)?.len() > 1 {
        return Err(Failure::usage("A build file builds one platform at a time")
            .help("Let it make one image for each platform, or build once per platform"));
    }
    let lowering = frontend::lower_options(args)?;
    let policy = if args.pull { PullPolicy::Always } else { PullPolicy::Missing };
    let files = session.files();
    let result = language::on_big_stack(|stack_size| {
        let resolver = StoreResolver::new(&session.store, policy);
        let resolver = LockedResolver::new(&session.store, resolver, mode);
        let (max_memory, show_trace) = (language::memory_limit(), args.show_trace);
        let options = Options { stack_size, max_memory, show_trace, ..Options::default() };
        let file =
            BuildFile { path: text, arguments: &arguments, attribute: args.attribute.as_deref(), options };
        build::evaluate(file, lowering, &resolver, files).map(|built| (built, resolver.into_lock()))
    });
    match result.map_err(Failure::Output)? {
        Ok(built) => Ok(built),
        Err(Failed { report }) => {
            crate::output::say(String::from_utf8_lossy(&report).trim_end());
            Err(Failure::Said(1))
        }
    }
}

/// `--arg`, `--argstr`, and `--build-arg` as strings.
fn arguments(args: &SourceArgs) -> Result<Vec<(String, Argument)>, Failure> {
    let pairs = |words: &[String]| -> Vec<(String, String)> {
        words.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect()
    };
    let mut found = Vec::new();
    for option in &args.build_arg {
        match option.split_once('=') {
            Some((name, value)) => found.push((name.to_owned(), Argument::Text(value.to_owned()))),
            None => {
                let value = std::env::var(option).ok();
                found.extend(value.map(|value| (option.clone(), Argument::Text(value))));
            }
        }
    }
    found.extend(pairs(&args.arg).into_iter().map(|(name, text)| (name, Argument::Expression(text))));
    found.extend(pairs(&args.argstr).into_iter().map(|(name, text)| (name, Argument::Text(text))));
    Ok(found)
}

/// Opens every directory that steps take files from, each with its own ignore file.
fn contexts(
    session: &Session,
    directories: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, Context>, Failure> {
    let files = session.files();
    let mut contexts = BTreeMap::new();
    for (name, directory) in directories {
        // A path in what was fetched has its name in the language's store.
        let directory = files.place(directory.as_bytes());
        let ignore = crate::source::ignore_file(&directory.join(".dockerignore"))?;
        contexts.insert(name.clone(), Context::open(&session.store, name, &directory, ignore)?);
    }
    Ok(contexts)
}
