//! `buildc parse`: the tree of a Dockerfile, for whoever compares parsers or wonders how a line was read.

use std::path::PathBuf;

use buildc_compiler::dockerfile::{sexp, tree};
use buildc_ir::{Severity, SourceMap};
use clap::ValueEnum;

use super::Shell;
use crate::failure::{Failure, Outcome};
use crate::source::Dockerfile;
use crate::{output, report};

const AFTER_HELP: &str = "\
Examples:
  buildc parse Dockerfile                  one S-expression per instruction, as BuildKit's parser dumps them
  buildc parse --format tree Dockerfile    the same after instructions and flags were understood
  echo 'RUN a b' | buildc parse -          from standard input";

// Options of `buildc parse`.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct ParseArgs {
    /// The Dockerfile; `-` reads standard input
    #[arg(value_name = "FILE", default_value = "Dockerfile")]
    file: PathBuf,
    /// Form of the output: sexp (nothing is checked) or tree (every instruction is)
    #[arg(long, value_enum, default_value = "sexp", hide_possible_values = true)]
    format: ParseFormat,
}

/// Form of a printed tree.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum ParseFormat {
    /// Name, flags, arguments as they were split.
    Sexp,
    /// What each instruction means.
    Tree,
}

/// Prints the tree.
pub fn run(args: &ParseArgs, shell: &Shell) -> Outcome {
    let dockerfile = Dockerfile::at(&args.file)?;
    let mut sources = SourceMap::new();
    let file = sources.add(dockerfile.shown.clone(), dockerfile.text.text.clone());
    let text = match args.format {
        ParseFormat::Sexp => match sexp::dump(file, &dockerfile.text.text) {
            Ok(text) => text,
            Err(found) => return Err(Failure::Input(found, Box::new(sources))),
        },
        ParseFormat::Tree => {
            let (ast, found) = dockerfile.parse(file);
            if found.iter().any(|d| d.severity == Severity::Error) {
                return Err(Failure::Input(found, Box::new(sources)));
            }
            report::warn(&found, &sources, shell.streams);
            tree::render(&ast)
        }
    };
    output::data(&text)?;
    Ok(0)
}
