//! From the text of a reference to its attributes.

use super::scheme::{is_branch, is_id, is_revision};
use super::url::{Url, parse_query};
use super::{Attribute, Attributes, FlakeRefError, check};

/// The attributes of a reference.
///
/// # Errors
/// When the text is none.
pub fn parse(text: &str) -> Result<Attributes, FlakeRefError> {
    let (mut url, named) = match identifier(text) {
        Some(url) => (url, true),
        None => match Url::parse(text) {
            Ok(url) => (url, true),
            Err(_) => (path(text)?, false),
        },
    };
    let attributes = match of_url(&mut url) {
        Err(error) if error.other && named => {
            url = path(text)?;
            of_url(&mut url)?
        }
        other => other?,
    };
    if !url.fragment.is_empty() {
        let fragment = &url.fragment;
        return Err(FlakeRefError::new(format!(
            "unexpected fragment '{fragment}' in flake reference '{text}'"
        )));
    }
    Ok(attributes)
}

/// The attributes of the reference that a URL is; its query keeps what is no attribute.
///
/// # Errors
/// When it is none.
pub fn of_url(url: &mut Url) -> Result<Attributes, FlakeRefError> {
    // The directory in the tree is no attribute of any scheme.
    let directory = url.query.remove("dir").filter(|directory| !directory.is_empty());
    let mut attributes = check(&input(url)?)?;
    attributes.extend(directory.map(|directory| ("dir".to_owned(), Attribute::Text(directory))));
    Ok(attributes)
}

/// `ID`, `ID/REF`, `ID/REV`, `ID/REF/REV`.
fn identifier(text: &str) -> Option<Url> {
    let (path, fragment) = text.split_once('#').unwrap_or((text, ""));
    let (id, rest) = path.split_once('/').map_or((path, None), |(id, rest)| (id, Some(rest)));
    let known = is_id(id) && rest.is_none_or(is_branch);
    known.then(|| Url {
        scheme: "flake".to_owned(),
        path: path.to_owned(),
        fragment: fragment.to_owned(),
        ..Url::default()
    })
}

/// `/PATH?QUERY#FRAGMENT`
fn path(text: &str) -> Result<Url, FlakeRefError> {
    let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    if !path.starts_with('/') {
        return Err(FlakeRefError::new(format!("flake reference '{text}' is not an absolute path")));
    }
    Ok(Url {
        scheme: "path".to_owned(),
        path: path.to_owned(),
        fragment: fragment.to_owned(),
        query: parse_query(query).unwrap_or_default(),
        authority: None,
    })
}

fn input(url: &Url) -> Result<Attributes, FlakeRefError> {
    let (application, transport) = match url.scheme.split_once('+') {
        Some((application, transport)) => (application, transport),
        None => ("", url.scheme.as_str()),
    };
    match (application, transport) {
        ("", "flake") => indirect(url),
        ("", "path") => local(url),
        ("", "github" | "gitlab" | "sourcehut") => forge(url),
        ("", "git") => Ok(repository("git", url, transport)),
        ("git", "http" | "https" | "ssh" | "file") => Ok(repository("git", url, transport)),
        ("hg", "http" | "https" | "ssh" | "file") => Ok(repository("hg", url, transport)),
        ("" | "tarball", "http" | "https" | "file") => Ok(download("tarball", url, transport)),
        ("file", "http" | "https" | "file") => Ok(download("file", url, transport)),
        _ => Err(FlakeRefError::new(format!("input '{url}' is unsupported"))),
    }
}

fn of_type(scheme: &str) -> Attributes {
    Attributes::from([("type".to_owned(), Attribute::Text(scheme.to_owned()))])
}

fn set(attributes: &mut Attributes, name: &str, text: &str) {
    attributes.insert(name.to_owned(), Attribute::Text(text.to_owned()));
}

fn indirect(url: &Url) -> Result<Attributes, FlakeRefError> {
    let mut attributes = of_type("indirect");
    let parts: Vec<&str> = url.path.split('/').collect();
    match parts[..] {
        [_] => {}
        [_, revision] if is_revision(revision) => set(&mut attributes, "rev", revision),
        [_, branch] if is_branch(branch) => set(&mut attributes, "ref", branch),
        [_, branch, revision] if is_branch(branch) && is_revision(revision) => {
            set(&mut attributes, "ref", branch);
            set(&mut attributes, "rev", revision);
        }
        _ => return Err(FlakeRefError::url(format!("GitHub URL '{url}' is invalid"))),
    }
    set(&mut attributes, "id", parts[0]);
    Ok(attributes)
}

fn local(url: &Url) -> Result<Attributes, FlakeRefError> {
    if let Some(authority) = url.authority.as_ref().filter(|authority| !authority.is_empty()) {
        let text = format!("path URL '{url}' should not have an authority ('{authority}')");
        return Err(FlakeRefError::new(text));
    }
    let mut attributes = of_type("path");
    set(&mut attributes, "path", &url.path);
    for (name, value) in &url.query {
        match name.as_str() {
            "rev" | "narHash" => set(&mut attributes, name, value),
            "revCount" | "lastModified" => {
                let wrong =
                    |_| FlakeRefError::new(format!("path URL '{url}' has invalid parameter '{name}'"));
                attributes.insert(name.clone(), Attribute::Number(value.parse().map_err(wrong)?));
            }
            _ => {
                let text = format!("path URL '{url}' has unsupported parameter '{name}'");
                return Err(FlakeRefError::new(text));
            }
        }
    }
    Ok(attributes)
}

fn forge(url: &Url) -> Result<Attributes, FlakeRefError> {
    let wrong = |what: &str| FlakeRefError::url(format!("URL '{url}' {what}"));
    let mut attributes = of_type(&url.scheme);
    let parts: Vec<&str> = url.path.splitn(3, '/').collect();
    let (owner, repository, at) = match parts[..] {
        [owner, repository] => (owner, repository, None),
        [owner, repository, at] => (owner, repository, Some(at)),
        _ => return Err(wrong("is invalid")),
    };
    set(&mut attributes, "owner", owner);
    set(&mut attributes, "repo", repository);
    match at {
        None => {}
        Some(revision) if is_revision(revision) => set(&mut attributes, "rev", revision),
        Some(branch) if is_branch(branch) => set(&mut attributes, "ref", branch),
        Some(_) => return Err(wrong("is not a commit hash or branch/tag name")),
    }
    for (name, value) in &url.query {
        match name.as_str() {
            "rev" | "ref" if attributes.contains_key(name) => return Err(wrong("says it twice")),
            "ref" if !is_branch(value) => return Err(wrong("contains an invalid branch/tag name")),
            "rev" | "ref" | "host" | "narHash" => set(&mut attributes, name, value),
            _ => {}
        }
    }
    Ok(attributes)
}

fn repository(scheme: &str, url: &Url, transport: &str) -> Attributes {
    let mut attributes = of_type(scheme);
    let mut bare = Url { scheme: transport.to_owned(), fragment: String::new(), ..url.clone() };
    bare.query.clear();
    for (name, value) in &url.query {
        match name.as_str() {
            "rev" | "ref" => set(&mut attributes, name, value),
            "keytype" | "publicKey" | "publicKeys" if scheme == "git" => set(&mut attributes, name, value),
            "shallow" | "submodules" | "lfs" | "exportIgnore" | "allRefs" | "verifyCommit"
                if scheme == "git" =>
            {
                attributes.insert(name.clone(), Attribute::Switch(value == "1"));
            }
            _ => drop(bare.query.insert(name.clone(), value.clone())),
        }
    }
    set(&mut attributes, "url", &bare.to_string());
    attributes
}

fn download(scheme: &str, url: &Url, transport: &str) -> Attributes {
    let mut attributes = of_type(scheme);
    let mut bare = Url { scheme: transport.to_owned(), fragment: String::new(), ..url.clone() };
    for name in ["narHash", "rev"] {
        if let Some(value) = bare.query.remove(name) {
            set(&mut attributes, name, &value);
        }
    }
    for name in ["revCount", "lastModified"] {
        if let Some(Ok(number)) = bare.query.remove(name).map(|value| value.parse()) {
            attributes.insert(name.to_owned(), Attribute::Number(number));
        }
    }
    set(&mut attributes, "url", &bare.to_string());
    attributes
}
