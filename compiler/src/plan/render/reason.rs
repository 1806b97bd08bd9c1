//! Reasons in words: the same in every form, and in what `why` says afterwards.

use std::borrow::Cow;

use buildc_ir::reads::Aspect;
use buildc_ir::{Graph, Plan, PlannedStep, Reason, StepId};

/// How many characters of an instruction or value are shown.
const LABEL: usize = 120;

/// Text of the user's on one line and of bounded length, without anything that a terminal would act on.
pub fn one_line(text: &str) -> Cow<'_, str> {
    // Nearly every text is such a one.
    if text.len() <= LABEL && text.bytes().all(|b| matches!(b, b' '..=b'~')) {
        return Cow::Borrowed(text);
    }
    let shown = text.chars().take(LABEL).map(|c| if c.is_control() { ' ' } else { c });
    let more = if text.chars().nth(LABEL).is_some() { "…" } else { "" };
    shown.chain(more.chars()).collect()
}

/// One reason in words, without the list of files; `named` puts a step's label in quotes.
pub fn reason(reason: &Reason, named: &dyn Fn(StepId) -> String) -> String {
    match reason {
        Reason::DefinitionKnown => "its result is in the store".to_owned(),
        Reason::ContentKnown => "changed, but its inputs have the same content as before".to_owned(),
        Reason::SameReads { paths } => {
            format!("reads nothing of what changed below it (its trace has {paths} paths)")
        }
        Reason::ReadChanged { path, aspect } => read_changed(path, *aspect),
        Reason::NeverBuilt => "never built".to_owned(),
        Reason::InstructionChanged { before, .. } => {
            format!("instruction changed, it was `{}`", one_line(before))
        }
        Reason::ArgChanged { name, before, after } => format!("ARG {}", change(name, before, after)),
        Reason::EnvChanged { name, before, after } => format!("ENV {}", change(name, before, after)),
        Reason::SettingChanged { name, before, after } => change(name, before, after),
        Reason::FilesChanged { paths, total } if only_times(paths) => match total {
            1 => "1 file has another time:".to_owned(),
            total => format!("{total} files have other times:"),
        },
        Reason::FilesChanged { total: 1, .. } => "1 file changed:".to_owned(),
        Reason::FilesChanged { paths, total } if !paths.is_empty() => format!("{total} files changed:"),
        Reason::FilesChanged { .. } => "files of the build context changed".to_owned(),
        Reason::BaseMoved { reference, after, .. } => {
            format!("base `{reference}` moved to {}", after.get(..19).unwrap_or(after))
        }
        Reason::InputChanged { step } => format!("builds on {}", named(*step)),
        Reason::ResultGone => "its result is no longer in the store".to_owned(),
        Reason::NoCache => "--no-cache".to_owned(),
        Reason::DefinitionChanged => "its definition changed".to_owned(),
        Reason::NothingNeedsIt => "nothing that runs needs it".to_owned(),
        Reason::NothingToDo => "nothing to do".to_owned(),
        Reason::NotPulled => "has to be pulled".to_owned(),
        Reason::NotPinned => "fetched without a checksum, so asked for every time".to_owned(),
    }
}

/// Whether nothing but times is different: changes of any other kind come first.
fn only_times(paths: &[String]) -> bool {
    paths.first().is_some_and(|path| path.starts_with('@'))
}

fn read_changed(path: &str, aspect: Option<Aspect>) -> String {
    let path = one_line(path);
    match aspect {
        None => format!("looks for `{path}`, which did not exist"),
        Some(Aspect::Attributes) => format!("looks at `{path}`, which changed or is gone"),
        Some(Aspect::Content) => format!("reads `{path}`, which changed"),
        Some(Aspect::Listing) => format!("lists `{path}`, which has other names now"),
        Some(Aspect::Libraries) => format!("finds other libraries through `{path}`"),
    }
}

fn change(name: &str, before: &Option<String>, after: &Option<String>) -> String {
    let (before, after) = (before.as_deref().map(one_line), after.as_deref().map(one_line));
    match (before, after) {
        (Some(before), Some(after)) => format!("{name} changed from `{before}` to `{after}`"),
        (None, Some(after)) => format!("{name} is new, with value `{after}`"),
        (Some(before), None) => format!("{name} is gone, it was `{before}`"),
        (None, None) => format!("{name} changed"),
    }
}

/// Why a step of a plan will be what it will be.
pub(super) fn of(plan: &Plan, step: &PlannedStep) -> String {
    reason(&step.reason, &|id| quoted(&plan.graph, id))
}

/// A step's label in quotes.
pub(super) fn quoted(graph: &Graph, id: StepId) -> String {
    format!("`{}`", one_line(graph.get(id).map_or("", |node| node.label.as_str())))
}
