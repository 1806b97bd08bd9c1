//! Sealing what lies on disk: every file is read once and hashed twice (blake3 here, sha256 of the tar in
//! [`TarHasher`]).

use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use buildc_digest::{FileHash, InternalHasher};

use super::pending::RootAttributes;
use super::walk::Walk;
use crate::entry::{Entry, EntryKind, shown};
use crate::error::{Result, StoreError};
use crate::manifest::{ManifestWriter, PackedManifest};
use crate::tar::{TarDigest, TarHasher};

/// Bytes read at once.
const BUFFER_BYTES: usize = 1 << 20;

/// What a sealed directory became.
#[derive(Debug)]
pub(super) struct SealedDirectory {
    pub manifest: PackedManifest,
    pub tar: TarDigest,
}

/// Walks and hashes an overlayfs upper.
pub(super) fn seal_directory(root: &Path, started: RootAttributes) -> Result<SealedDirectory> {
    let mut manifest = ManifestWriter::new();
    let mut tar = TarHasher::new();
    let mut buffer = Vec::new();
    let (mut walk, root_entry) = Walk::begin(root, started)?;
    if let Some(entry) = root_entry {
        tar.entry(&entry)?;
        manifest.push(&entry)?;
    }
    while let Some((mut entry, disk)) = walk.next_entry()? {
        tar.entry(&entry)?;
        if let EntryKind::File { size, .. } = entry.kind {
            let hash = hash_file(&disk, size, &mut tar, &mut buffer, &entry)?;
            entry.kind = EntryKind::File { size, hash };
        }
        manifest.push(&entry)?;
    }
    Ok(SealedDirectory { manifest: manifest.finish()?, tar: tar.finish()? })
}

fn hash_file(
    disk: &Path,
    size: u64,
    tar: &mut TarHasher,
    buffer: &mut Vec<u8>,
    entry: &Entry,
) -> Result<FileHash> {
    let mut hasher = InternalHasher::new();
    if size == 0 {
        return Ok(hasher.file());
    }
    // The buffer grows with the largest file met, so that a layer of a few small files touches little memory.
    let wanted = usize::try_from(size).unwrap_or(BUFFER_BYTES).min(BUFFER_BYTES);
    if buffer.len() < wanted {
        buffer.resize(wanted, 0);
    }
    let mut file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(disk)
        .map_err(StoreError::io("open", disk))?;
    let mut remaining = size;
    while remaining > 0 {
        let limit = usize::try_from(remaining).unwrap_or(usize::MAX).min(buffer.len());
        let space = buffer.get_mut(..limit).unwrap_or_default();
        let read = file.read(space).map_err(StoreError::io("read", disk))?;
        if read == 0 {
            let problem = "It became shorter while it was read";
            return Err(StoreError::InvalidEntry { path: shown(&entry.path), problem });
        }
        let bytes = space.get(..read).unwrap_or_default();
        hasher.update(bytes);
        tar.data(bytes)?;
        remaining -= read as u64;
    }
    Ok(hasher.file())
}
