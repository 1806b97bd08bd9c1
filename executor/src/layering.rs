//! Which layers an image gets: one for each instruction, as its steps made them, or fewer (`build --layers`).
//!
//! Owns: that choice and the history that goes with it. Never does: anything to the steps, whose results stay cached one by
//! one whatever is chosen.

use buildc_ir::keys;
use buildc_ir::{Graph, StepKind, Target};
use buildc_store::{Layer, Store, StoreError};

use crate::dating::Dating;

/// How the layers of a target follow from those of its steps.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Layering {
    /// A layer for each instruction that has one.
    #[default]
    Keep,
    /// Neighbouring layers of instructions that only put files there are one; empty layers are none.
    Merge,
    /// All that is above the base image is one layer.
    Squash,
}

/// Layers of one new layer: how many of the target's history entries that have layers it takes.
struct Group {
    size: usize,
    files_only: bool,
}

/// The target with the history that goes with the layers, and the layers, lowest first. `layers` are the whole tree's.
///
/// # Errors
/// When a layer cannot be read or made.
pub(crate) fn arrange(
    store: &Store,
    graph: &Graph,
    target: &Target,
    layers: &[Layer],
    layering: Layering,
    dating: Dating,
) -> Result<(Target, Vec<Layer>), StoreError> {
    let own: Vec<usize> = (0..target.history.len()).filter(|at| target.history[*at].step.is_some()).collect();
    let Some(base) = layers.len().checked_sub(own.len()).filter(|_| layering != Layering::Keep) else {
        // What does not fit together is refused where the image is put together.
        return Ok((target.clone(), layers.to_vec()));
    };
    let is_of_files = |at: &usize| {
        let node = target.history[*at].step.and_then(|id| graph.get(id));
        node.is_some_and(|node| matches!(node.step.kind, StepKind::Copy(_) | StepKind::Mkdir(_)))
    };
    let mut groups: Vec<Group> = Vec::new();
    for at in &own {
        let files_only = is_of_files(at);
        match groups.last_mut() {
            Some(last) if layering == Layering::Squash || files_only && last.files_only => last.size += 1,
            _ => groups.push(Group { size: 1, files_only }),
        }
    }
    let mut target = target.clone();
    let mut arranged = layers.get(..base).unwrap_or_default().to_vec();
    let mut done = 0;
    for Group { size, .. } in groups {
        let (start, end) = (base + done, base + done + size);
        let joined = join(
            store,
            layers.get(..start).unwrap_or_default(),
            layers.get(start..end).unwrap_or_default(),
            dating,
        )?;
        let entries = own.get(done..done + size).unwrap_or_default();
        // The layer is its last instruction's.
        let without = entries.len() - usize::from(joined.is_some());
        entries.iter().take(without).for_each(|at| target.history[*at].step = None);
        arranged.extend(joined);
        done += size;
    }
    Ok((target, arranged))
}

/// The layers as one; `None` when there is nothing in them.
fn join(
    store: &Store,
    below: &[Layer],
    layers: &[Layer],
    dating: Dating,
) -> Result<Option<Layer>, StoreError> {
    let filled: Vec<Layer> = layers.iter().filter(|layer| layer.entries > 0).cloned().collect();
    if let [] | [_] = filled[..] {
        return Ok(filled.into_iter().next());
    }
    let digests = |layers: &[Layer]| layers.iter().map(|layer| dating.of_layer(layer)).collect::<Vec<_>>();
    let key = keys::join_key(keys::tree_digest(&digests(below)), &digests(&filled));
    if let Some(known) = store.lookup_results(&[key])?.into_iter().next().flatten() {
        return Ok(known.layers.into_iter().next());
    }
    let joined = store.join_layers(below, &filled)?;
    store.record_result(&[key], &[joined.id], 0)?;
    Ok(Some(joined))
}
