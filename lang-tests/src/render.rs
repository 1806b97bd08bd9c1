//! Text forms that goldens pin: graphs with their target, and diagnostics.

use std::collections::BTreeMap;
use std::fmt::Write;

use buildc_compiler::dockerfile::lint::Finding;
use buildc_ir::graph::Target;
use buildc_ir::{Diagnostic, Graph, Severity, SourceMap, StepId, StepKind};
use serde_json::Value;

/// A graph: numbered steps with all fields that are not empty, then the targets.
pub fn graph(graph: &Graph) -> String {
    let mut out = String::new();
    let numbers: BTreeMap<StepId, usize> = graph.iter().enumerate().map(|(n, (id, _))| (id, n)).collect();
    for (number, (_, node)) in graph.iter().enumerate() {
        let inputs: String = node
            .step
            .inputs
            .iter()
            .map(|i| {
                format!(
                    " {}={}",
                    format!("{:?}", i.role).to_lowercase(),
                    numbers.get(&i.step).copied().unwrap_or(usize::MAX)
                )
            })
            .collect();
        let _ = writeln!(out, "{number} {}{inputs} · {}", node.step.kind.word(), node.label);
        fields(&mut out, &serde_json::to_value(&node.step.kind).unwrap_or_default());
        if let StepKind::Exec(exec) = &node.step.kind {
            for (name, value) in &exec.unkeyed_env {
                let _ = writeln!(out, "    not in keys: {name}={value}");
            }
        }
        if !node.args.is_empty() {
            let args: Vec<_> = node.args.iter().map(|(k, v)| format!("{k}={v}")).collect();
            let _ = writeln!(out, "    ARGs: {}", args.join(" "));
        }
    }
    for target in &graph.targets {
        self::target(&mut out, target, &numbers);
    }
    out
}

fn target(out: &mut String, target: &Target, numbers: &BTreeMap<StepId, usize>) {
    let number = |id: &StepId| numbers.get(id).copied().unwrap_or(usize::MAX);
    let _ = writeln!(out, "target {} = {}", target.name, number(&target.root));
    fields(out, &serde_json::to_value(&target.config).unwrap_or_default());
    let _ = writeln!(out, "history on {} entries of the base", target.base_history.len());
    for entry in &target.history {
        let layer = entry.step.as_ref().map_or("-".to_owned(), |id| number(id).to_string());
        let _ = writeln!(out, "    {layer}: {}", entry.created_by);
    }
}

/// The fields of an object, one a line, without those that say nothing.
fn fields(out: &mut String, value: &Value) {
    for (key, value) in value.as_object().into_iter().flatten() {
        let empty = match value {
            Value::Null | Value::Bool(false) => true,
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Object(items) => items.is_empty(),
            _ => false,
        };
        if key != "kind" && !empty {
            let _ = writeln!(out, "    {key}: {value}");
        }
    }
}

/// Findings as `line rule: message`.
pub fn findings(found: &[Finding], sources: &SourceMap) -> String {
    let mut out = String::new();
    for finding in found {
        let (line, _) = sources.line_col(finding.span.file, finding.span.start);
        let _ = writeln!(out, "{line} {}: {}", finding.rule.name, finding.message);
    }
    out
}

/// Diagnostics as `severity code at line:column`, message, further places, help.
pub fn diagnostics(found: &[Diagnostic], sources: &SourceMap) -> String {
    let mut out = String::new();
    for diagnostic in found {
        let severity = if diagnostic.severity == Severity::Error { "error" } else { "warning" };
        let mut places = diagnostic.labels.iter().map(|label| {
            let (line, column) = sources.line_col(label.span.file, label.span.start);
            let marked = sources
                .get(label.span.file)
                .and_then(|f| f.text.get(label.span.start as usize..label.span.end as usize))
                .unwrap_or("");
            format!("{line}:{column} {:?} {}", marked, label.text)
        });
        let place = places.next().unwrap_or_default();
        let _ = writeln!(out, "{severity} {} at {place}", diagnostic.code);
        let _ = writeln!(out, "    {}", diagnostic.message);
        for place in places {
            let _ = writeln!(out, "    also {place}");
        }
        if let Some(help) = &diagnostic.help {
            let _ = writeln!(out, "    help: {help}");
        }
    }
    out
}
