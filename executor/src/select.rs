//! What a COPY or bind mount takes out of a build context or a tree: expands patterns, follows links, leaves out what
//! is excluded, and computes the digest that stands for all of it in keys.
//!
//! Works on any [`SourceTree`]; reads no file itself and never leaves the source's root.

mod digest;
mod exclude;
mod follow;
mod tree;
mod wildcard;

use std::path::PathBuf;

use buildc_ir::pattern::{Glob, PatternSet, SelectionQuery};
use buildc_ir::world::{SelectError, Selected, WorldError};
use buildc_store::{Entry, EntryKind};

use crate::dating::Dating;

pub(crate) use digest::{listing_lines, only_time};
pub(crate) use exclude::is_below;
pub(crate) use tree::{LayerTree, failed, root};

/// Identity and times of a file of a build context, as `lstat` gave them when it was listed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Stamp {
    pub size: u64,
    pub mtime: (i64, u32),
    pub ctime: (i64, u32),
    pub inode: u64,
    /// Type and permission bits.
    pub mode: u32,
}

/// Where the bytes of a selected file are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Bytes {
    /// Not a regular file.
    None,
    /// In the build context, at the entry's path; it may have changed since.
    Context(Stamp),
    /// A file of a sealed layer, which never changes.
    Layer(PathBuf),
}

/// One thing of a source tree.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Node {
    /// Its metadata; the path is relative to the source's root. Never a whiteout or hard link.
    pub entry: Entry,
    /// Where its bytes are.
    pub bytes: Bytes,
    /// Equal for names of one file: hard links.
    pub link: Option<u64>,
}

impl Node {
    pub(crate) fn is_dir(&self) -> bool {
        matches!(self.entry.kind, EntryKind::Dir { .. })
    }
}

/// A tree that files are selected from. Paths have no slash at either end; the root is the empty path.
pub(crate) trait SourceTree {
    /// What stands at a path, not following links.
    fn get(&self, path: &[u8]) -> Result<Option<Node>, WorldError>;
    /// Names in a directory, sorted.
    fn names(&self, dir: &[u8]) -> Result<Vec<Vec<u8>>, WorldError>;
    /// Everything below a directory, parents first, names sorted.
    fn walk(&self, dir: &[u8]) -> Result<Vec<Node>, WorldError>;
    /// Fills in what [`Self::get`] and [`Self::walk`] leave out because it costs a read: hashes and attributes.
    fn complete(&self, nodes: Vec<&mut Node>) -> Result<(), WorldError>;
    /// The ignore file, line and text of the rule that hides an existing path.
    fn hidden_by(&self, path: &[u8]) -> Option<(String, u32, String)>;
}

/// One match of one pattern.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Match {
    /// Position in the query's patterns.
    pub pattern: usize,
    /// The path that matched, before links were followed.
    pub named: Vec<u8>,
    /// With `--parents`: the directories above it that are made, outermost first.
    pub parents: Vec<Node>,
    /// With `--parents`: how many bytes of the path that matched are left behind.
    pub pivot: usize,
    /// What it is, links followed; with `--parents` the last component may be a link.
    pub root: Node,
    /// For a directory: everything below, parents first.
    pub below: Vec<Node>,
}

/// Everything a query selects.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Selection {
    pub summary: Selected,
    pub matches: Vec<Match>,
}

/// Puts a query to a tree; `dating` says whether the digest holds times of files.
pub(crate) fn select(
    tree: &dyn SourceTree,
    query: &SelectionQuery,
    dating: Dating,
) -> Result<Selection, SelectError> {
    let exclude = PatternSet::from_patterns(&query.exclude)
        .map_err(|e| SelectError::BadPattern { pattern: e.to_string() })?;
    let mut matches = Vec::new();
    for (at, pattern) in query.patterns.iter().enumerate() {
        let written = pattern.as_str();
        let before = if query.parents { written.split_once("/./").map(|(before, _)| before) } else { None };
        let plain = before.map_or_else(|| written.to_owned(), |before| behind_pivot(before, written));
        let plain = plain.replace("/./", "/").trim_start_matches('/').to_owned();
        let exact = !Glob::has_wildcard(&plain);
        let named = if exact {
            vec![plain.clone().into_bytes()]
        } else {
            wildcard::expand(tree, &plain, query.parents)?
        };
        for named in named {
            // `--parents` is a walk from the pivot that leaves out what does not match, so that links are links.
            let root = if query.parents { follow::to_last } else { follow::resolve }(tree, &named);
            match one(tree, at, &named, root.map_err(SelectError::Unreadable)?, &exclude)? {
                Some(mut found) => {
                    if query.parents {
                        found.pivot = before.map_or(0, |before| pivot(before, &named));
                        found.parents = follow::directories(tree, &named, found.pivot)
                            .map_err(SelectError::Unreadable)?;
                    }
                    matches.push(found);
                }
                None => return Err(not_found(tree, written, &named)),
            }
        }
    }
    let nodes = matches
        .iter_mut()
        .flat_map(|m| m.parents.iter_mut().chain(std::iter::once(&mut m.root)).chain(m.below.iter_mut()));
    tree.complete(nodes.collect()).map_err(SelectError::Unreadable)?;
    let summary = digest::summary(&matches, query.parents, dating);
    Ok(Selection { summary, matches })
}

/// The pattern of `--parents` with what stands before its `./` as Go's `filepath.Match` has it: only behind it is `**` any
/// depth.
fn behind_pivot(before: &str, written: &str) -> String {
    let parts: Vec<&str> = before.split('/').map(|part| if part == "**" { "*" } else { part }).collect();
    parts.join("/") + written.get(before.len()..).unwrap_or_default()
}

/// `--parents` keeps only the directories after a `./`: how many bytes of a match come of what stands before it. A wildcard
/// there makes each match have its own.
fn pivot(before: &str, named: &[u8]) -> usize {
    let components = before.split('/').filter(|part| !part.is_empty()).count();
    let mut ends = named.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at + 1);
    components.checked_sub(1).and_then(|last| ends.nth(last)).unwrap_or(0)
}

fn one(
    tree: &dyn SourceTree,
    pattern: usize,
    named: &[u8],
    root: Option<Node>,
    exclude: &PatternSet,
) -> Result<Option<Match>, SelectError> {
    let Some(root) = root else { return Ok(None) };
    let below = if root.is_dir() {
        let below = tree.walk(&root.entry.path).map_err(SelectError::Unreadable)?;
        exclude::filter(below, &root.entry.path, exclude)
    } else {
        Vec::new()
    };
    Ok(Some(Match { pattern, named: named.to_vec(), parents: Vec::new(), pivot: 0, root, below }))
}

fn not_found(tree: &dyn SourceTree, written: &str, path: &[u8]) -> SelectError {
    if let Ok(Some(Node { entry: Entry { kind: EntryKind::Symlink { target }, .. }, .. })) = tree.get(path) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        return SelectError::LeadsNowhere {
            pattern: written.to_owned(),
            link: text(path),
            target: text(&target),
        };
    }
    let ignored_by = tree.hidden_by(path);
    let (dir, name) = split(path);
    let similar = if ignored_by.is_some() { Vec::new() } else { similar(tree, dir, name) };
    SelectError::NotFound { pattern: written.to_owned(), ignored_by, similar }
}

/// Directory and last component of a path.
pub(crate) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|b| *b == b'/') {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (&[], path),
    }
}

/// `dir/name`, where the root is the empty path.
pub(crate) fn join(dir: &[u8], name: &[u8]) -> Vec<u8> {
    if dir.is_empty() {
        return name.to_vec();
    }
    if name.is_empty() {
        return dir.to_vec();
    }
    [dir, b"/", name].concat()
}

/// `path` below `root`: without `root/`; empty for the root itself.
pub(crate) fn below<'p>(path: &'p [u8], root: &[u8]) -> &'p [u8] {
    if root.is_empty() { path } else { path.get(root.len() + 1..).unwrap_or_default() }
}

/// Up to three names of a directory that look like `name`.
fn similar(tree: &dyn SourceTree, dir: &[u8], name: &[u8]) -> Vec<String> {
    let Ok(names) = tree.names(dir) else { return Vec::new() };
    let mut near: Vec<(usize, String)> = names
        .iter()
        .map(|other| (distance(&name.to_ascii_lowercase(), &other.to_ascii_lowercase()), other))
        .filter(|(far, _)| *far <= 1 + name.len() / 4)
        .map(|(far, other)| (far, String::from_utf8_lossy(&join(dir, other)).into_owned()))
        .collect();
    near.sort();
    near.into_iter().take(3).map(|(_, text)| text).collect()
}

/// Levenshtein distance of two names.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
