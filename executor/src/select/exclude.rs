//! `--exclude` and `.dockerignore` over a listing: the last rule that matches decides, and what a `!` rule takes back
//! in brings its parent directories along.

use buildc_ir::pattern::{PatternSet, Verdict};

use super::{Node, below};

/// Leaves out of a listing (parents first) what the rules exclude; rules see paths below `root`.
pub(super) fn filter(nodes: Vec<Node>, root: &[u8], rules: &PatternSet) -> Vec<Node> {
    if rules.is_empty() {
        return nodes;
    }
    let mut judge = Judge::new(rules, Verdict::default());
    let excluded: Vec<bool> =
        nodes.iter().map(|n| judge.judge(below(&n.entry.path, root), n.is_dir())).collect();
    let paths: Vec<&[u8]> = nodes.iter().map(|n| n.entry.path.as_slice()).collect();
    let kept = keep_parents(&paths, &excluded);
    nodes.into_iter().zip(kept).filter(|(_, keep)| *keep).map(|(n, _)| n).collect()
}

/// Judges paths that come parents first, each once.
struct Judge<'r> {
    rules: &'r PatternSet,
    top: Verdict,
    open: Vec<(Vec<u8>, Verdict)>,
}

impl<'r> Judge<'r> {
    fn new(rules: &'r PatternSet, top: Verdict) -> Self {
        Self { rules, top, open: Vec::new() }
    }

    fn judge(&mut self, path: &[u8], is_dir: bool) -> bool {
        while self.open.last().is_some_and(|(dir, _)| !is_below(path, dir)) {
            self.open.pop();
        }
        let parent = self.open.last().map_or(&self.top, |(_, verdict)| verdict);
        let verdict = self.rules.judge(path, parent);
        let excluded = verdict.excluded;
        if is_dir {
            self.open.push((path.to_vec(), verdict));
        }
        excluded
    }
}

/// True when `path` lies strictly below `dir`.
pub(crate) fn is_below(path: &[u8], dir: &[u8]) -> bool {
    dir.is_empty() || (path.len() > dir.len() && path[dir.len()] == b'/' && path.starts_with(dir))
}

/// From a listing (parents first) and its verdicts: what stays, excluded directories above a kept entry included.
pub(crate) fn keep_parents(paths: &[&[u8]], excluded: &[bool]) -> Vec<bool> {
    let mut kept = vec![false; paths.len()];
    let mut needed: Option<&[u8]> = None;
    for at in (0..paths.len()).rev() {
        let above = needed.is_some_and(|path| is_below(path, paths[at]));
        kept[at] = above || !excluded[at];
        if kept[at] {
            needed = Some(paths[at]);
        }
    }
    kept
}
