//! From the command line of `build` and `plan` to a plan: calls the compiler with the store as its world.

use std::collections::BTreeMap;
use std::sync::Arc;

use buildc_compiler::dockerfile::{self, LowerOptions, ast};
use buildc_compiler::optimise::{self, Passes};
use buildc_compiler::plan::{self, PlanOptions};
use buildc_executor::cache::{self, Imported};
use buildc_executor::context::Context;
use buildc_executor::dating::Dating;
use buildc_executor::facts::StoreFacts;
use buildc_executor::lock::LockedResolver;
use buildc_executor::trace;
use buildc_ir::plan::Tracing;
use buildc_ir::{Diagnostic, Graph, Plan, Platform, SourceMap, StepKind};

use crate::commands::build::{SourceArgs, Trace};
use crate::commands::cache_options;
use crate::failure::Failure;
use crate::frontend::{self, Frontend};
use crate::pins;
use crate::place::{NamedPlace, Place};
use crate::session::{self, Session};
use crate::{build_file, epoch, interrupt};

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

/// Reads, lowers, improves and plans.
pub fn compile(session: &mut Session, args: &SourceArgs) -> Result<Compiled, Failure> {
    let _planning = interrupt::planning();
    let mode = pins::mode(args)?;
    if let Some(path) = build_file::path(args) {
        return build_file::compile(session, args, &path, mode);
    }
    let mut frontend = Frontend::read(args)?;
    session.hold()?;
    frontend.load_layouts(session)?;
    let contexts = frontend::contexts(session, &frontend)?;
    let ast = frontend.parse()?;
    let resolver = frontend.resolver(session, mode);
    let Frontend { dockerfile, mut sources, mut options, mut warnings, place, named, .. } = frontend;
    let clamp = epoch::of_file(args, &ast, &mut options, &place)?;
    let platforms = session::platforms(&args.platform)?;
    let graph = lower_all(&ast, &mut sources, &options, &platforms, &resolver, &mut warnings)?;
    let source_key = frontend::source_key(&dockerfile, args, place.local);
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
        // What was found unwise may be the reason.
        Err(found) => Err(Failure::Input([warnings, found].concat(), Box::new(sources))),
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
