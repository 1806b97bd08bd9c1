//! Copies the files of a layer: several workers read, check and write; one thread computes the tar's sha256 in the
//! layer's order. Memory is bounded: workers run ahead of the hash by a fixed number of bytes. Small files travel in
//! batches, since waking a thread costs as much as copying one.

use std::collections::HashMap;
use std::ops::Range;
use std::os::fd::OwnedFd;

use buildc_digest::InternalHasher;
use buildc_store::{Entry, EntryKind, TarDigest, TarHasher};
use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use rustix::fs::{Mode, OFlags};

use super::CopyError;
use super::ahead::{Ahead, Buffers, is_small};
use super::layout::{Content, What, text};
use super::near::OpenDirs;
use super::write::Target;
use crate::cancel::Cancel;

/// Piece of a larger file.
const CHUNK_BYTES: usize = 512 << 10;
/// Pieces of one large file on their way.
const CHUNKS_AHEAD: usize = 6;
/// Fewer files than this are not worth a thread.
const PARALLEL_FROM: usize = 16;

/// The bytes of some neighbouring small files.
#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    /// Where each file ends.
    ends: Vec<usize>,
}

/// What a worker hands to the hash: a batch of small files, or one large file in pieces.
enum Payload {
    Batch(Batch),
    Pieces(Receiver<Result<Vec<u8>, CopyError>>),
}

/// A payload with the place of its first file among the files.
type Handed = (usize, Result<Payload, CopyError>);

/// Copies all files and returns the tar's sha256.
pub(super) fn run(
    target: &Target<'_>,
    planned: &[What],
    entries: &[Entry],
    cancel: &Cancel,
) -> Result<TarDigest, CopyError> {
    let is_file = |e: &Entry| matches!(e.kind, EntryKind::File { .. });
    let files: Vec<usize> = (0..entries.len()).filter(|at| is_file(&entries[*at])).collect();
    let large = files.iter().any(|at| !is_small(&entries[*at]));
    let cores = std::thread::available_parallelism().map_or(1, usize::from).min(4);
    let workers = if large || files.len() >= PARALLEL_FROM { cores.min(files.len()) } else { 0 };
    let shares = target.donor.map_or_else(Vec::new, |donor| donor.shares(entries));
    let copier = Copier { target, planned, entries, files: &files, shares, cancel, buffers: Buffers::new() };
    let ahead = Ahead::new(&files, entries);
    let (sender, done) = unbounded();
    std::thread::scope(|scope| {
        for _ in 0..workers {
            let (copier, ahead, sender) = (&copier, &ahead, sender.clone());
            scope.spawn(move || {
                while let Some(range) = ahead.next() {
                    if !copier.hand_over(range, &sender) {
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
    planned: &'c [What],
    entries: &'c [Entry],
    /// Positions of the regular files among the entries.
    files: &'c [usize],
    /// Which entries the donor has; empty without one.
    shares: Vec<bool>,
    cancel: &'c Cancel,
    buffers: Buffers,
}

impl Copier<'_> {
    /// Everything on this thread: a handful of small files.
    fn alone(&self) -> Result<TarDigest, CopyError> {
        let mut hasher = TarHasher::new();
        let mut buffer = Vec::new();
        let mut dirs = OpenDirs::default();
        for (at, entry) in self.entries.iter().enumerate() {
            hasher.entry(entry)?;
            if matches!(entry.kind, EntryKind::File { .. }) {
                buffer.clear();
                self.small(at, &mut buffer, &mut dirs)?;
                hasher.data(&buffer)?;
            } else {
                self.target.special(entry)?;
            }
        }
        Ok(hasher.finish()?)
    }

    /// The tar in order, from what the workers hand over in any order.
    fn in_order(&self, done: Receiver<Handed>, ahead: &Ahead<'_>) -> Result<TarDigest, CopyError> {
        let mut hasher = TarHasher::on_this_thread();
        let mut early = HashMap::new();
        let mut batch = Batch::default();
        // Next file among the files, and next one of the batch.
        let (mut file, mut next) = (0, 0);
        for entry in self.entries {
            if self.cancel.is_cancelled() {
                return Err(CopyError::Cancelled);
            }
            hasher.entry(entry)?;
            if !matches!(entry.kind, EntryKind::File { .. }) {
                self.target.special(entry)?;
                continue;
            }
            if next == batch.ends.len() {
                ahead.passed(batch.bytes.len() as u64);
                self.buffers.give(std::mem::take(&mut batch).bytes);
                next = 0;
                match wait_for(file, &done, &mut early)? {
                    Payload::Batch(new) => batch = new,
                    Payload::Pieces(pieces) => self.pieces(&pieces, &mut hasher)?,
                }
            }
            if let Some(&end) = batch.ends.get(next) {
                let start = next.checked_sub(1).map_or(0, |before| batch.ends[before]);
                hasher.data(&batch.bytes[start..end])?;
                next += 1;
            }
            file += 1;
        }
        Ok(hasher.finish()?)
    }

    fn pieces(
        &self,
        pieces: &Receiver<Result<Vec<u8>, CopyError>>,
        hasher: &mut TarHasher,
    ) -> Result<(), CopyError> {
        for piece in pieces {
            let piece = piece?;
            hasher.data(&piece)?;
            self.buffers.give(piece);
        }
        Ok(())
    }

    /// Some neighbouring files, by a worker; false when one failed.
    fn hand_over(&self, range: Range<usize>, sender: &Sender<Handed>) -> bool {
        let first = range.start;
        let at = self.files[first];
        if range.len() > 1 || is_small(&self.entries[at]) {
            let copied = self.batch(range);
            let fine = copied.is_ok();
            return sender.send((first, copied.map(Payload::Batch))).is_ok() && fine;
        }
        let (pieces, receiver) = bounded(CHUNKS_AHEAD);
        if sender.send((first, Ok(Payload::Pieces(receiver)))).is_err() {
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

    fn batch(&self, range: Range<usize>) -> Result<Batch, CopyError> {
        let files = &self.files[range];
        let mut batch = Batch { bytes: self.buffers.take(), ends: Vec::with_capacity(files.len()) };
        batch.bytes.reserve(files.iter().map(|at| small_bytes(&self.entries[*at])).sum());
        let mut dirs = OpenDirs::default();
        for at in files {
            if self.cancel.is_cancelled() {
                return Err(CopyError::Cancelled);
            }
            self.small(*at, &mut batch.bytes, &mut dirs)?;
            batch.ends.push(batch.bytes.len());
        }
        Ok(batch)
    }

    fn content(&self, at: usize) -> Option<&Content> {
        if let What::File(content) = &self.planned[at] { Some(content) } else { None }
    }

    /// Copies one file through the end of a buffer, which keeps its bytes.
    fn small(&self, at: usize, buffer: &mut Vec<u8>, dirs: &mut OpenDirs) -> Result<(), CopyError> {
        let entry = &self.entries[at];
        let Some(content) = self.content(at) else { return Ok(()) };
        let start = buffer.len();
        let shared = self.share(at, content, dirs)?;
        let is_shared = shared.is_some();
        let source = if is_shared { shared } else { self.open(content, entry, dirs)? };
        match (&source, content) {
            (None, Content::Inline(data)) => buffer.extend_from_slice(data),
            (None, _) => {}
            (Some(fd), _) => {
                buffer.resize(start + small_bytes(entry), 0);
                let n = read_full(fd, &mut buffer[start..], entry)?;
                buffer.truncate(start + n);
            }
        }
        let bytes = &buffer[start..];
        if is_shared {
            return whole(entry, bytes.len() as u64);
        }
        let mut hasher = InternalHasher::new();
        hasher.update(bytes);
        self.check(content, entry, &hasher, bytes.len() as u64)?;
        if let (Content::Staged { .. }, Some(fd)) = (content, &source) {
            return self.target.dress(fd, entry);
        }
        let fd = self.target.create_near(entry, dirs)?;
        write_all(&fd, bytes, entry)?;
        self.target.dress(&fd, entry)
    }

    /// Copies one file in pieces that are handed over as they are read.
    fn large(&self, at: usize, pieces: &Sender<Result<Vec<u8>, CopyError>>) -> Result<(), CopyError> {
        let (entry, Some(content)) = (&self.entries[at], self.content(at)) else { return Ok(()) };
        let inline = if let Content::Inline(data) = content { Some(data) } else { None };
        let mut dirs = OpenDirs::default();
        let shared = self.share(at, content, &mut dirs)?;
        let is_shared = shared.is_some();
        let source = if is_shared { shared } else { self.open(content, entry, &mut dirs)? };
        let is_there = is_shared || matches!(content, Content::Staged { .. });
        let written = if is_there { None } else { Some(self.target.create(&entry.path)?) };
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
            if !is_shared {
                hasher.update(&piece);
            }
            if pieces.send(Ok(piece)).is_err() {
                return Err(CopyError::Cancelled);
            }
        }
        if is_shared {
            return whole(entry, copied as u64);
        }
        self.check(content, entry, &hasher, copied as u64)?;
        written.as_ref().or(source.as_ref()).map_or(Ok(()), |fd| self.target.dress(fd, entry))
    }

    /// Shares a file with the donor, if it has it.
    fn share(&self, at: usize, content: &Content, dirs: &mut OpenDirs) -> Result<Option<OwnedFd>, CopyError> {
        let can = matches!(content, Content::Context { .. } | Content::Layer { .. })
            && self.shares.get(at).copied().unwrap_or_default();
        if can { self.target.share(&self.entries[at], dirs) } else { Ok(None) }
    }

    /// The file that bytes come from; `None` for inline text.
    fn open(
        &self,
        content: &Content,
        entry: &Entry,
        dirs: &mut OpenDirs,
    ) -> Result<Option<OwnedFd>, CopyError> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match content {
            Content::Inline(_) => Ok(None),
            Content::Staged { path, .. } => self.target.move_in(path, entry).map(Some),
            Content::Layer { path, .. } => {
                rustix::fs::open(path, flags, Mode::empty()).map(Some).map_err(CopyError::io("Opening", path))
            }
            Content::Context { source, path, .. } => {
                let Some(context) = self.target.sources[*source].context else { return Ok(None) };
                let opened = dirs.open_source(*source, context, path);
                opened.map(Some).map_err(|_| self.changed(*source, path))
            }
        }
    }

    fn changed(&self, source: usize, path: &[u8]) -> CopyError {
        CopyError::Changed { context: self.target.sources[source].name.clone(), path: path.to_vec() }
    }

    /// What was copied is what was selected. A file of a context may have grown or been touched since: what the layer
    /// holds is nevertheless what its keys speak of.
    fn check(
        &self,
        content: &Content,
        entry: &Entry,
        hasher: &InternalHasher,
        copied: u64,
    ) -> Result<(), CopyError> {
        let EntryKind::File { size, hash } = entry.kind else { return Ok(()) };
        if copied == size && hasher.file() == hash {
            return Ok(());
        }
        match content {
            Content::Context { source, path, .. } => Err(self.changed(*source, path)),
            _ => Err(CopyError::Corrupt { path: text(&entry.path) }),
        }
    }
}

/// What is shared was hashed when its layer was sealed, and sealed layers do not change: only its length is compared.
fn whole(entry: &Entry, copied: u64) -> Result<(), CopyError> {
    if copied == entry.size_bytes() { Ok(()) } else { Err(CopyError::Corrupt { path: text(&entry.path) }) }
}

/// Length of a file that travels in a batch.
fn small_bytes(entry: &Entry) -> usize {
    let EntryKind::File { size, .. } = entry.kind else { return 0 };
    usize::try_from(size).unwrap_or(0)
}

/// The payload that begins with a file; others that come first are put aside.
fn wait_for(
    file: usize,
    done: &Receiver<Handed>,
    early: &mut HashMap<usize, Payload>,
) -> Result<Payload, CopyError> {
    loop {
        if let Some(payload) = early.remove(&file) {
            return Ok(payload);
        }
        let (first, payload) = done.recv().map_err(|_| CopyError::Cancelled)?;
        early.insert(first, payload?);
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
