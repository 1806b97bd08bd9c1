//! The world as a build file sees it: that of plain evaluation, without what steps make.

use super::builder::STEP_ROOT;
use crate::lang::world::{FileType, World, WorldError};

/// Refuses to look into trees that do not exist while a build file is evaluated.
#[derive(Debug)]
pub(super) struct Guard<'w> {
    pub(super) world: &'w dyn World,
}

impl Guard<'_> {
    fn check(path: &[u8]) -> Result<(), WorldError> {
        if !path.starts_with(STEP_ROOT.as_bytes()) {
            return Ok(());
        }
        Err(WorldError(format!(
            "cannot read the output of a step during evaluation: '{}' exists when the step has run; use it in `buildc.run` or `buildc.copy`",
            String::from_utf8_lossy(path)
        )))
    }
}

impl World for Guard<'_> {
    fn below(&self) -> Option<&dyn World> {
        Some(self.world)
    }

    fn file_type(&self, path: &[u8]) -> Result<Option<FileType>, WorldError> {
        Self::check(path)?;
        self.world.file_type(path)
    }

    fn read_file(&self, path: &[u8]) -> Result<Vec<u8>, WorldError> {
        Self::check(path)?;
        self.world.read_file(path)
    }

    fn read_file_within(&self, path: &[u8], most: usize) -> Result<Option<Vec<u8>>, WorldError> {
        Self::check(path)?;
        self.world.read_file_within(path, most)
    }

    fn read_dir(&self, path: &[u8]) -> Result<Vec<(Vec<u8>, FileType)>, WorldError> {
        Self::check(path)?;
        self.world.read_dir(path)
    }

    fn read_link(&self, path: &[u8]) -> Result<Vec<u8>, WorldError> {
        Self::check(path)?;
        self.world.read_link(path)
    }

    fn is_executable(&self, path: &[u8]) -> Result<bool, WorldError> {
        Self::check(path)?;
        self.world.is_executable(path)
    }

    fn variable(&self, name: &[u8]) -> Option<Vec<u8>> {
        self.world.variable(name)
    }

    fn now(&self) -> i64 {
        self.world.now()
    }

    fn say(&self, line: &[u8]) {
        self.world.say(line);
    }
}
