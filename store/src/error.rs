//! The errors of the store.
//!
//! Owns: every way in which keeping bytes can fail, with a stable code, a help line and a kind.
//! Never does: rendering; the command line does that.

use std::io;
use std::path::{Path, PathBuf};

use buildc_digest::{DiffId, Digest};

/// What the store's functions return.
pub type Result<T> = std::result::Result<T, StoreError>;

/// Who can mend an error; the command line derives its exit code from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// Something the user handed in is wrong.
    Input,
    /// The machine, its disk or the store directory is in the way.
    Environment,
    /// A rule inside buildc was broken; a bug.
    Internal,
}

/// A failure of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A system call failed.
    #[error("Cannot {action} `{}`: {source}", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file system that holds the store is full.
    #[error("No space is left for `{}`", path.display())]
    DiskFull {
        /// What was being written.
        path: PathBuf,
    },
    /// sqlite refused.
    #[error("Cannot {action} the store's index: {source}")]
    Index {
        /// What was tried, as a verb.
        action: &'static str,
        /// What sqlite said.
        source: rusqlite::Error,
    },
    /// The index file is not a usable database.
    #[error("The store's index `{}` is damaged: {source}", path.display())]
    IndexDamaged {
        /// The database file.
        path: PathBuf,
        /// What sqlite said.
        source: rusqlite::Error,
    },
    /// The directory belongs to a later buildc.
    #[error("The store `{}` has version {found}; this buildc knows versions up to {supported}", root.display())]
    NewerVersion {
        /// The store's directory.
        root: PathBuf,
        /// Its version.
        found: i64,
        /// The highest version this program reads.
        supported: i64,
    },
    /// Another process works with the store.
    #[error("The store `{}` is in use by another process", root.display())]
    InUse {
        /// The store's directory.
        root: PathBuf,
    },
    /// There is no store and none may be made.
    #[error("There is no store in `{}`", root.display())]
    NoStore {
        /// Where one was expected.
        root: PathBuf,
    },
    /// A row of the index cannot be understood.
    #[error("A row of table `{table}` in the store's index is damaged: {problem}")]
    CorruptRow {
        /// The table.
        table: &'static str,
        /// What is wrong with the row.
        problem: String,
    },
    /// A tree manifest cannot be understood.
    #[error("The tree manifest `{}` is damaged: {problem}", path.display())]
    CorruptManifest {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: &'static str,
    },
    /// A blob is not in the store.
    #[error("Blob `{digest}` is not in the store")]
    NoBlob {
        /// The blob asked for.
        digest: Digest,
    },
    /// A blob's bytes are not what was promised.
    #[error("The bytes have digest `{found}`, but `{expected}` was expected")]
    BlobDigest {
        /// What was promised.
        expected: Digest,
        /// What arrived.
        found: Digest,
    },
    /// A blob's file has another length than its row says.
    #[error("The blob `{digest}` has {found} bytes instead of {expected}")]
    BlobLength {
        /// Which one.
        digest: Digest,
        /// Bytes on the disk.
        found: u64,
        /// Bytes that it had.
        expected: u64,
    },
    /// What a blob of the store holds is not what it held.
    #[error("The blob `{digest}` in the store is damaged: its bytes have digest `{found}`")]
    BlobDamaged {
        /// Which one.
        digest: Digest,
        /// What it holds now.
        found: Digest,
    },
    /// A file of a layer is not what it was when the layer was made.
    #[error("The file `{}` of a layer in the store is damaged: its bytes are not what they were", path.display())]
    FileDamaged {
        /// The file.
        path: PathBuf,
    },
    /// A blob or file is larger than the reader allows.
    #[error("`{name}` has {size_bytes} bytes, more than the {limit_bytes} that are allowed here")]
    TooLarge {
        /// The blob's digest or the file's path.
        name: String,
        /// Its size.
        size_bytes: u64,
        /// The limit.
        limit_bytes: u64,
    },
    /// A layer is not in the store.
    #[error("Layer `{layer}` is not in the store")]
    NoLayer {
        /// The layer asked for.
        layer: String,
    },
    /// A document of an image cannot be read or written.
    #[error("A document of the image is not right: {why}")]
    Document {
        /// What is wrong.
        why: String,
    },
    /// A layer's tar is not what was promised.
    #[error("The layer's tar has diff id `{found}`, but `{expected}` was expected")]
    LayerDigest {
        /// What was promised.
        expected: DiffId,
        /// What arrived.
        found: DiffId,
    },
    /// The exact bytes of a foreign layer's tar are gone.
    #[error("The original tar of layer `{diff_id}` is no longer in the store")]
    NoOriginalTar {
        /// The layer.
        diff_id: DiffId,
    },
    /// A layer archive holds something that buildc refuses to unpack.
    #[error("The layer archive's entry `{path}` is refused: {problem}")]
    TarEntry {
        /// The entry's name as written.
        path: String,
        /// Why.
        problem: String,
    },
    /// A layer archive or its compression is broken.
    #[error("The layer archive is damaged: {problem}")]
    Tar {
        /// What is wrong.
        problem: String,
    },
    /// A layer archive or its compressed form ends too early.
    #[error("The layer archive is damaged: it ends in the middle of an entry")]
    TarCutOff,
    /// Entries handed to the store break its rules.
    #[error("The entry `{path}` cannot be part of a layer: {problem}")]
    InvalidEntry {
        /// The entry's path.
        path: String,
        /// The broken rule.
        problem: &'static str,
    },
    /// No image has this name.
    #[error("There is no image `{name}` in the store")]
    NoImage {
        /// What was asked for.
        name: String,
    },
    /// An id prefix fits several images.
    #[error("The id prefix `{prefix}` fits {count} images")]
    AmbiguousImage {
        /// The prefix.
        prefix: String,
        /// How many it fits.
        count: usize,
    },
    /// A container needs the image.
    #[error("Image `{id}` is used by `{holder}`")]
    ImageInUse {
        /// The image.
        id: Digest,
        /// Who pinned it.
        holder: String,
    },
    /// Symbolic links lead in a circle, or through too many.
    #[error("`{path}` passes through more than {limit} symbolic links")]
    SymlinkLoop {
        /// The path looked up.
        path: String,
        /// The limit.
        limit: u32,
    },
    /// A name that may not be used here.
    #[error("`{name}` is not a valid {what}")]
    InvalidName {
        /// The name.
        name: String,
        /// What it should have been.
        what: &'static str,
    },
    /// A stack is too high for the snapshot driver.
    #[error("A stack of {count} layers is higher than the {limit} that `{driver}` can mount")]
    TooManyLayers {
        /// How many layers there are.
        count: usize,
        /// How many can be mounted.
        limit: usize,
        /// The snapshot driver.
        driver: &'static str,
    },
}

impl StoreError {
    /// Wraps a failed system call; a full disk gets its own variant.
    pub(crate) fn io<'p>(action: &'static str, path: &'p Path) -> impl FnOnce(io::Error) -> Self + 'p {
        move |source| match source.raw_os_error() {
            Some(libc::ENOSPC | libc::EDQUOT) => Self::DiskFull { path: path.to_owned() },
            _ => Self::Io { action, path: path.to_owned(), source },
        }
    }

    /// The stable code, which names a page in spec/errors/.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "store::io",
            Self::DiskFull { .. } => "store::disk_full",
            Self::Index { .. } => "store::index",
            Self::IndexDamaged { .. } => "store::index_damaged",
            Self::NewerVersion { .. } => "store::newer_version",
            Self::InUse { .. } => "store::in_use",
            Self::NoStore { .. } => "store::no_store",
            Self::CorruptRow { .. } => "store::corrupt_row",
            Self::CorruptManifest { .. } => "store::corrupt_manifest",
            Self::NoBlob { .. } => "store::no_blob",
            Self::BlobDigest { .. } => "store::blob_digest",
            Self::BlobLength { .. } | Self::BlobDamaged { .. } => "store::blob_damaged",
            Self::FileDamaged { .. } => "store::file_damaged",
            Self::TooLarge { .. } => "store::too_large",
            Self::NoLayer { .. } => "store::no_layer",
            Self::Document { .. } => "store::document",
            Self::LayerDigest { .. } => "store::layer_digest",
            Self::NoOriginalTar { .. } => "store::no_original_tar",
            Self::TarEntry { .. } => "store::tar_entry",
            Self::Tar { .. } | Self::TarCutOff => "store::tar",
            Self::InvalidEntry { .. } => "store::invalid_entry",
            Self::NoImage { .. } => "store::no_image",
            Self::AmbiguousImage { .. } => "store::ambiguous_image",
            Self::ImageInUse { .. } => "store::image_in_use",
            Self::SymlinkLoop { .. } => "store::symlink_loop",
            Self::InvalidName { .. } => "store::invalid_name",
            Self::TooManyLayers { .. } => "store::too_many_layers",
        }
    }

    /// One line that says what the user can do, where there is something.
    pub fn help(&self) -> Option<&'static str> {
        Some(match self {
            Self::DiskFull { .. } => {
                "Free some space with `buildc prune`, or choose another place with `--root`"
            }
            Self::NewerVersion { .. } => "Use the newer buildc, or another store with `--root`",
            Self::InUse { .. } => "Wait until it has ended, then try again",
            Self::NoStore { .. } => "Build or pull an image first, or name the store with `--root`",
            Self::IndexDamaged { .. } => {
                "Run `buildc fsck --repair`; it moves the index aside and makes a new one from the store's files"
            }
            Self::CorruptRow { .. } | Self::CorruptManifest { .. } => {
                "Run `buildc fsck --repair`; it drops what is damaged, and the next build makes it again"
            }
            Self::BlobLength { .. } | Self::BlobDamaged { .. } => {
                "Run `buildc fsck --deep --repair`, which drops it and names the images that go with it; then pull, load or build them again"
            }
            Self::FileDamaged { .. } => {
                "Run `buildc fsck --deep --repair`, which drops the layer and names the images that go with it; then build, pull or load them again"
            }
            Self::NoOriginalTar { .. } => "Pull or load the image again",
            Self::BlobDigest { .. } | Self::LayerDigest { .. } => "The transfer was damaged; try again",
            Self::TarEntry { .. } | Self::Tar { .. } | Self::TarCutOff => {
                "Have the image made again by a tool that writes plain tar"
            }
            Self::AmbiguousImage { .. } => "Give more digits of the id",
            Self::ImageInUse { .. } => "Remove the container first",
            Self::TooManyLayers { .. } => "Join RUN and COPY instructions, or split the image into stages",
            _ => return None,
        })
    }

    /// Who can mend it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::TarEntry { .. }
            | Self::Tar { .. }
            | Self::TarCutOff
            | Self::NoImage { .. }
            | Self::AmbiguousImage { .. }
            | Self::ImageInUse { .. }
            | Self::SymlinkLoop { .. }
            | Self::TooManyLayers { .. }
            | Self::TooLarge { .. } => ErrorKind::Input,
            Self::InvalidEntry { .. } | Self::InvalidName { .. } => ErrorKind::Internal,
            _ => ErrorKind::Environment,
        }
    }
}
