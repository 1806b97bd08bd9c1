//! Why each step is not simply cached, in the user's terms: compares with the previous build of the same source.

use std::collections::{BTreeMap, HashSet};

use buildc_ir::graph::Node;
use buildc_ir::world::{Facts, StepRecord, Traced};
use buildc_ir::{Graph, Reason, State, StepId, StepKind};

use super::PlanOptions;
use super::decide::Decision;
use super::define::Definition;
use super::previous::Previous;
use super::record::step_record;

/// How many changed paths a reason lists.
const PATHS: usize = 10;

/// How many pairs of places in two texts are looked at to find out whether a value makes the difference.
const PLACES: usize = 1 << 16;

/// What changed a step's definition since the previous build.
#[derive(Clone)]
enum Cause {
    /// Nothing.
    None,
    /// Something of its own, or the base image under it.
    Own(Reason),
    /// A step it builds on.
    Input(StepId),
}

struct Explainer<'a> {
    graph: &'a Graph,
    definitions: &'a [Definition],
    decisions: &'a [Decision],
    previous: &'a Previous,
    facts: &'a dyn Facts,
    options: &'a PlanOptions,
    causes: Vec<Cause>,
    reasons: Vec<Reason>,
}

/// The reasons of all steps, in the graph's order.
pub(super) fn explain(
    graph: &Graph,
    definitions: &[Definition],
    decisions: &[Decision],
    previous: &Previous,
    facts: &dyn Facts,
    options: &PlanOptions,
) -> Vec<Reason> {
    let mut explainer = Explainer {
        graph,
        definitions,
        decisions,
        previous,
        facts,
        options,
        causes: Vec::with_capacity(graph.len()),
        reasons: Vec::with_capacity(graph.len()),
    };
    let any_miss = decisions.iter().any(|d| !matches!(d.state, State::Cached | State::NotNeeded));
    for (at, (_, node)) in graph.iter().enumerate() {
        let cause = if any_miss { explainer.cause(at, node) } else { Cause::None };
        explainer.causes.push(cause);
        let reason = explainer.reason(at, node);
        explainer.reasons.push(reason);
    }
    explainer.reasons
}

impl Explainer<'_> {
    fn reason(&self, at: usize, node: &Node) -> Reason {
        let decision = &self.decisions[at];
        match (&decision.state, &node.step.kind) {
            (State::NotNeeded, _) => Reason::NothingNeedsIt,
            (State::Cached, StepKind::Scratch | StepKind::Config(_) | StepKind::Diff) => Reason::NothingToDo,
            (State::Cached, _)
                if decision.result_key.is_some() && decision.result_key == decision.content_key =>
            {
                Reason::ContentKnown
            }
            (State::Cached, _) => match decision.traced {
                Some(Traced::Same { paths, .. }) => Reason::SameReads { paths },
                _ => Reason::DefinitionKnown,
            },
            (_, StepKind::Image(_)) => match &self.causes[at] {
                Cause::Own(reason @ Reason::BaseMoved { .. }) => reason.clone(),
                _ => Reason::NotPulled,
            },
            _ if self.options.is_fresh(node) => Reason::NoCache,
            (_, StepKind::Http(http)) if http.checksum.is_none() => Reason::NotPinned,
            _ => self.miss(at, node),
        }
    }

    fn miss(&self, at: usize, node: &Node) -> Reason {
        match &self.causes[at] {
            // What it reads says more than that something below it is different.
            Cause::Own(Reason::BaseMoved { .. }) | Cause::Input(_) | Cause::None
                if let Some(Traced::Differs { path, aspect }) = &self.decisions[at].traced =>
            {
                Reason::ReadChanged { path: path.clone(), aspect: *aspect }
            }
            Cause::Own(reason) => reason.clone(),
            Cause::Input(step) => Reason::InputChanged { step: *step },
            Cause::None => {
                let inputs = node.step.inputs.iter().filter_map(|i| self.graph.position(i.step));
                let open =
                    |at: &usize| !matches!(self.decisions[*at].state, State::Cached | State::NotNeeded);
                match inputs.into_iter().find(open).and_then(|input| self.began(input)) {
                    Some(step) => Reason::InputChanged { step },
                    None => Reason::ResultGone,
                }
            }
        }
    }

    /// Where the reason of an input began.
    fn began(&self, input: usize) -> Option<StepId> {
        match self.reasons.get(input)? {
            Reason::InputChanged { step } => Some(*step),
            _ => self.graph.iter().nth(input).map(|(id, _)| id),
        }
    }

    fn cause(&self, at: usize, node: &Node) -> Cause {
        let definition = &self.definitions[at];
        let Some(before) = self.previous.of(at) else { return Cause::Own(Reason::NeverBuilt) };
        if before.definition_key == Some(definition.key) {
            return Cause::None;
        }
        let times = (self.options.clamp, self.options.strict_times);
        let now = step_record(node, definition.key, definition.selected.clone(), times);
        if let Some(reason) = self.own_change(before, &now) {
            return Cause::Own(reason);
        }
        self.inherited(node).unwrap_or(Cause::Own(Reason::DefinitionChanged))
    }

    fn own_change(&self, before: &StepRecord, now: &StepRecord) -> Option<Reason> {
        let argument = first_difference(&before.args, &now.args);
        let variable = first_difference(&before.env, &now.env);
        let explained = |by| explains(by, &before.text, &now.text);
        if before.text != now.text && !explained(&argument) && !explained(&variable) {
            return Some(Reason::InstructionChanged { before: before.text.clone(), after: now.text.clone() });
        }
        if let (Some((_, before)), Some((reference, after))) = (&before.image, &now.image)
            && before != after
        {
            let (before, after) = (Some(before.to_string()), after.to_string());
            return Some(Reason::BaseMoved { reference: reference.clone(), before, after });
        }
        if let Some((name, before, after)) = argument {
            return Some(Reason::ArgChanged { name, before, after });
        }
        if let Some((name, before, after)) = variable {
            return Some(Reason::EnvChanged { name, before, after });
        }
        if let Some((name, before, after)) = first_difference(&before.settings, &now.settings) {
            return Some(Reason::SettingChanged { name, before, after });
        }
        self.changed_files(before, now)
    }

    fn changed_files(&self, before: &StepRecord, now: &StepRecord) -> Option<Reason> {
        let (mut paths, mut total) = (Vec::new(), 0);
        for (before, now) in before.selections.iter().zip(&now.selections).filter(|(b, n)| b != n) {
            let (more, count) = self.facts.selection_diff(before, now, PATHS);
            paths.extend(more);
            total += count;
        }
        // Several selections' paths: first what is more than another time.
        paths.sort_by_key(|path: &String| path.starts_with('@'));
        paths.truncate(PATHS);
        (before.selections != now.selections).then_some(Reason::FilesChanged { paths, total })
    }

    /// The first input that changed, the base before others; a moved base image stays the reason all the way up.
    fn inherited(&self, node: &Node) -> Option<Cause> {
        let base = node.step.base();
        let others = node.step.inputs.iter().map(|i| i.step).filter(|id| Some(*id) != base);
        base.into_iter().chain(others).find_map(|id| match self.causes.get(self.graph.position(id)?)? {
            Cause::None => None,
            Cause::Own(reason @ Reason::BaseMoved { .. }) => Some(Cause::Own(reason.clone())),
            Cause::Own(_) => Some(Cause::Input(id)),
            Cause::Input(began) => Some(Cause::Input(*began)),
        })
    }
}

/// True when the text only differs by the value of the argument or variable in it. Where it has none the text may show
/// its name.
fn explains(difference: &Option<Difference>, before: &str, now: &str) -> bool {
    let Some((name, old, new)) = difference else { return false };
    let forms = |value: &Option<String>| match value {
        Some(value) if !value.is_empty() => vec![value.clone()],
        _ => vec![format!("${{{name}}}"), format!("${name}"), String::new()],
    };
    let (olds, news) = (forms(old), forms(new));
    olds.iter().any(|old| news.iter().any(|new| turns(before.as_bytes(), now.as_bytes(), old, new)))
}

/// Whether one text becomes the other when some of the places of `old` become `new`.
fn turns(before: &[u8], now: &[u8], old: &str, new: &str) -> bool {
    let mut seen = HashSet::new();
    let mut open = vec![(before, now)];
    while let Some((before, now)) = open.pop() {
        if before.is_empty() && now.is_empty() {
            return true;
        }
        if seen.len() == PLACES || !seen.insert((before.len(), now.len())) {
            continue;
        }
        if let (Some(before), Some(now)) =
            (before.strip_prefix(old.as_bytes()), now.strip_prefix(new.as_bytes()))
        {
            open.push((before, now));
        }
        if let (Some((a, before)), Some((b, now))) = (before.split_first(), now.split_first())
            && a == b
        {
            open.push((before, now));
        }
    }
    false
}

type Difference = (String, Option<String>, Option<String>);

fn first_difference(
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) -> Option<Difference> {
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort_unstable();
    let name = names.into_iter().find(|name| before.get(*name) != after.get(*name))?;
    Some((name.clone(), before.get(name).cloned(), after.get(name).cloned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_differs_by_an_argument_s_value_is_explained_by_it() {
        let argument = |old: Option<&str>, new: Option<&str>| {
            Some(("X".to_owned(), old.map(str::to_owned), new.map(str::to_owned)))
        };
        for (old, new, before, now, wanted) in [
            (Some("1"), Some("2"), "RUN echo 1", "RUN echo 2", true),
            (Some("1"), None, "RUN echo 1", "RUN echo $X", true),
            (None, Some("1"), "RUN echo ${X}", "RUN echo 1", true),
            (Some(""), Some("1"), "LABEL a=", "LABEL a=1", true),
            (Some("1"), Some("2"), "RUN echo 1 1 >/v1", "RUN echo 2 1 >/v1", true),
            (Some("1"), Some(""), "RUN echo 1 1 >/v1", "RUN echo  1 >/v1", true),
            (Some("1"), Some("2"), "RUN echo 1", "RUN print 2", false),
            (None, Some("1"), "RUN echo $X", "RUN print 1", false),
        ] {
            assert_eq!(explains(&argument(old, new), before, now), wanted, "{before} -> {now}");
        }
        assert!(!explains(&None, "RUN a", "RUN b"));
    }
}
