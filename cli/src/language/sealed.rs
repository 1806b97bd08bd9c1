//! The world as pure evaluation sees it: no files but those of the store, no environment and no clock.

use buildc_compiler::lang::world::{FileType, World, WorldError};

use super::Files;

/// This machine's store, and nothing else of it.
#[derive(Debug)]
pub struct Sealed {
    store: Vec<u8>,
}

impl Sealed {
    /// The world of which only what is below `store` is seen.
    pub fn new(store: &[u8]) -> Self {
        Self { store: store.to_vec() }
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

impl World for Sealed {
    fn may_see(&self, path: &[u8]) -> bool {
        path.strip_prefix(&self.store[..]).is_some_and(|rest| matches!(rest.first(), None | Some(b'/')))
    }

    fn file_type(&self, path: &[u8]) -> Result<Option<FileType>, WorldError> {
        self.admit(path)?;
        Files.file_type(path)
    }

    fn read_file(&self, path: &[u8]) -> Result<Vec<u8>, WorldError> {
        self.admit(path)?;
        Files.read_file(path)
    }

    fn is_executable(&self, path: &[u8]) -> Result<bool, WorldError> {
        self.admit(path)?;
        Files.is_executable(path)
    }

    fn read_dir(&self, path: &[u8]) -> Result<Vec<(Vec<u8>, FileType)>, WorldError> {
        self.admit(path)?;
        Files.read_dir(path)
    }

    fn read_link(&self, path: &[u8]) -> Result<Vec<u8>, WorldError> {
        self.admit(path)?;
        Files.read_link(path)
    }

    fn fetch(&self, url: &str, sink: &mut dyn FnMut(&[u8])) -> Result<(), WorldError> {
        // What is fetched is pinned by a hash.
        Files.fetch(url, sink)
    }

    fn variable(&self, _name: &[u8]) -> Option<Vec<u8>> {
        None
    }

    fn now(&self) -> i64 {
        0
    }

    fn say(&self, line: &[u8]) {
        Files.say(line);
    }
}
