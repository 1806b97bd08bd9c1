//! Opaque documents of other rooms: containers, build records, volumes. The store keeps text under (kind, name).

use rusqlite::OptionalExtension;

use crate::Store;
use crate::error::Result;

impl Store {
    /// Stores or replaces a document.
    pub fn put_document(&self, kind: &str, name: &str, text: &str) -> Result<()> {
        self.index().write(|tx| {
            let mut statement =
                tx.prepare_cached("INSERT OR REPLACE INTO documents (kind, name, text) VALUES (?1, ?2, ?3)")?;
            statement.execute((kind, name, text))?;
            Ok(())
        })
    }

    /// One document.
    pub fn document(&self, kind: &str, name: &str) -> Result<Option<String>> {
        self.index().read(|tx| {
            let mut statement =
                tx.prepare_cached("SELECT text FROM documents WHERE kind = ?1 AND name = ?2")?;
            Ok(statement.query_row((kind, name), |row| row.get(0)).optional()?)
        })
    }

    /// All documents of a kind as (name, text), sorted by name.
    pub fn documents(&self, kind: &str) -> Result<Vec<(String, String)>> {
        self.index().read(|tx| {
            let mut statement =
                tx.prepare_cached("SELECT name, text FROM documents WHERE kind = ?1 ORDER BY name")?;
            let rows = statement.query_map([kind], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?)
        })
    }

    /// Removes a document; whether there was one.
    pub fn remove_document(&self, kind: &str, name: &str) -> Result<bool> {
        self.index().write(|tx| {
            let mut statement = tx.prepare_cached("DELETE FROM documents WHERE kind = ?1 AND name = ?2")?;
            Ok(statement.execute((kind, name))? > 0)
        })
    }
}
