//! Cache mounts: directories that outlive builds. Their contents enter no key and no layer. As wholes they are
//! `cache_mounts`' affair.

use std::collections::BTreeSet;
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use buildc_digest::{ContentDigest, InternalHasher};
use buildc_ir::step::Sharing;
use rustix::fs::{FlockOperation, Gid, Mode, Uid, flock};
use rustix::io::Errno;

use super::{Site, StepError};
use crate::cache_mounts::{ABOUT, About, DATA, HOME};
use crate::event::Event;

/// Pause between two attempts at a lock that another step holds.
const PAUSE: Duration = Duration::from_millis(10);
/// How long nothing is said of waiting.
const SILENCE: Duration = Duration::from_millis(500);

/// Places of the cache mounts that a build has emptied, as it wanted them anew.
#[derive(Debug, Default)]
pub(super) struct Emptied(Mutex<BTreeSet<PathBuf>>);

impl Emptied {
    fn places(&self) -> MutexGuard<'_, BTreeSet<PathBuf>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which cache is wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'w> {
    pub id: &'w str,
    pub sharing: Sharing,
    pub mode: u32,
    pub owner: (u32, u32),
    /// What is in it from other builds is not wanted (`--no-cache`).
    pub anew: bool,
}

impl Wanted<'_> {
    fn about(&self, start: Option<ContentDigest>) -> About {
        let (uid, gid) = self.owner;
        About { id: self.id.to_owned(), mode: self.mode, uid, gid, start }
    }
}

/// A cache directory, locked as its sharing says until dropped.
#[derive(Debug)]
pub(super) struct CacheMount {
    dir: PathBuf,
    _lock: File,
}

impl CacheMount {
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }
}

/// Where the cache is that [`take`] gives whoever asks for the same; `None` where each is given one of its own.
pub(super) fn shared_dir(
    site: &Site<'_>,
    wanted: &Wanted<'_>,
    start: Option<ContentDigest>,
) -> Result<Option<PathBuf>, StepError> {
    if wanted.sharing == Sharing::Private {
        return Ok(None);
    }
    Ok(Some(site.store.subdir(HOME)?.join(name(&wanted.about(start))).join(DATA)))
}

/// Takes a cache, made from `start` when it is new. Another mode, owner or start is another cache. One that is wanted anew
/// is emptied by the first step of the build that gets it.
pub(super) fn take(
    site: &Site<'_>,
    wanted: &Wanted<'_>,
    start: Option<(&ContentDigest, &Path)>,
) -> Result<CacheMount, StepError> {
    let home = site.store.subdir(HOME)?;
    let about = wanted.about(start.map(|(digest, _)| *digest));
    let name = name(&about);
    loop {
        let (lock, place) = match wanted.sharing {
            Sharing::Private => private(&home, &name)?,
            sharing => {
                let place = home.join(&name);
                let lock = open_lock(&place)?;
                let whole = place.join(DATA).exists() && place.join(ABOUT).exists();
                if sharing == Sharing::Shared
                    && whole
                    && is_old(site, wanted, &place)
                    && flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err()
                {
                    // Another build works in it. To wait for that while this step holds other caches could be for ever.
                    site.emptied.places().insert(place.clone());
                }
                // Who waits to empty it may find that another step of the build has done so.
                let exclusive = || sharing == Sharing::Locked || !whole || is_old(site, wanted, &place);
                wait(site, &lock, exclusive, (wanted.id, &place))?;
                (lock, place)
            }
        };
        if !is_current(&lock, &place) {
            continue;
        }
        let dir = place.join(DATA);
        if is_old(site, wanted, &place) {
            empty(&place).map_err(StepError::io("Emptying the cache mount", &dir))?;
            site.emptied.places().insert(place.clone());
        }
        if !dir.exists() {
            make(&place, &about, start.map(|(_, dir)| dir))
                .map_err(StepError::io("Making the cache mount", &dir))?;
        }
        if !place.join(ABOUT).exists() {
            describe(&place, &about).map_err(StepError::io("Making the cache mount", &place))?;
        }
        if wanted.sharing == Sharing::Shared {
            wait(site, &lock, || false, (wanted.id, &place))?;
            // Between the two kinds of lock nobody had it.
            if !is_current(&lock, &place) {
                continue;
            }
        }
        // Prune goes by this time.
        lock.set_modified(SystemTime::now()).map_err(StepError::io("Marking the cache mount", &place))?;
        return Ok(CacheMount { dir, _lock: lock });
    }
}

/// Whether a cache has what this build does not want to see.
fn is_old(site: &Site<'_>, wanted: &Wanted<'_>, place: &Path) -> bool {
    wanted.anew && !site.emptied.places().contains(place)
}

/// False when prune has removed the cache between the opening of its lock and the locking.
fn is_current(lock: &File, place: &Path) -> bool {
    match (lock.metadata(), place.join("lock").symlink_metadata()) {
        (Ok(ours), Ok(theirs)) => (ours.dev(), ours.ino()) == (theirs.dev(), theirs.ino()),
        _ => false,
    }
}

/// The name of a cache's directory, which a number may follow.
pub(crate) fn name(about: &About) -> String {
    let mut hasher = InternalHasher::new();
    hasher.update(about.id.as_bytes());
    for n in [about.mode, about.uid, about.gid] {
        hasher.update(&[0]);
        hasher.update(&n.to_le_bytes());
    }
    if let Some(digest) = &about.start {
        hasher.update(digest.as_bytes());
    }
    hasher.key().to_string().chars().take(32).collect()
}

fn open_lock(place: &Path) -> Result<File, StepError> {
    lock_file(place).map_err(StepError::io("Opening the lock", place.join("lock")))
}

fn lock_file(place: &Path) -> std::io::Result<File> {
    std::fs::create_dir_all(place)?;
    File::options().create(true).truncate(false).write(true).open(place.join("lock"))
}

/// The lock of a cache for the caller alone; `None` while a step has it.
pub(crate) fn try_lock(place: &Path) -> std::io::Result<Option<File>> {
    loop {
        let lock = lock_file(place)?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) if is_current(&lock, place) => return Ok(Some(lock)),
            Ok(()) | Err(Errno::INTR) => {}
            Err(Errno::WOULDBLOCK) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
    }
}

/// The first of a cache's own copies that nobody uses.
fn private(home: &Path, name: &str) -> Result<(File, PathBuf), StepError> {
    let mut number = 0_u32;
    loop {
        let place = if number == 0 { home.join(name) } else { home.join(format!("{name}-{number}")) };
        match try_lock(&place).map_err(StepError::io("Locking the cache mount", &place))? {
            Some(lock) => return Ok((lock, place)),
            None => number += 1,
        }
    }
}

/// Waits for a lock, and says so where that takes longer than steps of one build usually keep each other.
fn wait(
    site: &Site<'_>,
    lock: &File,
    exclusive: impl Fn() -> bool,
    (id, place): (&str, &Path),
) -> Result<(), StepError> {
    let (begun, mut told) = (Instant::now(), false);
    loop {
        let operation = match exclusive() {
            true => FlockOperation::NonBlockingLockExclusive,
            false => FlockOperation::NonBlockingLockShared,
        };
        match flock(lock, operation) {
            Ok(()) => return Ok(()),
            Err(Errno::WOULDBLOCK) if site.cancel.is_cancelled() => return Err(StepError::Cancelled),
            Err(Errno::WOULDBLOCK) => {
                if !told && begun.elapsed() > SILENCE {
                    told = true;
                    let message = format!(
                        "Waiting for the cache mount `{id}`, which another step or `buildc shell` holds"
                    );
                    site.recorder.tell(Event::Warning { id: None, code: "step::waiting", message });
                }
                std::thread::sleep(PAUSE);
            }
            Err(Errno::INTR) => {}
            Err(e) => return Err(StepError::io("Locking the cache mount", place)(e.into())),
        }
    }
}

/// Takes away what a cache holds. It is out of its place at once, so that what is left when this is cut short is no cache.
fn empty(place: &Path) -> std::io::Result<()> {
    let old = place.join("old");
    if old.exists() {
        std::fs::remove_dir_all(&old)?;
    }
    match std::fs::rename(place.join(DATA), &old) {
        Ok(()) => std::fs::remove_dir_all(&old),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Makes the directory beside its place and moves it there, so that it is never seen half made.
fn make(place: &Path, about: &About, start: Option<&Path>) -> std::io::Result<()> {
    let new = place.join("new");
    if new.exists() {
        std::fs::remove_dir_all(&new)?;
    }
    match start {
        // The start is a copy of its own already.
        Some(dir) if dir.is_dir() => std::fs::rename(dir, &new)?,
        _ => std::fs::create_dir(&new)?,
    }
    if (about.uid, about.gid) != (0, 0) {
        rustix::fs::chown(&new, Some(Uid::from_raw(about.uid)), Some(Gid::from_raw(about.gid)))?;
    }
    rustix::fs::chmod(&new, Mode::from_raw_mode(about.mode))?;
    std::fs::rename(&new, place.join(DATA))
}

/// Writes down what a cache is, so that it can be told of and taken elsewhere. The lock is the caller's alone.
fn describe(place: &Path, about: &About) -> std::io::Result<()> {
    let new = place.join("about.new");
    std::fs::write(&new, serde_json::to_vec(about)?)?;
    std::fs::rename(&new, place.join(ABOUT))
}
