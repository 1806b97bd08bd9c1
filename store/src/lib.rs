//! Bytes and index. (API DRAFT: the owner of this room splits it into modules; names and meanings stay.)
#![deny(missing_docs)]
#![forbid(unsafe_code)]
#![allow(unused_variables, missing_docs, clippy::all)]

pub mod archive;
mod compression;
mod export;
pub mod oci;
pub mod remote;

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use buildc_digest::{ContentDigest, DiffId, Digest, FileHash, Key};

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("{0}")]
    Other(String),
}
pub type Result<T> = std::result::Result<T, StoreError>;

// ---------------------------------------------------------------- tree (entries of one layer)

/// One entry of a layer. `path` is relative to the root, no leading or trailing slash, raw bytes, sorted bytewise by
/// component (parents before children); the root directory itself, when recorded, has the empty path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub path: Vec<u8>,
    pub kind: EntryKind,
    /// Permission bits incl. setuid etc. (07777).
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    /// Seconds and nanoseconds; never part of the content digest.
    pub mtime: (i64, u32),
    /// Sorted by name; `user.overlay.*`/`trusted.overlay.*` never appear.
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// `opaque`: hides everything lower layers have below it (`.wh..wh..opq`).
    Dir { opaque: bool },
    File { size: u64, hash: FileHash },
    Symlink { target: Vec<u8> },
    /// Hard link to an earlier regular entry of the same layer.
    Hardlink { to: Vec<u8> },
    CharDevice { major: u32, minor: u32 },
    BlockDevice { major: u32, minor: u32 },
    Fifo,
    /// The path does not exist any more (`.wh.NAME`).
    Whiteout,
}

// ---------------------------------------------------------------- store

/// One store directory, shared by any number of processes. Cheap to clone, `Send + Sync`.
#[derive(Clone, Debug)]
pub struct Store(Arc<()>);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LayerId(pub i64);

/// A sealed layer.
#[derive(Clone, Debug)]
pub struct Layer {
    pub id: LayerId,
    pub diff_id: DiffId,
    pub content: ContentDigest,
    /// Sum of regular files' bytes.
    pub size_bytes: u64,
    pub entries: u64,
    /// Absolute directory with the files in overlayfs upper form (whiteouts = char 0/0, opaque xattr).
    pub dir: PathBuf,
    /// Unix seconds when it was sealed; the `created` of its history entry.
    pub created: i64,
}

/// A layer being made. Dropped without sealing = removed.
#[derive(Debug)]
pub struct PendingLayer(());

impl PendingLayer {
    /// Directory to fill; same file system as all layers; becomes `Layer::dir` by rename.
    pub fn dir(&self) -> &Path { todo!() }
    /// Scratch directory beside it (overlayfs workdir).
    pub fn work_dir(&self) -> &Path { todo!() }
    /// Seals what is on disk in `dir` (an overlayfs upper): walks, hashes (blake3 + tar sha256), writes the tree
    /// manifest and the row. Ownership comes from disk, mapped by `Store`'s id map when rootless.
    pub fn seal_from_disk(self) -> Result<Layer> { todo!() }
    /// Seals with entries the caller already hashed while writing the files, and the diff_id it computed with
    /// [`TarHasher`]; nothing is read again. Entries are authoritative for ownership.
    pub fn seal(self, entries: Vec<Entry>, diff_id: DiffId) -> Result<Layer> { todo!() }
    /// Drops `path` and everything under it from what will be sealed (mount point stubs).
    pub fn forget(&mut self, path: &Path) {}
}

/// Computes a layer's diff_id while entries are produced in order: buildc's deterministic tar format
/// (spec/store-layout.md).
#[derive(Debug)]
pub struct TarHasher(());
impl TarHasher {
    pub fn new() -> Self { todo!() }
    /// Adds the header of the next entry; for a File the exact bytes must follow by `data`.
    pub fn entry(&mut self, entry: &Entry) -> Result<()> { todo!() }
    pub fn data(&mut self, bytes: &[u8]) { todo!() }
    pub fn finish(self) -> DiffId { todo!() }
}

#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// Refuse to create; used by read-only commands.
    pub must_exist: bool,
}

/// Result of an earlier step under an opaque key.
#[derive(Clone, Debug)]
pub struct StoredResult {
    pub layers: Vec<Layer>,
    pub duration_ms: u64,
}

impl Store {
    /// Default directory: `/var/lib/buildc` for root, `$XDG_DATA_HOME/buildc` otherwise (`$BUILDC_ROOT` wins).
    pub fn default_root() -> PathBuf { todo!() }
    pub fn open(root: &Path, options: OpenOptions) -> Result<Store> { todo!() }
    pub fn root(&self) -> &Path { todo!() }
    /// A directory below the root for the caller's own use, made on demand: `contexts`, `cache-mounts`, `containers`,
    /// `volumes`, `logs`.
    pub fn subdir(&self, name: &str) -> Result<PathBuf> { todo!() }

    // blobs
    pub fn blob_writer(&self) -> Result<BlobWriter> { todo!() }
    pub fn put_blob(&self, bytes: &[u8]) -> Result<Digest> { todo!() }
    pub fn has_blob(&self, digest: &Digest) -> bool { todo!() }
    pub fn open_blob(&self, digest: &Digest) -> Result<File> { todo!() }
    pub fn read_blob(&self, digest: &Digest, limit_bytes: u64) -> Result<Vec<u8>> { todo!() }

    // layers
    pub fn begin_layer(&self) -> Result<PendingLayer> { todo!() }
    pub fn layer(&self, id: LayerId) -> Result<Layer> { todo!() }
    pub fn layer_by_diff_id(&self, diff_id: &DiffId) -> Result<Option<Layer>> { todo!() }
    pub fn layer_by_content(&self, content: &ContentDigest) -> Result<Option<Layer>> { todo!() }
    /// The entries of a layer, sorted. Cached in memory, bounded.
    pub fn entries(&self, id: LayerId) -> Result<Arc<Vec<Entry>>> { todo!() }
    /// Writes exactly the bytes whose sha256 is the layer's diff_id, verifying on the way.
    pub fn write_layer_tar(&self, id: LayerId, out: &mut dyn Write) -> Result<()> { todo!() }
    /// Unpacks a layer tar (any compression by magic) safely into a new layer, verifying diff_id when given. Existing
    /// equal layers are returned instead. `keep_blob`: the compressed blob to remember for later pushes.
    pub fn import_layer(&self, tar: &mut dyn Read, expect: Option<DiffId>) -> Result<Layer> { todo!() }
    /// Remembers that `blob` (in the blob store) is `diff_id` compressed.
    pub fn record_layer_blob(&self, blob: LayerBlob) -> Result<()> { todo!() }
    pub fn layer_blobs(&self, diff_id: &DiffId) -> Result<Vec<LayerBlob>> { todo!() }

    // results
    /// Many lookups in one transaction; also marks what it finds as used now (so that prune spares it).
    pub fn lookup_results(&self, keys: &[Key]) -> Result<Vec<Option<StoredResult>>> { todo!() }
    pub fn record_result(&self, keys: &[Key], layers: &[LayerId], duration_ms: u64) -> Result<()> { todo!() }
    /// Takes the cross-process lock of a key; blocks, polling `cancelled`. `None` when cancelled.
    pub fn lock_key(&self, key: &Key, cancelled: &dyn Fn() -> bool) -> Result<Option<KeyLock>> { todo!() }
    /// While the lease lives (a flock: kill -9 ends it), prune takes nothing that was used since it began.
    pub fn lease(&self) -> Result<Lease> { todo!() }
    /// One syncfs for everything sealed since the last; marks the rows synced.
    pub fn sync(&self) -> Result<()> { todo!() }

    // images
    /// Stores an image: manifest and config bytes verbatim (both become blobs), layers lowest first.
    pub fn put_image(&self, manifest: &[u8], media_type: &str, config: &[u8], layers: &[LayerId]) -> Result<ImageRecord> { todo!() }
    /// Points a fully qualified name (`docker.io/library/x:latest`) at an image.
    pub fn tag(&self, name: &str, id: &Digest) -> Result<()> { todo!() }
    pub fn untag(&self, name: &str) -> Result<bool> { todo!() }
    /// By fully qualified name, `name@digest`, image id (config digest) or unique id prefix (with or without `sha256:`), or manifest digest.
    pub fn image(&self, name: &str) -> Result<Option<ImageRecord>> { todo!() }
    pub fn image_by_manifest(&self, manifest: &Digest) -> Result<Option<ImageRecord>> { todo!() }
    pub fn images(&self) -> Result<Vec<ImageRecord>> { todo!() }
    pub fn remove_image(&self, id: &Digest) -> Result<()> { todo!() }

    // opaque documents of other rooms (JSON text): containers, build records, volumes
    pub fn put_document(&self, kind: &str, name: &str, text: &str) -> Result<()> { todo!() }
    pub fn document(&self, kind: &str, name: &str) -> Result<Option<String>> { todo!() }
    pub fn documents(&self, kind: &str) -> Result<Vec<(String, String)>> { todo!() }
    pub fn remove_document(&self, kind: &str, name: &str) -> Result<bool> { todo!() }
    /// Layers and images a container needs; prune and rmi respect them until `unpin`.
    pub fn pin(&self, holder: &str, image: Option<&Digest>, layers: &[LayerId]) -> Result<()> { todo!() }
    pub fn unpin(&self, holder: &str) -> Result<()> { todo!() }
}

/// An image in the store. Its id, as in `docker images`, is the config's digest.
#[derive(Clone, Debug)]
pub struct ImageRecord {
    pub id: Digest,
    pub manifest: Digest,
    pub manifest_media_type: String,
    /// Lowest first.
    pub layers: Vec<Layer>,
    /// Fully qualified names.
    pub tags: Vec<String>,
    /// `repository@manifest` names under which it was pulled or pushed.
    pub repo_digests: Vec<String>,
    pub created: i64,
}

/// A compressed (or verbatim foreign) form of a layer.
#[derive(Clone, Debug)]
pub struct LayerBlob {
    pub diff_id: DiffId,
    pub blob: Digest,
    pub size_bytes: u64,
    pub media_type: String,
    /// For example `zlib-rs-6` or `foreign`.
    pub compressor: String,
}

#[derive(Debug)]
pub struct BlobWriter(());
impl Write for BlobWriter {
    fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> { todo!() }
    fn flush(&mut self) -> std::io::Result<()> { todo!() }
}
impl BlobWriter {
    /// Ends the blob; with `expect` a different digest is an error and nothing is kept.
    pub fn finish(self, expect: Option<&Digest>) -> Result<(Digest, u64)> { todo!() }
}
#[derive(Debug)]
pub struct KeyLock(());
#[derive(Debug)]
pub struct Lease(());

// ---------------------------------------------------------------- view: merged tree of a stack of layers

/// Read-only merged view of layers, without any mount: whiteouts, opaque directories and symlinks are honoured, and no
/// path ever leaves the root.
#[derive(Clone, Debug)]
pub struct TreeView(());

/// What stands at a path of a view.
#[derive(Clone, Debug)]
pub struct Found {
    pub entry: Entry,
    pub layer: LayerId,
    /// Where its bytes are on disk (regular files; through hard links resolved).
    pub disk_path: PathBuf,
}

impl TreeView {
    pub fn new(store: &Store, layers: &[Layer]) -> Result<Self> { todo!() }
    /// The entry at exactly this path (components must be real directories), not following the last symlink.
    pub fn get(&self, path: &[u8]) -> Result<Option<Found>> { todo!() }
    /// Follows symlinks in all components (limit 40), inside the root; returns the real path and what stands there.
    /// With `missing_ok` the rest of the path that does not exist is appended cleaned.
    pub fn resolve(&self, path: &[u8], missing_ok: bool) -> Result<Option<(Vec<u8>, Option<Found>)>> { todo!() }
    /// Names in a directory, sorted.
    pub fn read_dir(&self, path: &[u8]) -> Result<Vec<Vec<u8>>> { todo!() }
    /// All entries below a directory in canonical order, the directory itself excluded.
    pub fn walk(&self, path: &[u8]) -> Result<Vec<Found>> { todo!() }
    /// Content of a small file, following symlinks; `None` when missing.
    pub fn read_file(&self, path: &[u8], limit_bytes: u64) -> Result<Option<Vec<u8>>> { todo!() }
}

// ---------------------------------------------------------------- snapshots

/// How a writable tree over a stack is offered to the launcher.
#[derive(Clone, Debug)]
pub enum Rootfs {
    /// Mount overlayfs with these.
    Overlay {
        /// Directory that the short relative lower names are relative to.
        base: PathBuf,
        /// Top first, relative to `base`.
        lowers: Vec<PathBuf>,
        upper: PathBuf,
        work: PathBuf,
        /// Mount with `userxattr`.
        userxattr: bool,
    },
    /// A ready directory (plain copy driver).
    Directory(PathBuf),
}

/// A snapshot driver: overlayfs, plain copy (later btrfs…).
pub trait SnapshotDriver: Send + Sync + std::fmt::Debug {
    fn name(&self) -> &'static str;
    /// Offers a writable tree over `layers` whose changes end up in `pending`.
    fn prepare(&self, layers: &[Layer], pending: &PendingLayer) -> Result<Rootfs>;
    /// Turns what happened into the layer's upper form in `pending.dir()` (nothing for overlayfs; a diff for copy).
    fn collect(&self, layers: &[Layer], pending: &mut PendingLayer) -> Result<()>;
    /// The same for a container's writable layer in a given directory (`dir/upper`, `dir/work` or `dir/rootfs`).
    fn prepare_in(&self, layers: &[Layer], dir: &Path) -> Result<Rootfs>;
}
impl Store {
    /// The best driver that works here, probed once per boot and remembered; `BUILDC_SNAPSHOTTER=copy|overlay` forces.
    pub fn snapshots(&self) -> Result<Arc<dyn SnapshotDriver>> { todo!() }
}
