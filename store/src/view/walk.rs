//! Walking the merged tree: all layers' manifests are read side by side in canonical order.

use super::{Found, TreeView, is_within};
use crate::entry::{EntryKind, compare_paths, is_below};
use crate::error::Result;

/// A part of the tree in which only the topmost `layers` count.
struct Mask {
    dir: Vec<u8>,
    layers: usize,
}

/// The merged entries below a directory, one at a time.
pub(super) struct Merged<'a> {
    view: &'a TreeView,
    dir: Vec<u8>,
    /// Next entry of each layer, topmost first.
    cursors: Vec<usize>,
    /// Masks around the current path, outermost first.
    masks: Vec<Mask>,
    /// How many layers count for the directory as a whole.
    visible: usize,
}

impl<'a> Merged<'a> {
    pub fn begin(view: &'a TreeView, dir: &[u8]) -> Result<Self> {
        let mut cursors = Vec::with_capacity(view.layers.len());
        let mut visible = view.layers.len();
        for (depth, layer) in view.layers.iter().enumerate() {
            let (at, exact) = layer.manifest.position(dir)?;
            cursors.push(if exact { at + 1 } else { at });
            let kind = if exact { Some(layer.manifest.entry(at)?.kind) } else { None };
            match kind {
                // A file or a removal: nothing below it here, nor in the layers under it.
                Some(EntryKind::Dir { opaque: true }) => visible = visible.min(depth + 1),
                // The directory is here, in one that hides what lower layers have of it.
                Some(EntryKind::Dir { opaque: false }) if layer.hides_below(dir)? => {
                    visible = visible.min(depth + 1);
                }
                Some(EntryKind::Dir { opaque: false }) => {}
                Some(_) => visible = visible.min(depth),
                None if layer.hides_below(dir)? => visible = visible.min(depth),
                None => {}
            }
            if visible <= depth + 1 && visible < view.layers.len() {
                cursors.truncate(visible);
                break;
            }
        }
        Ok(Self { view, dir: dir.to_owned(), cursors, masks: Vec::new(), visible })
    }

    /// The next entry that is visible, and the depth of its layer.
    pub fn next_found(&mut self) -> Result<Option<(Found, usize)>> {
        while let Some((depth, path)) = self.smallest()? {
            self.masks.retain(|mask| is_within(&path, &mask.dir));
            let limit = self.masks.iter().map(|m| m.layers).min().unwrap_or(self.visible);
            let entry = match (depth < limit, self.view.layers.get(depth), self.cursors.get(depth)) {
                (true, Some(layer), Some(at)) => Some((layer, layer.manifest.entry(*at)?)),
                _ => None,
            };
            let ends = match &entry {
                Some((_, entry)) if entry.is_dir() => self.directory_ends(&path, depth)?,
                _ => None,
            };
            self.pass(&path)?;
            let Some((layer, entry)) = entry else { continue };
            match entry.kind {
                EntryKind::Dir { opaque: false } => {
                    self.masks.extend(ends.map(|layers| Mask { dir: path, layers }));
                }
                EntryKind::Dir { opaque: true } => {
                    self.masks.push(Mask { dir: path, layers: depth + 1 });
                }
                EntryKind::Whiteout => {
                    self.masks.push(Mask { dir: path, layers: depth });
                    continue;
                }
                // What is no directory hides a directory of that name below.
                _ => self.masks.push(Mask { dir: path, layers: depth }),
            }
            return Ok(Some((layer.found(entry)?, depth)));
        }
        Ok(None)
    }

    /// Goes on after everything below `path`.
    pub fn skip_below(&mut self, path: &[u8]) -> Result<()> {
        for (layer, cursor) in self.view.layers.iter().zip(&mut self.cursors) {
            *cursor = layer.manifest.after_subtree(path, *cursor)?;
        }
        Ok(())
    }

    /// The first path among all cursors and the topmost layer that has it.
    fn smallest(&self) -> Result<Option<(usize, Vec<u8>)>> {
        let mut best: Option<(usize, &[u8])> = None;
        for (depth, (layer, cursor)) in self.view.layers.iter().zip(&self.cursors).enumerate() {
            if *cursor >= layer.manifest.len() {
                continue;
            }
            let path = layer.manifest.path_at(*cursor)?;
            if !is_below(path, &self.dir) {
                continue;
            }
            if best.is_none_or(|(_, smallest)| compare_paths(path, smallest).is_lt()) {
                best = Some((depth, path));
            }
        }
        Ok(best.map(|(depth, path)| (depth, path.to_vec())))
    }

    /// How many layers count for a directory that the layer at `depth` adds to: one further down may have removed or
    /// replaced what is below itself, or hide it.
    fn directory_ends(&self, path: &[u8], depth: usize) -> Result<Option<usize>> {
        let layers = self.view.layers.iter().zip(&self.cursors).enumerate().skip(depth + 1);
        for (below, (layer, cursor)) in layers {
            if *cursor >= layer.manifest.len() || layer.manifest.path_at(*cursor)? != path {
                continue;
            }
            match layer.manifest.entry(*cursor)?.kind {
                EntryKind::Dir { opaque: false } => {}
                EntryKind::Dir { opaque: true } => return Ok(Some(below + 1)),
                _ => return Ok(Some(below)),
            }
        }
        Ok(None)
    }

    /// Moves every cursor that stands at `path`.
    fn pass(&mut self, path: &[u8]) -> Result<()> {
        for (layer, cursor) in self.view.layers.iter().zip(&mut self.cursors) {
            if *cursor < layer.manifest.len() && layer.manifest.path_at(*cursor)? == path {
                *cursor += 1;
            }
        }
        Ok(())
    }
}
