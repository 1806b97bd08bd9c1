//! From the command line of `build` and `plan` to a plan: reads the Dockerfile and the ignore file, then calls the
//! compiler with the store as its world.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use buildc_compiler::dockerfile::{self, LowerOptions};
use buildc_compiler::optimise::{self, Passes};
use buildc_compiler::plan::{self, PlanOptions};
use buildc_executor::context::Context;
use buildc_executor::facts::StoreFacts;
use buildc_executor::resolve::{PullPolicy, StoreResolver};
use buildc_ir::step::Network;
use buildc_ir::world::{ResolvedImage, Resolver, WorldError};
use buildc_ir::{Diagnostic, ImageConfig, Plan, Platform, Reference, Severity, SourceMap};

use crate::commands::Shell;
use crate::commands::build::{BuildNetwork, SourceArgs};
use crate::failure::{Failure, os_text};
use crate::session::{self, Session};

/// A Dockerfile bigger than this is no Dockerfile.
const DOCKERFILE_LIMIT_BYTES: u64 = 16 << 20;

/// A plan with what is needed to run it.
#[derive(Debug)]
pub struct Compiled {
    /// The plan.
    pub plan: Plan,
    /// What the frontend found worth saying.
    pub warnings: Vec<Diagnostic>,
    /// The build contexts by name; the main one has the empty name.
    pub contexts: BTreeMap<String, Context>,
    /// Names this source and target among all builds.
    pub source_key: String,
}

/// Reads, lowers, improves and plans.
pub fn compile(session: &Session, args: &SourceArgs) -> Result<Compiled, Failure> {
    let dockerfile = Dockerfile::read(args)?;
    let contexts = contexts(session, args, &dockerfile)?;
    let options = lower_options(args)?;
    let mut sources = SourceMap::new();
    let file = sources.add(dockerfile.shown.clone(), dockerfile.text.clone());
    let (ast, mut warnings) = dockerfile::parse(file, &dockerfile.text);
    if warnings.iter().any(|d| d.severity == Severity::Error) {
        return Err(Failure::Input(warnings, Box::new(sources)));
    }
    let policy = if args.pull { PullPolicy::Always } else { PullPolicy::Missing };
    let resolver = StoreResolver::new(&session.store, policy);
    let lowered = match dockerfile::lower(&ast, &mut sources, &options, &resolver) {
        Ok(lowered) => lowered,
        Err(found) => return Err(Failure::Input(found, Box::new(sources))),
    };
    warnings.extend(lowered.warnings);
    let source_key = source_key(&dockerfile, args);
    let (graph, passes) = optimise::run(lowered.graph, &Passes::default());
    let facts = StoreFacts::new(&session.store, &contexts, &source_key);
    let options = PlanOptions { no_cache: args.no_cache };
    match plan::plan(graph, passes, sources.clone(), &facts, &options) {
        Ok(plan) => Ok(Compiled { plan, warnings, contexts, source_key }),
        Err(found) => Err(Failure::Input(found, Box::new(sources))),
    }
}

/// Shows warnings, unless nothing but errors is wanted.
pub fn warn(warnings: &[Diagnostic], sources: &SourceMap, shell: &Shell) {
    for warning in warnings {
        crate::output::say(crate::report::diagnostic(warning, sources, shell.streams).trim_end());
    }
}

/// The text of a Dockerfile and where it is from.
#[derive(Debug)]
struct Dockerfile {
    /// As diagnostics name it.
    shown: String,
    /// `None` for standard input.
    path: Option<PathBuf>,
    text: String,
}

impl Dockerfile {
    fn read(args: &SourceArgs) -> Result<Self, Failure> {
        let from_stdin = args.file.as_deref().map_or(args.context == Path::new("-"), |f| f == Path::new("-"));
        if from_stdin {
            let text = read_limited(std::io::stdin().lock(), Path::new("<stdin>"))?;
            return Ok(Self { shown: "<stdin>".to_owned(), path: None, text });
        }
        let path = match &args.file {
            Some(file) => file.clone(),
            None => default_file(&args.context)?,
        };
        let file = std::fs::File::open(&path).map_err(|e| missing(&path, &e))?;
        let text = read_limited(file, &path)?;
        Ok(Self {
            shown: path.strip_prefix("./").unwrap_or(&path).display().to_string(),
            path: Some(path),
            text,
        })
    }

    /// The ignore file that applies: `NAME.dockerignore` beside the Dockerfile, else `.dockerignore` of the context.
    fn ignore(&self, context: &Path) -> Result<Option<(String, String)>, Failure> {
        let beside = self.path.as_ref().map(|path| {
            let mut name = path.file_name().unwrap_or_default().to_owned();
            name.push(".dockerignore");
            path.with_file_name(name)
        });
        for path in beside.into_iter().chain([context.join(".dockerignore")]) {
            match std::fs::File::open(&path) {
                Ok(file) => {
                    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                    return Ok(Some((name, read_limited(file, &path)?)));
                }
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
                Err(e) => return Err(Failure::file("read", &path, &e)),
            }
        }
        Ok(None)
    }
}

/// `Dockerfile`, or `dockerfile` as Docker also accepts.
fn default_file(context: &Path) -> Result<PathBuf, Failure> {
    let path = context.join("Dockerfile");
    if path.exists() {
        return Ok(path);
    }
    let lower = context.join("dockerfile");
    if lower.exists() {
        return Ok(lower);
    }
    if !context.is_dir() {
        let text = context.to_string_lossy();
        if text.contains("://") || text.starts_with("git@") {
            return Err(Failure::usage(format!(
                "`{text}` is not a directory: remote build contexts are not supported"
            ))
            .help("Clone or download it first, then build the directory"));
        }
        return Err(Failure::new("input::not_found", format!("There is no directory `{text}` to build"))
            .help("`buildc build .` builds the current directory"));
    }
    Err(Failure::new("input::no_dockerfile", format!("There is no Dockerfile in `{}`", context.display()))
        .help("Write one, or name another file with -f"))
}

fn missing(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(
        "input::not_found",
        format!("Cannot read the Dockerfile `{}`: {}", path.display(), os_text(error)),
    )
    .help("-f is relative to the current directory, not to the build context")
}

fn read_limited(reader: impl Read, path: &Path) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    reader
        .take(DOCKERFILE_LIMIT_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| Failure::file("read", path, &e))?;
    if bytes.len() as u64 > DOCKERFILE_LIMIT_BYTES {
        return Err(Failure::new("input::too_big", format!("`{}` is bigger than 16 MiB", path.display())));
    }
    String::from_utf8(bytes)
        .map_err(|_| Failure::new("input::not_utf8", format!("`{}` is not UTF-8 text", path.display())))
}

fn contexts(
    session: &Session,
    args: &SourceArgs,
    dockerfile: &Dockerfile,
) -> Result<BTreeMap<String, Context>, Failure> {
    let mut contexts = BTreeMap::new();
    let open = |name: &str, dir: &Path, ignore| {
        Context::open(&session.store, name, dir, ignore).map_err(Failure::from)
    };
    if args.context == Path::new("-") {
        // Only a Dockerfile came in: its context is empty.
        let empty = session.store.subdir("contexts")?.join("empty");
        std::fs::create_dir_all(&empty).map_err(|e| Failure::file("create", &empty, &e))?;
        contexts.insert(String::new(), open("", &empty, None)?);
    } else {
        contexts.insert(String::new(), open("", &args.context, dockerfile.ignore(&args.context)?)?);
    }
    for option in &args.build_context {
        let (name, dir) = pair(option, "--build-context", "NAME=DIR")?;
        let dir = Path::new(dir.strip_prefix("local:").unwrap_or(dir));
        contexts.insert(name.to_owned(), open(name, dir, None)?);
    }
    Ok(contexts)
}

fn lower_options(args: &SourceArgs) -> Result<LowerOptions, Failure> {
    let mut build_args = BTreeMap::new();
    for option in &args.build_arg {
        match option.split_once('=') {
            Some((name, value)) => build_args.insert(name.to_owned(), Some(value.to_owned())),
            None => build_args.insert(option.clone(), std::env::var(option).ok()),
        };
    }
    let mut labels = Vec::new();
    for option in &args.label {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        labels.push((name.to_owned(), value.to_owned()));
    }
    let mut extra_hosts = Vec::new();
    for option in &args.add_host {
        let (name, address) = option
            .split_once('=')
            .or_else(|| option.split_once(':'))
            .ok_or_else(|| Failure::usage(format!("--add-host `{option}` is not of the form HOST:IP")))?;
        extra_hosts.push((name.to_owned(), address.trim_matches(['[', ']']).to_owned()));
    }
    let mut contexts = Vec::new();
    for option in &args.build_context {
        contexts.push(pair(option, "--build-context", "NAME=DIR")?.0.to_owned());
    }
    Ok(LowerOptions {
        build_args,
        target: args.target.clone(),
        platform: session::platform(args.platform.as_deref())?,
        platform_requested: args.platform.is_some(),
        labels,
        network: match args.network {
            BuildNetwork::Default => Network::Default,
            BuildNetwork::None => Network::None,
            BuildNetwork::Host => Network::Host,
        },
        extra_hosts,
        contexts,
    })
}

/// Splits an option's `NAME=VALUE`.
pub fn pair<'a>(option: &'a str, flag: &str, form: &str) -> Result<(&'a str, &'a str), Failure> {
    match option.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name, value)),
        _ => Err(Failure::usage(format!("{flag} `{option}` is not of the form {form}"))),
    }
}

/// The same Dockerfile, target and platform are compared with each other when a miss is explained.
fn source_key(dockerfile: &Dockerfile, args: &SourceArgs) -> String {
    let path = match &dockerfile.path {
        Some(path) => std::path::absolute(path).unwrap_or_else(|_| path.clone()),
        None => std::path::absolute(&args.context).unwrap_or_default().join("<stdin>"),
    };
    let target = args.target.as_deref().unwrap_or_default().to_ascii_lowercase();
    format!("{}#{target}#{}", path.display(), args.platform.as_deref().unwrap_or_default())
}

/// The config that some instructions make of an empty one (`import --change`).
pub fn config_of_changes(changes: &[String], platform: Platform) -> Result<ImageConfig, Failure> {
    const ALLOWED: [&str; 12] = [
        "CMD",
        "ENTRYPOINT",
        "ENV",
        "EXPOSE",
        "HEALTHCHECK",
        "LABEL",
        "ONBUILD",
        "SHELL",
        "STOPSIGNAL",
        "USER",
        "VOLUME",
        "WORKDIR",
    ];
    let mut text = "FROM scratch\n".to_owned();
    for change in changes {
        let word = change.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
        if !ALLOWED.contains(&word.as_str()) || change.contains('\n') {
            return Err(Failure::usage(format!(
                "--change `{change}` is not an instruction that can be applied"
            ))
            .help(format!("Instructions here: {}", ALLOWED.join(", "))));
        }
        text.push_str(change);
        text.push('\n');
    }
    let mut sources = SourceMap::new();
    let file = sources.add("--change", text.clone());
    let (ast, found) = dockerfile::parse(file, &text);
    if found.iter().any(|d| d.severity == Severity::Error) {
        return Err(Failure::Input(found, Box::new(sources)));
    }
    let options = LowerOptions {
        build_args: BTreeMap::new(),
        target: None,
        platform: platform.clone(),
        platform_requested: true,
        labels: Vec::new(),
        network: Network::Default,
        extra_hosts: Vec::new(),
        contexts: Vec::new(),
    };
    match dockerfile::lower(&ast, &mut sources, &options, &NoImages) {
        Ok(lowered) => {
            let target = lowered.graph.targets.into_iter().next();
            Ok(target.map_or_else(|| ImageConfig::scratch(platform), |t| t.config))
        }
        Err(found) => Err(Failure::Input(found, Box::new(sources))),
    }
}

/// A world without images.
struct NoImages;

impl Resolver for NoImages {
    fn resolve(&self, reference: &Reference, _: &Platform) -> Result<ResolvedImage, WorldError> {
        let message = format!("Image `{reference}` cannot be used here");
        Err(WorldError { code: "image::not_found", message, help: None })
    }
}
