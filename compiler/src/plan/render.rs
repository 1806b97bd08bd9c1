//! Text forms of a plan (spec/plan-format.md): a list for people, json, Graphviz, Mermaid, and a page.

mod dot;
mod figures;
mod html;
mod json;
mod mermaid;
mod reason;
mod text;

pub use dot::dot;
pub use figures::{bytes, duration};
pub use html::html;
pub use json::json;
pub use mermaid::mermaid;
pub use reason::{one_line, reason};
pub use text::{Line, Tone, lines, text, untraced};

use buildc_ir::{Plan, State};

/// How many steps are in which state.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize)]
pub struct Totals {
    /// Steps of the graph.
    pub steps: usize,
    /// Their results are in the store.
    pub cached: usize,
    /// They will be executed.
    pub will_run: usize,
    /// They are decided while the build runs.
    pub depends_on: usize,
    /// Nobody asks for them.
    pub not_needed: usize,
}

impl Totals {
    /// Counts the steps of a plan.
    pub fn of(plan: &Plan) -> Self {
        let mut totals = Self { steps: plan.steps.len(), ..Self::default() };
        for step in &plan.steps {
            match step.state {
                State::Cached => totals.cached += 1,
                State::WillRun => totals.will_run += 1,
                State::DependsOn { .. } => totals.depends_on += 1,
                State::NotNeeded => totals.not_needed += 1,
            }
        }
        totals
    }
}

/// One word per state, the same in all forms.
fn state_word(state: &State) -> &'static str {
    match state {
        State::Cached => "cached",
        State::WillRun => "will run",
        State::DependsOn { .. } => "depends on",
        State::NotNeeded => "not needed",
    }
}

/// The same as the name of a class of nodes, for forms that have style sheets.
fn state_class(state: &State) -> String {
    state_word(state).replace(' ', "")
}
