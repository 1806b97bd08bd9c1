//! Step ids, definition keys and content keys (spec/cache-keys.md).
//!
//! - **step id**: canonical step + ids of inputs.
//! - **definition key**: canonical step + definition keys of inputs + digests of what is selected from contexts.
//! - **content key**: canonical step + content digests of the inputs it really has.

use buildc_digest::{ContentDigest, InternalHasher, Key};

use crate::encode::Encoder;
use crate::step::{Step, StepId};

/// Version byte mixed into every key; raised when meaning or encoding changes.
pub const KEY_VERSION: u8 = 1;

fn start(domain: &str, step: &Step) -> InternalHasher {
    let mut hasher = InternalHasher::new();
    hasher.update(domain.as_bytes());
    hasher.update(&[0, KEY_VERSION]);
    let mut encoder = Encoder::new();
    encoder.step_kind(&step.kind);
    hasher.update(&encoder.finish());
    hasher
}

fn bytes(hasher: &mut InternalHasher, list: &[[u8; 32]]) {
    hasher.update(&(list.len() as u64).to_le_bytes());
    for item in list {
        hasher.update(item);
    }
}

/// Computes the structural identity of a step.
pub fn step_id(step: &Step) -> StepId {
    let mut hasher = start("buildc.step", step);
    hasher.update(&(step.inputs.len() as u64).to_le_bytes());
    for input in &step.inputs {
        hasher.update(&[input.role as u8]);
        hasher.update(input.step.0.as_bytes());
    }
    StepId(hasher.key())
}

/// Computes the definition key. `inputs` are the definition keys of `step.inputs` in order; `selections` the digests
/// of what the step selects from build contexts, in the order the step names them.
pub fn definition_key(step: &Step, inputs: &[Key], selections: &[ContentDigest]) -> Key {
    let mut hasher = start("buildc.definition", step);
    bytes(&mut hasher, &inputs.iter().map(|k| *k.as_bytes()).collect::<Vec<_>>());
    bytes(&mut hasher, &selections.iter().map(|d| *d.as_bytes()).collect::<Vec<_>>());
    hasher.key()
}

/// Computes the content key. `base` is the content digest of the base tree, `selections` the digests of what the step
/// selects from contexts, trees and mounts, in the order the step names them.
pub fn content_key(step: &Step, base: Option<ContentDigest>, selections: &[ContentDigest]) -> Key {
    let mut hasher = start("buildc.content", step);
    bytes(&mut hasher, &base.iter().map(|d| *d.as_bytes()).collect::<Vec<_>>());
    bytes(&mut hasher, &selections.iter().map(|d| *d.as_bytes()).collect::<Vec<_>>());
    hasher.key()
}

/// Computes the content digest of a tree from its layers' content digests, lowest first.
pub fn tree_digest(layers: &[ContentDigest]) -> ContentDigest {
    let mut hasher = InternalHasher::new();
    hasher.update(b"buildc.tree\0");
    bytes(&mut hasher, &layers.iter().map(|d| *d.as_bytes()).collect::<Vec<_>>());
    hasher.content()
}
