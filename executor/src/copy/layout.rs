//! The layer as it will be, laid out over its base: which entries it gets, before a byte is written.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use buildc_digest::FileHash;
use buildc_store::attributes_bytes;
use buildc_store::{EntryKind, compare_paths};

use super::CopyError;
use crate::select::{LayerTree, Stamp, is_below, join, split};

const MAX_LINKS: u32 = 40;
/// What an entry takes beside its texts, in bytes: the structs, the map's share, the allocator's.
const PLANNED_OVERHEAD_BYTES: usize = 512;

/// Where a planned file's bytes come from.
#[derive(Clone, Debug)]
pub(super) enum Content {
    /// A file of a build context (`source` is its place in the job), which may have changed since.
    Context { source: usize, path: Vec<u8>, stamp: Stamp, hash: FileHash },
    /// A file of a sealed layer.
    Layer { path: PathBuf, size: u64, hash: FileHash },
    /// Already written beside the layer; is moved in.
    Staged { path: PathBuf, size: u64, hash: FileHash },
    /// Text of the source.
    Inline(Arc<[u8]>),
}

/// What an entry is.
#[derive(Clone, Debug)]
pub(super) enum What {
    Dir { opaque: bool },
    File(Content),
    Symlink(Vec<u8>),
    Fifo,
    Char(u32, u32),
    Block(u32, u32),
}

/// One entry of the layer.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    pub what: What,
    pub mode: u32,
    pub owner: (u32, u32),
    pub mtime: (i64, u32),
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    /// Names of one file: equal ones become hard links.
    pub link: Option<LinkGroup>,
}

/// Source, match and group of files that are one.
pub(super) type LinkGroup = (usize, usize, u64);

/// A path in the order of layers: by component.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct TreePath(pub Vec<u8>);

impl Ord for TreePath {
    fn cmp(&self, other: &Self) -> Ordering {
        compare_paths(&self.0, &other.0)
    }
}

impl PartialOrd for TreePath {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Metadata of directories that have to be made.
#[derive(Clone, Copy, Debug)]
pub(super) struct NewDir {
    pub mode: u32,
    pub owner: (u32, u32),
}

/// What stands at a path, in the layer or below it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Seen {
    Dir,
    Symlink { target: Vec<u8>, planned: bool },
    Other,
}

/// The entries of the layer so far, over its base.
#[derive(Debug)]
pub(super) struct Layout<'b> {
    base: Option<&'b LayerTree>,
    /// A path that the base has nothing at, so that it need not be asked for what is below.
    absent: RefCell<Option<Vec<u8>>>,
    entries: BTreeMap<TreePath, Planned>,
    /// What all entries that were ever laid out take in memory, in bytes, roughly and rather more.
    memory_bytes: usize,
    now: (i64, u32),
    staged: u64,
}

impl<'b> Layout<'b> {
    /// Without a base every parent directory is made anew, whatever it may be laid over (`--link`).
    pub(super) fn new(base: Option<&'b LayerTree>, now: (i64, u32)) -> Self {
        Self { base, absent: RefCell::new(None), entries: BTreeMap::new(), memory_bytes: 0, now, staged: 0 }
    }

    pub(super) fn now(&self) -> (i64, u32) {
        self.now
    }

    /// A number for a staged file, and for the hard links to it: one ADD may unpack several archives into a layer.
    pub(super) fn next_staged(&mut self) -> u64 {
        self.staged += 1;
        self.staged
    }

    /// The entries in order.
    pub(super) fn finish(self) -> impl ExactSizeIterator<Item = (Vec<u8>, Planned)> {
        self.entries.into_iter().map(|(path, planned)| (path.0, planned))
    }

    /// What stands at a path whose parents are real directories.
    pub(super) fn see(&self, path: &[u8]) -> Result<Option<Seen>, CopyError> {
        if path.is_empty() {
            return Ok(Some(Seen::Dir));
        }
        if let Some(planned) = self.entries.get(&TreePath(path.to_vec())) {
            return Ok(Some(match &planned.what {
                What::Dir { .. } => Seen::Dir,
                What::Symlink(target) => Seen::Symlink { target: target.clone(), planned: true },
                _ => Seen::Other,
            }));
        }
        Ok(self.below(path)?.map(|planned| match planned.what {
            What::Dir { .. } => Seen::Dir,
            What::Symlink(target) => Seen::Symlink { target, planned: false },
            _ => Seen::Other,
        }))
    }

    /// What the base has at a path.
    fn below(&self, path: &[u8]) -> Result<Option<Planned>, CopyError> {
        let Some(base) = self.base else { return Ok(None) };
        let mut absent = self.absent.borrow_mut();
        if absent.as_ref().is_some_and(|absent| is_below(path, absent)) {
            return Ok(None);
        }
        let Some(found) = base.view().get(path)? else {
            *absent = Some(path.to_vec());
            return Ok(None);
        };
        let what = match found.entry.kind {
            EntryKind::Dir { .. } => What::Dir { opaque: false },
            EntryKind::Symlink { target } => What::Symlink(target),
            EntryKind::File { size, hash } => {
                What::File(Content::Layer { path: found.disk_path, size, hash })
            }
            EntryKind::CharDevice { major, minor } => What::Char(major, minor),
            EntryKind::BlockDevice { major, minor } => What::Block(major, minor),
            EntryKind::Fifo | EntryKind::Hardlink { .. } => What::Fifo,
            EntryKind::Whiteout => return Ok(None),
        };
        Ok(Some(Planned {
            what,
            mode: found.entry.mode,
            owner: (found.entry.uid, found.entry.gid),
            mtime: found.entry.mtime,
            xattrs: found.entry.xattrs,
            link: None,
        }))
    }

    /// The real path that a path means, links followed in every component, the last too; what does not exist is
    /// appended as it is. Never leaves the root.
    pub(super) fn resolve(&self, path: &[u8]) -> Result<Vec<u8>, CopyError> {
        self.resolve_in(b"", path)
    }

    /// As [`Self::resolve`], with a real directory as the root that nothing leaves.
    pub(super) fn resolve_in(&self, root: &[u8], path: &[u8]) -> Result<Vec<u8>, CopyError> {
        let parts = |p: &[u8]| -> Vec<Vec<u8>> {
            p.rsplit(|b| *b == b'/').filter(|c| !c.is_empty() && *c != b".").map(<[u8]>::to_vec).collect()
        };
        let mut todo = parts(path);
        let mut at = root.to_vec();
        let mut links = 0;
        while let Some(name) = todo.pop() {
            if name == b".." {
                if at != root {
                    at.truncate(split(&at).0.len());
                }
                continue;
            }
            let next = join(&at, &name);
            let Some(Seen::Symlink { target, .. }) = self.see(&next)? else {
                at = next;
                continue;
            };
            links += 1;
            if links > MAX_LINKS {
                return Err(CopyError::Loop { path: text(path) });
            }
            if target.first() == Some(&b'/') {
                at.truncate(root.len());
            }
            todo.extend(parts(&target));
        }
        Ok(at)
    }

    /// Makes sure that `path` (real) and everything above it are directories and entries of the layer: what exists
    /// keeps its metadata.
    pub(super) fn make_dirs(&mut self, path: &[u8], new: NewDir) -> Result<(), CopyError> {
        let ends = path.iter().enumerate().filter(|(_, b)| **b == b'/').map(|(at, _)| at);
        for end in ends.chain((!path.is_empty()).then_some(path.len())) {
            let dir = &path[..end];
            if let Some(planned) = self.entries.get(&TreePath(dir.to_vec())) {
                if !matches!(planned.what, What::Dir { .. }) {
                    return Err(CopyError::NotADirectory { path: text(dir) });
                }
                continue;
            }
            let planned = match self.below(dir)? {
                Some(planned) if matches!(planned.what, What::Dir { .. }) => planned,
                Some(_) => return Err(CopyError::NotADirectory { path: text(dir) }),
                None => {
                    self.touch(split(dir).0, self.now);
                    self.new_dir(new)
                }
            };
            self.add(dir.to_vec(), planned);
        }
        Ok(())
    }

    /// Sets the modification time of a directory that the layer has: that of its last change, or its source's. The
    /// root has no entry.
    pub(super) fn touch(&mut self, dir: &[u8], mtime: (i64, u32)) {
        if let Some(planned) = self.entries.get_mut(&TreePath(dir.to_vec())) {
            planned.mtime = mtime;
        }
    }

    /// Makes a directory that is there an entry of the layer, with another mode.
    pub(super) fn set_mode(&mut self, dir: &[u8], mode: u32, new: NewDir) -> Result<(), CopyError> {
        self.make_dirs(dir, new)?;
        if let Some(planned) = self.entries.get_mut(&TreePath(dir.to_vec())) {
            planned.mode = mode;
        }
        Ok(())
    }

    /// As [`Self::make_dirs`], but lays out nothing when nothing is missing.
    pub(super) fn make_missing(&mut self, path: &[u8], new: NewDir) -> Result<(), CopyError> {
        if self.see(path)? == Some(Seen::Dir) { Ok(()) } else { self.make_dirs(path, new) }
    }

    fn new_dir(&self, new: NewDir) -> Planned {
        Planned {
            what: What::Dir { opaque: false },
            mode: new.mode,
            owner: new.owner,
            mtime: self.now,
            xattrs: Vec::new(),
            link: None,
        }
    }

    /// Puts an entry as a tree copy does: directories join existing ones and give them their metadata, anything else
    /// replaces what is no directory.
    pub(super) fn put(&mut self, path: Vec<u8>, planned: Planned) -> Result<(), CopyError> {
        let is_dir = matches!(planned.what, What::Dir { .. });
        match self.see(&path)? {
            Some(Seen::Dir) if !is_dir => return Err(CopyError::IsADirectory { path: text(&path) }),
            Some(Seen::Symlink { .. } | Seen::Other) if is_dir => {
                return Err(CopyError::NotADirectory { path: text(&path) });
            }
            _ => {}
        }
        self.insert(path, planned)
    }

    /// Puts an entry as an archive does: only directories join, everything else replaces what is there.
    pub(super) fn replace(&mut self, path: Vec<u8>, mut planned: Planned) -> Result<(), CopyError> {
        let seen = self.see(&path)?;
        let is_dir = matches!(planned.what, What::Dir { .. });
        if seen == Some(Seen::Dir) && !is_dir {
            self.entries.retain(|p, _| !is_below(&p.0, &path));
        }
        if let What::Dir { opaque } = &mut planned.what {
            // Where a file of this layer hid a directory of the base, the base's content must not shine through.
            let hidden = self.below(&path)?.is_some_and(|p| matches!(p.what, What::Dir { .. }));
            *opaque = match self.entries.get(&TreePath(path.clone())) {
                Some(Planned { what: What::Dir { opaque }, .. }) => *opaque,
                Some(_) => hidden,
                None => false,
            };
        }
        self.insert(path, planned)
    }

    /// Gives a name of a file with several what the last of them said.
    pub(super) fn agree(&mut self, path: &[u8], last: &Planned) {
        let entry = self.entries.get_mut(&TreePath(path.to_vec())).filter(|entry| entry.link == last.link);
        if let Some(entry) = entry {
            (entry.mode, entry.owner, entry.mtime) = (last.mode, last.owner, last.mtime);
        }
    }

    fn insert(&mut self, path: Vec<u8>, planned: Planned) -> Result<(), CopyError> {
        if split(&path).1.starts_with(b".wh.") {
            return Err(CopyError::ReservedName { name: text(&path) });
        }
        self.add(path, planned);
        Ok(())
    }

    fn add(&mut self, path: Vec<u8>, planned: Planned) {
        let target = if let What::Symlink(target) = &planned.what { target.len() } else { 0 };
        // The path is also kept by its name in an archive, and by where its bytes are staged.
        let entry = PLANNED_OVERHEAD_BYTES + 2 * path.len() + target + attributes_bytes(&planned.xattrs);
        self.memory_bytes = self.memory_bytes.saturating_add(entry);
        self.entries.insert(TreePath(path), planned);
    }

    /// What the layout takes in memory: an archive of a few kilobytes can name millions of entries.
    pub(super) fn memory_bytes(&self) -> usize {
        self.memory_bytes
    }

    /// What stands at a path whose parents are real directories, with all that it is.
    pub(super) fn standing(&self, path: &[u8]) -> Result<Option<Planned>, CopyError> {
        match self.entries.get(&TreePath(path.to_vec())) {
            Some(planned) => Ok(Some(planned.clone())),
            None => self.below(path),
        }
    }
}

pub(super) fn text(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}
