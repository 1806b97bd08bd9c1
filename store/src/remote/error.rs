//! Why a transfer fails: what was asked where, and what to do about it.

use std::io;
use std::path::PathBuf;

use buildc_digest::Digest;

use crate::StoreError;

/// Why talking to a registry fails. Messages say what was asked where.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// A text that is no image name.
    #[error("`{text}` is not an image name: {why}")]
    Name {
        /// As given.
        text: String,
        /// The rule it breaks.
        why: &'static str,
    },
    /// A configuration file that cannot be used.
    #[error("Cannot use `{}`: {why}", .path.display())]
    Configuration {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// registries.conf forbids the name.
    #[error("Registry configuration blocks `{name}`")]
    Blocked {
        /// Fully qualified name.
        name: String,
    },
    /// 401: the server wants to know who asks, or does not believe it.
    #[error("`{host}` refuses access to `{what}`: {detail}")]
    Unauthorized {
        /// Registry.
        host: String,
        /// Repository.
        what: String,
        /// What the server said.
        detail: String,
        /// Whether credentials were sent.
        with_credentials: bool,
    },
    /// A login that the server does not accept.
    #[error("`{host}` does not accept this login of `{username}`: {detail}")]
    LoginRefused {
        /// Registry.
        host: String,
        /// As given.
        username: String,
        /// What the server said.
        detail: String,
    },
    /// 403: the server knows who asks and says no.
    #[error("`{host}` denies access to `{what}`: {detail}")]
    Denied {
        /// Registry.
        host: String,
        /// Repository.
        what: String,
        /// What the server said.
        detail: String,
    },
    /// Nobody who was asked has it.
    #[error("`{name}` does not exist (asked {})", .asked.join(", "))]
    NotFound {
        /// Fully qualified name.
        name: String,
        /// Each address that was asked.
        asked: Vec<String>,
    },
    /// Some places do not have it, and another could not say.
    #[error("{error}; it does not exist at {}", .asked.join(", "))]
    Partly {
        /// Of the one that could not say.
        error: Box<RemoteError>,
        /// Each address that answered.
        asked: Vec<String>,
    },
    /// No connection.
    #[error("Cannot reach `{url}`: {why}")]
    Unreachable {
        /// What was asked.
        url: String,
        /// The system's words.
        why: String,
    },
    /// The server's certificate is not trusted, or TLS fails otherwise.
    #[error("No trusted connection to `{url}`: {why}")]
    Tls {
        /// What was asked.
        url: String,
        /// What rustls says.
        why: String,
    },
    /// 429.
    #[error("`{host}` limits the rate of requests: {detail}")]
    RateLimited {
        /// Registry.
        host: String,
        /// What the server said.
        detail: String,
    },
    /// Another status than the protocol has for this request.
    #[error("`{url}` answered {status}: {detail}")]
    Status {
        /// What was asked.
        url: String,
        /// HTTP status.
        status: u16,
        /// What the server said.
        detail: String,
    },
    /// An answer that breaks the protocol.
    #[error("`{url}` answered something that is not the registry protocol: {why}")]
    Protocol {
        /// What was asked.
        url: String,
        /// What is wrong.
        why: String,
    },
    /// Fewer bytes than promised, after all attempts.
    #[error("`{url}` sent only {got_bytes} of {want_bytes} bytes")]
    Truncated {
        /// What was asked.
        url: String,
        /// Bytes that arrived.
        got_bytes: u64,
        /// Bytes that were promised.
        want_bytes: u64,
    },
    /// Other bytes than the digest names.
    #[error("`{url}` sent bytes with digest {got} instead of {want}")]
    DigestMismatch {
        /// What was asked.
        url: String,
        /// The digest that was asked for.
        want: Digest,
        /// The digest of what arrived.
        got: Digest,
    },
    /// A document over its limit.
    #[error("`{url}` is larger than {limit_bytes} bytes")]
    TooLarge {
        /// What was asked.
        url: String,
        /// The limit.
        limit_bytes: u64,
    },
    /// No manifest for the platform.
    #[error("`{name}` has no image for {wanted}; it has {}", .available.join(", "))]
    NoPlatform {
        /// Fully qualified name.
        name: String,
        /// As asked.
        wanted: String,
        /// What exists.
        available: Vec<String>,
    },
    /// The old manifest form.
    #[error("`{name}` is stored in the obsolete manifest form schema 1")]
    Schema1 {
        /// Fully qualified name.
        name: String,
    },
    /// A document that is no image.
    #[error("`{name}` is not an image: {why}")]
    NotAnImage {
        /// Fully qualified name.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// The image to push is not in the store.
    #[error("No image `{name}` in the store")]
    NotInStore {
        /// As given.
        name: String,
    },
    /// A credential helper fails.
    #[error("Credential helper `docker-credential-{helper}` failed: {why}")]
    CredentialHelper {
        /// Its name.
        helper: String,
        /// Its words.
        why: String,
    },
    /// The caller's wish.
    #[error("The transfer was cancelled")]
    Cancelled,
    /// A file of this machine.
    #[error("Cannot {action} `{}`: {source}", .path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// Which file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// A layer that came as it was promised and is none.
    #[error("Layer `{digest}` cannot be unpacked: {source}")]
    Layer {
        /// Its blob.
        digest: Digest,
        /// What is wrong with it.
        source: StoreError,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RemoteError {
    /// With the addresses beside it that do not have what was asked for.
    pub(super) fn beside(self, asked: Vec<String>) -> Self {
        if asked.is_empty() { self } else { Self::Partly { error: Box::new(self), asked } }
    }

    /// Stable code, with a page in spec/errors.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Name { .. } => "reference::invalid",
            Self::Configuration { .. } => "config::invalid",
            Self::Blocked { .. } => "registry::blocked",
            Self::Unauthorized { .. } | Self::LoginRefused { .. } => "registry::unauthorized",
            Self::Denied { .. } => "registry::denied",
            Self::NotFound { .. } => "registry::not_found",
            Self::Partly { error, .. } => error.code(),
            Self::Unreachable { .. } => "registry::unreachable",
            Self::Tls { .. } => "registry::tls",
            Self::RateLimited { .. } => "registry::rate_limited",
            Self::Status { .. } => "registry::status",
            Self::Protocol { .. } => "registry::protocol",
            Self::Truncated { .. } => "registry::truncated",
            Self::DigestMismatch { .. } => "registry::digest_mismatch",
            Self::TooLarge { .. } => "registry::too_large",
            Self::NoPlatform { .. } => "registry::no_platform",
            Self::Schema1 { .. } => "registry::schema1",
            Self::NotAnImage { .. } => "registry::not_an_image",
            Self::NotInStore { .. } => "image::not_found",
            Self::CredentialHelper { .. } => "registry::credential_helper",
            Self::Cancelled => "registry::cancelled",
            Self::Io { .. } => "environment::io",
            Self::Layer { source: error, .. } | Self::Store(error) => error.code(),
        }
    }

    /// The remedy.
    pub fn help(&self) -> Option<String> {
        let text = match self {
            Self::Unauthorized { host, with_credentials: true, .. } => {
                format!("The stored login was refused: run `buildc login {host}` again")
            }
            Self::Unauthorized { host, .. } => {
                format!("Check the name, and run `buildc login {host}` if the repository is private")
            }
            Self::LoginRefused { .. } => {
                "Check user name and password; some registries want an access token in place of the password"
                    .to_owned()
            }
            Self::Denied { .. } => "Ask the registry's owner for access to this repository".to_owned(),
            Self::NotFound { .. } => "Check the spelling of name and tag".to_owned(),
            Self::Partly { error, .. } => return error.help(),
            Self::Unreachable { .. } => {
                "Check that the registry runs and that the network and proxy settings reach it".to_owned()
            }
            Self::Tls { url, .. } => {
                let host = url.split('/').nth(2).unwrap_or(url);
                format!(
                    "Put the CA's certificate, or the registry's own one where no CA signed it, into /etc/containers/certs.d/{host}/ca.crt, \
                     or set `insecure = true` for it in registries.conf"
                )
            }
            Self::RateLimited { host, .. } => {
                format!("Wait, or run `buildc login {host}` for a higher limit")
            }
            Self::Truncated { .. } => "Run the command again; blobs that arrived whole are kept".to_owned(),
            Self::DigestMismatch { .. } => {
                "Something between here and the registry changes the bytes; nothing was kept".to_owned()
            }
            Self::NoPlatform { .. } => "Choose one of these with --platform".to_owned(),
            Self::Schema1 { .. } => "Push the image again with a current tool".to_owned(),
            Self::Blocked { .. } => "Remove `blocked = true` from registries.conf".to_owned(),
            Self::NotInStore { .. } => "`buildc images` lists what there is".to_owned(),
            Self::CredentialHelper { helper, .. } => {
                format!("Install `docker-credential-{helper}` or remove it from Docker's config.json")
            }
            Self::Layer { source: error, .. } | Self::Store(error) => return error.help().map(str::to_owned),
            _ => return None,
        };
        Some(text)
    }
}
