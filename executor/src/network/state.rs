//! Where the network's state of this boot is kept: locks that the kernel releases when their holder ends.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::PathBuf;

use nix::fcntl::{Flock, FlockArg};

use super::error::{NetworkError, Result};

/// Whether this process lives in a user namespace, where the host's bridges and rules are out of reach.
pub(crate) fn rootless() -> bool {
    !matches!(mapped_root(), Some((0, u32::MAX)))
}

/// Which user of the host is root here, and how many ids are mapped from there.
fn mapped_root() -> Option<(u32, u32)> {
    let text = std::fs::read_to_string("/proc/self/uid_map").ok()?;
    let mut fields = text.lines().next()?.split_whitespace().skip(1).map(str::parse);
    Some((fields.next()?.ok()?, fields.next()?.ok()?))
}

/// `/run/buildc` for root, `$XDG_RUNTIME_DIR/buildc` for users, made on demand; `name` is a directory below it.
pub(super) fn dir(name: &str) -> Result<PathBuf> {
    let base = base();
    let make = || -> io::Result<()> {
        match DirBuilder::new().mode(0o700).create(&base) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        // In a directory that others may write, someone else could have been first.
        let meta = std::fs::symlink_metadata(&base)?;
        if !meta.is_dir() || meta.uid() != nix::unistd::geteuid().as_raw() {
            return Err(io::Error::other("it belongs to somebody else"));
        }
        std::fs::create_dir_all(base.join(name))
    };
    make().map_err(NetworkError::system(format!("use `{}`", base.display())))?;
    Ok(base.join(name))
}

fn base() -> PathBuf {
    if !rootless() {
        return PathBuf::from("/run/buildc");
    }
    match std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from) {
        Some(dir) if dir.is_dir() => dir.join("buildc"),
        _ => {
            let user = mapped_root().map_or(0, |(user, _)| user);
            std::env::temp_dir().join(format!("buildc-{user}"))
        }
    }
}

/// An exclusive lock, held until it is dropped or its process ends.
pub(super) type Lock = Flock<File>;

fn lock_file(path: &PathBuf) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// Waits for the lock of this file.
pub(super) fn lock(path: &PathBuf) -> io::Result<Lock> {
    Flock::lock(lock_file(path)?, FlockArg::LockExclusive).map_err(|(_, errno)| errno.into())
}

/// Takes the lock of this file, or `None` when somebody has it.
pub(super) fn try_lock(path: &PathBuf) -> io::Result<Option<Lock>> {
    match Flock::lock(lock_file(path)?, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => Ok(Some(lock)),
        Err((_, nix::errno::Errno::EWOULDBLOCK)) => Ok(None),
        Err((_, errno)) => Err(errno.into()),
    }
}
