//! Whether a base answers everything that was asked of another as that one did.

use std::collections::HashMap;

use buildc_ir::ReadSet;
use buildc_ir::reads::{Aspect, PathReads};
use buildc_store::{StoreError, TreeIndex, TreeNode, file_name, parent};

use super::recorder::{library_names, read_cache};
use super::{libraries, observe};

/// What came of a check.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// Every answer is the same.
    Same,
    /// This is the first that is not.
    Differs {
        /// The path, relative to the root.
        path: Vec<u8>,
        /// What of it; `None` where something stands at a path that was free.
        aspect: Option<Aspect>,
    },
}

/// Checks all paths of a set against a tree. The account is the caller's to check.
///
/// # Errors
/// When the tree cannot be read.
pub(crate) fn verify(index: &TreeIndex, reads: &ReadSet) -> Result<Verdict, StoreError> {
    let mut tree = Visited { index, dirs: HashMap::new() };
    for (path, seen) in reads.iter() {
        if let Some(aspect) = tree.difference(path, seen, reads)? {
            return Ok(Verdict::Differs { path: path.to_vec(), aspect });
        }
    }
    Ok(Verdict::Same)
}

/// The tree, with the directories that have been visited.
struct Visited<'a> {
    index: &'a TreeIndex,
    dirs: HashMap<Vec<u8>, Option<TreeNode>>,
}

impl Visited<'_> {
    /// The first aspect that differs; `Some(None)` where something stands at a path that was free.
    fn difference(
        &mut self,
        path: &[u8],
        seen: &PathReads,
        reads: &ReadSet,
    ) -> Result<Option<Option<Aspect>>, StoreError> {
        let Some(node) = self.node(path)? else {
            return Ok((!seen.is_absent()).then_some(Some(Aspect::Attributes)));
        };
        if seen.is_absent() {
            return Ok(Some(None));
        }
        for aspect in Aspect::ALL {
            let Some(before) = seen.get(aspect) else { continue };
            let now = match aspect {
                Aspect::Attributes => Some(observe::attributes(&node.found, self.index.names(&node)?)),
                Aspect::Content => Some(observe::content(&node.found.entry)),
                Aspect::Listing => Some(observe::listing(&self.index.list(&node)?)),
                Aspect::Libraries => read_cache(&node.found.entry.kind, &node.found.disk_path)
                    .and_then(|cache| libraries::project(&cache, &library_names(reads)))
                    .map(|projection| observe::libraries(&projection)),
            };
            if now != Some(before) {
                return Ok(Some(Some(aspect)));
            }
        }
        Ok(None)
    }

    /// What stands at exactly this path.
    fn node(&mut self, path: &[u8]) -> Result<Option<TreeNode>, StoreError> {
        match parent(path) {
            None => self.dir(path),
            Some(dir) => match self.dir(dir)? {
                Some(dir) => self.index.child(&dir, file_name(path)),
                None => Ok(None),
            },
        }
    }

    /// The same, remembered. A path is no deeper than its 4095 bytes allow, so one step per component is taken.
    fn dir(&mut self, path: &[u8]) -> Result<Option<TreeNode>, StoreError> {
        if let Some(known) = self.dirs.get(path) {
            return Ok(known.clone());
        }
        let mut node = self.index.root()?;
        let ends = path.iter().enumerate().filter(|(_, b)| **b == b'/').map(|(at, _)| at);
        for end in ends.chain([path.len()]).filter(|end| *end > 0) {
            let part = path.get(..end).unwrap_or_default();
            node = match (self.dirs.get(part), node) {
                (Some(known), _) => known.clone(),
                (None, Some(dir)) => {
                    let below = self.index.child(&dir, file_name(part))?;
                    self.dirs.insert(part.to_vec(), below.clone());
                    below
                }
                (None, None) => None,
            };
        }
        self.dirs.insert(path.to_vec(), node.clone());
        Ok(node)
    }
}
