//! Bytes of files: handed to the kernel to read by itself where it may (passthrough), or read here.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use fuser::{BackingId, ReplyOpen};

/// Files that the kernel is given; each costs it an open file until the command has ended.
const MAX_BACKING: usize = 8192;
/// Files that are open here at once.
const MAX_OPEN: usize = 128;

/// Open files by inode.
#[derive(Debug, Default)]
pub(super) struct Backing {
    passthrough: AtomicBool,
    /// Kept until the end: while any handle of an inode is open it must always be the same.
    ids: Mutex<HashMap<u64, Arc<BackingId>>>,
    /// The last used at the end.
    open: Mutex<VecDeque<(u64, Arc<File>)>>,
}

impl Backing {
    /// The kernel has said that it can read by itself.
    pub fn allow_passthrough(&self) {
        self.passthrough.store(true, Ordering::Relaxed);
    }

    /// What to answer an open with; `None` where the bytes are to be asked for here.
    pub fn id(&self, ino: u64, place: &Path, reply: &ReplyOpen) -> io::Result<Option<Arc<BackingId>>> {
        if !self.passthrough.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(id) = ids.get(&ino) {
            return Ok(Some(id.clone()));
        }
        if ids.len() >= MAX_BACKING {
            return Ok(None);
        }
        let file = File::open(place)?;
        match reply.open_backing(&file) {
            Ok(id) => Ok(Some(ids.entry(ino).or_insert(Arc::new(id)).clone())),
            // Not allowed (a user namespace), or the store lies on a stacked file system: the same holds for all files.
            Err(_) => {
                self.passthrough.store(false, Ordering::Relaxed);
                Ok(None)
            }
        }
    }

    /// Reads at most `size` bytes.
    pub fn read(&self, ino: u64, place: &Path, offset: u64, size: u32) -> io::Result<Vec<u8>> {
        let file = self.file(ino, place)?;
        let mut bytes = vec![0; size as usize];
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match file.read_at(rest, offset + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }

    /// The file, opened if it is not.
    pub fn file(&self, ino: u64, place: &Path) -> io::Result<Arc<File>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = open.iter().position(|(known, _)| *known == ino)
            && let Some(entry) = open.remove(at)
        {
            let file = entry.1.clone();
            open.push_back(entry);
            return Ok(file);
        }
        let file = Arc::new(File::open(place)?);
        if open.len() >= MAX_OPEN {
            open.pop_front();
        }
        open.push_back((ino, file.clone()));
        Ok(file)
    }
}
