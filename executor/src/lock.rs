//! `buildc.lock`: reading and writing it, and resolving by it (spec/lock.md).
//!
//! Owns: when a pin answers and when the world is asked. Never does: deciding what has to be resolved (the compiler asks).

use std::cell::RefCell;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use buildc_digest::Digest;
use buildc_ir::git::GitRemote;
use buildc_ir::lock::{Lock, VERSION};
use buildc_ir::world::{ResolvedImage, Resolver, WorldError};
use buildc_ir::{Platform, Reference};
use buildc_store::Store;
use buildc_store::remote::{DownloadWatch, download};

use crate::resolve::StoreResolver;
use crate::sources;

/// What the file is called, beside the source that it is of.
pub const FILE_NAME: &str = "buildc.lock";
/// A larger file is no lock.
const MAX_BYTES: u64 = 16 << 20;

/// A lock file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// It cannot be read or written.
    #[error("`{}` cannot be {what}: {source}", path.display())]
    Io {
        /// `read` or `written`.
        what: &'static str,
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not of the form.
    #[error("`{}` is no lock: {problem}", path.display())]
    Malformed {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
}

impl LockError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "lock::io",
            Self::Malformed { .. } => "lock::malformed",
        }
    }

    /// The remedy.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Io { .. } => None,
            Self::Malformed { .. } => Some("Remove it and make it anew with `buildc lock`".to_owned()),
        }
    }
}

/// Reads a lock; `None` where there is no such file.
///
/// # Errors
/// [`LockError`] as its variants say.
pub fn read(path: &Path) -> Result<Option<Lock>, LockError> {
    let io = |source| LockError::Io { what: "read", path: path.to_owned(), source };
    let malformed = |problem: String| LockError::Malformed { path: path.to_owned(), problem };
    let file = match File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(io)?,
    };
    let mut text = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut text).map_err(io)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(malformed("it is larger than 16 MiB".to_owned()));
    }
    let lock: Lock = serde_json::from_slice(&text).map_err(|error| malformed(error.to_string()))?;
    match lock.version {
        VERSION => Ok(Some(lock)),
        other => Err(malformed(format!("its version is {other}, and this buildc reads {VERSION}"))),
    }
}

/// Writes a lock whole or not at all.
///
/// # Errors
/// When the directory cannot be written.
pub fn write(path: &Path, lock: &Lock) -> Result<(), LockError> {
    let io = |source| LockError::Io { what: "written", path: path.to_owned(), source };
    let text = serde_json::to_string_pretty(lock).map_err(|error| io(error.into()))? + "\n";
    let near = path.with_extension(format!("lock.{}", std::process::id()));
    let written = File::create(&near).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&near, path)
    });
    written.map_err(|error| {
        // What is left is a file beside the lock that nobody reads.
        let _ = std::fs::remove_file(&near);
        io(error)
    })
}

/// How pins are treated.
#[derive(Debug)]
pub enum Mode {
    /// A pin answers; what has none is asked for.
    Honoured(Lock),
    /// Pins alone answer (`--locked`).
    Only(Lock),
    /// As `Honoured`, but names for which this is true are asked for again, and every answer becomes a pin.
    Recording(RefCell<Lock>, Vec<String>),
}

/// [`Resolver`] by a lock before the store and the registries.
#[derive(Debug)]
pub struct LockedResolver<'a> {
    inner: StoreResolver<'a>,
    store: &'a Store,
    mode: Mode,
}

impl<'a> LockedResolver<'a> {
    /// Asks nothing yet.
    pub fn new(store: &'a Store, inner: StoreResolver<'a>, mode: Mode) -> Self {
        Self { inner, store, mode }
    }

    /// The lock, with what was recorded.
    pub fn into_lock(self) -> Lock {
        match self.mode {
            Mode::Honoured(lock) | Mode::Only(lock) => lock,
            Mode::Recording(lock, _) => lock.into_inner(),
        }
    }

    /// What is pinned, if that counts; `names` are what the user may call it.
    fn pin<T>(&self, names: &[&str], find: impl Fn(&Lock) -> Option<T>) -> Result<Option<T>, WorldError> {
        match &self.mode {
            Mode::Honoured(lock) => Ok(find(lock)),
            Mode::Only(lock) => find(lock).map(Some).ok_or_else(|| WorldError {
                code: "lock::not_pinned",
                message: format!("`{}` is not in the lock", names.first().unwrap_or(&"")),
                help: Some("`buildc lock` pins it".to_owned()),
            }),
            Mode::Recording(_, again) if again.iter().any(|a| a == "*" || names.contains(&a.as_str())) => {
                Ok(None)
            }
            Mode::Recording(lock, _) => Ok(find(&lock.borrow())),
        }
    }

    fn record(&self, put: impl FnOnce(&mut Lock)) {
        if let Mode::Recording(lock, _) = &self.mode {
            put(&mut lock.borrow_mut());
        }
    }
}

impl Resolver for LockedResolver<'_> {
    fn resolve(&self, reference: &Reference, platform: &Platform) -> Result<ResolvedImage, WorldError> {
        if reference.digest.is_some() {
            return self.inner.resolve(reference, platform);
        }
        let (name, of) = (reference.to_string(), platform.to_string());
        let pin =
            self.pin(&[&name, &reference.familiar()], |lock| lock.images.get(&name)?.get(&of).copied())?;
        if let Some(manifest) = pin {
            return self.inner.resolve_pinned(reference, &manifest, platform);
        }
        let found = self.inner.resolve(reference, platform)?;
        let manifest = found.manifest;
        self.record(|lock| {
            lock.images.entry(name).or_default().insert(of, manifest);
        });
        Ok(found)
    }

    fn commit(&self, remote: &GitRemote) -> Result<String, WorldError> {
        let name = format!("{}#{}", remote.url, remote.reference);
        if let Some(pin) = self.pin(&[&name, &remote.url], |lock| lock.git.get(&name).cloned())? {
            return Ok(pin);
        }
        let found = self.inner.commit(remote)?;
        self.record(|lock| drop(lock.git.insert(name, found.clone())));
        Ok(found)
    }

    fn checksum(&self, url: &str) -> Result<Option<Digest>, WorldError> {
        if let Some(pin) = self.pin(&[url], |lock| lock.urls.get(url).copied())? {
            return Ok(Some(pin));
        }
        if !matches!(self.mode, Mode::Recording(..)) {
            return Ok(None);
        }
        let found = sum(self.store, url)?;
        self.record(|lock| {
            lock.urls.insert(url.to_owned(), found);
        });
        Ok(Some(found))
    }
}

/// Fetches a file for its sha256 alone.
fn sum(store: &Store, url: &str) -> Result<Digest, WorldError> {
    let wrong =
        |error: LockError| WorldError { code: error.code(), message: error.to_string(), help: error.help() };
    if let Some(path) = sources::bring::local(url) {
        let sum = sources::bring::sha256(&path);
        return sum.map_err(|source| wrong(LockError::Io { what: "read", path, source }));
    }
    let pending = store.begin_layer().map_err(|error| crate::select::failed(&error))?;
    let path = pending.dir().join("fetched");
    let io = |source| wrong(LockError::Io { what: "written", path: path.clone(), source });
    let mut file = File::options().read(true).write(true).create_new(true).open(&path).map_err(io)?;
    let watch = DownloadWatch { progress: &|_, _| {}, cancelled: &|| false };
    let got = download(url, None, &mut file, &path, &watch).map_err(|error| WorldError {
        code: error.code(),
        message: error.to_string(),
        help: error.help(),
    })?;
    Ok(got.digest)
}
