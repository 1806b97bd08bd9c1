//! Expansion of COPY wildcards: Go's `filepath.Match`, component by component, matches in lexical order.

use buildc_ir::pattern::Glob;
use buildc_ir::world::SelectError;

use super::{SourceTree, follow, join};

/// Paths that a pattern matches, as named (the last component's link is not followed). `deep` gives `**` its meaning
/// of any depth, as `--parents` has it; elsewhere it is `*`, and the directories before the first wildcard must be there
/// and may be links.
pub(super) fn expand(tree: &dyn SourceTree, pattern: &str, deep: bool) -> Result<Vec<Vec<u8>>, SelectError> {
    let parts: Vec<&str> = pattern.split('/').filter(|p| !p.is_empty()).collect();
    let fixed = if deep { 0 } else { parts.iter().take_while(|part| !Glob::has_wildcard(part)).count() };
    let (fixed, parts) = parts.split_at(fixed);
    let dir = real(tree, &fixed.join("/"))?;
    let mut found = Vec::new();
    descend(tree, parts, dir, deep, pattern, &mut found)?;
    Ok(found)
}

fn real(tree: &dyn SourceTree, dir: &str) -> Result<Vec<u8>, SelectError> {
    match follow::resolve(tree, dir.as_bytes()).map_err(SelectError::Unreadable)? {
        Some(node) => Ok(node.entry.path),
        None => Err(super::not_found(tree, dir, dir.as_bytes())),
    }
}

fn descend(
    tree: &dyn SourceTree,
    parts: &[&str],
    dir: Vec<u8>,
    deep: bool,
    pattern: &str,
    found: &mut Vec<Vec<u8>>,
) -> Result<(), SelectError> {
    let Some((part, rest)) = parts.split_first() else {
        found.push(dir);
        return Ok(());
    };
    if !Glob::has_wildcard(part) {
        let next = join(&dir, part.as_bytes());
        let there = tree.get(&next).map_err(SelectError::Unreadable)?;
        return match there {
            Some(node) if rest.is_empty() || node.is_dir() => descend(tree, rest, next, deep, pattern, found),
            _ => Ok(()),
        };
    }
    if deep && *part == "**" {
        return any_depth(tree, rest, dir, pattern, found);
    }
    let glob = Glob::new(part).map_err(|_| SelectError::BadPattern { pattern: pattern.to_owned() })?;
    for name in tree.names(&dir).map_err(SelectError::Unreadable)? {
        if glob.matches(&name) {
            let next = join(&dir, &name);
            if rest.is_empty() || is_dir(tree, &next)? {
                descend(tree, rest, next, deep, pattern, found)?;
            }
        }
    }
    Ok(())
}

fn any_depth(
    tree: &dyn SourceTree,
    rest: &[&str],
    dir: Vec<u8>,
    pattern: &str,
    found: &mut Vec<Vec<u8>>,
) -> Result<(), SelectError> {
    if rest.is_empty() {
        let below = tree.walk(&dir).map_err(SelectError::Unreadable)?;
        found.extend(below.into_iter().filter(|n| !n.is_dir()).map(|n| n.entry.path));
        return Ok(());
    }
    let below = tree.walk(&dir).map_err(SelectError::Unreadable)?;
    let dirs = below.into_iter().filter(super::Node::is_dir).map(|n| n.entry.path);
    for dir in std::iter::once(dir).chain(dirs) {
        descend(tree, rest, dir, true, pattern, found)?;
    }
    found.sort();
    found.dedup();
    Ok(())
}

fn is_dir(tree: &dyn SourceTree, path: &[u8]) -> Result<bool, SelectError> {
    Ok(tree.get(path).map_err(SelectError::Unreadable)?.is_some_and(|n| n.is_dir()))
}
