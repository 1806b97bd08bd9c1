//! How far a copy's workers may run ahead of the hash, and which files they take next.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

use buildc_store::{Entry, EntryKind, parent};
use crossbeam_channel::{Receiver, Sender, bounded};

/// Files up to this size are small.
const SMALL_BYTES: u64 = 256 << 10;
/// Most small files of one batch, and their most bytes (one file may have more).
const BATCH_FILES: usize = 128;
const BATCH_BYTES: u64 = 1 << 20;
/// From so many files on a batch ends with its directory: two workers in one directory wait for each other.
const FULL_FILES: usize = 16;
/// How far workers run ahead of the hash.
const AHEAD_BYTES: u64 = 4 << 20;

fn size_of(entry: &Entry) -> u64 {
    if let EntryKind::File { size, .. } = entry.kind { size } else { 0 }
}

/// True for a file that travels in a batch.
pub(super) fn is_small(entry: &Entry) -> bool {
    size_of(entry) <= SMALL_BYTES
}

/// Buffers in turn, so that pages are not faulted in again for every file.
pub(super) struct Buffers(Sender<Vec<u8>>, Receiver<Vec<u8>>);

impl Buffers {
    pub(super) fn new() -> Self {
        let (give, take) = bounded(16);
        Self(give, take)
    }

    pub(super) fn take(&self) -> Vec<u8> {
        self.1.try_recv().unwrap_or_default()
    }

    pub(super) fn give(&self, mut buffer: Vec<u8>) {
        buffer.clear();
        // A full pool lets the buffer go.
        let _ = self.0.try_send(buffer);
    }
}

/// Gives out files in order and holds workers back when they are too far ahead of the hash. The file whose turn it is
/// is always given out, so nobody waits for ever.
pub(super) struct Ahead<'a> {
    files: &'a [usize],
    entries: &'a [Entry],
    state: Mutex<AheadState>,
    room: Condvar,
    stopped: AtomicBool,
}

#[derive(Default)]
struct AheadState {
    next: usize,
    bytes: u64,
}

impl<'a> Ahead<'a> {
    pub(super) fn new(files: &'a [usize], entries: &'a [Entry]) -> Self {
        let stopped = AtomicBool::new(false);
        Self { files, entries, state: Mutex::default(), room: Condvar::new(), stopped }
    }

    /// The next files: several small ones or one large one.
    pub(super) fn next(&self) -> Option<Range<usize>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if self.stopped.load(Ordering::Acquire) || state.next == self.files.len() {
                return None;
            }
            let (range, bytes) = self.batch(state.next);
            if state.bytes == 0 || state.bytes + bytes <= AHEAD_BYTES {
                state.bytes += bytes;
                state.next = range.end;
                return Some(range);
            }
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn batch(&self, start: usize) -> (Range<usize>, u64) {
        let (mut end, mut bytes) = (start, 0);
        while let Some(entry) = self.files.get(end).map(|at| &self.entries[*at]) {
            let size = size_of(entry);
            let ends_dir =
                |end: usize| parent(&self.entries[self.files[end - 1]].path) != parent(&entry.path);
            let fits = end == start
                || (bytes + size <= BATCH_BYTES
                    && end - start < BATCH_FILES
                    && !(end - start >= FULL_FILES && ends_dir(end)));
            if !is_small(entry) || !fits {
                break;
            }
            (end, bytes) = (end + 1, bytes + size);
        }
        (start..end.max(start + 1), bytes)
    }

    /// So many bytes of small files are hashed.
    pub(super) fn passed(&self, bytes: u64) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).bytes -= bytes;
        self.room.notify_all();
    }

    pub(super) fn stop(&self) {
        let _state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.stopped.store(true, Ordering::Release);
        self.room.notify_all();
    }
}
