//! Symbolic links inside a source tree: followed in every component, never out of the root.

use buildc_ir::world::WorldError;
use buildc_store::EntryKind;

use super::{Node, SourceTree, join};

/// As many links as Linux follows in one path.
const MAX_LINKS: u32 = 40;

/// What stands at a path after following links in all components, the last one too; its entry carries the real path.
/// `None` when something is missing, no directory, or a loop.
pub(super) fn resolve(tree: &dyn SourceTree, path: &[u8]) -> Result<Option<Node>, WorldError> {
    let mut todo: Vec<Vec<u8>> = components(path);
    let mut at = Vec::new();
    let mut node = tree.get(&at)?;
    let mut links = 0;
    while let Some(name) = todo.pop() {
        if name == b".." {
            at = super::split(&at).0.to_vec();
            node = tree.get(&at)?;
            continue;
        }
        let next = join(&at, &name);
        let Some(found) = tree.get(&next)? else { return Ok(None) };
        if let EntryKind::Symlink { target } = &found.entry.kind {
            links += 1;
            if links > MAX_LINKS {
                return Ok(None);
            }
            if target.first() == Some(&b'/') {
                at.clear();
            }
            todo.extend(components(target));
            node = tree.get(&at)?;
            continue;
        }
        if !todo.is_empty() && !found.is_dir() {
            return Ok(None);
        }
        at = next;
        node = Some(found);
    }
    Ok(node)
}

/// As [`resolve`], but a link at the last component is what is found.
pub(super) fn to_last(tree: &dyn SourceTree, path: &[u8]) -> Result<Option<Node>, WorldError> {
    let (dir, name) = super::split(path);
    let Some(dir) = resolve(tree, dir)? else { return Ok(None) };
    if name.is_empty() { Ok(Some(dir)) } else { tree.get(&join(&dir.entry.path, name)) }
}

/// Components in reverse, so that the next one is popped; `.` and empty ones are dropped.
fn components(path: &[u8]) -> Vec<Vec<u8>> {
    path.rsplit(|b| *b == b'/').filter(|c| !c.is_empty() && *c != b".").map(<[u8]>::to_vec).collect()
}

/// The directories of `path` after its first `pivot` bytes, without the last component, outermost first. Their
/// entries carry the path as written.
pub(super) fn directories(tree: &dyn SourceTree, path: &[u8], pivot: usize) -> Result<Vec<Node>, WorldError> {
    let mut found = Vec::new();
    for (at, _) in path.iter().enumerate().filter(|(at, b)| **b == b'/' && *at >= pivot) {
        if let Some(mut node) = resolve(tree, &path[..at])? {
            node.entry.path = path[..at].to_vec();
            found.push(node);
        }
    }
    Ok(found)
}
