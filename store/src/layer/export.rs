//! Giving a layer's tar back, byte for byte.

use std::io::{self, Write};

use buildc_digest::{DiffId, Digest, OciHasher};

use super::content::{BUFFER_BYTES, read_checked};
use super::{Layer, LayerId, layer_in};
use crate::Store;
use crate::entry::EntryKind;
use crate::error::{Result, StoreError};
use crate::tar::{TarWriter, decompressed};

impl Store {
    /// Writes exactly the bytes whose sha256 is the layer's diff id, checking on the way: a layer that buildc made is
    /// written again from its entries, a foreign one comes from the blob that it was unpacked from. An error may arrive
    /// after the last byte; the caller must then throw away what it has.
    pub fn write_layer_tar(&self, id: LayerId, out: &mut dyn Write) -> Result<()> {
        let (layer, generated) = self.index().read(|tx| {
            let layer = layer_in(self, tx, id)?;
            let mut statement = tx.prepare_cached("SELECT generated FROM layers WHERE id = ?1")?;
            let generated: bool = statement.query_row([id.0], |row| row.get(0))?;
            Ok((layer, generated))
        })?;
        if generated { self.write_generated(&layer, out) } else { self.write_original(&layer.diff_id, out) }
    }

    /// The tar's form is fixed, so the bytes have the diff id when entries and files are those of the layer. Blake3 says
    /// that several times as fast as sha256 would say it of the tar.
    fn write_generated(&self, layer: &Layer, out: &mut dyn Write) -> Result<()> {
        let other =
            |problem| StoreError::CorruptManifest { path: self.layout().layer_manifest(layer.id), problem };
        if self.manifest(layer.id)?.content()? != layer.content {
            return Err(other("it is not this layer's"));
        }
        let mut out = Counting { out, bytes: 0 };
        self.generate_tar(layer.id, &mut out)?;
        if out.bytes != layer.tar_bytes {
            return Err(other("the layer's tar had another length"));
        }
        Ok(())
    }

    /// Writes what the entries of a layer say, each file checked against its hash there.
    pub(crate) fn generate_tar(&self, id: LayerId, out: &mut dyn Write) -> Result<()> {
        let files = self.layout().layer_files(id);
        let mut writer = TarWriter::new(out);
        let mut buffer = vec![0; BUFFER_BYTES];
        for entry in self.manifest(id)?.iter() {
            let entry = entry?;
            writer.entry(&entry)?;
            if let EntryKind::File { size: size @ 1.., hash } = entry.kind {
                read_checked(&files, &entry.path, (size, hash), &mut buffer, |bytes| writer.data(bytes))?;
            }
        }
        writer.finish().map(drop)
    }

    fn write_original(&self, diff_id: &DiffId, out: &mut dyn Write) -> Result<()> {
        let mut blobs = self.layer_blobs(diff_id)?;
        // An uncompressed blob costs the least.
        blobs.sort_by_key(|b| b.blob.as_bytes() != diff_id.as_bytes());
        let Some(blob) = blobs.first() else {
            return Err(StoreError::NoOriginalTar { diff_id: *diff_id });
        };
        let mut out = Hashing { out, hasher: OciHasher::new(), refused: false };
        let copied = self.copy_blob(&blob.blob, &mut out).and_then(|()| {
            let found = out.hasher.diff_id();
            let same = found == *diff_id;
            same.then_some(()).ok_or(StoreError::LayerDigest { expected: *diff_id, found })
        });
        if copied.is_err() && !out.refused {
            // It has come whole once: what is wrong with it now is the disk's fault and not the registry's.
            self.verify_blob(&blob.blob)?;
        }
        copied
    }

    fn copy_blob(&self, blob: &Digest, out: &mut dyn Write) -> Result<()> {
        let mut file = self.open_blob(blob)?;
        let mut plain = decompressed(&mut file)?;
        let path = self.layout().blob(blob);
        io::copy(&mut plain, out).map(drop).map_err(StoreError::io("copy", &path))
    }
}

/// Counts what passes.
struct Counting<'a> {
    out: &'a mut dyn Write,
    bytes: u64,
}

impl Write for Counting<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Hashes what passes.
struct Hashing<'a> {
    out: &'a mut dyn Write,
    hasher: OciHasher,
    /// True when it did not pass: a full disk, or somebody who wants no more.
    refused: bool,
}

impl Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes).inspect_err(|_| self.refused = true)?;
        self.hasher.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
