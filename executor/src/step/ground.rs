//! The merged tree below the steps that a worker makes one after another.

use std::sync::Arc;

use buildc_store::{Layer, Store, StoreError};

use super::Tree;
use crate::select::LayerTree;

/// The tree that the last step stood on; the next one's is this with more layers on it.
#[derive(Debug, Default)]
pub(crate) struct Ground {
    layers: Arc<Vec<Layer>>,
    tree: Option<LayerTree>,
}

impl Ground {
    /// The merged tree of `base`.
    ///
    /// # Errors
    /// When a manifest cannot be read.
    pub(crate) fn of(&mut self, store: &Store, base: &Tree) -> Result<&LayerTree, StoreError> {
        let more = self.tree.is_some().then(|| above(&self.layers, &base.layers)).flatten();
        let tree = match (self.tree.take(), more) {
            (Some(mut tree), Some(more)) => {
                tree.raise(store, more)?;
                tree
            }
            _ => LayerTree::new(store, &base.layers)?,
        };
        self.layers = Arc::clone(&base.layers);
        Ok(self.tree.insert(tree))
    }
}

/// The layers of `upper` above those of `lower`, where it has all of them.
fn above<'l>(lower: &[Layer], upper: &'l [Layer]) -> Option<&'l [Layer]> {
    let same = lower.len() <= upper.len() && lower.iter().zip(upper).all(|(a, b)| a.id == b.id);
    upper.get(lower.len()..).filter(|_| same)
}
