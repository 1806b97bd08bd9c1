//! Trees made of other trees' layers: differences and merges. Nothing is executed or copied for them.
//!
//! Owns: which layers of a tree another one takes, and what its history says of them. Never does: reading layers.

use std::collections::HashSet;

use buildc_ir::step::{Role, StepKind};
use buildc_ir::{Input, Span, StepId, TargetHistory};

use super::builder::{Builder, Tree};
use super::request::Handle;

impl Builder<'_> {
    /// What `upper` has above `lower`, which it is built on.
    pub(super) fn diff(&self, lower: Handle, upper: Handle, span: Option<Span>) -> Result<Tree, String> {
        let (lower, mut upper) = (self.tree(lower)?, self.tree(upper)?);
        if !self.chain(upper.root).contains(&lower.root) {
            return Err("buildc.diff: the second tree is not built on the first".to_owned());
        }
        let inputs = [upper.root, lower.root].map(|step| Input { step, role: Role::CopyFrom }).to_vec();
        let root = self.add(StepKind::Diff, inputs, "DIFF".to_owned(), span)?;
        // Layers of the lower tree, and what its history says of them, are left behind.
        let own = upper.history.len().saturating_sub(lower.history.len());
        let skip = if upper.base_history == lower.base_history { upper.history.len() - own } else { 0 };
        upper.history.drain(..skip);
        upper.base_history.clear();
        upper.root = root;
        Ok(upper)
    }

    /// The first tree, and on it what each other one has above the last step that it shares with those before it: so a
    /// common base is there once, and what one of them changes in it stays changed.
    pub(super) fn merge(&self, trees: &[Handle], span: Option<Span>) -> Result<Tree, String> {
        let Some((first, others)) = trees.split_first() else { return self.scratch(span) };
        let mut merged = self.tree(*first)?;
        let mut within = self.within(merged.root);
        for other in others {
            let other = self.tree(*other)?;
            let shared = self.chain(other.root).into_iter().find(|step| within.contains(step));
            if shared == Some(other.root) {
                continue;
            }
            merged.history.extend(self.history_above(&other, shared));
            let mut inputs = vec![Input { step: merged.root, role: Role::Base }];
            let taken = [Some(other.root), shared].into_iter().flatten();
            inputs.extend(taken.map(|step| Input { step, role: Role::CopyFrom }));
            let label = format!("MERGE {}", self.label(other.root));
            merged.root = self.add(StepKind::Diff, inputs, label, span)?;
            within.extend(self.within(other.root));
        }
        Ok(merged)
    }

    /// What the history of a tree says of its layers above those of the step `shared`. What says nothing of a layer
    /// belongs to its config, which is not taken.
    fn history_above(&self, tree: &Tree, shared: Option<StepId>) -> Vec<TargetHistory> {
        let below = shared.map(|shared| self.within(shared)).unwrap_or_default();
        let root = self.chain(tree.root).last().copied();
        let of_image = tree.base_history.iter().filter(|entry| shared.is_none() && !entry.empty_layer);
        let of_image = of_image.map(|entry| TargetHistory {
            created_by: entry.created_by.clone().unwrap_or_default(),
            step: root,
        });
        let own = tree.history.iter().filter(|entry| entry.step.is_some_and(|step| !below.contains(&step)));
        of_image.chain(own.cloned()).collect()
    }

    fn label(&self, step: StepId) -> String {
        self.state.borrow().graph.get(step).map_or("", |node| node.text()).to_owned()
    }

    /// A step and those below it, the topmost first.
    fn chain(&self, top: StepId) -> Vec<StepId> {
        let state = self.state.borrow();
        std::iter::successors(Some(top), |id| state.graph.get(*id)?.step.base()).collect()
    }

    /// All steps that have layers in a tree: those below it, and of a merge those of the trees that it took.
    fn within(&self, top: StepId) -> HashSet<StepId> {
        let state = self.state.borrow();
        let (mut found, mut open) = (HashSet::new(), vec![top]);
        while let Some(id) = open.pop() {
            if !found.insert(id) {
                continue;
            }
            let Some(node) = state.graph.get(id) else { continue };
            open.extend(node.step.base());
            let taken = node.step.difference().and_then(|(upper, _)| node.step.inputs.get(upper));
            open.extend(taken.filter(|_| node.step.base().is_some()).map(|input| input.step));
        }
        found
    }
}
