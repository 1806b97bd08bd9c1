//! link: a COPY is prepared over the nearest tree that is there while the commands below it still run, as `--link` asks for
//! by hand. When its base is there it is laid out again over that, and only what comes to the very same layer counts; so
//! the result is always the plain COPY's.

use buildc_ir::graph::Node;
use buildc_ir::plan::Early;
use buildc_ir::step::Unpack;
use buildc_ir::{StepId, StepKind};

pub(crate) const NAME: &str = "link";

/// Whether a step whose base may still be made by a command can be prepared over the tree of `over`.
pub(crate) fn early(node: &Node, over: StepId) -> Option<Early> {
    match &node.step.kind {
        // To lay an archive out is to unpack it: twice would cost more than waiting.
        StepKind::Copy(copy) if copy.unpack == Unpack::Never => Some(Early { over, patience_ms: None }),
        _ => None,
    }
}

/// What the plan says of it.
pub(crate) fn change(node: &Node) -> String {
    format!("`{}` is prepared early", node.label)
}
