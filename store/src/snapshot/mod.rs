//! Snapshots: a writable tree over a stack of layers.
//!
//! Owns: the drivers and the choice between them. Never does: mounting for a step; the launcher mounts inside its own
//! namespace what a driver describes, so that nothing can stay mounted on the host.

mod copy;
mod overlay;
mod probe;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::Store;
use crate::error::{Result, StoreError};
use crate::layer::{Layer, PendingLayer};
use crate::view::TreeView;

use copy::CopyDriver;
use overlay::OverlayDriver;

/// How a writable tree over a stack is offered to the launcher.
#[derive(Clone, Debug)]
pub enum Rootfs {
    /// Mount overlayfs with these, and with `redirect_dir=nofollow,metacopy=off,index=off`: a layer must hold whole files.
    Overlay {
        /// Directory that the short relative lower names are relative to.
        base: PathBuf,
        /// Top first, relative to `base`.
        lowers: Vec<PathBuf>,
        /// Where changes go.
        upper: PathBuf,
        /// overlayfs' own scratch directory.
        work: PathBuf,
        /// Mount with `userxattr`: inside a user namespace.
        userxattr: bool,
    },
    /// A ready directory.
    Directory(PathBuf),
}

/// A way to make snapshots.
pub trait SnapshotDriver: Send + Sync + std::fmt::Debug {
    /// Its name, as `BUILDC_SNAPSHOTTER` spells it.
    fn name(&self) -> &'static str;
    /// Offers a writable tree over `layers` (lowest first) whose changes end up in `pending`.
    fn prepare(&self, layers: &[Layer], pending: &PendingLayer) -> Result<Rootfs>;
    /// Turns what happened into the layer's upper form in `pending.dir()`: nothing for overlayfs, a comparison for copy.
    fn collect(&self, layers: &[Layer], pending: &mut PendingLayer) -> Result<()>;
    /// The same for a container's writable layer in a directory of the caller's: `dir/upper` and `dir/work`, or
    /// `dir/rootfs`. What is there already is kept, so that a container can start again.
    fn prepare_in(&self, layers: &[Layer], dir: &Path) -> Result<Rootfs>;
}

/// The layers of a stack as overlayfs takes them: top first, each once. It refuses a directory twice, and commands that
/// change nothing share the empty layer. Of a repeated layer only the topmost place matters, unless something between
/// removed what it holds, and then too the topmost brings it back.
pub fn top_first(layers: &[Layer]) -> impl Iterator<Item = &Layer> {
    let mut seen = HashSet::new();
    layers.iter().rev().filter(move |layer| seen.insert(layer.id))
}

/// Name of the driver that `BUILDC_SNAPSHOTTER` asks for, else of the best that works.
pub(crate) fn choose(store: &Store) -> Result<String> {
    match std::env::var("BUILDC_SNAPSHOTTER") {
        Ok(name) if !name.is_empty() => Ok(name),
        _ => Ok(if probe::overlay_works(store)? { "overlay" } else { "copy" }.to_owned()),
    }
}

impl Store {
    /// A snapshot driver by name, `overlay` or `copy`, whether it works here or not.
    pub fn snapshot_driver(&self, name: &str) -> Result<Arc<dyn SnapshotDriver>> {
        match name {
            "copy" => Ok(Arc::new(CopyDriver::new(self))),
            "overlay" => Ok(Arc::new(OverlayDriver::new(self, probe::in_user_namespace()))),
            _ => {
                let what = "snapshot driver; there are `overlay` and `copy`";
                Err(StoreError::InvalidName { name: name.to_owned(), what })
            }
        }
    }
}

/// Mode, owner and group of the merged root directory.
fn root_attributes(view: &TreeView) -> Result<(u32, u32, u32)> {
    Ok(view.get(b"")?.map_or((0o755, 0, 0), |found| (found.entry.mode, found.entry.uid, found.entry.gid)))
}

fn create_dir(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path).map_err(StoreError::io("create", path))
}
