//! Giving a layer's tar back, byte for byte.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use buildc_digest::{DiffId, InternalHasher, OciHasher};

use super::{LayerId, layer_in};
use crate::Store;
use crate::entry::{Entry, EntryKind};
use crate::error::{Result, StoreError};
use crate::tar::{TarWriter, decompressed};

/// Bytes moved at once.
const BUFFER_BYTES: usize = 1 << 20;

impl Store {
    /// Writes exactly the bytes whose sha256 is the layer's diff id, checking on the way: a layer that buildc made is
    /// written again from its entries, each file checked against its hash there; a foreign one comes from the blob that
    /// it was unpacked from, checked against the diff id. An error may arrive after the last byte; the caller must then
    /// throw away what it has.
    pub fn write_layer_tar(&self, id: LayerId, out: &mut dyn Write) -> Result<()> {
        let (layer, generated) = self.index().read(|tx| {
            let layer = layer_in(self, tx, id)?;
            let mut statement = tx.prepare_cached("SELECT generated FROM layers WHERE id = ?1")?;
            let generated: bool = statement.query_row([id.0], |row| row.get(0))?;
            Ok((layer, generated))
        })?;
        if generated {
            return self.generate_tar(id, out);
        }
        let mut out = Hashing { out, hasher: OciHasher::new() };
        self.copy_original(&layer.diff_id, &mut out)?;
        let found = out.hasher.diff_id();
        if found != layer.diff_id {
            return Err(StoreError::LayerDigest { expected: layer.diff_id, found });
        }
        Ok(())
    }

    /// The tar's form is fixed, so it is the layer's as long as the manifest, which has a checksum, and the files are. Their
    /// hashes are blake3, which is several times as fast as the sha256 of the whole.
    pub(crate) fn generate_tar(&self, id: LayerId, out: &mut dyn Write) -> Result<()> {
        let files = self.layout().layer_files(id);
        let mut writer = TarWriter::new(out);
        let mut buffer = vec![0; BUFFER_BYTES];
        for entry in self.manifest(id)?.iter() {
            let entry = entry?;
            writer.entry(&entry)?;
            if entry.size_bytes() > 0 {
                copy_content(&files, &entry, &mut writer, &mut buffer)?;
            }
        }
        writer.finish().map(drop)
    }

    fn copy_original(&self, diff_id: &DiffId, out: &mut dyn Write) -> Result<()> {
        let mut blobs = self.layer_blobs(diff_id)?;
        // An uncompressed blob costs the least.
        blobs.sort_by_key(|b| b.blob.as_bytes() != diff_id.as_bytes());
        let Some(blob) = blobs.first() else {
            return Err(StoreError::NoOriginalTar { diff_id: *diff_id });
        };
        let mut file = self.open_blob(&blob.blob)?;
        let mut plain = decompressed(&mut file)?;
        let path = self.layout().blob(&blob.blob);
        io::copy(&mut plain, out).map(drop).map_err(StoreError::io("copy", &path))
    }
}

fn copy_content<W: Write>(
    files: &Path,
    entry: &Entry,
    writer: &mut TarWriter<W>,
    buffer: &mut [u8],
) -> Result<()> {
    let EntryKind::File { size, hash } = entry.kind else { return Ok(()) };
    let disk = files.join(OsStr::from_bytes(&entry.path));
    let mut source = File::open(&disk).map_err(StoreError::io("open", &disk))?.take(size);
    let mut hasher = InternalHasher::new();
    loop {
        let read = source.read(buffer).map_err(StoreError::io("read", &disk))?;
        let bytes = buffer.get(..read).unwrap_or_default();
        if bytes.is_empty() {
            break;
        }
        hasher.update(bytes);
        writer.data(bytes)?;
    }
    if hasher.file() != hash {
        return Err(StoreError::FileDamaged { path: disk });
    }
    Ok(())
}

/// Hashes what passes.
struct Hashing<'a> {
    out: &'a mut dyn Write,
    hasher: OciHasher,
}

impl Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hasher.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
