//! Which rootless commands of a user run, and so which user namespace the next one joins.
//!
//! One file for each, named by pid and holding the start time, in a directory that only the user can write to.

use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::process::start_time;

/// The locked list. Dropping it unlocks.
pub(crate) struct Registry {
    directory: PathBuf,
    _lock: Flock<fs::File>,
}

impl Registry {
    /// Opens the list of the user with this id on the host.
    pub(crate) fn open(uid: u32) -> io::Result<Registry> {
        let directory = match std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from) {
            Some(runtime) if runtime.is_dir() => private_directory(&runtime.join("buildc"))?,
            _ => private_directory(&std::env::temp_dir().join(format!("buildc-{uid}")))?,
        };
        let directory = private_directory(&directory.join("commands"))?;
        let file =
            fs::OpenOptions::new().create(true).truncate(false).write(true).open(directory.join("lock"))?;
        let lock = Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, error)| io::Error::from(error))?;
        Ok(Registry { directory, _lock: lock })
    }

    /// Joins the user namespace of a running command; false when there is none.
    pub(crate) fn join_existing(&self) -> bool {
        let entries = fs::read_dir(&self.directory).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).any(|path| join(&path))
    }

    /// Adds this process.
    pub(crate) fn register(&self) -> io::Result<()> {
        let pid = std::process::id();
        let start = start_time(pid).ok_or_else(|| io::Error::other("`/proc` is not readable"))?;
        fs::write(self.directory.join(pid.to_string()), start.to_string())
    }
}

/// Joins the namespace of the command that this file stands for, or removes the file of one that is gone.
fn join(path: &Path) -> bool {
    let Some(pid) = path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok()) else {
        return false;
    };
    let recorded = fs::read_to_string(path).ok().and_then(|text| text.parse::<u64>().ok());
    if recorded.is_none() || start_time(pid) != recorded {
        let _ = fs::remove_file(path);
        return false;
    }
    let Ok(namespace) = fs::File::open(format!("/proc/{pid}/ns/user")) else { return false };
    move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::User)).is_ok()
}

/// Makes a directory, or accepts one that nobody else can write to.
fn private_directory(path: &Path) -> io::Result<PathBuf> {
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let found = fs::symlink_metadata(path)?;
    let ours =
        found.is_dir() && found.uid() == rustix::process::geteuid().as_raw() && found.mode() & 0o022 == 0;
    if ours {
        Ok(path.to_owned())
    } else {
        Err(io::Error::other(format!(
            "`{}` belongs to somebody else or is writable by others",
            path.display()
        )))
    }
}
