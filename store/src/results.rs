//! Results of earlier steps under opaque keys.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use buildc_digest::Key;
use rusqlite::{OptionalExtension, Transaction};

use crate::Store;
use crate::error::Result;
use crate::layer::{Layer, LayerId, layer_in, use_layer};
use crate::lease::now_ms;

/// The result of an earlier step.
#[derive(Clone, Debug)]
pub struct StoredResult {
    /// The layers it made, lowest first.
    pub layers: Vec<Layer>,
    /// How long it took.
    pub duration_ms: u64,
}

impl Store {
    /// Looks many keys up in one transaction, and marks what it finds as used now, so that prune spares it while this
    /// process has a lease.
    pub fn lookup_results(&self, keys: &[Key]) -> Result<Vec<Option<StoredResult>>> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        self.index().write(|tx| {
            let mut layers = HashMap::new();
            keys.iter().map(|key| self.lookup(tx, key, &mut layers)).collect()
        })
    }

    fn lookup(
        &self,
        tx: &Transaction<'_>,
        key: &Key,
        seen: &mut HashMap<LayerId, Layer>,
    ) -> Result<Option<StoredResult>> {
        let mut find = tx.prepare_cached("SELECT id, duration_ms FROM results WHERE key = ?1")?;
        let row = find.query_row([key.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let Some((id, duration)): Option<(i64, i64)> = row else { return Ok(None) };
        let mut touch =
            tx.prepare_cached("UPDATE results SET last_used = ?2 WHERE id = ?1 AND last_used < ?3")?;
        let is_first_use = touch.execute((id, now_ms(), self.leases().since().unwrap_or(i64::MAX)))? > 0;
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
            if is_first_use {
                // Another process may replace the result; its layers must stay nevertheless.
                use_layer(tx, layer)?;
            }
            layers.push(known);
        }
        Ok(Some(StoredResult { layers, duration_ms: duration.unsigned_abs() }))
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
