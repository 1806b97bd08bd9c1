//! Compressing layers: one gzip member made of blocks that are compressed side by side.
//!
//! Each block of 1 MiB is deflated on its own and ends on a byte boundary, as pigz(1) does with `--independent`, so
//! the bytes depend on the input alone and never on the number of threads, and every gzip reader takes them. They do
//! depend on the deflate implementation; [`gzip_name`] names it and a test pins its output.

use std::io::{self, Write};

use flate2::{Compress, Compression, Crc, FlushCompress};
use rayon::prelude::*;

/// The level where none is wanted.
pub(crate) const GZIP_LEVEL: u32 = 6;
const BLOCK_BYTES: usize = 1 << 20;
/// Blocks held at once; bounds memory to twice as many MiB.
const BATCH_BLOCKS: usize = 4;
/// RFC 1952: magic, deflate, no flags, no time, no extra flags, unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
/// An empty last deflate block (RFC 1951 section 3.2.6).
const LAST_BLOCK: [u8; 2] = [0x03, 0x00];

/// Recorded with each layer that was compressed at a level. Change it whenever the bytes change.
pub(crate) fn gzip_name(level: u32) -> String {
    format!("zlib-rs/{level}/independent-1MiB/1")
}

/// Compresses what is written to it.
pub(crate) struct Gzip<W: Write> {
    out: W,
    level: u32,
    batch: Vec<u8>,
    crc: Crc,
}

impl<W: Write> Gzip<W> {
    pub(crate) fn new(mut out: W, level: u32) -> io::Result<Self> {
        out.write_all(&HEADER)?;
        Ok(Self { out, level, batch: Vec::with_capacity(BATCH_BLOCKS * BLOCK_BYTES), crc: Crc::new() })
    }

    /// Ends the member and gives back the inner writer.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.compress_batch()?;
        self.out.write_all(&LAST_BLOCK)?;
        self.out.write_all(&self.crc.sum().to_le_bytes())?;
        self.out.write_all(&self.crc.amount().to_le_bytes())?;
        Ok(self.out)
    }

    fn compress_batch(&mut self) -> io::Result<()> {
        let level = self.level;
        let blocks: Vec<io::Result<(Vec<u8>, Crc)>> =
            self.batch.par_chunks(BLOCK_BYTES).map(|block| deflate(block, level)).collect();
        for block in blocks {
            let (bytes, crc) = block?;
            self.out.write_all(&bytes)?;
            self.crc.combine(&crc);
        }
        self.batch.clear();
        Ok(())
    }
}

impl<W: Write> Write for Gzip<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = BATCH_BLOCKS * BLOCK_BYTES - self.batch.len();
        let (now, _) = bytes.split_at(room.min(bytes.len()));
        self.batch.extend_from_slice(now);
        if self.batch.len() == BATCH_BLOCKS * BLOCK_BYTES {
            self.compress_batch()?;
        }
        Ok(now.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Deflates one block, ending on a byte boundary.
fn deflate(block: &[u8], level: u32) -> io::Result<(Vec<u8>, Crc)> {
    let mut compress = Compress::new(Compression::new(level), false);
    let mut out = Vec::with_capacity(block.len() / 2 + 1024);
    loop {
        let taken = usize::try_from(compress.total_in()).unwrap_or(usize::MAX);
        let rest = block.get(taken..).unwrap_or_default();
        compress.compress_vec(rest, &mut out, FlushCompress::Sync).map_err(io::Error::other)?;
        // Deflate is done with a flush when it leaves room in the output.
        if compress.total_in() == block.len() as u64 && out.len() < out.capacity() {
            break;
        }
        out.reserve(out.capacity() / 2 + 1024);
    }
    let mut crc = Crc::new();
    crc.update(block);
    Ok((out, crc))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use buildc_digest::Digest;

    use super::*;

    fn input(len: usize) -> Vec<u8> {
        // Compressible and not, so that both kinds of block occur.
        let mut state = 1u32;
        let mut next = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        (0..len).map(|i| if (i / 5000) % 2 == 0 { next() } else { b'a' }).collect()
    }

    fn compressed(bytes: &[u8], step: usize) -> Vec<u8> {
        let mut gzip = Gzip::new(Vec::new(), GZIP_LEVEL).unwrap();
        bytes.chunks(step).for_each(|chunk| gzip.write_all(chunk).unwrap());
        gzip.finish().unwrap()
    }

    #[test]
    fn every_gzip_reader_takes_it_as_one_member() {
        for len in [0, 1, BLOCK_BYTES, BLOCK_BYTES + 1, BATCH_BLOCKS * BLOCK_BYTES * 2 + 77] {
            let bytes = input(len);
            let packed = compressed(&bytes, 60_000);
            let mut out = Vec::new();
            flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut out).unwrap();
            assert_eq!(out, bytes, "{len}");
        }
    }

    #[test]
    fn bytes_depend_on_the_input_alone_and_are_pinned() {
        let bytes = input(3 * BLOCK_BYTES + 5);
        let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let alone = one.install(|| compressed(&bytes, 1000));
        assert_eq!(alone, compressed(&bytes, 77_777));
        // When this fails the deflate implementation has changed its output: change `gzip_name` with it.
        assert_eq!(
            Digest::of(&alone).hex(),
            "d3d1116841150b56b4835597656b34c43b4609af046972bf7597cfee370a2c8f"
        );
    }
}
