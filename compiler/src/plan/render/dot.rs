//! Graphviz: one box per step coloured by state, one arrow per input, targets as double ellipses.

use std::fmt::Write as _;

use buildc_ir::{Plan, PlannedStep, Role, State};

use super::{reason, state_word};

/// The plan as a Graphviz digraph.
pub fn dot(plan: &Plan) -> String {
    let mut out = String::from(
        "digraph plan {\n  rankdir=BT;\n  node [shape=box, style=filled, fontname=monospace];\n",
    );
    for ((_, node), step) in plan.graph.iter().zip(&plan.steps) {
        let (id, label) = (step.id, escape(&node.label));
        let (state, colour) = (state_word(&step.state), colour(&step.state));
        let why = escape(&reason::of(plan, step));
        let _ = writeln!(
            out,
            "  \"{id}\" [label=\"{label}\\n{state}{}\", fillcolor=\"{colour}\"];",
            after(step, &why)
        );
        for input in &node.step.inputs {
            let _ = writeln!(out, "  \"{id}\" -> \"{}\"{};", input.step, edge(input.role));
        }
    }
    for target in &plan.graph.targets {
        let name = escape(&target.name);
        let _ = writeln!(
            out,
            "  \"target {name}\" [label=\"{name}\", shape=ellipse, peripheries=2, style=solid];"
        );
        let _ = writeln!(out, "  \"target {name}\" -> \"{}\";", target.root);
    }
    out + "}\n"
}

fn after(step: &PlannedStep, reason: &str) -> String {
    match step.state {
        State::WillRun | State::DependsOn { .. } => format!(": {reason}"),
        State::Cached | State::NotNeeded => String::new(),
    }
}

fn colour(state: &State) -> &'static str {
    match state {
        State::Cached => "palegreen",
        State::WillRun => "lightsalmon",
        State::DependsOn { .. } => "khaki",
        State::NotNeeded => "gray90",
    }
}

fn edge(role: Role) -> &'static str {
    match role {
        Role::Base => "",
        Role::CopyFrom => " [label=copy, style=dashed]",
        Role::Mount => " [label=mount, style=dashed]",
        Role::Order => " [label=order, style=dotted]",
    }
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
