//! A stack of layers as a [`SourceTree`].

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Mutex;

use buildc_ir::world::WorldError;
use buildc_store::{Entry, EntryKind, Found, Layer, LayerId, Store, StoreError, TreeView};

use super::{Bytes, Node, SourceTree};

/// The merged tree of a stack of layers; everything in it is known without reading a file.
#[derive(Debug)]
pub(crate) struct LayerTree {
    store: Store,
    view: TreeView,
    /// Link groups of layers that hold hard links: path → group, for every name of a linked file.
    groups: Mutex<HashMap<LayerId, HashMap<Vec<u8>, u64>>>,
}

impl LayerTree {
    pub(crate) fn new(store: &Store, layers: &[Layer]) -> Result<Self, StoreError> {
        let view = TreeView::new(store, layers)?;
        Ok(Self { store: store.clone(), view, groups: Mutex::new(HashMap::new()) })
    }

    /// The view itself, for paths that are resolved rather than selected.
    pub(crate) fn view(&self) -> &TreeView {
        &self.view
    }

    fn node(&self, path: Vec<u8>, found: Found) -> Result<Node, StoreError> {
        let link = self.group(&found)?;
        let mut entry = found.entry;
        let mut bytes = Bytes::None;
        if let EntryKind::Hardlink { to } = &entry.kind {
            entry.kind = self.linked(found.layer, to)?;
        }
        if matches!(entry.kind, EntryKind::File { .. }) {
            bytes = Bytes::Layer(found.disk_path);
        }
        entry.path = path;
        Ok(Node { entry, bytes, link })
    }

    /// What a hard link's name stands for.
    fn linked(&self, layer: LayerId, to: &[u8]) -> Result<EntryKind, StoreError> {
        let entries = self.store.entries(layer)?;
        let found = entries.iter().find(|e| e.path == to).map(|e| e.kind.clone());
        Ok(found.unwrap_or(EntryKind::Fifo))
    }

    fn group(&self, found: &Found) -> Result<Option<u64>, StoreError> {
        if !matches!(found.entry.kind, EntryKind::File { .. } | EntryKind::Hardlink { .. }) {
            return Ok(None);
        }
        let mut groups = self.groups.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !groups.contains_key(&found.layer) {
            groups.insert(found.layer, groups_of(found.layer, &self.store.entries(found.layer)?));
        }
        Ok(groups.get(&found.layer).and_then(|g| g.get(&found.entry.path)).copied())
    }
}

fn groups_of(layer: LayerId, entries: &[Entry]) -> HashMap<Vec<u8>, u64> {
    let mut groups = HashMap::new();
    for entry in entries {
        if let EntryKind::Hardlink { to } = &entry.kind {
            let mut hasher = DefaultHasher::new();
            (layer, to).hash(&mut hasher);
            groups.insert(to.clone(), hasher.finish());
            groups.insert(entry.path.clone(), hasher.finish());
        }
    }
    groups
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
        let Some(found) = self.view.get(path).map_err(|e| failed(&e))? else { return Ok(None) };
        self.node(path.to_vec(), found).map(Some).map_err(|e| failed(&e))
    }

    fn names(&self, dir: &[u8]) -> Result<Vec<Vec<u8>>, WorldError> {
        self.view.read_dir(dir).map_err(|e| failed(&e))
    }

    fn walk(&self, dir: &[u8]) -> Result<Vec<Node>, WorldError> {
        let found = self.view.walk(dir).map_err(|e| failed(&e))?;
        found.into_iter().map(|f| self.node(f.entry.path.clone(), f).map_err(|e| failed(&e))).collect()
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
