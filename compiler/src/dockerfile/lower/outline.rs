//! What a target asks for: ARGs, secrets, agents and caches of the stages that it reaches, triggers included.
//!
//! A base that cannot be resolved is taken for one without variables and triggers.

use std::collections::{BTreeMap, BTreeSet};

use buildc_ir::world::Resolver;
use buildc_ir::{Diagnostic, SourceMap, Span};

use super::link::{self, Fired, LinkedStage, Origin};
use super::mounts::{self, MountType};
use super::reach::{self, Reached};
use crate::dockerfile::ast::{Arg, Dockerfile, Instruction, Kind, Run};
use crate::dockerfile::expand::{Expansion, Lexer};
use crate::dockerfile::lint::Lint;
use crate::dockerfile::outline::{Argument, Need, Outline, description, targets};
use crate::dockerfile::scope::{self, Env};
use crate::dockerfile::{LowerOptions, stages};

/// A global ARG and the names that its default uses.
struct Global {
    argument: Argument,
    uses: Vec<String>,
}

/// The outline of the target, or of the last stage, and warnings about bases that are not known.
///
/// # Errors
/// What keeps the stages from being understood.
pub fn outline(
    ast: &Dockerfile,
    sources: &mut SourceMap,
    options: &LowerOptions,
    resolver: &dyn Resolver,
) -> Result<(Outline, Vec<Diagnostic>), Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let stages = stages::collect(ast, &mut problems);
    let lexer = Lexer::new(ast.directives.escape);
    let last = stages.list.last().and_then(|s| s.name());
    let globals = scope::globals(&stages.globals, lexer, options, last, &mut problems);
    let linked = link::link(&stages, &globals, lexer, options, &mut Lint::default(), &mut problems);
    let target = super::find_target(&linked, ast, options, &mut problems);
    if super::has_errors(&problems) {
        return Err(problems);
    }
    let Some(target) = target else { return Err(problems) };
    let reached = reach::reach(linked, vec![target], true, sources, resolver, &mut problems);
    if super::has_errors(&problems) {
        return Err(problems);
    }
    let mut collector =
        Collector { options, lexer, globals: &globals, declared: declared(ast, &globals, lexer) };
    let mut out = Outline::default();
    let (mut used, mut scopes) = (BTreeSet::new(), BTreeMap::new());
    for &index in &reached.stages {
        let (Some(stage), Some(linked)) = (stages.list.get(index), reached.linked.stages.get(index)) else {
            continue;
        };
        for word in std::iter::once(&stage.from.base).chain(&stage.from.platform) {
            used.extend(expand(lexer, &globals, &word.text).used);
        }
        let base = variables(&reached, linked, &scopes);
        let scope = collector.stage(linked, base, &mut out, &mut used);
        scopes.insert(index, scope);
    }
    collector.globals_in(used, &mut out);
    out.args.sort_by_key(|a| a.span.start);
    // Of several of a name the last is the one that counts.
    let mut seen = BTreeSet::new();
    out.args.reverse();
    out.args.retain(|argument| seen.insert(argument.name.clone()));
    out.args.reverse();
    if let Some(found) = targets(ast).into_iter().nth(target) {
        out.file = Some(found.span.file);
        (out.name, out.description) = (found.name, found.description);
    }
    Ok((out, problems))
}

/// The variables that a stage begins with.
fn variables(reached: &Reached<'_>, stage: &LinkedStage<'_>, scopes: &BTreeMap<usize, Env>) -> Env {
    match &stage.base {
        Some(Origin::Stage(base)) => scopes.get(base).cloned().unwrap_or_default(),
        Some(Origin::Image(reference, platform)) => {
            let image = reached.images.get(&(reference.to_string(), platform.clone()));
            image.map(|image| Env::from_pairs(&image.config.env)).unwrap_or_default()
        }
        _ => Env::default(),
    }
}

fn expand(lexer: Lexer, env: &Env, text: &str) -> Expansion {
    lexer.expand(text, &|name| env.get(name).map(str::to_owned)).unwrap_or_default()
}

fn declared(ast: &Dockerfile, globals: &Env, lexer: Lexer) -> BTreeMap<String, Global> {
    let mut found: BTreeMap<String, Global> = BTreeMap::new();
    for instruction in ast.instructions.iter().take_while(|i| !matches!(i.kind, Kind::From(_))) {
        let Kind::Arg(args) = &instruction.kind else { continue };
        for arg in args {
            let mut uses: Vec<String> =
                arg.default.iter().flat_map(|d| expand(lexer, globals, &d.text).used).collect();
            // An earlier ARG of the name may be what this one is made of.
            uses.extend(found.remove(&arg.name.text).into_iter().flat_map(|earlier| earlier.uses));
            let argument = argument(instruction, arg, globals.get(&arg.name.text), instruction.span);
            found.insert(arg.name.text.clone(), Global { argument, uses });
        }
    }
    found
}

fn argument(instruction: &Instruction, arg: &Arg, value: Option<&str>, span: Span) -> Argument {
    let name = arg.name.text.clone();
    let description = description(instruction, &name);
    Argument { name, value: value.unwrap_or_default().to_owned(), description, span }
}

/// The place that a reader of the file knows: of a trigger, the FROM that brought it.
fn place(fired: &Fired<'_>, stage: &LinkedStage<'_>) -> Span {
    if fired.onbuild { stage.span } else { fired.instruction.span }
}

struct Collector<'a> {
    options: &'a LowerOptions,
    lexer: Lexer,
    globals: &'a Env,
    declared: BTreeMap<String, Global>,
}

impl Collector<'_> {
    /// Follows a stage; gives the variables at its end.
    fn stage(
        &mut self,
        stage: &LinkedStage<'_>,
        mut env: Env,
        out: &mut Outline,
        used: &mut BTreeSet<String>,
    ) -> Env {
        for fired in &stage.body {
            match &fired.instruction.kind {
                Kind::Arg(args) => {
                    for arg in args {
                        let given = self.arg(arg, &mut env, used);
                        let Some(value) = given else { continue };
                        let at = place(fired, stage);
                        out.args.push(argument(&fired.instruction, arg, value.as_deref(), at));
                    }
                }
                Kind::Env(pairs) => {
                    let word = |text: &str| expand(self.lexer, &env, text).text;
                    let values: Vec<_> =
                        pairs.pairs.iter().map(|(k, v)| (word(&k.text), word(&v.text))).collect();
                    values.iter().for_each(|(key, value)| env.set(key, value));
                }
                Kind::Run(run) => self.run(run, place(fired, stage), &env, out),
                _ => {}
            }
        }
        env
    }

    /// Declares an ARG and gives its value, unless it is a global one's, which is what a caller would set.
    fn arg(&self, arg: &Arg, env: &mut Env, used: &mut BTreeSet<String>) -> Option<Option<String>> {
        let name = &arg.name.text;
        let given = scope::build_arg(self.options, name);
        if given.is_none() && arg.default.is_none() && self.globals.get(name).is_some() {
            used.insert(name.clone());
            env.set(name, self.globals.get(name).unwrap_or_default());
            return None;
        }
        let own = arg.default.as_ref().map(|d| expand(self.lexer, env, &d.text).text);
        let value = given.map(str::to_owned).or(own);
        if let Some(value) = &value {
            env.set(name, value);
        }
        Some(value)
    }

    fn run(&self, run: &Run, span: Span, env: &Env, out: &mut Outline) {
        for mount in &run.mounts {
            let mut word = |text: &str| Some(expand(self.lexer, env, text).text);
            let Ok(options) = mounts::read(mount.span, &mount.text, &mut word) else { continue };
            let list = match options.kind {
                MountType::Secret => &mut out.secrets,
                MountType::Ssh => &mut out.ssh,
                MountType::Cache => &mut out.cache,
                MountType::Bind | MountType::Tmpfs => continue,
            };
            let name = options.name();
            match list.iter_mut().find(|n| n.name == name) {
                Some(known) => known.required |= options.required,
                None => list.push(Need { name, required: options.required, span }),
            }
        }
    }

    /// The global ARGs behind names, and those that their defaults use.
    fn globals_in(&mut self, used: BTreeSet<String>, out: &mut Outline) {
        let mut todo: Vec<String> = used.into_iter().collect();
        while let Some(name) = todo.pop() {
            if let Some(global) = self.declared.remove(&name) {
                todo.extend(global.uses);
                out.args.push(global.argument);
            }
        }
    }
}
