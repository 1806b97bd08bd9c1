//! A command's traces around its run: results over other bases before it, what it read after it.

use buildc_digest::{ContentDigest, Key};
use buildc_ir::plan::Tracing;
use buildc_ir::{PlannedStep, ReadSet, Reason, State, StepKind, keys};
use buildc_store::{Layer, StoreError};

use super::{Site, StepError, Tree, Work};
use crate::trace::{self, Search};

/// A read-set with more bytes than this is not kept.
const MAX_BYTES: usize = 16 << 20;

/// The key of a step's traces; `None` for what is not traced.
pub(super) fn key(site: &Site<'_>, work: &Work<'_>, selected: &[ContentDigest]) -> Option<Key> {
    if site.options.tracing != Tracing::On || site.dating.is_strict() {
        return None;
    }
    Some(site.keyed(keys::trace_key(&work.node.step, selected)?))
}

/// The layers of a run over another base that read nothing of what is different here. They are then this step's result
/// too, under `keys`, of which the content key is the last.
///
/// Only for what the plan could not decide: what it said will run does run, whatever has been traced meanwhile.
pub(super) fn look_up(
    site: &Site<'_>,
    work: &Work<'_>,
    key: &Key,
    keys: &[Key],
) -> Result<Option<Vec<Layer>>, StepError> {
    let StepKind::Exec(exec) = &work.node.step.kind else { return Ok(None) };
    if !matches!(work.planned.state, State::DependsOn { .. }) {
        return Ok(None);
    }
    let base = work.base.clone().unwrap_or_else(Tree::empty);
    let Search::Same { result, .. } = trace::find(site.store, key, exec, &base.layers)? else {
        return Ok(None);
    };
    Ok(adopt(site, &result, keys)?)
}

/// Records a result under more keys, with its traces; gives its layers unless it has gone.
fn adopt(site: &Site<'_>, result: &Key, keys: &[Key]) -> Result<Option<Vec<Layer>>, StoreError> {
    let found = site.store.lookup_results(std::slice::from_ref(result))?.into_iter().next().flatten();
    let Some(found) = found else { return Ok(None) };
    super::record(site, keys.iter().copied(), &found.layers, found.duration_ms)?;
    if let Some(content) = keys.last() {
        site.store.move_traces(result, content)?;
    }
    Ok(Some(found.layers))
}

/// The same for what the plan found by its traces, so that the next plan finds it by its keys.
pub(crate) fn adopt_planned(site: &Site<'_>, planned: &PlannedStep) -> Result<(), StoreError> {
    let (Reason::SameReads { .. }, Some(result)) = (&planned.reason, &planned.result_key) else {
        return Ok(());
    };
    let keys: Vec<Key> = planned.placed_key.into_iter().chain(planned.content_key).collect();
    adopt(site, result, &keys).map(drop)
}

/// Keeps what a run read.
pub(super) fn record(site: &Site<'_>, key: &Key, content: &Key, reads: &ReadSet) -> Result<(), StoreError> {
    let bytes = reads.encode();
    if bytes.len() > MAX_BYTES {
        return Ok(());
    }
    site.store.record_trace(key, content, &bytes)
}
