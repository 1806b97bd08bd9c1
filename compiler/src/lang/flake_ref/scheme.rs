//! The schemes: what attributes each has, and what is asked of them.

use super::lock::hash_error;
use super::{Attribute, Attributes, FlakeRefError, Reader, json, required, switch_of, text_of};
use crate::lang::eval::Feature;
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
pub(super) const CURL: &[&str] = &["url", "narHash", "name", "unpack", "rev", "revCount", "lastModified"];

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

impl Reader {
    /// Checks attributes (without `dir`) and puts them into their usual form. Those of an unknown scheme stay as they are.
    ///
    /// # Errors
    /// When they mean no reference, or their scheme's feature is off.
    pub fn check(&mut self, attributes: &Attributes) -> Result<Attributes, FlakeRefError> {
        let missing =
            || FlakeRefError::new("'type' attribute to specify input scheme is required but not provided");
        let scheme = text_of(attributes, "type")?.ok_or_else(missing)?;
        let Some(allowed) = allowed(scheme) else {
            check_common(attributes)?;
            return Ok(attributes.clone());
        };
        self.require_scheme(attributes)?;
        let is_extra = |name: &str| !["type", "__final"].contains(&name) && !allowed.contains(&name);
        if let Some(name) = attributes.keys().find(|name| is_extra(name)) {
            let text = format!("input attribute '{name}' not supported by scheme '{scheme}'");
            return Err(FlakeRefError::new(text));
        }
        let attributes = self.accepted(attributes.clone())?;
        check_common(&attributes)?;
        Ok(attributes)
    }

    /// What a scheme asks of its own attributes.
    pub(super) fn accepted(&mut self, attributes: Attributes) -> Result<Attributes, FlakeRefError> {
        match required(&attributes, "type")? {
            "git" => return self.accepted_by_git(attributes),
            "hg" => {
                self.url(required(&attributes, "url")?)?;
                if let Some(name) = text_of(&attributes, "ref")?.filter(|name| !is_branch(name)) {
                    let text = format!("invalid Mercurial branch/tag name '{name}'");
                    return Err(FlakeRefError::url(text));
                }
            }
            "path" => drop(required(&attributes, "path")?),
            "indirect" => {
                let id = required(&attributes, "id")?;
                if !is_id(id) {
                    return Err(FlakeRefError::url(format!("'{id}' is not a valid flake ID")));
                }
            }
            "github" | "gitlab" | "sourcehut" => check_forge(&attributes)?,
            _ => {}
        }
        Ok(attributes)
    }

    fn accepted_by_git(&mut self, mut attributes: Attributes) -> Result<Attributes, FlakeRefError> {
        if ["verifyCommit", "keytype", "publicKey", "publicKeys"]
            .iter()
            .any(|name| attributes.contains_key(*name))
        {
            self.require(Feature::VerifiedFetches)?;
        }
        switch_of(&attributes, "verifyCommit")?;
        if let Some(name) = text_of(&attributes, "ref")?.filter(|name| !is_legal_ref(name)) {
            return Err(FlakeRefError::url(format!("invalid Git branch/tag name '{name}'")));
        }
        let url = self.git_url(required(&attributes, "url")?)?;
        attributes.insert("url".to_owned(), Attribute::Text(url.to_string()));
        for name in ["shallow", "submodules", "allRefs"] {
            switch_of(&attributes, name)?;
        }
        Ok(attributes)
    }
}

/// What is asked of the attributes of every scheme.
pub(super) fn check_common(attributes: &Attributes) -> Result<(), FlakeRefError> {
    text_of(attributes, "ref")?;
    for name in ["revCount", "lastModified"] {
        if matches!(attributes.get(name), Some(Attribute::Text(_) | Attribute::Switch(_))) {
            return Err(FlakeRefError::new(format!("input attribute '{name}' is not an integer")));
        }
    }
    Ok(())
}

fn check_forge(attributes: &Attributes) -> Result<(), FlakeRefError> {
    required(attributes, "owner")?;
    required(attributes, "repo")?;
    let wrong = |what: &str| FlakeRefError::url(format!("input {} contains {what}", json(attributes)));
    let (branch, commit) = (text_of(attributes, "ref")?, text_of(attributes, "rev")?);
    if let (Some(branch), Some(commit)) = (branch, commit) {
        let what = format!("both a commit hash ('{commit}') and a branch/tag name ('{branch}')");
        return Err(wrong(&what));
    }
    if let Some(commit) = commit {
        hash::parse(commit.as_bytes(), Some(Algorithm::Sha1)).map_err(|error| hash_error(&error))?;
    }
    if branch.is_some_and(|branch| !is_legal_ref(branch)) {
        return Err(wrong("an invalid branch/tag name"));
    }
    let is_host = |host: &str| host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
    if text_of(attributes, "host")?.is_some_and(|host| !is_host(host)) {
        return Err(wrong("an invalid instance host"));
    }
    Ok(())
}

/// Whether git takes a text as the name of a ref (git-check-ref-format(1), one level allowed).
pub(super) fn is_legal_ref(name: &str) -> bool {
    // What asks git is of C, where a text ends with a NUL.
    let name = name.split('\0').next().unwrap_or_default();
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

/// 40 hexadecimal digits.
pub(super) fn is_revision(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
