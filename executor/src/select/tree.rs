//! A stack of layers as a [`SourceTree`].

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use buildc_ir::world::WorldError;
use buildc_store::{Entry, EntryKind, Found, Layer, LayerId, Store, StoreError, TreeView};

use super::{Bytes, Node, SourceTree};

/// The merged tree of a stack of layers; everything in it is known without reading a file.
#[derive(Debug)]
pub(crate) struct LayerTree {
    view: TreeView,
}

impl LayerTree {
    pub(crate) fn new(store: &Store, layers: &[Layer]) -> Result<Self, StoreError> {
        Ok(Self { view: TreeView::new(store, layers)? })
    }

    /// Puts more layers on top, lowest first.
    pub(crate) fn raise(&mut self, store: &Store, layers: &[Layer]) -> Result<(), StoreError> {
        self.view.raise(store, layers)
    }

    /// The view itself, for paths that are resolved rather than selected.
    pub(crate) fn view(&self) -> &TreeView {
        &self.view
    }
}

fn node(path: Vec<u8>, found: Found, link: Option<u64>) -> Node {
    let mut entry = found.entry;
    entry.path = path;
    let bytes = if matches!(entry.kind, EntryKind::File { .. }) {
        Bytes::Layer(found.disk_path)
    } else {
        Bytes::None
    };
    Node { entry, bytes, link }
}

/// What names of one file have in common: the layer and the file's first name in it.
fn group(layer: LayerId, first: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    (layer, first).hash(&mut hasher);
    hasher.finish()
}

/// A store that fails in the middle of a selection.
pub(crate) fn failed(error: &StoreError) -> WorldError {
    WorldError { code: error.code(), message: error.to_string(), help: error.help().map(str::to_owned) }
}

impl SourceTree for LayerTree {
    fn get(&self, path: &[u8]) -> Result<Option<Node>, WorldError> {
        if path.is_empty() {
            return Ok(Some(root()));
        }
        let found = self.view.get(path).map_err(|e| failed(&e))?;
        Ok(found.map(|found| node(path.to_vec(), found, None)))
    }

    fn names(&self, dir: &[u8]) -> Result<Vec<Vec<u8>>, WorldError> {
        self.view.read_dir(dir).map_err(|e| failed(&e))
    }

    fn walk(&self, dir: &[u8]) -> Result<Vec<Node>, WorldError> {
        let found = self.view.walk(dir).map_err(|e| failed(&e))?;
        let further = found.iter().filter_map(|f| Some(group(f.layer, f.link_to.as_deref()?)));
        let linked: HashSet<u64> = further.collect();
        let nodes = found.into_iter().map(|found| {
            let path = found.entry.path.clone();
            let own = group(found.layer, found.link_to.as_deref().unwrap_or(&path));
            node(path, found, Some(own).filter(|own| linked.contains(own)))
        });
        Ok(nodes.collect())
    }

    fn complete(&self, _nodes: Vec<&mut Node>) -> Result<(), WorldError> {
        Ok(())
    }

    fn hidden_by(&self, _path: &[u8]) -> Option<(String, u32, String)> {
        None
    }
}

/// The root of any tree, whether a layer records it or not.
pub(crate) fn root() -> Node {
    let entry = Entry {
        path: Vec::new(),
        kind: EntryKind::Dir { opaque: false },
        mode: 0o755,
        uid: 0,
        gid: 0,
        mtime: (0, 0),
        xattrs: Vec::new(),
    };
    Node { entry, bytes: Bytes::None, link: None }
}
