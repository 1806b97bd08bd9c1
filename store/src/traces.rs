//! Traces: what a step read when it made a result, beside that result.
//!
//! Owns: keeping a bounded number per key, newest first, and dropping them with their results. Never does: knowing what
//! a trace says; its bytes are opaque here.

use buildc_digest::Key;
use rusqlite::OptionalExtension;

use crate::Store;
use crate::error::Result;
use crate::index::bytes32;
use crate::lease::now_ms;

/// How many traces one key keeps; the longest unused go first.
const TRACES_PER_KEY: i64 = 8;

/// Names a trace in this store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TraceId(i64);

/// One trace.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredTrace {
    /// The key of the result that it belongs to.
    pub result: Key,
    /// What was read, in the caller's own form.
    pub reads: Vec<u8>,
}

impl Store {
    /// Remembers what was read when the result under `result` was made, as the newest trace of `key`. An equal trace of
    /// the key is replaced. Nothing happens where that result is gone.
    ///
    /// # Errors
    /// When the index cannot be written.
    pub fn record_trace(&self, key: &Key, result: &Key, reads: &[u8]) -> Result<()> {
        self.index().write(|tx| {
            tx.prepare_cached("DELETE FROM traces WHERE key = ?1 AND reads = ?2")?
                .execute((key.as_bytes(), reads))?;
            tx.prepare_cached(
                "INSERT INTO traces (key, result, reads, last_used)
                 SELECT ?1, id, ?3, ?4 FROM results WHERE key = ?2",
            )?
            .execute((key.as_bytes(), result.as_bytes(), reads, now_ms()))?;
            tx.prepare_cached(
                "DELETE FROM traces WHERE id IN
                 (SELECT id FROM traces WHERE key = ?1 ORDER BY last_used DESC, id DESC LIMIT -1 OFFSET ?2)",
            )?
            .execute((key.as_bytes(), TRACES_PER_KEY))?;
            Ok(())
        })
    }

    /// Gives the traces of one result to another that has the same layers, as used now.
    ///
    /// # Errors
    /// When the index cannot be written.
    pub fn move_traces(&self, from: &Key, to: &Key) -> Result<()> {
        self.index().write(|tx| {
            tx.prepare_cached(
                "UPDATE traces SET last_used = ?3, result = (SELECT id FROM results WHERE key = ?2)
                 WHERE result = (SELECT id FROM results WHERE key = ?1)
                 AND EXISTS (SELECT 1 FROM results WHERE key = ?2)",
            )?
            .execute((from.as_bytes(), to.as_bytes(), now_ms()))?;
            Ok(())
        })
    }

    /// The traces of a key, the last used first.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn traces(&self, key: &Key) -> Result<Vec<TraceId>> {
        self.index().read(|tx| {
            let mut list =
                tx.prepare_cached("SELECT id FROM traces WHERE key = ?1 ORDER BY last_used DESC, id DESC")?;
            let ids = list.query_map([key.as_bytes()], |row| row.get(0).map(TraceId))?;
            Ok(ids.collect::<rusqlite::Result<Vec<_>>>()?)
        })
    }

    /// One trace; `None` when it has gone since it was listed.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn trace(&self, id: TraceId) -> Result<Option<StoredTrace>> {
        self.index().read(|tx| {
            let mut find = tx.prepare_cached(
                "SELECT r.key, t.reads FROM traces t JOIN results r ON r.id = t.result WHERE t.id = ?1",
            )?;
            let row = find
                .query_row([id.0], |row| Ok((bytes32(row, "results", "key"), row.get("reads")?)))
                .optional()?;
            row.map(|(key, reads)| Ok(StoredTrace { result: Key::from_bytes(key?), reads })).transpose()
        })
    }
}
