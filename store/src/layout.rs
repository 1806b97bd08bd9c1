//! Names below the store's root (spec/store-layout.md).
//!
//! Owns: where everything lies, and the version file. Never does: reading or writing what lies there.

use std::path::{Path, PathBuf};

use buildc_digest::Digest;

use crate::LayerId;
use crate::error::{Result, StoreError};

/// The version of layout and index that this program writes.
pub(crate) const VERSION: i64 = 2;

/// The places of one store.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    root: PathBuf,
}

impl Layout {
    pub fn new(root: PathBuf) -> Self {
        Self { root }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// `version`: the layout's version as decimal text.
    pub fn version_file(&self) -> PathBuf {
        self.root.join("version")
    }

    /// `index.db`: the sqlite database.
    pub fn index(&self) -> PathBuf {
        self.root.join("index.db")
    }

    /// `l`: all sealed layers. The names are short because overlayfs takes one page of mount options.
    pub fn layers(&self) -> PathBuf {
        self.root.join("l")
    }

    /// `l/ID`: one layer, holding `fs` and `tree`.
    pub fn layer(&self, id: LayerId) -> PathBuf {
        self.layers().join(base36(id.0))
    }

    /// `l/ID/fs`: the layer's files in overlayfs upper form.
    pub fn layer_files(&self, id: LayerId) -> PathBuf {
        self.layer(id).join("fs")
    }

    /// `l/ID/tree`: the layer's tree manifest.
    pub fn layer_manifest(&self, id: LayerId) -> PathBuf {
        self.layer(id).join("tree")
    }

    /// `blobs/sha256`: as in an OCI image layout.
    pub fn blobs(&self) -> PathBuf {
        self.root.join("blobs").join("sha256")
    }

    /// `blobs/sha256/HEX`.
    pub fn blob(&self, digest: &Digest) -> PathBuf {
        self.blobs().join(digest.hex())
    }

    /// `tmp`: unfinished work, one directory per live process.
    pub fn tmp(&self) -> PathBuf {
        self.root.join("tmp")
    }

    /// `locks`: one file per locked key.
    pub fn locks(&self) -> PathBuf {
        self.root.join("locks")
    }

    /// `leases`: one file per live lease.
    pub fn leases(&self) -> PathBuf {
        self.root.join("leases")
    }

    /// `rebuilding`: there while a new index is being made; the text is where the damaged one is.
    pub fn rebuilding(&self) -> PathBuf {
        self.root.join("rebuilding")
    }

    /// Whether the index is gone: it never is without a byte once a store is made, unless its log has them all.
    pub fn is_index_lost(&self) -> bool {
        let bytes = |path: &Path| path.metadata().map_or(0, |metadata| metadata.len());
        bytes(&self.index()) == 0 && bytes(&self.root.join("index.db-wal")) == 0
    }

    /// `reserve`: room that is kept for making room.
    pub fn reserve(&self) -> PathBuf {
        self.root.join("reserve")
    }

    /// The directories that every store has.
    pub fn directories(&self) -> [PathBuf; 5] {
        [self.layers(), self.blobs(), self.tmp(), self.locks(), self.leases()]
    }

    /// Reads the version file: `None` for a directory that holds no store yet.
    pub fn read_version(&self) -> Result<Option<i64>> {
        let path = self.version_file();
        match std::fs::read_to_string(&path) {
            Ok(text) => text.trim().parse().map(Some).map_err(|_| StoreError::CorruptRow {
                table: "version",
                problem: format!("`{}` does not hold a number", path.display()),
            }),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(StoreError::io("read", &path)(e)),
        }
    }
}

/// A row id as a short directory name.
pub(crate) fn base36(id: i64) -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut rest = id.unsigned_abs();
    let mut digits = Vec::new();
    loop {
        digits.push(DIGITS[(rest % 36) as usize] as char);
        rest /= 36;
        if rest == 0 {
            break;
        }
    }
    digits.iter().rev().collect()
}

/// Reads what [`base36`] wrote.
pub(crate) fn parse_base36(name: &str) -> Option<i64> {
    i64::from_str_radix(name, 36).ok().filter(|id| *id >= 0 && base36(*id) == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for id in [0, 1, 35, 36, 1295, 1296, i64::MAX] {
            assert_eq!(parse_base36(&base36(id)), Some(id));
        }
        assert_eq!(base36(36), "10");
        assert_eq!(parse_base36("01"), None);
        assert_eq!(parse_base36("A"), None);
    }
}
