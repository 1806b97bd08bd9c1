//! The stable machine form. Field names and meanings are fixed by spec/plan-format.md.

use std::collections::BTreeMap;

use buildc_ir::graph::Node;
use buildc_ir::{Plan, PlannedStep, Span, Target};
use serde_json::{Value, json};

use super::{Totals, untraced};

/// Version of the form; raised when a field changes its meaning or goes.
const VERSION: u32 = 1;

/// The plan as json.
pub fn json(plan: &Plan) -> Value {
    let steps = plan.graph.iter().zip(&plan.steps);
    json!({
        "version": VERSION,
        "totals": Totals::of(plan),
        "privilege": plan.privilege,
        "traces": tagged("tracing", &plan.tracing),
        "estimate": plan.estimate,
        "passes": plan.passes,
        "targets": plan.graph.targets.iter().map(target).collect::<Vec<_>>(),
        "steps": steps.map(|((_, node), planned)| step(plan, node, planned)).collect::<Vec<_>>(),
    })
}

fn target(target: &Target) -> Value {
    let history =
        target.history.iter().map(|entry| json!({ "created_by": entry.created_by, "step": entry.step }));
    json!({
        "name": target.name,
        "root": target.root,
        "config": target.config,
        "history": history.collect::<Vec<_>>(),
    })
}

fn step(plan: &Plan, node: &Node, planned: &PlannedStep) -> Value {
    json!({
        "id": planned.id,
        "label": node.label,
        "stages": node.stages,
        "origins": node.origins.iter().map(|span| origin(plan, *span)).collect::<Vec<_>>(),
        "definition": node.step.kind,
        "inputs": node.step.inputs,
        "definition_key": planned.definition_key,
        "placed_key": planned.placed_key,
        "content_key": planned.content_key,
        "state": tagged("state", &planned.state),
        "reason": tagged("reason", &planned.reason),
        "untraced": untraced(plan, node, planned),
        "early": planned.early,
        "merged": planned.merged,
        "last_duration_ms": planned.last_duration_ms,
        "last_size_bytes": planned.last_size_bytes,
    })
}

fn origin(plan: &Plan, span: Span) -> Value {
    let file = plan.sources.get(span.file).map(|file| file.name.as_str());
    let (line, column) = plan.sources.line_col(span.file, span.start);
    json!({ "file": file, "line": line, "column": column })
}

/// `{"state": "depends-on", "steps": […]}` becomes `{"is": "depends-on", "steps": […]}`, so that the outer field
/// names what the inner one says.
fn tagged(tag: &str, value: &impl serde::Serialize) -> Value {
    let fields: Option<BTreeMap<String, Value>> =
        serde_json::to_value(value).ok().and_then(|value| serde_json::from_value(value).ok());
    let renamed = fields.into_iter().flatten().map(|(name, value)| match name == tag {
        true => ("is".to_owned(), value),
        false => (name, value),
    });
    Value::Object(renamed.collect())
}
