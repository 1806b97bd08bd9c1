//! FROM: the state a stage begins with, and the trees that `--from` and mounts name.

use buildc_ir::step::{self, Copy, ImageSource, Role};
use buildc_ir::{ImageConfig, Input, Platform, Reference, Span, StepId, StepKind, Target};

use super::link::{LinkedStage, Origin};
use super::stage::{About, Counter, Lowering, Marks, StageState};
use crate::dockerfile::ast::Kind;
use crate::dockerfile::problem;
use crate::dockerfile::scope::Env;

/// PATH of images that set none.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

impl Lowering<'_> {
    /// The state before the first instruction of a stage.
    pub(super) fn begin(&mut self, index: usize, stage: &LinkedStage<'_>) -> Option<StageState> {
        let name = self.reached.linked.display_name(index);
        let mut counter = self.counter(stage, &name);
        let base = stage.base.as_ref()?;
        if let Origin::Stage(base) = base {
            let base = self.finished(*base)?.clone();
            return Some(inherit(base, name, counter));
        }
        let mut config = ImageConfig::scratch(stage.platform.clone());
        let (mut base_history, mut history) = (Vec::new(), Vec::new());
        let mut marks = Marks::default();
        let tree = match base {
            Origin::Image(reference, platform) => {
                let key = (reference.to_string(), platform.clone());
                let image = self.reached.images.get(&key)?;
                marks.base_unknown = self.reached.unknown.contains(&key);
                self.lint.enter(stage.comments);
                self.lint.base_platform(stage.span, &stage.named, platform, &image.config.platform);
                config = image.config.clone();
                base_history = image.history.clone();
                let label = counter.label(&format!("FROM {reference}"));
                self.image(reference, platform, label, stage.span, &name)?
            }
            Origin::Context(context) => {
                if !stage.replaced {
                    "/".clone_into(&mut config.working_dir);
                }
                self.context_tree(context, stage.span, &name)?
            }
            Origin::Build(build, at) => {
                let target = self.target_of_build(build, *at, stage.span)?;
                config = target.config;
                (base_history, history) = (target.base_history, target.history);
                target.root
            }
            Origin::Scratch | Origin::Stage(_) => {
                config.working_dir = "/".to_owned();
                config.platform = self.options.platform.clone();
                self.scratch(stage.span, &name)?
            }
        };
        prepare(&mut config);
        let env = Env::from_pairs(&config.env);
        // Scratch is whatever the target is.
        let platform = if matches!(base, Origin::Scratch) { &self.options.platform } else { &stage.platform };
        let (args, platform) = (Vec::new(), platform.clone());
        Some(StageState { tree, config, base_history, history, env, args, platform, marks, name, counter })
    }

    /// Counts what BuildKit counts: the base image, and each RUN, COPY, ADD and WORKDIR.
    fn counter(&self, stage: &LinkedStage<'_>, name: &str) -> Counter {
        let counted = |kind: &Kind| matches!(kind, Kind::Run(_) | Kind::Transfer(_) | Kind::Workdir(_));
        let steps = stage.body.iter().filter(|f| f.onbuild || counted(&f.instruction.kind)).count();
        let base = usize::from(!matches!(
            stage.base,
            Some(Origin::Scratch | Origin::Stage(_) | Origin::Build(..)) | None
        ));
        let name = if self.reached.linked.several { name.to_owned() } else { String::new() };
        Counter { name, index: 0, total: base + steps, onbuild: false }
    }

    fn scratch(&mut self, span: Span, stage: &str) -> Option<StepId> {
        self.add(StepKind::Scratch, Vec::new(), About::new("FROM scratch".to_owned(), span, stage))
    }

    fn image(
        &mut self,
        reference: &Reference,
        platform: &Platform,
        label: String,
        span: Span,
        stage: &str,
    ) -> Option<StepId> {
        let image = self.reached.images.get(&(reference.to_string(), platform.clone()))?;
        let about = About::new(label, span, stage).with_setting(&image.config);
        let (reference, manifest) = (reference.to_string(), image.manifest);
        let kind = StepKind::Image(ImageSource { reference, manifest, platform: platform.clone() });
        self.add(kind, Vec::new(), about)
    }

    /// Puts the steps of another build under this one; what that build wants of them.
    fn target_of_build(&mut self, name: &str, at: usize, span: Span) -> Option<Target> {
        let graph = self.options.builds.get(name)?.get(at)?;
        let stood = self.stand_on(graph, span);
        stood.then(|| graph.targets.first().cloned()).flatten()
    }

    /// A context as a tree of its own, where a stage is built on it.
    fn context_tree(&mut self, context: &str, span: Span, stage: &str) -> Option<StepId> {
        let scratch = self.scratch(span, stage)?;
        let copy = Copy::to_root(step::From::Context(context.to_owned()), String::new());
        let inputs = vec![Input { step: scratch, role: Role::Base }];
        self.add(StepKind::Copy(copy), inputs, About::new(format!("[context {context}]"), span, stage))
    }

    /// Where the files of an origin are found, as seen from a step; adds the input that it takes.
    pub(super) fn files_of(
        &mut self,
        origin: &Origin,
        role: Role,
        inputs: &mut Vec<Input>,
        span: Span,
        stage: &str,
    ) -> Option<step::From> {
        let tree = match origin {
            Origin::Context(name) => return Some(step::From::Context(name.clone())),
            Origin::Scratch => self.scratch(span, stage)?,
            Origin::Build(build, at) => self.target_of_build(build, *at, span)?.root,
            Origin::Image(reference, platform) => {
                self.image(reference, platform, format!("FROM {reference}"), span, stage)?
            }
            Origin::Stage(index) => match self.finished(*index) {
                Some(finished) => finished.tree,
                None => {
                    self.problems.push(problem::internal("a stage is used before it is lowered", span));
                    return None;
                }
            },
        };
        inputs.push(Input { step: tree, role });
        Some(step::From::Input(inputs.len() - 1))
    }
}

/// A stage on a stage goes on where that one ended; triggers and counting are its own.
fn inherit(base: StageState, name: String, counter: Counter) -> StageState {
    let marks =
        Marks { workdir: base.marks.workdir, base_unknown: base.marks.base_unknown, ..Marks::default() };
    let mut state = StageState { name, counter, marks, ..base };
    state.config.on_build.clear();
    // The image's variables are set anew: one goes before an ARG that came behind it.
    for (key, value) in &state.config.env {
        state.env.set(key, value);
    }
    state
}

/// What every stage's config has, whatever its base says.
pub(crate) fn prepare(config: &mut ImageConfig) {
    config.on_build.clear();
    // Windows has its own.
    if config.env("PATH").is_none() && !config.platform.is_windows() {
        config.set_env("PATH", DEFAULT_PATH);
    }
}
