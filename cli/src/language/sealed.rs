//! The world as pure evaluation sees it: no files but those of the store, no environment and no clock.

use buildc_compiler::lang::world::{FileType, World, WorldError};

use buildc_ir::source::{Facts, Source};

use super::Files;

/// This machine's store, and nothing else of it.
#[derive(Debug)]
pub struct Sealed<'f> {
    files: &'f Files,
    store: Vec<u8>,
}

impl<'f> Sealed<'f> {
    /// The world of which only what is below `store` is seen, and what was brought from elsewhere.
    pub fn new(files: &'f Files, store: &[u8]) -> Self {
        Self { files, store: store.to_vec() }
    }

    fn admit(&self, path: &[u8]) -> Result<(), WorldError> {
        if self.may_see(path) {
            return Ok(());
        }
        let path = String::from_utf8_lossy(path);
        Err(WorldError(format!(
            "access to absolute path '{path}' is forbidden in pure evaluation mode (use '--impure' to override)"
        )))
    }
}

impl World for Sealed<'_> {
    fn may_see(&self, path: &[u8]) -> bool {
        let is_in_store =
            path.strip_prefix(&self.store[..]).is_some_and(|rest| matches!(rest.first(), None | Some(b'/')));
        is_in_store || self.files.is_source(path)
    }

    fn file_type(&self, path: &[u8]) -> Result<Option<FileType>, WorldError> {
        self.admit(path)?;
        self.files.file_type(path)
    }

    fn read_file(&self, path: &[u8]) -> Result<Vec<u8>, WorldError> {
        self.admit(path)?;
        self.files.read_file(path)
    }

    fn read_file_within(&self, path: &[u8], most: usize) -> Result<Option<Vec<u8>>, WorldError> {
        self.admit(path)?;
        self.files.read_file_within(path, most)
    }

    fn is_executable(&self, path: &[u8]) -> Result<bool, WorldError> {
        self.admit(path)?;
        self.files.is_executable(path)
    }

    fn read_dir(&self, path: &[u8]) -> Result<Vec<(Vec<u8>, FileType)>, WorldError> {
        self.admit(path)?;
        self.files.read_dir(path)
    }

    fn read_link(&self, path: &[u8]) -> Result<Vec<u8>, WorldError> {
        self.admit(path)?;
        self.files.read_link(path)
    }

    fn recall(&self, source: &Source) -> Option<Facts> {
        self.files.recall(source)
    }

    fn bring(&self, source: &Source) -> Result<(Vec<u8>, Facts), WorldError> {
        // What is fetched is pinned by a hash; a copy of this machine's files is not.
        if let Source::Directory { path } = source {
            self.admit(path.as_bytes())?;
        }
        self.files.bring(source)
    }

    fn keep(&self, source: &Source, from: &[u8], path: &[u8], facts: &Facts) -> Result<(), WorldError> {
        self.files.keep(source, from, path, facts)
    }

    fn variable(&self, _name: &[u8]) -> Option<Vec<u8>> {
        None
    }

    fn now(&self) -> i64 {
        0
    }

    fn interrupted(&self) -> bool {
        self.files.interrupted()
    }

    fn say(&self, line: &[u8]) {
        self.files.say(line);
    }
}
