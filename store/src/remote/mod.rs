//! Images from and to registries (OCI distribution specification 1.1).
//!
//! Owns: registries.conf, credentials, TLS, the requests and their retries, choosing a platform, and the order in
//! which blobs and manifests travel. Never does: printing, prompting, or deciding when an image is pulled.

mod auth;
mod blob;
mod cache;
mod client;
mod credentials;
mod document;
mod download;
mod ending;
mod error;
mod helper;
mod login;
mod name;
mod origins;
mod pull;
mod push;
mod registries;
mod s3;
mod session;
mod tls;
mod transport;
mod upload;

use buildc_digest::Digest;

pub use client::Client;
pub use credentials::CredentialFiles;
pub use download::{DownloadWatch, Downloaded, download};
pub use error::RemoteError;
pub use registries::Registries;
pub(crate) use s3::S3;
pub use s3::S3Place;

pub(crate) use document::{available, choose};

/// Result of this module.
pub type Result<T> = std::result::Result<T, RemoteError>;

/// What a transfer tells its caller while it runs. Blobs report in parallel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Progress {
    /// A name was found: which manifest it means now.
    Resolved {
        /// Fully qualified name.
        name: String,
        /// Its manifest for the wanted platform.
        manifest: Digest,
    },
    /// So many bytes of a blob have travelled.
    Blob {
        /// Which blob.
        digest: Digest,
        /// Bytes so far.
        done_bytes: u64,
        /// Bytes in all.
        total_bytes: u64,
    },
    /// The other side, or the store, has this blob already.
    Present {
        /// Which blob.
        digest: Digest,
    },
    /// A blob that arrived is being unpacked into a layer.
    Unpacking {
        /// Which blob.
        digest: Digest,
    },
    /// A blob is done with.
    Finished {
        /// Which blob.
        digest: Digest,
    },
    /// The server asked to tell the user something, or an attempt failed and is repeated.
    Notice {
        /// The text.
        text: String,
    },
}

/// How a transfer talks to its caller.
#[derive(Clone, Copy)]
pub struct Watch<'a> {
    /// Receives progress, from several threads.
    pub progress: &'a (dyn Fn(Progress) + Sync),
    /// Asked often; true ends the transfer with [`RemoteError::Cancelled`].
    pub cancelled: &'a (dyn Fn() -> bool + Sync),
}

impl Watch<'static> {
    /// Nobody listens and nobody cancels.
    pub const SILENT: Watch<'static> = Watch { progress: &|_| {}, cancelled: &|| false };
}

impl std::fmt::Debug for Watch<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Watch")
    }
}

/// What a name means in its registry now: documents only, no layers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ResolvedRemote {
    /// Fully qualified name that was found.
    pub name: String,
    /// Digest of the chosen platform's manifest.
    pub digest: Digest,
    /// The manifest's media type.
    pub media_type: String,
    /// The manifest's bytes as served.
    pub manifest: Vec<u8>,
    /// The config's bytes as served.
    pub config: Vec<u8>,
}

/// What a push did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pushed {
    /// Fully qualified name that was written.
    pub name: String,
    /// Digest of the manifest that was written.
    pub digest: Digest,
    /// Size of the manifest in bytes.
    pub size_bytes: u64,
}

/// Where a login was written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StoredIn {
    /// In a file, readable by whoever can read the file.
    File(std::path::PathBuf),
    /// In a credential helper of this name.
    Helper(String),
}

/// A name with its host and tag spelled out; one without host is docker.io's.
pub(crate) fn full_name(text: &str) -> Result<String> {
    Ok(name::Name::parse(text)?.to_string())
}
