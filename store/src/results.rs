//! Results of earlier steps under opaque keys.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use buildc_digest::Key;
use rusqlite::{OptionalExtension, Transaction};

use crate::Store;
use crate::error::Result;
use crate::layer::{Layer, LayerId, all_fresh, layer_in, use_layer};
use crate::lease::now_ms;

/// The result of an earlier step.
#[derive(Clone, Debug)]
pub struct StoredResult {
    /// The layers it made, lowest first.
    pub layers: Vec<Layer>,
    /// How long it took.
    pub duration_ms: u64,
}

struct FoundResult {
    id: i64,
    last_used: i64,
    result: StoredResult,
}

impl Store {
    /// Looks a key up and marks nothing: what it finds may be pruned at any time.
    pub fn peek_result(&self, key: &Key) -> Result<Option<StoredResult>> {
        self.index().read(|tx| Ok(self.find_result(tx, key, &mut HashMap::new())?.map(|found| found.result)))
    }

    /// Looks many keys up, and marks what it finds as used now where the lease of this process does not protect it
    /// yet; in at most one write transaction.
    pub fn lookup_results(&self, keys: &[Key]) -> Result<Vec<Option<StoredResult>>> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        // Without a lease the marks only say what was used last.
        let fresh_from = self.leases().fresh_from().unwrap_or(i64::MAX);
        let (found, is_fresh) = self.index().read(|tx| {
            let found = self.find_results(tx, keys)?;
            let mut is_fresh = true;
            for found in found.iter().flatten() {
                is_fresh = is_fresh
                    && found.last_used >= fresh_from
                    && all_fresh(tx, &found.result.layers, fresh_from)?;
            }
            Ok((found, is_fresh))
        })?;
        let found = if is_fresh { found } else { self.index().write(|tx| self.use_results(tx, keys))? };
        Ok(found.into_iter().map(|found| found.map(|f| f.result)).collect())
    }

    fn find_results(&self, tx: &Transaction<'_>, keys: &[Key]) -> Result<Vec<Option<FoundResult>>> {
        let mut layers = HashMap::new();
        keys.iter().map(|key| self.find_result(tx, key, &mut layers)).collect()
    }

    /// Finds results and marks them and their layers: another process may replace a result; its layers must stay
    /// nevertheless.
    fn use_results(&self, tx: &Transaction<'_>, keys: &[Key]) -> Result<Vec<Option<FoundResult>>> {
        let results = self.find_results(tx, keys)?;
        let mut marked = HashSet::new();
        for found in results.iter().flatten() {
            let mut touch = tx.prepare_cached("UPDATE results SET last_used = ?2 WHERE id = ?1")?;
            touch.execute((found.id, now_ms()))?;
            for layer in found.result.layers.iter().filter(|layer| marked.insert(layer.id)) {
                use_layer(tx, layer.id)?;
            }
        }
        Ok(results)
    }

    fn find_result(
        &self,
        tx: &Transaction<'_>,
        key: &Key,
        seen: &mut HashMap<LayerId, Layer>,
    ) -> Result<Option<FoundResult>> {
        let mut find = tx.prepare_cached("SELECT id, duration_ms, last_used FROM results WHERE key = ?1")?;
        let row = find.query_row([key.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
        let Some((id, duration, last_used)): Option<(i64, i64, i64)> = row.optional()? else {
            return Ok(None);
        };
        let mut list =
            tx.prepare_cached("SELECT layer FROM result_layers WHERE result = ?1 ORDER BY position")?;
        let mut rows = list.query([id])?;
        let mut layers = Vec::new();
        while let Some(row) = rows.next()? {
            let layer = LayerId(row.get(0)?);
            let known = match seen.entry(layer) {
                Entry::Occupied(known) => known.get().clone(),
                Entry::Vacant(place) => place.insert(layer_in(self, tx, layer)?).clone(),
            };
            layers.push(known);
        }
        let result = StoredResult { layers, duration_ms: duration.unsigned_abs() };
        Ok(Some(FoundResult { id, last_used, result }))
    }

    /// Records one result under all of `keys`, replacing what they had.
    pub fn record_result(&self, keys: &[Key], layers: &[LayerId], duration_ms: u64) -> Result<()> {
        self.index().write(|tx| {
            let duration = i64::try_from(duration_ms).unwrap_or(i64::MAX);
            let now = now_ms();
            for layer in layers {
                layer_in(self, tx, *layer)?;
            }
            for key in keys {
                let mut remove = tx.prepare_cached("DELETE FROM results WHERE key = ?1")?;
                remove.execute([key.as_bytes()])?;
                let mut insert = tx.prepare_cached(
                    "INSERT INTO results (key, duration_ms, created, last_used) VALUES (?1, ?2, ?3, ?4)",
                )?;
                insert.execute((key.as_bytes(), duration, now / 1000, now))?;
                let id = tx.last_insert_rowid();
                let mut link = tx.prepare_cached(
                    "INSERT INTO result_layers (result, position, layer) VALUES (?1, ?2, ?3)",
                )?;
                for (position, layer) in (0i64..).zip(layers) {
                    link.execute((id, position, layer.0))?;
                }
            }
            Ok(())
        })
    }
}
