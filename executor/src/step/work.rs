//! What goes into a step and what comes out of it.

use std::sync::Arc;

use buildc_digest::ContentDigest;
use buildc_ir::graph::Node;
use buildc_ir::{PlannedStep, Role, StepId, keys};
use buildc_store::Layer;

use super::{Ahead, Prepared};
use crate::dating::Dating;
use crate::event::Why;

/// The tree that a step leaves: its layers, lowest first, and what stands for them in keys.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    pub layers: Arc<Vec<Layer>>,
    /// Of their contents.
    content: ContentDigest,
    /// The same with times.
    dated: ContentDigest,
}

impl Tree {
    /// The tree without layers.
    pub(crate) fn empty() -> Self {
        Self { layers: Arc::default(), content: keys::empty_tree(), dated: keys::empty_tree() }
    }

    /// This tree with more layers on it.
    pub(crate) fn with(&self, own: &[Layer]) -> Self {
        if own.is_empty() {
            return self.clone();
        }
        let mut layers = Vec::with_capacity(self.layers.len() + own.len());
        layers.extend_from_slice(&self.layers);
        layers.extend_from_slice(own);
        let extended = |tree, dating: Dating| {
            own.iter().fold(tree, |tree, layer| keys::tree_extend(tree, &dating.of_layer(layer)))
        };
        let (content, dated) = (extended(self.content, Dating::Free), extended(self.dated, Dating::Strict));
        Self { layers: Arc::new(layers), content, dated }
    }

    /// What stands for it in keys.
    pub(crate) fn digest(&self, dating: Dating) -> ContentDigest {
        match dating {
            Dating::Free => self.content,
            Dating::Strict => self.dated,
        }
    }
}

/// A step whose inputs are there.
#[derive(Clone, Debug)]
pub(crate) struct Work<'b> {
    pub id: StepId,
    pub node: &'b Node,
    pub planned: &'b PlannedStep,
    /// It takes something of a step that was to run whatever is known of it: its placed key may speak of an earlier run.
    pub takes_new: bool,
    /// Tree of the base, where it has one.
    pub base: Option<Tree>,
    /// Trees of all inputs in order.
    pub inputs: Vec<Tree>,
    /// True when its definition fixes its result, and every input's does.
    pub fixed: bool,
    /// For a step that is made before its turn, over another tree than its base's.
    pub ahead: Option<Arc<Ahead>>,
    /// What came of making it before its turn.
    pub prepared: Option<Prepared>,
}

impl Work<'_> {
    /// This step with its base, which is what was made of the step `below`.
    pub(crate) fn on(self, below: &Work<'_>, made: &Made) -> Self {
        let base = below.base.clone().unwrap_or_else(Tree::empty).with(&made.layers);
        let roles = self.node.step.inputs.iter().map(|input| input.role);
        let inputs = roles.zip(self.inputs).map(|(role, tree)| match role {
            Role::Base => base.clone(),
            _ => tree,
        });
        let (inputs, fixed) = (inputs.collect(), self.fixed && made.fixed);
        Self { base: Some(base), inputs, fixed, ..self }
    }
}

/// How a result came to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum How {
    Ran { duration_ms: u64 },
    Cached(Why),
}

/// A step's own layers.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub layers: Vec<Layer>,
    pub how: How,
    /// False when the result is not what the definition key says: it must not be found by it.
    pub fixed: bool,
}
