//! merge: neighbouring steps that only put files there are made in one go: by one worker, over one view of the tree below
//! them that grows by what each adds, without coming back to the schedule in between. Every one keeps its key, its layer and
//! its result; whether they share a layer in the image is another question (`--layers`).

use buildc_ir::StepKind;
use buildc_ir::graph::Node;

pub(crate) const NAME: &str = "merge";

/// Whether a step is made together with the one it builds on.
pub(crate) fn joins(lower: &Node, upper: &Node) -> bool {
    let is_of_files = |node: &Node| matches!(node.step.kind, StepKind::Copy(_) | StepKind::Mkdir(_));
    is_of_files(lower) && is_of_files(upper)
}

/// What the plan says of a group, lowest step first.
pub(crate) fn change(group: &[&Node]) -> Option<String> {
    let [first, second, rest @ ..] = group else { return None };
    Some(match rest.len() {
        0 => format!("`{}` and `{}` are made in one go", first.label, second.label),
        more => format!("`{}`, `{}` and {more} more are made in one go", first.label, second.label),
    })
}
