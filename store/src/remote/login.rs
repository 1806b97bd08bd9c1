//! Checking and keeping a login.

use ureq::http::Method;

use super::client::Client;
use super::credentials::Credential;
use super::registries::Place;
use super::session::Session;
use super::transport::Ask;
use super::{RemoteError, Result, StoredIn, Watch};

impl Client {
    /// Checks a user's password with the registry and keeps it.
    ///
    /// # Errors
    /// When the registry refuses it or it cannot be kept.
    pub fn login(&self, host: &str, username: &str, password: &str) -> Result<StoredIn> {
        let host = host_of(host);
        let credential =
            Credential::Password { username: username.to_owned(), password: password.to_owned() };
        self.check(host, credential).map_err(|error| match error {
            RemoteError::Unauthorized { host, detail, .. } => {
                RemoteError::LoginRefused { host, username: username.to_owned(), detail }
            }
            other => other,
        })?;
        self.credentials.keep(host, username, password)
    }

    /// Forgets the login of a registry; false when there was none.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn logout(&self, host: &str) -> Result<bool> {
        self.credentials.forget(host_of(host))
    }

    /// Asks for `/v2/` with the credential; only an answer of 200 counts.
    fn check(&self, host: &str, credential: Credential) -> Result<()> {
        let insecure = self.registries.is_insecure(host);
        let probe = self.with_login(host, credential);
        let place = Place { host: host.to_owned(), path: "login".to_owned(), insecure };
        let session = Session::of_registry(&probe, place, Watch::SILENT);
        let url = session.registry_url();
        let response = session.send(&Ask::new(Method::GET, url.clone()))?;
        match response.status().as_u16() {
            200 => Ok(()),
            404 => Err(RemoteError::Protocol { url, why: "there is no registry at this address".to_owned() }),
            _ => Err(session.refused(&url, response)),
        }
    }
}

/// The registry of what users type: a scheme, a path, or Docker Hub's other names.
fn host_of(text: &str) -> &str {
    let bare = text.split_once("://").map_or(text, |(_, rest)| rest);
    match bare.split('/').next().unwrap_or(bare) {
        "" | "index.docker.io" | "registry-1.docker.io" | "registry.hub.docker.com" => super::name::DOCKER_IO,
        host => host,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{CredentialFiles, Registries};
    use super::*;

    #[test]
    fn a_login_is_forgotten_by_every_name_it_can_be_made_by() {
        let dir = tempfile::tempdir().unwrap();
        let files = || CredentialFiles::at(vec![dir.path().join("config.json")]);
        for (kept, forgotten) in [
            ("http://h:5000/", "http://h:5000/"),
            ("https://h:5000/v2/", "h:5000"),
            ("h:5000", "http://h:5000"),
            ("registry.hub.docker.com", "docker.io"),
            ("docker.io", "https://registry.hub.docker.com/"),
        ] {
            files().keep(host_of(kept), "me", "secret").unwrap();
            let client = Client::new(Registries::default(), files());
            assert!(client.logout(forgotten).unwrap(), "{kept} {forgotten}");
            assert!(!client.logout(forgotten).unwrap(), "{kept} {forgotten}");
        }
    }
}
