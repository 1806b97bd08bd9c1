//! Inodes: which number stands for which file.

use std::collections::HashMap;

use buildc_digest::InternalHasher;
use buildc_store::{Found, LayerId, TreeNode};

use super::observe::first_name;

/// The number of the root.
pub(super) const ROOT: u64 = 1;

/// A file or directory that has been looked up.
#[derive(Debug)]
pub(super) struct Node {
    pub tree: TreeNode,
    /// Names in its layer.
    pub names: u32,
}

/// All of them. Numbers come from paths, so that they are the same in every run; where two paths want the same number the
/// later one takes the next. They fit 32 bits, since some programs cannot take more.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    nodes: HashMap<u64, Node>,
    owners: HashMap<u64, (Vec<u8>, LayerId)>,
}

impl Nodes {
    pub fn get(&self, ino: u64) -> Option<&Node> {
        self.nodes.get(&ino)
    }

    /// Takes the root.
    pub fn insert_root(&mut self, tree: TreeNode) {
        self.nodes.insert(ROOT, Node { tree, names: 1 });
    }

    /// Takes what was looked up, or another name of it, and gives its number.
    pub fn insert(&mut self, tree: TreeNode, names: u32) -> u64 {
        let ino = self.number(&tree.found);
        self.nodes.entry(ino).or_insert(Node { tree, names });
        ino
    }

    /// The number of what stands at a path, whether it has been looked up or not.
    pub fn number(&mut self, found: &Found) -> u64 {
        let first = first_name(found);
        let mut ino = wish(first);
        loop {
            match self.owners.get(&ino) {
                None => break,
                Some((path, layer)) if path == first && *layer == found.layer => return ino,
                Some(_) => ino = (ino + 1) & u64::from(u32::MAX),
            }
        }
        self.owners.insert(ino, (first.to_vec(), found.layer));
        ino
    }
}

/// Not 0, which is no inode, and not the root's.
fn wish(path: &[u8]) -> u64 {
    let mut hasher = InternalHasher::new();
    hasher.update(path);
    let key = hasher.key();
    let bytes = key.as_bytes().first_chunk().copied().unwrap_or_default();
    u64::from(u32::from_le_bytes(bytes).max(2))
}
