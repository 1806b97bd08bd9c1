//! Addresses of git repositories: `URL#ref:subdirectory` and `URL?ref=…&subdir=…` (BuildKit's forms). Only the text;
//! who calls git is the executor.

use crate::go;
use crate::step::GitSource;

/// An address that says what git addresses cannot say.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{address}`: {problem}")]
pub struct GitAddressError {
    /// As written.
    pub address: String,
    /// What is wrong with it.
    pub problem: String,
}

/// A repository and what of it is wanted.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct GitRemote {
    /// What git is given.
    pub url: String,
    /// Branch, tag, commit or any other ref; the default branch where empty.
    pub reference: String,
    /// The commit, or its beginning, that the ref must be.
    pub commit: Option<String>,
    /// Directory within the repository that is the context; the whole where empty.
    pub subdirectory: String,
    /// True to check out submodules as well.
    pub submodules: bool,
    /// True to leave `.git` in place, false to take it out; `None` where the address does not say.
    pub keep_git_dir: Option<bool>,
}

impl GitRemote {
    /// Reads an address; `None` when it is not one of git's: `git://…`, `ssh://…`, `user@host:path`, `https://….git`, or
    /// `github.com/…` without a scheme.
    ///
    /// # Errors
    /// [`GitAddressError`] for a query that git addresses do not have, or that says two different things.
    pub fn parse(text: &str) -> Option<Result<Self, GitAddressError>> {
        let (address, fragment) = text.split_once('#').unwrap_or((text, ""));
        let (plain, query) = address.split_once('?').unwrap_or((address, ""));
        let web = plain.starts_with("http://") || plain.starts_with("https://");
        let url = match plain {
            _ if web && plain.ends_with(".git") => plain.to_owned(),
            _ if plain.starts_with("git://") || plain.starts_with("ssh://") => plain.to_owned(),
            _ if plain.starts_with("github.com/") => format!("https://{plain}"),
            _ if is_scp_like(plain) => plain.to_owned(),
            _ => return None,
        };
        let remote = Self { url, submodules: true, ..Self::default() };
        Some(remote.with_fragment(fragment).with_query(text, query))
    }

    /// The source that this is, its ref being at `commit`.
    pub fn at(self, commit: String) -> GitSource {
        GitSource {
            url: self.url,
            commit,
            subdirectory: self.subdirectory,
            submodules: self.submodules,
            keep_git_dir: self.keep_git_dir.unwrap_or(false),
        }
    }

    fn with_fragment(mut self, fragment: &str) -> Self {
        let (reference, subdirectory) = fragment.split_once(':').unwrap_or((fragment, ""));
        self.reference = reference.to_owned();
        self.subdirectory = subdirectory.to_owned();
        self
    }

    fn with_query(mut self, text: &str, query: &str) -> Result<Self, GitAddressError> {
        let refuse = |problem: String| Err(GitAddressError { address: text.to_owned(), problem });
        let mut seen = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            if seen.contains(&key) {
                return refuse(format!("it says `{key}` twice"));
            }
            seen.push(key);
            let switch = matches!(key, "submodules" | "keep-git-dir");
            let value = match go::unescaped(&value.replace('+', " ")) {
                value if value.is_empty() && switch => "true".to_owned(),
                value if value.is_empty() => return refuse(format!("`{key}` has no value")),
                value => value,
            };
            let reference = match key {
                "ref" => value,
                "tag" => prefixed("refs/tags/", value),
                "branch" => prefixed("refs/heads/", value),
                "commit" | "checksum" => {
                    self.commit = Some(value);
                    continue;
                }
                "subdir" if self.subdirectory.is_empty() || self.subdirectory == value => {
                    self.subdirectory = value;
                    continue;
                }
                _ if switch => {
                    let Some(said) = go::truth(&value) else {
                        return refuse(format!("`{key}` is true or false, not `{value}`"));
                    };
                    match key {
                        "submodules" => self.submodules = said,
                        _ => self.keep_git_dir = Some(said),
                    }
                    continue;
                }
                "subdir" => return refuse("it names two subdirectories".to_owned()),
                other => return refuse(format!("there is no git option `{other}`")),
            };
            if !self.reference.is_empty() && self.reference != reference {
                return refuse("it names two refs".to_owned());
            }
            self.reference = reference;
        }
        if self.reference.is_empty()
            && let Some(commit) = &self.commit
        {
            self.reference.clone_from(commit);
        }
        Ok(self)
    }
}

/// What is wrong where the ref of the address `written` is at another commit than was said, whole or by its beginning.
pub fn other_commit<'e>(
    written: &str,
    commit: &str,
    said: impl IntoIterator<Item = &'e String>,
) -> Option<String> {
    let other = said.into_iter().find(|said| !commit.starts_with(said.as_str()))?;
    Some(format!("`{written}` is at commit {commit}, not {other}"))
}

/// A name with its prefix, which may be written already.
fn prefixed(prefix: &str, name: String) -> String {
    if name.starts_with(prefix) { name } else { format!("{prefix}{name}") }
}

/// `user@host:path`.
fn is_scp_like(text: &str) -> bool {
    let word = |t: &str| !t.is_empty() && t.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
    text.split_once('@').is_some_and(|(user, rest)| {
        word(user) && rest.split_once(':').is_some_and(|(host, path)| word(host) && !path.is_empty())
    })
}

/// True for the whole name of a commit: 40 hexadecimal digits, or 64 where a repository uses SHA-256.
pub fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> GitRemote {
        GitRemote::parse(text).unwrap().unwrap()
    }

    #[test]
    fn addresses_are_told_from_files_and_pages() {
        for text in ["git://h/x", "ssh://git@h/x", "git@h:a/b.git", "https://h/a.git#main", "github.com/a/b"]
        {
            assert!(GitRemote::parse(text).is_some(), "{text}");
        }
        for text in [".", "dir/x@y:z", "https://h/a.tar", "a@b", "/x.git"] {
            assert!(GitRemote::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn fragment_and_query_say_what_is_wanted() {
        let one = parsed("https://h/a.git#v1:sub/dir");
        assert_eq!((one.reference.as_str(), one.subdirectory.as_str()), ("v1", "sub/dir"));
        let two = parsed("https://h/a.git?tag=v1&subdir=x&submodules=false&keep-git-dir=true");
        assert_eq!((two.reference.as_str(), two.subdirectory.as_str()), ("refs/tags/v1", "x"));
        assert!(!two.submodules && two.keep_git_dir == Some(true));
        let three = parsed("git@h:a?branch=refs/heads/x%2Fy&submodules=0&keep-git-dir");
        assert_eq!(three.reference, "refs/heads/x/y");
        assert!(!three.submodules && three.keep_git_dir == Some(true));
        assert_eq!(parsed("git://h/a?commit=abcd").reference, "abcd");
        assert_eq!(parsed("https://h/a.git?tag=v1#refs/tags/v1:x").reference, "refs/tags/v1");
        for bad in [
            "https://h/a.git?ref=x#y",
            "https://h/a.git?tag=v1#v1",
            "https://h/a.git?nope=1",
            "https://h/a.git?submodules=maybe",
            "https://h/a.git?ref=",
            "https://h/a.git?subdir=x&subdir=x",
        ] {
            assert!(GitRemote::parse(bad).unwrap().is_err(), "{bad}");
        }
    }
}
