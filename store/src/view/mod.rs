//! The merged tree of a stack of layers, read without any mount.
//!
//! Owns: what whiteouts, opaque directories and symbolic links mean together. Manifests are authoritative; the disk is
//! only touched for file content. Never does: leaving the root.

mod difference;
mod index;
mod sizes;
mod walk;

pub use difference::Difference;
pub use index::{TreeIndex, TreeNode};
pub use sizes::{Share, Sizes};

use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::Store;
use crate::entry::{Entry, EntryKind, is_below, join, parent, shown};
use crate::error::{Result, StoreError};
use crate::layer::{Layer, LayerId};
use crate::manifest::Manifest;

/// Most symbolic links on the way to one path, as in the kernel.
const MAX_LINKS: u32 = 40;

/// Read-only merged view of layers: whiteouts, opaque directories and symlinks are honoured, and no path ever leaves
/// the root.
#[derive(Clone, Debug)]
pub struct TreeView {
    /// Topmost first.
    layers: Vec<ViewLayer>,
}

#[derive(Clone, Debug)]
struct ViewLayer {
    id: LayerId,
    dir: PathBuf,
    manifest: Arc<Manifest>,
}

/// What stands at a path of a view.
#[derive(Clone, Debug)]
pub struct Found {
    /// The entry; a hard link has the kind and attributes of the file it names.
    pub entry: Entry,
    /// For a further name of a hard-linked file: the path of its first name in the same layer.
    pub link_to: Option<Vec<u8>>,
    /// The layer that it comes from.
    pub layer: LayerId,
    /// Where it is on disk; for regular files its bytes.
    pub disk_path: PathBuf,
}

/// What one layer says about a path.
enum Says {
    /// It is here.
    Entry(Entry),
    /// It is not, and lower layers do not count.
    Hidden,
    /// Nothing; ask the next layer.
    Nothing,
}

impl TreeView {
    /// A view of `layers`, lowest first.
    pub fn new(store: &Store, layers: &[Layer]) -> Result<Self> {
        let layers = layers
            .iter()
            .rev()
            .map(|layer| {
                let manifest = store.manifest(layer.id)?;
                Ok(ViewLayer { id: layer.id, dir: layer.dir.clone(), manifest })
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Self { layers })
    }

    /// Puts more layers on top, lowest first.
    ///
    /// # Errors
    /// When a manifest cannot be read; the view is then as it was.
    pub fn raise(&mut self, store: &Store, layers: &[Layer]) -> Result<()> {
        let mut raised = Self::new(store, layers)?;
        raised.layers.append(&mut self.layers);
        *self = raised;
        Ok(())
    }

    /// What stands at exactly this path, whose directories must be real ones; the last symlink is not followed.
    /// The root of a view that no layer describes is a directory of root's with mode 0755.
    pub fn get(&self, path: &[u8]) -> Result<Option<Found>> {
        for layer in &self.layers {
            match layer.says(path)? {
                Says::Entry(entry) => return layer.found(entry).map(Some),
                Says::Hidden => return Ok(None),
                Says::Nothing => {}
            }
        }
        Ok(if path.is_empty() { self.layers.first().map(ViewLayer::bare_root) } else { None })
    }

    /// Follows symlinks in all components (at most 40), inside the root, and gives the real path and what stands
    /// there; `..` stops at the root. Where a component is missing the answer is `None`, or with `missing_ok` the real
    /// path so far with the rest appended.
    pub fn resolve(&self, path: &[u8], missing_ok: bool) -> Result<Option<(Vec<u8>, Option<Found>)>> {
        let mut todo: Vec<Vec<u8>> = reversed_components(path);
        let mut real: Vec<u8> = Vec::new();
        let mut found = self.get(b"")?;
        let mut links = 0;
        while let Some(component) = todo.pop() {
            if component == b".." {
                real = parent(&real).unwrap_or_default().to_vec();
                found = self.get(&real)?;
                continue;
            }
            let next = join(&real, &component);
            let at_next = self.get(&next)?;
            match at_next.as_ref().map(|f| &f.entry.kind) {
                Some(EntryKind::Symlink { target }) => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(StoreError::SymlinkLoop { path: shown(path), limit: MAX_LINKS });
                    }
                    todo.extend(reversed_components(target));
                    if target.first() == Some(&b'/') {
                        real.clear();
                    }
                    found = self.get(&real)?;
                }
                None if !missing_ok => return Ok(None),
                _ => {
                    real = next;
                    found = at_next;
                }
            }
        }
        Ok(Some((real, found)))
    }

    /// Names in a directory, sorted; empty when it is missing or none.
    pub fn read_dir(&self, path: &[u8]) -> Result<Vec<Vec<u8>>> {
        let mut names = Vec::new();
        let mut merged = walk::Merged::begin(self, path)?;
        while let Some((found, _)) = merged.next_found()? {
            names.push(crate::entry::file_name(&found.entry.path).to_vec());
            if found.entry.is_dir() {
                merged.skip_below(&found.entry.path)?;
            }
        }
        Ok(names)
    }

    /// All entries below a directory in canonical order, the directory itself excluded.
    pub fn walk(&self, path: &[u8]) -> Result<Vec<Found>> {
        let mut all = Vec::new();
        let mut merged = walk::Merged::begin(self, path)?;
        while let Some((found, _)) = merged.next_found()? {
            all.push(found);
        }
        Ok(all)
    }

    /// Content of a file of at most `limit_bytes`, symlinks followed; `None` when it is missing or no regular file.
    pub fn read_file(&self, path: &[u8], limit_bytes: u64) -> Result<Option<Vec<u8>>> {
        let Some((_, Some(found))) = self.resolve(path, false)? else { return Ok(None) };
        let EntryKind::File { size: size_bytes, .. } = found.entry.kind else { return Ok(None) };
        if size_bytes > limit_bytes {
            return Err(StoreError::TooLarge { name: shown(path), size_bytes, limit_bytes });
        }
        let mut bytes = Vec::new();
        let file = File::open(&found.disk_path).map_err(StoreError::io("open", &found.disk_path))?;
        file.take(limit_bytes).read_to_end(&mut bytes).map_err(StoreError::io("read", &found.disk_path))?;
        Ok(Some(bytes))
    }
}

impl ViewLayer {
    fn says(&self, path: &[u8]) -> Result<Says> {
        if let Some(entry) = self.manifest.find(path)? {
            return Ok(if entry.kind == EntryKind::Whiteout { Says::Hidden } else { Says::Entry(entry) });
        }
        if self.manifest.len() == 0 || !self.hides_below(path)? {
            return Ok(Says::Nothing);
        }
        Ok(Says::Hidden)
    }

    /// Whether a directory above `path` is removed, replaced or opaque in this layer. In canonical order everything
    /// between an ancestor and `path` lies below that ancestor, so the nearest existing one is found from the top.
    fn hides_below(&self, path: &[u8]) -> Result<bool> {
        let ends = path.iter().enumerate().filter(|(_, b)| **b == b'/').map(|(at, _)| at);
        for end in std::iter::once(0).chain(ends) {
            let ancestor = path.get(..end).unwrap_or_default();
            match self.manifest.find(ancestor)?.map(|e| e.kind) {
                Some(EntryKind::Dir { opaque: false }) => {}
                Some(_) => return Ok(true),
                // Parents are always recorded, so nothing deeper can be (the root need not be).
                None if end > 0 => return Ok(false),
                None => {}
            }
        }
        Ok(false)
    }

    fn found(&self, mut entry: Entry) -> Result<Found> {
        let disk_path = self.dir.join(std::ffi::OsStr::from_bytes(&entry.path));
        let mut link_to = None;
        if let EntryKind::Hardlink { to } = &entry.kind {
            let first = self.manifest.find(to)?.ok_or_else(|| StoreError::CorruptManifest {
                path: self.dir.clone(),
                problem: "a hard link leads nowhere",
            })?;
            link_to = Some(to.clone());
            entry = Entry { path: entry.path, ..first };
        }
        Ok(Found { entry, link_to, layer: self.id, disk_path })
    }

    fn bare_root(&self) -> Found {
        let entry = Entry::implied_dir(Vec::new());
        Found { entry, link_to: None, layer: self.id, disk_path: self.dir.clone() }
    }
}

fn reversed_components(path: &[u8]) -> Vec<Vec<u8>> {
    let parts = path.split(|b| *b == b'/').filter(|c| !c.is_empty() && *c != b".");
    parts.rev().map(<[u8]>::to_vec).collect()
}

/// Whether `path` is `dir` or below it.
fn is_within(path: &[u8], dir: &[u8]) -> bool {
    path == dir || is_below(path, dir)
}
