//! Copies the files of a layer: several workers read, check and write; one thread computes the tar's sha256 in the
//! layer's order. Memory is bounded: workers run ahead of the hash by a fixed number of bytes.

use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

use buildc_digest::InternalHasher;
use buildc_store::{Entry, EntryKind, TarDigest, TarHasher};
use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use rustix::fs::{Mode, OFlags};

use super::CopyError;
use super::layout::{Content, Planned, What, text};
use super::write::Target;
use crate::cancel::Cancel;

/// Files up to this size travel as one buffer.
const SMALL_BYTES: u64 = 256 << 10;
/// Piece of a larger file.
const CHUNK_BYTES: usize = 512 << 10;
/// Pieces of one large file on their way.
const CHUNKS_AHEAD: usize = 6;
/// How far workers run ahead of the hash.
const AHEAD_BYTES: u64 = 8 << 20;
/// Fewer files than this are not worth a thread.
const PARALLEL_FROM: usize = 16;

/// What a worker hands to the hash for one file.
enum Payload {
    Whole(Vec<u8>),
    Pieces(Receiver<Result<Vec<u8>, CopyError>>),
}

/// Copies all files and returns the tar's sha256.
pub(super) fn run(
    target: &Target<'_>,
    planned: &[(Vec<u8>, Planned)],
    entries: &[Entry],
    cancel: &Cancel,
) -> Result<TarDigest, CopyError> {
    let size = |e: &Entry| if let EntryKind::File { size, .. } = e.kind { Some(size) } else { None };
    let files: Vec<usize> = (0..entries.len()).filter(|at| size(&entries[*at]).is_some()).collect();
    let large = entries.iter().any(|e| size(e).is_some_and(|s| s > SMALL_BYTES));
    let cores = std::thread::available_parallelism().map_or(1, usize::from).min(4);
    let workers = if large || files.len() >= PARALLEL_FROM { cores.min(files.len()) } else { 0 };
    let copier = Copier { target, planned, entries, cancel, buffers: Buffers::new() };
    let ahead = Ahead::new(&files, entries);
    let (sender, done) = unbounded();
    std::thread::scope(|scope| {
        for _ in 0..workers {
            let (copier, ahead, sender) = (&copier, &ahead, sender.clone());
            scope.spawn(move || {
                while let Some(at) = ahead.next() {
                    if !copier.file(at, &sender) {
                        ahead.stop();
                    }
                }
            });
        }
        drop(sender);
        let result = if workers == 0 { copier.alone() } else { copier.in_order(done, &ahead) };
        ahead.stop();
        result
    })
}

struct Copier<'c> {
    target: &'c Target<'c>,
    planned: &'c [(Vec<u8>, Planned)],
    entries: &'c [Entry],
    cancel: &'c Cancel,
    buffers: Buffers,
}

type Handed = (usize, Result<Payload, CopyError>);

impl Copier<'_> {
    /// Everything on this thread: a handful of small files.
    fn alone(&self) -> Result<TarDigest, CopyError> {
        let mut hasher = TarHasher::new();
        for (at, entry) in self.entries.iter().enumerate() {
            hasher.entry(entry)?;
            if matches!(entry.kind, EntryKind::File { .. }) {
                hasher.data(&self.small(at)?)?;
            } else {
                self.target.special(entry)?;
            }
        }
        Ok(hasher.finish()?)
    }

    /// The tar in order, from what the workers hand over in any order.
    fn in_order(&self, done: Receiver<Handed>, ahead: &Ahead<'_>) -> Result<TarDigest, CopyError> {
        let mut hasher = TarHasher::new();
        let mut early = std::collections::HashMap::new();
        for (at, entry) in self.entries.iter().enumerate() {
            if self.cancel.is_cancelled() {
                return Err(CopyError::Cancelled);
            }
            hasher.entry(entry)?;
            let EntryKind::File { size, .. } = entry.kind else {
                self.target.special(entry)?;
                continue;
            };
            let payload = loop {
                if let Some(payload) = early.remove(&at) {
                    break payload;
                }
                let (ready, payload) = done.recv().map_err(|_| CopyError::Cancelled)?;
                early.insert(ready, payload?);
            };
            match payload {
                Payload::Whole(bytes) => {
                    hasher.data(&bytes)?;
                    self.buffers.give(bytes);
                    ahead.passed(size);
                }
                Payload::Pieces(pieces) => {
                    for piece in pieces {
                        let piece = piece?;
                        hasher.data(&piece)?;
                        self.buffers.give(piece);
                    }
                }
            }
        }
        Ok(hasher.finish()?)
    }

    /// One file, by a worker; false when it failed.
    fn file(&self, at: usize, sender: &Sender<Handed>) -> bool {
        let EntryKind::File { size, .. } = self.entries[at].kind else { return true };
        if self.cancel.is_cancelled() {
            return false;
        }
        if size <= SMALL_BYTES {
            let copied = self.small(at);
            let fine = copied.is_ok();
            return sender.send((at, copied.map(Payload::Whole))).is_ok() && fine;
        }
        let (pieces, receiver) = bounded(CHUNKS_AHEAD);
        if sender.send((at, Ok(Payload::Pieces(receiver)))).is_err() {
            return false;
        }
        match self.large(at, &pieces) {
            Ok(()) => true,
            Err(e) => {
                // Nobody listens when the whole copy has failed already.
                let _ = pieces.send(Err(e));
                false
            }
        }
    }

    fn content(&self, at: usize) -> Option<&Content> {
        if let What::File(content) = &self.planned[at].1.what { Some(content) } else { None }
    }

    /// Copies one file through one buffer and returns its bytes.
    fn small(&self, at: usize) -> Result<Vec<u8>, CopyError> {
        let entry = &self.entries[at];
        let EntryKind::File { size, .. } = entry.kind else { return Ok(Vec::new()) };
        let Some(content) = self.content(at) else { return Ok(Vec::new()) };
        let mut bytes = self.buffers.take();
        let source = self.open(content, entry)?;
        match (&source, content) {
            (None, Content::Inline(data)) => bytes.extend_from_slice(data),
            (None, _) => {}
            (Some(fd), _) => {
                // One byte more than expected, so that a file that grew is noticed.
                bytes.resize(usize::try_from(size).unwrap_or(0) + 1, 0);
                let n = read_full(fd, &mut bytes, entry)?;
                bytes.truncate(n);
            }
        }
        let mut hasher = InternalHasher::new();
        hasher.update(&bytes);
        self.check(content, entry, source.as_ref(), &hasher, bytes.len() as u64)?;
        if let (Content::Staged { .. }, Some(fd)) = (content, &source) {
            self.target.dress(fd, entry)?;
        } else {
            let fd = self.target.create(&entry.path)?;
            write_all(&fd, &bytes, entry)?;
            self.target.dress(&fd, entry)?;
        }
        Ok(bytes)
    }

    /// Copies one file in pieces that are handed over as they are read.
    fn large(&self, at: usize, pieces: &Sender<Result<Vec<u8>, CopyError>>) -> Result<(), CopyError> {
        let (entry, Some(content)) = (&self.entries[at], self.content(at)) else { return Ok(()) };
        let inline = if let Content::Inline(data) = content { Some(data) } else { None };
        let source = self.open(content, entry)?;
        let staged = matches!(content, Content::Staged { .. });
        let written = if staged { None } else { Some(self.target.create(&entry.path)?) };
        let mut hasher = InternalHasher::new();
        let mut copied = 0;
        loop {
            if self.cancel.is_cancelled() {
                return Err(CopyError::Cancelled);
            }
            let mut piece = self.buffers.take();
            match (inline, &source) {
                (Some(data), _) => piece.extend(data.iter().skip(copied).take(CHUNK_BYTES)),
                (None, Some(fd)) => {
                    piece.resize(CHUNK_BYTES, 0);
                    let n = read_full(fd, &mut piece, entry)?;
                    piece.truncate(n);
                }
                (None, None) => {}
            }
            if piece.is_empty() {
                break;
            }
            copied += piece.len();
            if let Some(fd) = &written {
                write_all(fd, &piece, entry)?;
            }
            hasher.update(&piece);
            if pieces.send(Ok(piece)).is_err() {
                return Err(CopyError::Cancelled);
            }
        }
        self.check(content, entry, source.as_ref(), &hasher, copied as u64)?;
        written.as_ref().or(source.as_ref()).map_or(Ok(()), |fd| self.target.dress(fd, entry))
    }

    /// The file that bytes come from; `None` for inline text.
    fn open(&self, content: &Content, entry: &Entry) -> Result<Option<OwnedFd>, CopyError> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match content {
            Content::Inline(_) => Ok(None),
            Content::Staged { path, .. } => self.target.move_in(path, entry).map(Some),
            Content::Layer { path, .. } => {
                rustix::fs::open(path, flags, Mode::empty()).map(Some).map_err(CopyError::io("Opening", path))
            }
            Content::Context { source, path, .. } => {
                let Some(context) = self.target.sources[*source].context else { return Ok(None) };
                let opened = crate::context::open_file(context.fd(), path);
                opened.map(Some).map_err(|_| self.changed(*source, path))
            }
        }
    }

    fn changed(&self, source: usize, path: &[u8]) -> CopyError {
        CopyError::Changed { context: self.target.sources[source].name.clone(), path: path.to_vec() }
    }

    /// What was copied is what was selected: by stamp and hash for a context's file, by hash for any other.
    fn check(
        &self,
        content: &Content,
        entry: &Entry,
        source: Option<&OwnedFd>,
        hasher: &InternalHasher,
        copied: u64,
    ) -> Result<(), CopyError> {
        let EntryKind::File { size, hash } = entry.kind else { return Ok(()) };
        let same = copied == size && hasher.file() == hash;
        match (content, source) {
            (Content::Context { source, path, stamp, .. }, Some(fd)) => {
                let held = crate::context::stamp_of(fd).is_ok_and(|now| now == *stamp);
                if same && held { Ok(()) } else { Err(self.changed(*source, path)) }
            }
            _ if same => Ok(()),
            _ => Err(CopyError::Corrupt { path: text(&entry.path) }),
        }
    }
}

/// Fills the buffer as far as the file goes.
fn read_full(fd: &OwnedFd, buffer: &mut [u8], entry: &Entry) -> Result<usize, CopyError> {
    let mut n = 0;
    while n < buffer.len() {
        match rustix::io::read(fd, &mut buffer[n..]) {
            Ok(0) => break,
            Ok(more) => n += more,
            Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(CopyError::io("Reading", text(&entry.path))(e)),
        }
    }
    Ok(n)
}

fn write_all(fd: &OwnedFd, mut bytes: &[u8], entry: &Entry) -> Result<(), CopyError> {
    while !bytes.is_empty() {
        match rustix::io::write(fd, bytes) {
            Ok(n) => bytes = &bytes[n..],
            Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(CopyError::io("Writing", text(&entry.path))(e)),
        }
    }
    Ok(())
}

/// Buffers in turn, so that pages are not faulted in again for every file.
struct Buffers(Sender<Vec<u8>>, Receiver<Vec<u8>>);

impl Buffers {
    fn new() -> Self {
        let (give, take) = bounded(16);
        Self(give, take)
    }

    fn take(&self) -> Vec<u8> {
        self.1.try_recv().unwrap_or_default()
    }

    fn give(&self, mut buffer: Vec<u8>) {
        buffer.clear();
        // A full pool lets the buffer go.
        let _ = self.0.try_send(buffer);
    }
}

/// Gives out files in order and holds workers back when they are too far ahead of the hash. The file whose turn it is
/// is always given out, so nobody waits for ever.
struct Ahead<'a> {
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
    fn new(files: &'a [usize], entries: &'a [Entry]) -> Self {
        let stopped = AtomicBool::new(false);
        Self { files, entries, state: Mutex::default(), room: Condvar::new(), stopped }
    }

    fn next(&self) -> Option<usize> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let at = *self.files.get(state.next)?;
            if self.stopped.load(Ordering::Acquire) {
                return None;
            }
            let size = match self.entries[at].kind {
                EntryKind::File { size, .. } if size <= SMALL_BYTES => size,
                _ => 0,
            };
            if state.bytes == 0 || state.bytes + size <= AHEAD_BYTES {
                state.bytes += size;
                state.next += 1;
                return Some(at);
            }
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A small file's bytes are hashed.
    fn passed(&self, bytes: u64) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).bytes -= bytes;
        self.room.notify_all();
    }

    fn stop(&self) {
        let _state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.stopped.store(true, Ordering::Release);
        self.room.notify_all();
    }
}
