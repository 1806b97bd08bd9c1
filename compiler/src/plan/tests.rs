//! Sizes that goldens cannot show: a chain of many thousand steps is planned without recursion and in one pass.

use std::cell::Cell;
use std::collections::BTreeMap;

use buildc_digest::{ContentDigest, Digest, Key};
use buildc_ir::graph::Node;
use buildc_ir::pattern::SelectionQuery;
use buildc_ir::step::{Exec, Input, Mkdir, Role};
use buildc_ir::world::{BuildRecord, Facts, SelectError, Selected, Traced, WorldError};
use buildc_ir::{
    Graph, ImageConfig, Platform, Privilege, Reason, SourceMap, State, Step, StepId, StepKind, Target,
};

use super::{PlanOptions, plan, record};

const STEPS: usize = 10_000;

/// Knows everything, or nothing, and counts the questions.
struct Fixed {
    known: bool,
    asked: Cell<usize>,
    previous: Option<BuildRecord>,
}

impl Facts for Fixed {
    fn result(&self, key: &Key) -> Option<Vec<ContentDigest>> {
        self.asked.set(self.asked.get() + 1);
        self.known.then(|| vec![ContentDigest::from_bytes(*key.as_bytes())])
    }

    fn image_layers(&self, _: &Digest) -> Option<Vec<ContentDigest>> {
        None
    }

    fn select_context(&self, context: &str, _: &SelectionQuery) -> Result<Selected, SelectError> {
        Err(SelectError::UnknownContext(context.to_owned()))
    }

    fn select_tree(&self, _: &[ContentDigest], _: &SelectionQuery) -> Result<Selected, SelectError> {
        let message = "No tree here".to_owned();
        Err(SelectError::Unreadable(WorldError { code: "test::none", message, help: None }))
    }

    fn traced(&self, _: &Key, _: &Exec, _: &[ContentDigest]) -> Traced {
        Traced::Never
    }

    fn selection_diff(&self, _: &ContentDigest, _: &ContentDigest, _: usize) -> (Vec<String>, u64) {
        (Vec::new(), 0)
    }

    fn previous(&self) -> Option<BuildRecord> {
        self.previous.clone()
    }
}

fn facts(known: bool) -> Fixed {
    Fixed { known, asked: Cell::new(0), previous: None }
}

fn add(graph: &mut Graph, kind: StepKind, base: Option<StepId>, label: String) -> StepId {
    let inputs = base.into_iter().map(|step| Input { step, role: Role::Base }).collect();
    let step = Step { kind, inputs };
    let stages = vec!["app".to_owned()];
    graph
        .add(Node { step, label, origins: Vec::new(), stages, args: BTreeMap::new(), setting: None })
        .unwrap()
}

fn chain() -> Graph {
    let mut graph = Graph::new();
    let mut top = add(&mut graph, StepKind::Scratch, None, "[app] scratch".to_owned());
    for number in 1..STEPS {
        let kind = StepKind::Mkdir(Mkdir { path: format!("/{number}"), user: String::new() });
        top = add(&mut graph, kind, Some(top), format!("[app {number}] WORKDIR /{number}"));
    }
    let config = ImageConfig::scratch(Platform::normalised("linux", "amd64", None));
    let (base_history, history) = (Vec::new(), Vec::new());
    graph.targets.push(Target {
        name: "app".to_owned(),
        tags: Vec::new(),
        root: top,
        config,
        base_history,
        history,
    });
    graph
}

#[test]
fn a_long_cached_chain_asks_once_per_step() {
    let facts = facts(true);
    let plan = plan(chain(), Vec::new(), SourceMap::new(), &facts, &PlanOptions::default()).unwrap();
    assert!(plan.steps.iter().all(|step| step.state == State::Cached));
    assert_eq!(facts.asked.get(), STEPS - 1);
    assert_eq!(plan.privilege, Privilege::None);
}

#[test]
fn a_long_new_chain_is_decided_step_by_step() {
    let facts = facts(false);
    let plan = plan(chain(), Vec::new(), SourceMap::new(), &facts, &PlanOptions::default()).unwrap();
    assert_eq!(plan.steps[1].state, State::WillRun);
    let undecided =
        |step: &buildc_ir::PlannedStep| matches!(&step.state, State::DependsOn { steps } if steps.len() == 1);
    assert!(plan.steps[2..].iter().all(undecided));
    assert_eq!(facts.asked.get(), 2, "one placed key and one content key; the rest cannot be asked yet");
}

#[test]
fn an_inserted_step_is_new_and_those_after_it_build_on_it() {
    let before = plan(chain(), Vec::new(), SourceMap::new(), &facts(true), &PlanOptions::default()).unwrap();
    let mut graph = Graph::new();
    let mut top = None;
    for (at, (_, node)) in before.graph.iter().enumerate() {
        if at == 5 {
            let kind = StepKind::Mkdir(Mkdir { path: "/new".to_owned(), user: String::new() });
            top = Some(add(&mut graph, kind, top, "[app 5] WORKDIR /new".to_owned()));
        }
        top = Some(add(&mut graph, node.step.kind.clone(), top, node.label.clone()));
    }
    graph.targets = before.graph.targets.clone();
    graph.targets[0].root = top.unwrap();
    let facts = Fixed { previous: Some(record(&before)), ..facts(false) };
    let after = plan(graph, Vec::new(), SourceMap::new(), &facts, &PlanOptions::default()).unwrap();
    let new = after.steps[5].id;
    assert_eq!(after.steps[4].reason, Reason::InputChanged { step: after.steps[1].id });
    assert_eq!(after.steps[5].reason, Reason::NeverBuilt);
    assert!(after.steps[6..].iter().all(|step| step.reason == Reason::InputChanged { step: new }));
}
