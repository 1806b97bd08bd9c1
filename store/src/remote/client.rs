//! What all transfers of one command share: configuration, connections, tokens.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::auth::Granted;
use super::credentials::{Credential, CredentialFiles};
use super::name::Name;
use super::registries::Registries;
use super::transport::Transport;
use super::{RemoteError, Result};

/// Everything that is needed to talk to registries; remembers tokens, connections and which hosts speak plain http.
#[derive(Debug)]
pub struct Client {
    pub(super) registries: Registries,
    pub(super) credentials: CredentialFiles,
    pub(super) transport: Arc<Transport>,
    /// A login that is being checked; goes before the files.
    login: Option<(String, Credential)>,
    schemes: Mutex<HashMap<String, &'static str>>,
    tokens: Mutex<HashMap<(String, Vec<String>), Granted>>,
    /// Held while a token is fetched, so that parallel requests share it.
    pub(super) authorising: Mutex<()>,
}

impl Client {
    /// A client for the user's registries.conf and credential files. Nothing is contacted.
    ///
    /// # Errors
    /// When registries.conf cannot be read.
    pub fn from_environment() -> Result<Self> {
        Ok(Self::new(Registries::load()?, CredentialFiles::from_environment()))
    }

    /// A client with a given configuration.
    pub fn new(registries: Registries, credentials: CredentialFiles) -> Self {
        Self {
            registries,
            credentials,
            transport: Arc::default(),
            login: None,
            schemes: Mutex::default(),
            tokens: Mutex::default(),
            authorising: Mutex::default(),
        }
    }

    /// Looks for `HOST/*.crt` in these directories instead of the system's and the user's `certs.d`.
    #[must_use]
    pub fn with_certificate_dirs(self, dirs: Vec<PathBuf>) -> Self {
        Self { transport: Arc::new(Transport::with_certificate_dirs(dirs)), ..self }
    }

    /// The fully qualified names that a text may mean, in the order in which they are tried. A name with a host
    /// means itself; a short one goes through aliases and the search list, else docker.io.
    ///
    /// # Errors
    /// When the text is no name.
    pub fn candidates(&self, text: &str) -> Result<Vec<String>> {
        Ok(self.registries.candidates(text)?.iter().map(Name::to_string).collect())
    }

    /// `https` until something else is known.
    pub(super) fn scheme(&self, host: &str) -> &'static str {
        self.schemes.lock().unwrap_or_else(PoisonError::into_inner).get(host).copied().unwrap_or("https")
    }

    pub(super) fn scheme_is_known(&self, host: &str) -> bool {
        self.schemes.lock().unwrap_or_else(PoisonError::into_inner).contains_key(host)
    }

    pub(super) fn learn_scheme(&self, host: &str, scheme: &'static str) {
        self.schemes.lock().unwrap_or_else(PoisonError::into_inner).insert(host.to_owned(), scheme);
    }

    /// The Authorization to send to a host for these scopes, unless it has run out.
    pub(super) fn granted(&self, host: &str, scopes: &[String]) -> Option<Granted> {
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let granted = tokens.get(&(host.to_owned(), scopes.to_vec()))?;
        granted.until.is_none_or(|until| until > Instant::now()).then(|| granted.clone())
    }

    pub(super) fn grant(&self, host: &str, scopes: &[String], granted: Granted) {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.insert((host.to_owned(), scopes.to_vec()), granted);
    }

    /// A client with the same configuration and connections that knows one login and no tokens.
    pub(super) fn with_login(&self, host: &str, credential: Credential) -> Self {
        Self {
            transport: Arc::clone(&self.transport),
            login: Some((host.to_owned(), credential)),
            ..Self::new(self.registries.clone(), CredentialFiles::at(Vec::new()))
        }
    }

    /// The user's login for a repository.
    pub(super) fn credential(&self, host: &str, path: &str) -> Result<Option<Credential>> {
        if let Some((_, credential)) = self.login.as_ref().filter(|(known, _)| known == host) {
            return Ok(Some(credential.clone()));
        }
        self.credentials.find(host, path)
    }

    /// The one name that a text means when writing.
    pub(super) fn target(&self, text: &str) -> Result<Name> {
        let name = Name::parse(text)?;
        match name.digest {
            None => Ok(name),
            Some(_) => {
                Err(RemoteError::Name { text: text.to_owned(), why: "a push needs a tag, not a digest" })
            }
        }
    }
}
