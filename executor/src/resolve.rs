//! Image references to pins: the store first, then registries.

use buildc_ir::world::{ResolvedImage, Resolver, WorldError};
use buildc_ir::{Platform, Reference};
use buildc_store::Store;

/// When registries are asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum PullPolicy {
    /// Only for what the store does not have.
    #[default]
    Missing,
    /// Always, so that a moved tag is noticed (`--pull`).
    Always,
    /// Never.
    Never,
}

/// [`Resolver`] over a store and the configured registries.
#[derive(Debug)]
pub struct StoreResolver<'a> {
    _store: &'a Store,
    _policy: PullPolicy,
}

impl<'a> StoreResolver<'a> {
    /// Asks nothing yet.
    pub fn new(store: &'a Store, policy: PullPolicy) -> Self {
        Self { _store: store, _policy: policy }
    }
}

impl Resolver for StoreResolver<'_> {
    fn resolve(&self, _reference: &Reference, _platform: &Platform) -> Result<ResolvedImage, WorldError> {
        todo!()
    }
}
