//! Stages → graph: bases resolved, words expanded, one step per instruction that makes a layer.
//!
//! Owns: the order of the work. `link` finds what each stage needs, `reach` follows the needs from the target,
//! `stage` lowers one stage; the other modules lower one kind of instruction each.

use buildc_ir::world::Resolver;
use buildc_ir::{Diagnostic, Severity, SourceMap, Span};

use super::ast::Dockerfile;
use super::expand::Lexer;
use super::{LowerOptions, Lowered, problem, scope, stages};

mod base;
mod config;
mod history;
mod link;
pub(in crate::dockerfile) mod mounts;
mod paths;
mod ports;
mod reach;
mod run;
mod stage;
mod transfer;

/// See [`super::lower`].
pub fn lower(
    ast: &Dockerfile,
    sources: &mut SourceMap,
    options: &LowerOptions,
    resolver: &dyn Resolver,
) -> Result<Lowered, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let stages = stages::collect(ast, &mut problems);
    let lexer = Lexer::new(ast.directives.escape);
    let last = stages.list.last().and_then(|s| s.name());
    let globals = scope::globals(&stages.globals, lexer, options, last, &mut problems);
    let linked = link::link(&stages, &globals, lexer, options, &mut problems);
    let target = find_target(&linked, ast, options, &mut problems);
    stop_on_errors(&mut problems)?;
    let Some(target) = target else { return Err(problems) };
    let reached = reach::reach(linked, target, sources, resolver, &mut problems);
    stop_on_errors(&mut problems)?;
    let mut lowering = stage::Lowering::new(options, globals, lexer, &reached, problems);
    lowering.all();
    let (graph, mut problems) = lowering.finish(target);
    stop_on_errors(&mut problems)?;
    match graph {
        Some(graph) => Ok(Lowered { graph, warnings: problems }),
        None => Err(vec![problem::internal("the target was not lowered", Span::new(ast.file, 0, 0))]),
    }
}

fn stop_on_errors(problems: &mut Vec<Diagnostic>) -> Result<(), Vec<Diagnostic>> {
    if problems.iter().any(|p| p.severity == Severity::Error) {
        return Err(std::mem::take(problems));
    }
    Ok(())
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
