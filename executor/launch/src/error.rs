//! What can go wrong between a specification and a running program.

use std::io;

use serde::{Deserialize, Serialize};

/// Shorthand for results of this crate.
pub type Result<T> = std::result::Result<T, LaunchError>;

/// Why a program was not started.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// The command was not found in the container (exit code 127).
    #[error("{0}")]
    NotFound(String),
    /// The command was found but cannot be run: a directory, not executable, no known format (exit code 126).
    #[error("{0}")]
    NotExecutable(String),
    /// A namespace, mount or credential could not be set up; `source` holds the kernel's words.
    #[error("{what}: {source}")]
    Setup {
        /// What was being done, with the path or name concerned.
        what: String,
        /// The kernel's answer.
        source: io::Error,
        /// What the user can do about it, where that is known.
        help: Option<String>,
    },
}

impl LaunchError {
    /// A setup error without advice.
    pub(crate) fn setup(what: impl Into<String>, source: impl Into<io::Error>) -> LaunchError {
        LaunchError::Setup { what: what.into(), source: source.into(), help: None }
    }

    /// A setup error with advice.
    pub(crate) fn with_help(
        what: impl Into<String>,
        source: impl Into<io::Error>,
        help: impl Into<String>,
    ) -> LaunchError {
        LaunchError::Setup { what: what.into(), source: source.into(), help: Some(help.into()) }
    }

    /// The stable code of this error; each has a page in `spec/errors/`.
    pub fn code(&self) -> &'static str {
        match self {
            LaunchError::NotFound(_) => "launch::not_found",
            LaunchError::NotExecutable(_) => "launch::not_executable",
            LaunchError::Setup { .. } => "launch::setup",
        }
    }

    /// What the user can do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            LaunchError::NotFound(text) if text.contains("interpreter") => Some(
                "Check that the image holds the interpreter, and that the script has no Windows line ends (CRLF)"
                    .to_owned(),
            ),
            LaunchError::NotFound(_) => {
                Some("Check that the image holds the program and that `PATH` names its directory".to_owned())
            }
            LaunchError::NotExecutable(_) => Some(
                "Check the file's mode, its first line and that it was made for this processor".to_owned(),
            ),
            LaunchError::Setup { help, .. } => help.clone(),
        }
    }

    /// The exit code Docker gives for this failure: 127, 126, or 125 for a failed setup.
    pub fn exit_code(&self) -> u8 {
        match self {
            LaunchError::NotFound(_) => 127,
            LaunchError::NotExecutable(_) => 126,
            LaunchError::Setup { .. } => 125,
        }
    }

    pub(crate) fn to_wire(&self) -> WireError {
        match self {
            LaunchError::NotFound(message) => WireError::NotFound(message.clone()),
            LaunchError::NotExecutable(message) => WireError::NotExecutable(message.clone()),
            LaunchError::Setup { what, source, help } => WireError::Setup {
                what: what.clone(),
                errno: source.raw_os_error(),
                words: source.to_string(),
                help: help.clone(),
            },
        }
    }
}

/// A [`LaunchError`] as it crosses from the new process to the caller.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum WireError {
    NotFound(String),
    NotExecutable(String),
    Setup { what: String, errno: Option<i32>, words: String, help: Option<String> },
}

impl From<WireError> for LaunchError {
    fn from(error: WireError) -> LaunchError {
        match error {
            WireError::NotFound(message) => LaunchError::NotFound(message),
            WireError::NotExecutable(message) => LaunchError::NotExecutable(message),
            WireError::Setup { what, errno, words, help } => {
                let source = match errno {
                    Some(errno) => io::Error::from_raw_os_error(errno),
                    None => io::Error::other(words),
                };
                LaunchError::Setup { what, source, help }
            }
        }
    }
}

/// Gives a failed system call the words for what was being done.
pub(crate) trait Doing<T> {
    /// Turns the error into a setup error; `what` is only evaluated on failure.
    fn doing<S: Into<String>>(self, what: impl FnOnce() -> S) -> Result<T>;
}

impl<T, E: Into<io::Error>> Doing<T> for std::result::Result<T, E> {
    fn doing<S: Into<String>>(self, what: impl FnOnce() -> S) -> Result<T> {
        self.map_err(|error| LaunchError::setup(what(), error))
    }
}
