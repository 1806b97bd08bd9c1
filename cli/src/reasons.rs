//! What there is to say of a plan beside its steps: why they are going to run, and what would keep them from it.

use std::collections::HashMap;

use buildc_compiler::plan::render::{self, Tone};
use buildc_executor::network;
use buildc_ir::step::Network;
use buildc_ir::{Diagnostic, Plan, PlannedStep, Reason, State, StepId, StepKind};

/// What the first command that may run and needs a network would fail of on this machine, as the build would say it.
pub fn without_network(plan: &Plan) -> Option<Diagnostic> {
    let may_run = |step: &PlannedStep| matches!(step.state, State::WillRun | State::DependsOn { .. });
    let mut steps = plan.graph.iter().zip(&plan.steps).filter(|(_, step)| may_run(step));
    let ((_, node), _) = steps.find(
        |((_, node), _)| matches!(&node.step.kind, StepKind::Exec(exec) if exec.network == Network::Default),
    )?;
    let error = network::ready().err()?;
    let mut problem =
        Diagnostic::warning(error.code(), format!("A command would fail where it runs: {error}"));
    if let Some(origin) = node.origins.first() {
        problem = problem.label(*origin, "needs a network");
    }
    Some(match error.help() {
        Some(help) => problem.help(help),
        None => problem,
    })
}

/// Why steps are going to run, in the plan's words, where the user's own change is the reason; and why commands are not traced
/// although others are.
pub fn reasons(plan: &Plan) -> HashMap<StepId, String> {
    let mut steps = plan.steps.iter();
    let mut current = None;
    let mut reasons = HashMap::new();
    for line in render::lines(plan) {
        match line.tone {
            Tone::Header => {}
            Tone::Detail => {
                let Some(id) = current.take() else { continue };
                let text: &mut String = reasons.entry(id).or_default();
                text.push_str(line.text.trim());
                // The first line under a step is its reason; the changed files are in the next.
                if text.ends_with(':') {
                    text.push(' ');
                    current = Some(id);
                }
            }
            _ => current = steps.next().filter(|s| worth_saying(&s.reason)).map(|s| s.id),
        }
    }
    for ((id, node), step) in plan.graph.iter().zip(&plan.steps) {
        let Some(untraced) = render::untraced(plan, node, step) else { continue };
        let text: &mut String = reasons.entry(id).or_default();
        *text += if text.is_empty() { "" } else { "; " };
        *text += &untraced;
    }
    reasons
}

/// Reasons that name what the user changed, not what follows from it.
fn worth_saying(reason: &Reason) -> bool {
    !matches!(reason, Reason::NeverBuilt | Reason::InputChanged { .. } | Reason::NoCache)
}
