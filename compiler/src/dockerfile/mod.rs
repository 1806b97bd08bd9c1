//! The Dockerfile frontend: text → ast → stages → expansion → graph (spec/dockerfile.md).
//!
//! Owns: everything that is particular to the Dockerfile language.
//! Never does: looking at a build context or a registry; bases come in through [`Resolver`].

use std::collections::BTreeMap;
use std::sync::Arc;

use buildc_ir::pattern::PatternSet;
use buildc_ir::step::Network;
use buildc_ir::world::Resolver;
use buildc_ir::{Diagnostic, FileId, Graph, Platform, Reference, SourceMap, Span};

pub mod ast;
mod directives;
mod expand;
mod flags;
pub mod foreign;
pub(crate) mod healthcheck;
mod heredoc;
mod instruction;
mod json;
mod lines;
pub mod lint;
pub(crate) mod lower;
pub mod outline;
mod pattern;
mod problem;
mod quote;
mod raw;
mod scope;
pub mod sexp;
mod stages;
pub mod tree;
mod word;
mod words;

/// Reads a whole Dockerfile. Never fails and never stops at the first error: what could not be understood is
/// described by the diagnostics and left out of the tree.
pub fn parse(file: FileId, text: &str) -> (ast::Dockerfile, Vec<Diagnostic>) {
    let (directives, lines, mut problems) = split(file, text);
    let instructions =
        lines.iter().filter_map(|line| instruction::parse(line, directives.escape, &mut problems)).collect();
    (ast::Dockerfile { file, directives, instructions }, problems)
}

/// Directives and logical lines.
fn split(file: FileId, text: &str) -> (ast::Directives, Vec<lines::LogicalLine>, Vec<Diagnostic>) {
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let base = text.len() - body.len();
    let (directives, mut problems) = directives::parse(file, body, base);
    let (lines, line_problems) = lines::split(file, body, base, &directives);
    problems.extend(line_problems);
    if lines.is_empty() {
        problems.push(problem::no_instructions(Span::new(file, 0, text.len())));
    }
    (directives, lines, problems)
}

/// What the command line says about a build.
#[derive(Clone, Debug)]
pub struct LowerOptions {
    /// `--build-arg`; `None` for a name without value that the client's environment does not have either.
    pub build_args: BTreeMap<String, Option<String>>,
    /// `--target`; `None` for the last stage.
    pub target: Option<String>,
    /// Platform that the result is for.
    pub platform: Platform,
    /// True when the user asked for `platform`; else a base for another platform decides the image's.
    pub platform_requested: bool,
    /// `--label`, put on the final image in order.
    pub labels: Vec<(String, String)>,
    /// `--network` of RUN steps that do not say their own.
    pub network: Network,
    /// `--add-host`.
    pub extra_hosts: Vec<(String, String)>,
    /// Name of the main context in the graph; empty where there is one build.
    pub main_context: String,
    /// Names given by `--build-context` with the contexts' names in the graph; the main context is not among them.
    pub contexts: BTreeMap<String, String>,
    /// Names that `--build-context` gives to images.
    pub images: BTreeMap<String, Reference>,
    /// Names that it gives to other builds, which are lowered: a graph of one target for each platform.
    pub builds: BTreeMap<String, Vec<Arc<Graph>>>,
    /// `--allow`: what the Dockerfile may ask for beyond the sandbox.
    pub entitlements: Entitlements,
    /// The main context's ignore rules, for the check of what COPY names.
    pub ignore: PatternSet,
}

impl LowerOptions {
    /// Options that say nothing but the platform.
    pub fn for_platform(platform: Platform) -> Self {
        Self {
            build_args: BTreeMap::new(),
            target: None,
            platform,
            platform_requested: false,
            labels: Vec::new(),
            network: Network::Default,
            extra_hosts: Vec::new(),
            main_context: String::new(),
            contexts: BTreeMap::new(),
            images: BTreeMap::new(),
            builds: BTreeMap::new(),
            entitlements: Entitlements::default(),
            ignore: PatternSet::default(),
        }
    }
}

/// What the user allows RUN instructions to ask for, as in BuildKit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Entitlements {
    /// `network.host`: `RUN --network=host`. The whole build's `--network host` needs none.
    pub network_host: bool,
    /// `security.insecure`: `RUN --security=insecure`.
    pub security_insecure: bool,
}

/// What lowering makes.
#[derive(Clone, Debug)]
pub struct Lowered {
    /// All steps that the target needs; has exactly one target.
    pub graph: Graph,
    /// What is worth knowing but does not stop the build; findings of checks are among them.
    pub warnings: Vec<Diagnostic>,
}

/// What a check says of a file.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Rules that are broken, in the order of the file.
    pub findings: Vec<lint::Finding>,
    /// What would keep the file from being built, and what could not be checked.
    pub problems: Vec<Diagnostic>,
}

/// Turns the reachable stages of a Dockerfile into a graph with one target.
///
/// `sources` receives the texts of ONBUILD triggers, so that their spans can be shown.
///
/// # Errors
/// All errors that were found, each with its place.
pub fn lower(
    ast: &ast::Dockerfile,
    sources: &mut SourceMap,
    options: &LowerOptions,
    resolver: &dyn Resolver,
) -> Result<Lowered, Vec<Diagnostic>> {
    lower::lower(ast, sources, options, resolver)
}

/// The value of an ARG before the first FROM; `None` where there is none of the name, or it has no value. What is wrong with
/// the file is left to [`lower()`].
pub fn global_argument(ast: &ast::Dockerfile, options: &LowerOptions, name: &str) -> Option<String> {
    lower::global_argument(ast, options, name)
}

/// What the target, or the last stage, asks its builder for, and warnings about bases that cannot be
/// resolved: their triggers and variables do not show. `sources` receives the texts of ONBUILD triggers.
///
/// # Errors
/// What keeps the stages from being understood.
pub fn outline(
    ast: &ast::Dockerfile,
    sources: &mut SourceMap,
    options: &LowerOptions,
    resolver: &dyn Resolver,
) -> Result<(outline::Outline, Vec<Diagnostic>), Vec<Diagnostic>> {
    lower::outline(ast, sources, options, resolver)
}

/// Looks at all stages of a Dockerfile, or at those that the target reaches, and says what the checks find. Nothing is
/// built; a base that cannot be resolved only leaves out what depends on it.
pub fn check(
    ast: &ast::Dockerfile,
    sources: &mut SourceMap,
    options: &LowerOptions,
    resolver: &dyn Resolver,
) -> Checked {
    lower::check(ast, sources, options, resolver)
}

/// The same for a file that [`parse()`] has errors about, which are `problems`: what is found before the first of them.
pub fn check_unparsed(ast: &ast::Dockerfile, options: &LowerOptions, problems: Vec<Diagnostic>) -> Checked {
    lower::check_unparsed(ast, options, problems)
}
