//! The command that started a container in the foreground: waits for the end, forwards signals and window sizes.

use super::error::Result;

/// A started container, as the command that started it holds it.
#[derive(Debug)]
pub struct Attached {}

impl Attached {
    /// What was asked for and refused without being fatal, in words for the user.
    pub fn warnings(&self) -> &[String] {
        todo!()
    }

    /// Waits for the container's end and returns its exit status. Output has been written to this process's standard
    /// streams meanwhile; signals to this process were forwarded; with a pty the terminal was raw and is as before.
    /// Call it from the main thread.
    pub fn wait(self) -> Result<u8> {
        todo!()
    }
}
