//! Instructions → stages: what stands before the first FROM, and what belongs to each FROM.

use buildc_ir::{Diagnostic, Span};

use super::ast::{Arg, Dockerfile, From, Instruction, Kind};
use super::problem;

/// A FROM and the instructions up to the next one.
#[derive(Clone, Debug)]
pub struct Stage<'a> {
    /// The FROM.
    pub from: &'a From,
    /// Its place.
    pub span: Span,
    /// The comments above it.
    pub comments: &'a [String],
    /// What follows.
    pub instructions: Vec<&'a Instruction>,
}

impl Stage<'_> {
    /// The name after AS, lower-cased.
    pub fn name(&self) -> Option<&str> {
        self.from.name.as_ref().map(|w| w.text.as_str())
    }
}

/// A file's stages.
#[derive(Clone, Debug, Default)]
pub struct Stages<'a> {
    /// ARGs before the first FROM.
    pub globals: Vec<&'a Arg>,
    /// In file order; the index is the one that `--from=N` means.
    pub list: Vec<Stage<'a>>,
}

/// Divides a file into stages.
pub fn collect<'a>(ast: &'a Dockerfile, problems: &mut Vec<Diagnostic>) -> Stages<'a> {
    let mut stages = Stages::default();
    for instruction in &ast.instructions {
        match (&instruction.kind, stages.list.last_mut()) {
            (Kind::From(from), _) => {
                stages.list.push(Stage {
                    from,
                    span: instruction.span,
                    comments: &instruction.comments,
                    instructions: Vec::new(),
                });
            }
            (_, Some(stage)) => stage.instructions.push(instruction),
            (Kind::Arg(args), None) => stages.globals.extend(args),
            (_, None) => {
                let name = instruction.name.text.to_ascii_uppercase();
                problems.push(problem::before_from(&name, instruction.name.span));
            }
        }
    }
    if stages.list.is_empty() {
        problems.push(problem::no_stage(Span::new(ast.file, 0, 0)));
    }
    stages
}
