//! Compressing layers: one gzip member made of blocks that are compressed side by side.
//!
//! Each block of 1 MiB is deflated on its own and ends on a byte boundary, as pigz(1) does with `--independent`, so
//! the bytes depend on the input alone and never on the number of threads, and every gzip reader takes them. What looks
//! like noise (packages, pictures and whatever else is compressed already) is stored as it is: deflate would make it no
//! smaller and takes long to find that out. The bytes do depend on the deflate implementation; [`gzip_name`] names it and
//! a test pins its output.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, sync_channel};

use flate2::{Compress, Compression, Crc, FlushCompress};
use rayon::prelude::*;

/// The level where none is wanted.
pub(crate) const GZIP_LEVEL: u32 = 6;
const BLOCK_BYTES: usize = 1 << 20;
/// Blocks compressed at once. Two batches exist, one of them being filled; with what they are compressed to that bounds
/// memory to four times as many MiB.
const BATCH_BLOCKS: usize = 4;
/// Noise is looked for in cells of so many bytes: where a tar's files begin and end.
const CELL_BYTES: usize = 512;
/// Shorter noise is deflated with what stands around it.
const LEAST_NOISE_BYTES: usize = 4 * CELL_BYTES;
/// Most bytes of a stored block (RFC 1951 section 3.2.4).
const STORED_BYTES: usize = 0xffff;
/// RFC 1952: magic, deflate, no flags, no time, no extra flags, unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
/// An empty last deflate block (RFC 1951 section 3.2.6).
const LAST_BLOCK: [u8; 2] = [0x03, 0x00];

/// Recorded with each layer that was compressed at a level. Change it whenever the bytes change.
pub(crate) fn gzip_name(level: u32) -> String {
    format!("zlib-rs/{level}/independent-1MiB/2")
}

/// Blocks that are compressed side by side, with what that takes. Its memory is used again for the batch after the next.
#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    slots: Vec<Slot>,
}

/// The work on one block.
struct Slot {
    compress: Compress,
    out: Vec<u8>,
    crc: Crc,
    done: io::Result<()>,
}

/// Compresses what is written to it, while more is written.
pub(crate) struct Gzip<W: Write> {
    out: W,
    level: u32,
    batch: Batch,
    /// The batch before, on its way.
    running: Option<Receiver<Batch>>,
    crc: Crc,
}

impl<W: Write> Gzip<W> {
    pub(crate) fn new(mut out: W, level: u32) -> io::Result<Self> {
        out.write_all(&HEADER)?;
        Ok(Self { out, level, batch: Batch::default(), running: None, crc: Crc::new() })
    }

    /// Ends the member and gives back the inner writer.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.compress_batch()?;
        self.write_running()?;
        self.out.write_all(&LAST_BLOCK)?;
        self.out.write_all(&self.crc.sum().to_le_bytes())?;
        self.out.write_all(&self.crc.amount().to_le_bytes())?;
        Ok(self.out)
    }

    /// Hands the batch over; what became of the one before is written first.
    fn compress_batch(&mut self) -> io::Result<()> {
        let free = self.write_running()?;
        let (mut batch, level) = (std::mem::replace(&mut self.batch, free), self.level);
        let (done, running) = sync_channel(1);
        let work = move || {
            batch.compress(level);
            // Nobody waits for it after a failed write.
            let _ = done.send(batch);
        };
        // A thread of the pool must not wait for another that may never be free.
        if rayon::current_thread_index().is_some() {
            work()
        } else {
            rayon::spawn(work)
        }
        self.running = Some(running);
        Ok(())
    }

    /// Waits for the batch that is on its way and gives it back, empty.
    fn write_running(&mut self) -> io::Result<Batch> {
        let Some(running) = self.running.take() else { return Ok(Batch::default()) };
        let mut batch = running.recv().map_err(|_| io::Error::other("The compressing thread ended early"))?;
        let blocks = batch.bytes.len().div_ceil(BLOCK_BYTES);
        for slot in batch.slots.iter_mut().take(blocks) {
            std::mem::replace(&mut slot.done, Ok(()))?;
            self.out.write_all(&slot.out)?;
            self.crc.combine(&slot.crc);
        }
        batch.bytes.clear();
        Ok(batch)
    }
}

impl Batch {
    fn compress(&mut self, level: u32) {
        let blocks = self.bytes.len().div_ceil(BLOCK_BYTES);
        while self.slots.len() < blocks {
            self.slots.push(Slot::new(level));
        }
        let work = self.slots.par_iter_mut().zip(self.bytes.par_chunks(BLOCK_BYTES));
        work.for_each(|(slot, block)| slot.done = slot.deflate(block));
    }
}

impl<W: Write> Write for Gzip<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = BATCH_BLOCKS * BLOCK_BYTES - self.batch.bytes.len();
        let (now, _) = bytes.split_at(room.min(bytes.len()));
        self.batch.bytes.extend_from_slice(now);
        if self.batch.bytes.len() == BATCH_BLOCKS * BLOCK_BYTES {
            self.compress_batch()?;
        }
        Ok(now.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Slot {
    fn new(level: u32) -> Self {
        let compress = Compress::new(Compression::new(level), false);
        Self { compress, out: Vec::new(), crc: Crc::new(), done: Ok(()) }
    }

    /// Compresses one block, ending on a byte boundary. Each run between noise is deflated as if nothing stood before it.
    fn deflate(&mut self, block: &[u8]) -> io::Result<()> {
        self.out.clear();
        self.out.reserve(block.len() / 2 + 1024);
        // First, since it brings the whole block into the cache in one go.
        self.crc.reset();
        self.crc.update(block);
        let mut rest = block;
        for (is_noise, length) in runs(block) {
            let (run, after) = rest.split_at(length);
            rest = after;
            if is_noise {
                store(run, &mut self.out);
            } else {
                self.compress.reset();
                squeeze(&mut self.compress, run, &mut self.out)?;
            }
        }
        Ok(())
    }
}

fn squeeze(compress: &mut Compress, run: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    loop {
        let taken = usize::try_from(compress.total_in()).unwrap_or(usize::MAX);
        let rest = run.get(taken..).unwrap_or_default();
        compress.compress_vec(rest, out, FlushCompress::Sync).map_err(io::Error::other)?;
        // Deflate is done with a flush when it leaves room in the output.
        if compress.total_in() == run.len() as u64 && out.len() < out.capacity() {
            return Ok(());
        }
        out.reserve(out.capacity() / 2 + 1024);
    }
}

/// Appends stored blocks; deflate before them has ended on a byte boundary.
fn store(run: &[u8], out: &mut Vec<u8>) {
    for piece in run.chunks(STORED_BYTES) {
        let length = u16::try_from(piece.len()).unwrap_or(u16::MAX);
        out.push(0);
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&(!length).to_le_bytes());
        out.extend_from_slice(piece);
    }
}

/// Lengths of alternating runs, and whether each is noise. Noise too short to be worth a block of its own is none.
fn runs(block: &[u8]) -> Vec<(bool, usize)> {
    let cells = block.chunks(CELL_BYTES).map(|cell| (is_noise(cell), cell.len()));
    let found = joined(cells);
    joined(found.into_iter().map(|(is_noise, length)| (is_noise && length >= LEAST_NOISE_BYTES, length)))
}

fn joined(runs: impl Iterator<Item = (bool, usize)>) -> Vec<(bool, usize)> {
    let mut joined: Vec<(bool, usize)> = Vec::new();
    for (is_noise, length) in runs {
        match joined.last_mut() {
            Some((last, before)) if *last == is_noise => *before += length,
            _ => joined.push((is_noise, length)),
        }
    }
    joined
}

/// Whether all byte values are as frequent in a cell's beginning as they are in noise. Of n random bytes the squares of the
/// 256 counts add up to n + n(n-1)/256, with a deviation of n/11; five deviations are allowed to both sides, since a table
/// in which each value stands once is not noise either.
fn is_noise(cell: &[u8]) -> bool {
    const LOOKED_AT: usize = 256;
    const EXPECTED: std::ops::Range<u32> = 395..628;
    let Some(bytes) = cell.get(..LOOKED_AT).filter(|_| cell.len() == CELL_BYTES) else { return false };
    // Text and padding show at once: that 64 random bytes are all below 128 happens once in 2^64 times.
    if bytes.get(..64).is_some_and(<[u8]>::is_ascii) {
        return false;
    }
    // Two tables, so that a byte that follows its equal need not wait for the count before. Each counts half of the bytes,
    // which a u8 holds.
    let mut counts = [[0u8; 256]; 2];
    for pair in bytes.as_chunks::<2>().0 {
        for (counts, byte) in counts.iter_mut().zip(pair) {
            if let Some(count) = counts.get_mut(usize::from(*byte)) {
                *count += 1;
            }
        }
    }
    let [even, odd] = &counts;
    let squares = even.iter().zip(odd).map(|(a, b)| {
        let count = u32::from(*a) + u32::from(*b);
        count * count
    });
    EXPECTED.contains(&squares.sum::<u32>())
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
    fn noise_is_stored_and_nothing_else() {
        let noise: Vec<u8> =
            input(BLOCK_BYTES).chunks(10_000).flat_map(|c| c[..5000.min(c.len())].to_vec()).collect();
        let numbers: Vec<u8> =
            (0..1u32 << 18).flat_map(|n| (n.wrapping_mul(2_654_435_761) >> 8).to_le_bytes()).collect();
        let table: Vec<u8> = (0..BLOCK_BYTES).map(|n| n as u8).collect();
        let ratio = |bytes: &[u8]| {
            let mut slot = Slot::new(6);
            slot.deflate(bytes).unwrap();
            slot.out.len() as f64 / bytes.len() as f64
        };
        assert!((1.0..1.001).contains(&ratio(&noise)), "{}", ratio(&noise));
        assert!(ratio(&numbers) < 0.9, "{}", ratio(&numbers));
        assert!(ratio(&table) < 0.01, "{}", ratio(&table));
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
            "7ca95165e38e0ba4e88eaf7cc31a4b2efde72e60d6dbaff674e7ebf141e74b6b"
        );
    }
}
