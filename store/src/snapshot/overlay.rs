//! overlayfs: the layers' own directories are the lowers.

use std::path::{Path, PathBuf};

use super::{Rootfs, SnapshotDriver, create_dir, root_attributes, top_first};
use crate::Store;
use crate::error::{Result, StoreError};
use crate::layer::{Layer, PendingLayer, set_root_attributes};
use crate::layout::base36;
use crate::view::TreeView;

/// The kernel's own limit (`OVL_MAX_STACK` in fs/overlayfs).
const MAX_LOWERS: usize = 500;

#[derive(Debug)]
pub(super) struct OverlayDriver {
    store: Store,
    userxattr: bool,
}

impl OverlayDriver {
    pub fn new(store: &Store, userxattr: bool) -> Self {
        Self { store: store.clone(), userxattr }
    }

    fn rootfs(&self, layers: &[Layer], upper: PathBuf, work: PathBuf) -> Result<Rootfs> {
        // Nothing to put below: the upper directory alone is the tree.
        if layers.is_empty() {
            return Ok(Rootfs::Directory(upper));
        }
        if layers.len() > MAX_LOWERS {
            let (count, limit) = (layers.len(), MAX_LOWERS);
            return Err(StoreError::TooManyLayers { count, limit, driver: self.name() });
        }
        Ok(Rootfs::Overlay {
            base: self.store.layout().layers(),
            lowers: top_first(layers).map(|layer| Path::new(&base36(layer.id.0)).join("fs")).collect(),
            upper,
            work,
            userxattr: self.userxattr,
        })
    }
}

impl SnapshotDriver for OverlayDriver {
    fn name(&self) -> &'static str {
        "overlay"
    }

    fn prepare(&self, layers: &[Layer], pending: &PendingLayer) -> Result<Rootfs> {
        // overlayfs shows the upper's root, so it must look like the merged root below it.
        pending.start_root_from(root_attributes(&TreeView::new(&self.store, layers)?)?)?;
        self.rootfs(layers, pending.dir().to_owned(), pending.work_dir().to_owned())
    }

    fn collect(&self, _layers: &[Layer], _pending: &mut PendingLayer) -> Result<()> {
        Ok(())
    }

    fn prepare_in(&self, layers: &[Layer], dir: &Path) -> Result<Rootfs> {
        let (upper, work) = (dir.join("upper"), dir.join("work"));
        if !upper.exists() {
            create_dir(&upper)?;
            set_root_attributes(&upper, root_attributes(&TreeView::new(&self.store, layers)?)?)?;
        }
        create_dir(&work)?;
        self.rootfs(layers, upper, work)
    }
}
