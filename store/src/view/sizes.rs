//! Where the bytes of a tree are: by directory, and by layer with what upper layers hide of it.

use std::collections::{BTreeMap, HashMap};

use super::TreeView;
use crate::entry::parent;
use crate::error::Result;
use crate::layer::LayerId;

/// Bytes and number of regular files; a file with several names counts once.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Share {
    /// Bytes.
    pub bytes: u64,
    /// Files.
    pub files: u64,
}

/// Where the bytes of a tree are.
#[derive(Clone, Debug, Default)]
pub struct Sizes {
    /// Per path: files of their own, directories with all below them. The root has the empty path.
    pub paths: BTreeMap<Vec<u8>, Share>,
    /// Per layer: what of it is seen in the tree.
    pub layers: HashMap<LayerId, Share>,
}

impl TreeView {
    /// Adds the tree up. Paths with more than `depth` components count in the directory above.
    ///
    /// # Errors
    /// When a manifest is damaged.
    pub fn sizes(&self, depth: usize) -> Result<Sizes> {
        let mut sizes = Sizes::default();
        sizes.paths.insert(Vec::new(), Share::default());
        for found in self.walk(b"")? {
            let counts = !found.entry.is_dir() && found.link_to.is_none();
            let bytes = if counts { found.entry.size_bytes() } else { 0 };
            let share = Share { bytes, files: u64::from(counts) };
            sizes.layers.entry(found.layer).or_default().add(share);
            let mut at = Some(found.entry.path.as_slice());
            while let Some(path) = at {
                let components = path.split(|b| *b == b'/').filter(|c| !c.is_empty()).count();
                if components <= depth {
                    sizes.paths.entry(path.to_vec()).or_default().add(share);
                }
                at = if path.is_empty() { None } else { Some(parent(path).unwrap_or_default()) };
            }
        }
        Ok(sizes)
    }
}

impl Share {
    fn add(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.files += other.files;
    }
}
