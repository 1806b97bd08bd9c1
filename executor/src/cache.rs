//! Caches that travel: which results of a build leave (`--cache-to`), and results that come from elsewhere when the store
//! does not have them (`--cache-from`).
//!
//! Owns: the choice of results, and the order in which caches are asked. Never does: the form of a cache (the store has it).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use buildc_digest::{ContentDigest, Key};
use buildc_ir::graph::Node;
use buildc_ir::keys;
use buildc_ir::step::From;
use buildc_ir::world::Facts;
use buildc_ir::{Plan, PlannedStep, StepId, StepKind};
use buildc_store::cache::{CacheError, CacheSource, Travelling};
use buildc_store::remote::{Client, RemoteError, Watch};
use buildc_store::{Layer, Store, StoreError};

use crate::cancel::Cancel;
use crate::context::Context;
use crate::dating::Dating;
use crate::facts::StoreFacts;
use crate::select::{LayerTree, select};
use crate::step::pinned;

/// Caches that are asked for what the store does not have.
#[derive(Debug)]
pub struct Imported {
    store: Store,
    sources: Vec<CacheSource>,
    notes: Mutex<Vec<String>>,
}

impl Imported {
    /// Asks these, in this order.
    pub fn new(store: &Store, sources: Vec<CacheSource>) -> Self {
        Self { store: store.clone(), sources, notes: Mutex::default() }
    }

    /// Brings a result into the store, until `cancel` is set. What cannot be fetched is as good as unknown; the reason is
    /// noted.
    pub fn restore(&self, key: &Key, cancel: &Cancel) -> Option<Vec<Layer>> {
        let watch = Watch { cancelled: &|| cancel.is_cancelled(), ..Watch::SILENT };
        for source in &self.sources {
            match source.restore(&self.store, key, watch) {
                Ok(Some(layers)) => return Some(layers),
                Err(CacheError::Remote(RemoteError::Cancelled)) => return None,
                Ok(None) => {}
                Err(error) => {
                    let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
                    notes.push(error.to_string());
                }
            }
        }
        None
    }

    /// What went wrong so far; it is given once.
    pub fn notes(&self) -> Vec<String> {
        std::mem::take(&mut self.notes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Pulls the base images that steps name: only over known trees can results be looked up before anything runs.
pub fn pull_bases<'g>(store: &Store, nodes: impl Iterator<Item = &'g Node>) {
    for node in nodes {
        let StepKind::Image(image) = &node.step.kind else { continue };
        if store.image_by_manifest(&image.manifest).is_ok_and(|known| known.is_some()) {
            continue;
        }
        let platform = crate::resolve::oci_platform(&image.platform);
        let name = pinned(&image.reference, &image.manifest.to_string());
        // The step itself tries again, and says with its place why it fails.
        let _ = Client::from_environment().and_then(|c| c.pull(store, &name, &platform, Watch::SILENT));
    }
}

/// Which results travel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Extent {
    /// Those whose layers are in the images.
    Min,
    /// Those of all steps.
    Max,
}

/// Collects the results of a build that has ended well.
///
/// # Errors
/// When the store cannot be read.
pub fn collect(
    store: &Store,
    plan: &Plan,
    contexts: &BTreeMap<String, Context>,
    extent: Extent,
) -> Result<Vec<Travelling>, StoreError> {
    let dating = Dating::strict(plan.strict_times);
    let facts = StoreFacts::new(store, contexts, "").with_dating(dating);
    let wanted = (extent == Extent::Min).then(|| in_images(plan));
    let mut trees: HashMap<StepId, Vec<Layer>> = HashMap::new();
    let mut results = Vec::new();
    for ((id, node), planned) in plan.graph.iter().zip(&plan.steps) {
        let base = match node.step.base() {
            // Over a base that is not known nothing has a key.
            Some(base) => match trees.get(&base) {
                Some(layers) => Some(layers.clone()),
                None => continue,
            },
            None => None,
        };
        let own = match &node.step.kind {
            StepKind::Scratch | StepKind::Config(_) => Vec::new(),
            StepKind::Image(image) => match store.image_by_manifest(&image.manifest)? {
                Some(image) => image.layers,
                None => continue,
            },
            StepKind::Diff => match difference(node, &trees) {
                Some(layers) => layers,
                None => continue,
            },
            _ => {
                let keys =
                    step_keys(store, &facts, node, planned, base.as_deref(), &trees, (plan.clamp, dating))?;
                let Some(found) = first_result(store, &keys)? else { continue };
                if wanted.as_ref().is_none_or(|wanted| wanted.contains(&id)) {
                    let layers = found.layers.clone();
                    results.push(Travelling { keys, layers, duration_ms: found.duration_ms });
                }
                found.layers
            }
        };
        let mut tree = base.unwrap_or_default();
        tree.extend(own);
        trees.insert(id, tree);
    }
    Ok(results)
}

/// The steps whose layers are in an image: the targets and what stands under them.
fn in_images(plan: &Plan) -> HashSet<StepId> {
    let mut found = HashSet::new();
    for target in &plan.graph.targets {
        let base = |id: &StepId| plan.graph.get(*id).and_then(|node| node.step.base());
        found.extend(std::iter::successors(Some(target.root), base));
    }
    found
}

fn difference(node: &Node, trees: &HashMap<StepId, Vec<Layer>>) -> Option<Vec<Layer>> {
    let (upper, lower) = node.step.difference()?;
    let layers = |input: usize| trees.get(&node.step.inputs.get(input)?.step);
    let below = lower.map_or(Some(0), |lower| layers(lower).map(Vec::len))?;
    Some(layers(upper)?.get(below..).unwrap_or_default().to_vec())
}

/// The keys that a step's result is recorded under, as far as they can be known from what is there.
fn step_keys(
    store: &Store,
    facts: &StoreFacts<'_>,
    node: &Node,
    planned: &PlannedStep,
    base: Option<&[Layer]>,
    trees: &HashMap<StepId, Vec<Layer>>,
    (clamp, dating): (Option<i64>, Dating),
) -> Result<Vec<Key>, StoreError> {
    let base = base.map(|layers| {
        let contents: Vec<ContentDigest> = layers.iter().map(|layer| dating.of_layer(layer)).collect();
        keys::tree_digest(&contents)
    });
    let mut found = vec![keys::placed_key(&planned.definition_key, base)];
    if !keys::has_content_key(&node.step.kind) {
        return Ok(found);
    }
    let mut from_contexts = planned.selected.iter();
    let mut selected = Vec::new();
    for selection in keys::selections(&node.step.kind) {
        let digest = match selection.from {
            From::Context(_) => from_contexts.next().copied(),
            From::Input(index) => {
                let tree = node.step.inputs.get(index).and_then(|input| trees.get(&input.step));
                match tree {
                    Some(layers) => {
                        let tree = LayerTree::new(store, layers)?;
                        select(&tree, &selection.query, dating).ok().map(|s| s.summary.digest)
                    }
                    None => None,
                }
            }
        };
        let Some(digest) = digest else { return Ok(found) };
        selected.push(digest);
    }
    let content = keys::clamped(keys::content_key(&node.step, base, &selected), clamp);
    let content = keys::dated(content, dating.is_strict());
    // A context that changed while it was built has another content than was planned: that key knows nothing.
    found.extend(facts.result(&content).map(|_| content));
    Ok(found)
}

fn first_result(store: &Store, keys: &[Key]) -> Result<Option<buildc_store::StoredResult>, StoreError> {
    for key in keys {
        if let Some(found) = store.peek_result(key)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}
