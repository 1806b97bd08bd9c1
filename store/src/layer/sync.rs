//! Durability: one sync per build, and what a power cut may have torn.
//!
//! Rows of layers and blobs carry the boot id under which they were written until [`Store::sync`]. A row from another
//! boot is verified byte by byte when the store is opened, and dropped where it does not fit (spec/store-layout.md,
//! "Durability").

use std::fs::File;

use buildc_digest::{Digest, OciHasher};

use super::content::{BUFFER_BYTES, read_checked};
use super::{LAYER_COLUMNS, LayerId, read_layer};
use crate::Store;
use crate::entry::EntryKind;
use crate::error::{Result, StoreError};
use crate::index::digest_column;

impl Store {
    /// Makes everything that was sealed and stored so far safe from a power cut: one syncfs, then the rows say so.
    pub fn sync(&self) -> Result<()> {
        let boot = self.boot_id()?;
        let (layers, blobs) =
            self.index().read(|tx| Ok((unsynced(tx, "layers")?, unsynced(tx, "blobs")?)))?;
        if layers == 0 && blobs == 0 {
            return Ok(());
        }
        // Rows written from here on are not covered by the syncfs, so only those that exist now are marked.
        let (layer_limit, moment) = self.index().read(|tx| {
            let limit: i64 = tx.query_row("SELECT coalesce(max(id), 0) FROM layers", [], |row| row.get(0))?;
            Ok((limit, crate::lease::now_ms()))
        })?;
        let root = File::open(self.root()).map_err(StoreError::io("open", self.root()))?;
        rustix::fs::syncfs(&root).map_err(|e| StoreError::io("sync", self.root())(e.into()))?;
        self.index().write(|tx| {
            tx.execute("UPDATE layers SET boot = NULL WHERE boot = ?1 AND id <= ?2", (boot, layer_limit))?;
            // A blob of the same millisecond may be newer than the sync; it stays marked until the next.
            tx.execute("UPDATE blobs SET boot = NULL WHERE boot = ?1 AND last_used < ?2", (boot, moment))?;
            Ok(())
        })?;
        self.index().checkpoint()
    }

    /// On open: verifies what another boot left unsynced and drops what is torn.
    pub(crate) fn verify_unsynced(&self) -> Result<()> {
        let any = self.index().read(|tx| Ok(unsynced(tx, "layers")? + unsynced(tx, "blobs")? > 0))?;
        if !any {
            return Ok(());
        }
        let boot = self.boot_id()?;
        let suspect = |tx: &rusqlite::Transaction<'_>| {
            Ok(!suspect_layers(tx, boot)?.is_empty() || !suspect_blobs(tx, boot)?.is_empty())
        };
        if !self.index().read(suspect)? {
            return Ok(());
        }
        self.index().write(|tx| {
            for id in suspect_layers(tx, boot)? {
                if self.verify_layer(id).is_err() || !self.content_fits(tx, id)? {
                    crate::gc::drop_layer(tx, id)?;
                    crate::session::remove_tree(&self.layout().layer(id))?;
                }
            }
            for digest in suspect_blobs(tx, boot)? {
                if self.verify_blob(&digest).is_err() {
                    crate::gc::drop_blob(tx, &digest)?;
                    crate::session::remove_tree(&self.layout().blob(&digest))?;
                }
            }
            tx.execute("UPDATE layers SET boot = ?1 WHERE boot IS NOT NULL", [boot])?;
            tx.execute("UPDATE blobs SET boot = ?1 WHERE boot IS NOT NULL", [boot])?;
            Ok(())
        })
    }

    fn content_fits(&self, tx: &rusqlite::Transaction<'_>, id: LayerId) -> Result<bool> {
        let sql = format!("SELECT {LAYER_COLUMNS} FROM layers WHERE id = ?1");
        let mut statement = tx.prepare_cached(&sql)?;
        let mut rows = statement.query([id.0])?;
        let Some(row) = rows.next()? else { return Ok(false) };
        Ok(read_layer(self, row)?.content == self.manifest(id)?.content()?)
    }

    /// Reads every file of a layer and compares it with the manifest; the error names the first that differs.
    pub(crate) fn verify_layer(&self, id: LayerId) -> Result<()> {
        let files = self.layout().layer_files(id);
        let mut buffer = vec![0; BUFFER_BYTES];
        for entry in self.manifest(id)?.iter() {
            let entry = entry?;
            if let EntryKind::File { size, hash } = entry.kind {
                read_checked(&files, &entry.path, (size, hash), &mut buffer, |_| Ok(()))?;
            }
        }
        Ok(())
    }

    /// Reads a blob and compares it with its name.
    pub(crate) fn verify_blob(&self, digest: &Digest) -> Result<()> {
        let path = self.layout().blob(digest);
        let mut file = File::open(&path).map_err(StoreError::io("open", &path))?;
        let mut hasher = OciHasher::new();
        std::io::copy(&mut file, &mut hasher).map_err(StoreError::io("read", &path))?;
        let found = hasher.digest();
        if found == *digest { Ok(()) } else { Err(StoreError::BlobDamaged { digest: *digest, found }) }
    }
}

fn unsynced(tx: &rusqlite::Transaction<'_>, table: &str) -> Result<i64> {
    let sql = format!("SELECT count(*) FROM {table} WHERE boot IS NOT NULL");
    Ok(tx.prepare_cached(&sql)?.query_row([], |row| row.get(0))?)
}

fn suspect_layers(tx: &rusqlite::Transaction<'_>, boot: &str) -> Result<Vec<LayerId>> {
    let mut statement = tx.prepare("SELECT id FROM layers WHERE boot IS NOT NULL AND boot <> ?1")?;
    let ids = statement.query_map([boot], |row| row.get(0).map(LayerId))?;
    Ok(ids.collect::<rusqlite::Result<Vec<_>>>()?)
}

fn suspect_blobs(tx: &rusqlite::Transaction<'_>, boot: &str) -> Result<Vec<Digest>> {
    let mut statement = tx.prepare("SELECT digest FROM blobs WHERE boot IS NOT NULL AND boot <> ?1")?;
    let mut rows = statement.query([boot])?;
    let mut digests = Vec::new();
    while let Some(row) = rows.next()? {
        digests.push(digest_column(row, "blobs", "digest")?);
    }
    Ok(digests)
}
