//! Writing a layer's tar while its entries are produced.

use std::io::{self, Write};

use super::hash_sink::{HashSink, TarDigest};
use super::header::append_headers;
use super::{BLOCK, padding};
use crate::entry::{Entry, compare_paths, shown};
use crate::error::{Result, StoreError};

/// Zero bytes for padding and the end of the archive.
const ZEROS: [u8; 2 * BLOCK] = [0; 2 * BLOCK];

/// Writes buildc's deterministic tar form (spec/store-layout.md) to `W`.
#[derive(Debug)]
pub struct TarWriter<W: Write> {
    out: W,
    headers: Vec<u8>,
    last: Option<Vec<u8>>,
    remaining: u64,
    padding: usize,
}

impl<W: Write> TarWriter<W> {
    /// Begins an archive.
    pub fn new(out: W) -> Self {
        Self { out, headers: Vec::new(), last: None, remaining: 0, padding: 0 }
    }

    /// Adds the headers of the next entry in canonical order; exactly a file's `size` bytes must follow by
    /// [`TarWriter::data`].
    pub fn entry(&mut self, entry: &Entry) -> Result<()> {
        self.end_content()?;
        if self.last.as_deref().is_some_and(|last| compare_paths(last, &entry.path).is_ge()) {
            let problem = "Entries must be sorted and unique";
            return Err(StoreError::InvalidEntry { path: shown(&entry.path), problem });
        }
        self.headers.clear();
        append_headers(entry, &mut self.headers)?;
        self.out.write_all(&self.headers).map_err(write_failed)?;
        self.remaining = entry.size_bytes();
        self.padding = padding(self.remaining);
        let last = self.last.get_or_insert_default();
        last.clear();
        last.extend_from_slice(&entry.path);
        Ok(())
    }

    /// Adds content of the last entry.
    pub fn data(&mut self, bytes: &[u8]) -> Result<()> {
        let length = bytes.len() as u64;
        self.remaining = self.remaining.checked_sub(length).ok_or_else(|| self.wrong_length())?;
        self.out.write_all(bytes).map_err(write_failed)
    }

    /// Ends the archive with two blocks of zeros.
    pub fn finish(mut self) -> Result<W> {
        self.end_content()?;
        self.out.write_all(&ZEROS).map_err(write_failed)?;
        Ok(self.out)
    }

    fn end_content(&mut self) -> Result<()> {
        if self.remaining != 0 {
            return Err(self.wrong_length());
        }
        let zeros = ZEROS.get(..self.padding).unwrap_or_default();
        self.padding = 0;
        self.out.write_all(zeros).map_err(write_failed)
    }

    fn wrong_length(&self) -> StoreError {
        let path = shown(self.last.as_deref().unwrap_or_default());
        StoreError::InvalidEntry { path, problem: "Its content changed its length while it was read" }
    }
}

/// The target of an archive is not always a file, so the error names what it is.
fn write_failed(source: io::Error) -> StoreError {
    StoreError::io("write", std::path::Path::new("layer tar"))(source)
}

/// Computes a layer's diff id while its entries are produced in canonical order. Past the first mebibyte sha256 runs
/// on a thread of its own, behind a queue of a few mebibytes.
#[derive(Debug)]
pub struct TarHasher(TarWriter<HashSink>);

impl TarHasher {
    /// Begins an archive.
    #[expect(clippy::new_without_default, reason = "A hasher is begun, never a default value")]
    pub fn new() -> Self {
        Self(TarWriter::new(HashSink::new()))
    }

    /// Begins an archive whose hash is computed on the calling thread, which has nothing else to do.
    pub fn on_this_thread() -> Self {
        Self(TarWriter::new(HashSink::on_this_thread()))
    }

    /// Adds the headers of the next entry; for a file exactly its `size` bytes must follow by [`TarHasher::data`].
    pub fn entry(&mut self, entry: &Entry) -> Result<()> {
        self.0.entry(entry)
    }

    /// Adds content of the last entry; more than its size is an error.
    pub fn data(&mut self, bytes: &[u8]) -> Result<()> {
        self.0.data(bytes)
    }

    /// Ends the archive. A file that is not complete is an error.
    pub fn finish(self) -> Result<TarDigest> {
        self.0.finish()?.finish()
    }
}
