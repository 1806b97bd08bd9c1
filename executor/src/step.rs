//! One step: finds its result, or makes it (spec/cache-keys.md).
//!
//! A step whose inputs are known is looked up under its placed key and its content key, under a lock that equal steps
//! of other processes wait for. When neither is known, traces of the command over other bases may say that it would come
//! to the same here; else it runs, and its layer is recorded under both, with what it read.

mod cache_mount;
mod checkout;
mod download;
mod early;
mod error;
mod exec;
mod fetch;
mod foreign;
mod ground;
mod identity;
mod mounts;
mod output;
mod stubs;
mod traced;
mod work;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use buildc_digest::{ContentDigest, Key};
use buildc_ir::graph::Node;
use buildc_ir::keys::{self, Selection as Wanted};
use buildc_ir::step::From;
use buildc_ir::{ReadSet, State, StepKind};
use buildc_store::{Layer, LayerId, SnapshotDriver, Store, StoreError};

use crate::build::BuildOptions;
use crate::cancel::Cancel;
use crate::context::Context;
use crate::copy::{self, CopyError, CopyJob, Donor, Times};
use crate::dating::Dating;
use crate::event::{Event, Recorder, Why};
use crate::network::Pool;
use crate::select::{self, LayerTree, Selection};

pub(crate) use cache_mount::{name as cache_name, try_lock as try_lock_cache};
pub(crate) use early::{Ahead, Prepared, prepare};
pub(crate) use error::StepError;
pub(crate) use fetch::pinned;
pub(crate) use ground::Ground;
pub(crate) use identity::identify;
pub(crate) use mounts::Mounts;
pub(crate) use traced::adopt_planned;
pub(crate) use work::{How, Made, Tree, Work};

/// A file of the context that keeps changing is selected again this often.
const ATTEMPTS: u32 = 5;

/// What all steps of a build share.
#[derive(Debug)]
pub(crate) struct Site<'b> {
    pub store: &'b Store,
    pub contexts: &'b BTreeMap<String, Context>,
    pub options: &'b BuildOptions,
    /// Later times become this one when a layer is sealed.
    pub clamp: Option<i64>,
    /// Whether times are part of what steps are given.
    pub dating: Dating,
    pub recorder: &'b Recorder<'b>,
    /// Set when the build ends early.
    pub cancel: Cancel,
    pub network: OnceLock<Pool>,
    emptied: cache_mount::Emptied,
    snapshots: OnceLock<Arc<dyn SnapshotDriver>>,
}

impl<'b> Site<'b> {
    pub(crate) fn new(
        store: &'b Store,
        contexts: &'b BTreeMap<String, Context>,
        options: &'b BuildOptions,
        (clamp, dating): (Option<i64>, Dating),
        recorder: &'b Recorder<'b>,
    ) -> Self {
        let cancel = options.cancel.child();
        Self {
            store,
            contexts,
            options,
            clamp,
            dating,
            recorder,
            cancel,
            network: OnceLock::new(),
            emptied: cache_mount::Emptied::default(),
            snapshots: OnceLock::new(),
        }
    }

    /// The key of a step whose layer depends on how times are treated.
    fn keyed(&self, key: Key) -> Key {
        keys::dated(keys::clamped(key, self.clamp), self.dating.is_strict())
    }

    /// True for a step that is to run whatever is known of it.
    pub(crate) fn is_fresh(&self, node: &Node) -> bool {
        self.options.no_cache || node.is_of(&self.options.fresh_stages)
    }

    fn snapshots(&self) -> Result<Arc<dyn SnapshotDriver>, StoreError> {
        if let Some(driver) = self.snapshots.get() {
            return Ok(Arc::clone(driver));
        }
        let driver = self.store.snapshots()?;
        Ok(Arc::clone(self.snapshots.get_or_init(|| driver)))
    }
}

/// Time of what a step makes anew, in Unix seconds and nanoseconds.
fn now() -> (i64, u32) {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (i64::try_from(since.as_secs()).unwrap_or(i64::MAX), since.subsec_nanos())
}

/// Finds or makes a step's layers; `ground` is of the steps that the same worker made right below it.
pub(crate) fn run(site: &Site<'_>, work: &Work<'_>, ground: &mut Ground) -> Result<Made, StepError> {
    let fixed = work.fixed && !keys::is_volatile(&work.node.step.kind);
    match &work.node.step.kind {
        StepKind::Scratch | StepKind::Config(_) => {
            Ok(Made { layers: Vec::new(), how: How::Cached(Why::Definition), fixed })
        }
        StepKind::Diff => Ok(Made { layers: difference(work), how: How::Cached(Why::Definition), fixed }),
        StepKind::Image(image) => timed(site, work, |site| fetch::image(site, work.id, image), fixed),
        StepKind::Http(http) => fetched(site, work, fixed, || download::fetch(site, work, http)),
        StepKind::Git(git) => fetched(site, work, fixed, || checkout::layer(site, git)),
        StepKind::Exec(_) | StepKind::Copy(_) | StepKind::Mkdir(_) => keyed(site, work, fixed, ground),
    }
}

/// The layers of the upper tree above those of the lower one, which is below it in the graph.
fn difference(work: &Work<'_>) -> Vec<Layer> {
    let Some((upper, lower)) = work.node.step.difference() else { return Vec::new() };
    let layers = |input: usize| work.inputs.get(input).map_or(&[][..], |tree| &tree.layers);
    let below = lower.map_or(0, |lower| layers(lower).len());
    layers(upper).get(below..).unwrap_or_default().to_vec()
}

/// Runs what has no content key.
fn timed(
    site: &Site<'_>,
    work: &Work<'_>,
    make: impl FnOnce(&Site<'_>) -> Result<Vec<Layer>, StepError>,
    fixed: bool,
) -> Result<Made, StepError> {
    started(site, work);
    let start = Instant::now();
    let layers = make(site)?;
    Ok(Made { layers, how: How::Ran { duration_ms: millis(start) }, fixed })
}

/// Finds or makes the layer of a source that has no inputs. What its definition fixes is looked up; anything else is
/// fetched every time, and the content decides whether what follows runs again.
fn fetched(
    site: &Site<'_>,
    work: &Work<'_>,
    fixed: bool,
    fetch: impl FnOnce() -> Result<Layer, StepError>,
) -> Result<Made, StepError> {
    let make = |_: &Site<'_>| Ok(vec![fetch()?]);
    if !fixed {
        return timed(site, work, make, fixed);
    }
    let key = keys::placed_key(&work.planned.definition_key, None);
    let cancelled = || site.cancel.is_cancelled();
    let Some(_lock) = site.store.lock_key(&key, &cancelled)? else { return Err(StepError::Cancelled) };
    if !site.is_fresh(work.node)
        && let Some(known) = site.store.lookup_results(&[key])?.into_iter().next().flatten()
    {
        return Ok(Made { layers: known.layers, how: How::Cached(Why::Definition), fixed });
    }
    let made = timed(site, work, make, fixed)?;
    if let How::Ran { duration_ms } = made.how {
        record(site, [key], &made.layers, duration_ms)?;
    }
    Ok(made)
}

fn started(site: &Site<'_>, work: &Work<'_>) {
    site.recorder.tell(Event::Started { id: work.id, label: work.node.label.clone() });
}

fn millis(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// One selection of a step and where it was made.
#[derive(Debug)]
pub(crate) struct Chosen {
    pub wanted: Wanted,
    pub selection: Arc<Selection>,
}

/// Looks a step up under both keys and runs it when neither is known.
fn keyed(site: &Site<'_>, work: &Work<'_>, mut fixed: bool, ground: &mut Ground) -> Result<Made, StepError> {
    for attempt in 1.. {
        let chosen = choose(site, work)?;
        let from_contexts = chosen.iter().filter(|c| matches!(c.wanted.from, From::Context(_)));
        // A context that changed since it was planned: the definition key speaks of other files.
        fixed &= from_contexts.map(|c| &c.selection.summary.digest).eq(&work.planned.selected);
        match find_or_make(site, work, &chosen, fixed, ground) {
            Err(StepError::Copy(CopyError::Changed { context, path })) if attempt < ATTEMPTS => {
                tracing::debug!(context, "file changed while it was copied");
                drop(chosen);
                site.contexts.get(&context).inspect(|c| c.forget(&path));
            }
            other => return other,
        }
    }
    Err(StepError::Cancelled)
}

fn find_or_make(
    site: &Site<'_>,
    work: &Work<'_>,
    chosen: &[Chosen],
    fixed: bool,
    ground: &mut Ground,
) -> Result<Made, StepError> {
    let base = work.base.as_ref().map(|tree| tree.digest(site.dating));
    let digests: Vec<ContentDigest> = chosen.iter().map(|c| c.selection.summary.digest).collect();
    let content = site.keyed(keys::content_key(&work.node.step, base, &digests));
    let placed = fixed.then(|| keys::placed_key(&work.planned.definition_key, base));
    let cancelled = || site.cancel.is_cancelled();
    let Some(_lock) = site.store.lock_key(&content, &cancelled)? else { return Err(StepError::Cancelled) };
    let is_asked = !site.is_fresh(work.node);
    let known = if is_asked { look_up(site, placed, content, work.takes_new)? } else { None };
    if let Some((layers, why)) = known {
        return Ok(Made { layers, how: How::Cached(explain(&work.planned.state, why)), fixed });
    }
    let trace = traced::key(site, work, &digests);
    let keys: Vec<Key> = placed.into_iter().chain([content]).collect();
    if let Some(key) = trace.filter(|_| is_asked)
        && let Some(layers) = traced::look_up(site, work, &key, &keys)?
    {
        return Ok(Made { layers, how: How::Cached(Why::Trace), fixed });
    }
    let early::Run { layer, reads, duration_ms } = match prepared(site, work, chosen)? {
        Some(made) => made,
        None => {
            started(site, work);
            let start = Instant::now();
            let (layer, reads) = make(site, work, chosen, trace.is_some(), ground)?;
            early::Run { layer, reads, duration_ms: millis(start) }
        }
    };
    record(site, keys, std::slice::from_ref(&layer), duration_ms)?;
    if let (Some(key), Some(reads)) = (trace, reads) {
        traced::record(site, &key, &content, &reads)?;
    }
    Ok(Made { layers: vec![layer], how: How::Ran { duration_ms }, fixed })
}

/// What was made of a step before its turn, if it is what it comes to here.
fn prepared(site: &Site<'_>, work: &Work<'_>, chosen: &[Chosen]) -> Result<Option<early::Run>, StepError> {
    let Some(prepared) = &work.prepared else { return Ok(None) };
    match early::proved(site, work, prepared, chosen)? {
        Ok(made) => Ok(Some(made)),
        Err(why) => {
            let label = work.node.label.clone();
            site.recorder.tell(Event::Discarded { id: work.id, label, why });
            Ok(None)
        }
    }
}

/// Why a step that the plan did not find is cached after all.
fn explain(planned: &State, found: Why) -> Why {
    match (planned, found) {
        // The plan looked under the same key in vain: it was made while this build waited for the lock, or for inputs.
        (State::WillRun, Why::Definition) => Why::OtherBuild,
        // The plan did not know the base, which came out as it was once before.
        (State::DependsOn { .. }, Why::Definition) => Why::Content,
        (_, why) => why,
    }
}

fn look_up(
    site: &Site<'_>,
    placed: Option<Key>,
    content: Key,
    only_content: bool,
) -> Result<Option<(Vec<Layer>, Why)>, StepError> {
    let asked = placed.filter(|_| !only_content);
    let keys: Vec<Key> = asked.into_iter().chain([content]).collect();
    let mut found = site.store.lookup_results(&keys)?.into_iter();
    if let (Some(_), Some(Some(known))) = (asked, if asked.is_some() { found.next() } else { None }) {
        return Ok(Some((known.layers, Why::Definition)));
    }
    let Some(known) = found.next().flatten() else {
        let caches = site.options.imported.as_ref();
        let restored = caches.and_then(|it| keys.iter().find_map(|key| it.restore(key, &site.cancel)));
        if restored.is_none() && site.cancel.is_cancelled() {
            return Err(StepError::Cancelled);
        }
        return Ok(restored.map(|layers| (layers, Why::Content)));
    };
    if placed.is_some() {
        // The next plan finds it without looking at the content.
        record(site, placed, &known.layers, known.duration_ms)?;
    }
    Ok(Some((known.layers, Why::Content)))
}

fn record(
    site: &Site<'_>,
    keys: impl IntoIterator<Item = Key>,
    layers: &[Layer],
    duration_ms: u64,
) -> Result<(), StoreError> {
    let keys: Vec<Key> = keys.into_iter().collect();
    let ids: Vec<LayerId> = layers.iter().map(|l| l.id).collect();
    site.store.record_result(&keys, &ids, duration_ms)
}

/// Puts a step's selections to its contexts and input trees.
fn choose(site: &Site<'_>, work: &Work<'_>) -> Result<Vec<Chosen>, StepError> {
    let mut chosen = Vec::new();
    for wanted in keys::selections(&work.node.step.kind) {
        let selection = match &wanted.from {
            From::Context(name) => {
                let context =
                    site.contexts.get(name).ok_or_else(|| StepError::NoContext { name: name.clone() })?;
                context.select(&wanted.query)
            }
            From::Input(index) => {
                let tree = work.inputs.get(*index).cloned().unwrap_or_else(Tree::empty);
                let tree = LayerTree::new(site.store, &tree.layers)?;
                select::select(&tree, &wanted.query, site.dating).map(Arc::new)
            }
        };
        chosen.push(Chosen { selection: selection.map_err(StepError::select)?, wanted });
    }
    Ok(chosen)
}

/// Runs a step that is not known; gives what it read where it was to be traced and could be.
fn make(
    site: &Site<'_>,
    work: &Work<'_>,
    chosen: &[Chosen],
    traced: bool,
    ground: &mut Ground,
) -> Result<(Layer, Option<ReadSet>), StepError> {
    let base = work.base.clone().unwrap_or_else(Tree::empty);
    let times = Times { now: now(), clamp: site.clamp };
    let layer = match &work.node.step.kind {
        StepKind::Exec(exec) => return exec::run(site, work, exec, &base, chosen, traced),
        StepKind::Mkdir(mkdir) => {
            copy::make_directory(site.store, mkdir, ground.of(site.store, &base)?, times, &site.cancel)?
        }
        StepKind::Copy(copy) => {
            let tree = ground.of(site.store, &base)?;
            let job = copy_job(site, copy, &base, tree, chosen, times);
            let layer = job.run(Donor::of(site.store, &work.id).as_ref())?;
            Donor::remember(site.store, &work.id, &layer);
            layer
        }
        StepKind::Scratch
        | StepKind::Config(_)
        | StepKind::Image(_)
        | StepKind::Http(_)
        | StepKind::Git(_)
        | StepKind::Diff => {
            return Err(StepError::Cancelled);
        }
    };
    Ok((layer, None))
}

fn copy_job<'s>(
    site: &'s Site<'_>,
    copy: &'s buildc_ir::step::Copy,
    base: &Tree,
    tree: &'s LayerTree,
    chosen: &'s [Chosen],
    times: Times,
) -> CopyJob<'s> {
    CopyJob {
        store: site.store,
        copy,
        base: tree,
        from_scratch: base.layers.is_empty(),
        sources: chosen.iter().map(|c| source(site, c)).collect(),
        times,
        cancel: &site.cancel,
    }
}

fn source<'s>(site: &'s Site<'_>, chosen: &'s Chosen) -> copy::Source<'s> {
    let name = if let From::Context(name) = &chosen.wanted.from { name.clone() } else { String::new() };
    let context = match chosen.wanted.from {
        From::Context(_) => site.contexts.get(&name),
        From::Input(_) => None,
    };
    copy::Source { from: chosen.wanted.from.clone(), selection: &chosen.selection, context, name }
}
