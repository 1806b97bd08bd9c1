//! Files into and out of containers, running or not.
//!
//! Both sides are a root directory and a path in it, and every file is opened by the kernel's rule that nothing leaves
//! that root (`openat2` with `RESOLVE_IN_ROOT`), whatever a running container does to its directories meanwhile
//! (CVE-2018-15664). What goes between them is a tar stream.

mod root;

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::path::Path;

use buildc_store::{Layer, Store};

use super::error::{ContainerError, Result};
use super::record::Container;
use crate::pack::{Packer, Tree};
use crate::unpack::{self, Destination};
use root::{Kind, Place};

/// How to copy.
#[derive(Clone, Copy, Default, Debug)]
pub struct CopyOptions {
    /// Keeps user and group ids.
    pub archive: bool,
    /// Follows a symbolic link in the source.
    pub follow_link: bool,
}

/// The other end of a copy out of a container.
#[allow(missing_debug_implementations, reason = "a writer has no text")]
pub enum Target<'a> {
    /// A path of the host, by the rules of `docker cp`.
    Path(&'a Path),
    /// A tar archive.
    Tar(&'a mut dyn Write),
}

/// The other end of a copy into a container.
#[allow(missing_debug_implementations, reason = "a reader has no text")]
pub enum Source<'a> {
    /// A path of the host, by the rules of `docker cp` (a trailing `/.` copies the contents).
    Path(&'a Path),
    /// A tar archive, unpacked below the target directory.
    Tar(&'a mut dyn Read),
}

/// Copies `path` of a container to the host.
///
/// # Errors
/// A path is missing or of the wrong kind, or the other end fails.
pub fn copy_out(
    store: &Store,
    container: &Container,
    path: &str,
    to: Target<'_>,
    options: CopyOptions,
) -> Result<()> {
    out(&root::of_container(store, container, path)?, to, options)
}

/// Copies `path` of the tree of some layers, lowest first, to the host.
///
/// # Errors
/// As [`copy_out`], and where the tree cannot be put together.
pub fn copy_out_of_tree(
    store: &Store,
    layers: &[Layer],
    path: &str,
    to: Target<'_>,
    options: CopyOptions,
) -> Result<()> {
    // Nothing is written to it; it goes with this value.
    let upper = store.begin_layer()?;
    out(&root::of_layers(store, layers, &upper, path)?, to, options)
}

fn out(from: &Place, to: Target<'_>, options: CopyOptions) -> Result<()> {
    match to {
        Target::Path(to) => copy(from, &root::of_host(to)?, options),
        Target::Tar(out) => {
            let name = if from.contents { ".".to_owned() } else { from.name() };
            pack(from, &name, options.follow_link, out).map_err(|e| from.error(&e))
        }
    }
}

/// Copies from the host to `path` in a container.
///
/// # Errors
/// A path is missing or of the wrong kind, or the other end fails.
pub fn copy_in(
    store: &Store,
    container: &Container,
    from: Source<'_>,
    path: &str,
    options: CopyOptions,
) -> Result<()> {
    let to = root::of_container(store, container, path)?;
    match from {
        Source::Path(from) => copy(&root::of_host(from)?, &to, options),
        Source::Tar(input) => {
            if to.kind(true).map_err(|e| to.error(&e))? != Some(Kind::Directory) {
                return Err(to.refused("it is not a directory"));
            }
            unpack::unpack(below(&to, true), input).map_err(|e| to.refused(&e.to_string()))
        }
    }
}

/// Writes what stands at the place, under this name; `.` for the contents of a directory.
fn pack(from: &Place, name: &str, follow: bool, out: &mut dyn Write) -> io::Result<()> {
    let mut packer = Packer::new(out);
    let tree = Tree { root: from.root.as_fd(), path: &from.path };
    packer.tree(tree, Path::new(name), follow || from.contents)?;
    packer.finish()
}

/// Where an archive goes that is unpacked at a place.
fn below(place: &Place, owners: bool) -> Destination<'_> {
    Destination { root: place.root.as_fd(), dir: &place.path, owners, limit_bytes: None }
}

/// `docker cp`'s rules for where things go.
fn copy(from: &Place, to: &Place, options: CopyOptions) -> Result<()> {
    let source = from.kind(options.follow_link || from.contents).map_err(|e| from.error(&e))?;
    let source = source.ok_or_else(|| from.refused("it does not exist"))?;
    let target = to.kind(true).map_err(|e| to.error(&e))?;
    let (into, name) = match (source, target) {
        (Kind::Directory, Some(Kind::Directory)) if from.contents => (to.clone_place()?, ".".to_owned()),
        (_, Some(Kind::Directory)) => (to.clone_place()?, from.name()),
        (Kind::Directory, Some(_)) => return Err(to.refused("a directory cannot be copied over a file")),
        (Kind::Directory, None) => (to.parent()?, to.name()),
        (_, None) if to.wants_directory => return Err(to.refused("the directory does not exist")),
        (_, _) => (to.parent()?, to.name()),
    };
    if into.kind(true).map_err(|e| into.error(&e))? != Some(Kind::Directory) {
        return Err(to.refused("its parent directory does not exist"));
    }
    let (reader, mut writer) = io::pipe().map_err(ContainerError::io("make a pipe for", &from.path))?;
    std::thread::scope(|scope| {
        let packing = scope.spawn(move || pack(from, &name, options.follow_link, &mut writer));
        let unpacked = unpack::unpack(below(&into, options.archive), &mut { reader });
        // When unpacking failed, packing fails only because nobody reads any more.
        let packed = packing.join().unwrap_or_else(|_| Err(io::Error::other("the thread ended early")));
        unpacked.map_err(|e| into.refused(&e.to_string()))?;
        packed.map_err(|e| from.error(&e))
    })
}
