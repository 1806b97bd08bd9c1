//! One stage: its tree, config, variables and history while its instructions are lowered one after the other.

use std::collections::BTreeMap;
use std::sync::Arc;

use buildc_ir::step::{ConfigChange, Role};
use buildc_ir::world::Resolver;
use buildc_ir::{
    Diagnostic, FileId, Graph, History, ImageConfig, Input, Platform, Setting, Span, Step, StepId, StepKind,
    Target, TargetHistory, graph::Node,
};

use super::link::Fired;
use super::paths;
use super::reach::Reached;
use crate::dockerfile::ast::{Kind, Word};
use crate::dockerfile::expand::Lexer;
use crate::dockerfile::lint::Lint;
use crate::dockerfile::scope::{self, Env};
use crate::dockerfile::{LowerOptions, problem};

/// What is known of a stage at one line.
#[derive(Clone, Debug)]
pub struct StageState {
    /// The tree so far.
    pub tree: StepId,
    /// The config so far.
    pub config: ImageConfig,
    /// History of the base image.
    pub base_history: Vec<History>,
    /// History since.
    pub history: Vec<TargetHistory>,
    /// ENV and ARG, as expansion and RUN see them.
    pub env: Env,
    /// ARGs in declaration order, with the value they had there.
    pub args: Vec<(String, Option<String>)>,
    /// Platform of the base.
    pub platform: Platform,
    /// What the checks remember.
    pub marks: Marks,
    /// Name for people.
    pub name: String,
    /// How the stage's steps are counted.
    pub counter: Counter,
}

/// What is remembered of a stage's instructions.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Marks {
    /// The last CMD of this stage itself.
    pub cmd: Option<Span>,
    /// The last ENTRYPOINT of this stage itself.
    pub entrypoint: Option<Span>,
    /// The last HEALTHCHECK of this stage itself.
    pub healthcheck: Option<Span>,
    /// True once this stage or one that it is built on has set WORKDIR.
    pub workdir: bool,
    /// True when the base image's environment is not known.
    pub base_unknown: bool,
}

/// `[name i/n]` of labels.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Counter {
    /// Empty in a file of a single unnamed stage.
    pub name: String,
    /// Steps shown so far.
    pub index: usize,
    /// Steps in all.
    pub total: usize,
    /// True while a trigger is lowered.
    pub onbuild: bool,
}

impl Counter {
    /// Puts the next number in front of a text.
    pub fn label(&mut self, text: &str) -> String {
        if self.total == 0 {
            return text.to_owned();
        }
        self.index += 1;
        let width = self.total.to_string().len();
        let name = if self.name.is_empty() { String::new() } else { format!("{} ", self.name) };
        let onbuild = if self.onbuild { "ONBUILD " } else { "" };
        format!("[{name}{:>width$}/{}] {onbuild}{text}", self.index, self.total)
    }
}

impl StageState {
    /// ARGs in scope with the values that RUN sees, in declaration order, names unique.
    pub fn args_in_scope(&self) -> Vec<(String, String)> {
        let mut found = Env::default();
        for (name, value) in &self.args {
            let value = self.env.get(name).or(value.as_deref()).unwrap_or("");
            found.set(name, value);
        }
        found.pairs().to_vec()
    }

    /// The working directory, `/` when unset.
    pub fn cwd(&self) -> String {
        paths::clean(self.config.cwd())
    }
}

/// All stages on their way into one graph.
pub struct Lowering<'a> {
    pub(super) options: &'a LowerOptions,
    pub(super) globals: Env,
    pub(super) lexer: Lexer,
    pub(super) reached: &'a Reached<'a>,
    /// Who knows the commits of git repositories; `None` where nothing outside is asked.
    pub(super) resolver: Option<&'a dyn Resolver>,
    pub(super) proxies: Vec<(String, String)>,
    pub(super) lint: &'a mut Lint,
    pub(super) problems: &'a mut Vec<Diagnostic>,
    /// Where findings are reported.
    pub(super) at: Span,
    graph: Graph,
    done: BTreeMap<usize, StageState>,
}

impl<'a> Lowering<'a> {
    /// Starts with an empty graph.
    pub fn new(
        options: &'a LowerOptions,
        globals: Env,
        lexer: Lexer,
        reached: &'a Reached<'a>,
        resolver: Option<&'a dyn Resolver>,
        lint: &'a mut Lint,
        problems: &'a mut Vec<Diagnostic>,
    ) -> Self {
        let proxies = scope::proxies(options);
        Self {
            options,
            globals,
            lexer,
            reached,
            resolver,
            proxies,
            lint,
            problems,
            at: Span::new(FileId(0), 0, 0),
            graph: Graph::new(),
            done: BTreeMap::new(),
        }
    }

    /// Lowers the reached stages in file order; a stage only ever needs earlier ones.
    pub fn all(&mut self) {
        for index in &self.reached.stages {
            let Some(stage) = self.reached.linked.stages.get(*index) else { continue };
            let Some(mut state) = self.begin(*index, stage) else { continue };
            for fired in &stage.body {
                state.counter.onbuild = fired.onbuild;
                // Whoever reads a finding about a trigger knows the FROM that brought it.
                self.at = if fired.onbuild { stage.span } else { fired.instruction.span };
                self.lint.enter(&fired.instruction.comments);
                self.instruction(&mut state, fired);
            }
            self.done.insert(*index, state);
        }
    }

    /// The finished stage of an index.
    pub(super) fn finished(&self, index: usize) -> Option<&StageState> {
        self.done.get(&index)
    }

    /// Gives the graph with its target.
    pub fn finish(mut self, target: usize) -> Option<Graph> {
        let mut state = self.done.remove(&target)?;
        for (name, value) in &self.options.labels {
            state.config.labels.insert(name.clone(), value.clone());
        }
        if self.options.platform_requested {
            state.config.platform = self.options.platform.clone();
        }
        self.graph.targets.push(Target {
            name: state.name,
            tags: Vec::new(),
            root: state.tree,
            config: state.config,
            base_history: state.base_history,
            history: state.history,
        });
        Some(self.graph)
    }

    /// Adds a step; a refusal of the graph is an internal fault.
    pub(super) fn add(&mut self, kind: StepKind, inputs: Vec<Input>, about: About<'_>) -> Option<StepId> {
        let node = Node {
            step: Step { kind, inputs },
            label: about.label,
            origins: vec![about.span],
            stages: vec![about.stage.to_owned()],
            args: about.args,
            setting: about.setting,
        };
        match self.graph.add(node) {
            Ok(id) => Some(id),
            Err(error) => {
                self.problems.push(problem::internal(error, about.span));
                None
            }
        }
    }

    /// Adds the steps of another graph; false when they cannot be, which is an internal fault.
    pub(super) fn stand_on(&mut self, other: &Graph, span: Span) -> bool {
        let stood = self.graph.stand_on(other);
        stood.map_err(|error| self.problems.push(problem::internal(error, span))).is_ok()
    }

    /// Records a change of the config: a step without layer, and an empty history entry.
    pub(super) fn config_change(&mut self, state: &mut StageState, text: String, span: Span) {
        let kind = StepKind::Config(ConfigChange { text: text.clone() });
        let inputs = vec![Input { step: state.tree, role: Role::Base }];
        let about = About::new(text.clone(), span, &state.name);
        if let Some(id) = self.add(kind, inputs, about) {
            state.tree = id;
            state.history.push(TargetHistory { created_by: text, step: None });
        }
    }

    /// Records a step with a layer.
    pub(super) fn layer(
        &mut self,
        state: &mut StageState,
        kind: StepKind,
        inputs: Vec<Input>,
        about: About<'_>,
        created_by: String,
    ) {
        let about = if matches!(kind, StepKind::Exec(_)) { about } else { about.with_setting(&state.config) };
        if let Some(id) = self.add(kind, inputs, about) {
            state.tree = id;
            state.history.push(TargetHistory { created_by, step: Some(id) });
        }
    }

    /// Expands a word with the stage's variables.
    pub(super) fn text(&mut self, state: &StageState, word: &Word) -> Option<String> {
        self.text_by(state, self.lexer, word)
    }

    /// Expands a word by other rules than those of instructions.
    pub(super) fn text_by(&mut self, state: &StageState, lexer: Lexer, word: &Word) -> Option<String> {
        let expansion = state.env.expand(lexer, word, self.problems)?;
        if !state.marks.base_unknown {
            self.lint.undefined(self.at, &expansion.unset, &state.args, state.env.names());
        }
        Some(expansion.text)
    }

    /// Expands all words with the same variables.
    pub(super) fn texts(&mut self, state: &StageState, words: &[Word]) -> Option<Vec<String>> {
        words.iter().map(|word| self.text(state, word)).collect()
    }

    /// The instruction as people see it: name in upper case, variables expanded where that works.
    pub(super) fn shown(&self, state: &StageState, text: &str, lexer: Lexer) -> String {
        let expanded = lexer.expand(text, &|name| state.env.get(name).map(str::to_owned));
        let text = expanded.map_or_else(|_| text.to_owned(), |e| e.text);
        match text.split_once(' ') {
            Some((name, rest)) => format!("{} {rest}", name.to_uppercase()),
            None => text.to_uppercase(),
        }
    }

    fn instruction(&mut self, state: &mut StageState, fired: &Fired<'_>) {
        match &fired.instruction.kind {
            Kind::Run(run) => self.run(state, fired, run),
            Kind::Transfer(transfer) => self.transfer(state, fired, transfer),
            Kind::From(_) => {}
            other => {
                // A failure is in the problems already; the lines below are still looked at.
                let _ = self.config_instruction(state, &fired.instruction, other);
            }
        }
    }
}

/// What the graph is told of a step beside the step.
#[derive(Debug)]
pub struct About<'a> {
    label: String,
    span: Span,
    stage: &'a str,
    args: BTreeMap<String, String>,
    setting: Option<Arc<Setting>>,
}

impl<'a> About<'a> {
    /// Without ARGs.
    pub fn new(label: String, span: Span, stage: &'a str) -> Self {
        Self { label, span, stage, args: BTreeMap::new(), setting: None }
    }

    /// With what a command after it would run with.
    pub fn with_setting(self, config: &ImageConfig) -> Self {
        Self { setting: Some(Arc::new(Setting::of(config))), ..self }
    }

    /// With the ARGs in scope.
    pub fn with_args(self, args: &[(String, String)]) -> Self {
        Self { args: args.iter().cloned().collect(), ..self }
    }
}
