//! The schemes: what attributes each has, and what is asked of them.

use super::{Attribute, Attributes, FlakeRefError, json, required, text_of};
use crate::lang::hash::{self, Algorithm};

const GIT: &[&str] = &[
    "url",
    "ref",
    "rev",
    "shallow",
    "submodules",
    "lfs",
    "exportIgnore",
    "lastModified",
    "revCount",
    "narHash",
    "allRefs",
    "name",
    "dirtyRev",
    "dirtyShortRev",
    "verifyCommit",
    "keytype",
    "publicKey",
    "publicKeys",
];
const FORGE: &[&str] = &["owner", "repo", "ref", "rev", "narHash", "lastModified", "host", "treeHash"];
const CURL: &[&str] = &["url", "narHash", "name", "unpack", "rev", "revCount", "lastModified"];

/// The attributes of a scheme beside `type`; `None` for an unknown one.
fn allowed(scheme: &str) -> Option<&'static [&'static str]> {
    Some(match scheme {
        "git" => GIT,
        "hg" => &["url", "ref", "rev", "revCount", "narHash", "name"],
        "github" | "gitlab" | "sourcehut" => FORGE,
        "indirect" => &["id", "ref", "rev", "narHash"],
        "path" => &["path", "rev", "revCount", "lastModified", "narHash"],
        "tarball" | "file" => CURL,
        _ => return None,
    })
}

/// Checks attributes (without `dir`) and puts them into their usual form. Those of an unknown scheme stay as they are.
///
/// # Errors
/// When they mean no reference.
pub fn check(attributes: &Attributes) -> Result<Attributes, FlakeRefError> {
    let missing =
        || FlakeRefError::new("'type' attribute to specify input scheme is required but not provided");
    let scheme = text_of(attributes, "type")?.ok_or_else(missing)?;
    let Some(allowed) = allowed(scheme) else { return Ok(attributes.clone()) };
    let extra = attributes.keys().find(|name| *name != "type" && !allowed.contains(&name.as_str()));
    if let Some(name) = extra {
        let text = format!("input attribute '{name}' not supported by scheme '{scheme}'");
        return Err(FlakeRefError::new(text));
    }
    match scheme {
        "git" => {
            let switches = ["shallow", "submodules", "lfs", "exportIgnore", "allRefs", "verifyCommit"];
            switches.iter().try_for_each(|name| check_switch(attributes, name))?;
            required(attributes, "url")?;
            if let Some(name) = text_of(attributes, "ref")?.filter(|name| !is_legal_ref(name)) {
                let text = format!("invalid Git branch/tag name '{name}'");
                return Err(FlakeRefError::new(text));
            }
        }
        "hg" | "tarball" | "file" => drop(required(attributes, "url")?),
        "path" => drop(required(attributes, "path")?),
        "indirect" => {
            let id = required(attributes, "id")?;
            if !is_id(id) {
                return Err(FlakeRefError::url(format!("'{id}' is not a valid flake ID")));
            }
        }
        _ => {
            required(attributes, "owner")?;
            required(attributes, "repo")?;
        }
    }
    check_revision(attributes, matches!(scheme, "github" | "gitlab" | "sourcehut"))?;
    ["lastModified", "revCount"].iter().try_for_each(|name| check_number(attributes, name))?;
    Ok(attributes.clone())
}

fn check_switch(attributes: &Attributes, name: &str) -> Result<(), FlakeRefError> {
    match attributes.get(name) {
        None | Some(Attribute::Switch(_)) => Ok(()),
        Some(_) => Err(FlakeRefError::new(format!("input attribute '{name}' is not a Boolean"))),
    }
}

fn check_number(attributes: &Attributes, name: &str) -> Result<(), FlakeRefError> {
    match attributes.get(name) {
        None | Some(Attribute::Number(_)) => Ok(()),
        Some(_) => Err(FlakeRefError::new(format!("input attribute '{name}' is not an integer"))),
    }
}

fn check_revision(attributes: &Attributes, exclusive: bool) -> Result<(), FlakeRefError> {
    let (branch, revision) = (text_of(attributes, "ref")?, text_of(attributes, "rev")?);
    if let Some(revision) = revision {
        // Revisions of Git are SHA-1, or SHA-256 where they are longer.
        let algorithm = if revision.len() == 64 { Algorithm::Sha256 } else { Algorithm::Sha1 };
        hash::parse(revision.as_bytes(), Some(algorithm))
            .map_err(|error| FlakeRefError::new(error.to_string()))?;
    }
    if !exclusive {
        return Ok(());
    }
    if branch.is_some_and(|branch| !is_branch(branch)) {
        let text = format!("input {} contains an invalid branch/tag name", json(attributes));
        return Err(FlakeRefError::url(text));
    }
    let (Some(branch), Some(revision)) = (branch, revision) else { return Ok(()) };
    Err(FlakeRefError::url(format!(
        "input {} contains both a commit hash ('{revision}') and a branch/tag name ('{branch}')",
        json(attributes)
    )))
}

/// Whether git takes a text as the name of a ref (git-check-ref-format(1), one level allowed).
fn is_legal_ref(name: &str) -> bool {
    let is_legal_part = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock");
    let is_forbidden = |c: char| c.is_ascii_control() || " ~^:?*[\\".contains(c);
    name.split('/').all(is_legal_part)
        && !name.contains(is_forbidden)
        && !name.contains("..")
        && !name.contains("@{")
        && !name.ends_with('.')
        && !name.starts_with('-')
        && name != "@"
}

/// `[a-zA-Z][a-zA-Z0-9_-]*`
pub(super) fn is_id(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}

/// `[a-zA-Z0-9@][a-zA-Z0-9_.\/@+-]*`
pub(super) fn is_branch(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '@')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_./@+-".contains(c))
}

/// 40 lower-case hexadecimal digits.
pub(super) fn is_revision(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
