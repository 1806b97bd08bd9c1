//! Mermaid: a flowchart for pages that draw it themselves, such as forges' issues and READMEs.

use std::fmt::Write as _;

use buildc_ir::{Plan, PlannedStep, Role, State};

use super::{reason, state_class, state_word};

/// The plan as a Mermaid flowchart.
pub fn mermaid(plan: &Plan) -> String {
    let mut out = String::from("flowchart BT\n");
    for ((_, node), step) in plan.graph.iter().zip(&plan.steps) {
        let name = name(step);
        let label = escape(&reason::one_line(&node.label));
        let state = state_word(&step.state);
        let reason = match step.state {
            State::WillRun | State::DependsOn { .. } => {
                format!(": {}", escape(&reason::of(plan, step)))
            }
            State::Cached | State::NotNeeded => String::new(),
        };
        let _ = writeln!(out, "  {name}[\"{label}<br/>{state}{reason}\"]:::{}", state_class(&step.state));
        for input in &node.step.inputs {
            let from = format!("s{}", short(&input.step.to_string()));
            let _ = writeln!(out, "  {from} {} {name}", arrow(input.role));
        }
    }
    for (number, target) in plan.graph.targets.iter().enumerate() {
        let root = short(&target.root.to_string());
        let _ = writeln!(out, "  s{root} --> t{number}([\"{}\"])", escape(&reason::one_line(&target.name)));
    }
    out + "  classDef cached fill:#cdeccd,stroke:#5a8f5a,color:#000\n\
           \x20 classDef willrun fill:#ffd2b8,stroke:#b5622d,color:#000\n\
           \x20 classDef dependson fill:#f7edb0,stroke:#9a8a2a,color:#000\n\
           \x20 classDef notneeded fill:#eee,stroke:#999,color:#000\n"
}

fn name(step: &PlannedStep) -> String {
    format!("s{}", short(&step.id.to_string()))
}

/// Enough digits that two steps of a graph do not meet.
fn short(id: &str) -> String {
    id.chars().take(12).collect()
}

fn arrow(role: Role) -> &'static str {
    match role {
        Role::Base => "-->",
        Role::CopyFrom => "-. copy .->",
        Role::Mount => "-. mount .->",
        Role::Order => "-. order .->",
    }
}

/// Mermaid reads `#NUMBER;` as the character of that number: everything that could mean something is written so.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_alphanumeric() => out.push(c),
            ' ' | '/' | '.' | ',' | '-' | '_' | ':' | '=' => out.push(c),
            c if c.is_control() => out.push(' '),
            c => {
                let _ = write!(out, "#{};", u32::from(c));
            }
        }
    }
    out
}
