//! From the text of a reference to its attributes.

use super::scheme::{is_branch, is_id, is_legal_ref, is_revision};
use super::url::{Reading, Url, checked, decode, parse_query, shown, split_scheme};
use super::{Attribute, Attributes, FlakeRefError, Reader};

impl Reader {
    /// The attributes of a reference.
    ///
    /// # Errors
    /// When the text is none, or means a scheme whose feature is off.
    pub fn parse(&mut self, text: &str) -> Result<Attributes, FlakeRefError> {
        let (attributes, fragment) = match identifier(text) {
            Some((mut url, fragment)) => (self.flake_of_url(&mut url)?.0, decode(fragment)),
            None => {
                let url = Url::parse(text, Reading::Lenient);
                match url.and_then(|mut url| self.flake_of_url(&mut url)) {
                    Err(error) if error.is_url => {
                        let mut url = self.path(text)?;
                        self.flake_of_url(&mut url)?
                    }
                    found => found?,
                }
            }
        };
        if !fragment.is_empty() {
            let fragment = shown(&fragment);
            let text = format!("unexpected fragment '{fragment}' in flake reference '{text}'");
            return Err(FlakeRefError::new(text));
        }
        Ok(attributes)
    }

    /// The attributes of a URL, and its fragment. The directory in the tree is no attribute of any scheme.
    fn flake_of_url(&mut self, url: &mut Url) -> Result<(Attributes, Vec<u8>), FlakeRefError> {
        let directory = url.take("dir").filter(|directory| !directory.is_empty());
        let fragment = std::mem::take(&mut url.fragment);
        let mut attributes = self.of_url(url)?;
        attributes.extend(directory.map(|directory| ("dir".to_owned(), Attribute::Text(directory))));
        Ok((attributes, fragment))
    }

    /// `/PATH?QUERY#FRAGMENT`
    fn path(&mut self, text: &str) -> Result<Url, FlakeRefError> {
        let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        if fragment.contains(['\n', '\r']) {
            return Err(FlakeRefError::new(format!("invalid flakeref '{text}'")));
        }
        let (query, ignored) = parse_query(query)?;
        self.ignored(&ignored);
        checked(fragment)
            .map_err(|why| FlakeRefError::new(format!("invalid URI parameter '{fragment}': {why}")))?;
        if !path.starts_with('/') {
            let text = format!("flake reference '{text}' is not an absolute path");
            return Err(FlakeRefError::new(text));
        }
        let mut named: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        if !named.is_empty() && path.ends_with('/') {
            // Nix writes the end of such a path twice.
            named.extend(["", ""]);
        }
        let url = Url::of_parts("path", &format!("/{}", named.join("/"))).with_empty_authority();
        Ok(Url { fragment: decode(fragment), query, ..url })
    }

    /// The attributes of the tree that a URL names.
    ///
    /// # Errors
    /// When it names none, or its scheme's feature is off.
    pub fn of_url(&mut self, url: &mut Url) -> Result<Attributes, FlakeRefError> {
        self.ignored(&url.ignored);
        let attributes = match split_scheme(&url.scheme) {
            (None, "flake") => indirect(url),
            (None, "path") => local(url),
            (None, "github" | "gitlab" | "sourcehut") => self.accepted(forge(url)?),
            (None, "git") | (Some("git"), _) => self.accepted(repository("git", url)),
            (Some("hg"), "http" | "https" | "ssh" | "file") => self.accepted(repository("hg", url)),
            (None | Some("tarball"), "http" | "https" | "file") => Ok(download("tarball", url)),
            (Some("file"), "http" | "https" | "file") => Ok(download("file", url)),
            (Some("file"), "git") => {
                let text =
                    format!("input '{url}' is unsupported; did you mean 'git+file' instead of 'file+git'?");
                Err(FlakeRefError::new(text))
            }
            _ => Err(FlakeRefError::new(format!("input '{url}' is unsupported"))),
        }?;
        self.require_scheme(&attributes)?;
        super::scheme::check_common(&attributes)?;
        Ok(attributes)
    }
}

/// `ID`, `ID/REF`, `ID/REV`, `ID/REF/REV`, each perhaps with a fragment.
fn identifier(text: &str) -> Option<(Url, &str)> {
    let (path, fragment) = text.split_once('#').unwrap_or((text, ""));
    let (id, rest) = path.split_once('/').map_or((path, None), |(id, rest)| (id, Some(rest)));
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'\"()*+,;=:@/? ^%".contains(c);
    let is_fragment = fragment.chars().all(is_part) && checked(fragment).is_ok();
    let known = is_id(id) && rest.is_none_or(is_branch) && is_fragment;
    known.then(|| (Url::of_parts("flake", path), fragment))
}

fn of_type(scheme: &str) -> Attributes {
    Attributes::from([("type".to_owned(), Attribute::Text(scheme.to_owned()))])
}

fn set(attributes: &mut Attributes, name: &str, text: &[u8]) {
    attributes.insert(name.to_owned(), Attribute::Text(shown(text)));
}

fn number(value: &[u8]) -> Option<Attribute> {
    std::str::from_utf8(value).ok()?.parse().ok().map(Attribute::Number)
}

fn indirect(url: &Url) -> Result<Attributes, FlakeRefError> {
    let wrong = |name: &str, what: &str| {
        FlakeRefError::url(format!("in flake URL '{url}', '{name}' is not a {what}"))
    };
    let mut attributes = of_type("indirect");
    let parts: Vec<String> = url.segments().map(shown).collect();
    // A revision is a hash here, and written as hashes are.
    let revision = |text: &str| text.to_ascii_lowercase().into_bytes();
    match &parts[..] {
        [_] => {}
        [_, at] if is_revision(at) => set(&mut attributes, "rev", &revision(at)),
        [_, at] if is_legal_ref(at) => set(&mut attributes, "ref", at.as_bytes()),
        [_, at] => return Err(wrong(at, "commit hash or branch/tag name")),
        [_, branch, _] if !is_legal_ref(branch) => return Err(wrong(branch, "branch/tag name")),
        [_, _, commit] if !is_revision(commit) => return Err(wrong(commit, "commit hash")),
        [_, branch, commit] => {
            set(&mut attributes, "ref", branch.as_bytes());
            set(&mut attributes, "rev", &revision(commit));
        }
        _ => return Err(FlakeRefError::url(format!("GitHub URL '{url}' is invalid"))),
    }
    if !is_id(&parts[0]) {
        return Err(FlakeRefError::url(format!("'{}' is not a valid flake ID", parts[0])));
    }
    set(&mut attributes, "id", parts[0].as_bytes());
    Ok(attributes)
}

fn local(url: &Url) -> Result<Attributes, FlakeRefError> {
    if let Some(authority) = url.authority.as_ref().filter(|authority| authority.has_host()) {
        let text = format!("path URL '{url}' should not have an authority ('{authority}')");
        return Err(FlakeRefError::new(text));
    }
    let mut attributes = of_type("path");
    set(&mut attributes, "path", url.file_path()?.as_bytes());
    for (name, value) in &url.query {
        match name.as_slice() {
            b"rev" | b"narHash" => set(&mut attributes, &shown(name), value),
            b"revCount" | b"lastModified" => {
                let name = shown(name);
                let wrong = || FlakeRefError::new(format!("path URL '{url}' has invalid parameter '{name}'"));
                attributes.insert(name.clone(), number(value).ok_or_else(wrong)?);
            }
            _ => {
                let text = format!("path URL '{url}' has unsupported parameter '{}'", shown(name));
                return Err(FlakeRefError::new(text));
            }
        }
    }
    Ok(attributes)
}

fn forge(url: &Url) -> Result<Attributes, FlakeRefError> {
    let wrong = |what: &str| FlakeRefError::url(format!("URL '{url}' {what}"));
    let mut attributes = of_type(&url.scheme);
    let parts: Vec<&[u8]> = url.segments().collect();
    let [owner, repository, at @ ..] = &parts[..] else { return Err(wrong("is invalid")) };
    set(&mut attributes, "owner", owner);
    set(&mut attributes, "repo", repository);
    match at {
        [] => {}
        [revision] if is_revision(&shown(revision)) => set(&mut attributes, "rev", revision),
        branch => set(&mut attributes, "ref", &branch.join(&b'/')),
    }
    for (name, value) in &url.query {
        match name.as_slice() {
            b"rev" if attributes.contains_key("rev") => return Err(wrong("contains multiple commit hashes")),
            b"ref" if attributes.contains_key("ref") => {
                return Err(wrong("contains multiple branch/tag names"));
            }
            b"rev" | b"ref" | b"host" | b"narHash" => set(&mut attributes, &shown(name), value),
            _ => {}
        }
    }
    Ok(attributes)
}

fn repository(scheme: &str, url: &Url) -> Attributes {
    let mut attributes = of_type(scheme);
    let is_git = scheme == "git";
    let mut bare = url.clone();
    if !is_git {
        bare.scheme = split_scheme(&url.scheme).1.to_owned();
    }
    bare.query.clear();
    for (name, value) in &url.query {
        match name.as_slice() {
            b"rev" | b"ref" => set(&mut attributes, &shown(name), value),
            b"keytype" | b"publicKey" | b"publicKeys" if is_git => set(&mut attributes, &shown(name), value),
            b"shallow" | b"submodules" | b"lfs" | b"exportIgnore" | b"allRefs" | b"verifyCommit"
                if is_git =>
            {
                attributes.insert(shown(name), Attribute::Switch(value == b"1"));
            }
            _ => drop(bare.query.insert(name.clone(), value.clone())),
        }
    }
    set(&mut attributes, "url", bare.to_string().as_bytes());
    attributes
}

fn download(scheme: &str, url: &Url) -> Attributes {
    let mut attributes = of_type(scheme);
    let mut bare = Url { scheme: split_scheme(&url.scheme).1.to_owned(), ..url.clone() };
    for name in super::scheme::CURL {
        let Some(value) = bare.query.remove(name.as_bytes()) else { continue };
        match *name {
            "narHash" | "rev" => set(&mut attributes, name, &value),
            "revCount" | "lastModified" => {
                attributes.extend(number(&value).map(|number| ((*name).to_owned(), number)));
            }
            _ => {}
        }
    }
    set(&mut attributes, "url", bare.to_string().as_bytes());
    attributes
}
