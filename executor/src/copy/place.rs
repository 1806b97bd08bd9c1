//! Which source goes where: the rules of COPY and ADD about destinations, owners and modes
//! (spec/dockerfile.md, "COPY and ADD").

use std::collections::BTreeSet;

use buildc_ir::step::{self, CopySource, Unpack};
use buildc_store::{EntryKind, PendingLayer};

use super::layout::{Content, Layout, NewDir, Planned, Seen, What};
use super::{Attributes, CopyError, CopyJob, Source, archive};
use crate::select::{Bytes, Match, Node, below, join, split};

/// Lays out all sources of a copy in order.
pub(super) fn place(
    job: &CopyJob<'_>,
    pending: &PendingLayer,
    layout: &mut Layout<'_>,
) -> Result<(), CopyError> {
    let placer = Placer { job, attributes: job.attributes()?, pending };
    let mut next = vec![0; job.sources.len()];
    for source in &job.copy.sources {
        match source {
            CopySource::Path { from, .. } => {
                let Some(at) = job.sources.iter().position(|s| s.from == *from) else { continue };
                let pattern = next[at];
                next[at] += 1;
                if job.copy.parents {
                    // The destination is made even where a wildcard matches nothing.
                    let dest = layout.resolve(placer.dest())?;
                    layout.make_dirs(&dest, placer.new_dir())?;
                }
                let mut done = BTreeSet::new();
                let found = &job.sources[at].selection.matches;
                for (number, found) in found.iter().enumerate().filter(|(_, m)| m.pattern == pattern) {
                    placer.path(layout, at, number, found, &mut done)?;
                }
            }
            CopySource::Inline { name, data } => {
                let node = placer.inline(layout, data);
                placer.file(layout, name.as_bytes(), node)?;
            }
            CopySource::Fetched { input, name } => {
                let from = step::From::Input(*input);
                let Some(at) = job.sources.iter().position(|s| s.from == from) else { continue };
                next[at] += 1;
                placer.fetched(layout, at, name)?;
            }
        }
    }
    Ok(())
}

struct Placer<'p> {
    job: &'p CopyJob<'p>,
    attributes: Attributes,
    pending: &'p PendingLayer,
}

impl Placer<'_> {
    /// Directories made on the way get the owner, and the mode only from an octal `--chmod`.
    fn new_dir(&self) -> NewDir {
        let mode = self.attributes.chmod.as_ref().and_then(super::Chmod::for_parents);
        NewDir { mode: mode.unwrap_or(0o755), owner: self.attributes.owner.unwrap_or((0, 0)) }
    }

    fn dest(&self) -> &[u8] {
        self.job.copy.dest.as_bytes()
    }

    fn path(
        &self,
        layout: &mut Layout<'_>,
        source: usize,
        number: usize,
        found: &Match,
        done: &mut BTreeSet<Vec<u8>>,
    ) -> Result<(), CopyError> {
        if self.job.copy.parents {
            return self.with_parents(layout, source, number, found, done);
        }
        if found.root.is_dir() {
            let dir = layout.resolve(self.dest())?;
            layout.make_dirs(&dir, self.new_dir())?;
            return self.contents(layout, source, number, found, &dir);
        }
        if self.job.copy.unpack != Unpack::Never
            && self.unpacked(layout, source, &found.named, &found.root)?
        {
            return Ok(());
        }
        let planned = self.planned(source, number, &found.root);
        self.file(layout, split(&found.named).1, planned)
    }

    /// Everything below a matched directory, put below `dir`.
    fn contents(
        &self,
        layout: &mut Layout<'_>,
        source: usize,
        number: usize,
        found: &Match,
        dir: &[u8],
    ) -> Result<(), CopyError> {
        for node in &found.below {
            let path = join(dir, below(&node.entry.path, &found.root.entry.path));
            layout.put(path, self.planned(source, number, node))?;
        }
        // Of the directory itself only the time is taken over; the root of a source has none.
        let root = &found.root;
        if root.is_dir() {
            let mtime = if root.entry.path.is_empty() { layout.now() } else { root.entry.mtime };
            layout.touch(dir, mtime);
        }
        Ok(())
    }

    /// One thing that is no directory: into the destination where that is a directory, else in its place.
    fn file(&self, layout: &mut Layout<'_>, name: &[u8], planned: Planned) -> Result<(), CopyError> {
        let dest = layout.resolve(self.dest())?;
        let into = self.job.copy.dest_is_dir || layout.see(&dest)? == Some(Seen::Dir);
        let path = if into { join(&dest, name) } else { dest.clone() };
        let parent = if into { dest.as_slice() } else { split(&dest).0 };
        layout.make_dirs(parent, self.new_dir())?;
        layout.touch(parent, layout.now());
        layout.put(path, planned)
    }

    /// `--parents`: the match with the directories above it, but for those that are `done`.
    fn with_parents(
        &self,
        layout: &mut Layout<'_>,
        source: usize,
        number: usize,
        found: &Match,
        done: &mut BTreeSet<Vec<u8>>,
    ) -> Result<(), CopyError> {
        let dest = layout.resolve(self.dest())?;
        layout.make_dirs(&dest, self.new_dir())?;
        let named = &found.named;
        let pivot = found.pivot;
        for parent in &found.parents {
            let path = join(&dest, parent.entry.path.get(pivot..).unwrap_or_default());
            // Once for a source, as BuildKit does: what is made has all of its source, what is there takes its mode alone,
            // whatever --chmod says.
            if !done.insert(path.clone()) {
                continue;
            }
            if layout.see(&path)? == Some(Seen::Dir) {
                layout.set_mode(&path, parent.entry.mode, self.new_dir())?;
            } else {
                layout.put(path, self.planned(source, number, parent))?;
            }
        }
        let path = join(&dest, named.get(pivot..).unwrap_or_default());
        if !path.is_empty() && path != dest {
            layout.put(path.clone(), self.planned(source, number, &found.root))?;
        }
        self.contents(layout, source, number, found, &path)
    }

    fn inline(&self, layout: &Layout<'_>, data: &str) -> Planned {
        self.adorn(Planned {
            what: What::File(Content::Inline(data.as_bytes().into())),
            mode: 0o644,
            owner: (0, 0),
            mtime: layout.now(),
            xattrs: Vec::new(),
            link: None,
        })
    }

    fn fetched(&self, layout: &mut Layout<'_>, source: usize, name: &str) -> Result<(), CopyError> {
        let matches = &self.job.sources[source].selection.matches;
        let Some(node) = matches.iter().flat_map(|m| &m.below).find(|n| !n.is_dir()) else { return Ok(()) };
        if self.job.copy.unpack == Unpack::Always && self.unpacked(layout, source, name.as_bytes(), node)? {
            return Ok(());
        }
        self.file(layout, name.as_bytes(), self.planned(source, 0, node))
    }

    /// Unpacks a file into the destination if it is an archive.
    fn unpacked(
        &self,
        layout: &mut Layout<'_>,
        source: usize,
        name: &[u8],
        node: &Node,
    ) -> Result<bool, CopyError> {
        let Some(file) = open(&self.job.sources[source], node)? else { return Ok(false) };
        let into = archive::Into {
            dest: self.dest(),
            owner: self.attributes.owner,
            // --chmod is for what is not in archives.
            new_dir: NewDir { mode: 0o755, ..self.new_dir() },
            staging: self.pending.work_dir(),
            cancel: self.job.cancel,
        };
        let unpacked = archive::unpack(file, &String::from_utf8_lossy(name), layout, &into)?;
        match (&node.bytes, self.job.sources[source].context) {
            (Bytes::Context(stamp), Some(context)) if unpacked => {
                super::write::unchanged(context, &self.job.sources[source].name, node, stamp)?;
            }
            _ => {}
        }
        Ok(unpacked)
    }

    fn planned(&self, source: usize, number: usize, node: &Node) -> Planned {
        let entry = &node.entry;
        let what = match &entry.kind {
            EntryKind::Dir { .. } => What::Dir { opaque: false },
            EntryKind::File { size, hash } => What::File(match &node.bytes {
                Bytes::Context(stamp) => {
                    Content::Context { source, path: entry.path.clone(), stamp: *stamp, hash: *hash }
                }
                Bytes::Layer(path) => Content::Layer { path: path.clone(), size: *size, hash: *hash },
                Bytes::None => Content::Inline(Vec::new().into()),
            }),
            EntryKind::Symlink { target } => What::Symlink(target.clone()),
            EntryKind::CharDevice { major, minor } => What::Char(*major, *minor),
            EntryKind::BlockDevice { major, minor } => What::Block(*major, *minor),
            EntryKind::Fifo | EntryKind::Hardlink { .. } | EntryKind::Whiteout => What::Fifo,
        };
        self.adorn(Planned {
            what,
            mode: entry.mode,
            owner: (entry.uid, entry.gid),
            mtime: entry.mtime,
            xattrs: entry.xattrs.clone(),
            link: node.link.map(|link| (source, number, link)),
        })
    }

    /// Applies `--chown` and `--chmod`; links have no mode of their own.
    fn adorn(&self, mut planned: Planned) -> Planned {
        planned.owner = self.attributes.owner.unwrap_or(planned.owner);
        if let (Some(chmod), false) = (&self.attributes.chmod, matches!(planned.what, What::Symlink(_))) {
            planned.mode = chmod.apply(planned.mode, matches!(planned.what, What::Dir { .. }));
        }
        planned
    }
}

/// Opens a selected regular file.
fn open(source: &Source<'_>, node: &Node) -> Result<Option<std::fs::File>, CopyError> {
    match (&node.bytes, source.context) {
        (Bytes::Context(_), Some(context)) => {
            let path = &node.entry.path;
            let fd = crate::context::open_file(context.fd(), path);
            fd.map(|fd| Some(fd.into())).map_err(CopyError::io("Opening", super::layout::text(path)))
        }
        (Bytes::Layer(path), _) => match std::fs::File::open(path) {
            Ok(file) => Ok(Some(file)),
            Err(source) => Err(CopyError::Io { what: "Opening", path: path.clone(), source }),
        },
        _ => Ok(None),
    }
}
