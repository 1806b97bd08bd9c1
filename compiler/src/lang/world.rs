//! How the world comes in.
//!
//! Owns: the trait through which evaluation asks for files, the environment and the clock, and says things. The caller
//! implements it; nothing here touches anything.

use std::fmt;

use buildc_ir::git::GitRemote;
use buildc_ir::source::{Facts, Source};

/// What a directory entry is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileType {
    /// `regular`
    Regular,
    /// `directory`
    Directory,
    /// `symlink`
    Symlink,
    /// `unknown`: sockets, devices, pipes.
    Unknown,
}

impl FileType {
    /// The word that `builtins.readDir` uses.
    pub fn name(self) -> &'static str {
        match self {
            FileType::Regular => "regular",
            FileType::Directory => "directory",
            FileType::Symlink => "symlink",
            FileType::Unknown => "unknown",
        }
    }
}

/// What evaluation adds to the store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Object<'o> {
    /// A file that nobody may execute, with its bytes.
    Text(&'o [u8]),
    /// A copy of a file or tree.
    Copy {
        /// Where it was copied from.
        original: &'o [u8],
        /// Paths of the original that the copy lacks, with all that is below them.
        left_out: &'o [Vec<u8>],
        /// It is a file of which nothing counts but its bytes: nobody may execute the copy.
        is_plain: bool,
    },
}

/// Why the world has no answer: the text of Nix's error, without `error: `.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct WorldError(pub String);

/// What evaluation may ask. Paths are absolute.
pub trait World: fmt::Debug {
    /// The world that this one shows in another light: it answers whatever this one does not answer itself.
    fn below(&self) -> Option<&dyn World> {
        None
    }

    /// What is at `path`, links not followed; `None` when there is nothing.
    ///
    /// # Errors
    /// When it cannot be told (permissions).
    fn file_type(&self, path: &[u8]) -> Result<Option<FileType>, WorldError>;

    /// Whether programs may see `path` at all. Asking for anything else there fails when they may not.
    fn may_see(&self, path: &[u8]) -> bool {
        self.below().is_none_or(|world| world.may_see(path))
    }

    /// Whether the store has an object that a string refers to. Programs may see it from then on.
    ///
    /// # Errors
    /// When it cannot be told.
    fn has_object(&self, path: &[u8]) -> Result<bool, WorldError> {
        Ok(self.file_type(path)?.is_some())
    }

    /// Whether what is at a URI may be fetched.
    ///
    /// # Errors
    /// When it may not.
    fn check_uri(&self, uri: &str) -> Result<(), WorldError> {
        self.below().map_or(Ok(()), |world| world.check_uri(uri))
    }

    /// The bytes of a file.
    ///
    /// # Errors
    /// When it cannot be read.
    fn read_file(&self, path: &[u8]) -> Result<Vec<u8>, WorldError>;

    /// The bytes of a file; `None` when there are more than `most`.
    ///
    /// # Errors
    /// When it cannot be read.
    fn read_file_within(&self, path: &[u8], most: usize) -> Result<Option<Vec<u8>>, WorldError> {
        Ok(Some(self.read_file(path)?).filter(|bytes| bytes.len() <= most))
    }

    /// Whether the owner of a file may execute it.
    ///
    /// # Errors
    /// When it cannot be told.
    fn is_executable(&self, path: &[u8]) -> Result<bool, WorldError>;

    /// Names and types in a directory, in any order.
    ///
    /// # Errors
    /// When it cannot be read.
    fn read_dir(&self, path: &[u8]) -> Result<Vec<(Vec<u8>, FileType)>, WorldError>;

    /// Where a symbolic link points.
    ///
    /// # Errors
    /// When it is none.
    fn read_link(&self, path: &[u8]) -> Result<Vec<u8>, WorldError>;

    /// The directory in which a file of the store lies on this machine, where it is not the one in its path.
    fn directory_of(&self, path: &[u8]) -> Option<Vec<u8>> {
        self.below()?.directory_of(path)
    }

    /// What is known of a source that was kept by an earlier [`keep`](World::keep) and is the same whenever it is asked for.
    fn recall(&self, source: &Source) -> Option<Facts> {
        self.below()?.recall(source)
    }

    /// Brings a source to this machine: where it lies until it is kept, and what is known of it.
    ///
    /// # Errors
    /// When there is nothing, or no network.
    fn bring(&self, source: &Source) -> Result<(Vec<u8>, Facts), WorldError> {
        match self.below() {
            Some(world) => world.bring(source),
            None => Err(WorldError("sources from elsewhere are not allowed here".to_owned())),
        }
    }

    /// The commit that the ref of a repository is now.
    ///
    /// # Errors
    /// When the repository cannot be asked, or has no such ref.
    fn commit(&self, remote: &GitRemote) -> Result<String, WorldError> {
        match self.below() {
            Some(world) => world.commit(remote),
            None => Err(WorldError(format!("the repository '{}' is not asked here", remote.url))),
        }
    }

    /// Keeps what was brought to `from`: it is seen at `path` in the store from now on.
    ///
    /// # Errors
    /// When there is no room.
    fn keep(&self, source: &Source, from: &[u8], path: &[u8], facts: &Facts) -> Result<(), WorldError> {
        self.below().map_or(Ok(()), |world| world.keep(source, from, path, facts))
    }

    /// Takes note of an object of the store at `path`, and tells how many bytes of memory all such objects take. A world that
    /// shows only the store as it was forgets it.
    fn add(&self, path: &[u8], object: Object<'_>) -> usize {
        self.below().map_or(0, |world| world.add(path, object))
    }

    /// An environment variable.
    fn variable(&self, name: &[u8]) -> Option<Vec<u8>>;

    /// Seconds since 1970.
    fn now(&self) -> i64;

    /// Whether the user wants the evaluation to end. Asked every few hundred calls.
    fn interrupted(&self) -> bool {
        self.below().is_some_and(World::interrupted)
    }

    /// Shows a line to the user at once (`builtins.trace`, warnings).
    fn say(&self, line: &[u8]);
}
