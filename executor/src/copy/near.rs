//! Directories that stay open while neighbouring files are copied: a file is then opened by its name alone, and the
//! kernel does not look its whole path up again.

use std::os::fd::{AsFd, OwnedFd};

use buildc_store::file_name;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::write::os;
use crate::context::{self, Context};
use crate::select::split;

/// The directories of the last file: where it was read and where it was written.
#[derive(Debug, Default)]
pub(super) struct OpenDirs {
    /// Number of the source among the copy's.
    source: usize,
    read: Near,
    donor: Near,
    written: Near,
}

/// One directory with its path.
#[derive(Debug, Default)]
struct Near(Option<(Vec<u8>, OwnedFd)>);

impl Near {
    /// The directory of `path`, opened by `open` unless it is the one of the path before.
    fn of(
        &mut self,
        path: &[u8],
        open: impl FnOnce(&[u8]) -> Result<OwnedFd, Errno>,
    ) -> Result<&OwnedFd, Errno> {
        let dir = split(path).0;
        let kept = match self.0.take() {
            Some(kept) if kept.0 == dir => kept,
            _ => (dir.to_vec(), open(dir)?),
        };
        Ok(&self.0.insert(kept).1)
    }
}

impl OpenDirs {
    /// Opens a file of a context, `source` among the copy's, for reading.
    pub(super) fn open_source(
        &mut self,
        source: usize,
        context: &Context,
        path: &[u8],
    ) -> Result<OwnedFd, Errno> {
        if std::mem::replace(&mut self.source, source) != source {
            self.read = Near::default();
        }
        let dir = self.read.of(path, |dir| context::open_dir(context.fd(), dir))?;
        context::open_in(dir, file_name(path))
    }

    /// The directory of the layer, open at `root`, that a path lies in.
    pub(super) fn written(&mut self, root: &OwnedFd, path: &[u8]) -> Result<&OwnedFd, Errno> {
        self.written.of(path, |dir| open_dir(root, dir))
    }

    /// The directories of a donor and of the layer that a path lies in.
    pub(super) fn shared(
        &mut self,
        donor: impl AsFd,
        root: &OwnedFd,
        path: &[u8],
    ) -> Result<(&OwnedFd, &OwnedFd), Errno> {
        Ok((
            self.donor.of(path, |dir| open_dir(donor, dir))?,
            self.written.of(path, |dir| open_dir(root, dir))?,
        ))
    }
}

/// A directory of a layer, whose paths hold no link.
fn open_dir(root: impl AsFd, dir: &[u8]) -> Result<OwnedFd, Errno> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(root, os(if dir.is_empty() { b"." } else { dir }), flags, Mode::empty())
}
