//! Layers and blobs without a row: files and rows cannot change in one moment, so a process that ends between them leaves
//! files, never rows.
//!
//! Owns: finding and removing them. Never does: anything outside `l` and `blobs`, or without the index's write lock, under which
//! everybody else moves files there.

use std::path::{Path, PathBuf};

use buildc_digest::Digest;
use rusqlite::Transaction;

use crate::Store;
use crate::error::{Result, StoreError};
use crate::layout::parse_base36;
use crate::session::{Workplace, remove_tree};

/// What kind of file has no row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Layer,
    Blob,
}

/// A file or directory that no row speaks of.
#[derive(Clone, Debug)]
pub(crate) struct Unrecorded {
    pub kind: Kind,
    /// Its name in `l`, or in `blobs/sha256`.
    pub name: String,
    pub path: PathBuf,
}

/// All of them.
///
/// # Errors
/// When a directory or the index cannot be read.
pub(crate) fn find(store: &Store, tx: &Transaction<'_>) -> Result<Vec<Unrecorded>> {
    let mut found = Vec::new();
    let (layers, blobs) = (store.layout().layers(), store.layout().blobs());
    each(&layers, &mut |name, path| {
        let known = match parse_base36(&name) {
            Some(id) => tx.prepare_cached("SELECT 1 FROM layers WHERE id = ?1")?.exists([id])?,
            None => false,
        };
        if !known {
            found.push(Unrecorded { kind: Kind::Layer, name, path });
        }
        Ok(())
    })?;
    each(&blobs, &mut |name, path| {
        let known = match format!("sha256:{name}").parse::<Digest>() {
            Ok(digest) => {
                tx.prepare_cached("SELECT 1 FROM blobs WHERE digest = ?1")?.exists([digest.as_bytes()])?
            }
            Err(_) => false,
        };
        if !known {
            found.push(Unrecorded { kind: Kind::Blob, name, path });
        }
        Ok(())
    })?;
    Ok(found)
}

/// Whether what has no row is really nobody's: an index without any row may have been lost, and one that is being made anew does
/// not know all yet.
///
/// # Errors
/// When the index cannot be read.
pub(crate) fn knows_all(store: &Store, tx: &Transaction<'_>) -> Result<bool> {
    let any = tx.prepare_cached("SELECT 1 FROM layers UNION ALL SELECT 1 FROM blobs LIMIT 1")?.exists([])?;
    Ok(any && !store.layout().rebuilding().exists())
}

fn each(dir: &Path, take: &mut dyn FnMut(String, PathBuf) -> Result<()>) -> Result<()> {
    for item in std::fs::read_dir(dir).map_err(StoreError::io("read", dir))? {
        let item = item.map_err(StoreError::io("read", dir))?;
        take(item.file_name().to_string_lossy().into_owned(), item.path())?;
    }
    Ok(())
}

impl Store {
    /// Removes all of them. They are moved aside under the lock and removed without it: others need not wait, and what is left of
    /// them when this ends early is unfinished work like any other.
    pub(super) fn sweep_unrecorded(&self) -> Result<()> {
        let aside = Workplace::begin(self);
        let moved = self.index().write(|tx| {
            let mut moved = Vec::new();
            if self.layout().rebuilding().exists() {
                return Ok(moved);
            }
            for Unrecorded { path, .. } in find(self, tx)? {
                // On a full disk there may be no room for a name.
                let place = aside.as_ref().ok().map(Workplace::fresh_path);
                match place.filter(|place| std::fs::rename(&path, place).is_ok()) {
                    Some(place) => moved.push(place),
                    None => remove_tree(&path)?,
                }
            }
            Ok(moved)
        })?;
        moved.iter().try_for_each(|path| remove_tree(path))
    }
}
