//! Volumes: directories that outlive containers, below the store's `volumes` directory.
//!
//! Owns: their names, labels, who uses them, and removal. Never does: mounting (the launcher's), filling from an image (`container`'s).

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};
use std::{fs, io};

use buildc_store::Store;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use crate::container;
use crate::hidden::{self, Hidden};
use crate::random::{self, hex};

/// One volume.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Volume {
    /// Its name.
    pub name: String,
    /// Made for one container, without a name of the user's choice.
    pub anonymous: bool,
    /// Unix seconds.
    pub created: i64,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Where its files are on the host.
    #[serde(skip)]
    pub dir: PathBuf,
}

/// Why a volume cannot be used or removed.
#[derive(Debug, thiserror::Error)]
pub enum VolumeError {
    /// There is none of this name.
    #[error("No such volume: `{0}`")]
    NotFound(String),
    /// Containers use it.
    #[error("Volume `{name}` is used by container `{holder}`")]
    InUse {
        /// Volume.
        name: String,
        /// Container.
        holder: String,
    },
    /// A container's record is damaged, and nothing says which volumes it needs.
    #[error("Cannot tell which volumes are in use: {0}")]
    HoldersUnknown(Box<container::ContainerError>),
    /// The name has characters that are not allowed.
    #[error(
        "Volume name `{0}` is invalid: letters, digits, `_`, `.` and `-` are allowed, the first a letter or digit"
    )]
    Name(String),
    /// The file system refused.
    #[error("Cannot {what} volume `{name}`: {source}")]
    Io {
        /// Verb in its base form.
        what: &'static str,
        /// Volume.
        name: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] buildc_store::StoreError),
}

impl VolumeError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "volume::not_found",
            Self::InUse { .. } => "volume::in_use",
            Self::HoldersUnknown(_) => "volume::holders_unknown",
            Self::Name(_) => "volume::name",
            Self::Io { .. } => "volume::io",
            Self::Store(error) => error.code(),
        }
    }

    /// The remedy.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::NotFound(_) => Some("`buildc volume ls` lists all volumes".to_owned()),
            Self::InUse { holder, .. } => Some(format!("Remove the container first: `buildc rm {holder}`")),
            Self::HoldersUnknown(_) => {
                Some("Remove the damaged container's directory, named above, if it is not needed".to_owned())
            }
            Self::Store(error) => error.help().map(str::to_owned),
            Self::Name(_) | Self::Io { .. } => None,
        }
    }
}

/// Shorthand for results of this module.
pub type Result<T> = std::result::Result<T, VolumeError>;

/// Directory of all volumes.
const ALL: &str = "volumes";
/// Name of the directory with the files, beside the volume's record.
const DATA: &str = "_data";
const RECORD: &str = "volume.json";

/// Whether a name follows Docker's rule for volumes and containers.
pub(crate) fn valid_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    name.len() <= 255 && name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(allowed)
}

/// A name for an anonymous volume.
pub(crate) fn random_name() -> String {
    hex(&random::bytes::<32>())
}

/// Where a volume's files are, whether it exists or not.
pub(crate) fn data_dir(store: &Store, name: &str) -> Result<PathBuf> {
    match valid_name(name) {
        true => Ok(store.subdir(ALL)?.join(name).join(DATA)),
        false => Err(VolumeError::Name(name.to_owned())),
    }
}

/// Makes a volume, or returns the one that has the name. Without a name it is anonymous and gets a random one.
///
/// # Errors
/// A bad name, or the file system refused.
pub fn create(store: &Store, name: Option<&str>, labels: BTreeMap<String, String>) -> Result<Volume> {
    let anonymous = name.is_none();
    let name = name.map_or_else(random_name, str::to_owned);
    using(store)?.ensure(&name, anonymous, labels)
}

/// No volume is removed as long as this lives. Whoever takes it has written down which volumes he needs, so that they
/// are seen to be in use afterwards.
#[derive(Debug)]
pub(crate) struct Using<'s> {
    store: &'s Store,
    _lock: File,
}

/// Waits for whoever removes volumes just now, and keeps others from it.
pub(crate) fn using(store: &Store) -> Result<Using<'_>> {
    Ok(Using { store, _lock: lock(store, FlockOperation::LockShared)? })
}

impl Using<'_> {
    /// The volume that has the name, made if there is none.
    pub(crate) fn ensure(
        &self,
        name: &str,
        anonymous: bool,
        labels: BTreeMap<String, String>,
    ) -> Result<Volume> {
        let dir = data_dir(self.store, name)?;
        match find(self.store, name) {
            Err(VolumeError::NotFound(_)) => {}
            found => return found,
        }
        let created = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs());
        let volume = Volume { name: name.to_owned(), anonymous, created: created as i64, labels, dir };
        // The finished directory appears under its name at once; whoever comes second uses the first one's.
        match make(&self.store.subdir(ALL)?, &volume) {
            Ok(()) => Ok(volume),
            Err(source) => find(self.store, name).map_err(|_| io_error("make", name)(source)),
        }
    }
}

fn make(all: &Path, volume: &Volume) -> io::Result<()> {
    let draft = Hidden::make(all, &hex(&random::bytes::<8>()))?;
    let made = (|| {
        fs::create_dir(draft.path().join(DATA))?;
        fs::write(draft.path().join(RECORD), serde_json::to_vec(volume)?)?;
        fs::rename(draft.path(), all.join(&volume.name))
    })();
    if made.is_err() {
        let _ = fs::remove_dir_all(draft.path());
    }
    made
}

/// The lock over all volumes: shared by those who make or use them, exclusive for those who remove.
fn lock(store: &Store, operation: FlockOperation) -> Result<File> {
    let all = store.subdir(ALL)?;
    let locked = || -> io::Result<File> {
        let dir = File::open(&all)?;
        while let Err(error) = flock(&dir, operation) {
            if error != rustix::io::Errno::INTR {
                return Err(error.into());
            }
        }
        Ok(dir)
    };
    locked().map_err(io_error("lock", &all.to_string_lossy()))
}

fn io_error(what: &'static str, name: &str) -> impl FnOnce(io::Error) -> VolumeError {
    let name = name.to_owned();
    move |source| VolumeError::Io { what, name, source }
}

/// All volumes, by name.
///
/// # Errors
/// The directory of volumes cannot be read.
pub fn list(store: &Store) -> Result<Vec<Volume>> {
    let all = store.subdir(ALL)?;
    let entries = fs::read_dir(&all).map_err(|source| VolumeError::Io {
        what: "list",
        name: all.display().to_string(),
        source,
    })?;
    let mut names: Vec<String> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| valid_name(name))
        .collect();
    names.sort_unstable();
    // One that is being removed meanwhile is none.
    Ok(names.iter().filter_map(|name| find(store, name).ok()).collect())
}

/// One volume.
///
/// # Errors
/// There is none, or its record cannot be read.
pub fn find(store: &Store, name: &str) -> Result<Volume> {
    if !valid_name(name) {
        return Err(VolumeError::NotFound(name.to_owned()));
    }
    let dir = store.subdir(ALL)?.join(name);
    let io = |source| VolumeError::Io { what: "read", name: name.to_owned(), source };
    let text = match fs::read(dir.join(RECORD)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(VolumeError::NotFound(name.to_owned()));
        }
        text => text.map_err(io)?,
    };
    let volume: Volume = serde_json::from_slice(&text).map_err(|error| io(error.into()))?;
    Ok(Volume { dir: dir.join(DATA), ..volume })
}

/// Removes a volume that no container uses.
///
/// # Errors
/// There is none, a container uses it, or the file system refused.
pub fn remove(store: &Store, name: &str) -> Result<()> {
    find(store, name)?;
    take(store, name, None)?.map_or(Ok(()), erase)
}

/// Removes the volume of a container that is going, unless another one uses it.
pub(crate) fn release(store: &Store, name: &str, container: &str) -> Result<()> {
    take(store, name, Some(container))?.map_or(Ok(()), erase)
}

/// Removes volumes that no container uses: the anonymous ones, with `all` the named ones too. Returns their names and
/// the bytes that became free.
///
/// # Errors
/// The file system refused; what was removed before stays removed.
pub fn prune(store: &Store, all: bool) -> Result<(Vec<String>, u64)> {
    sweep(store)?;
    let lock = lock(store, FlockOperation::LockExclusive)?;
    let used = holders(store, None)?;
    let mut gone = Vec::new();
    for volume in list(store)?.iter().filter(|volume| volume.anonymous || all) {
        if !used.contains_key(&volume.name) {
            gone.extend(hide(store, &volume.name)?);
        }
    }
    drop(lock);
    let (mut names, mut bytes) = (Vec::new(), 0);
    for volume in gone {
        bytes += size_bytes(volume.path());
        names.push(volume.name());
        erase(volume)?;
    }
    Ok((names, bytes))
}

/// Removes what killed commands left of volumes; gives how many there were.
pub(crate) fn sweep(store: &Store) -> Result<usize> {
    let all = store.subdir(ALL)?;
    let left = hidden::abandoned(&all).map_err(io_error("list", &all.to_string_lossy()))?;
    let count = left.len();
    left.into_iter().try_for_each(erase)?;
    Ok(count)
}

/// Takes a volume out of sight that nobody but `except` uses; `None` when it is gone already.
fn take(store: &Store, name: &str, except: Option<&str>) -> Result<Option<Hidden>> {
    // What a killed removal left would stand in the way of another with the same name.
    sweep(store)?;
    let _lock = lock(store, FlockOperation::LockExclusive)?;
    match holders(store, except)?.remove(name) {
        Some(holder) => Err(VolumeError::InUse { name: name.to_owned(), holder }),
        None => hide(store, name),
    }
}

fn hide(store: &Store, name: &str) -> Result<Option<Hidden>> {
    Hidden::take(&store.subdir(ALL)?, name).map_err(io_error("remove", name))
}

fn erase(gone: Hidden) -> Result<()> {
    fs::remove_dir_all(gone.path()).map_err(io_error("remove", &gone.name()))
}

/// The names of the volumes that containers mount.
///
/// # Errors
/// The records of containers cannot be listed.
pub fn used(store: &Store) -> Result<BTreeSet<String>> {
    Ok(holders(store, None)?.into_keys().collect())
}

/// Every volume that a container mounts, be it finished or being made, with that container's id. A container whose
/// record cannot be read may hold any of them.
fn holders(store: &Store, except: Option<&str>) -> Result<BTreeMap<String, String>> {
    let unknown = |error| VolumeError::HoldersUnknown(Box::new(error));
    // In this order: one that is finished meanwhile is seen in the second look.
    let mut containers = container::unfinished(store).map_err(unknown)?;
    containers.extend(container::all(store).map_err(unknown)?);
    containers.retain(|container| except != Some(&container.id));
    let mounts = containers.iter().flat_map(|c| c.mounts.iter().map(move |mount| (mount, &c.id)));
    Ok(mounts.filter_map(|(mount, id)| Some((mount.volume.clone()?, id.clone()))).collect())
}

/// Bytes of the regular files below a directory, as far as it can be read.
fn size_bytes(dir: &Path) -> u64 {
    let (mut bytes, mut dirs) = (0, vec![dir.to_owned()]);
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            let Ok(meta) = entry.metadata() else { continue };
            if meta.is_dir() {
                dirs.push(entry.path());
            } else {
                bytes += meta.len();
            }
        }
    }
    bytes
}
