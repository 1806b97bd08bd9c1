//! `buildc plan`: what a build would do, and why.

use buildc_compiler::plan::render;
use clap::ValueEnum;

use super::Shell;
use super::build::SourceArgs;
use crate::failure::Outcome;
use crate::session::Session;
use crate::{output, pipeline};

const AFTER_HELP: &str = "\
Examples:
  buildc plan .                           each step: cached, will run, or depends on another
  buildc plan --format json . | jq .      the same for programs
  buildc plan --format dot . | dot -Tsvg  a picture of the graph";

/// Options of `buildc plan`.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct PlanArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// Form of the output: text, json or dot
    #[arg(long, value_enum, default_value = "text", hide_possible_values = true)]
    format: PlanFormat,
}

/// Form of a printed plan.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum PlanFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For Graphviz.
    Dot,
}

/// Prints the plan.
pub fn run(args: PlanArgs, shell: &Shell) -> Outcome {
    let session = Session::open(shell)?;
    let compiled = pipeline::compile(&session, &args.source)?;
    pipeline::warn(&compiled.warnings, &compiled.plan.sources, shell);
    match args.format {
        PlanFormat::Json => output::json(&render::json(&compiled.plan))?,
        PlanFormat::Dot => output::data(&render::dot(&compiled.plan))?,
        PlanFormat::Text if shell.streams.color_out => {
            output::data(&coloured(&render::text(&compiled.plan)))?
        }
        PlanFormat::Text => output::data(&render::text(&compiled.plan))?,
    }
    Ok(0)
}

/// Colours the mark and the state of each step; its line begins with one of four marks.
fn coloured(text: &str) -> String {
    const STATE_COLUMNS: usize = 14;
    let paint = |line: &str| {
        let color = match line.as_bytes() {
            [b'=', b' ', ..] => 36,
            [b'>', b' ', ..] => 33,
            [b'?', b' ', ..] => 35,
            [b'-', b' ', ..] => 2,
            _ => return format!("{line}\n"),
        };
        let (state, rest) = line.split_at_checked(STATE_COLUMNS).unwrap_or((line, ""));
        format!("\u{1b}[{color}m{state}\u{1b}[0m{rest}\n")
    };
    text.lines().map(paint).collect()
}
