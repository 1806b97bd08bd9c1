//! Trees of files as flake references mean them: which source each scheme is, and how a fetched tree looks to programs.
//!
//! Owns: the schemes, the checks of locked attributes, and the attributes of the result. Never does: reading references.

use std::time::{Duration, UNIX_EPOCH};

use buildc_ir::source::{Repository, Source};

use super::bring::Kept;
use super::derivation_strict::path_error;
use super::flakes::reference_error;
use crate::lang::error::{ErrorKind, EvalError, Result};
use crate::lang::eval::Evaluator;
use crate::lang::flake_ref::{self, Attribute, Attributes, Reading, Url};
use crate::lang::hash::{Format, Hash};
use crate::lang::store_path::{FileMethod, StorePath, fixed_output_path};
use crate::lang::syntax::Pos;
use crate::lang::value::Value;
use crate::lang::value::attrs::AttrsBuilder;

/// The commit of trees without one.
const NO_COMMIT: &str = "0000000000000000000000000000000000000000";

/// Digits of a short commit.
const SHORT: usize = 7;

/// The end of the year 9999: a later time cannot be written.
const LAST_SECOND: u64 = 253_402_300_799;

/// A tree in the store.
pub(super) struct Tree {
    pub(super) path: StorePath,
    hash: Hash,
    commit: Option<String>,
    is_dirty: bool,
    commits: Option<u64>,
    last_modified: Option<u64>,
    /// Of a repository: whether its submodules are there.
    submodules: Option<bool>,
}

/// A text among attributes.
pub(super) fn text_of<'t>(attributes: &'t Attributes, name: &str) -> Option<&'t str> {
    match attributes.get(name) {
        Some(Attribute::Text(text)) => Some(text),
        _ => None,
    }
}

fn switch_of(attributes: &Attributes, name: &str) -> bool {
    matches!(attributes.get(name), Some(Attribute::Switch(true)))
}

fn number_of(attributes: &Attributes, name: &str) -> Option<u64> {
    match attributes.get(name) {
        Some(Attribute::Number(number)) => Some(*number),
        _ => None,
    }
}

impl<'a> Evaluator<'a> {
    /// Fetches the tree that checked attributes mean; `shown` is its reference.
    pub(super) fn tree(&mut self, attributes: &Attributes, shown: &str, name: &[u8]) -> Result<Tree> {
        let expected = flake_ref::nar_hash(attributes).map_err(reference_error)?;
        let mut attributes = attributes.clone();
        if let Some(commit) = flake_ref::revision(&attributes).map_err(reference_error)? {
            attributes.insert("rev".to_owned(), Attribute::Text(commit));
        }
        let attributes = &attributes;
        if let Some(hash) = &expected
            && let Some(tree) = self.tree_in_store(attributes, hash, name)?
        {
            return Ok(tree);
        }
        let fetching = |error: Box<EvalError>| match error.kind {
            ErrorKind::HashMismatch => error,
            _ => while_fetching(error, shown),
        };
        let source = self.source_of(attributes, shown).map_err(fetching)?;
        // Nix tells the hashes of these two the other way round, and not what it was doing.
        let is_swapped = matches!(text_of(attributes, "type"), Some("git" | "path"));
        let mut check = |hash: &Hash| match &expected {
            Some(expected) if expected != hash && is_swapped => Err(mismatch(shown, hash, expected)),
            Some(expected) if expected != hash => Err(while_fetching(mismatch(shown, expected, hash), shown)),
            _ => Ok(()),
        };
        let kept = self.kept(&source, name, FileMethod::Archive, &mut check).map_err(fetching)?;
        let submodules = match &source {
            Source::Repository(repository) => Some(repository.submodules),
            _ => None,
        };
        let tree = Tree::new(kept, attributes, submodules);
        tree.check(attributes).map_err(|error| while_fetching(error, shown))?;
        Ok(tree)
    }

    /// The tree whose hash is known, if it is in the store: nothing is asked of anybody then.
    fn tree_in_store(&self, attributes: &Attributes, hash: &Hash, name: &[u8]) -> Result<Option<Tree>> {
        let store = self.store_dir();
        let path =
            fixed_output_path(&store, name, FileMethod::Archive, hash).map_err(|error| path_error(&error))?;
        if !matches!(self.world.file_type(&store.print(&path)), Ok(Some(_))) {
            return Ok(None);
        }
        let is_git = text_of(attributes, "type") == Some("git");
        Ok(Some(Tree {
            path,
            hash: *hash,
            commit: text_of(attributes, "rev").map(str::to_owned),
            is_dirty: false,
            commits: number_of(attributes, "revCount"),
            last_modified: number_of(attributes, "lastModified"),
            submodules: is_git.then(|| switch_of(attributes, "submodules")),
        }))
    }

    /// What the attributes ask for, with the commit that a ref is.
    fn source_of(&self, attributes: &Attributes, shown: &str) -> Result<Source> {
        let text = |name: &str| text_of(attributes, name);
        let given = |name: &str| text(name).unwrap_or_default().to_owned();
        match text("type").unwrap_or_default() {
            "git" => {
                if switch_of(attributes, "exportIgnore") && switch_of(attributes, "submodules") {
                    let text = "exportIgnore and submodules are not supported together yet";
                    return Err(EvalError::new(text));
                }
                if ["publicKey", "publicKeys"].iter().any(|name| attributes.contains_key(*name))
                    || switch_of(attributes, "verifyCommit")
                {
                    let text = format!("cannot fetch '{shown}': signatures of commits are not verified here");
                    return Err(EvalError::new(text));
                }
                let (url, reference) = (flake_ref::remote(&given("url")), text("ref").map(str::to_owned));
                let mut commit = text("rev").map(str::to_owned);
                // A repository without one has a ref that is meant, as repositories elsewhere have.
                let is_working_tree = reference.is_none() && self.has_working_tree(&url);
                if commit.is_none() && !is_working_tree && self.steps.is_some() {
                    commit = Some(self.commit(&url, reference.as_deref().unwrap_or_default())?);
                }
                Ok(Source::Repository(Repository {
                    url,
                    reference,
                    commit,
                    submodules: switch_of(attributes, "submodules"),
                    export_ignore: switch_of(attributes, "exportIgnore"),
                    history: !switch_of(attributes, "shallow"),
                }))
            }
            "path" => {
                let path = given("path");
                let path = if path.starts_with('/') { path } else { format!("/{path}") };
                if matches!(self.world.file_type(path.as_bytes()), Ok(None)) {
                    return Err(EvalError::new(format!("path '/{}' does not exist", given("path"))));
                }
                Ok(Source::Directory { path })
            }
            "tarball" => {
                let url = given("url");
                Ok(Source::Archive { sha256: self.pinned_file(&url)?, url })
            }
            "file" => {
                let url = given("url");
                Ok(Source::File { sha256: self.pinned_file(&url)?, url })
            }
            forge @ ("github" | "gitlab" | "sourcehut") => {
                let site = Forge::of(forge, text("host"), &given("owner"), &given("repo"));
                let commit = match text("rev") {
                    Some(commit) => commit.to_owned(),
                    None => self.commit(&site.repository, text("ref").unwrap_or_default())?,
                };
                Ok(Source::Archive { url: site.archive(&commit), sha256: None })
            }
            "indirect" => Err(EvalError::new(format!(
                "'{shown}' is an indirect flake reference, but registry lookups are not allowed"
            ))),
            _ => Err(EvalError::new(format!("cannot fetch '{shown}': trees of this kind are not supported"))),
        }
    }

    fn has_working_tree(&self, url: &str) -> bool {
        let path = Url::parse(url, Reading::Strict).ok().filter(|url| url.scheme == "file");
        let path = path.and_then(|url| url.file_path().ok());
        path.is_some_and(|path| {
            let inside = format!("{path}/.git");
            matches!(self.world.file_type(inside.as_bytes()), Ok(Some(_)))
        })
    }

    /// A tree as programs see it; `filled` gives one without a commit the commit of zeros.
    pub(super) fn tree_value(&mut self, tree: &Tree, filled: bool) -> Value<'a> {
        let mut found: Vec<(&str, Value<'a>)> = vec![("outPath", self.store_path_value(&tree.path))];
        let text = |text: &str| self.string(self.bytes(text.as_bytes()));
        found.push(("narHash", text(&tree.hash.encode(Format::Sri))));
        if let Some(submodules) = tree.submodules {
            found.push(("submodules", Value::Bool(submodules)));
        }
        let clean = tree.commit.as_deref().filter(|_| !tree.is_dirty);
        if let Some(commit) = clean.or(filled.then_some(NO_COMMIT)) {
            found.push(("rev", text(commit)));
            found.push(("shortRev", text(&commit[..SHORT.min(commit.len())])));
        }
        if let Some(count) = tree.commits.or(filled.then_some(0)) {
            found.push(("revCount", Value::Int(i64::try_from(count).unwrap_or(i64::MAX))));
        }
        if let Some(commit) = tree.commit.as_deref().filter(|_| tree.is_dirty) {
            found.push(("dirtyRev", text(&format!("{commit}-dirty"))));
            found.push(("dirtyShortRev", text(&format!("{}-dirty", &commit[..SHORT.min(commit.len())]))));
        }
        if let Some(seconds) = tree.last_modified {
            found.push(("lastModified", Value::Int(i64::try_from(seconds).unwrap_or(i64::MAX))));
            found.push(("lastModifiedDate", text(&date(seconds))));
        }
        let mut set = AttrsBuilder::with_capacity(found.len());
        for (name, value) in found {
            set.push(self.symbols.intern(name.as_bytes()), Pos::NONE, value);
        }
        Value::Attrs(set.finish(self.arena))
    }
}

impl Tree {
    fn new(kept: Kept, attributes: &Attributes, submodules: Option<bool>) -> Self {
        let facts = kept.facts;
        let is_dirty = facts.is_dirty();
        let given = number_of(attributes, "lastModified").filter(|_| submodules.is_none());
        Self {
            path: kept.path,
            hash: kept.hash,
            commit: facts.commit.or_else(|| text_of(attributes, "rev").map(str::to_owned)),
            is_dirty,
            commits: facts.commits,
            // Of what has no history of its own, a time that is given counts.
            last_modified: given.or(facts.last_modified),
            submodules,
        }
    }

    /// Insists on what a repository's locked attributes say.
    fn check(&self, attributes: &Attributes) -> Result<()> {
        if self.submodules.is_none() {
            return Ok(());
        }
        let shown = |tree: &Self| {
            let mut found = attributes.clone();
            ["lastModified", "revCount"].iter().for_each(|name| drop(found.remove(*name)));
            if let Some(commit) = &tree.commit {
                found.insert("rev".to_owned(), Attribute::Text(commit.clone()));
            }
            flake_ref::to_url(&found, &mut Vec::new()).map(|url| url.to_string()).unwrap_or_default()
        };
        let wrong = |name: &str, found: Option<u64>| {
            let expected = number_of(attributes, name)?;
            (found? != expected).then_some(expected)
        };
        if let Some(expected) = wrong("lastModified", self.last_modified) {
            let (shown, found) = (shown(self), self.last_modified.unwrap_or(0));
            let text = format!(
                "'lastModified' attribute mismatch in input '{shown}', expected {expected}, got {found}"
            );
            return Err(EvalError::new(text));
        }
        if let Some(expected) = wrong("revCount", self.commits) {
            let shown = shown(self);
            let text = format!("'revCount' attribute mismatch in input '{shown}', expected {expected}");
            return Err(EvalError::new(text));
        }
        Ok(())
    }
}

#[cold]
fn while_fetching(error: Box<EvalError>, shown: &str) -> Box<EvalError> {
    error.trace(Pos::NONE, format!("while fetching the input '{shown}'").into_bytes())
}

#[cold]
fn mismatch(shown: &str, expected: &Hash, found: &Hash) -> Box<EvalError> {
    let (expected, found) = (expected.encode(Format::Sri), found.encode(Format::Sri));
    let text = format!("NAR hash mismatch in input '{shown}', expected '{expected}' but got '{found}'");
    EvalError::of_kind(ErrorKind::HashMismatch, text)
}

/// A site that gives archives of the commits of its repositories.
struct Forge {
    /// What git is given.
    repository: String,
    before: String,
    after: &'static str,
}

impl Forge {
    fn of(kind: &str, host: Option<&str>, owner: &str, repo: &str) -> Self {
        match kind {
            "github" => {
                let host = host.unwrap_or("github.com");
                let repository = format!("https://{host}/{owner}/{repo}");
                Self { before: format!("{repository}/archive/"), repository, after: ".tar.gz" }
            }
            "gitlab" => {
                let host = host.unwrap_or("gitlab.com");
                let before =
                    format!("https://{host}/api/v4/projects/{owner}%2F{repo}/repository/archive.tar.gz?sha=");
                Self { repository: format!("https://{host}/{owner}/{repo}.git"), before, after: "" }
            }
            _ => {
                let host = host.unwrap_or("git.sr.ht");
                let repository = format!("https://{host}/{owner}/{repo}");
                Self { before: format!("{repository}/archive/"), repository, after: ".tar.gz" }
            }
        }
    }

    fn archive(&self, commit: &str) -> String {
        format!("{}{commit}{}", self.before, self.after)
    }
}

/// `YYYYMMDDhhmmss` of seconds since 1970, in UTC.
fn date(seconds: u64) -> String {
    let time = UNIX_EPOCH + Duration::from_secs(seconds.min(LAST_SECOND));
    let written = humantime::format_rfc3339_seconds(time).to_string();
    written.chars().filter(char::is_ascii_digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(date(0), "19700101000000");
        assert_eq!(date(951_826_155), "20000229120915");
        assert_eq!(date(1_795_865_858), "20261128113738");
        assert_eq!(date(4_102_444_799), "20991231235959");
    }

    #[test]
    fn forges_give_archives_of_commits() {
        let of = |kind, host| Forge::of(kind, host, "team", "app").archive("0123");
        assert_eq!(of("github", None), "https://github.com/team/app/archive/0123.tar.gz");
        assert_eq!(
            of("gitlab", Some("lab.example")),
            "https://lab.example/api/v4/projects/team%2Fapp/repository/archive.tar.gz?sha=0123"
        );
        assert_eq!(of("sourcehut", None), "https://git.sr.ht/team/app/archive/0123.tar.gz");
    }
}
