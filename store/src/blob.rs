//! Blobs: immutable bytes named by their sha256.
//!
//! Owns: writing with temp file, hash and rename, and reading back. Never does: knowing what the bytes mean.

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use buildc_digest::{Digest, OciHasher};
use rusqlite::OptionalExtension;

use crate::Store;
use crate::error::{Result, StoreError};
use crate::lease::now_ms;
use crate::tar::leave_hole;

/// Buffer between small writes and the file, in bytes.
const BUFFER_BYTES: usize = 256 << 10;

/// A blob being written; hashed on the way. Dropped without [`BlobWriter::finish`] it leaves nothing.
#[derive(Debug)]
pub struct BlobWriter {
    store: Store,
    path: PathBuf,
    out: BufWriter<File>,
    hasher: OciHasher,
    size_bytes: u64,
    /// The first write that failed. Without it a writer whose error was ignored could end as a shorter blob.
    failed: Option<std::io::ErrorKind>,
    finished: bool,
}

impl Write for BlobWriter {
    fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
        let written = self.out.write(buf).inspect_err(|e| self.failed = Some(e.kind()))?;
        self.hasher.update(buf.get(..written).unwrap_or_default());
        self.size_bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

impl BlobWriter {
    /// Adds so many zeros that take no room.
    pub(crate) fn hole(&mut self, bytes: u64) -> std::io::Result<()> {
        let left = self.out.flush().and_then(|()| leave_hole(self.out.get_mut(), bytes));
        left.inspect_err(|e| self.failed = Some(e.kind()))?;
        self.hasher.update_zeros(bytes);
        self.size_bytes += bytes;
        Ok(())
    }

    /// The first write that failed, for who copies into it and does not know which side an error is of.
    pub(crate) fn failure(&self) -> Result<()> {
        match self.failed {
            Some(std::io::ErrorKind::StorageFull) => Err(StoreError::DiskFull { path: self.path.clone() }),
            Some(kind) => Err(StoreError::io("write", &self.path)(kind.into())),
            None => Ok(()),
        }
    }

    /// Ends the blob and gives its digest and length in bytes. With `expect` a different digest is
    /// [`StoreError::BlobDigest`] and nothing is kept.
    pub fn finish(mut self, expect: Option<&Digest>) -> Result<(Digest, u64)> {
        self.failure()?;
        self.out.flush().map_err(StoreError::io("write", &self.path))?;
        let found = std::mem::take(&mut self.hasher).digest();
        if let Some(expected) = expect.filter(|e| **e != found) {
            return Err(StoreError::BlobDigest { expected: *expected, found });
        }
        self.store.record_blob(&self.path, &found, self.size_bytes)?;
        self.finished = true;
        Ok((found, self.size_bytes))
    }
}

impl Drop for BlobWriter {
    fn drop(&mut self) {
        if !self.finished {
            // What stays behind lies in this process's session and goes with it.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl Store {
    /// Begins a blob.
    pub fn blob_writer(&self) -> Result<BlobWriter> {
        let path = self.session()?.fresh_path();
        let file = File::create_new(&path).map_err(StoreError::io("create", &path))?;
        Ok(BlobWriter {
            store: self.clone(),
            path,
            out: BufWriter::with_capacity(BUFFER_BYTES, file),
            hasher: OciHasher::new(),
            size_bytes: 0,
            failed: None,
            finished: false,
        })
    }

    /// Stores a small blob.
    pub fn put_blob(&self, bytes: &[u8]) -> Result<Digest> {
        let digest = Digest::of(bytes);
        if self.touch_blob(&digest)? {
            return Ok(digest);
        }
        let mut writer = self.blob_writer()?;
        let path = writer.path.clone();
        writer.write_all(bytes).map_err(StoreError::io("write", &path))?;
        writer.finish(Some(&digest)).map(|(digest, _)| digest)
    }

    /// Whether the blob is here. Only the row counts: a file without one may be torn.
    pub fn has_blob(&self, digest: &Digest) -> bool {
        let row = self.index().read(|tx| {
            let mut statement = tx.prepare_cached("SELECT 1 FROM blobs WHERE digest = ?1")?;
            Ok(statement.exists([digest.as_bytes()])?)
        });
        row.unwrap_or(false) && self.layout().blob(digest).exists()
    }

    /// Opens a blob for reading; its length is the file's.
    pub fn open_blob(&self, digest: &Digest) -> Result<File> {
        if !self.has_blob(digest) {
            return Err(StoreError::NoBlob { digest: *digest });
        }
        let path = self.layout().blob(digest);
        File::open(&path).map_err(StoreError::io("open", &path))
    }

    /// Reads a whole blob of at most `limit_bytes`, checking its digest.
    pub fn read_blob(&self, digest: &Digest, limit_bytes: u64) -> Result<Vec<u8>> {
        let path = self.layout().blob(digest);
        let file = self.open_blob(digest)?;
        let size_bytes = file.metadata().map_err(StoreError::io("read", &path))?.len();
        if size_bytes > limit_bytes {
            return Err(StoreError::TooLarge { name: digest.to_string(), size_bytes, limit_bytes });
        }
        let mut bytes = Vec::new();
        file.take(limit_bytes).read_to_end(&mut bytes).map_err(StoreError::io("read", &path))?;
        let found = Digest::of(&bytes);
        if found != *digest {
            return Err(StoreError::BlobDamaged { digest: *digest, found });
        }
        Ok(bytes)
    }

    /// Length of a blob in bytes, from its row.
    pub fn blob_size(&self, digest: &Digest) -> Result<Option<u64>> {
        self.index().read(|tx| {
            let mut statement = tx.prepare_cached("SELECT size_bytes FROM blobs WHERE digest = ?1")?;
            let size = statement.query_row([digest.as_bytes()], |row| row.get::<_, i64>(0)).optional()?;
            Ok(size.map(|s| s.unsigned_abs()))
        })
    }

    /// Moves a finished file to its place and records it. Both happen under the index's write lock, so that a prune
    /// cannot come between them.
    fn record_blob(&self, finished: &Path, digest: &Digest, size_bytes: u64) -> Result<()> {
        let boot = self.boot_id()?;
        let target = self.layout().blob(digest);
        let recorded = self.index().write(|tx| {
            std::fs::rename(finished, &target).map_err(StoreError::io("move the blob to", &target))?;
            let mut statement = tx.prepare_cached(
                "INSERT INTO blobs (digest, size_bytes, last_used, boot) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (digest) DO UPDATE SET last_used = excluded.last_used, boot = excluded.boot",
            )?;
            let size = i64::try_from(size_bytes).unwrap_or(i64::MAX);
            statement.execute((digest.as_bytes(), size, now_ms(), boot))?;
            Ok(())
        });
        if recorded.is_err() {
            // Most likely the disk is full: the file must not stay without a row. The first error is the one to tell.
            let _ = self.index().write(|tx| {
                let mut row = tx.prepare_cached("SELECT 1 FROM blobs WHERE digest = ?1")?;
                if !row.exists([digest.as_bytes()])? {
                    crate::session::remove_tree(&target)?;
                }
                Ok(())
            });
        }
        recorded
    }

    /// Marks a blob as used now; whether it is here.
    fn touch_blob(&self, digest: &Digest) -> Result<bool> {
        let path = self.layout().blob(digest);
        self.index().write(|tx| {
            let mut statement = tx.prepare_cached("UPDATE blobs SET last_used = ?2 WHERE digest = ?1")?;
            Ok(statement.execute((digest.as_bytes(), now_ms()))? > 0 && path.exists())
        })
    }
}
