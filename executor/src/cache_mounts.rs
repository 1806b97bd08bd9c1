//! Cache mounts as wholes: listed, written to an archive and taken from one, so that they outlive a machine.
//!
//! Owns: the archive's form (spec/dockerfile.md, "Cache mounts in files") and what is told of a cache. Never does: mounting (a
//! step does), removing (the store's prune does).

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use buildc_digest::ContentDigest;
use buildc_store::{Store, StoreError, disk_bytes};
use serde::{Deserialize, Serialize};

use crate::pack::{Packer, Tree};
use crate::step::{cache_name, try_lock_cache};
use crate::unpack::{self, Destination, UnpackError};

/// The store's directory of caches.
pub(crate) const HOME: &str = "cache-mounts";
/// What a cache's directory has beside its lock: what it is, and its files.
pub(crate) const ABOUT: &str = "about.json";
pub(crate) const DATA: &str = "data";
/// No description is longer.
const MAX_ABOUT_BYTES: u64 = 64 << 10;

/// What tells one cache from another; its name comes from this.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct About {
    /// As `RUN --mount=type=cache,id=` has it, or the target.
    pub id: String,
    /// Mode of its root directory when it was made.
    pub mode: u32,
    /// Owner of its root directory when it was made.
    pub uid: u32,
    /// Group of its root directory when it was made.
    pub gid: u32,
    /// Content of the tree that it began with (`from=`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<ContentDigest>,
}

/// One cache of the store.
#[derive(Clone, Debug)]
pub struct CacheMount {
    /// Its directory's name: from what it is, with a number where steps must not share it.
    pub name: String,
    /// What it is; `None` for one of a version that did not write it down.
    pub about: Option<About>,
    /// Unix seconds of the last use.
    pub used: i64,
    /// Size of its files.
    pub size_bytes: u64,
}

/// Why caches cannot be listed, written or taken.
#[derive(Debug, thiserror::Error)]
pub enum CacheMountError {
    /// There is none of this id.
    #[error("No cache mount `{0}` in the store")]
    NotFound(String),
    /// A step uses it.
    #[error("A build uses the cache mount `{0}`")]
    InUse(String),
    /// What was given is no archive of caches.
    #[error("This is no archive of cache mounts: {0}")]
    Archive(String),
    /// The file system refused.
    #[error("Cannot {what} `{}`: {source}", .path.display())]
    Io {
        /// Verb in its base form.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

type Result<T> = std::result::Result<T, CacheMountError>;

impl CacheMountError {
    fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }

    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "cache_mount::not_found",
            Self::InUse(_) => "cache_mount::in_use",
            Self::Archive(_) => "cache_mount::archive",
            Self::Io { .. } => "cache_mount::io",
            Self::Store(error) => error.code(),
        }
    }

    /// The remedy.
    pub fn help(&self) -> Option<String> {
        let text = match self {
            Self::NotFound(_) => "`buildc cache ls` lists what there is",
            Self::InUse(_) => "Try again when the build has ended",
            Self::Archive(_) => "`buildc cache save` writes one; what is compressed must be unpacked before",
            Self::Io { .. } => return None,
            Self::Store(error) => return error.help().map(str::to_owned),
        };
        Some(text.to_owned())
    }
}

/// All caches, by id and name.
///
/// # Errors
/// When the store's directory cannot be read.
pub fn list(store: &Store) -> Result<Vec<CacheMount>> {
    let home = store.subdir(HOME)?;
    let mut found = Vec::new();
    for item in fs::read_dir(&home).map_err(CacheMountError::io("read", &home))? {
        let place = item.map_err(CacheMountError::io("read", &home))?.path();
        let Some(name) = place.file_name().and_then(|name| name.to_str()) else { continue };
        // Prune may take it away meanwhile.
        let Ok(stamp) = place.join("lock").symlink_metadata() else { continue };
        if !place.join(DATA).is_dir() {
            continue;
        }
        let (name, about) = (name.to_owned(), read_about(&place));
        found.push(CacheMount {
            name,
            about,
            used: stamp.mtime(),
            size_bytes: disk_bytes(&place.join(DATA)),
        });
    }
    found.sort_by(|a, b| {
        let id = |cache: &CacheMount| cache.about.as_ref().map(|about| about.id.clone());
        (id(a), &a.name).cmp(&(id(b), &b.name))
    });
    Ok(found)
}

/// Writes the caches of these ids, or all that are known, as a tar archive. A cache is written when no step uses it.
///
/// # Errors
/// [`CacheMountError`]; what was written until then is no whole archive.
pub fn save(store: &Store, ids: &[String], out: &mut dyn Write) -> Result<Vec<CacheMount>> {
    let home = store.subdir(HOME)?;
    let mut caches = list(store)?;
    caches.retain(|cache| cache.about.is_some());
    if !ids.is_empty() {
        caches.retain(|cache| cache.about.as_ref().is_some_and(|about| ids.contains(&about.id)));
        let has =
            |id: &&String| caches.iter().any(|c| c.about.as_ref().is_some_and(|about| about.id == **id));
        if let Some(missing) = ids.iter().find(|id| !has(id)) {
            return Err(CacheMountError::NotFound(missing.clone()));
        }
    }
    let archive = Path::new("archive");
    let mut packer = Packer::new(out);
    for cache in &caches {
        let (place, name) = (home.join(&cache.name), Path::new(&cache.name));
        let Some(about) = &cache.about else { continue };
        let _lock = lock(&place, &about.id)?;
        let text = serde_json::to_vec(about).map_err(|e| CacheMountError::Archive(e.to_string()))?;
        packer.file(&name.join(ABOUT), &text).map_err(CacheMountError::io("write", archive))?;
        let root = File::open(&place).map_err(CacheMountError::io("open", &place))?;
        let tree = Tree { root: root.as_fd(), path: Path::new(DATA) };
        packer.tree(tree, &name.join(DATA), false).map_err(CacheMountError::io("archive", &place))?;
    }
    packer.finish().map_err(CacheMountError::io("write", archive))?;
    Ok(caches)
}

/// What became of a cache of an archive.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Which one.
    pub about: About,
    /// False where the store has one already and was to keep it.
    pub taken: bool,
}

/// Takes the caches of an archive. Those that the store has are kept unless they are to be replaced.
///
/// # Errors
/// [`CacheMountError`]; each cache is taken wholly or not at all.
pub fn load(store: &Store, input: &mut dyn Read, replace: bool) -> Result<Vec<Loaded>> {
    let home = store.subdir(HOME)?;
    // Unfinished work is cleared away when this process is killed.
    let pending = store.begin_layer()?;
    let unpacked = pending.dir().join("caches");
    fs::create_dir(&unpacked).map_err(CacheMountError::io("create", &unpacked))?;
    let root = File::open(&unpacked).map_err(CacheMountError::io("open", &unpacked))?;
    let to = Destination { root: root.as_fd(), dir: Path::new(""), owners: true, limit_bytes: None };
    unpack::unpack(to, input).map_err(|error| match error {
        // The disk's own words have a number; an archive's have none.
        UnpackError::Io(source) if source.raw_os_error().is_some() => {
            CacheMountError::io("fill", &unpacked)(source)
        }
        other => CacheMountError::Archive(other.to_string()),
    })?;
    let mut loaded = Vec::new();
    for item in fs::read_dir(&unpacked).map_err(CacheMountError::io("read", &unpacked))? {
        let new = item.map_err(CacheMountError::io("read", &unpacked))?.path();
        let about = checked(&new)?;
        let name = new.file_name().unwrap_or_default();
        let taken = take(&new, &home.join(name), &about, &pending.dir().join(name), replace)?;
        loaded.push(Loaded { about, taken });
    }
    if loaded.is_empty() {
        return Err(CacheMountError::Archive("nothing is in it".to_owned()));
    }
    loaded.sort_by(|a, b| a.about.id.cmp(&b.about.id));
    Ok(loaded)
}

/// What an unpacked cache says it is, which its name must fit.
fn checked(new: &Path) -> Result<About> {
    let name = new.file_name().unwrap_or_default().to_string_lossy();
    let refuse = |why: &str| CacheMountError::Archive(format!("`{name}` {why}"));
    let about = read_about(new).ok_or_else(|| refuse("has no description that can be read"))?;
    let number = name.strip_prefix(cache_name(&about).as_str());
    let fits =
        |rest: &str| rest.is_empty() || rest.strip_prefix('-').is_some_and(|n| n.parse::<u32>().is_ok());
    if !number.is_some_and(fits) {
        return Err(refuse("is not what its description says"));
    }
    match new.join(DATA).symlink_metadata() {
        Ok(data) if data.is_dir() => Ok(about),
        _ => Err(refuse("has no files")),
    }
}

/// Moves a cache to its place; what stood there goes to `old`, which is cleared away with everything unfinished.
fn take(new: &Path, place: &Path, about: &About, old: &Path, replace: bool) -> Result<bool> {
    let _lock = lock(place, &about.id)?;
    let data = place.join(DATA);
    if data.exists() {
        if !replace {
            return Ok(false);
        }
        fs::rename(&data, old).map_err(CacheMountError::io("move", &data))?;
    }
    fs::rename(new.join(ABOUT), place.join(ABOUT)).map_err(CacheMountError::io("move", place))?;
    fs::rename(new.join(DATA), &data).map_err(CacheMountError::io("move", &data))?;
    Ok(true)
}

/// The lock that steps hold while they use a cache.
fn lock(place: &Path, id: &str) -> Result<File> {
    let lock = try_lock_cache(place).map_err(CacheMountError::io("lock", place))?;
    lock.ok_or_else(|| CacheMountError::InUse(id.to_owned()))
}

fn read_about(place: &Path) -> Option<About> {
    let path = place.join(ABOUT);
    // An archive may have put anything there.
    if !path.symlink_metadata().ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(MAX_ABOUT_BYTES).read_to_end(&mut bytes).ok()?;
    serde_json::from_slice(&bytes).ok()
}
