//! Files into and out of containers, running or not.

use std::io::{Read, Write};
use std::path::Path;

use buildc_store::Store;

use super::error::Result;
use super::record::Container;

/// How to copy.
#[derive(Clone, Copy, Default, Debug)]
pub struct CopyOptions {
    /// Keeps user and group ids.
    pub archive: bool,
    /// Follows a symbolic link in the source.
    pub follow_link: bool,
}

/// The other end of a copy out of a container.
pub enum Target<'a> {
    /// A path of the host, by the rules of `docker cp`.
    Path(&'a Path),
    /// A tar archive.
    Tar(&'a mut dyn Write),
}

/// The other end of a copy into a container.
pub enum Source<'a> {
    /// A path of the host, by the rules of `docker cp` (a trailing `/.` copies the contents).
    Path(&'a Path),
    /// A tar archive, unpacked below the target directory.
    Tar(&'a mut dyn Read),
}

/// Copies `path` of a container to the host.
pub fn copy_out(
    _store: &Store,
    _container: &Container,
    _path: &str,
    _to: Target<'_>,
    _options: CopyOptions,
) -> Result<()> {
    todo!()
}

/// Copies from the host to `path` in a container.
pub fn copy_in(
    _store: &Store,
    _container: &Container,
    _from: Source<'_>,
    _path: &str,
    _options: CopyOptions,
) -> Result<()> {
    todo!()
}
