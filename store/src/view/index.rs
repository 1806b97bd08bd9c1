//! The merged tree of a stack of layers, asked one directory at a time.
//!
//! A directory remembers which layers have something below it and where in their manifests that stands, so a look-up
//! costs one binary search per layer that takes part in the directory, however many layers the stack has. Nothing is
//! computed for what nobody asks about.

use std::sync::Arc;

use super::{Found, TreeView, ViewLayer};
use crate::Store;
use crate::entry::{EntryKind, file_name, join};
use crate::error::Result;
use crate::layer::Layer;

/// The merged tree of a stack of layers for many single look-ups. Says the same as [`TreeView`].
#[derive(Clone, Debug)]
pub struct TreeIndex {
    view: TreeView,
}

/// What stands at one path of a [`TreeIndex`].
#[derive(Clone, Debug)]
pub struct TreeNode {
    /// The entry; a further name of a hard-linked file has the kind and attributes of the file.
    pub found: Found,
    /// Number of the layer it comes from, topmost first.
    layer: usize,
    /// For a directory: where its content stands in each layer that has some, topmost first.
    spans: Arc<[Span]>,
}

/// The records of one layer below one directory.
#[derive(Clone, Copy, Debug)]
struct Span {
    layer: usize,
    first: usize,
    end: usize,
}

/// What is known of a name while layers are asked from the top.
#[derive(Default)]
struct Stack {
    top: Option<(usize, usize)>,
    spans: Vec<Span>,
}

impl TreeIndex {
    /// The tree of `layers`, lowest first.
    ///
    /// # Errors
    /// When a manifest cannot be read.
    pub fn new(store: &Store, layers: &[Layer]) -> Result<Self> {
        Ok(Self { view: TreeView::new(store, layers)? })
    }

    /// The same tree for walks and paths through symbolic links.
    pub fn view(&self) -> &TreeView {
        &self.view
    }

    /// The root directory; `None` only for a stack without layers.
    ///
    /// # Errors
    /// When a manifest is damaged.
    pub fn root(&self) -> Result<Option<TreeNode>> {
        let mut stack = Stack::default();
        for (number, layer) in self.view.layers.iter().enumerate() {
            let (at, exact) = layer.manifest.position(b"")?;
            if exact {
                if self.take(&mut stack, number, at, layer.manifest.len())? {
                    break;
                }
            } else if layer.manifest.len() > 0 {
                stack.spans.push(Span { layer: number, first: at, end: layer.manifest.len() });
            }
        }
        let (layer, found) = match (stack.top, self.view.layers.first()) {
            (Some((layer, at)), _) => (layer, self.found(layer, at)?),
            (None, Some(first)) => (0, first.bare_root()),
            (None, None) => return Ok(None),
        };
        Ok(Some(TreeNode { found, layer, spans: stack.spans.into() }))
    }

    /// What stands under `name` in a directory; `None` where nothing does or `dir` is no directory.
    ///
    /// # Errors
    /// When a manifest is damaged.
    pub fn child(&self, dir: &TreeNode, name: &[u8]) -> Result<Option<TreeNode>> {
        let path = join(&dir.found.entry.path, name);
        let mut stack = Stack::default();
        for span in dir.spans.iter() {
            let manifest = &self.view.layers[span.layer].manifest;
            let (at, exact) = manifest.position_within(&path, span.first, span.end)?;
            if exact && self.take(&mut stack, span.layer, at, span.end)? {
                break;
            }
        }
        let Some((layer, at)) = stack.top else { return Ok(None) };
        Ok(Some(TreeNode { found: self.found(layer, at)?, layer, spans: stack.spans.into() }))
    }

    /// How many names a file has in the layer it comes from, those that other layers hide included: what overlayfs shows
    /// as its number of links. 1 for everything else.
    ///
    /// # Errors
    /// When a manifest is damaged.
    pub fn names(&self, node: &TreeNode) -> Result<u32> {
        if !matches!(node.found.entry.kind, EntryKind::File { .. }) {
            return Ok(1);
        }
        let first = node.found.link_to.as_ref().unwrap_or(&node.found.entry.path);
        Ok(1 + self.view.layers[node.layer].manifest.further_names(first)?)
    }

    /// All names in a directory in canonical order, with what stands there.
    ///
    /// # Errors
    /// When a manifest is damaged.
    pub fn list(&self, dir: &TreeNode) -> Result<Vec<Found>> {
        let mut names: std::collections::BTreeMap<Vec<u8>, Option<(usize, usize)>> = Default::default();
        for span in dir.spans.iter() {
            let manifest = &self.view.layers[span.layer].manifest;
            let mut at = span.first;
            while at < span.end {
                let path = manifest.path_at(at)?;
                let name = file_name(path).to_vec();
                let next = manifest.after_subtree_within(path, at + 1, span.end)?;
                if let std::collections::btree_map::Entry::Vacant(place) = names.entry(name) {
                    let gone = manifest.entry(at)?.kind == EntryKind::Whiteout;
                    place.insert((!gone).then_some((span.layer, at)));
                }
                at = next;
            }
        }
        names.into_values().flatten().map(|(layer, at)| self.found(layer, at)).collect()
    }

    /// Takes what one layer says at one place; true when lower layers do not count.
    fn take(&self, stack: &mut Stack, layer: usize, at: usize, end: usize) -> Result<bool> {
        let manifest = &self.view.layers[layer].manifest;
        let entry = manifest.entry(at)?;
        let EntryKind::Dir { opaque } = entry.kind else {
            if stack.top.is_none() && entry.kind != EntryKind::Whiteout {
                stack.top = Some((layer, at));
            }
            return Ok(true);
        };
        stack.top.get_or_insert((layer, at));
        let end = manifest.after_subtree_within(&entry.path, at + 1, end)?;
        if at + 1 < end {
            stack.spans.push(Span { layer, first: at + 1, end });
        }
        Ok(opaque)
    }

    fn found(&self, layer: usize, at: usize) -> Result<Found> {
        let layer: &ViewLayer = &self.view.layers[layer];
        layer.found(layer.manifest.entry(at)?)
    }
}
