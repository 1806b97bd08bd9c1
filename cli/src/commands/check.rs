//! `buildc check` and `build --check`: what the rules say of a Dockerfile, without building it.

use buildc_compiler::dockerfile::lint::{self, Finding, render};
use buildc_compiler::dockerfile::{self, Checked};
use buildc_executor::lock::Mode;
use buildc_ir::lock::Lock;
use buildc_ir::{Diagnostic, Severity, SourceMap};
use clap::ValueEnum;
use serde_json::Value;

use super::Shell;
use super::build::SourceArgs;
use crate::build_file;
use crate::failure::{Failure, Outcome};
use crate::frontend::Frontend;
use crate::output;
use crate::report;
use crate::session::Session;

const AFTER_HELP: &str = "\
Examples:
  buildc check .                                   what the rules say of ./Dockerfile
  buildc check --fix .                             and comply where that takes no decision
  buildc check --format sarif . > check.sarif      for code hosts
  buildc check --build-arg BUILDKIT_DOCKERFILE_CHECK=skip=StageNameCasing .

`# check=skip=RULE;error=true` at the top of a Dockerfile sets options, `# check=skip=RULE` above an instruction silences
a rule for it. The exit code is 1 when something was found.";

/// Remedies can make way for others; more rounds than this are not needed for any file.
const MOST_ROUNDS: usize = 8;

// Options of `buildc check`.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct CheckArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// Form of the output: text, json (as BuildKit's) or sarif
    #[arg(long, value_enum, default_value = "text", hide_possible_values = true)]
    format: CheckFormat,
    /// Change the Dockerfile where a remedy keeps what it builds
    #[arg(long)]
    fix: bool,
}

/// Form of a report.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum CheckFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For code hosts.
    Sarif,
}

/// Checks, remedies if asked to, and reports.
pub fn run(args: &CheckArgs, shell: &Shell) -> Outcome {
    refuse_build_file(&args.source)?;
    let session = Session::open(shell)?;
    let mut frontend = Frontend::read(&args.source)?;
    if args.fix {
        fix(&session, &mut frontend)?;
    }
    report(&session, frontend, args.format, shell)
}

/// A build file has no rules, and read as a Dockerfile it would be nothing but mistakes.
pub fn refuse_build_file(source: &SourceArgs) -> Result<(), Failure> {
    match build_file::path(source) {
        Some(path) => Err(Failure::usage(format!(
            "`{}` is a build file, and rules are for Dockerfiles",
            path.display()
        ))
        .help("`buildc plan` evaluates it and says what is wrong")),
        None => Ok(()),
    }
}

/// Checks and reports; the exit code is 1 when there are findings or errors. What was found so far is told even though the
/// file cannot be built.
pub fn report(session: &Session, frontend: Frontend, format: CheckFormat, shell: &Shell) -> Outcome {
    let found = found(session, frontend)?;
    let (findings, sources) = (&found.findings, &found.sources);
    match format {
        CheckFormat::Text if found.error().is_some() && findings.is_empty() => {}
        CheckFormat::Text => output::data(&summary(findings, sources))?,
        CheckFormat::Json => output::json(&found.json())?,
        CheckFormat::Sarif => output::json(&render::sarif(findings, sources, env!("CARGO_PKG_VERSION")))?,
    }
    found.verdict(shell)
}

/// What `report` tells programs, and what it ends with.
pub fn answer(session: &Session, frontend: Frontend, shell: &Shell) -> Result<(Value, Outcome), Failure> {
    let found = found(session, frontend)?;
    Ok((found.json(), found.verdict(shell)))
}

struct Found {
    findings: Vec<Finding>,
    problems: Vec<Diagnostic>,
    sources: SourceMap,
}

impl Found {
    fn error(&self) -> Option<&Diagnostic> {
        self.problems.iter().find(|p| p.severity == Severity::Error)
    }

    fn json(&self) -> Value {
        render::json(&self.findings, self.error(), &self.sources)
    }

    fn verdict(self, shell: &Shell) -> Outcome {
        if self.error().is_some() {
            return Err(Failure::Input(self.problems, Box::new(self.sources)));
        }
        report::warn(&self.problems, &self.sources, shell.streams);
        Ok(u8::from(!self.findings.is_empty()))
    }
}

/// What a check says; a context that cannot be used has problems and no findings.
fn found(session: &Session, mut frontend: Frontend) -> Result<Found, Failure> {
    match check(session, &mut frontend) {
        Ok(Checked { findings, problems }) => Ok(Found { findings, problems, sources: frontend.sources }),
        Err(Failure::Input(problems, sources)) => {
            Ok(Found { findings: Vec::new(), problems, sources: *sources })
        }
        Err(other) => Err(other),
    }
}

fn check(session: &Session, frontend: &mut Frontend) -> Result<Checked, Failure> {
    let (ast, problems) = frontend.dockerfile.parse(frontend.file);
    if problems.iter().any(|problem| problem.severity == Severity::Error) {
        return Ok(dockerfile::check_unparsed(&ast, &frontend.options, problems));
    }
    frontend.warnings = problems;
    let resolver = frontend.resolver(session, Mode::Honoured(Lock::default()));
    let mut checked = dockerfile::check(&ast, &mut frontend.sources, &frontend.options, &resolver);
    checked.problems.splice(0..0, frontend.warnings.drain(..));
    Ok(checked)
}

/// Applies remedies until none is left, and writes the file.
fn fix(session: &Session, frontend: &mut Frontend) -> Result<(), Failure> {
    let local = frontend.place.local;
    let Some(path) = frontend.dockerfile.path.clone().filter(|_| local) else {
        return Err(Failure::usage("--fix has no file to change: the Dockerfile comes from elsewhere")
            .help("Name a file of this machine with -f"));
    };
    if !frontend.dockerfile.text.foreign.is_empty() {
        let text = format!("`{}` is not UTF-8 text, and --fix would change that too", path.display());
        return Err(Failure::new("input::not_utf8", text).help("Save it as UTF-8 first"));
    }
    let mut total = 0;
    for _ in 0..MOST_ROUNDS {
        // What cannot be parsed is left as it is.
        frontend.parse()?;
        let findings = check(session, frontend)?.findings;
        let own: Vec<Finding> = findings.into_iter().filter(|f| f.span.file == frontend.file).collect();
        let (text, fixed) = lint::apply(&frontend.dockerfile.text.text, &own);
        if fixed == 0 {
            break;
        }
        total += fixed;
        frontend.replace(text);
    }
    if total > 0 {
        let text = &frontend.dockerfile.text.text;
        std::fs::write(&path, text).map_err(|e| Failure::file("write", &path, &e))?;
        output::say(&format!("Fixed {total} in {}", path.display()));
    }
    Ok(())
}

fn summary(findings: &[Finding], sources: &SourceMap) -> String {
    let count = match findings.len() {
        0 => "no warnings found.".to_owned(),
        1 => "1 warning has been found!".to_owned(),
        n => format!("{n} warnings have been found!"),
    };
    format!("Check complete, {count}\n{}", render::text(findings, sources))
}
