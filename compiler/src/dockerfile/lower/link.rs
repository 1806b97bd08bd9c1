//! What each stage is built on and copies from, before anything is resolved.
//!
//! Owns: the meaning of names in FROM, `--from` and mounts: named context, stage, or image; and the refusal of
//! circles. Stages that the target does not reach are linked and checked as well.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use buildc_ir::{Diagnostic, Graph, Platform, Reference, Span};

use super::mounts;
use crate::dockerfile::ast::{Instruction, Kind, Word};
use crate::dockerfile::expand::Lexer;
use crate::dockerfile::lint::Lint;
use crate::dockerfile::scope::Env;
use crate::dockerfile::stages::{Stage, Stages};
use crate::dockerfile::{LowerOptions, problem};

/// Where a tree comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Origin {
    /// `scratch`.
    Scratch,
    /// A stage of this file.
    Stage(usize),
    /// An image for a platform.
    Image(Box<Reference>, Platform),
    /// A context given by `--build-context`.
    Context(String),
    /// Another build that `--build-context` names, and which of its platforms.
    Build(String, usize),
}

/// An instruction of a stage, or of a trigger that fires in it.
#[derive(Clone, Debug)]
pub struct Fired<'a> {
    /// The instruction.
    pub instruction: Cow<'a, Instruction>,
    /// True when an ONBUILD trigger brought it.
    pub onbuild: bool,
    /// Trees that it names, in order: `--from` of COPY, or one per mount.
    pub needs: Vec<Option<Origin>>,
}

/// A stage with its needs.
#[derive(Clone, Debug)]
pub struct LinkedStage<'a> {
    /// Lower-cased name.
    pub name: Option<String>,
    /// Place of the FROM.
    pub span: Span,
    /// The comments above the FROM.
    pub comments: &'a [String],
    /// The base as written.
    pub written: &'a Word,
    /// The base with its variables expanded.
    pub named: String,
    /// What it is built on; `None` when that could not be understood.
    pub base: Option<Origin>,
    /// Platform of the base.
    pub platform: Platform,
    /// True when a named context stands in for the stage; nothing of the stage is done then.
    pub replaced: bool,
    /// What is done, triggers first once they are known.
    pub body: Vec<Fired<'a>>,
}

impl Fired<'_> {
    /// The needs that there are, with the places that name them.
    pub fn needs(&self) -> impl Iterator<Item = (&Origin, Span)> {
        self.needs.iter().enumerate().filter_map(|(at, need)| Some((need.as_ref()?, self.place(at))))
    }

    fn place(&self, at: usize) -> Span {
        let word = match &self.instruction.kind {
            Kind::Transfer(transfer) => transfer.flags.from.as_ref(),
            Kind::Run(run) => run.mounts.get(at),
            _ => None,
        };
        word.map_or(self.instruction.span, |w| w.span)
    }
}

/// All stages of a file.
#[derive(Clone, Debug)]
pub struct Linked<'a> {
    /// In file order.
    pub stages: Vec<LinkedStage<'a>>,
    /// The last stage of each name.
    names: BTreeMap<String, usize>,
    options: &'a LowerOptions,
    /// True when something besides one single stage takes part, so that labels show stage names.
    pub several: bool,
}

impl Linked<'_> {
    /// The stage of a name, in any case.
    pub fn by_name(&self, name: &str) -> Option<usize> {
        self.names.get(&name.to_lowercase()).copied()
    }

    /// How people call a stage.
    pub fn display_name(&self, index: usize) -> String {
        self.stages.get(index).and_then(|s| s.name.clone()).unwrap_or_else(|| format!("stage-{index}"))
    }

    /// Triggers that an image of another build brings.
    pub fn triggers_of_build(&self, name: &str, at: usize) -> Vec<String> {
        let target = self.options.builds.get(name).and_then(|graphs| graphs.get(at)?.targets.first());
        target.map(|target| target.config.on_build.clone()).unwrap_or_default()
    }

    /// What a name in `--from` (with `index`: numbers are stages) or in a mount means.
    fn origin(&self, word: &Word, name: &str, index: bool, problems: &mut Vec<Diagnostic>) -> Option<Origin> {
        if let Some(origin) = named(self.options, name, &self.options.platform) {
            return Some(origin);
        }
        if index && !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit()) {
            let found = name.parse().ok().filter(|i| *i < self.stages.len());
            if found.is_none() {
                problems.push(problem::unknown_stage_index(name, self.stages.len(), word.span));
            }
            return found.map(Origin::Stage);
        }
        match self.by_name(name) {
            Some(stage) => Some(Origin::Stage(stage)),
            None => image(name, &self.options.platform, word.span, problems),
        }
    }

    /// Finds what an instruction needs.
    pub fn fired<'b>(
        &self,
        instruction: Cow<'b, Instruction>,
        onbuild: bool,
        problems: &mut Vec<Diagnostic>,
    ) -> Fired<'b> {
        let needs = match &instruction.kind {
            Kind::Transfer(transfer) => {
                vec![transfer.flags.from.as_ref().and_then(|w| self.copy_from(w, problems))]
            }
            Kind::Run(run) => run.mounts.iter().map(|w| self.mount_tree(w, problems)).collect(),
            _ => Vec::new(),
        };
        Fired { instruction, onbuild, needs }
    }

    fn copy_from(&self, word: &Word, problems: &mut Vec<Diagnostic>) -> Option<Origin> {
        if word.text.contains('$') {
            let message = "Variables are not expanded in `--from`";
            let help = "Name a stage with FROM and an ARG before the first FROM, and copy from that stage";
            problems.push(problem::bad_flag(message, word.span, help));
            return None;
        }
        self.origin(word, &word.text, true, problems)
    }

    fn mount_tree(&self, word: &Word, problems: &mut Vec<Diagnostic>) -> Option<Origin> {
        let from = mounts::tree(word).filter(|from| !from.contains('$'))?;
        self.origin(word, &from, false, problems)
    }
}

/// The tree that `--build-context` gives a name; some names cannot be given.
fn named(options: &LowerOptions, name: &str, platform: &Platform) -> Option<Origin> {
    if name.eq_ignore_ascii_case("scratch") || name.eq_ignore_ascii_case("context") {
        return None;
    }
    let wanted = context_name(name);
    let is_it = |given: &String| context_name(given) == wanted;
    if let Some((_, context)) = options.contexts.iter().find(|(n, _)| is_it(n)) {
        return Some(Origin::Context(context.clone()));
    }
    if let Some((build, graphs)) = options.builds.iter().find(|(n, _)| is_it(n)) {
        let fits = |graph: &Arc<Graph>| graph.targets.iter().any(|t| t.config.platform == *platform);
        // A build for one platform serves them all, as in BuildKit.
        return Some(Origin::Build(build.clone(), graphs.iter().position(fits).unwrap_or(0)));
    }
    let (_, image) = options.images.iter().find(|(n, _)| is_it(n))?;
    // `docker-image://scratch` is no image of a registry either.
    if "scratch".parse().as_ref() == Ok(image) {
        return Some(Origin::Scratch);
    }
    Some(Origin::Image(Box::new(image.clone()), platform.clone()))
}

/// A name as contexts are looked up: that of an image in its shortest form, without `latest`, so that `alpine` is also
/// `docker.io/library/alpine:latest`. Any other name stays as it is, but for case.
fn context_name(name: &str) -> String {
    let name = name.to_lowercase();
    let short = name.parse::<Reference>().map_or(name, |reference| reference.familiar());
    short.strip_suffix(":latest").unwrap_or(&short).to_owned()
}

fn image(name: &str, platform: &Platform, span: Span, problems: &mut Vec<Diagnostic>) -> Option<Origin> {
    if name == "scratch" {
        return Some(Origin::Scratch);
    }
    match name.parse() {
        Ok(reference) => Some(Origin::Image(Box::new(reference), platform.clone())),
        Err(error) => {
            problems.push(problem::bad_reference(error, span));
            None
        }
    }
}

/// Links all stages.
pub fn link<'a>(
    stages: &Stages<'a>,
    globals: &Env,
    lexer: Lexer,
    options: &'a LowerOptions,
    lint: &mut Lint,
    problems: &mut Vec<Diagnostic>,
) -> Linked<'a> {
    let args = stages.globals.iter().map(|arg| arg.name.text.as_str());
    let declared = globals.names().chain(args).collect();
    let scope = Scope { globals, declared, lexer };
    let mut linked =
        Linked { stages: Vec::new(), names: BTreeMap::new(), options, several: stages.list.len() > 1 };
    for stage in &stages.list {
        lint.enter(stage.comments);
        let next = head(&linked, stage, &scope, options, lint, problems);
        if let Some(name) = &next.name {
            linked.names.insert(name.clone(), linked.stages.len());
        }
        linked.stages.push(next);
    }
    for (index, stage) in stages.list.iter().enumerate() {
        if linked.stages.get(index).is_some_and(|s| s.replaced) {
            continue;
        }
        let body: Vec<_> =
            stage.instructions.iter().map(|i| linked.fired(Cow::Borrowed(*i), false, problems)).collect();
        linked.several |= body.iter().flat_map(|f| &f.needs).any(|n| matches!(n, Some(Origin::Image(..))));
        if let Some(slot) = linked.stages.get_mut(index) {
            slot.body = body;
        }
    }
    refuse_circles(&linked, problems);
    linked
}

/// What words of FROM see.
struct Scope<'a> {
    globals: &'a Env,
    /// Names that an ARG before the first FROM declares, and the automatic ones.
    declared: BTreeSet<&'a str>,
    lexer: Lexer,
}

/// The FROM of a stage, seen from the stages above it.
fn head<'a>(
    above: &Linked<'a>,
    stage: &Stage<'a>,
    scope: &Scope<'_>,
    options: &LowerOptions,
    lint: &mut Lint,
    problems: &mut Vec<Diagnostic>,
) -> LinkedStage<'a> {
    let written = &stage.from.base;
    let name = stage.name().map(str::to_owned);
    refuse_nameless(stage, problems);
    let platform = stage_platform(stage, scope, lint, problems).unwrap_or_else(|| options.platform.clone());
    let written_base = scope.globals.expand(scope.lexer, written, problems);
    if let Some(expansion) = &written_base {
        lint.from_names(stage.span, expansion, &scope.declared);
    }
    let replaced = name.as_deref().and_then(|n| named(above.options, n, &platform));
    let is_replaced = replaced.is_some();
    let named = written_base.as_ref().map(|e| e.text.clone()).unwrap_or_default();
    let base = replaced.or_else(|| stage_base(above, written, &written_base?.text, &platform, problems));
    let span = stage.span;
    let comments = stage.comments;
    LinkedStage {
        name,
        span,
        comments,
        written,
        named,
        base,
        platform,
        replaced: is_replaced,
        body: Vec::new(),
    }
}

/// A stage's name is looked up among the named contexts, for which it has to be one that an image could have: `build-` is
/// none.
fn refuse_nameless(stage: &Stage<'_>, problems: &mut Vec<Diagnostic>) {
    let Some(name) = &stage.from.name else { return };
    if name.text.parse::<Reference>().is_err() {
        let message = format!("`{}` is not a valid stage name", name.text);
        let help = "It ends with a letter or digit, and between two of them stands `.`, `_`, `__` or dashes";
        problems.push(problem::bad_arguments(message, name.span, help));
    }
}

fn stage_platform(
    stage: &Stage<'_>,
    scope: &Scope<'_>,
    lint: &mut Lint,
    problems: &mut Vec<Diagnostic>,
) -> Option<Platform> {
    let word = stage.from.platform.as_ref()?;
    let expansion = scope.globals.expand(scope.lexer, word, problems)?;
    lint.from_names(stage.span, &expansion, &scope.declared);
    lint.from_platform(stage.span, stage.from, &expansion, scope.globals.get("TARGETPLATFORM"));
    if expansion.text == "local" {
        // A word of the command line alone, where it means this machine.
        let error = buildc_ir::platform::ParsePlatformError(expansion.text);
        problems.push(problem::bad_platform(error, word.span));
        return None;
    }
    expansion.text.parse().map_err(|error| problems.push(problem::bad_platform(error, word.span))).ok()
}

fn stage_base(
    above: &Linked<'_>,
    word: &Word,
    name: &str,
    platform: &Platform,
    problems: &mut Vec<Diagnostic>,
) -> Option<Origin> {
    if name.is_empty() {
        problems.push(problem::blank_base(&word.text, word.span));
        return None;
    }
    // Exact on purpose: BuildKit lower-cases the stage's name but not the operand of FROM.
    if let Some(stage) = above.names.get(name) {
        return Some(Origin::Stage(*stage));
    }
    match named(above.options, name, platform) {
        Some(origin) => Some(origin),
        None => image(name, platform, word.span, problems),
    }
}

/// The stages that a stage needs, with the place that says so.
pub fn needed<'b>(stage: &'b LinkedStage<'_>) -> impl Iterator<Item = (usize, Span)> + 'b {
    let base = stage.base.iter().map(|b| (b, stage.span));
    let body = stage.body.iter().flat_map(Fired::needs);
    base.chain(body).filter_map(|(origin, span)| match origin {
        Origin::Stage(index) => Some((*index, span)),
        _ => None,
    })
}

/// A circle needs an edge to the same or a later stage; from each of those the way back is looked for.
fn refuse_circles(linked: &Linked<'_>, problems: &mut Vec<Diagnostic>) {
    for (index, stage) in linked.stages.iter().enumerate() {
        for (to, span) in needed(stage).filter(|(to, _)| *to >= index) {
            if let Some(way) = way_back(linked, to, index) {
                let names: Vec<_> =
                    std::iter::once(index).chain(way).map(|i| linked.display_name(i)).collect();
                problems.push(problem::stage_cycle(&names, span));
                return;
            }
        }
    }
}

/// Stages from `start` to `goal`, both included, if `start` needs `goal`.
fn way_back(linked: &Linked<'_>, start: usize, goal: usize) -> Option<Vec<usize>> {
    let mut came_from: BTreeMap<usize, usize> = BTreeMap::from([(start, start)]);
    let mut queue = vec![start];
    while let Some(at) = queue.pop() {
        if at == goal {
            let mut way = vec![goal];
            let mut at = goal;
            while at != start {
                at = *came_from.get(&at)?;
                way.push(at);
            }
            way.reverse();
            return Some(way);
        }
        for (next, _) in linked.stages.get(at).into_iter().flat_map(needed) {
            if let std::collections::btree_map::Entry::Vacant(slot) = came_from.entry(next) {
                slot.insert(at);
                queue.push(next);
            }
        }
    }
    None
}
