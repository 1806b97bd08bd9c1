//! From the command line of `build` and `plan` to a plan: calls the compiler with the store as its world.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use buildc_compiler::dockerfile::{self, Entitlements, LowerOptions, ast};
use buildc_compiler::optimise::{self, Passes};
use buildc_compiler::plan::render::{self, Tone};
use buildc_compiler::plan::{self, PlanOptions};
use buildc_executor::cache::{self, Imported};
use buildc_executor::context::{Context, ContextError};
use buildc_executor::dating::Dating;
use buildc_executor::facts::StoreFacts;
use buildc_executor::lock::{LockedResolver, Mode};
use buildc_executor::resolve::{PullPolicy, StoreResolver};
use buildc_executor::{network, trace};
use buildc_ir::pattern::PatternSet;
use buildc_ir::plan::Tracing;
use buildc_ir::step::Network;
use buildc_ir::{
    Diagnostic, FileId, Graph, Plan, PlannedStep, Platform, Reason, Severity, SourceMap, State, StepId,
    StepKind,
};

use crate::commands::Shell;
use crate::commands::build::{BuildNetwork, SourceArgs, Trace};
use crate::commands::cache_options;
use crate::failure::Failure;
use crate::pins;
use crate::place::{NamedPlace, Place};
use crate::session::{self, Session};
use crate::source::{self, Dockerfile};
use crate::{build_file, epoch};

/// What was fetched and unpacked for the contexts; it is removed when this is dropped.
pub type Held = (Place, BTreeMap<String, NamedPlace>);

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
    /// How many targets of the graph, one after the other, are platforms of one product.
    pub groups: Vec<usize>,
    /// Caches that are asked for what the store does not have.
    pub imported: Option<Arc<Imported>>,
    /// Keeps what was fetched and unpacked for the contexts.
    _held: Vec<Held>,
}

impl Compiled {
    /// The names of what is built; the platforms of an image are one.
    pub fn products(&self) -> Vec<&str> {
        let mut targets = self.plan.graph.targets.iter();
        let last = |count: &usize| targets.by_ref().take(*count).last();
        self.groups.iter().filter_map(last).map(|target| target.name.as_str()).collect()
    }
}

/// A Dockerfile with what the command line says about it, before anything is lowered.
#[derive(Debug)]
pub struct Frontend {
    /// The text and where it is from.
    pub dockerfile: Dockerfile,
    /// All texts that places point into.
    pub sources: SourceMap,
    /// The Dockerfile among them.
    pub file: FileId,
    /// What the command line says.
    pub options: LowerOptions,
    /// What the parser found worth saying.
    pub warnings: Vec<Diagnostic>,
    /// Where the main context is.
    pub place: Place,
    /// The contexts that have names.
    pub named: BTreeMap<String, NamedPlace>,
    policy: PullPolicy,
}

impl Frontend {
    /// Reads the Dockerfile and the options.
    pub fn read(args: &SourceArgs) -> Result<Self, Failure> {
        Self::read_beside(args, SourceMap::new())
    }

    /// The same with the texts of other builds beside it, which places of their steps point into.
    pub fn read_beside(args: &SourceArgs, mut sources: SourceMap) -> Result<Self, Failure> {
        let mut place = Place::open(args)?;
        let dockerfile = Dockerfile::read(args, &mut place)?;
        let named = named_places(args)?;
        let mut options = lower_options(args)?;
        for (name, place) in &named {
            match place {
                NamedPlace::Image(reference) => drop(options.images.insert(name.clone(), reference.clone())),
                NamedPlace::Layout(_) => {}
                NamedPlace::Dir(_) | NamedPlace::Held(_) => {
                    options.contexts.insert(name.clone(), name.clone());
                }
            }
        }
        if let Some(dir) = &place.dir
            && let Some((file, text)) = dockerfile.ignore(dir)?
        {
            options.ignore =
                PatternSet::parse(&text).map_err(|source| ContextError::IgnoreRule { file, source })?;
        }
        let file = sources.add(dockerfile.shown.clone(), dockerfile.text.clone());
        let policy = if args.pull { PullPolicy::Always } else { PullPolicy::Missing };
        Ok(Self { dockerfile, sources, file, options, warnings: Vec::new(), place, named, policy })
    }

    /// Parses the text.
    pub fn parse(&mut self) -> Result<ast::Dockerfile, Failure> {
        let (ast, found) = dockerfile::parse(self.file, &self.dockerfile.text);
        if found.iter().any(|d| d.severity == Severity::Error) {
            return Err(Failure::Input(found, Box::new(self.sources.clone())));
        }
        self.warnings = found;
        Ok(ast)
    }

    /// Puts another text in the Dockerfile's place.
    pub fn replace(&mut self, text: String) {
        self.sources = SourceMap::new();
        self.file = self.sources.add(self.dockerfile.shown.clone(), text.clone());
        self.dockerfile.text = text;
    }

    /// Brings the images of OCI layouts that contexts name into the store, where their digests are their names.
    pub fn load_layouts(&mut self, session: &Session) -> Result<(), Failure> {
        for (name, place) in &self.named {
            if let NamedPlace::Layout(layout) = place {
                self.options.images.insert(name.clone(), layout.load(session)?);
            }
        }
        Ok(())
    }

    /// Who knows what names, URLs and git refs mean.
    pub fn resolver<'a>(&self, session: &'a Session, mode: Mode) -> LockedResolver<'a> {
        LockedResolver::new(&session.store, StoreResolver::new(&session.store, self.policy), mode)
    }
}

/// Reads, lowers, improves and plans.
pub fn compile(session: &mut Session, args: &SourceArgs) -> Result<Compiled, Failure> {
    let mode = pins::mode(args)?;
    if let Some(path) = build_file::path(args) {
        return build_file::compile(session, args, &path, mode);
    }
    let mut frontend = Frontend::read(args)?;
    session.hold()?;
    frontend.load_layouts(session)?;
    let contexts = contexts(session, &frontend)?;
    let ast = frontend.parse()?;
    let resolver = frontend.resolver(session, mode);
    let Frontend { dockerfile, mut sources, mut options, mut warnings, place, named, .. } = frontend;
    let clamp = epoch::of_file(args, &ast, &mut options, &place)?;
    let platforms = session::platforms(&args.platform)?;
    let graph = lower_all(&ast, &mut sources, &options, &platforms, &resolver, &mut warnings)?;
    let source_key = source_key(&dockerfile, args, place.local);
    let (groups, held) = (vec![graph.targets.len()], vec![(place, named)]);
    decide(session, args, Sourced { graph, sources, warnings, contexts, source_key, groups, clamp, held })
}

/// Lowers a Dockerfile for each platform, into one graph in which they share what is the same.
pub fn lower_all(
    ast: &ast::Dockerfile,
    sources: &mut SourceMap,
    options: &LowerOptions,
    platforms: &[Platform],
    resolver: &LockedResolver<'_>,
    warnings: &mut Vec<Diagnostic>,
) -> Result<Graph, Failure> {
    let several = platforms.len() > 1;
    let one = [options.platform.clone()];
    let mut graph = Graph::new();
    for platform in if several { platforms } else { &one } {
        let options = LowerOptions { platform: platform.clone(), ..options.clone() };
        let mut lowered = match dockerfile::lower(ast, sources, &options, resolver) {
            Ok(lowered) => lowered,
            Err(found) => return Err(Failure::Input(found, Box::new(sources.clone()))),
        };
        if several {
            lowered.graph.prefix_labels(&platform.to_string());
        }
        // What is unwise is so on every platform.
        lowered.warnings.retain(|warning| !warnings.contains(warning));
        warnings.extend(lowered.warnings);
        let absorbed = graph.absorb(lowered.graph);
        absorbed.map_err(|error| Failure::told("internal::graph", &error, None))?;
    }
    Ok(graph)
}

/// What a frontend leaves: all that does not depend on what is cached.
#[derive(Debug)]
pub struct Sourced {
    /// The steps and what is wanted of them.
    pub graph: Graph,
    /// What spans point into.
    pub sources: SourceMap,
    /// What the frontend found worth saying.
    pub warnings: Vec<Diagnostic>,
    /// The build contexts by name.
    pub contexts: BTreeMap<String, Context>,
    /// Names this source and target among all builds.
    pub source_key: String,
    /// How many targets of the graph, one after the other, are platforms of one product.
    pub groups: Vec<usize>,
    /// What times are clamped to, in Unix seconds.
    pub clamp: Option<i64>,
    /// Keeps what was fetched and unpacked for the contexts.
    pub held: Vec<Held>,
}

/// Improves and plans.
pub fn decide(session: &Session, args: &SourceArgs, lowered: Sourced) -> Result<Compiled, Failure> {
    let Sourced { graph, sources, warnings, mut contexts, source_key, groups, clamp, held } = lowered;
    let dating = Dating::strict(args.strict_times);
    contexts.values_mut().for_each(|context| context.count_times(dating));
    let switches = passes(args)?;
    let (graph, passes) = optimise::run(graph, &switches);
    let imported = cache_options::open(session, &args.cache_from)?;
    if imported.is_some() {
        cache::pull_bases(&session.store, graph.iter().map(|(_, node)| node));
    }
    let facts = StoreFacts::new(&session.store, &contexts, &source_key)
        .with_caches(imported.as_deref())
        .with_dating(dating);
    let fresh_stages = args.no_cache_filter.clone();
    let tracing = tracing(args, &graph);
    let options = PlanOptions {
        no_cache: args.no_cache,
        fresh_stages,
        clamp,
        strict_times: args.strict_times,
        tracing,
        jobs: args.jobs(),
        passes: switches,
    };
    match plan::plan(graph, passes, sources.clone(), &facts, &options) {
        Ok(plan) => Ok(Compiled { plan, warnings, contexts, source_key, groups, imported, _held: held }),
        Err(found) => Err(Failure::Input(found, Box::new(sources))),
    }
}

/// `--optimise`: `-NAME` switches a pass off, `+NAME` or `NAME` on.
fn passes(args: &SourceArgs) -> Result<Passes, Failure> {
    let mut passes = Passes::default();
    for word in &args.optimise {
        let (name, on) = match word.strip_prefix('-') {
            Some(name) => (name, false),
            None => (word.strip_prefix('+').unwrap_or(word), true),
        };
        if !passes.set(name, on) {
            return Err(Failure::usage(format!("--optimise `{word}`: there is no such pass"))
                .help(format!("Passes: {}", Passes::NAMES.join(", "))));
        }
    }
    Ok(passes)
}

/// Whether commands can be and are to be traced; without one there is no need to ask the host.
fn tracing(args: &SourceArgs, graph: &Graph) -> Tracing {
    let mut kinds = graph.iter().map(|(_, node)| &node.step.kind);
    match args.trace {
        _ if args.strict_times => Tracing::StrictTimes,
        Trace::Off => Tracing::Off,
        Trace::On if !kinds.any(|kind| matches!(kind, StepKind::Exec(_))) => Tracing::On,
        Trace::On => match trace::support() {
            Ok(()) => Tracing::On,
            Err(refusal) => Tracing::Unavailable { why: refusal.to_string() },
        },
    }
}

/// What the first command that may run and needs a network would fail of on this machine, as the build would say it.
pub fn without_network(plan: &Plan) -> Option<Diagnostic> {
    let may_run = |step: &PlannedStep| matches!(step.state, State::WillRun | State::DependsOn { .. });
    let mut steps = plan.graph.iter().zip(&plan.steps).filter(|(_, step)| may_run(step));
    let ((_, node), _) = steps.find(
        |((_, node), _)| matches!(&node.step.kind, StepKind::Exec(exec) if exec.network == Network::Default),
    )?;
    let error = network::ready().err()?;
    let mut problem =
        Diagnostic::warning(error.code(), format!("A command would fail where it runs: {error}"));
    if let Some(origin) = node.origins.first() {
        problem = problem.label(*origin, "needs a network");
    }
    Some(match error.help() {
        Some(help) => problem.help(help),
        None => problem,
    })
}

/// Why steps are going to run, in the plan's words, where the user's own change is the reason; and why commands are not traced
/// although others are.
pub fn reasons(plan: &Plan) -> HashMap<StepId, String> {
    let mut steps = plan.steps.iter();
    let mut current = None;
    let mut reasons = HashMap::new();
    for line in render::lines(plan) {
        match line.tone {
            Tone::Header => {}
            Tone::Detail => {
                let Some(id) = current.take() else { continue };
                let text: &mut String = reasons.entry(id).or_default();
                text.push_str(line.text.trim());
                // The first line under a step is its reason; the changed files are in the next.
                if text.ends_with(':') {
                    text.push(' ');
                    current = Some(id);
                }
            }
            _ => current = steps.next().filter(|s| worth_saying(&s.reason)).map(|s| s.id),
        }
    }
    for ((id, node), step) in plan.graph.iter().zip(&plan.steps) {
        let Some(untraced) = render::untraced(plan, node, step) else { continue };
        let text: &mut String = reasons.entry(id).or_default();
        *text += if text.is_empty() { "" } else { "; " };
        *text += &untraced;
    }
    reasons
}

/// Reasons that name what the user changed, not what follows from it.
fn worth_saying(reason: &Reason) -> bool {
    !matches!(reason, Reason::NeverBuilt | Reason::InputChanged { .. } | Reason::NoCache)
}

/// Shows warnings, unless nothing but errors is wanted.
pub fn warn(warnings: &[Diagnostic], sources: &SourceMap, shell: &Shell) {
    for warning in warnings {
        crate::output::say(crate::report::diagnostic(warning, sources, shell.streams).trim_end());
    }
}

fn contexts(session: &Session, frontend: &Frontend) -> Result<BTreeMap<String, Context>, Failure> {
    let mut contexts = BTreeMap::new();
    for ContextSource { name, dir, ignore } in context_sources(session, frontend)? {
        let context = Context::open(&session.store, &name, &dir, ignore)?;
        contexts.insert(name, context);
    }
    Ok(contexts)
}

/// A directory that is a context, before it is opened.
#[derive(Debug)]
pub struct ContextSource {
    /// What the command line calls it; the main one has the empty name.
    pub name: String,
    /// Where it is.
    pub dir: PathBuf,
    /// Name and text of the ignore file that applies.
    pub ignore: Option<(String, String)>,
}

/// The directories of a build, the main one first.
pub fn context_sources(session: &Session, frontend: &Frontend) -> Result<Vec<ContextSource>, Failure> {
    let (dir, ignore) = match &frontend.place.dir {
        Some(dir) => (dir.clone(), frontend.dockerfile.ignore(dir)?),
        None => {
            // Only a Dockerfile came in: its context is empty.
            let empty = session.store.subdir("contexts")?.join("empty");
            std::fs::create_dir_all(&empty).map_err(|e| Failure::file("create", &empty, &e))?;
            (empty, None)
        }
    };
    let mut found = vec![ContextSource { name: String::new(), dir, ignore }];
    for (name, place) in &frontend.named {
        let Some(dir) = place.dir() else { continue };
        // Rules are for directories of this machine, whose owner wrote them for this use.
        let ignore = match place {
            NamedPlace::Dir(dir) => source::ignore_file(&dir.join(".dockerignore"))?,
            NamedPlace::Held(_) | NamedPlace::Image(_) | NamedPlace::Layout(_) => None,
        };
        found.push(ContextSource { name: name.clone(), dir: dir.to_owned(), ignore });
    }
    Ok(found)
}

/// `--build-context`.
fn named_places(args: &SourceArgs) -> Result<BTreeMap<String, NamedPlace>, Failure> {
    let mut named = BTreeMap::new();
    for option in &args.build_context {
        let (name, value) = pair(option, "--build-context", "NAME=DIR")?;
        named.insert(name.to_owned(), NamedPlace::open(value)?);
    }
    Ok(named)
}

/// What the options of a build say to its Dockerfile.
pub fn lower_options(args: &SourceArgs) -> Result<LowerOptions, Failure> {
    let mut build_args = BTreeMap::new();
    for option in &args.build_arg {
        let (name, value) = named(option, "--build-arg")?;
        let value = value.map_or_else(|| std::env::var(name).ok(), |value| Some(value.to_owned()));
        build_args.insert(name.to_owned(), value);
    }
    if let Some(seconds) = epoch::of_options(args)? {
        // Commands that honour it need only an ARG of this name.
        build_args.insert(epoch::NAME.to_owned(), Some(seconds.to_string()));
    }
    let mut labels = Vec::new();
    for option in &args.label {
        let (name, value) = named(option, "--label")?;
        labels.push((name.to_owned(), value.unwrap_or_default().to_owned()));
    }
    let mut extra_hosts = Vec::new();
    for option in &args.add_host {
        let (name, address) = option
            .split_once('=')
            .or_else(|| option.split_once(':'))
            .ok_or_else(|| Failure::usage(format!("--add-host `{option}` is not of the form HOST:IP")))?;
        let address = address.trim_matches(['[', ']']);
        if address != HOST_GATEWAY && address.parse::<IpAddr>().is_err() {
            return Err(Failure::usage(format!("--add-host `{option}`: `{address}` is no IP address")));
        }
        extra_hosts.push((name.to_owned(), address.to_owned()));
    }
    let platforms = session::platforms(&args.platform)?;
    let platform = platforms.into_iter().next().unwrap_or_else(Platform::host);
    Ok(LowerOptions {
        build_args,
        target: args.target.clone(),
        platform_requested: !args.platform.is_empty(),
        labels,
        network: match args.network {
            BuildNetwork::Default => Network::Default,
            BuildNetwork::None => Network::None,
            BuildNetwork::Host => Network::Host,
        },
        extra_hosts,
        entitlements: entitlements(&args.allow)?,
        ..LowerOptions::for_platform(platform)
    })
}

/// `--allow`.
fn entitlements(options: &[String]) -> Result<Entitlements, Failure> {
    let mut entitlements = Entitlements::default();
    for option in options {
        match option.as_str() {
            "network.host" => entitlements.network_host = true,
            "security.insecure" => entitlements.security_insecure = true,
            _ => {
                return Err(Failure::usage(format!("--allow `{option}`: there is no such entitlement"))
                    .help("Write network.host or security.insecure"));
            }
        }
    }
    Ok(entitlements)
}

/// What `--add-host` may say for the address of this machine.
const HOST_GATEWAY: &str = "host-gateway";

/// Splits an option's `NAME[=VALUE]`.
fn named<'a>(option: &'a str, flag: &str) -> Result<(&'a str, Option<&'a str>), Failure> {
    match option.split_once('=').map_or((option, None), |(name, value)| (name, Some(value))) {
        ("", _) => Err(Failure::usage(format!("{flag} `{option}` names nothing")).help("Write NAME=VALUE")),
        named => Ok(named),
    }
}

/// Splits an option's `NAME=VALUE`.
pub fn pair<'a>(option: &'a str, flag: &str, form: &str) -> Result<(&'a str, &'a str), Failure> {
    match option.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name, value)),
        _ => Err(Failure::usage(format!("{flag} `{option}` is not of the form {form}"))),
    }
}

/// The same Dockerfile, target and platform are compared with each other when a miss is explained.
fn source_key(dockerfile: &Dockerfile, args: &SourceArgs, local: bool) -> String {
    let path = match &dockerfile.path {
        Some(path) if local => std::path::absolute(path).unwrap_or_else(|_| path.clone()),
        _ => std::path::absolute(&args.context).unwrap_or_default().join("<stdin>"),
    };
    let target = args.target.as_deref().unwrap_or_default().to_ascii_lowercase();
    format!("{}#{target}#{}", path.display(), args.platform.join(","))
}
