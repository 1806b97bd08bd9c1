//! A lowest layer that holds nothing but mount points, so that mounting over a step's root writes nothing into its
//! layer.

use std::path::{Path, PathBuf};

use buildc_store::Store;

use super::StepError;

const DIRS: &[&str] = &["proc", "sys", "dev", "etc"];
const FILES: &[&str] = &["etc/hosts", "etc/resolv.conf"];

/// The directory with the mount points that every step has, made once.
pub(super) fn directory(store: &Store) -> Result<PathBuf, StepError> {
    let dir = store.subdir("mount-points")?;
    // The last one that is made tells that all are there.
    if let Some(last) = FILES.last().filter(|last| !dir.join(last).exists()) {
        make(&dir).map_err(StepError::io("Making mount points in", dir.join(last)))?;
    }
    Ok(dir)
}

fn make(dir: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode));
    mode(dir, 0o755)?;
    for name in DIRS {
        std::fs::create_dir_all(dir.join(name))?;
        mode(&dir.join(name), 0o755)?;
    }
    for name in FILES {
        std::fs::File::create(dir.join(name))?;
        mode(&dir.join(name), 0o644)?;
    }
    Ok(())
}
