//! Evaluates a build file.

use buildc_ir::world::Resolver;
use bumpalo::Bump;

use super::builder::{Builder, Built};
use super::guard::Guard;
use super::library::without_library;
use super::targets::{self, Argument};
use crate::dockerfile::LowerOptions;
use crate::lang::eval::{Evaluator, Options};
use crate::lang::report;
use crate::lang::world::World;

/// A build file and what the command line says about it.
#[derive(Debug)]
pub struct BuildFile<'s> {
    /// Its absolute path.
    pub path: &'s str,
    /// `--arg`, `--argstr` and `--build-arg`.
    pub arguments: &'s [(String, Argument)],
    /// `-A`.
    pub attribute: Option<&'s str>,
    /// Settings of evaluation; the stack is that of the calling thread.
    pub options: Options,
}

/// Why there is no graph: the report of the evaluator, in the language's own form.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{}", String::from_utf8_lossy(.report))]
pub struct Failed {
    /// Lines for the user.
    pub report: Vec<u8>,
}

/// Evaluates a build file to a graph with its targets.
///
/// # Errors
/// [`Failed`] whatever is wrong with the file.
pub fn evaluate(
    file: BuildFile<'_>,
    lowering: LowerOptions,
    resolver: &dyn Resolver,
    world: &dyn World,
) -> Result<Built, Failed> {
    let guard = Guard { world };
    let (home, name) = file.path.rsplit_once('/').unwrap_or(("/", file.path));
    let builder = Builder::new(lowering, resolver, &guard, home);
    let failure = {
        let arena = Bump::new();
        let mut ev = Evaluator::new(&arena, &guard, file.options);
        ev.steps = Some(&builder);
        let value = ev.eval_file(file.path.as_bytes());
        let found = value
            .and_then(|value| targets::find(&mut ev, &builder, value, file.arguments, file.attribute, name));
        found.err().map(|mut error| {
            if !ev.options.show_trace {
                without_library(&mut error, &ev.sources);
            }
            report::render(&error, &ev.sources, ev.options.show_trace)
        })
    };
    match failure {
        None => Ok(builder.finish()),
        Some(report) => Err(Failed { report }),
    }
}
