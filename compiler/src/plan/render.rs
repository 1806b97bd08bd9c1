//! Text forms of a plan (spec/plan-format.md).

use buildc_ir::Plan;

/// A list for people.
pub fn text(_plan: &Plan) -> String {
    todo!()
}

/// The stable machine form.
pub fn json(_plan: &Plan) -> serde_json::Value {
    todo!()
}

/// Graphviz.
pub fn dot(_plan: &Plan) -> String {
    todo!()
}
