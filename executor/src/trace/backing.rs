//! Bytes of files, for the kernel's cache to keep.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// Files that are open here at once.
const MAX_OPEN: usize = 128;

/// Open files by inode.
#[derive(Debug, Default)]
pub(super) struct Backing {
    /// The last used at the end.
    open: Mutex<VecDeque<(u64, Arc<File>)>>,
}

impl Backing {
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
