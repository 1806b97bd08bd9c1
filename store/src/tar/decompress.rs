//! Decompression by magic bytes.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, Write};
use std::path::Path;

use crate::error::{Result, StoreError};

/// Buffer before a decompressor, in bytes.
const BUFFER_BYTES: usize = 128 << 10;
/// The largest window a zstd frame may ask for, as a power of two: 128 MiB, as the zstd tool itself.
const ZSTD_WINDOW_LOG: u32 = 27;

/// A reader of the plain bytes, whatever the compression: gzip, zstd, xz, bzip2 or none.
///
/// xz is unpacked into an unnamed file in `scratch` first: its library gives no reader.
pub(crate) fn decompressed<'a>(source: &'a mut dyn Read, scratch: &Path) -> Result<Box<dyn Read + 'a>> {
    let broken = |e: io::Error| StoreError::Tar { problem: e.to_string() };
    let mut magic = [0; 6];
    let mut length = 0;
    while let Some(space) = magic.get_mut(length..).filter(|s| !s.is_empty()) {
        match source.read(space).map_err(broken)? {
            0 => break,
            read => length += read,
        }
    }
    let start = magic.get(..length).unwrap_or_default();
    let whole = BufReader::with_capacity(BUFFER_BYTES, io::Cursor::new(start.to_vec()).chain(source));
    Ok(match start {
        [0x1f, 0x8b, ..] => Box::new(flate2::bufread::MultiGzDecoder::new(whole)),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            let mut decoder = zstd::Decoder::with_buffer(whole).map_err(broken)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG).map_err(broken)?;
            Box::new(decoder)
        }
        [b'B', b'Z', b'h', ..] => Box::new(bzip2::bufread::MultiBzDecoder::new(whole)),
        [0xfd, b'7', b'z', b'X', b'Z', 0] => Box::new(unpack_xz(whole, scratch)?),
        _ => Box::new(whole),
    })
}

fn unpack_xz(mut source: impl BufRead, scratch: &Path) -> Result<BufReader<File>> {
    let file = tempfile::tempfile_in(scratch).map_err(StoreError::io("create a file in", scratch))?;
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, file);
    lzma_rs::xz_decompress(&mut source, &mut out)
        .map_err(|e| StoreError::Tar { problem: format!("xz: {e:?}") })?;
    out.flush().map_err(StoreError::io("write a file in", scratch))?;
    let mut file = out.into_inner().map_err(|e| StoreError::io("write a file in", scratch)(e.into_error()))?;
    file.rewind().map_err(StoreError::io("read a file in", scratch))?;
    Ok(BufReader::with_capacity(BUFFER_BYTES, file))
}
