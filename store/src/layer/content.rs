//! Reading the bytes of a layer's files, each checked against the hash in its entry.
//!
//! Owns: that what is read of a file is what the layer was made with. Never does: headers, or what becomes of the bytes.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use buildc_digest::{FileHash, InternalHasher};

use crate::error::{Result, StoreError};

/// Bytes moved at once.
pub(super) const BUFFER_BYTES: usize = 1 << 20;

/// Hands the bytes of `name` below `files` to `take`, never more than `size`. [`StoreError::FileDamaged`] arrives after the
/// last one; what was made of them must then be thrown away.
pub(super) fn read_checked(
    files: &Path,
    name: &[u8],
    (size, hash): (u64, FileHash),
    buffer: &mut [u8],
    mut take: impl FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let path = files.join(OsStr::from_bytes(name));
    let mut file = File::open(&path).map_err(StoreError::io("open", &path))?;
    let mut hasher = InternalHasher::new();
    let mut left = size;
    loop {
        let read = file.read(buffer).map_err(StoreError::io("read", &path))?;
        let bytes = buffer.get(..read).unwrap_or_default();
        if bytes.is_empty() {
            break;
        }
        let Some(after) = left.checked_sub(read as u64) else {
            return Err(StoreError::FileDamaged { path });
        };
        left = after;
        hasher.update(bytes);
        take(bytes)?;
    }
    if left > 0 || hasher.file() != hash {
        return Err(StoreError::FileDamaged { path });
    }
    Ok(())
}
