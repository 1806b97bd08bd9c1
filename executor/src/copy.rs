//! COPY, ADD and WORKDIR: makes a layer out of selected files without mounting anything.
//!
//! First the whole layer is laid out in memory (`layout`, `place`, `archive`): destination paths are resolved against
//! the base's layers, conflicts are found, owners and modes decided. Then it is written (`write`): files are copied
//! and hashed in one pass, in parallel, with bounded memory, and the tar's sha256 is computed on the way.

mod ahead;
mod archive;
mod chmod;
mod compression;
mod donor;
mod layout;
mod near;
mod pipeline;
mod place;
mod write;

use std::borrow::Cow;
use std::path::PathBuf;

use buildc_ir::step;
use buildc_store::{Layer, PendingLayer, Store, StoreError};

use crate::account;
use crate::cancel::Cancel;
use crate::select::{LayerTree, Selection};
use chmod::Chmod;
pub(crate) use compression::tar_inside;
pub(crate) use donor::Donor;
use layout::Layout;

/// Largest passwd or group file that is read.
const ACCOUNTS_BYTES: u64 = 16 << 20;

/// Why files cannot be copied.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CopyError {
    #[error("Cannot copy a directory to `/{path}`, which is not a directory")]
    NotADirectory { path: String },
    #[error("Cannot copy a file to `/{path}`, which is a directory")]
    IsADirectory { path: String },
    #[error("Too many symbolic links on the way to `/{path}`")]
    Loop { path: String },
    #[error("`{name}` cannot be stored in an image layer: names that start with `.wh.` mean removals there")]
    ReservedName { name: String },
    #[error("`{text}` is no owner that can be understood without /etc/passwd of a base image")]
    Owner { text: String },
    #[error("`{text}` is not a valid mode")]
    Mode { text: String },
    #[error("`{}` in the build context changed while it was copied", String::from_utf8_lossy(path))]
    Changed { context: String, path: Vec<u8> },
    #[error("`{path}` does not have the content that the store recorded for it")]
    Corrupt { path: String },
    #[error("Archive `{archive}` has an entry that is refused, `{entry}`: {reason}")]
    UnsafeEntry { archive: String, entry: String, reason: Cow<'static, str> },
    #[error("Archive `{archive}` cannot be read: {source}")]
    Archive { archive: String, source: std::io::Error },
    #[error("{what} `{path}` failed: {source}", path = path.display())]
    Io { what: &'static str, path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("Copying was cancelled")]
    Cancelled,
}

impl CopyError {
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::NotADirectory { .. } => "copy::not_a_directory",
            Self::IsADirectory { .. } => "copy::is_a_directory",
            Self::Loop { .. } => "copy::link_loop",
            Self::ReservedName { .. } => "copy::reserved_name",
            Self::Owner { .. } => "copy::unknown_owner",
            Self::Mode { .. } => "copy::bad_mode",
            Self::Changed { .. } => "copy::source_changing",
            Self::Corrupt { .. } => "store::corrupt",
            Self::UnsafeEntry { .. } => "archive::unsafe_entry",
            Self::Archive { .. } => "archive::unreadable",
            Self::Io { .. } => "copy::io",
            Self::Store(error) => error.code(),
            Self::Cancelled => "build::cancelled",
        }
    }

    pub(crate) fn help(&self) -> Option<String> {
        let text = match self {
            Self::NotADirectory { .. } => "Choose a destination that is a directory or does not exist yet",
            Self::IsADirectory { .. } => {
                "Remove the directory in an earlier step, or choose another destination"
            }
            Self::Loop { .. } => "Look at the links in the base image",
            Self::ReservedName { .. } => "Rename the file, or leave it out with --exclude or .dockerignore",
            Self::Owner { .. } => "Give numbers, for example --chown=1000:1000",
            Self::Mode { .. } => "Give octal digits such as 0755, or symbols such as u=rwX,go=rX",
            Self::Changed { .. } => "Build again when nothing writes to the build context",
            Self::Corrupt { .. } => "Run `buildc fsck` to find and drop what is damaged",
            Self::UnsafeEntry { .. } => {
                "Make the archive again with relative names and without links that lead out of it"
            }
            Self::Archive { .. } => "Check the archive, or use COPY to store it as it is",
            Self::Io { source, .. } if source.raw_os_error() == Some(libc::ENOSPC) => {
                "Free space with `buildc prune`, or choose another store with --root"
            }
            Self::Store(error) => return error.help().map(str::to_owned),
            Self::Io { .. } | Self::Cancelled => return None,
        };
        Some(text.to_owned())
    }

    fn io(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(rustix::io::Errno) -> Self {
        let path = path.into();
        move |e| Self::Io { what, path, source: e.into() }
    }
}

/// Where a copy's selections come from, one per distinct `from` in order of first appearance.
#[derive(Debug)]
pub(crate) struct Source<'s> {
    pub from: step::From,
    pub selection: &'s Selection,
    /// The context that files are read from, for a selection of a context.
    pub context: Option<&'s crate::context::Context>,
    pub name: String,
}

/// The times of a new layer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// That of what is new, Unix seconds and nanoseconds.
    pub now: (i64, u32),
    /// What is later than this second becomes this one when the layer is sealed.
    pub clamp: Option<i64>,
}

/// What a copy is made with.
#[derive(Debug)]
pub(crate) struct CopyJob<'s> {
    pub store: &'s Store,
    pub copy: &'s step::Copy,
    pub base: &'s LayerTree,
    /// True when the base is the empty tree.
    pub from_scratch: bool,
    pub sources: Vec<Source<'s>>,
    pub times: Times,
    pub cancel: &'s Cancel,
}

impl CopyJob<'_> {
    /// Makes the layer, sharing what did not change with the one that the same step made before.
    pub(crate) fn run(&self, donor: Option<&Donor>) -> Result<Layer, CopyError> {
        let pending = self.store.begin_layer()?;
        let layout = self.lay_out(&pending)?;
        seal(&self.sources, pending, layout, donor, (self.times.clamp, self.cancel))
    }

    /// Writes the files without sealing them: they go when the value goes.
    pub(crate) fn materialise(&self) -> Result<PendingLayer, CopyError> {
        let pending = self.store.begin_layer()?;
        let layout = self.lay_out(&pending)?;
        write::write(&self.sources, pending.dir(), None, layout.finish(), self.cancel)?;
        Ok(pending)
    }

    /// Whether a layer that was made over another base is what this job makes over its own.
    pub(crate) fn gives(&self, layer: &Layer) -> Result<bool, CopyError> {
        let pending = self.store.begin_layer()?;
        let planned = clamped(self.lay_out(&pending)?, self.times.clamp);
        let (entries, _) = write::entries(planned);
        Ok(entries == *self.store.entries(layer.id)?)
    }

    fn lay_out(&self, pending: &PendingLayer) -> Result<Layout<'_>, CopyError> {
        let mut layout = Layout::new((!self.copy.link).then_some(self.base), self.times.now);
        place::place(self, pending, &mut layout)?;
        Ok(layout)
    }

    /// Owner and mode that the flags ask for.
    fn attributes(&self) -> Result<Attributes, CopyError> {
        let mode = |text: &String| Chmod::parse(text).ok_or_else(|| CopyError::Mode { text: text.clone() });
        let chmod = self.copy.chmod.as_ref().map(mode).transpose()?;
        let owner = match &self.copy.chown {
            None => None,
            Some(text) if step::is_numeric_owner(text) => Some(account::owner(text, "", "")),
            Some(text) if self.from_scratch || self.copy.link => {
                return Err(CopyError::Owner { text: text.clone() });
            }
            Some(text) => Some(owner(self.base, text)?),
        };
        Ok(Attributes { owner, chmod })
    }
}

fn owner(base: &LayerTree, text: &str) -> Result<(u32, u32), StoreError> {
    let (passwd, group) = accounts(base)?;
    Ok(account::owner(text, &passwd, &group))
}

/// Text of `/etc/passwd` and `/etc/group`, empty where there is none.
pub(crate) fn accounts(tree: &LayerTree) -> Result<(String, String), StoreError> {
    let read = |path: &[u8]| -> Result<String, StoreError> {
        let bytes = tree.view().read_file(path, ACCOUNTS_BYTES)?.unwrap_or_default();
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    Ok((read(b"etc/passwd")?, read(b"etc/group")?))
}

/// What `--chown` and `--chmod` ask for.
#[derive(Debug)]
struct Attributes {
    owner: Option<(u32, u32)>,
    chmod: Option<Chmod>,
}

/// Makes the layer of a WORKDIR: the missing directories, owned by `user`. Empty when nothing is missing.
pub(crate) fn make_directory(
    store: &Store,
    mkdir: &step::Mkdir,
    base: &LayerTree,
    times: Times,
    cancel: &Cancel,
) -> Result<Layer, CopyError> {
    let pending = store.begin_layer()?;
    let mut layout = Layout::new(Some(base), times.now);
    let owner = if mkdir.user.is_empty() { (0, 0) } else { owner(base, &mkdir.user)? };
    let path = layout.resolve(mkdir.path.as_bytes())?;
    layout.make_missing(&path, layout::NewDir { mode: 0o755, owner })?;
    seal(&[], pending, layout, None, (times.clamp, cancel))
}

/// Writes what was laid out and seals it.
fn seal(
    sources: &[Source<'_>],
    pending: PendingLayer,
    layout: Layout<'_>,
    donor: Option<&Donor>,
    (clamp, cancel): (Option<i64>, &Cancel),
) -> Result<Layer, CopyError> {
    let planned = clamped(layout, clamp);
    let (entries, tar) = write::write(sources, pending.dir(), donor, planned, cancel)?;
    Ok(pending.seal(entries, tar)?)
}

/// The entries of a layer with their times as they are sealed.
fn clamped(
    layout: Layout<'_>,
    clamp: Option<i64>,
) -> impl ExactSizeIterator<Item = (Vec<u8>, layout::Planned)> {
    layout.finish().map(move |(path, mut planned)| {
        planned.mtime = clamp.map_or(planned.mtime, |seconds| planned.mtime.min((seconds, 0)));
        (path, planned)
    })
}
