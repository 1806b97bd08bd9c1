//! Stages → graph: bases resolved, words expanded, one step per instruction that makes a layer.
//!
//! Owns: the order of the work. `link` finds what each stage needs, `reach` follows the needs from the target,
//! `stage` lowers one stage; the other modules lower one kind of instruction each.

use std::collections::BTreeMap;

use buildc_ir::world::Resolver;
use buildc_ir::{Diagnostic, Graph, Severity, SourceMap, Span};

use super::ast::Dockerfile;
use super::expand::Lexer;
use super::lint::{self, Lint};
use super::stages::Stages;
use super::{Checked, LowerOptions, Lowered, problem, scope, stages};

pub(crate) mod base;
pub(crate) mod config;
pub(crate) mod history;
mod link;
pub(in crate::dockerfile) mod mounts;
mod outline;
pub(crate) mod paths;
pub(crate) mod ports;
mod reach;
mod run;
mod stage;
pub(crate) mod transfer;

pub use outline::outline;

/// See [`super::lower`].
pub fn lower(
    ast: &Dockerfile,
    sources: &mut SourceMap,
    options: &LowerOptions,
    resolver: &dyn Resolver,
) -> Result<Lowered, Vec<Diagnostic>> {
    let mut road = Road::new(ast, options, Purpose::Build);
    let graph = road.graph(sources, resolver);
    let strict = road.lint.is_strict();
    let findings = road.lint.finish();
    let mut problems = road.problems;
    problems.extend(findings.iter().map(lint::Finding::warning));
    problems.extend(strict.then(|| rules_broken(&findings)).flatten());
    match graph {
        Some(graph) if !has_errors(&problems) => Ok(Lowered { graph, warnings: problems }),
        None if !has_errors(&problems) => {
            Err(vec![problem::internal("the target was not lowered", Span::new(ast.file, 0, 0))])
        }
        _ => Err(problems),
    }
}

/// See [`super::global_argument`].
pub fn global_argument(ast: &Dockerfile, options: &LowerOptions, name: &str) -> Option<String> {
    let mut problems = Vec::new();
    let stages = stages::collect(ast, &mut problems);
    stages.globals.iter().find(|arg| arg.name.text == name)?;
    let last = stages.list.last().and_then(|stage| stage.name());
    let lexer = Lexer::new(ast.directives.escape);
    let globals = scope::globals(&stages.globals, lexer, options, last, &mut problems);
    globals.get(name).map(str::to_owned)
}

/// See [`super::check`].
pub fn check(
    ast: &Dockerfile,
    sources: &mut SourceMap,
    options: &LowerOptions,
    resolver: &dyn Resolver,
) -> Checked {
    let mut road = Road::new(ast, options, Purpose::Check);
    // What is built is not of interest here.
    drop(road.graph(sources, resolver));
    let strict = road.lint.is_strict();
    let (findings, mut problems) = (road.lint.finish(), road.problems);
    if strict && !has_errors(&problems) {
        problems.extend(rules_broken(&findings));
    }
    Checked { findings, problems }
}

/// See [`super::check_unparsed`].
pub fn check_unparsed(ast: &Dockerfile, options: &LowerOptions, problems: Vec<Diagnostic>) -> Checked {
    let errors = problems.iter().filter(|p| p.severity == Severity::Error);
    let places = errors.filter_map(|p| p.labels.first()).map(|label| label.span);
    let stop = places.min_by_key(|place| place.start).unwrap_or(Span::new(ast.file, 0, 0));
    let mut lint = Lint::new(check_options(ast, options, &mut Vec::new()));
    lint::syntax(ast, &mut lint);
    Checked { findings: lint::before(lint, stop), problems }
}

/// The error that findings are where none are wanted.
fn rules_broken(findings: &[lint::Finding]) -> Option<Diagnostic> {
    let first = findings.first()?;
    Some(problem::rules_broken(&lint::broken(findings), first.span))
}

fn has_errors(problems: &[Diagnostic]) -> bool {
    problems.iter().any(|p| p.severity == Severity::Error)
}

/// What a file is lowered for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Purpose {
    /// To build the target.
    Build,
    /// To hear what is wrong with it.
    Check,
}

/// The way from a tree to a graph, and what is found along it.
struct Road<'a> {
    ast: &'a Dockerfile,
    options: &'a LowerOptions,
    purpose: Purpose,
    lint: Lint,
    problems: Vec<Diagnostic>,
}

impl<'a> Road<'a> {
    fn new(ast: &'a Dockerfile, options: &'a LowerOptions, purpose: Purpose) -> Self {
        let mut problems = Vec::new();
        let mut lint = Lint::new(check_options(ast, options, &mut problems));
        lint::syntax(ast, &mut lint);
        Self { ast, options, purpose, lint, problems }
    }

    /// `None` when there are errors.
    fn graph(&mut self, sources: &mut SourceMap, resolver: &dyn Resolver) -> Option<Graph> {
        let (ast, options) = (self.ast, self.options);
        let stages = stages::collect(ast, &mut self.problems);
        let lexer = Lexer::new(ast.directives.escape);
        let last = stages.list.last().and_then(|s| s.name());
        let globals = scope::globals(&stages.globals, lexer, options, last, &mut self.problems);
        bases_by_default(&stages, lexer, options, last, &mut self.lint);
        let linked = link::link(&stages, &globals, lexer, options, &mut self.lint, &mut self.problems);
        let target = find_target(&linked, ast, options, &mut self.problems);
        if has_errors(&self.problems) {
            return None;
        }
        let target = target?;
        let everything = self.purpose == Purpose::Check && options.target.is_none();
        let wanted = if everything { (0..linked.stages.len()).collect() } else { vec![target] };
        let tolerant = self.purpose == Purpose::Check;
        let reached = reach::reach(linked, wanted, tolerant, sources, resolver, &mut self.problems);
        if has_errors(&self.problems) {
            return None;
        }
        // A check asks for no commit: nothing that it finds depends on one.
        let resolver = (!tolerant).then_some(resolver);
        let (lint, problems) = (&mut self.lint, &mut self.problems);
        let mut lowering = stage::Lowering::new(options, globals, lexer, &reached, resolver, lint, problems);
        lowering.all();
        lowering.finish(target)
    }
}

/// BUILDKIT_DOCKERFILE_CHECK, else the directive.
fn check_options(ast: &Dockerfile, options: &LowerOptions, problems: &mut Vec<Diagnostic>) -> lint::Config {
    let given = scope::build_arg(options, "BUILDKIT_DOCKERFILE_CHECK");
    let directive = ast.directives.check.as_ref();
    let text = given.or(directive.map(|w| w.text.as_str())).unwrap_or_default();
    lint::Config::parse(text).unwrap_or_else(|error| {
        let place = directive.filter(|_| given.is_none()).map_or(Span::new(ast.file, 0, 0), |w| w.span);
        let help = "Write for example `skip=StageNameCasing,FromAsCasing;error=true`";
        problems.push(problem::bad_directive(format!("Cannot read the check options: {error}"), place, help));
        lint::Config::default()
    })
}

/// Base names as they are when nobody gives build arguments.
fn bases_by_default(
    stages: &Stages<'_>,
    lexer: Lexer,
    options: &LowerOptions,
    last: Option<&str>,
    lint: &mut Lint,
) {
    let options = LowerOptions { build_args: BTreeMap::new(), ..options.clone() };
    let mut problems = Vec::new();
    let defaults = scope::globals(&stages.globals, lexer, &options, last, &mut problems);
    // A file that cannot be expanded says so elsewhere.
    if !problems.is_empty() {
        return;
    }
    for stage in &stages.list {
        lint.enter(stage.comments);
        if let Some(base) = defaults.expand(lexer, &stage.from.base, &mut problems) {
            lint.default_base(stage.span, stage.from, &base.text);
        }
    }
}

/// The stage that `--target` means: by name, then by index.
fn find_target(
    linked: &link::Linked<'_>,
    ast: &Dockerfile,
    options: &LowerOptions,
    problems: &mut Vec<Diagnostic>,
) -> Option<usize> {
    let Some(name) = options.target.as_deref().filter(|t| !t.is_empty()) else {
        return linked.stages.len().checked_sub(1);
    };
    let found = linked.by_name(name).or_else(|| name.parse().ok().filter(|i| *i < linked.stages.len()));
    if found.is_none() {
        let names = linked.stages.iter().filter_map(|s| s.name.as_deref());
        problems.push(problem::unknown_target(name, names, Span::new(ast.file, 0, 0)));
    }
    found
}
