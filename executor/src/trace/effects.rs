//! What a command read and wrote the last time it was traced.

use std::collections::BTreeSet;

use buildc_digest::Key;
use buildc_ir::ReadSet;
use buildc_ir::world::Effects;
use buildc_store::{Store, StoreError, parent};

/// The effects of the newest run under `key` whose result is still there.
///
/// # Errors
/// When the store cannot be read.
pub(crate) fn effects(store: &Store, key: &Key) -> Result<Option<Effects>, StoreError> {
    for id in store.traces(key)? {
        let Some(trace) = store.trace(id)? else { continue };
        // One of another version is none.
        let Ok(reads) = ReadSet::decode(&trace.reads) else { continue };
        let Some(result) = store.peek_result(&trace.result)? else { continue };
        let mut writes = BTreeSet::new();
        for layer in &result.layers {
            for entry in store.entries(layer.id)?.iter() {
                // In the order of layers a directory comes before what is in it.
                if let Some(dir) = parent(&entry.path) {
                    writes.remove(dir);
                }
                writes.insert(entry.path.clone());
            }
        }
        return Ok(Some(Effects { reads, writes, duration_ms: result.duration_ms }));
    }
    Ok(None)
}
