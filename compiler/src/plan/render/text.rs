//! The list for people: a header, then one line per step with its reason under it.

use std::fmt::Write as _;

use buildc_ir::graph::Node;
use buildc_ir::plan::Tracing;
use buildc_ir::{
    Graph, PassReport, Plan, PlannedStep, Privilege, Reason, State, StepId, StepKind, Target, keys,
};

use super::reason::{self, one_line, quoted};
use super::{Totals, figures, state_word};

/// How many changes of a pass are listed.
const CHANGES: usize = 3;

/// What a line is about, so that it can be coloured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tone {
    /// Totals, targets and passes.
    Header,
    /// A step whose result is in the store.
    Cached,
    /// A step that will be executed.
    WillRun,
    /// A step that is decided while the build runs.
    DependsOn,
    /// A step that nobody asks for.
    NotNeeded,
    /// The reason of the step above.
    Detail,
}

/// One line of the list, without line break.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// What it is about.
    pub tone: Tone,
    /// What it says.
    pub text: String,
}

/// The list as one text.
pub fn text(plan: &Plan) -> String {
    lines(plan).into_iter().fold(String::new(), |out, line| out + &line.text + "\n")
}

/// The list line by line.
pub fn lines(plan: &Plan) -> Vec<Line> {
    let header = |text| Line { tone: Tone::Header, text };
    let mut out = vec![header(totals(&Totals::of(plan), plan.privilege))];
    out.extend(tracing(plan).map(header));
    out.extend(plan.graph.targets.iter().map(target).map(header));
    out.extend(figures::expected(plan).map(header));
    out.extend(plan.passes.iter().filter(|p| !p.changes.is_empty()).map(pass).map(header));
    out.push(header(String::new()));
    for ((_, node), step) in plan.graph.iter().zip(&plan.steps) {
        out.push(Line { tone: tone(&step.state), text: step_line(&node.label, step) });
        out.extend(details(plan, node, step).into_iter().map(|text| Line { tone: Tone::Detail, text }));
    }
    out
}

fn totals(totals: &Totals, privilege: Privilege) -> String {
    let mut text = format!("Plan of {} {}", totals.steps, if totals.steps == 1 { "step" } else { "steps" });
    let counts = [
        (totals.cached, "cached"),
        (totals.will_run, "will run"),
        (totals.depends_on, "decided while running"),
        (totals.not_needed, "not needed"),
    ];
    let shown = counts.iter().filter(|(count, _)| *count > 0);
    for (at, (count, word)) in shown.enumerate() {
        let _ = write!(text, "{} {count} {word}", if at == 0 { ":" } else { "," });
    }
    let needs = match privilege {
        Privilege::None => "no privilege",
        Privilege::Namespaces => "namespaces",
        Privilege::Insecure => "full privileges (--security=insecure)",
    };
    text + "; needs " + needs
}

/// Why commands are not traced, where there are some.
fn tracing(plan: &Plan) -> Option<String> {
    let has_command = plan.graph.iter().any(|(_, node)| matches!(node.step.kind, StepKind::Exec(_)));
    match &plan.tracing {
        _ if !has_command => None,
        Tracing::On => None,
        Tracing::Off => {
            Some("No traces (--trace=off): a command runs again when anything below it changes".to_owned())
        }
        Tracing::StrictTimes => Some(
            "No traces (--strict-times): a command runs again when anything below it changes, times of files included"
                .to_owned(),
        ),
        Tracing::Unavailable { why } => {
            Some(format!("No traces: a command runs again when anything below it changes. {}", one_line(why)))
        }
    }
}

/// Why a command that may run is not traced although others are.
pub fn untraced(plan: &Plan, node: &Node, step: &PlannedStep) -> Option<String> {
    let may_run = matches!(step.state, State::WillRun | State::DependsOn { .. });
    let StepKind::Exec(exec) = &node.step.kind else { return None };
    if !may_run || plan.tracing != Tracing::On {
        return None;
    }
    if exec.insecure {
        return Some("not traced because of --security=insecure".to_owned());
    }
    let kinds = keys::unkeyed_mounts(exec);
    (!kinds.is_empty()).then(|| format!("not traced because of its mounts ({})", kinds.join(", ")))
}

fn target(target: &Target) -> String {
    let layers = target.history.iter().filter(|entry| entry.step.is_some()).count();
    let plural = if layers == 1 { "layer" } else { "layers" };
    format!("Target `{}`: {layers} new {plural} on its base", target.name)
}

fn pass(report: &PassReport) -> String {
    let shown = report.changes.iter().take(CHANGES).map(String::as_str).collect::<Vec<_>>().join("; ");
    match report.changes.len().saturating_sub(CHANGES) {
        0 => format!("Pass {}: {shown}", report.pass),
        more => format!("Pass {}: {shown}; and {more} more", report.pass),
    }
}

fn tone(state: &State) -> Tone {
    match state {
        State::Cached => Tone::Cached,
        State::WillRun => Tone::WillRun,
        State::DependsOn { .. } => Tone::DependsOn,
        State::NotNeeded => Tone::NotNeeded,
    }
}

fn mark(state: &State) -> char {
    match state {
        State::Cached => '=',
        State::WillRun => '>',
        State::DependsOn { .. } => '?',
        State::NotNeeded => '-',
    }
}

fn step_line(label: &str, step: &PlannedStep) -> String {
    let size = step.last_size_bytes.filter(|bytes| *bytes > 0).map(figures::bytes);
    let last = match (&step.state, step.last_duration_ms, size) {
        (State::WillRun | State::DependsOn { .. }, Some(ms), None) => {
            format!("  (last time {})", figures::duration(ms))
        }
        (State::WillRun | State::DependsOn { .. }, Some(ms), Some(size)) => {
            format!("  (last time {}, {size})", figures::duration(ms))
        }
        (State::Cached, _, Some(size)) => format!("  ({size})"),
        _ => String::new(),
    };
    format!("{} {:<10}  {}{last}", mark(&step.state), state_word(&step.state), one_line(label))
}

fn details(plan: &Plan, node: &Node, step: &PlannedStep) -> Vec<String> {
    let mut out = Vec::new();
    let mut say = |text: String| out.push(format!("              {text}"));
    let obvious =
        matches!(step.reason, Reason::DefinitionKnown | Reason::NothingToDo | Reason::NothingNeedsIt);
    if !obvious {
        say(reason::of(plan, step));
    }
    if let Reason::FilesChanged { paths, total } = &step.reason {
        paths.iter().for_each(|path| say(format!("  {}", one_line(path))));
        let more = total.saturating_sub(paths.len() as u64);
        if more > 0 && !paths.is_empty() {
            say(format!("  and {more} more"));
        }
    }
    if let State::DependsOn { steps } = &step.state {
        say(decided(&plan.graph, steps, &step.reason));
    }
    untraced(plan, node, step).into_iter().for_each(&mut say);
    if let Some(early) = step.early {
        say(format!("may start early, over {}", quoted(&plan.graph, early.over)));
    }
    out
}

/// When the decision falls; a step that itself is as before is cached again if its inputs turn out as before.
pub(super) fn decided(graph: &Graph, steps: &[StepId], reason: &Reason) -> String {
    let names: Vec<String> = steps.iter().map(|id| quoted(graph, *id)).collect();
    let names = names.join(" and ");
    match reason {
        Reason::InputChanged { .. } | Reason::BaseMoved { .. } => {
            format!("cached if the content of {names} is known")
        }
        _ => format!("decided by the content of {names}"),
    }
}
