//! The base as it is shown: answers from the merged tree's index, with every question noted.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use buildc_ir::ReadSet;
use buildc_ir::reads::Aspect;
use buildc_store::{EntryKind, Found, StoreError, TreeIndex, file_name};
use fuser::{FileAttr, FileType, INodeNo};

use super::backing::Backing;
use super::nodes::{Nodes, ROOT};
use super::recorder::Recorder;
use super::{attributes, caller, libraries, observe};

/// As long as the file system lives.
pub(super) const FOREVER: Duration = Duration::from_secs(1 << 32);
/// Directories whose names are kept between two parts of a listing.
const LISTINGS: usize = 32;

/// The base of one command: shared by the threads that serve it and whoever waits for the trace.
#[derive(Clone, Debug)]
pub(super) struct Base(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    index: TreeIndex,
    single_id: bool,
    covered: &'static [&'static str],
    backing: Backing,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    nodes: Nodes,
    recorder: Recorder,
    /// Names of directories that are being listed.
    listings: Vec<(u64, Arc<[Listed]>)>,
}

/// One name of a directory.
#[derive(Debug)]
pub(super) struct Listed {
    pub ino: u64,
    pub kind: FileType,
    pub name: Vec<u8>,
}

impl Base {
    /// `single_id`: this process has one user id only, which everything belongs to. `covered`: files whose bytes nobody
    /// can see, since something is mounted on each.
    pub fn new(
        index: TreeIndex,
        single_id: bool,
        covered: &'static [&'static str],
    ) -> Result<Self, StoreError> {
        let mut state = State::default();
        if let Some(root) = index.root()? {
            state.recorder.saw(b"", Aspect::Attributes, observe::attributes(&root.found, 1));
            state.nodes.insert_root(root);
        }
        let (backing, state) = (Backing::default(), Mutex::new(state));
        Ok(Self(Arc::new(Inner { index, single_id, covered, backing, state })))
    }

    /// What was read; `None` where something is missing.
    pub fn reads(&self) -> Option<ReadSet> {
        let recorder = std::mem::take(&mut self.state().recorder);
        recorder.finish(&self.0.index)
    }

    /// What has been read up to now.
    pub fn so_far(&self) -> ReadSet {
        self.state().recorder.so_far().clone()
    }

    fn is_covered(&self, path: &[u8]) -> bool {
        self.0.covered.iter().any(|covered| covered.as_bytes() == path)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An answer could not be given, so the trace is incomplete.
    pub fn give_up(&self) {
        self.state().recorder.give_up();
    }

    /// The bytes of its files.
    pub fn backing(&self) -> &Backing {
        &self.0.backing
    }

    /// Attributes of what stands under a name, or of nothing, and how long the kernel may keep the answer.
    pub fn find(&self, parent: u64, name: &[u8], thread: u32) -> Result<(FileAttr, Duration), StoreError> {
        let mut state = self.state();
        let State { nodes, recorder, .. } = &mut *state;
        let Some(parent) = nodes.get(parent) else { return Ok((attributes::nothing(), FOREVER)) };
        let Some(tree) = self.0.index.child(&parent.tree, name)? else {
            recorder.absent(&buildc_store::join(&parent.tree.found.entry.path, name));
            return Ok((attributes::nothing(), FOREVER));
        };
        let names = self.0.index.names(&tree)?;
        let entry = &tree.found.entry;
        recorder.saw(&entry.path, Aspect::Attributes, observe::attributes(&tree.found, names));
        let mut valid = FOREVER;
        if names == 1 && entry.path == libraries::CACHE && caller::is_dynamic_linker(thread) {
            recorder.linker_asked();
            // The next one who looks it up may be another program.
            valid = Duration::ZERO;
        } else if matches!(entry.kind, EntryKind::File { .. }) && !self.is_covered(&entry.path) {
            // The kernel knows the size from now on, and tells it in ways of which none comes here: reading an empty file
            // with sendfile, `AT_STATX_DONT_SYNC`, FIONREAD. So whoever finds a file has looked into it.
            recorder.saw(&entry.path, Aspect::Content, observe::content(entry));
        }
        let shown = attributes::attributes(entry, 0, names, self.0.single_id);
        let ino = nodes.insert(tree, names);
        Ok((FileAttr { ino: INodeNo(ino), ..shown }, valid))
    }

    /// What is to be shown of what was looked up.
    pub fn look(&self, ino: u64) -> Option<FileAttr> {
        let state = self.state();
        let node = state.nodes.get(ino)?;
        Some(attributes::attributes(&node.tree.found.entry, ino, node.names, self.0.single_id))
    }

    /// The names in a directory, with `.` and `..`; `None` for what is no directory that was looked up.
    pub fn listing(&self, ino: u64) -> Result<Option<Arc<[Listed]>>, StoreError> {
        let mut state = self.state();
        if let Some((_, listed)) = state.listings.iter().find(|(known, _)| *known == ino) {
            return Ok(Some(listed.clone()));
        }
        let State { nodes, recorder, listings } = &mut *state;
        let Some(node) = nodes.get(ino) else { return Ok(None) };
        let found = self.0.index.list(&node.tree)?;
        let path = node.tree.found.entry.path.clone();
        recorder.saw(&path, Aspect::Listing, observe::listing(&found));
        let mut listed = vec![special(ino, "."), special(parent_number(nodes, &path, ino), "..")];
        listed.extend(found.iter().map(|found| Listed {
            ino: nodes.number(found),
            kind: attributes::file_type(&found.entry.kind),
            name: file_name(&found.entry.path).to_vec(),
        }));
        if listings.len() >= LISTINGS {
            listings.remove(0);
        }
        let listed: Arc<[Listed]> = listed.into();
        listings.push((ino, listed.clone()));
        Ok(Some(listed))
    }

    /// What stands at an inode.
    pub fn found(&self, ino: u64) -> Option<Found> {
        self.state().nodes.get(ino).map(|node| node.tree.found.clone())
    }
}

fn special(ino: u64, name: &str) -> Listed {
    Listed { ino, kind: FileType::Directory, name: name.into() }
}

/// Only shown: nobody asks whether it is right.
fn parent_number(nodes: &Nodes, path: &[u8], ino: u64) -> u64 {
    if path.contains(&b'/') || nodes.get(ino).is_none() { ino } else { ROOT }
}
