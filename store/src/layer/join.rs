//! Several layers as one: what is there after the last of them, over the same tree below (`build --layers`).
//!
//! Owns: which entry of which layer stays. Never does: choosing the layers, or reading what lies below them beyond
//! asking whether there is anything to hide.

use std::collections::{BTreeMap, HashMap};
use std::io::{Write, pipe};
use std::ops::Bound;
use std::path::{Path, PathBuf};

use super::content::{BUFFER_BYTES, read_checked};
use super::{Layer, LayerId};
use crate::Store;
use crate::entry::{Entry, EntryKind, SortedPath, is_below};
use crate::error::{Result, StoreError};
use crate::tar::TarWriter;
use crate::view::TreeView;

/// One entry of the joined layer and where it comes from.
struct Part {
    /// Never a hard link: names of one file have equal `file`s.
    entry: Entry,
    /// The layer and the first name in it of a regular file, or of whatever has several names.
    file: Option<(LayerId, Vec<u8>)>,
}

impl Store {
    /// Makes one layer of several, lowest first, that lie over `below`: over it the joined layer shows the same tree.
    ///
    /// # Errors
    /// When a layer cannot be read or the new one cannot be written.
    pub fn join_layers(&self, below: &[Layer], layers: &[Layer]) -> Result<Layer> {
        let mut joined = Joined::default();
        for layer in layers {
            joined.apply(layer.id, &self.entries(layer.id)?);
        }
        let view = TreeView::new(self, below)?;
        let mut parts = Vec::with_capacity(joined.parts.len());
        for mut part in joined.parts.into_values() {
            // What hides nothing would only be noise to other readers of the image.
            match &mut part.entry.kind {
                EntryKind::Whiteout if view.get(&part.entry.path)?.is_none() => continue,
                EntryKind::Dir { opaque } if *opaque => *opaque = view.get(&part.entry.path)?.is_some(),
                _ => {}
            }
            parts.push(part);
        }
        let (mut reader, writer) = pipe().map_err(StoreError::io("make", Path::new("pipe")))?;
        std::thread::scope(|scope| {
            let written = scope.spawn(|| self.write_parts(&parts, layers, writer));
            let made = self.import_own_layer(&mut reader);
            drop(reader);
            match written.join() {
                // A reader that failed explains a writer that could not go on, and no other one.
                Ok(Err(error)) if made.is_ok() || !is_broken_pipe(&error) => Err(error),
                _ => made,
            }
        })
    }

    /// Writes the parts as a tar, in order: of what has several names the first has the bytes, the others lead to it.
    fn write_parts(&self, parts: &[Part], layers: &[Layer], out: impl Write) -> Result<()> {
        let dirs: HashMap<LayerId, &PathBuf> = layers.iter().map(|layer| (layer.id, &layer.dir)).collect();
        let mut first: HashMap<(LayerId, &[u8]), &[u8]> = HashMap::new();
        let mut writer = TarWriter::new(out);
        let mut buffer = vec![0; BUFFER_BYTES];
        for part in parts {
            let Some((layer, name)) = &part.file else {
                writer.entry(&part.entry)?;
                continue;
            };
            if let Some(to) = first.get(&(*layer, name.as_slice())) {
                let kind = EntryKind::Hardlink { to: to.to_vec() };
                writer.entry(&Entry { kind, xattrs: Vec::new(), ..part.entry.clone() })?;
                continue;
            }
            first.insert((*layer, name), &part.entry.path);
            writer.entry(&part.entry)?;
            let EntryKind::File { size: size @ 1.., hash } = part.entry.kind else { continue };
            let Some(dir) = dirs.get(layer) else { continue };
            read_checked(dir, name, (size, hash), &mut buffer, |bytes| writer.data(bytes))?;
        }
        writer.finish().map(drop)
    }
}

fn is_broken_pipe(error: &StoreError) -> bool {
    matches!(error, StoreError::Io { source, .. } if source.kind() == std::io::ErrorKind::BrokenPipe)
}

/// The entries so far, in the order of layers.
#[derive(Default)]
struct Joined {
    parts: BTreeMap<SortedPath, Part>,
}

impl Joined {
    /// Puts the entries of one more layer on top.
    fn apply(&mut self, layer: LayerId, entries: &[Entry]) {
        let by_path: HashMap<&[u8], &Entry> = entries.iter().map(|e| (e.path.as_slice(), e)).collect();
        for entry in entries {
            let mut entry = entry.clone();
            let mut file = matches!(entry.kind, EntryKind::File { .. }).then(|| (layer, entry.path.clone()));
            if let EntryKind::Hardlink { to } = &entry.kind
                && let Some(first) = by_path.get(to.as_slice())
            {
                file = Some((layer, to.clone()));
                entry = Entry { path: entry.path, ..(*first).clone() };
            } else if file.is_none() && !entry.is_dir() && entry.kind != EntryKind::Whiteout {
                file = Some((layer, entry.path.clone()));
            }
            self.put(Part { entry, file });
        }
    }

    fn put(&mut self, mut part: Part) {
        let path = SortedPath(part.entry.path.clone());
        if part.entry.kind != (EntryKind::Dir { opaque: false }) {
            self.remove_below(&path);
        }
        if let EntryKind::Dir { opaque } = &mut part.entry.kind {
            // Where something else stood, or a removal, what lies below these layers stays hidden.
            *opaque |= match self.parts.get(&path).map(|part| &part.entry.kind) {
                Some(EntryKind::Dir { opaque }) => *opaque,
                Some(_) => true,
                None => false,
            };
        }
        self.parts.insert(path, part);
    }

    fn remove_below(&mut self, path: &SortedPath) {
        let above = (Bound::Excluded(path), Bound::Unbounded);
        let gone: Vec<SortedPath> = self
            .parts
            .range(above)
            .take_while(|(below, _)| is_below(&below.0, &path.0))
            .map(|(below, _)| below.clone())
            .collect();
        for below in gone {
            self.parts.remove(&below);
        }
    }
}
