//! `buildc why` and `buildc history` without an image: what the last builds did with their steps, and why.

use std::time::Duration;

use buildc_compiler::plan::render::{one_line, reason};
use buildc_executor::history::{self, Build, Fate, Told};
use buildc_ir::{Reason, State, StepId};
use serde_json::{Value, json};

use super::Shell;
use crate::args::TextOrJson;
use crate::failure::{Failure, Outcome};
use crate::listing::{self, Layout};
use crate::session::Session;
use crate::{output, units};

const AFTER_HELP: &str = concat!(
    "\
Examples:
  buildc why                     every step of the newest build: what was done with it, and why
  buildc why 12                  the step in line 12 of the Dockerfile
  buildc why 'npm ci'            the step whose text has these words
  buildc why tools               the last step of the stage `tools`
  buildc why @failed             the one that failed
  buildc why --build 4242 @last  the last step of an earlier build (see `buildc history`)

",
    naming_steps!()
);

/// How many steps a chain of reasons is followed for.
const CHAIN: usize = 32;

// Options of `buildc why`.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct WhyArgs {
    /// A build: the end of its id in `buildc history` [default: the newest]
    #[arg(long, value_name = "BUILD")]
    build: Option<String>,
    /// text or json
    #[arg(long, value_enum, default_value = "text", hide_possible_values = true)]
    format: TextOrJson,
    /// A step: line, stage, beginning of its id, part of its text, @failed or @last [default: all]
    step: Option<String>,
}

/// The build that a command line means.
pub fn build(session: &Session, name: Option<&str>) -> Result<Build, Failure> {
    Ok(match name {
        Some(name) => history::open(&session.store, name)?,
        None => history::newest(&session.store)?,
    })
}

/// Says what a build did with one step, or with all.
pub fn run(args: WhyArgs, shell: &Shell) -> Outcome {
    let session = Session::open(shell)?;
    let build = build(&session, args.build.as_deref())?;
    let step = args.step.as_deref().map(|name| build.find(name)).transpose()?;
    let miss = match step.filter(|told| !told.is_miss()) {
        Some(told) => build.newest_miss(&session.store, told)?,
        None => None,
    };
    match (args.format, step) {
        (TextOrJson::Json, None) => output::json(&document(&build))?,
        (TextOrJson::Json, Some(told)) => {
            let mut document = step_document(&build, told);
            document["newest_miss"] = json!(miss.map(|(build, told)| {
                let mut document = step_document(&build, &told);
                document["build"] = build.id.into();
                document
            }));
            output::json(&document)?;
        }
        (TextOrJson::Text, None) => output::data(&overview(&build))?,
        (TextOrJson::Text, Some(told)) => {
            let miss = miss.map(|(build, told)| {
                format!("\nThe last time it was not cached:\n{}", details(&build, &told))
            });
            output::data(&(details(&build, told) + &miss.unwrap_or_default()))?;
        }
    }
    Ok(0)
}

fn document(build: &Build) -> Value {
    let steps = build.steps.iter().map(|told| step_document(build, told)).collect();
    let mut document = json!(build);
    document["steps"] = Value::Array(steps);
    document
}

fn step_document(build: &Build, told: &Told) -> Value {
    let mut document = json!(told);
    document["because"] = chain(build, told).into_iter().map(|told| json!(told.decided.id)).collect();
    document["words"] = words(build, told).into();
    document
}

/// A line per step, with its reason where that is worth one.
fn overview(build: &Build) -> String {
    let mut out = headline(build) + "\n";
    for told in &build.steps {
        out.push_str(&format!("{:<12}  {}\n", fate(told), one_line(&told.decided.label)));
        let obvious = matches!(
            told.decided.reason,
            Reason::DefinitionKnown | Reason::NothingToDo | Reason::NothingNeedsIt
        );
        if !obvious {
            let mut why = words(build, told);
            if let Reason::FilesChanged { paths, .. } = &told.decided.reason {
                why = format!("{why} {}", one_line(&paths.join(" ")));
            }
            out.push_str(&format!("{:14}{why}\n", ""));
        }
    }
    out
}

/// Which build it was and how it ended.
fn headline(build: &Build) -> String {
    let ended = match build.end {
        Some(end) if end.success => {
            format!("{} ran, {} cached, {}", end.ran, end.cached, time(end.duration_ms))
        }
        Some(end) => format!("failed after {}", time(end.duration_ms)),
        None => "did not end".to_owned(),
    };
    let since = units::ago(i64::try_from(build.started_ms / 1000).unwrap_or(i64::MAX));
    format!("Build {} of {}, {since}: {ended}\n", build.id, one_line(source(build)))
}

/// What was built, without the places of a target and a platform that were not given.
fn source(build: &Build) -> &str {
    build.source.trim_end_matches('#')
}

/// Everything that is known of one step.
fn details(build: &Build, told: &Told) -> String {
    let decided = &told.decided;
    let mut out = headline(build) + "\n" + &one_line(&decided.label) + "\n";
    let mut say = |what: &str, text: &str| out.push_str(&format!("  {what:<9}{text}\n"));
    say("at", &decided.places.join(", "));
    say("plan", &format!("{}: {}", state(&decided.state), words(build, told)));
    if let Reason::FilesChanged { paths, .. } = &decided.reason {
        paths.iter().for_each(|path| say("", &format!("  {}", one_line(path))));
    }
    if let Reason::BaseMoved { before, after, .. } = &decided.reason {
        before.iter().for_each(|before| say("before", before));
        say("after", after);
    }
    for cause in chain(build, told) {
        let label = one_line(&cause.decided.label);
        say("because", &format!("`{label}`: {}", words(build, cause)));
        if let Reason::FilesChanged { paths, .. } = &cause.decided.reason {
            paths.iter().for_each(|path| say("", &format!("  {}", one_line(path))));
        }
    }
    say("build", &happened(told));
    say("key", &decided.definition_key.to_string());
    say("log", &build.log.display().to_string());
    out
}

/// The steps that the reason goes back to, the nearest first.
fn chain<'b>(build: &'b Build, told: &Told) -> Vec<&'b Told> {
    let mut chain: Vec<&Told> = Vec::new();
    let mut reason = &told.decided.reason;
    while let Reason::InputChanged { step } = reason
        && chain.len() < CHAIN
        && let Some(next) = build.steps.iter().find(|told| told.decided.id == *step)
        && !chain.iter().any(|known| known.decided.id == *step)
    {
        reason = &next.decided.reason;
        chain.push(next);
    }
    chain
}

fn words(build: &Build, told: &Told) -> String {
    let named = |id: StepId| {
        let label = build.steps.iter().find(|told| told.decided.id == id);
        format!("`{}`", label.map_or_else(|| id.to_string().into(), |told| one_line(&told.decided.label)))
    };
    reason(&told.decided.reason, &named)
}

fn state(state: &State) -> &'static str {
    match state {
        State::Cached => "cached",
        State::WillRun => "will run",
        State::DependsOn { .. } => "decided while running",
        State::NotNeeded => "not needed",
    }
}

/// One word and a time.
fn fate(told: &Told) -> String {
    match &told.fate {
        Fate::Untouched => "not needed".to_owned(),
        Fate::Started => "not ended".to_owned(),
        Fate::Cached { .. } => "cached".to_owned(),
        Fate::Ran { duration_ms } => format!("ran {}", time(*duration_ms)),
        Fate::Failed { .. } => "FAILED".to_owned(),
        Fate::Cancelled => "cancelled".to_owned(),
    }
}

fn happened(told: &Told) -> String {
    use buildc_executor::event::Why;
    match &told.fate {
        Fate::Untouched => "not touched".to_owned(),
        Fate::Started => "began, and did not end".to_owned(),
        Fate::Cached { why: Why::Definition } => "cached".to_owned(),
        Fate::Cached { why: Why::Content } => {
            "cached: what it depends on ran again and came out the same".to_owned()
        }
        Fate::Cached { why: Why::Trace } => "cached: it reads nothing of what changed".to_owned(),
        Fate::Cached { why: Why::OtherBuild } => "cached: another build made it meanwhile".to_owned(),
        Fate::Ran { duration_ms } => format!("ran in {}", time(*duration_ms)),
        Fate::Failed { message, .. } => format!("failed: {}", one_line(message)),
        Fate::Cancelled => "cancelled".to_owned(),
    }
}

fn time(ms: u64) -> String {
    units::duration(Duration::from_millis(ms))
}

/// Lists the builds whose logs are kept, newest first.
pub fn list(format: Option<&str>, quiet: bool, shell: &Shell) -> Outcome {
    let session = Session::open(shell)?;
    let rows: Vec<Value> = history::builds(&session.store)?.iter().map(row).collect();
    let columns = [
        ("BUILD", "ID"),
        ("BEGUN", "CreatedSince"),
        ("RESULT", "Result"),
        ("RAN", "Ran"),
        ("CACHED", "Cached"),
        ("HITS", "Hits"),
        ("TIME", "Duration"),
        ("SOURCE", "Source"),
    ];
    listing::print(&rows, Layout { columns: &columns, id: "ID" }, format, quiet)?;
    Ok(0)
}

fn row(build: &Build) -> Value {
    let (ran, cached) = build.end.map_or((0, 0), |end| (end.ran, end.cached));
    let hits = match ran + cached {
        0 => String::new(),
        all => format!("{}%", u64::from(cached) * 100 / u64::from(all)),
    };
    let result = match build.end {
        None => "not ended",
        Some(end) if end.success => "built",
        Some(_) => "failed",
    };
    let seconds = i64::try_from(build.started_ms / 1000).unwrap_or(i64::MAX);
    json!({
        "ID": build.id,
        "CreatedSince": units::ago(seconds),
        "CreatedAt": units::rfc3339(seconds),
        "Result": result,
        "Ran": ran,
        "Cached": cached,
        "Hits": hits,
        "Duration": build.end.map(|end| time(end.duration_ms)).unwrap_or_default(),
        "DurationMs": build.end.map(|end| end.duration_ms),
        "Source": source(build),
        "Images": build.images.iter().map(|(_, image)| image.clone()).collect::<Vec<_>>(),
    })
}
