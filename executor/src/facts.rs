//! What the planner wants to know, answered from the store and the build contexts.

use std::collections::BTreeMap;

use buildc_digest::{ContentDigest, Digest, Key};
use buildc_ir::pattern::SelectionQuery;
use buildc_ir::world::{BuildRecord, Facts, SelectError, Selected};
use buildc_store::Store;

use crate::context::Context;

/// [`Facts`] over a store, the contexts of this build and the newest record of the same source.
#[derive(Debug)]
pub struct StoreFacts<'a> {
    _store: &'a Store,
    _contexts: &'a BTreeMap<String, Context>,
}

impl<'a> StoreFacts<'a> {
    /// `source_key` names the source and target whose earlier build is compared with.
    pub fn new(store: &'a Store, contexts: &'a BTreeMap<String, Context>, _source_key: &str) -> Self {
        Self { _store: store, _contexts: contexts }
    }
}

impl Facts for StoreFacts<'_> {
    fn result(&self, _key: &Key) -> Option<Vec<ContentDigest>> {
        todo!()
    }

    fn image_layers(&self, _manifest: &Digest) -> Option<Vec<ContentDigest>> {
        todo!()
    }

    fn select_context(&self, _context: &str, _query: &SelectionQuery) -> Result<Selected, SelectError> {
        todo!()
    }

    fn select_tree(
        &self,
        _layers: &[ContentDigest],
        _query: &SelectionQuery,
    ) -> Result<Selected, SelectError> {
        todo!()
    }

    fn selection_diff(
        &self,
        _before: &ContentDigest,
        _now: &ContentDigest,
        _limit: usize,
    ) -> (Vec<String>, u64) {
        todo!()
    }

    fn previous(&self) -> Option<BuildRecord> {
        todo!()
    }
}
