//! What has been read so far.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use buildc_ir::ReadSet;
use buildc_ir::reads::{Aspect, Fingerprint};
use buildc_store::{EntryKind, TreeIndex, file_name};

use super::{libraries, observe};

/// Paths of a read-set that is worth keeping; a command that reads more sweeps whole trees.
const MAX_PATHS: usize = 500_000;

/// The read-set of a running command.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    reads: ReadSet,
    /// The dynamic linker asked its cache for the libraries it wanted.
    linker_asked: bool,
    /// Something could not be answered or kept: there is no trace.
    broken: bool,
}

impl Recorder {
    pub fn absent(&mut self, path: &[u8]) {
        if !self.is_full() {
            self.reads.absent(path);
        }
    }

    pub fn saw(&mut self, path: &[u8], aspect: Aspect, seen: Fingerprint) {
        if !self.is_full() {
            self.reads.saw(path, aspect, seen);
        }
    }

    /// Whether this aspect of the path is known to have been looked at.
    pub fn has(&self, path: &[u8], aspect: Aspect) -> bool {
        self.reads.get(path).is_some_and(|reads| reads.get(aspect).is_some())
    }

    pub fn linker_asked(&mut self) {
        self.linker_asked = true;
    }

    /// There is no trace of this run.
    pub fn give_up(&mut self) {
        self.broken = true;
    }

    /// What is known up to now.
    pub fn so_far(&self) -> &ReadSet {
        &self.reads
    }

    fn is_full(&mut self) -> bool {
        self.broken |= self.reads.len() >= MAX_PATHS;
        self.broken
    }

    /// The whole set; `None` when something is missing in it.
    pub fn finish(mut self, index: &TreeIndex) -> Option<ReadSet> {
        let path = libraries::CACHE;
        if self.linker_asked && !self.has(path, Aspect::Content) {
            let (aspect, seen) = self.seen_by_linker(index)?;
            self.saw(path, aspect, seen);
        }
        (!self.broken).then_some(self.reads)
    }

    /// What the linker's cache says of the libraries in the set; all it says where it cannot be told apart.
    fn seen_by_linker(&self, index: &TreeIndex) -> Option<(Aspect, Fingerprint)> {
        let found = index.view().get(libraries::CACHE).ok()??;
        let whole = (Aspect::Content, observe::content(&found.entry));
        let Some(cache) = read_cache(&found.entry.kind, &found.disk_path) else { return Some(whole) };
        let names = library_names(&self.reads);
        let known = |dir: &[u8]| {
            let found = index.view().resolve(dir, false);
            found.is_ok_and(|f| f.is_some_and(|(_, f)| f.is_some_and(|f| f.entry.is_dir())))
        };
        // A library in a directory that the base does not have may be one that the command made.
        match libraries::directories(&cache) {
            Some(dirs) if dirs.iter().all(|dir| known(dir)) => {}
            _ => return Some(whole),
        }
        Some(
            libraries::project(&cache, &names).map_or(whole, |p| (Aspect::Libraries, observe::libraries(&p))),
        )
    }
}

/// The last components of all paths.
pub(super) fn library_names(reads: &ReadSet) -> HashSet<&[u8]> {
    reads.iter().map(|(path, _)| file_name(path)).collect()
}

/// The bytes of a linker's cache that is small enough to be one.
pub(super) fn read_cache(kind: &EntryKind, place: &Path) -> Option<Vec<u8>> {
    let EntryKind::File { size, .. } = kind else { return None };
    if *size > libraries::MAX_BYTES {
        return None;
    }
    let mut bytes = Vec::new();
    File::open(place).ok()?.take(libraries::MAX_BYTES).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}
