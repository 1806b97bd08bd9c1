//! `buildc eval`: the value of a program in the build language.

use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use buildc_compiler::lang::error::{EvalError, Result};
use buildc_compiler::lang::eval::{Evaluator, Options};
use buildc_compiler::lang::syntax::Origin;
use buildc_compiler::lang::value::Value;
use buildc_compiler::lang::{print, report};
use bumpalo::Bump;

use crate::failure::{Failure, Outcome};
use crate::language::{self, Files};

const AFTER_HELP: &str = "\
Examples:
  buildc eval -E '1 + 1'
  buildc eval --strict ./build.nix";

/// Options of `buildc eval`.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct EvalArgs {
    /// File to evaluate; - for standard input
    file: Option<PathBuf>,
    /// Expression to evaluate
    #[arg(
        short = 'E',
        long = "expr",
        value_name = "EXPR",
        conflicts_with = "file",
        allow_hyphen_values = true
    )]
    expr: Option<String>,
    /// Evaluate everything inside the value too
    #[arg(long)]
    strict: bool,
    /// Show the whole trace of an error
    #[arg(long)]
    show_trace: bool,
    /// Let programs see the environment, the clock and the system
    #[arg(long)]
    impure: bool,
}

/// What is evaluated.
enum Source {
    Text(Vec<u8>),
    Stdin(Vec<u8>),
    File(Vec<u8>),
}

/// Evaluates and prints.
pub fn run(args: EvalArgs) -> Outcome {
    let source = source(&args).map_err(Failure::Output)?;
    let directory = std::env::current_dir().map_err(Failure::Output)?;
    let code = language::on_big_stack(move || evaluate(&args, source, directory.as_os_str().as_bytes()))
        .map_err(Failure::Output)?;
    code.map_err(Failure::Output)
}

fn source(args: &EvalArgs) -> io::Result<Source> {
    match (&args.expr, &args.file) {
        (Some(text), _) => Ok(Source::Text(text.clone().into_bytes())),
        (None, Some(path)) if path.as_os_str() != "-" => {
            let path = std::path::absolute(path)?;
            Ok(Source::File(path.into_os_string().as_bytes().to_vec()))
        }
        _ => {
            let mut text = Vec::new();
            io::stdin().lock().read_to_end(&mut text)?;
            Ok(Source::Stdin(text))
        }
    }
}

fn evaluate(args: &EvalArgs, source: Source, directory: &[u8]) -> io::Result<u8> {
    let arena = Bump::new();
    let options = Options {
        show_trace: args.show_trace,
        impure: args.impure,
        stack_size: language::STACK,
        ..Options::default()
    };
    let mut ev = Evaluator::new(&arena, &Files, options);
    match value(&mut ev, args, source, directory) {
        Ok(value) => {
            let mut text = print::result(&ev, value);
            text.push(b'\n');
            io::stdout().lock().write_all(&text)?;
            Ok(0)
        }
        Err(error) => {
            let mut text = report::render(&error, &ev.sources, ev.options.show_trace);
            text.push(b'\n');
            io::stderr().lock().write_all(&text)?;
            Ok(1)
        }
    }
}

fn value<'a>(ev: &mut Evaluator<'a>, args: &EvalArgs, source: Source, directory: &[u8]) -> Result<Value<'a>> {
    let value = match source {
        Source::Text(text) => ev.eval_text(Origin::String, ev.bytes(&text), directory)?,
        Source::Stdin(text) => ev.eval_text(Origin::Stdin, ev.bytes(&text), directory)?,
        Source::File(path) => ev.eval_file(&path).map_err(without_file_line)?,
    };
    if args.strict { ev.force_deep(value) } else { Ok(value) }
}

/// The file named on the command line is no line of the trace.
fn without_file_line(mut error: Box<EvalError>) -> Box<EvalError> {
    error.traces.pop();
    error
}
