//! The store: one directory shared by any number of processes.
//!
//! Owns: finding and opening it, and what every part needs of it. Never does: what the parts do.

use std::collections::VecDeque;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::error::{Result, StoreError};
use crate::index::Index;
use crate::layout::{Layout, VERSION};
use crate::lease::Held;
use crate::lock::LockFile;
use crate::manifest::Manifest;
use crate::session::Session;
use crate::{LayerId, SnapshotDriver};

/// How many bytes of tree manifests stay in memory for the next look-up.
const MANIFEST_CACHE_BYTES: usize = 12 << 20;

/// One store directory, shared by any number of processes. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    layout: Layout,
    index: Index,
    session: Mutex<Option<Arc<Session>>>,
    leases: Held,
    boot_id: OnceLock<String>,
    manifests: Mutex<VecDeque<(LayerId, Arc<Manifest>)>>,
    /// Name of the driver that works here. Not the driver itself, which holds the store: neither would ever be dropped.
    snapshots: OnceLock<String>,
}

/// How [`Store::open`] behaves.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// Refuse to create; used by commands that only read.
    pub must_exist: bool,
}

impl Store {
    /// The default directory: `$BUILDC_ROOT`, else `/var/lib/buildc` for root, else `$XDG_DATA_HOME/buildc` or
    /// `~/.local/share/buildc`.
    pub fn default_root() -> PathBuf {
        let variable = |name| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        if let Some(root) = variable("BUILDC_ROOT") {
            return root;
        }
        if rustix::process::geteuid().is_root() {
            return PathBuf::from("/var/lib/buildc");
        }
        let data = variable("XDG_DATA_HOME")
            .or_else(|| variable("HOME").map(|home| home.join(".local/share")))
            .unwrap_or_else(|| PathBuf::from("/var/tmp"));
        data.join("buildc")
    }

    /// Opens the store in `root`, making one unless `options` forbid it. A store of a newer version is
    /// [`StoreError::NewerVersion`]. What was written under another boot and never synced is verified first.
    pub fn open(root: &Path, options: OpenOptions) -> Result<Store> {
        let root = std::path::absolute(root).map_err(StoreError::io("find", root))?;
        let layout = Layout::new(root);
        match layout.read_version()? {
            Some(found) if found > VERSION => {
                let root = layout.root().to_owned();
                return Err(StoreError::NewerVersion { root, found, supported: VERSION });
            }
            // The version file is written after the index, so an index that is not there was lost.
            Some(_) if layout.is_index_lost() => {
                return Err(StoreError::IndexDamaged { path: layout.index(), source: Index::missing() });
            }
            Some(VERSION) => {}
            None if options.must_exist => {
                return Err(StoreError::NoStore { root: layout.root().to_owned() });
            }
            // None yet, or one of an older version, which opening the index brings up to date.
            _ => create(&layout)?,
        }
        let index = Index::open(&layout.index())?;
        let store = Store(Arc::new(Inner {
            layout,
            index,
            session: Mutex::new(None),
            leases: Held::default(),
            boot_id: OnceLock::new(),
            manifests: Mutex::new(VecDeque::new()),
            snapshots: OnceLock::new(),
        }));
        store.verify_unsynced()?;
        Ok(store)
    }

    /// Writes the version file of the store in `root` anew where it holds no number: the index knows its version too. Says
    /// whether there was anything to mend.
    ///
    /// # Errors
    /// When the index cannot be used, or the file not be written.
    pub fn mend_version(root: &Path) -> Result<bool> {
        let root = std::path::absolute(root).map_err(StoreError::io("find", root))?;
        let layout = Layout::new(root);
        if !matches!(layout.read_version(), Err(StoreError::CorruptRow { .. })) {
            return Ok(false);
        }
        if layout.is_index_lost() {
            return Err(StoreError::IndexDamaged { path: layout.index(), source: Index::missing() });
        }
        Index::open(&layout.index())?;
        write_version(&layout)?;
        Ok(true)
    }

    /// The store's directory, absolute.
    pub fn root(&self) -> &Path {
        self.0.layout.root()
    }

    /// A directory below the root for the caller's own use, made on demand: `contexts`, `cache-mounts`, `containers`,
    /// `volumes`, `logs`. The names of the store's own directories are refused.
    pub fn subdir(&self, name: &str) -> Result<PathBuf> {
        let own = ["l", "blobs", "tmp", "locks", "leases", "version"];
        let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
        if name.is_empty() || !plain || own.contains(&name) {
            return Err(StoreError::InvalidName { name: name.to_owned(), what: "directory of the store" });
        }
        let path = self.root().join(name);
        std::fs::create_dir_all(&path).map_err(StoreError::io("create", &path))?;
        Ok(path)
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.0.layout
    }

    pub(crate) fn index(&self) -> &Index {
        &self.0.index
    }

    /// This process's place for unfinished work, made on first use.
    pub(crate) fn session(&self) -> Result<Arc<Session>> {
        let mut slot = self.0.session.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = &*slot {
            return Ok(session.clone());
        }
        let session = Arc::new(Session::begin(self)?);
        *slot = Some(session.clone());
        Ok(session)
    }

    /// The leases of this process: with one, look-ups mark what they find.
    pub(crate) fn leases(&self) -> &Held {
        &self.0.leases
    }

    /// The kernel's id of the current boot.
    pub(crate) fn boot_id(&self) -> Result<&str> {
        if let Some(id) = self.0.boot_id.get() {
            return Ok(id);
        }
        let path = Path::new("/proc/sys/kernel/random/boot_id");
        let text = std::fs::read_to_string(path).map_err(StoreError::io("read", path))?;
        Ok(self.0.boot_id.get_or_init(|| text.trim().to_owned()))
    }

    /// The tree manifest of a layer, kept in memory within a bound.
    pub(crate) fn manifest(&self, id: LayerId) -> Result<Arc<Manifest>> {
        let mut cache = self.0.manifests.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, manifest)) = cache.iter().find(|(cached, _)| *cached == id) {
            return Ok(manifest.clone());
        }
        let path = self.layout().layer_manifest(id);
        let bytes = std::fs::read(&path).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => {
                StoreError::CorruptManifest { path: path.clone(), problem: "it is missing" }
            }
            _ => StoreError::io("read", &path)(e),
        })?;
        let manifest = Arc::new(Manifest::from_bytes(&path, bytes)?);
        cache.push_back((id, manifest.clone()));
        let mut held: usize = cache.iter().map(|(_, m)| m.memory_bytes()).sum();
        while held > MANIFEST_CACHE_BYTES {
            match cache.pop_front() {
                Some((_, oldest)) => held -= oldest.memory_bytes(),
                None => break,
            }
        }
        Ok(manifest)
    }

    /// The best snapshot driver that works here, probed on first use; `BUILDC_SNAPSHOTTER=overlay|copy` forces one.
    pub fn snapshots(&self) -> Result<Arc<dyn SnapshotDriver>> {
        let name = match self.0.snapshots.get() {
            Some(name) => name,
            None => {
                let name = crate::snapshot::choose(self)?;
                self.0.snapshots.get_or_init(|| name)
            }
        };
        self.snapshot_driver(name)
    }
}

/// Makes the directories and, last, the version file. Any number of processes may do so at once.
fn create(layout: &Layout) -> Result<()> {
    make_private(layout.root())?;
    for dir in layout.directories() {
        std::fs::create_dir_all(&dir).map_err(StoreError::io("create", &dir))?;
    }
    let lock = layout.locks().join("init");
    let Some(_held) = LockFile::take(&lock, &|| false)? else { return Ok(()) };
    if layout.read_version()? == Some(VERSION) {
        return Ok(());
    }
    Index::open(&layout.index())?;
    write_version(layout)
}

pub(crate) fn write_version(layout: &Layout) -> Result<()> {
    let path = layout.version_file();
    let fresh = path.with_extension("new");
    std::fs::write(&fresh, format!("{VERSION}\n")).map_err(StoreError::io("write", &fresh))?;
    std::fs::rename(&fresh, &path).map_err(StoreError::io("create", &path))
}

/// Makes a store's root, or a directory beside it, for its owner alone: layers hold set-user-id programs, volumes and logs
/// what is nobody else's business (CVE-2021-41091). A directory that exists keeps the mode it was given.
///
/// # Errors
/// When it cannot be made.
pub fn make_private(root: &Path) -> Result<()> {
    let failed = |e| StoreError::io("create", root)(e);
    if let Some(parent) = root.parent() {
        std::fs::create_dir_all(parent).map_err(failed)?;
    }
    match std::fs::DirBuilder::new().mode(0o700).create(root) {
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        made => made.map_err(failed),
    }
}
