//! The URLs that Git takes: a path, `USER@HOST:PATH`, or what everybody calls a URL.

use super::url::{of_path, split_scheme};
use super::{FlakeRefError, Reader, Reading, Url};

impl Reader {
    /// The URL of a repository that is written as Git's own command takes it.
    ///
    /// # Errors
    /// When it is none.
    pub fn git_url(&mut self, written: &str) -> Result<Url, FlakeRefError> {
        if written.starts_with('/') && !written.contains("://") {
            return Ok(of_path(written));
        }
        let written = secure_shell(written).unwrap_or_else(|| written.to_owned());
        let head = written.split('/').next().unwrap_or_default();
        let is_url =
            written.contains("://") || written.starts_with("file:") || written.starts_with("git+file:");
        match (is_url, head.contains(':')) {
            (true, _) => {
                let mut url = self.url(&written)?;
                if let (Some("git"), transport) = split_scheme(&url.scheme) {
                    url.scheme = transport.to_owned();
                }
                Ok(url)
            }
            (false, true) => Err(FlakeRefError::url(format!(
                "SCP-like URL '{written}' is not supported; use SSH URL syntax instead (ssh://...)"
            ))),
            (false, false) => Ok(Url::of_parts("file", &written)),
        }
    }
}

/// What Git is asked for where a repository has this URL: a directory in the tree is nothing that a server knows.
#[must_use]
pub fn remote(url: &str) -> String {
    let Ok(mut found) = Url::parse(url, Reading::Strict) else { return url.to_owned() };
    if found.take("dir").is_some() { found.to_string() } else { url.to_owned() }
}

/// `USER@HOST:PATH` as a URL: the last colon, and the last `@` before it and before any slash.
fn secure_shell(written: &str) -> Option<String> {
    if written.starts_with('/') {
        return None;
    }
    let head = written.split('/').next().unwrap_or_default();
    let colon = written.rfind(':')?;
    let at = head[..head.len().min(colon)].rfind('@')?;
    let (host, path) = (&written[at + 1..colon], &written[colon + 1..]);
    let is_line = !written[at..].contains(['\n', '\r']);
    is_line.then(|| format!("ssh://{}@{host}/{path}", &written[..at]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::eval::Features;

    #[test]
    fn a_directory_in_the_tree_is_not_asked_for() {
        assert_eq!(remote("https://h/b?a=1&dir=x%20y"), "https://h/b?a=1");
        assert_eq!(remote("https://h/b?a"), "https://h/b?a");
    }

    #[test]
    fn what_git_takes_for_a_host_and_a_path_is_a_url_where_it_names_a_user() {
        for (written, wanted) in [
            ("git@localhost:b/c", Some("ssh://git@localhost/b/c")),
            ("git@h:/x", Some("ssh://git@h//x")),
            ("a@b:c@d", Some("ssh://a@b/c@d")),
            ("ssh://git@h:22/b", Some("ssh://git@h:22/b")),
            ("git+https://h/b", Some("https://h/b")),
            ("/x:y", Some("file:///x:y")),
            ("x y", Some("file:x%20y")),
            ("h:x", None),
            ("github:a/b", None),
        ] {
            let url = Reader::new(Features::default()).git_url(written);
            assert_eq!(url.ok().map(|url| url.to_string()).as_deref(), wanted, "{written}");
        }
    }
}
