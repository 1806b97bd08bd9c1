//! Volumes: directories that outlive containers, below the store's `volumes` directory.
//!
//! Owns: their names, labels and removal. Never does: mounting (the launcher's), filling from an image (`container`'s).

use std::collections::BTreeMap;
use std::path::PathBuf;

use buildc_store::Store;
use serde::{Deserialize, Serialize};

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
            Self::Store(error) => error.help().map(str::to_owned),
            Self::Name(_) | Self::Io { .. } => None,
        }
    }
}

/// Shorthand for results of this module.
pub type Result<T> = std::result::Result<T, VolumeError>;

/// Makes a volume, or returns the one that has the name. Without a name it is anonymous and gets a random one.
pub fn create(_store: &Store, _name: Option<&str>, _labels: BTreeMap<String, String>) -> Result<Volume> {
    todo!()
}

/// All volumes, by name.
pub fn list(_store: &Store) -> Result<Vec<Volume>> {
    todo!()
}

/// One volume.
pub fn find(_store: &Store, _name: &str) -> Result<Volume> {
    todo!()
}

/// Removes a volume that no container uses.
pub fn remove(_store: &Store, _name: &str) -> Result<()> {
    todo!()
}

/// Removes volumes that no container uses: the anonymous ones, with `all` the named ones too. Returns their names and
/// the bytes that became free.
pub fn prune(_store: &Store, _all: bool) -> Result<(Vec<String>, u64)> {
    todo!()
}
