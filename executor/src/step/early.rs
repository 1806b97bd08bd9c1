//! Steps that are made before their base is there (the link and reorder passes), over the nearest tree that is.
//!
//! Owns: making them, giving them up while they run, and the proof that what came of it is what the written order gives: a
//! copy is laid out again over the real base and must come to the same entries; a command's trace must get the same
//! answers from it. Never does: choosing which steps those are (the plan does), or when (the schedule does).

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use buildc_ir::{ReadSet, StepKind};
use buildc_store::{Layer, TreeIndex};

use super::{Chosen, Site, StepError, Tree, Work, choose, copy_job, exec, millis, started};
use crate::copy::{Donor, Times};
use crate::select::LayerTree;
use crate::trace::{self, Verdict};

/// How often a running command's reads are put to its base, and how many times as long as that took it then runs on.
const INTERVAL: Duration = Duration::from_millis(100);
const REST: u32 = 10;

/// A step that is made before its turn, as the schedule and its worker share it.
#[derive(Debug)]
pub(crate) struct Ahead {
    /// Its base, once that is there.
    base: OnceLock<Tree>,
    /// How long others wait for it then.
    patience: Option<Duration>,
    /// Why it was given up.
    why: OnceLock<String>,
    next_check: Mutex<Option<Instant>>,
}

impl Ahead {
    pub(crate) fn new(patience: Option<Duration>) -> Self {
        Self { base: OnceLock::new(), patience, why: OnceLock::new(), next_check: Mutex::default() }
    }

    /// Its base is there: from now on somebody waits for it.
    pub(crate) fn arrived(&self, base: Tree) {
        // It arrives once.
        let _ = self.base.set(base);
    }

    /// Whether nothing can come of a command that is still running.
    pub(super) fn is_futile(&self, site: &Site<'_>, started: Instant, reads: impl Fn() -> ReadSet) -> bool {
        let Some(base) = self.base.get() else { return false };
        if self.patience.is_some_and(|patience| started.elapsed() > patience) {
            return self.give_up("it takes much longer than the last time");
        }
        let mut next = self.next_check.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if next.is_some_and(|next| now < next) {
            return false;
        }
        let verdict =
            TreeIndex::new(site.store, &base.layers).and_then(|index| trace::verify(&index, &reads()));
        *next = Some(Instant::now() + INTERVAL.max(now.elapsed() * REST));
        match verdict {
            Ok(Verdict::Same) => false,
            Ok(Verdict::Differs { path, .. }) => self.give_up(&conflict(&path)),
            Err(error) => self.give_up(&error.to_string()),
        }
    }

    fn give_up(&self, why: &str) -> bool {
        self.why.get_or_init(|| why.to_owned());
        true
    }
}

/// What came of a step before its turn.
#[derive(Clone, Debug)]
pub(crate) enum Prepared {
    /// A copy's layer, and the times it was made with.
    Copy { layer: Layer, times: Times },
    /// A command's layer, and what it read.
    Exec { layer: Layer, reads: Box<ReadSet>, duration_ms: u64 },
    /// Nothing, and why.
    Nothing(String),
}

/// Makes a step over another base than its own. Whatever goes wrong is found again in its turn, if it is wrong there.
pub(crate) fn prepare(site: &Site<'_>, work: &Work<'_>, ahead: &Arc<Ahead>) -> Prepared {
    made(site, work).unwrap_or_else(|error| {
        let why = ahead.why.get().cloned();
        Prepared::Nothing(why.unwrap_or_else(|| format!("over the earlier tree it failed: {error}")))
    })
}

fn made(site: &Site<'_>, work: &Work<'_>) -> Result<Prepared, StepError> {
    let chosen = choose(site, work)?;
    let base = work.base.clone().unwrap_or_else(Tree::empty);
    started(site, work);
    let start = Instant::now();
    match &work.node.step.kind {
        StepKind::Copy(copy) => {
            let times = Times { now: super::now(), clamp: site.clamp };
            let tree = LayerTree::new(site.store, &base.layers)?;
            let job = copy_job(site, copy, &base, &tree, &chosen, times);
            let layer = job.run(Donor::of(site.store, &work.id).as_ref())?;
            Ok(Prepared::Copy { layer, times })
        }
        StepKind::Exec(exec) => {
            let (layer, reads) = exec::run(site, work, exec, &base, &chosen, true)?;
            Ok(reads.map_or_else(
                || Prepared::Nothing("what it reads could not be traced".to_owned()),
                |reads| Prepared::Exec { layer, reads: Box::new(reads), duration_ms: millis(start) },
            ))
        }
        _ => Err(StepError::Cancelled),
    }
}

/// What a run of a step gives.
#[derive(Debug)]
pub(super) struct Run {
    pub layer: Layer,
    /// What it read, where that was traced.
    pub reads: Option<ReadSet>,
    pub duration_ms: u64,
}

/// The run of a step that was made before its turn, or why it does not hold over the base that the step has.
pub(super) fn proved(
    site: &Site<'_>,
    work: &Work<'_>,
    prepared: &Prepared,
    chosen: &[Chosen],
) -> Result<Result<Run, String>, StepError> {
    let base = work.base.clone().unwrap_or_else(Tree::empty);
    match (prepared, &work.node.step.kind) {
        (Prepared::Nothing(why), _) => Ok(Err(why.clone())),
        (Prepared::Copy { layer, times }, StepKind::Copy(copy)) => {
            let start = Instant::now();
            let tree = LayerTree::new(site.store, &base.layers)?;
            let job = copy_job(site, copy, &base, &tree, chosen, *times);
            if !job.gives(layer)? {
                return Ok(Err("it comes to something else over what is below it now".to_owned()));
            }
            Donor::remember(site.store, &work.id, layer);
            Ok(Ok(Run { layer: layer.clone(), reads: None, duration_ms: millis(start) }))
        }
        (Prepared::Exec { layer, reads, duration_ms }, StepKind::Exec(exec)) => {
            let index = TreeIndex::new(site.store, &base.layers)?;
            match trace::check(site.store, &index, exec, &base.layers, reads)? {
                Verdict::Same => {
                    let reads = Some((**reads).clone());
                    Ok(Ok(Run { layer: layer.clone(), reads, duration_ms: *duration_ms }))
                }
                Verdict::Differs { path, .. } => Ok(Err(conflict(&path))),
            }
        }
        _ => Ok(Err(String::new())),
    }
}

fn conflict(path: &[u8]) -> String {
    format!("it looked at `/{}`, which a step below it changed", String::from_utf8_lossy(path))
}
