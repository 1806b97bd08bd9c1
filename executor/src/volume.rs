//! Volumes: directories that outlive containers, below the store's `volumes` directory.
//!
//! Owns: their names, labels and removal. Never does: mounting (the launcher's), filling from an image (`container`'s).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};
use std::{fs, io};

use buildc_store::Store;
use serde::{Deserialize, Serialize};

use crate::container;
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

/// Name of the directory with the files, beside the volume's record.
const DATA: &str = "_data";
const RECORD: &str = "volume.json";

/// Whether a name follows Docker's rule for volumes and containers.
pub(crate) fn valid_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    name.len() <= 255 && name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(allowed)
}

/// Makes a volume, or returns the one that has the name. Without a name it is anonymous and gets a random one.
///
/// # Errors
/// A bad name, or the file system refused.
pub fn create(store: &Store, name: Option<&str>, labels: BTreeMap<String, String>) -> Result<Volume> {
    let anonymous = name.is_none();
    let name = name.map_or_else(|| hex(&random::bytes::<32>()), str::to_owned);
    if !valid_name(&name) {
        return Err(VolumeError::Name(name));
    }
    match find(store, &name) {
        Err(VolumeError::NotFound(_)) => {}
        found => return found,
    }
    let all = store.subdir("volumes")?;
    let created = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs());
    let mut volume =
        Volume { name: name.clone(), anonymous, created: created as i64, labels, dir: PathBuf::new() };
    let io = |source| VolumeError::Io { what: "make", name: name.clone(), source };
    // The finished directory appears under its name at once; whoever comes second uses the first one's.
    let draft = all.join(format!(".{}", hex(&random::bytes::<8>())));
    let make = || -> io::Result<()> {
        fs::create_dir_all(draft.join(DATA))?;
        fs::write(draft.join(RECORD), serde_json::to_vec(&volume)?)?;
        fs::rename(&draft, all.join(&name))
    };
    if let Err(error) = make() {
        let _ = fs::remove_dir_all(&draft);
        return find(store, &name).map_err(|_| io(error));
    }
    volume.dir = all.join(&name).join(DATA);
    Ok(volume)
}

/// All volumes, by name.
///
/// # Errors
/// The directory of volumes cannot be read.
pub fn list(store: &Store) -> Result<Vec<Volume>> {
    let all = store.subdir("volumes")?;
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
    let dir = store.subdir("volumes")?.join(name);
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
    let volume = find(store, name)?;
    match holders(store)?.remove(name) {
        Some(holder) => Err(VolumeError::InUse { name: volume.name, holder }),
        None => delete(&volume),
    }
}

/// Removes volumes that no container uses: the anonymous ones, with `all` the named ones too. Returns their names and
/// the bytes that became free.
///
/// # Errors
/// The file system refused; what was removed before stays removed.
pub fn prune(store: &Store, all: bool) -> Result<(Vec<String>, u64)> {
    let used = holders(store)?;
    let (mut names, mut bytes) = (Vec::new(), 0);
    for volume in list(store)? {
        if (volume.anonymous || all) && !used.contains_key(&volume.name) {
            bytes += size_bytes(&volume.dir);
            delete(&volume)?;
            names.push(volume.name);
        }
    }
    Ok((names, bytes))
}

/// Every volume that a container mounts, with that container's id. A container whose record cannot be read may hold
/// any of them.
fn holders(store: &Store) -> Result<BTreeMap<String, String>> {
    let containers = container::all(store).map_err(|error| VolumeError::HoldersUnknown(Box::new(error)))?;
    let mounts = containers.iter().flat_map(|c| c.mounts.iter().map(move |mount| (mount, &c.id)));
    Ok(mounts.filter_map(|(mount, id)| Some((mount.volume.clone()?, id.clone()))).collect())
}

/// Removes a volume without asking who uses it.
pub(crate) fn delete(volume: &Volume) -> Result<()> {
    let io = |source| VolumeError::Io { what: "remove", name: volume.name.clone(), source };
    let Some(dir) = volume.dir.parent() else { return Ok(()) };
    // Out of sight first, so that half of a volume is never found.
    let gone = dir.with_file_name(format!(".{}", hex(&random::bytes::<8>())));
    fs::rename(dir, &gone).map_err(io)?;
    fs::remove_dir_all(&gone).map_err(io)
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
