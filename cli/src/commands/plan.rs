//! `buildc plan`: what a build would do, and why.

use buildc_compiler::plan::render::{self, Line, Tone};
use buildc_ir::Plan;
use clap::ValueEnum;

use super::Shell;
use super::build::SourceArgs;
use crate::failure::Outcome;
use crate::session::Session;
use crate::{output, pipeline, reasons, report};

const AFTER_HELP: &str = "\
Examples:
  buildc plan .                           each step: cached, will run, or depends on another
  buildc plan --format json . | jq .      the same for programs
  buildc plan --format dot . | dot -Tsvg  a picture of the graph
  buildc plan --format html . >plan.html  a page: graph, timeline, layers, reasons";

// Options of `buildc plan`.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct PlanArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// Form of the output: text, json, dot, mermaid or html (one page with everything)
    #[arg(long, value_enum, default_value = "text", hide_possible_values = true)]
    format: PlanFormat,
    /// Accepted so that a build's flags can be given unchanged: a secret's value decides nothing
    #[arg(long = "secret", value_name = "id=NAME", hide = true)]
    _secrets: Vec<String>,
    /// Likewise
    #[arg(long = "shm-size", value_name = "SIZE", hide = true)]
    _shm_size: Option<String>,
    #[arg(long = "ulimit", value_name = "LIMIT", hide = true)]
    _ulimit: Vec<String>,
    #[arg(long = "resource", value_name = "NAME=VALUE", hide = true)]
    _resource: Vec<String>,
    #[arg(short = 't', long = "tag", value_name = "NAME", hide = true)]
    _tag: Vec<String>,
    #[arg(short = 'o', long = "output", value_name = "DEST", hide = true)]
    _output: Vec<String>,
    #[arg(long = "push", value_name = "BOOL", num_args = 0..=1, require_equals = true, hide = true)]
    _push: Option<Option<String>>,
    #[arg(long = "load", value_name = "BOOL", num_args = 0..=1, require_equals = true, hide = true)]
    _load: Option<Option<String>>,
    #[arg(long = "progress", value_name = "HOW", hide = true)]
    _progress: Option<String>,
    #[arg(short = 'q', long = "quiet", hide = true)]
    _quiet: bool,
    #[arg(long = "ssh", value_name = "ID", hide = true)]
    _ssh: Vec<String>,
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
    /// For Mermaid.
    Mermaid,
    /// For a browser.
    Html,
}

/// Prints the plan.
pub fn run(args: PlanArgs, shell: &Shell) -> Outcome {
    let mut session = Session::open(shell)?;
    let compiled = pipeline::compile(&mut session, &args.source)?;
    report::warn(&compiled.warnings, &compiled.plan.sources, shell.streams);
    let missing = reasons::without_network(&compiled.plan);
    report::warn(missing.as_slice(), &compiled.plan.sources, shell.streams);
    match args.format {
        PlanFormat::Json => output::json(&render::json(&compiled.plan))?,
        PlanFormat::Dot => output::data(&render::dot(&compiled.plan))?,
        PlanFormat::Mermaid => output::data(&render::mermaid(&compiled.plan))?,
        PlanFormat::Html => output::data(&render::html(&compiled.plan))?,
        PlanFormat::Text if shell.streams.color_out => output::data(&coloured(&compiled.plan))?,
        PlanFormat::Text => output::data(&render::text(&compiled.plan))?,
    }
    // The process ends here: to give back thousands of steps one by one would only take time.
    std::mem::forget(compiled.plan);
    Ok(0)
}

/// The list with a colour for what will become of each step.
fn coloured(plan: &Plan) -> String {
    let paint = |line: Line| {
        let color = match line.tone {
            Tone::Header => 1,
            Tone::Cached => 36,
            Tone::WillRun => 33,
            Tone::DependsOn => 35,
            Tone::NotNeeded | Tone::Detail => 2,
        };
        format!("\u{1b}[{color}m{}\u{1b}[0m\n", line.text)
    };
    render::lines(plan).into_iter().map(paint).collect()
}
