//! The tree of a Dockerfile.

use buildc_ir::FileId;

/// One parsed file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dockerfile {
    /// The source it was read from.
    pub file: FileId,
}
