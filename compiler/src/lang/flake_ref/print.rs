//! From attributes to the text of a reference.

use super::{Attribute, Attributes, FlakeRefError, Url, json, required, text_of};
use crate::lang::hash::{Algorithm, Format, parse};

/// The text of a reference whose attributes are checked.
pub(super) fn print(attributes: &Attributes, directory: Option<&str>) -> Result<String, FlakeRefError> {
    let scheme = required(attributes, "type")?;
    let mut url = match scheme {
        "git" | "hg" => repository(scheme, attributes)?,
        "github" | "gitlab" | "sourcehut" => forge(scheme, attributes)?,
        "indirect" => indirect(attributes)?,
        "path" => local(attributes)?,
        "tarball" | "file" => {
            let mut url = Url::parse(required(attributes, "url")?)?;
            nar_hash(attributes, &mut url)?;
            url
        }
        _ => {
            let shown = json(attributes);
            return Err(FlakeRefError::new(format!("cannot show unsupported input '{shown}'")));
        }
    };
    url.query.extend(directory.map(|directory| ("dir".to_owned(), directory.to_owned())));
    Ok(url.to_string())
}

fn nar_hash(attributes: &Attributes, url: &mut Url) -> Result<(), FlakeRefError> {
    let Some(text) = text_of(attributes, "narHash")? else { return Ok(()) };
    let shown = match parse(text.as_bytes(), Some(Algorithm::Sha256)) {
        Ok(hash) => hash.encode_prefixed(Format::Sri),
        Err(error) => return Err(FlakeRefError::new(error.to_string())),
    };
    url.query.insert("narHash".to_owned(), shown);
    Ok(())
}

fn with_revision(path: &str, attributes: &Attributes) -> Result<String, FlakeRefError> {
    let mut path = path.to_owned();
    for name in ["ref", "rev"] {
        if let Some(text) = text_of(attributes, name)? {
            path.push('/');
            path.push_str(text);
        }
    }
    Ok(path)
}

fn indirect(attributes: &Attributes) -> Result<Url, FlakeRefError> {
    let path = with_revision(required(attributes, "id")?, attributes)?;
    Ok(Url { scheme: "flake".to_owned(), path, ..Url::default() })
}

fn forge(scheme: &str, attributes: &Attributes) -> Result<Url, FlakeRefError> {
    let (owner, repository) = (required(attributes, "owner")?, required(attributes, "repo")?);
    let path = with_revision(&format!("{owner}/{repository}"), attributes)?;
    let mut url = Url { scheme: scheme.to_owned(), path, ..Url::default() };
    nar_hash(attributes, &mut url)?;
    if let Some(host) = text_of(attributes, "host")? {
        url.query.insert("host".to_owned(), host.to_owned());
    }
    Ok(url)
}

fn local(attributes: &Attributes) -> Result<Url, FlakeRefError> {
    let path = required(attributes, "path")?.to_owned();
    let mut url = Url { scheme: "path".to_owned(), path, ..Url::default() };
    for (name, value) in attributes {
        let text = match value {
            _ if name == "type" || name == "path" => continue,
            Attribute::Text(text) => text.clone(),
            Attribute::Number(number) => number.to_string(),
            Attribute::Switch(on) => u8::from(*on).to_string(),
        };
        url.query.insert(name.clone(), text);
    }
    Ok(url)
}

fn repository(scheme: &str, attributes: &Attributes) -> Result<Url, FlakeRefError> {
    let mut url = Url::parse(required(attributes, "url")?)?;
    if url.scheme != scheme {
        url.scheme = format!("{scheme}+{}", url.scheme);
    }
    for name in ["rev", "ref"] {
        if let Some(text) = text_of(attributes, name)? {
            url.query.insert(name.to_owned(), text.to_owned());
        }
    }
    for name in ["shallow", "lfs", "submodules", "exportIgnore", "verifyCommit"] {
        if attributes.get(name) == Some(&Attribute::Switch(true)) {
            url.query.insert(name.to_owned(), "1".to_owned());
        }
    }
    Ok(url)
}
