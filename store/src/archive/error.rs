//! Why reading or writing image files fails.

use std::io;
use std::path::PathBuf;

use buildc_digest::Digest;

use crate::StoreError;

/// Why images cannot be read from or written to files.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// Neither a tar, nor a compressed tar, nor an OCI layout.
    #[error("Input is not an image archive: {why}")]
    NotAnArchive {
        /// What is wrong.
        why: String,
    },
    /// The stream ends too early.
    #[error("Archive ends in the middle of `{entry}`")]
    Truncated {
        /// What was being read.
        entry: String,
    },
    /// An entry that could reach outside the archive.
    #[error("Archive entry `{entry}` is refused: {why}")]
    UnsafeEntry {
        /// Its path.
        entry: String,
        /// Why.
        why: &'static str,
    },
    /// Something the archive refers to is missing.
    #[error("Archive has no `{entry}`, which `{referrer}` refers to")]
    Missing {
        /// What is missing.
        entry: String,
        /// Who refers to it.
        referrer: String,
    },
    /// Other bytes than the digest names.
    #[error("`{entry}` has digest {got} instead of {want}")]
    DigestMismatch {
        /// Which entry.
        entry: String,
        /// As the archive says.
        want: Digest,
        /// As it is.
        got: Digest,
    },
    /// A document that cannot be understood.
    #[error("`{entry}` cannot be understood: {why}")]
    Malformed {
        /// Which entry.
        entry: String,
        /// What is wrong.
        why: String,
    },
    /// A document over its limit.
    #[error("`{entry}` is larger than {limit_bytes} bytes")]
    TooLarge {
        /// Which entry.
        entry: String,
        /// The limit.
        limit_bytes: u64,
    },
    /// The image to write is not in the store.
    #[error("No image `{name}` in the store")]
    NotInStore {
        /// As given.
        name: String,
    },
    /// A directory to write to has something else in it.
    #[error("`{}` exists and is not an OCI layout", .path.display())]
    NotALayout {
        /// The directory.
        path: PathBuf,
    },
    /// A file of this machine, or the stream.
    #[error("Cannot {action} `{}`: {source}", .path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// Which file; `-` for the stream.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ArchiveError {
    /// Stable code, with a page in spec/errors.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAnArchive { .. } => "archive::not_an_archive",
            Self::Truncated { .. } => "archive::truncated",
            Self::UnsafeEntry { .. } => "archive::unsafe_entry",
            Self::Missing { .. } => "archive::missing",
            Self::DigestMismatch { .. } => "archive::digest_mismatch",
            Self::Malformed { .. } => "archive::malformed",
            Self::TooLarge { .. } => "archive::too_large",
            Self::NotInStore { .. } => "image::not_found",
            Self::NotALayout { .. } => "archive::not_a_layout",
            Self::Io { .. } => "archive::io",
            Self::Store(error) => error.code(),
        }
    }

    /// The remedy.
    pub fn help(&self) -> Option<String> {
        let text = match self {
            Self::NotAnArchive { .. } => {
                "docker-archive, OCI archive and OCI layout are read; `buildc import` reads a root file system"
            }
            Self::Truncated { .. } => "Copy or save the archive again",
            Self::DigestMismatch { .. } | Self::Missing { .. } => {
                "The archive is damaged or was altered; nothing of this image was kept"
            }
            Self::NotInStore { .. } => "`buildc images` lists what there is",
            Self::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                "Free space: the store's with `buildc prune`, or choose another with --root"
            }
            Self::NotALayout { .. } => "Name an empty or new directory",
            Self::Store(error) => return error.help().map(str::to_owned),
            _ => return None,
        };
        Some(text.to_owned())
    }
}

/// A failure of the system on a file.
pub(super) fn io(action: &'static str, path: impl Into<PathBuf>, source: io::Error) -> ArchiveError {
    ArchiveError::Io { action, path: path.into(), source }
}

/// A document that cannot be understood.
pub(super) fn malformed(entry: &str, why: impl ToString) -> ArchiveError {
    ArchiveError::Malformed { entry: entry.to_owned(), why: why.to_string() }
}
