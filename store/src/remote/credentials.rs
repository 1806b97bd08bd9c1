//! Logins in Docker's config.json and podman's auth.json, and in the helpers they name.
//!
//! Owns: finding, reading and rewriting these files. Unknown fields survive a rewrite, files are 0600 and replaced
//! atomically. Never does: sending a credential anywhere.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde_json::{Map, Value, json};

use super::name::DOCKER_IO;
use super::{RemoteError, Result, StoredIn, helper};

/// Docker's key for Docker Hub, in files and towards helpers.
const DOCKER_HUB_KEY: &str = "https://index.docker.io/v1/";

/// How to say who asks.
///
/// Debug output names the kind alone, so that no secret reaches a log.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Credential {
    /// User and password.
    Password { username: String, password: String },
    /// An OAuth2 refresh token for the token service.
    IdentityToken(String),
    /// A ready bearer token for the registry.
    RegistryToken(String),
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Password { .. } => "Password",
            Self::IdentityToken(_) => "IdentityToken",
            Self::RegistryToken(_) => "RegistryToken",
        })
    }
}

/// The files that may hold logins, most important first. Logins are written to the first.
#[derive(Clone, Debug)]
pub struct CredentialFiles {
    files: Vec<PathBuf>,
}

impl CredentialFiles {
    /// `$REGISTRY_AUTH_FILE`, Docker's config.json (`$DOCKER_CONFIG`, `~/.docker`), then podman's auth.json files.
    pub fn from_environment() -> Self {
        let set = |name| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        let docker = set("DOCKER_CONFIG").or_else(|| set("HOME").map(|home| home.join(".docker")));
        let files = [
            set("REGISTRY_AUTH_FILE"),
            docker.map(|dir| dir.join("config.json")),
            set("XDG_RUNTIME_DIR").map(|dir| dir.join("containers/auth.json")),
            super::registries::user_config_dir().map(|dir| dir.join("containers/auth.json")),
        ];
        Self { files: files.into_iter().flatten().collect() }
    }

    /// Only these files; the first is written to.
    pub fn at(files: Vec<PathBuf>) -> Self {
        Self { files }
    }

    /// The login for a repository, if any file or helper has one.
    pub(super) fn find(&self, host: &str, path: &str) -> Result<Option<Credential>> {
        for file in &self.files {
            if let Some(document) = read(file)?
                && let Some(found) = find_in(&document, host, path)?
            {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Keeps a login, in the helper that the first file names for this host or in the file itself.
    pub(super) fn keep(&self, host: &str, username: &str, password: &str) -> Result<StoredIn> {
        let file = self.target()?;
        let mut document = read(file)?.unwrap_or_else(|| json!({}));
        if let Some(name) = helper_for(&document, host) {
            let entry = helper::Entry {
                server: server_key(host).to_owned(),
                username: username.to_owned(),
                secret: password.to_owned(),
            };
            helper::store(&name, &entry)?;
            return Ok(StoredIn::Helper(name));
        }
        let auth = STANDARD.encode(format!("{username}:{password}"));
        let auths = object(&mut document, file)?.entry("auths").or_insert_with(|| json!({}));
        object(auths, file)?.insert(server_key(host).to_owned(), json!({ "auth": auth }));
        write(file, &document)?;
        Ok(StoredIn::File(file.to_owned()))
    }

    /// Forgets a host's login in every file and helper; false when there was none.
    pub(super) fn forget(&self, host: &str) -> Result<bool> {
        let mut found = false;
        for file in &self.files {
            let Some(mut document) = read(file)? else { continue };
            if let Some(name) = helper_for(&document, host) {
                found |= helper::get(&name, server_key(host))?.is_some();
                helper::erase(&name, server_key(host))?;
            }
            let Some(auths) = document.get_mut("auths").and_then(Value::as_object_mut) else { continue };
            let before = auths.len();
            auths.retain(|key, _| normal_key(key) != host);
            if auths.len() != before {
                found = true;
                write(file, &document)?;
            }
        }
        Ok(found)
    }

    fn target(&self) -> Result<&Path> {
        self.files.first().map(PathBuf::as_path).ok_or_else(|| RemoteError::Configuration {
            path: PathBuf::from("config.json"),
            why: "neither HOME nor DOCKER_CONFIG is set".to_owned(),
        })
    }
}

/// Looks in one document: `credHelpers`, then `credsStore`, then `auths` by the longest matching key.
fn find_in(document: &Value, host: &str, path: &str) -> Result<Option<Credential>> {
    if let Some(name) = helper_for(document, host)
        && let Some(entry) = helper::get(&name, server_key(host))?
    {
        return Ok(Some(match entry.username.as_str() {
            "<token>" => Credential::IdentityToken(entry.secret),
            _ => Credential::Password { username: entry.username, password: entry.secret },
        }));
    }
    let full = format!("{host}/{path}");
    let covers = |key: &str| full.strip_prefix(key).is_some_and(|r| r.is_empty() || r.starts_with('/'));
    let auths = document.get("auths").and_then(Value::as_object);
    let matching = auths.into_iter().flatten().map(|(key, value)| (normal_key(key), value));
    let best = matching.filter(|(key, _)| covers(key)).max_by_key(|(key, _)| key.len());
    Ok(best.and_then(|(_, value)| credential(value)))
}

fn credential(entry: &Value) -> Option<Credential> {
    let text =
        |key: &str| entry.get(key).and_then(Value::as_str).filter(|t| !t.is_empty()).map(str::to_owned);
    if let Some(token) = text("registrytoken") {
        return Some(Credential::RegistryToken(token));
    }
    if let Some(token) = text("identitytoken") {
        return Some(Credential::IdentityToken(token));
    }
    if let (Some(username), Some(password)) = (text("username"), text("password")) {
        return Some(Credential::Password { username, password });
    }
    let auth = text("auth")?;
    let bytes = STANDARD.decode(&auth).or_else(|_| STANDARD_NO_PAD.decode(&auth)).ok()?;
    let pair = String::from_utf8(bytes).ok()?;
    let (username, password) = pair.split_once(':')?;
    // Old Docker versions padded the password with NUL bytes.
    let password = password.trim_end_matches('\0').to_owned();
    Some(Credential::Password { username: username.to_owned(), password })
}

/// `credHelpers` for the host, else `credsStore`.
fn helper_for(document: &Value, host: &str) -> Option<String> {
    let own = document.get("credHelpers").and_then(Value::as_object);
    let own = own.into_iter().flatten().find(|(key, _)| normal_key(key) == host).map(|(_, value)| value);
    let name = own.or_else(|| document.get("credsStore")).and_then(Value::as_str)?;
    (!name.is_empty()).then(|| name.to_owned())
}

/// A key of `auths` without scheme and API version, with Docker Hub under its short name.
fn normal_key(key: &str) -> String {
    let bare = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    let bare = bare.trim_end_matches('/');
    let bare = bare.strip_suffix("/v1").or_else(|| bare.strip_suffix("/v2")).unwrap_or(bare);
    match bare {
        "index.docker.io" | "registry-1.docker.io" | "registry.hub.docker.com" => DOCKER_IO.to_owned(),
        other => other.to_owned(),
    }
}

fn server_key(host: &str) -> &str {
    if host == DOCKER_IO { DOCKER_HUB_KEY } else { host }
}

fn read(path: &Path) -> Result<Option<Value>> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(RemoteError::Io { action: "read", path: path.to_owned(), source }),
    };
    if text.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    serde_json::from_slice(&text)
        .map(Some)
        .map_err(|error| RemoteError::Configuration { path: path.to_owned(), why: error.to_string() })
}

fn object<'v>(value: &'v mut Value, path: &Path) -> Result<&'v mut Map<String, Value>> {
    value.as_object_mut().ok_or_else(|| RemoteError::Configuration {
        path: path.to_owned(),
        why: "it is not a JSON object".to_owned(),
    })
}

/// Replaces a file atomically with mode 0600; a symlink stays and its target is replaced.
fn write(path: &Path, document: &Value) -> Result<()> {
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let fail = |source| RemoteError::Io { action: "write", path: path.clone(), source };
    let dir = path.parent().filter(|d| !d.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(dir).map_err(fail)?;
    let mut text = serde_json::to_vec_pretty(document).map_err(|error| fail(error.into()))?;
    text.push(b'\n');
    let mut file = tempfile::NamedTempFile::new_in(dir).map_err(fail)?;
    file.as_file().set_permissions(std::fs::Permissions::from_mode(0o600)).map_err(fail)?;
    file.write_all(&text).and_then(|()| file.as_file().sync_all()).map_err(fail)?;
    file.persist(&path).map(drop).map_err(|error| fail(error.error))
}

#[cfg(test)]
#[path = "credentials_tests.rs"]
mod tests;
