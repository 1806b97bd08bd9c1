//! What can go wrong with containers, and the exit code each failure means.

use std::io;
use std::path::{Path, PathBuf};

use buildc_launch::LaunchError;
use buildc_store::StoreError;

use crate::network::NetworkError;

/// Shorthand for results of this module.
pub type Result<T> = std::result::Result<T, ContainerError>;

/// Why something could not be done with a container.
#[derive(Debug, thiserror::Error)]
pub enum ContainerError {
    /// No container has this name, id or id prefix.
    #[error("No such container: `{0}`")]
    NotFound(String),
    /// More than one id begins like this.
    #[error("`{0}` is the beginning of more than one container's id")]
    Ambiguous(String),
    /// Another container, running or not, has the name.
    #[error("Name `{name}` is in use by container `{holder}`")]
    NameInUse {
        /// The name wanted.
        name: String,
        /// Id of the container that has it.
        holder: String,
    },
    /// An option's value cannot be used.
    #[error("Value `{value}` of `{option}` is invalid: {reason}")]
    InvalidOption {
        /// The option as on the command line.
        option: &'static str,
        /// What was given.
        value: String,
        /// What is wrong.
        reason: String,
    },
    /// Two options exclude each other.
    #[error("Options conflict: {0}")]
    Conflict(String),
    /// Neither the image nor the command line says what to run.
    #[error("No command specified, and image `{0}` has none")]
    NoCommand(String),
    /// A user or group name that the image does not know.
    #[error("Unable to find {what} `{name}` in the image")]
    UnknownUser {
        /// `user` or `group`.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// The verb needs a running container.
    #[error("Container `{0}` is not running")]
    NotRunning(String),
    /// The verb needs a stopped container.
    #[error("Container `{0}` is running")]
    Running(String),
    /// A path inside the container or on the host that is missing or of the wrong kind.
    #[error("Cannot copy `{path}`: {reason}")]
    Copy {
        /// Which.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// A volume cannot be used or removed.
    #[error(transparent)]
    Volume(#[from] crate::volume::VolumeError),
    /// The image's config cannot be read.
    #[error("Config of image `{image}` cannot be read: {reason}")]
    ImageConfig {
        /// Which.
        image: String,
        /// What is wrong.
        reason: String,
    },
    /// The container's process was not started.
    #[error("{message}")]
    Launch {
        /// Stable code.
        code: &'static str,
        /// What happened.
        message: String,
        /// The remedy.
        help: Option<String>,
        /// 125, 126 or 127.
        exit_code: u8,
    },
    /// The container's monitor process did not answer as it should.
    #[error("Monitor of container `{id}` {reason}")]
    Monitor {
        /// Which container.
        id: String,
        /// What is wrong.
        reason: String,
    },
    /// The network could not be prepared.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file of the container or a system call.
    #[error("Cannot {what} `{}`: {source}", .path.display())]
    Io {
        /// Verb in its base form.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A file of the container's directory is damaged.
    #[error("Record of container `{id}` is damaged: {reason}")]
    Damaged {
        /// Which container.
        id: String,
        /// What is wrong.
        reason: String,
    },
}

impl ContainerError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "container::not_found",
            Self::Ambiguous(_) => "container::ambiguous",
            Self::NameInUse { .. } => "container::name_in_use",
            Self::InvalidOption { .. } => "container::invalid_option",
            Self::Conflict(_) => "container::conflict",
            Self::NoCommand(_) => "container::no_command",
            Self::UnknownUser { .. } => "container::unknown_user",
            Self::NotRunning(_) => "container::not_running",
            Self::Running(_) => "container::running",
            Self::Copy { .. } => "container::copy",
            Self::Volume(error) => error.code(),
            Self::ImageConfig { .. } => "container::image_config",
            Self::Launch { code, .. } => code,
            Self::Monitor { .. } => "container::monitor",
            Self::Network(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::Io { .. } => "container::io",
            Self::Damaged { .. } => "container::damaged",
        }
    }

    /// The remedy.
    pub fn help(&self) -> Option<String> {
        let text = match self {
            Self::NotFound(_) => "`buildc ps -a` lists all containers",
            Self::Ambiguous(_) => "Give more of the id, or the name",
            Self::NameInUse { holder, .. } => {
                return Some(format!("Remove it with `buildc rm {holder}`, or choose another `--name`"));
            }
            Self::NoCommand(_) => "Write a command after the image, or give the image a CMD or ENTRYPOINT",
            Self::UnknownUser { .. } => "A number needs no entry in the image's /etc/passwd or /etc/group",
            Self::NotRunning(_) => "`buildc start` starts it again",
            Self::Running(_) => "Stop it first, or use `--force`",
            Self::Launch { help, .. } => return help.clone(),
            Self::Volume(error) => return error.help(),
            Self::Network(error) => return error.help(),
            Self::Store(error) => return error.help().map(str::to_owned),
            Self::Damaged { .. } => "`buildc rm --force` removes what is left of it",
            _ => return None,
        };
        Some(text.to_owned())
    }

    /// The exit code that `run`, `create` and `exec` end with: 127, 126 or 125, as Docker's.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Launch { exit_code, .. } => *exit_code,
            _ => 125,
        }
    }

    /// For `map_err` of file operations.
    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }

    /// An option that cannot be used.
    pub(crate) fn option(option: &'static str, value: &str, reason: impl Into<String>) -> Self {
        Self::InvalidOption { option, value: value.to_owned(), reason: reason.into() }
    }
}

impl From<LaunchError> for ContainerError {
    fn from(error: LaunchError) -> Self {
        let (code, exit_code) = (error.code(), error.exit_code());
        Self::Launch { code, message: error.to_string(), help: error.help(), exit_code }
    }
}
