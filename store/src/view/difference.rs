//! What is different between two trees, path by path.

use std::cmp::Ordering;

use super::{Found, TreeView};
use crate::entry::{Entry, compare_paths};
use crate::error::Result;

/// A path that two trees do not have alike.
#[derive(Clone, Debug)]
pub struct Difference {
    /// Relative to the root, raw bytes.
    pub path: Vec<u8>,
    /// What stands there in the first tree.
    pub before: Option<Entry>,
    /// What stands there in the second tree.
    pub after: Option<Entry>,
}

impl TreeView {
    /// All paths at which this tree and another differ, in canonical order: type, content, link target, mode, owner and
    /// extended attributes count, times and hard links do not.
    ///
    /// # Errors
    /// When a manifest is damaged.
    pub fn difference(&self, other: &Self) -> Result<Vec<Difference>> {
        let mut differences = Vec::new();
        let (before, after) = (self.walk(b"")?, other.walk(b"")?);
        let (mut before, mut after) = (before.into_iter().peekable(), after.into_iter().peekable());
        loop {
            let order = match (before.peek(), after.peek()) {
                (None, None) => return Ok(differences),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(a), Some(b)) => compare_paths(&a.entry.path, &b.entry.path),
            };
            let old = if order.is_le() { before.next() } else { None };
            let new = if order.is_ge() { after.next() } else { None };
            differences.extend(differ(old, new));
        }
    }
}

fn differ(before: Option<Found>, after: Option<Found>) -> Option<Difference> {
    let (before, after) = (before.map(|found| found.entry), after.map(|found| found.entry));
    if let (Some(a), Some(b)) = (&before, &after)
        && same(a, b)
    {
        return None;
    }
    let path = before.as_ref().or(after.as_ref())?.path.clone();
    Some(Difference { path, before, after })
}

/// Whether a directory is opaque in its layer says nothing of the tree.
fn same(a: &Entry, b: &Entry) -> bool {
    let kind = (a.is_dir() && b.is_dir()) || a.kind == b.kind;
    kind && (a.mode, a.uid, a.gid, &a.xattrs) == (b.mode, b.uid, b.gid, &b.xattrs)
}
