//! Why a network could not be made.

use std::io;
use std::net::SocketAddr;

/// Shorthand for results of this module.
pub type Result<T> = std::result::Result<T, NetworkError>;

/// Why a network could not be made.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// The host lacks a program.
    #[error("No network for containers: {what} is not installed")]
    MissingProgram {
        /// Such as `` `nft` (package nftables) ``.
        what: String,
    },
    /// A program we drive failed.
    #[error("`{program}` failed: {message}")]
    Program {
        /// Which.
        program: String,
        /// What it said.
        message: String,
    },
    /// A device node is closed to this user.
    #[error("`{path}` cannot be opened: {source}")]
    Device {
        /// Which.
        path: &'static str,
        /// The kernel's reason.
        source: io::Error,
    },
    /// A system call failed.
    #[error("Cannot {what}: {source}")]
    System {
        /// Verb in its base form and its object.
        what: String,
        /// The kernel's reason.
        source: io::Error,
    },
    /// Every candidate subnet is in use on this host, or every address of ours.
    #[error("No free {0} for containers is left")]
    Exhausted(&'static str),
    /// A published port is taken.
    #[error("Port {address}/{protocol} cannot be published: {source}")]
    Port {
        /// On the host.
        address: SocketAddr,
        /// `tcp` or `udp`.
        protocol: &'static str,
        /// The kernel's reason.
        source: io::Error,
    },
}

impl NetworkError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::MissingProgram { .. } => "network::missing_program",
            Self::Program { .. } => "network::program",
            Self::Device { .. } => "network::device",
            Self::System { .. } => "network::system",
            Self::Exhausted(_) => "network::exhausted",
            Self::Port { .. } => "network::port",
        }
    }

    /// The remedy.
    pub fn help(&self) -> Option<String> {
        let text = match self {
            Self::MissingProgram { what } => {
                return Some(format!("Install {what}, or use --network=host or --network=none"));
            }
            Self::Device { path, .. } => {
                return Some(format!(
                    "Let users open it (chmod 0666 {path}), or use --network=host or --network=none"
                ));
            }
            Self::Port { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                "Ports below 1024 belong to root; publish a higher one"
            }
            Self::Port { .. } => "Stop what listens there, or publish another port",
            Self::Program { .. } | Self::System { .. } | Self::Exhausted(_) => {
                "Use --network=host or --network=none"
            }
        };
        Some(text.to_owned())
    }

    pub(crate) fn system(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::System { what, source }
    }
}
