//! From attributes to the text of a reference.

use serde_json::Value;

use super::url::{Reading, Url};
use super::{Attribute, Attributes, FlakeRefError, json, nar_hash, required, revision, switch_of, text_of};
use crate::lang::hash::Format;

/// The type of keys that do not say one.
const KEY_TYPE: &str = "ssh-ed25519";

/// The reference whose attributes are checked, as a URL. `ignored` takes the parts of queries that mean nothing.
///
/// # Errors
/// When its hashes are none.
pub fn to_url(attributes: &Attributes, ignored: &mut Vec<String>) -> Result<Url, FlakeRefError> {
    let mut given = || {
        let url = Url::parse(required(attributes, "url")?, Reading::Strict)?;
        ignored.extend_from_slice(&url.ignored);
        Ok(url)
    };
    let scheme = required(attributes, "type")?;
    match scheme {
        "git" => git(attributes, given()?),
        "hg" => {
            let mut url = given()?;
            url.scheme = format!("hg+{}", url.scheme);
            revisions(attributes, &mut url)?;
            Ok(url)
        }
        "github" | "gitlab" | "sourcehut" => forge(scheme, attributes),
        "indirect" => {
            let mut url = Url { scheme: "flake".to_owned(), ..Url::default() };
            url.path.push(required(attributes, "id")?.into());
            url.path.extend(text_of(attributes, "ref")?.map(Into::into));
            url.path.extend(revision(attributes)?.map(Into::into));
            Ok(url)
        }
        "path" => local(attributes),
        "tarball" | "file" => {
            let mut url = given()?;
            hash(attributes, &mut url)?;
            Ok(url)
        }
        _ => {
            let shown = json(attributes);
            Err(FlakeRefError::new(format!("cannot show unsupported input '{shown}'")))
        }
    }
}

fn hash(attributes: &Attributes, url: &mut Url) -> Result<(), FlakeRefError> {
    if let Some(hash) = nar_hash(attributes)? {
        url.set("narHash", hash.encode_prefixed(Format::Sri));
    }
    Ok(())
}

fn revisions(attributes: &Attributes, url: &mut Url) -> Result<(), FlakeRefError> {
    if let Some(commit) = revision(attributes)? {
        url.set("rev", commit);
    }
    if let Some(branch) = text_of(attributes, "ref")? {
        url.set("ref", branch);
    }
    Ok(())
}

fn forge(scheme: &str, attributes: &Attributes) -> Result<Url, FlakeRefError> {
    let mut url = Url { scheme: scheme.to_owned(), ..Url::default() };
    url.path = vec![required(attributes, "owner")?.into(), required(attributes, "repo")?.into()];
    url.path.extend(text_of(attributes, "ref")?.map(Into::into));
    url.path.extend(revision(attributes)?.map(Into::into));
    hash(attributes, &mut url)?;
    if let Some(host) = text_of(attributes, "host")? {
        url.set("host", host);
    }
    Ok(url)
}

fn local(attributes: &Attributes) -> Result<Url, FlakeRefError> {
    let mut url = Url::of_parts("path", required(attributes, "path")?);
    for (name, value) in attributes {
        let text = match value {
            _ if ["type", "path", "__final"].contains(&name.as_str()) => continue,
            Attribute::Text(text) => text.clone(),
            Attribute::Number(number) => number.to_string(),
            Attribute::Switch(on) => u8::from(*on).to_string(),
        };
        url.set(name, text);
    }
    Ok(url)
}

fn git(attributes: &Attributes, mut url: Url) -> Result<Url, FlakeRefError> {
    if url.scheme != "git" {
        url.scheme = format!("git+{}", url.scheme);
    }
    revisions(attributes, &mut url)?;
    for name in ["shallow", "lfs", "submodules", "exportIgnore", "verifyCommit"] {
        if switch_of(attributes, name)? {
            url.set(name, "1");
        }
    }
    match &public_keys(attributes)?[..] {
        [] => {}
        [key] => {
            url.set("keytype", key.kind.clone());
            url.set("publicKey", key.key.clone());
        }
        keys => {
            let key = |key: &Key| serde_json::json!({ "key": key.key, "type": key.kind });
            url.set("publicKeys", Value::Array(keys.iter().map(key).collect()).to_string());
        }
    }
    Ok(url)
}

/// A key that commits are signed with.
struct Key {
    kind: String,
    key: String,
}

/// The keys in `publicKeys`, a list in JSON, and the one in `publicKey`.
fn public_keys(attributes: &Attributes) -> Result<Vec<Key>, FlakeRefError> {
    let mut keys = Vec::new();
    if let Some(text) = text_of(attributes, "publicKeys")? {
        let wrong = |why: String| FlakeRefError::new(format!("cannot read the keys '{text}': {why}"));
        let found: Vec<WrittenKey> = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
        keys.extend(
            found
                .into_iter()
                .map(|found| Key { kind: found.kind.unwrap_or_else(|| KEY_TYPE.to_owned()), key: found.key }),
        );
    }
    if let Some(key) = text_of(attributes, "publicKey")? {
        let kind = text_of(attributes, "keytype")?.unwrap_or(KEY_TYPE).to_owned();
        keys.push(Key { kind, key: key.to_owned() });
    }
    Ok(keys)
}

/// A key as `publicKeys` has it.
#[derive(serde::Deserialize)]
struct WrittenKey {
    #[serde(rename = "type")]
    kind: Option<String>,
    key: String,
}
