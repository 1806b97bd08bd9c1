//! What the planner wants to know, answered from the store and the build contexts.
//!
//! Owns: nothing but the adaptation of [`Facts`] to store and contexts. Never does: deciding anything from the answers.

use std::collections::BTreeMap;

use buildc_digest::{ContentDigest, Digest, Key};
use buildc_ir::pattern::SelectionQuery;
use buildc_ir::step::Exec;
use buildc_ir::world::{BuildRecord, Effects, Facts, SelectError, Selected, Traced};
use buildc_store::{Layer, Store, StoreError};

use crate::cache::Imported;
use crate::cancel::Cancel;
use crate::context::Context;
use crate::dating::Dating;
use crate::select::{self, LayerTree, failed};
use crate::trace::{self, Search};

/// Documents of this kind hold the newest build's record of each source and target.
pub(crate) const RECORD_KIND: &str = "build";

/// [`Facts`] over a store, the contexts of this build and the newest record of the same source.
#[derive(Debug)]
pub struct StoreFacts<'a> {
    store: &'a Store,
    contexts: &'a BTreeMap<String, Context>,
    source_key: String,
    imported: Option<&'a Imported>,
    dating: Dating,
}

impl<'a> StoreFacts<'a> {
    /// `source_key` names the source and target whose earlier build is compared with.
    pub fn new(store: &'a Store, contexts: &'a BTreeMap<String, Context>, source_key: &str) -> Self {
        Self { store, contexts, source_key: source_key.to_owned(), imported: None, dating: Dating::Free }
    }

    /// Asks these caches for what the store does not have.
    #[must_use]
    pub fn with_caches(self, imported: Option<&'a Imported>) -> Self {
        Self { imported, ..self }
    }

    /// Answers with digests that hold the times of files, where these count. The contexts have to count them too.
    #[must_use]
    pub fn with_dating(self, dating: Dating) -> Self {
        Self { dating, ..self }
    }

    fn digests(&self, layers: &[Layer]) -> Vec<ContentDigest> {
        layers.iter().map(|layer| self.dating.of_layer(layer)).collect()
    }

    fn layers(&self, digests: &[ContentDigest]) -> Result<Vec<Layer>, StoreError> {
        let mut layers = Vec::with_capacity(digests.len());
        for digest in digests {
            // The result that a layer belongs to was only peeked at: somebody else may have pruned it since.
            let missing = || StoreError::NoLayer { layer: digest.to_string() };
            layers.push(self.dating.layer(self.store, digest)?.ok_or_else(missing)?);
        }
        Ok(layers)
    }
}

impl Facts for StoreFacts<'_> {
    fn result(&self, key: &Key) -> Option<Vec<ContentDigest>> {
        // A store that cannot answer knows nothing; whoever runs the plan meets its error again, with its place.
        // Whoever runs the plan marks all results as used at once, and makes again what was pruned until then.
        let layers = match self.store.peek_result(key).ok()? {
            Some(found) => found.layers,
            None => self.imported?.restore(key, &Cancel::new())?,
        };
        Some(self.digests(&layers))
    }

    fn image_layers(&self, manifest: &Digest) -> Option<Vec<ContentDigest>> {
        let image = self.store.image_by_manifest(manifest).ok()??;
        Some(self.digests(&image.layers))
    }

    fn select_context(&self, context: &str, query: &SelectionQuery) -> Result<Selected, SelectError> {
        let context =
            self.contexts.get(context).ok_or_else(|| SelectError::UnknownContext(context.to_owned()))?;
        Ok(context.select(query)?.summary.clone())
    }

    fn select_tree(&self, layers: &[ContentDigest], query: &SelectionQuery) -> Result<Selected, SelectError> {
        let unreadable = |e: StoreError| SelectError::Unreadable(failed(&e));
        let layers = self.layers(layers).map_err(unreadable)?;
        let tree = LayerTree::new(self.store, &layers).map_err(unreadable)?;
        Ok(select::select(&tree, query, self.dating)?.summary)
    }

    fn traced(&self, key: &Key, exec: &Exec, base: &[ContentDigest]) -> Traced {
        // As above; without all of the base's layers nothing can be said of it.
        let Ok(layers) = self.layers(base) else { return Traced::Never };
        if layers.len() != base.len() {
            return Traced::Never;
        }
        match trace::find(self.store, key, exec, &layers) {
            Ok(Search::Same { result, paths }) => match self.result(&result) {
                Some(layers) => Traced::Same { result, layers, paths },
                None => Traced::Never,
            },
            Ok(Search::Differs { path, aspect }) => {
                Traced::Differs { path: format!("/{}", String::from_utf8_lossy(&path)), aspect }
            }
            Ok(Search::Never) | Err(_) => Traced::Never,
        }
    }

    fn effects(&self, key: &Key) -> Option<Effects> {
        // As above: without an answer a command is not moved.
        trace::effects(self.store, key).ok()?
    }

    fn selection_diff(
        &self,
        before: &ContentDigest,
        now: &ContentDigest,
        limit: usize,
    ) -> (Vec<String>, u64) {
        Context::difference(self.store, before, now, limit)
    }

    fn previous(&self) -> Option<BuildRecord> {
        // A record of another version that cannot be read is no record: it only explains.
        let text = self.store.document(RECORD_KIND, &self.source_key).ok()??;
        serde_json::from_str(&text).ok()
    }
}
