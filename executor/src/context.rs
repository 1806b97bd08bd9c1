//! Build contexts: directories that COPY and bind mounts take files from.
//!
//! A context is walked where a selection needs it and no further, every directory once, and hashed through an index
//! in the store, so that files that did not change cost one `lstat` each and no read. Nothing outside the directory
//! is ever opened.

pub mod git;
mod hash;
pub mod incoming;
mod index;
mod listing;
mod trust;
mod walk;

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use buildc_digest::{ContentDigest, Key};
use buildc_ir::pattern::{PatternError, PatternSet, SelectionQuery, Verdict};
use buildc_ir::world::{SelectError, WorldError};
use buildc_store::{Entry, EntryKind, Store};
use rustix::fs::{Mode, OFlags};

use crate::dating::Dating;
use crate::event::ContextPlace;
use crate::select::{self, Bytes, Node, Selection, SourceTree};
pub(crate) use hash::{open as open_file, open_dir, open_in, stamp_of};
use index::Index;
use walk::Item;

/// Entries that remembered selections may hold together.
const REMEMBERED_ENTRIES: usize = 100_000;

/// A directory that COPY and bind mounts take files from.
pub struct Context {
    root: PathBuf,
    fd: OwnedFd,
    rules: PatternSet,
    rules_file: String,
    rules_text: Option<String>,
    /// `contexts` of the store.
    dir: PathBuf,
    index: Mutex<Index>,
    walked: Mutex<BTreeMap<Vec<u8>, Arc<Vec<Item>>>>,
    chosen: Mutex<Vec<(SelectionQuery, Arc<Selection>)>>,
    dating: Dating,
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("root", &self.root).finish_non_exhaustive()
    }
}

/// Why a context cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ContextError {
    /// The directory cannot be read.
    #[error("Build context `{path}` cannot be read: {source}")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A rule of the ignore file is malformed.
    #[error("Line {} of `{file}` is no rule: {source}", .source.line())]
    IgnoreRule {
        /// The ignore file.
        file: String,
        /// What is wrong where.
        source: PatternError,
    },
    /// What is to become a context cannot be had.
    #[error("Build context `{what}` cannot be used: {problem}")]
    Incoming {
        /// Where it is from.
        what: String,
        /// Why.
        problem: String,
    },
    /// What is to become a context takes more of the disk than it may.
    #[error("Build context `{what}` takes more than {limit_bytes} bytes of the disk")]
    TooLarge {
        /// Where it is from.
        what: String,
        /// The limit.
        limit_bytes: u64,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] buildc_store::StoreError),
}

impl ContextError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "context::unreadable",
            Self::IgnoreRule { .. } => "context::ignore_rule",
            Self::Incoming { .. } => "context::incoming",
            Self::TooLarge { .. } => "context::too_large",
            Self::Store(error) => error.code(),
        }
    }

    /// The remedy.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Unreadable { .. } => {
                Some("Give an existing, readable directory as the build context".to_owned())
            }
            Self::IgnoreRule { source, .. } => Some(source.help().to_owned()),
            Self::Incoming { .. } => Some(
                "Give a directory, an archive, an http(s) address of either, or a git repository".to_owned(),
            ),
            Self::TooLarge { .. } => {
                Some("Make it smaller, or allow more with BUILDC_CONTEXT_LIMIT, in bytes".to_owned())
            }
            Self::Store(error) => error.help().map(str::to_owned),
        }
    }
}

impl Context {
    /// Opens a directory. `ignore` is the name and text of the ignore file that applies. Reads no entry yet.
    ///
    /// # Errors
    /// [`ContextError`] when it is no readable directory or a rule is malformed.
    pub fn open(
        store: &Store,
        name: &str,
        dir: &Path,
        ignore: Option<(String, String)>,
    ) -> Result<Context, ContextError> {
        let unreadable = |source: std::io::Error| ContextError::Unreadable { path: dir.to_owned(), source };
        let root = dir.canonicalize().map_err(unreadable)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::open(&root, flags, Mode::empty()).map_err(|e| unreadable(e.into()))?;
        let device = rustix::fs::fstat(&fd).map_err(|e| unreadable(e.into()))?.st_dev;
        let (rules_file, rules_text) = ignore.unzip();
        let rules_file = rules_file.unwrap_or_default();
        let rules = PatternSet::parse(rules_text.as_deref().unwrap_or_default())
            .map_err(|source| ContextError::IgnoreRule { file: rules_file.clone(), source })?;
        let contexts = store.subdir("contexts")?;
        let key = [&device.to_le_bytes()[..], root.as_os_str().as_bytes()].concat();
        let index = Index::at(contexts.join(format!("{}.index", Key::of(&key))));
        tracing::debug!(name, root = %root.display(), "build context");
        Ok(Self {
            root,
            fd,
            rules,
            rules_file,
            rules_text,
            dir: contexts,
            index: Mutex::new(index),
            walked: Mutex::default(),
            chosen: Mutex::default(),
            dating: Dating::Free,
        })
    }

    /// Says whether the digests of selections hold the times of files.
    pub fn count_times(&mut self, dating: Dating) {
        self.dating = dating;
        locked(&self.chosen).clear();
    }

    /// The directory, canonical.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What a build's log says of it.
    pub(crate) fn place(&self, name: &str) -> ContextPlace {
        let ignore = self.rules_text.clone().map(|text| (self.rules_file.clone(), text));
        ContextPlace { name: name.to_owned(), dir: self.root.clone(), ignore }
    }

    pub(crate) fn fd(&self) -> &OwnedFd {
        &self.fd
    }

    /// What a query selects. Remembered, so that planning and copying see the same.
    pub(crate) fn select(&self, query: &SelectionQuery) -> Result<Arc<Selection>, SelectError> {
        if let Some((_, known)) = locked(&self.chosen).iter().find(|(q, _)| q == query) {
            return Ok(Arc::clone(known));
        }
        let selection = Arc::new(select::select(self, query, self.dating)?);
        listing::keep(&self.dir, &selection, self.dating);
        locked(&self.index).save(&locked(&self.walked));
        let mut chosen = locked(&self.chosen);
        chosen.push((query.clone(), Arc::clone(&selection)));
        while chosen.len() > 1
            && chosen.iter().map(|(_, s)| s.summary.entries as usize).sum::<usize>() > REMEMBERED_ENTRIES
        {
            chosen.remove(0);
        }
        Ok(selection)
    }

    /// Whether a query selects what it did when it had this digest, by whatever the digest held of times.
    pub(crate) fn still_gives(&self, query: &SelectionQuery, digest: &ContentDigest) -> bool {
        let same =
            |dating| select::select(self, query, dating).is_ok_and(|now| now.summary.digest == *digest);
        same(Dating::Free) || same(Dating::Strict)
    }

    /// Forgets what is known of a file that changed under our eyes, and every listing; the next selection looks again.
    pub(crate) fn forget(&self, path: &[u8]) {
        locked(&self.index).forget(path);
        locked(&self.walked).clear();
        locked(&self.chosen).clear();
    }

    /// Names of files that differ between two selections, and how many.
    pub(crate) fn difference(
        store: &Store,
        before: &ContentDigest,
        now: &ContentDigest,
        limit: usize,
    ) -> (Vec<String>, u64) {
        store.subdir("contexts").map_or((Vec::new(), 0), |dir| listing::difference(&dir, before, now, limit))
    }

    fn unreadable(&self, path: &[u8], error: impl Into<std::io::Error>) -> WorldError {
        let error: std::io::Error = error.into();
        let path = self.root.join(std::ffi::OsStr::from_bytes(path));
        WorldError {
            code: "context::unreadable",
            message: format!("`{}` in the build context cannot be read: {error}", path.display()),
            help: Some("Make it readable, or leave it out with a rule in .dockerignore".to_owned()),
        }
    }

    /// What the rules say of a path and whether a walker may see it or something below it.
    fn visible(&self, path: &[u8], is_dir: bool) -> Result<bool, WorldError> {
        let verdict = self.verdict(path);
        if !verdict.excluded || path.is_empty() {
            return Ok(true);
        }
        if !is_dir || !self.rules.may_include_below(path, &verdict) {
            return Ok(false);
        }
        Ok(!self.items(path)?.is_empty())
    }

    fn verdict(&self, path: &[u8]) -> Verdict {
        if self.rules.is_empty() || path.is_empty() {
            Verdict::default()
        } else {
            self.rules.judge_path(path)
        }
    }

    /// Everything below a directory that is not ignored, parents first: from an earlier walk where there is one.
    fn items(&self, dir: &[u8]) -> Result<Arc<Vec<Item>>, WorldError> {
        let known = locked(&self.walked).iter().find_map(|(root, items)| {
            if root == dir {
                return Some(Arc::clone(items));
            }
            select::is_below(dir, root).then(|| Arc::new(walk::range(items, dir).to_vec()))
        });
        if let Some(items) = known {
            return Ok(items);
        }
        let known = locked(&self.walked).clone();
        let walker = walk::Walker { root: &self.fd, rules: &self.rules, known };
        let items = walker.walk(dir, self.verdict(dir)).map_err(|(path, e)| self.unreadable(&path, e))?;
        let items = Arc::new(items);
        locked(&self.walked).insert(dir.to_vec(), Arc::clone(&items));
        Ok(items)
    }

    fn node(&self, item: &Item) -> Result<Node, WorldError> {
        let kind = match item.kind {
            walk::Kind::Dir => EntryKind::Dir { opaque: false },
            walk::Kind::File => {
                EntryKind::File { size: item.stamp.size, hash: buildc_digest::FileHash::from_bytes([0; 32]) }
            }
            walk::Kind::Symlink => EntryKind::Symlink {
                target: walk::read_link(&self.fd, &item.path).map_err(|e| self.unreadable(&item.path, e))?,
            },
            walk::Kind::Fifo => EntryKind::Fifo,
            walk::Kind::Char(major, minor) => EntryKind::CharDevice { major, minor },
            walk::Kind::Block(major, minor) => EntryKind::BlockDevice { major, minor },
        };
        let bytes = if item.kind == walk::Kind::File { Bytes::Context(item.stamp) } else { Bytes::None };
        let entry = Entry {
            path: item.path.clone(),
            kind,
            mode: item.stamp.mode & 0o7777,
            uid: 0,
            gid: 0,
            mtime: item.stamp.mtime,
            xattrs: Vec::new(),
        };
        let link = (item.links > 1 && item.kind == walk::Kind::File).then_some(item.stamp.inode);
        Ok(Node { entry, bytes, link })
    }
}

impl SourceTree for Context {
    fn get(&self, path: &[u8]) -> Result<Option<Node>, WorldError> {
        if path.is_empty() {
            return Ok(Some(select::root()));
        }
        let Some(item) = walk::lstat(&self.fd, path).map_err(|e| self.unreadable(path, e))? else {
            return Ok(None);
        };
        if !self.visible(path, item.kind == walk::Kind::Dir)? {
            return Ok(None);
        }
        self.node(&item).map(Some)
    }

    fn names(&self, dir: &[u8]) -> Result<Vec<Vec<u8>>, WorldError> {
        let names = match walk::names(&self.fd, dir) {
            Ok(names) => names,
            Err(rustix::io::Errno::NOTDIR | rustix::io::Errno::NOENT) => return Ok(Vec::new()),
            Err(e) => return Err(self.unreadable(dir, e)),
        };
        let mut seen = Vec::with_capacity(names.len());
        for (name, is_dir) in names {
            if self.visible(&select::join(dir, &name), is_dir)? {
                seen.push(name);
            }
        }
        Ok(seen)
    }

    fn walk(&self, dir: &[u8]) -> Result<Vec<Node>, WorldError> {
        self.items(dir)?.iter().map(|item| self.node(item)).collect()
    }

    fn complete(&self, nodes: Vec<&mut Node>) -> Result<(), WorldError> {
        hash::complete(&self.fd, &mut locked(&self.index), nodes)
            .map_err(|(path, e)| self.unreadable(&path, e))
    }

    fn hidden_by(&self, path: &[u8]) -> Option<(String, u32, String)> {
        walk::lstat(&self.fd, path).ok().flatten()?;
        let rule = self.rules.rule(&self.verdict(path))?;
        Some((self.rules_file.clone(), rule.line, rule.text.clone()))
    }
}

/// A lock whose holder panicked still holds usable data: every update of these is one assignment or insertion.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
