//! Unpacking of local archives (ADD): every entry is laid out like any other, files are staged beside the layer while
//! they are read. The destination is the root of the archive's names, and links on the way are followed as if it were one;
//! an entry whose name leaves it is refused.

use std::collections::{HashMap, HashSet};
use std::io::{self, Read, Write};
use std::ops::Range;
use std::path::Path;

use buildc_digest::InternalHasher;
use buildc_store::{
    Content as Stored, MAX_ARCHIVE_METADATA_BYTES, StoreError, TarItem, TarReader, leave_hole,
    too_much_metadata,
};
use tar::EntryType;

use super::layout::{Content, Layout, LinkGroup, NewDir, Planned, What, text};
use super::{CopyError, compression};
use crate::cancel::Cancel;
use crate::select::{join, split};

/// Seconds that an entry's time may have; any other becomes the beginning of time, as in BuildKit: its nanoseconds since then
/// have 63 bits.
const KNOWN_TIMES: Range<i64> = 0..i64::MAX / 1_000_000_000;

/// Where and how an archive is unpacked.
#[derive(Debug)]
pub(super) struct Into<'d> {
    pub dest: &'d [u8],
    /// `--chown`, which wins over the archive's owners.
    pub owner: Option<(u32, u32)>,
    pub new_dir: NewDir,
    /// Directory for the files' bytes; same file system as the layer.
    pub staging: &'d Path,
    pub cancel: &'d Cancel,
}

/// Unpacks `file` if it is an archive; false when it is none.
pub(super) fn unpack(
    file: std::fs::File,
    name: &str,
    layout: &mut Layout<'_>,
    into: &Into<'_>,
) -> Result<bool, CopyError> {
    let unreadable = |source| CopyError::Archive { archive: name.to_owned(), source };
    let Some(reader) = compression::tar_inside(file).map_err(unreadable)? else { return Ok(false) };
    let dest = layout.resolve(into.dest)?;
    layout.make_dirs(&dest, into.new_dir)?;
    let mut unpacker = Unpacker {
        name,
        into,
        dest,
        dirs: HashSet::new(),
        buffer: vec![0; 64 << 10],
        linked: HashMap::new(),
    };
    let mut reader = TarReader::new(reader);
    while let Some(item) = reader.next_item().map_err(|e| unpacker.failed(e))? {
        if into.cancel.is_cancelled() {
            return Err(CopyError::Cancelled);
        }
        unpacker.entry(item, &mut reader, layout)?;
        if layout.memory_bytes() > MAX_ARCHIVE_METADATA_BYTES {
            return Err(unreadable(io::Error::other(too_much_metadata())));
        }
    }
    for (names, last) in unpacker.linked.values() {
        names.iter().for_each(|name| layout.agree(name, last));
    }
    Ok(true)
}

type Reader = TarReader<Box<dyn Read>>;

struct Unpacker<'u> {
    name: &'u str,
    into: &'u Into<'u>,
    /// Real path of the destination.
    dest: Vec<u8>,
    /// Directories of the layer that the archive has, with a time of its own.
    dirs: HashSet<Vec<u8>>,
    buffer: Vec<u8>,
    /// Files with several names: the names, and what the last one said.
    linked: HashMap<LinkGroup, (Vec<Vec<u8>>, Planned)>,
}

impl Unpacker<'_> {
    /// What the reader says, in the words of ADD.
    fn failed(&self, error: StoreError) -> CopyError {
        let archive = self.name.to_owned();
        let damaged = |problem| CopyError::Archive { archive, source: io::Error::other(problem) };
        match error {
            StoreError::TarEntry { path, problem } => {
                CopyError::UnsafeEntry { archive: self.name.to_owned(), entry: path, reason: problem.into() }
            }
            StoreError::Tar { problem } => damaged(problem),
            StoreError::TarCutOff => damaged("it ends in the middle of an entry".to_owned()),
            error => error.into(),
        }
    }

    fn refused(&self, entry: &[u8], reason: &'static str) -> CopyError {
        CopyError::UnsafeEntry { archive: self.name.to_owned(), entry: text(entry), reason: reason.into() }
    }

    fn entry(
        &mut self,
        item: TarItem,
        reader: &mut Reader,
        layout: &mut Layout<'_>,
    ) -> Result<(), CopyError> {
        let name = self.clean(&item.name)?;
        if name.is_empty() {
            return Ok(());
        }
        let path = self.locate(&name, layout)?;
        let (major, minor) = item.device;
        let what = match item.kind {
            EntryType::Link => return self.hard_link(item, path, layout),
            _ if item.is_dir() => {
                self.dirs.insert(path.clone());
                What::Dir { opaque: false }
            }
            EntryType::Symlink => What::Symlink(item.link.clone()),
            EntryType::Fifo => What::Fifo,
            EntryType::Char if item.device == (0, 0) => {
                return Err(self.refused(&item.name, "character device 0:0 means a removal in layers"));
            }
            EntryType::Char => What::Char(major, minor),
            EntryType::Block => What::Block(major, minor),
            EntryType::Regular | EntryType::Continuous => {
                let number = layout.next_staged();
                What::File(self.stage(reader, number)?)
            }
            _ => return Err(self.refused(&item.name, "its type is unknown")),
        };
        layout.replace(path, self.planned(what, item))
    }

    /// The name below the destination; what would leave it is refused.
    fn clean(&self, written: &[u8]) -> Result<Vec<u8>, CopyError> {
        let mut parts: Vec<&[u8]> = Vec::new();
        for part in written.split(|b| *b == b'/') {
            match part {
                b"" | b"." => {}
                b".." if parts.pop().is_none() => {
                    return Err(self.refused(written, "its name leads out with `..`"));
                }
                b".." => {}
                _ => parts.push(part),
            }
        }
        Ok(parts.join(&b'/'))
    }

    /// The real path of an entry. Its directories are made; one that the archive has no entry for changes now.
    fn locate(&self, name: &[u8], layout: &mut Layout<'_>) -> Result<Vec<u8>, CopyError> {
        let (dirs, last) = split(name);
        let dir = layout.resolve_in(&self.dest, dirs)?;
        layout.make_dirs(&dir, NewDir { mode: 0o755, owner: (0, 0) })?;
        if !self.dirs.contains(&dir) {
            layout.touch(&dir, layout.now());
        }
        Ok(join(&dir, last))
    }

    fn planned(&self, what: What, item: TarItem) -> Planned {
        // Overlayfs' own would make the kernel see another tree than the one that was recorded.
        let kept = |(name, _): &(Vec<u8>, Vec<u8>)| !buildc_store::is_overlay_xattr(name);
        let mut xattrs: Vec<_> = item.xattrs.into_iter().filter(kept).collect();
        xattrs.sort();
        Planned {
            mode: if matches!(what, What::Symlink(_)) { 0o777 } else { item.mode },
            owner: self.into.owner.unwrap_or((item.uid, item.gid)),
            mtime: if KNOWN_TIMES.contains(&item.mtime.0) { item.mtime } else { (0, 0) },
            xattrs,
            link: None,
            what,
        }
    }

    /// Writes an entry's bytes beside the layer, hashing them.
    fn stage(&mut self, reader: &mut Reader, number: u64) -> Result<Content, CopyError> {
        let path = self.into.staging.join(number.to_string());
        let failed = |source| CopyError::Io { what: "Writing", path: path.clone(), source };
        let mut file = std::fs::File::create_new(&path).map_err(failed)?;
        let mut hasher = InternalHasher::new();
        let mut size = 0;
        loop {
            if self.into.cancel.is_cancelled() {
                return Err(CopyError::Cancelled);
            }
            let written = match reader.next_content(&mut self.buffer).map_err(|e| self.failed(e))? {
                Stored::End => return Ok(Content::Staged { path, size, hash: hasher.file() }),
                Stored::Hole(bytes) => {
                    hasher.update_zeros(bytes);
                    size += bytes;
                    leave_hole(&mut file, bytes)
                }
                Stored::Bytes(n) => {
                    hasher.update(&self.buffer[..n]);
                    size += n as u64;
                    file.write_all(&self.buffer[..n])
                }
            };
            written.map_err(failed)?;
        }
    }

    /// Another name of what stands at the destination already, mostly since an earlier entry. What its own entry says of
    /// owner, mode and time goes for the file. Only files have several names in a layer: of anything else there are two then.
    fn hard_link(&mut self, item: TarItem, path: Vec<u8>, layout: &mut Layout<'_>) -> Result<(), CopyError> {
        let target = self.clean(&item.link)?;
        let (dirs, last) = split(&target);
        let first = join(&layout.resolve_in(&self.dest, dirs)?, last);
        let standing = layout.standing(&first)?.filter(|_| first != path);
        let Some(original) = standing.filter(|original| !matches!(original.what, What::Dir { .. })) else {
            return Err(
                self.refused(&item.name, "it is a hard link to something that is not there before it")
            );
        };
        let group = original.link.unwrap_or_else(|| (usize::MAX, 0, layout.next_staged()));
        let linked =
            Planned { link: Some(group), xattrs: original.xattrs, ..self.planned(original.what, item) };
        layout.make_dirs(split(&first).0, self.into.new_dir)?;
        let (names, last) = self.linked.entry(group).or_insert_with(|| (vec![first.clone()], linked.clone()));
        names.push(path.clone());
        last.clone_from(&linked);
        layout.replace(first, linked.clone())?;
        layout.replace(path, linked)
    }
}
