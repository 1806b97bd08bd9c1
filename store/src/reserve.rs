//! Room that is kept for making room: on a full disk neither the index nor the names of what is moved aside could be written,
//! and a prune would fail of what it is to mend.
//!
//! Owns: the file `reserve`, which holds nothing. Never does: deciding when it is given up; that is for commands that free.

use std::fs::File;
use std::path::Path;

use rustix::fs::{FallocateFlags, fallocate};

use crate::Store;

/// Enough for the index's log and its shared memory while some thousand rows go.
const BYTES: u64 = 4 << 20;

impl Store {
    /// Gives up the room that the store in `root` keeps; whether there was any. What writes next takes it again.
    pub fn release_reserve(root: &Path) -> bool {
        std::fs::remove_file(root.join("reserve")).is_ok()
    }

    /// Takes the room unless it is there. Without it everything works but a prune on a full disk, so a refusal is none.
    pub(crate) fn keep_reserve(&self) {
        let path = self.layout().reserve();
        if path.metadata().is_ok_and(|metadata| metadata.len() >= BYTES) {
            return;
        }
        let Ok(file) = File::options().create(true).truncate(false).write(true).open(&path) else { return };
        if fallocate(&file, FallocateFlags::empty(), 0, BYTES).is_err() {
            let _ = std::fs::remove_file(&path);
        }
    }

    /// Runs what frees space, and on a full disk once more with the reserve.
    ///
    /// # Errors
    /// Those of `work`.
    pub fn freeing<T>(&self, work: impl Fn() -> crate::Result<T>) -> crate::Result<T> {
        match work() {
            Err(crate::StoreError::DiskFull { .. }) if Self::release_reserve(self.root()) => {
                let result = work();
                self.keep_reserve();
                result
            }
            result => result,
        }
    }
}
