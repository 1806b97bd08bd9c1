//! Git repositories as contexts: `URL#ref:subdirectory` and `URL?ref=…&subdir=…`, checked out by the git program.
//!
//! Owns: reading such addresses, and the calls of git. A checkout has no history: only the commit that was asked for is
//! fetched, where the server allows that.

use std::path::Path;
use std::process::{Command, Stdio};

use super::ContextError;

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
    /// True to leave `.git` in place.
    pub keep_git_dir: bool,
}

impl GitRemote {
    /// Reads an address; `None` when it is not one of git's: `git://…`, `ssh://…`, `user@host:path`, `https://….git`, or
    /// `github.com/…` without a scheme.
    ///
    /// # Errors
    /// [`ContextError`] for a query that git addresses do not have, or that says two different things.
    pub fn parse(text: &str) -> Option<Result<Self, ContextError>> {
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

    fn with_fragment(mut self, fragment: &str) -> Self {
        let (reference, subdirectory) = fragment.split_once(':').unwrap_or((fragment, ""));
        self.reference = reference.to_owned();
        self.subdirectory = subdirectory.to_owned();
        self
    }

    fn with_query(mut self, text: &str, query: &str) -> Result<Self, ContextError> {
        let refuse = |problem: String| Err(ContextError::Incoming { what: text.to_owned(), problem });
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, "true"));
            let reference = match key {
                "ref" => value.to_owned(),
                "tag" => format!("refs/tags/{value}"),
                "branch" => format!("refs/heads/{value}"),
                "commit" | "checksum" => {
                    self.commit = Some(value.to_owned());
                    continue;
                }
                "subdir" if self.subdirectory.is_empty() => {
                    value.clone_into(&mut self.subdirectory);
                    continue;
                }
                "submodules" | "keep-git-dir" => {
                    let Ok(said) = value.parse() else {
                        return refuse(format!("`{key}` is true or false, not `{value}`"));
                    };
                    *(if key == "submodules" { &mut self.submodules } else { &mut self.keep_git_dir }) = said;
                    continue;
                }
                "subdir" => return refuse("it names two subdirectories".to_owned()),
                other => return refuse(format!("there is no git option `{other}`")),
            };
            if !self.reference.is_empty() {
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

/// `user@host:path`.
fn is_scp_like(text: &str) -> bool {
    let word = |t: &str| !t.is_empty() && t.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
    text.split_once('@').is_some_and(|(user, rest)| {
        word(user) && rest.split_once(':').is_some_and(|(host, path)| word(host) && !path.is_empty())
    })
}

/// Checks a repository out into an empty directory.
pub(super) fn check_out(remote: &GitRemote, dir: &Path) -> Result<(), ContextError> {
    // A ref that looks like an option would be one.
    if remote.reference.starts_with('-') || remote.url.starts_with('-') {
        return Err(failed(remote, "a name must not begin with `-`".to_owned()));
    }
    let wanted = if remote.reference.is_empty() { "HEAD" } else { &remote.reference };
    run(remote, dir, &["init", "--quiet"])?;
    run(remote, dir, &["remote", "add", "origin", &remote.url])?;
    let shallow = run(remote, dir, &["fetch", "--quiet", "--depth", "1", "origin", wanted]);
    let commit = match shallow {
        Ok(_) => "FETCH_HEAD",
        // A server may refuse to give a commit by its name alone, and does not know a shortened one.
        Err(error) if is_commit(wanted) => {
            let everything = "+refs/*:refs/remotes/origin/*";
            run(remote, dir, &["fetch", "--quiet", "--tags", "origin", everything]).map_err(|_| error)?;
            wanted
        }
        Err(error) => return Err(error),
    };
    run(remote, dir, &["checkout", "--quiet", "--detach", commit])?;
    let head = run(remote, dir, &["rev-parse", "HEAD"])?;
    if let Some(expected) = remote.commit.as_deref().filter(|c| !head.trim().starts_with(*c)) {
        return Err(failed(remote, format!("`{wanted}` is commit {}, not {expected}", head.trim())));
    }
    if remote.submodules {
        let words = ["submodule", "update", "--quiet", "--init", "--recursive", "--depth", "1"];
        run(remote, dir, &words)?;
    }
    if !remote.keep_git_dir {
        std::fs::remove_dir_all(dir.join(".git")).map_err(|e| failed(remote, e.to_string()))?;
    }
    Ok(())
}

fn is_commit(text: &str) -> bool {
    (4..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn failed(remote: &GitRemote, problem: String) -> ContextError {
    ContextError::Incoming { what: remote.url.clone(), problem }
}

fn run(remote: &GitRemote, dir: &Path, words: &[&str]) -> Result<String, ContextError> {
    let mut command = Command::new("git");
    command.arg("-C").arg(dir).args(["-c", "advice.detachedHead=false"]).args(words);
    // Nobody is there to type a password, and the caller's repository is not this one.
    command.env("GIT_TERMINAL_PROMPT", "0").env_remove("GIT_DIR").env_remove("GIT_WORK_TREE");
    let output = command.stdin(Stdio::null()).output().map_err(|e| failed(remote, format!("git: {e}")))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().rfind(|l| !l.trim().is_empty()).unwrap_or("it says nothing");
    Err(failed(remote, format!("git {}: {}", words.first().unwrap_or(&""), last.trim())))
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
        assert!(!two.submodules && two.keep_git_dir);
        assert_eq!(parsed("git://h/a?commit=abcd").reference, "abcd");
        for bad in ["https://h/a.git?ref=x#y", "https://h/a.git?nope=1", "https://h/a.git?submodules=maybe"] {
            assert!(GitRemote::parse(bad).unwrap().is_err(), "{bad}");
        }
    }
}
