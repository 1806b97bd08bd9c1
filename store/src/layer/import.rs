//! Unpacking a foreign layer archive.
//!
//! Owns: where each archive entry goes, what wins, and whiteouts. Never does: `..`, or a write outside the layer.
//!
//! The entries met so far are kept in order in memory, and symbolic links in the middle of a name are followed among
//! them, inside the root, as containerd does; so no path that reaches the disk has a link in it.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::ops::Bound;

use buildc_digest::{DiffId, FileHash, InternalHasher};
use tar::EntryType;

use super::Layer;
use super::extract::Target;
use super::pending::PendingLayer;
use super::walk::is_overlay_xattr;
use crate::Store;
use crate::entry::{
    Entry, EntryKind, MAX_ARCHIVE_METADATA_BYTES, SortedPath, file_name, is_below, join, parent, shown,
    too_much_metadata,
};
use crate::error::{Result, StoreError};
use crate::session::remove_tree;
use crate::tar::{
    AUFS_PREFIX, Content, HashSink, OPAQUE_MARKER, TarDigest, TarItem, TarReader, WHITEOUT_PREFIX,
    decompressed, leave_hole,
};

/// Bytes of file content moved at once.
const BUFFER_BYTES: usize = 1 << 20;
/// Most symbolic links on the way to one entry, as in the kernel.
const MAX_LINKS: u32 = 40;

impl Store {
    /// Unpacks a layer tar (gzip, zstd, xz, bzip2 or plain, by magic) into a new layer; an equal one is returned
    /// instead. With `expect` a different diff id is [`StoreError::LayerDigest`] and nothing is kept. What is wrong
    /// with an archive is named as [`StoreError::Tar`] or [`StoreError::TarEntry`].
    pub fn import_layer(&self, tar: &mut dyn Read, expect: Option<DiffId>) -> Result<Layer> {
        if let Some(known) = expect.as_ref().map(|d| self.layer_by_diff_id(d)).transpose()?.flatten() {
            return Ok(known);
        }
        let (pending, entries, found) = self.unpack(decompressed(tar)?)?;
        if let Some(expected) = expect.filter(|e| *e != found.diff_id) {
            return Err(StoreError::LayerDigest { expected, found: found.diff_id });
        }
        pending.seal_foreign(&entries, found)
    }

    /// The same for a plain tar in our own form, which can be made again from the layer's entries.
    pub(super) fn import_own_layer(&self, tar: &mut dyn Read) -> Result<Layer> {
        let (pending, entries, found) = self.unpack(tar)?;
        pending.seal(entries, found)
    }

    fn unpack(&self, plain: impl Read) -> Result<(PendingLayer, Vec<Entry>, TarDigest)> {
        let pending = self.begin_layer()?;
        let hashed = Hashed { source: plain, sink: HashSink::new() };
        let mut import = Import::new(&pending)?;
        let mut reader = TarReader::new(hashed);
        while let Some(item) = reader.next_item()? {
            import.apply(item, &mut reader)?;
        }
        let entries = import.finish()?;
        let found = drain(reader.into_source(), &mut vec![0; BUFFER_BYTES])?;
        Ok((pending, entries, found))
    }
}

/// Hashes what is read through it.
struct Hashed<R> {
    source: R,
    sink: HashSink,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.sink.write_all(buffer.get(..read).unwrap_or_default())?;
        Ok(read)
    }
}

/// Reads what follows the archive's end, which belongs to the diff id too.
fn drain<R: Read>(mut hashed: Hashed<R>, buffer: &mut [u8]) -> Result<TarDigest> {
    loop {
        match hashed.read(buffer) {
            Ok(0) => return hashed.sink.finish(),
            Ok(_) => {}
            Err(e) => return Err(StoreError::Tar { problem: e.to_string() }),
        }
    }
}

struct Import<'a> {
    pending: &'a PendingLayer,
    target: Target,
    entries: BTreeMap<SortedPath, Entry>,
    /// What all that was ever inserted takes in memory; directories that names imply count too.
    metadata_bytes: usize,
    buffer: Vec<u8>,
}

impl<'a> Import<'a> {
    fn new(pending: &'a PendingLayer) -> Result<Self> {
        let target = Target::open(pending.dir())?;
        Ok(Self {
            pending,
            target,
            entries: BTreeMap::new(),
            metadata_bytes: 0,
            buffer: vec![0; BUFFER_BYTES],
        })
    }

    fn apply<R: Read>(&mut self, item: TarItem, reader: &mut TarReader<R>) -> Result<()> {
        if self.metadata_bytes > MAX_ARCHIVE_METADATA_BYTES {
            return Err(StoreError::Tar { problem: too_much_metadata() });
        }
        let written = clean(&item.name, &item.name)?;
        let name = file_name(&written).to_vec();
        let dir = self.resolve_dir(parent(&written).unwrap_or_default(), &item.name)?;
        if name == OPAQUE_MARKER {
            return self.set_opaque(dir);
        }
        if name.starts_with(AUFS_PREFIX) {
            return Ok(());
        }
        self.ensure_dir(&dir, &item.name)?;
        if let Some(gone) = name.strip_prefix(WHITEOUT_PREFIX) {
            if gone.is_empty() || gone == b"." || gone == b".." {
                return Err(refused(&item.name, "It is a whiteout without a name"));
            }
            return self.whiteout(join(&dir, gone));
        }
        let path = join(&dir, &name);
        let kind = self.kind(&item)?;
        self.place(path, kind, item, reader)
    }

    /// The kind that an item asks for; a file's hash is filled in when its content was read.
    fn kind(&self, item: &TarItem) -> Result<EntryKind> {
        let (major, minor) = item.device;
        Ok(match item.kind {
            _ if item.is_dir() => EntryKind::Dir { opaque: false },
            EntryType::Symlink if item.link.is_empty() => {
                return Err(refused(&item.name, "It is a symbolic link to nothing"));
            }
            EntryType::Symlink => EntryKind::Symlink { target: item.link.clone() },
            EntryType::Link => EntryKind::Hardlink { to: self.link_target(item)? },
            EntryType::Char if (major, minor) == (0, 0) => {
                return Err(refused(&item.name, "Character device 0:0 is overlayfs' mark of a removed file"));
            }
            EntryType::Char => EntryKind::CharDevice { major, minor },
            EntryType::Block => EntryKind::BlockDevice { major, minor },
            EntryType::Fifo => EntryKind::Fifo,
            EntryType::Regular | EntryType::Continuous => {
                EntryKind::File { size: item.size, hash: FileHash::of(b"") }
            }
            other => {
                let problem = format!("It has the unknown type `{}`", other.as_byte().escape_ascii());
                return Err(StoreError::TarEntry { path: shown(&item.name), problem });
            }
        })
    }

    /// The first name of the file that a hard link means.
    fn link_target(&self, item: &TarItem) -> Result<Vec<u8>> {
        let written = clean(&item.link, &item.name)?;
        let dir = self.resolve_dir(parent(&written).unwrap_or_default(), &item.name)?;
        let path = join(&dir, file_name(&written));
        match self.get(&path).map(|e| &e.kind) {
            Some(EntryKind::Hardlink { to }) => Ok(to.clone()),
            None | Some(EntryKind::Dir { .. } | EntryKind::Whiteout) => {
                let problem =
                    format!("It is a hard link to `{}`, which the layer has no file at", shown(&path));
                Err(StoreError::TarEntry { path: shown(&item.name), problem })
            }
            Some(_) => Ok(path),
        }
    }

    fn get(&self, path: &[u8]) -> Option<&Entry> {
        self.entries.get(&SortedPath(path.to_owned()))
    }

    /// Follows the symbolic links of the layer in `dir`, inside the root. Missing directories stay as written.
    fn resolve_dir(&self, dir: &[u8], name: &[u8]) -> Result<Vec<u8>> {
        let mut todo: Vec<Vec<u8>> = components(dir).rev().map(<[u8]>::to_vec).collect();
        let mut real = Vec::new();
        let mut links = 0;
        while let Some(component) = todo.pop() {
            if component == b".." {
                real = parent(&real).unwrap_or_default().to_vec();
                continue;
            }
            let next = join(&real, &component);
            let Some(EntryKind::Symlink { target }) = self.get(&next).map(|e| &e.kind) else {
                real = next;
                continue;
            };
            links += 1;
            if links > MAX_LINKS {
                return Err(StoreError::SymlinkLoop { path: shown(name), limit: MAX_LINKS });
            }
            if target.first() == Some(&b'/') {
                real.clear();
            }
            todo.extend(components(target).rev().map(<[u8]>::to_vec));
        }
        Ok(real)
    }

    /// Makes the directories that the archive took for granted.
    fn ensure_dir(&mut self, dir: &[u8], name: &[u8]) -> Result<()> {
        if dir.is_empty() {
            return Ok(());
        }
        let existing = self.get(dir).map(|e| e.kind.clone());
        match existing {
            Some(EntryKind::Dir { .. }) => Ok(()),
            Some(EntryKind::Whiteout) => {
                // It was removed and now holds something: what lower layers had there stays hidden.
                self.remove(dir)?;
                self.create_dir(Entry {
                    kind: EntryKind::Dir { opaque: true },
                    ..Entry::implied_dir(dir.to_owned())
                })
            }
            Some(_) => Err(refused(name, "What should be its directory is not one")),
            None => {
                // The depth is bounded by the path's length, and the path by PATH_MAX.
                self.ensure_dir(parent(dir).unwrap_or_default(), name)?;
                self.create_dir(Entry::implied_dir(dir.to_owned()))
            }
        }
    }

    fn create_dir(&mut self, entry: Entry) -> Result<()> {
        self.target.create_dir(&entry.path)?;
        self.insert(entry);
        Ok(())
    }

    fn insert(&mut self, entry: Entry) {
        self.metadata_bytes = self.metadata_bytes.saturating_add(entry.memory_bytes());
        self.entries.insert(SortedPath(entry.path.clone()), entry);
    }

    fn set_opaque(&mut self, dir: Vec<u8>) -> Result<()> {
        if dir.is_empty() && self.get(&dir).is_none() {
            self.insert(Entry::implied_dir(Vec::new()));
        }
        self.ensure_dir(&dir, &dir)?;
        if let Some(entry) = self.entries.get_mut(&SortedPath(dir)) {
            entry.kind = EntryKind::Dir { opaque: true };
        }
        Ok(())
    }

    fn whiteout(&mut self, path: Vec<u8>) -> Result<()> {
        self.remove(&path)?;
        self.target.create_node(&path, &EntryKind::Whiteout)?;
        self.insert(Entry::whiteout(path));
        Ok(())
    }

    /// Removes what an earlier entry of this archive put at `path`.
    fn remove(&mut self, path: &[u8]) -> Result<()> {
        if self.get(path).is_none() {
            return Ok(());
        }
        self.keep_other_names(path)?;
        let start = SortedPath(path.to_owned());
        let gone: Vec<SortedPath> = self
            .entries
            .range((Bound::Included(start), Bound::Unbounded))
            .map(|(key, _)| key.clone())
            .take_while(|key| key.0 == path || is_below(&key.0, path))
            .collect();
        for key in &gone {
            self.entries.remove(key);
        }
        self.target.forget_cached();
        use std::os::unix::ffi::OsStrExt;
        remove_tree(&self.pending.dir().join(std::ffi::OsStr::from_bytes(path)))
    }

    /// Hard links to files that are about to go need a new first name.
    fn keep_other_names(&mut self, path: &[u8]) -> Result<()> {
        let going = |candidate: &[u8]| candidate == path || is_below(candidate, path);
        let mut renamed: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
        let mut promoted = Vec::new();
        for entry in self.entries.values_mut() {
            let EntryKind::Hardlink { to } = &entry.kind else { continue };
            if !going(to) || going(&entry.path) {
                continue;
            }
            match renamed.get(to) {
                Some(first) => entry.kind = EntryKind::Hardlink { to: first.clone() },
                None => {
                    renamed.insert(to.clone(), entry.path.clone());
                    promoted.push((entry.path.clone(), to.clone()));
                }
            }
        }
        for (path, old) in promoted {
            if let Some(first) = self.get(&old).cloned() {
                self.insert(Entry { path, ..first });
            }
        }
        Ok(())
    }

    fn place<R: Read>(
        &mut self,
        path: Vec<u8>,
        mut kind: EntryKind,
        item: TarItem,
        reader: &mut TarReader<R>,
    ) -> Result<()> {
        let before = self.get(&path).map(|e| e.kind.clone());
        let is_dir = matches!(kind, EntryKind::Dir { .. });
        match (&mut kind, &before) {
            (EntryKind::Hardlink { to }, _) if *to == path => return Ok(()),
            // A directory met again only changes its attributes.
            (EntryKind::Dir { opaque }, Some(EntryKind::Dir { opaque: was })) => *opaque = *was,
            (EntryKind::Dir { opaque }, Some(EntryKind::Whiteout)) => *opaque = true,
            (EntryKind::Dir { .. }, None) if path.is_empty() => {}
            _ if path.is_empty() => return Err(refused(&item.name, "The root must be a directory")),
            _ => {}
        }
        let stays = is_dir && (path.is_empty() || matches!(before, Some(EntryKind::Dir { .. })));
        if !stays {
            self.remove(&path)?;
            kind = self.create(&path, kind, reader)?;
        }
        let entry = finished_entry(path, kind, item);
        if !is_dir {
            // Directories get theirs at the end: what is put into them changes their time.
            self.target.finish_entry(&entry)?;
        }
        self.insert(entry);
        Ok(())
    }

    fn create<R: Read>(
        &mut self,
        path: &[u8],
        kind: EntryKind,
        reader: &mut TarReader<R>,
    ) -> Result<EntryKind> {
        match &kind {
            EntryKind::Dir { .. } => self.target.create_dir(path)?,
            EntryKind::Symlink { target } => self.target.create_symlink(path, target)?,
            EntryKind::Hardlink { to } => self.target.create_hardlink(path, to)?,
            EntryKind::File { size, .. } => {
                let hash = self.write_file(path, reader)?;
                return Ok(EntryKind::File { size: *size, hash });
            }
            _ => self.target.create_node(path, &kind)?,
        }
        Ok(kind)
    }

    fn write_file<R: Read>(&mut self, path: &[u8], reader: &mut TarReader<R>) -> Result<FileHash> {
        let mut file = self.target.create_file(path)?;
        let mut hasher = InternalHasher::new();
        loop {
            let written = match reader.next_content(&mut self.buffer)? {
                Content::End => return Ok(hasher.file()),
                Content::Hole(bytes) => {
                    hasher.update_zeros(bytes);
                    leave_hole(&mut file, bytes)
                }
                Content::Bytes(read) => {
                    let bytes = self.buffer.get(..read).unwrap_or_default();
                    hasher.update(bytes);
                    file.write_all(bytes)
                }
            };
            written.map_err(|e| StoreError::io("write", std::path::Path::new(&shown(path)))(e))?;
        }
    }

    /// Finishes the directories, deepest first, and gives the entries in canonical form.
    fn finish(mut self) -> Result<Vec<Entry>> {
        for entry in self.entries.values().rev().filter(|e| e.is_dir()) {
            self.target.finish_entry(entry)?;
        }
        Ok(canonical_links(self.entries))
    }
}

fn finished_entry(path: Vec<u8>, kind: EntryKind, item: TarItem) -> Entry {
    let mut xattrs: Vec<_> = match kind {
        EntryKind::Hardlink { .. } => Vec::new(),
        _ => item.xattrs.into_iter().filter(|(name, _)| !is_overlay_xattr(name)).collect(),
    };
    xattrs.sort();
    let mode = if matches!(kind, EntryKind::Symlink { .. }) { 0o777 } else { item.mode };
    Entry { path, kind, mode, uid: item.uid, gid: item.gid, mtime: item.mtime, xattrs }
}

/// Moves the content of each group of hard links to the name that sorts first; all names get its attributes, since
/// on disk they are one inode.
fn canonical_links(entries: BTreeMap<SortedPath, Entry>) -> Vec<Entry> {
    let mut first_names: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    for entry in entries.values() {
        if let EntryKind::Hardlink { to } = &entry.kind {
            first_names.entry(to.clone()).or_insert_with(|| to.clone());
        }
    }
    for entry in entries.values() {
        let original = match &entry.kind {
            EntryKind::Hardlink { to } => to,
            _ => continue,
        };
        if let Some(first) = first_names.get_mut(original)
            && crate::entry::compare_paths(&entry.path, first).is_lt()
        {
            first.clone_from(&entry.path);
        }
    }
    if first_names.is_empty() {
        return entries.into_values().collect();
    }
    let mut contents: BTreeMap<Vec<u8>, Entry> = BTreeMap::new();
    for original in first_names.keys() {
        if let Some(content) = entries.get(&SortedPath(original.clone())) {
            contents.insert(original.clone(), content.clone());
        }
    }
    entries.into_values().map(|entry| canonical_link(entry, &first_names, &contents)).collect()
}

fn canonical_link(
    entry: Entry,
    first_names: &BTreeMap<Vec<u8>, Vec<u8>>,
    contents: &BTreeMap<Vec<u8>, Entry>,
) -> Entry {
    let original = match &entry.kind {
        EntryKind::Hardlink { to } => to,
        _ => &entry.path,
    };
    let Some(first) = first_names.get(original) else { return entry };
    let Some(content) = contents.get(original) else { return entry };
    let same_inode = Entry { path: entry.path, ..content.clone() };
    if *first == same_inode.path {
        return same_inode;
    }
    Entry { kind: EntryKind::Hardlink { to: first.clone() }, xattrs: Vec::new(), ..same_inode }
}

fn refused(name: &[u8], problem: &str) -> StoreError {
    StoreError::TarEntry { path: shown(name), problem: problem.to_owned() }
}

fn components(path: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    path.split(|b| *b == b'/').filter(|c| !c.is_empty() && *c != b".")
}

/// A written name relative to the root: a leading slash is dropped as Docker does, `..` is refused.
fn clean(written: &[u8], entry: &[u8]) -> Result<Vec<u8>> {
    if written.contains(&0) {
        return Err(refused(entry, "A name holds a NUL byte"));
    }
    if components(written).any(|c| c == b"..") {
        return Err(refused(entry, "A name with `..` could lead out of the layer"));
    }
    let path = components(written).fold(Vec::new(), |path, component| join(&path, component));
    if path.len() > crate::entry::PATH_MAX {
        return Err(refused(entry, "Its path is longer than 4095 bytes"));
    }
    Ok(path)
}
