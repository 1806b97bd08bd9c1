//! Images from and to registries (OCI distribution specification 1.1).
//!
//! Owns: registries.conf, credentials, TLS, the requests and their retries, choosing a platform, and the order in
//! which blobs and manifests travel. Never does: printing, prompting, or deciding when an image is pulled.

mod error;

use crate::oci::Platform;
use crate::{ImageRecord, Store};
use buildc_digest::Digest;

pub use error::RemoteError;

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

/// Everything that is needed to talk to registries; remembers tokens, connections and which hosts speak plain http.
#[derive(Debug)]
pub struct Client(());

impl Client {
    /// A client for the user's registries.conf and credential files. Nothing is contacted.
    ///
    /// # Errors
    /// When registries.conf cannot be read.
    pub fn from_environment() -> Result<Self> {
        todo!()
    }

    /// The fully qualified names that a text may mean, in the order in which they are tried. A name with a host
    /// means itself; a short one goes through aliases and the search list, else docker.io.
    ///
    /// # Errors
    /// When the text is no name.
    pub fn candidates(&self, text: &str) -> Result<Vec<String>> {
        let _ = text;
        todo!()
    }

    /// Fetches manifest and config of what a name means now.
    ///
    /// # Errors
    /// When no registry that was asked has it for this platform.
    pub fn resolve_remote(&self, name: &str, platform: &Platform, watch: Watch<'_>) -> Result<ResolvedRemote> {
        let _ = (name, platform, watch);
        todo!()
    }

    /// Fetches an image into the store and tags it.
    ///
    /// # Errors
    /// As [`Client::resolve_remote`]; and when a blob does not arrive whole or the store refuses it.
    pub fn pull(&self, store: &Store, name: &str, platform: &Platform, watch: Watch<'_>) -> Result<ImageRecord> {
        let _ = (store, name, platform, watch);
        todo!()
    }

    /// Sends the image that `image` names in the store to the fully qualified name `target`.
    ///
    /// # Errors
    /// When the image is not in the store or the registry refuses it.
    pub fn push(&self, store: &Store, image: &str, target: &str, watch: Watch<'_>) -> Result<Pushed> {
        let _ = (store, image, target, watch);
        todo!()
    }

    /// Checks a user's password with the registry and keeps it.
    ///
    /// # Errors
    /// When the registry refuses it or it cannot be kept.
    pub fn login(&self, host: &str, username: &str, password: &str) -> Result<StoredIn> {
        let _ = (host, username, password);
        todo!()
    }

    /// Forgets the login of a registry; false when there was none.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn logout(&self, host: &str) -> Result<bool> {
        let _ = host;
        todo!()
    }
}
