//! The layer that the same step made last: what did not change since is hard-linked into the new layer, not written
//! again (spec/store-layout.md, "Shared files").
//!
//! A file is shared only with the file at the same path whose entry is the same to the nanosecond, and never where a
//! layer has hard links of its own: so one inode never stands at two paths of a tree unless the image says so. Layers
//! never change once they are sealed. Sharing only saves work: whatever stands in its way means that the file is copied.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use buildc_ir::StepId;
use buildc_store::{Entry, EntryKind, Layer, LayerId, Store, compare_paths};

/// Layers with fewer regular files and fewer bytes than this are made as fast as they are looked up.
const WORTH_FILES: usize = 64;
const WORTH_BYTES: u64 = 4 << 20;

/// A sealed layer that files are taken from.
#[derive(Debug)]
pub(crate) struct Donor {
    entries: Arc<Vec<Entry>>,
    dir: File,
}

impl Donor {
    /// What a step made last, while it is in the store.
    pub(crate) fn of(store: &Store, step: &StepId) -> Option<Self> {
        let id = std::fs::read_to_string(file(store, step)?).ok()?.trim().parse().ok()?;
        let layer = store.layer(LayerId(id)).ok()?;
        let entries = store.entries(layer.id).ok()?;
        Some(Self { entries, dir: File::open(layer.dir).ok()? })
    }

    /// Remembers what a step has made. What cannot be remembered only costs time.
    pub(crate) fn remember(store: &Store, step: &StepId, layer: &Layer) {
        let worth = layer.entries as usize >= WORTH_FILES || layer.size_bytes >= WORTH_BYTES;
        let Some(file) = file(store, step).filter(|_| worth) else { return };
        let written = file.parent().map_or(Ok(()), |dir| {
            std::fs::create_dir_all(dir)?;
            write(dir, &file, layer.id)
        });
        if let Err(e) = written {
            tracing::warn!(error = %e, "layer not remembered");
        }
    }

    /// The directory with its files.
    pub(super) fn dir(&self) -> &File {
        &self.dir
    }

    /// Which of the entries of a new layer are files that can be shared.
    pub(super) fn shares(&self, entries: &[Entry]) -> Vec<bool> {
        let names = entries.iter().chain(self.entries.iter());
        let linked: HashSet<&[u8]> = names.filter_map(|e| link_target(&e.kind)).collect();
        let mut old = self.entries.iter().peekable();
        let shares = entries.iter().map(|new| {
            while old.next_if(|o| compare_paths(&o.path, &new.path) == Ordering::Less).is_some() {}
            matches!(new.kind, EntryKind::File { size, .. } if size > 0)
                && old.peek() == Some(&new)
                && !linked.contains(new.path.as_slice())
        });
        shares.collect()
    }
}

fn link_target(kind: &EntryKind) -> Option<&[u8]> {
    if let EntryKind::Hardlink { to } = kind { Some(to) } else { None }
}

/// Where the layer of a step is remembered.
fn file(store: &Store, step: &StepId) -> Option<PathBuf> {
    Some(store.subdir("contexts").ok()?.join("copied").join(step.0.hex()))
}

fn write(dir: &Path, file: &Path, layer: LayerId) -> std::io::Result<()> {
    let mut temporary = tempfile::NamedTempFile::new_in(dir)?;
    std::io::Write::write_all(&mut temporary, format!("{}\n", layer.0).as_bytes())?;
    temporary.persist(file).map(|_| ()).map_err(|e| e.error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, kind: EntryKind) -> Entry {
        let path = path.as_bytes().to_vec();
        Entry { path, kind, mode: 0o644, uid: 0, gid: 0, mtime: (5, 7), xattrs: Vec::new() }
    }

    fn regular(path: &str, text: &str) -> Entry {
        let (size, hash) = (text.len() as u64, buildc_digest::FileHash::of(text.as_bytes()));
        entry(path, EntryKind::File { size, hash })
    }

    fn shares(old: &[Entry], new: &[Entry]) -> Vec<bool> {
        let dir = tempfile::tempdir().unwrap();
        let dir = File::open(dir.path()).unwrap();
        Donor { entries: Arc::new(old.to_vec()), dir }.shares(new)
    }

    #[test]
    fn only_what_is_the_same_in_everything_is_shared() {
        let old = [regular("a", "1"), regular("b", "1"), regular("c", "1"), regular("e", "1")];
        let mut new = vec![regular("a", "1"), regular("b", "2"), regular("c", "1"), regular("d", "1")];
        assert_eq!(shares(&old, &new), [true, false, true, false]);
        new[0].mtime.1 += 1;
        new[2].mode = 0o600;
        assert_eq!(shares(&old, &new), [false; 4]);
    }

    #[test]
    fn names_of_one_file_are_not_shared() {
        let link = |path: &str, to: &str| entry(path, EntryKind::Hardlink { to: to.as_bytes().to_vec() });
        let linked = [regular("a", "1"), link("b", "a"), regular("c", "1")];
        let apart = [regular("a", "1"), regular("b", "1"), regular("c", "1")];
        for (old, new) in [(&linked, &apart), (&apart, &linked), (&linked, &linked)] {
            assert_eq!(shares(old, new), [false, false, true]);
        }
        assert_eq!(shares(&apart, &apart), [true; 3]);
    }
}
