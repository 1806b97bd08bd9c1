//! sha256 of a stream, on its own thread once the stream is long enough to pay for one.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use buildc_digest::{DiffId, OciHasher};

use crate::error::{Result, StoreError};

/// Size of the pieces that travel to the thread, in bytes.
const PIECE_BYTES: usize = 1 << 20;
/// Pieces in flight; with the one being filled and the one being hashed this bounds the memory to 4 MiB.
const PIECES: usize = 2;

/// Hashes what is written to it.
#[derive(Debug)]
pub(crate) struct HashSink {
    state: State,
    length: u64,
}

/// What a layer's tar is: its digest and its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TarDigest {
    /// sha256 of the whole stream.
    pub diff_id: DiffId,
    /// Length of the stream in bytes.
    pub tar_bytes: u64,
}

#[derive(Debug)]
enum State {
    /// With so many bytes left until a thread is worth it.
    Inline {
        hasher: OciHasher,
        left: usize,
    },
    Threaded(Worker),
}

#[derive(Debug)]
struct Worker {
    piece: Vec<u8>,
    full: SyncSender<Vec<u8>>,
    empty: Receiver<Vec<u8>>,
    thread: JoinHandle<OciHasher>,
}

impl HashSink {
    pub fn new() -> Self {
        Self { state: State::Inline { hasher: OciHasher::new(), left: PIECE_BYTES }, length: 0 }
    }

    /// Never starts a thread: for a caller who has one for this.
    pub fn on_this_thread() -> Self {
        Self { state: State::Inline { hasher: OciHasher::new(), left: usize::MAX }, length: 0 }
    }

    /// Digest and length of everything written.
    pub fn finish(self) -> Result<TarDigest> {
        let hasher = match self.state {
            State::Inline { hasher, .. } => hasher,
            State::Threaded(worker) => worker.finish().map_err(lost)?,
        };
        Ok(TarDigest { diff_id: hasher.diff_id(), tar_bytes: self.length })
    }
}

fn lost(source: io::Error) -> StoreError {
    StoreError::io("hash", std::path::Path::new("layer tar"))(source)
}

impl Write for HashSink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.state {
            State::Inline { hasher, left } => {
                hasher.update(bytes);
                if *left != usize::MAX {
                    *left = left.saturating_sub(bytes.len());
                }
                if *left == 0 {
                    // Without a thread the hash goes on inline, only slower.
                    *left = usize::MAX;
                    if let Ok(worker) = Worker::start(hasher.clone()) {
                        self.state = State::Threaded(worker);
                    }
                }
            }
            State::Threaded(worker) => worker.feed(bytes)?,
        }
        self.length += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Worker {
    fn start(mut hasher: OciHasher) -> io::Result<Self> {
        let (full, pieces) = sync_channel::<Vec<u8>>(PIECES);
        let (give_back, empty) = sync_channel(PIECES + 1);
        let thread = std::thread::Builder::new().name("sha256".to_owned()).spawn(move || {
            for piece in pieces {
                hasher.update(&piece);
                // A full or closed queue only means that the buffer is not needed again.
                let _ = give_back.try_send(piece);
            }
            hasher
        })?;
        Ok(Self { piece: Vec::with_capacity(PIECE_BYTES), full, empty, thread })
    }

    fn feed(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let room = PIECE_BYTES.saturating_sub(self.piece.len());
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.piece.extend_from_slice(now);
            bytes = later;
            if self.piece.len() >= PIECE_BYTES {
                let mut next = self.empty.try_recv().unwrap_or_else(|_| Vec::with_capacity(PIECE_BYTES));
                next.clear();
                let piece = std::mem::replace(&mut self.piece, next);
                self.full.send(piece).map_err(|_| io::Error::other("The hashing thread ended early"))?;
            }
        }
        Ok(())
    }

    fn finish(self) -> io::Result<OciHasher> {
        let ended = || io::Error::other("The hashing thread ended early");
        self.full.send(self.piece).map_err(|_| ended())?;
        drop(self.full);
        self.thread.join().map_err(|_| ended())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thread_gives_the_same_digest() {
        let bytes: Vec<u8> = (0..7 * PIECE_BYTES + 13).map(|n| (n % 251) as u8).collect();
        let mut sink = HashSink::new();
        for piece in bytes.chunks(333_333) {
            sink.write_all(piece).unwrap();
        }
        assert!(matches!(sink.state, State::Threaded(_)));
        let tar_bytes = bytes.len() as u64;
        assert_eq!(sink.finish().unwrap(), TarDigest { diff_id: DiffId::of(&bytes), tar_bytes });
    }
}
