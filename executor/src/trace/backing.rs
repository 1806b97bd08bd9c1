//! Bytes of files, for the kernel's cache to keep.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// Files that are open here at once.
const MAX_OPEN: usize = 128;

thread_local! {
    /// As large as the largest read; a new one for each would cost more than the read.
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Open files by inode.
#[derive(Debug, Default)]
pub(super) struct Backing {
    /// The last used at the end.
    open: Mutex<VecDeque<(u64, Arc<File>)>>,
}

impl Backing {
    /// Reads at most `size` bytes and gives them, or why there are none, to `answer`.
    pub fn read(
        &self,
        ino: u64,
        place: &Path,
        offset: u64,
        size: u32,
        answer: impl FnOnce(io::Result<&[u8]>),
    ) {
        BUFFER.with_borrow_mut(|buffer| {
            let size = size as usize;
            if buffer.len() < size {
                buffer.resize(size, 0);
            }
            let bytes = buffer.get_mut(..size).unwrap_or_default();
            let filled = self.file(ino, place).and_then(|file| fill(&file, bytes, offset));
            answer(filled.map(|filled| bytes.get(..filled).unwrap_or_default()));
        });
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

/// Reads as much as there is.
fn fill(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(filled)
}
