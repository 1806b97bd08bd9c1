//! Decompression by magic bytes.

use std::io::{self, BufReader, Read};

use crate::error::{Result, StoreError};

/// Buffer before a decompressor, in bytes.
const BUFFER_BYTES: usize = 128 << 10;
/// The largest window a zstd frame may ask for, as a power of two: 128 MiB, as the zstd tool itself.
const ZSTD_WINDOW_LOG: u32 = 27;

/// A reader of the plain bytes, whatever the compression: gzip, zstd, xz, bzip2 or none.
pub(crate) fn decompressed<'a>(source: &'a mut dyn Read) -> Result<Box<dyn Read + 'a>> {
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
        [0xfd, b'7', b'z', b'X', b'Z', 0] => Box::new(lzma_rust2::XzReader::new(whole, true)),
        _ => Box::new(whole),
    })
}
