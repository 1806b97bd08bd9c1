//! The protocol of Docker's credential helpers: `docker-credential-NAME get|store|erase`.

use std::io::Write;
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use super::{RemoteError, Result};

/// What a helper knows.
#[derive(Serialize, Deserialize)]
pub(super) struct Entry {
    #[serde(rename = "ServerURL", default)]
    pub(super) server: String,
    #[serde(rename = "Username")]
    pub(super) username: String,
    #[serde(rename = "Secret")]
    pub(super) secret: String,
}

/// Asks a helper for a server's login; `None` when it has none or is not installed.
pub(super) fn get(helper: &str, server: &str) -> Result<Option<Entry>> {
    let answer = match run(helper, "get", server.as_bytes()) {
        Ok(answer) => answer,
        Err(Failed::Missing) => return Ok(None),
        Err(Failed::Said(text)) if is_not_found(&text) => return Ok(None),
        Err(Failed::Said(why)) => return Err(failed(helper, why)),
    };
    let entry: Entry = serde_json::from_slice(&answer).map_err(|error| failed(helper, error.to_string()))?;
    Ok((!entry.username.is_empty() || !entry.secret.is_empty()).then_some(entry))
}

/// Gives a login to a helper.
pub(super) fn store(helper: &str, entry: &Entry) -> Result<()> {
    let text = serde_json::to_vec(entry).map_err(|error| failed(helper, error.to_string()))?;
    run(helper, "store", &text).map(drop).map_err(|error| failed(helper, error.text()))
}

/// Makes a helper forget a server.
pub(super) fn erase(helper: &str, server: &str) -> Result<()> {
    match run(helper, "erase", server.as_bytes()) {
        Err(Failed::Said(text)) if !is_not_found(&text) => Err(failed(helper, text)),
        _ => Ok(()),
    }
}

enum Failed {
    Missing,
    Said(String),
}

impl Failed {
    fn text(self) -> String {
        match self {
            Self::Missing => "it is not installed".to_owned(),
            Self::Said(text) => text,
        }
    }
}

fn run(helper: &str, action: &str, input: &[u8]) -> std::result::Result<Vec<u8>, Failed> {
    if helper.is_empty() || helper.contains('/') {
        return Err(Failed::Said("its name is malformed".to_owned()));
    }
    let spawned = Command::new(format!("docker-credential-{helper}"))
        .arg(action)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(Failed::Missing),
        Err(error) => return Err(Failed::Said(error.to_string())),
    };
    if let Some(mut stdin) = child.stdin.take() {
        // A helper that does not read its input says why by its exit status.
        let _ = stdin.write_all(input);
    }
    let output = child.wait_with_output().map_err(|error| Failed::Said(error.to_string()))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    // The protocol puts messages on standard output; some helpers use standard error.
    let said = [output.stdout, output.stderr].concat();
    Err(Failed::Said(String::from_utf8_lossy(&said).trim().chars().take(500).collect()))
}

fn is_not_found(text: &str) -> bool {
    text.contains("credentials not found")
}

fn failed(helper: &str, why: String) -> RemoteError {
    RemoteError::CredentialHelper { helper: helper.to_owned(), why }
}
