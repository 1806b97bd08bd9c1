//! reorder: a command that is going to run is started before its turn, over the nearest tree that is there, where its last
//! trace and those of the steps that it moves past say that neither reads or writes what the other does. It is traced again
//! while it runs, and what comes of it counts only if the base, when it is there, answers everything that it asked as that
//! tree did. Layers and history keep the written order.

use std::collections::BTreeSet;

use buildc_ir::StepKind;
use buildc_ir::graph::Node;
use buildc_ir::plan::Early;
use buildc_ir::reads::Aspect;
use buildc_ir::step::Copy;
use buildc_ir::world::Effects;
use buildc_ir::{ReadSet, StepId};

pub(crate) const NAME: &str = "reorder";

/// A command is not moved past more steps than this.
pub(crate) const MOST: usize = 64;
/// How long others wait for a command that takes longer than it ever did, beside a multiple of its last time.
const PATIENCE_MS: u64 = 3000;

/// A step that a command would be moved past, with what a command did the last time.
pub(crate) struct Passed<'a> {
    pub(crate) node: &'a Node,
    pub(crate) effects: Option<Effects>,
}

/// Whether a command may be started over the tree of `over`, before the steps `past`. `differs` is the path in that tree which
/// makes it run in any case; `None` where it runs whatever there is.
pub(crate) fn early(
    over: StepId,
    own: &Effects,
    past: &[Passed<'_>],
    differs: Option<&[u8]>,
) -> Option<Early> {
    past.iter().all(|passed| commutes(own, passed, differs)).then(|| Early {
        over,
        patience_ms: Some(own.duration_ms.saturating_mul(3).saturating_add(PATIENCE_MS)),
    })
}

/// What the plan says of it.
pub(crate) fn change(node: &Node, past: &[Passed<'_>]) -> String {
    let first = past.last().map_or("", |passed| passed.node.label.as_str());
    match past.len().saturating_sub(1) {
        0 => format!("`{}` starts before `{first}` is done", node.label),
        more => format!("`{}` starts before `{first}` and {more} more are done", node.label),
    }
}

fn commutes(own: &Effects, passed: &Passed<'_>, differs: Option<&[u8]>) -> bool {
    match &passed.node.step.kind {
        StepKind::Exec(_) => passed.effects.as_ref().is_some_and(|other| {
            let free = |writes: &BTreeSet<Vec<u8>>, reads| writes.iter().all(|path| !reads_of(reads, path));
            free(&other.writes, &own.reads)
                && free(&own.writes, &other.reads)
                && own.writes.is_disjoint(&other.writes)
                && differs.is_none_or(|path| !other.writes.contains(path))
        }),
        StepKind::Copy(copy) => {
            let place = place(copy);
            let touches = |path: &[u8]| is_at_or_below(path, place);
            let reads = own
                .reads
                .iter()
                .any(|(path, seen)| touches(path) || seen.is_absent() && is_at_or_below(place, path));
            !reads && !own.writes.iter().any(|path| touches(path)) && !differs.is_some_and(touches)
        }
        StepKind::Mkdir(mkdir) => {
            let path = mkdir.path.trim_matches('/').as_bytes();
            own.reads.get(path).is_none() && !own.writes.contains(path) && differs != Some(path)
        }
        _ => false,
    }
}

/// Whether what was read tells that a path is made, changed or removed.
fn reads_of(reads: &ReadSet, path: &[u8]) -> bool {
    let parent = path.iter().rposition(|b| *b == b'/').map_or(&b""[..], |at| &path[..at]);
    let lists =
        |dir| reads.get(dir).is_some_and(|seen| seen.is_absent() || seen.get(Aspect::Listing).is_some());
    reads.get(path).is_some() || lists(parent)
}

/// The file or directory that holds everything which a copy writes.
fn place(copy: &Copy) -> &[u8] {
    copy.dest.trim_matches('/').as_bytes()
}

fn is_at_or_below(path: &[u8], place: &[u8]) -> bool {
    place.is_empty() || path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}
