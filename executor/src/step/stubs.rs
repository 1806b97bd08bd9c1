//! A lowest layer that holds nothing but mount points, so that mounting over a step's root writes nothing into its
//! layer; and the mount points that stay in a layer, as runc leaves them in BuildKit's.

use std::path::{Path, PathBuf};

use buildc_store::{PendingLayer, Store, StoreError};

use super::StepError;
use crate::select::LayerTree;

const DIRS: &[&str] = &["proc", "sys", "dev", "etc"];
const FILES: &[&str] = &["etc/hosts", "etc/resolv.conf"];
/// What a command leaves in a tree that does not have it: BuildKit takes away no other mount points than those of the two
/// files and of `--mount`.
const LEFT: [&str; 3] = ["dev", "proc", "sys"];

/// The directory with the mount points that every step has, made once.
pub(super) fn directory(store: &Store) -> Result<PathBuf, StepError> {
    let dir = store.subdir("mount-points")?;
    // The last one that is made tells that all are there.
    if let Some(last) = FILES.last().filter(|last| !dir.join(last).exists()) {
        make(&dir).map_err(StepError::io("Making mount points in", dir.join(last)))?;
    }
    Ok(dir)
}

/// The mount points that a command's layer gets, since its base has nothing there.
pub(super) fn left_over(base: &LayerTree) -> Result<Vec<&'static str>, StoreError> {
    let mut missing = Vec::new();
    for name in LEFT {
        if base.view().get(name.as_bytes())?.is_none() {
            missing.push(name);
        }
    }
    Ok(missing)
}

/// Puts them into the layer.
pub(super) fn leave(pending: &PendingLayer, names: &[&str]) -> Result<(), StepError> {
    for name in names {
        let dir = pending.dir().join(name);
        std::fs::create_dir_all(&dir)
            .and_then(|()| set_mode(&dir, 0o755))
            .map_err(StepError::io("Making", dir))?;
    }
    Ok(())
}

fn set_mode(path: &Path, mode: u32) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
}

fn make(dir: &Path) -> std::io::Result<()> {
    set_mode(dir, 0o755)?;
    for name in DIRS {
        std::fs::create_dir_all(dir.join(name))?;
        set_mode(&dir.join(name), 0o755)?;
    }
    for name in FILES {
        std::fs::File::create(dir.join(name))?;
        set_mode(&dir.join(name), 0o644)?;
    }
    Ok(())
}
