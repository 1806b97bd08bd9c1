//! Images from and to files: docker-archive, OCI archive, OCI layout directory, root file system tars.
//!
//! Owns: the outer formats and the names of images in them. Never does: unpacking of a layer (the store's core does),
//! or printing.

mod cache;
mod docker;
mod error;
mod flatten;
mod import;
mod intake;
mod layout;
mod save;
mod source;

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use buildc_digest::Digest;

use crate::export::Release;
use crate::{ImageRecord, Store};

pub(crate) use cache::CacheDir;
pub use error::ArchiveError;
pub use flatten::{export_dir, export_dir_below, export_tar, export_tar_of, shared_path};
pub use import::import_rootfs;
pub use save::{save_oci_dir, save_release_dir};

/// Result of this module.
pub type Result<T> = std::result::Result<T, ArchiveError>;

/// One image that was loaded.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Fully qualified names it was given; empty when the archive has none.
    pub names: Vec<String>,
    /// The image.
    pub image: ImageRecord,
}

/// Form of a saved image.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// What `docker save` writes and `docker load` reads.
    DockerArchive,
    /// A tar of an OCI layout.
    OciArchive,
}

/// Reads every image of a docker-archive or OCI archive, compressed or not, from a stream that need not be seekable.
///
/// # Errors
/// When the stream is no archive of images, or its contents contradict their digests.
pub fn load(store: &Store, input: &mut dyn Read) -> Result<Vec<Loaded>> {
    // What is read here must not be pruned before an image refers to it.
    let _lease = store.lease()?;
    let source = source::Source::of_tar(store, input)?;
    intake::load_all(store, &source)
}

/// Reads every image of a file (any archive form) or of an OCI layout directory.
///
/// # Errors
/// As [`load`], and when the path cannot be read.
pub fn load_path(store: &Store, path: &Path) -> Result<Vec<Loaded>> {
    if path.is_dir() {
        let _lease = store.lease()?;
        return intake::load_all(store, &source::Source::of_dir(path)?);
    }
    let mut file = File::open(path).map_err(|source| error::io("open", path, source))?;
    load(store, &mut file)
}

/// Reads one image of an OCI layout directory, by tag, digest, or because it is the only one. It gets no name.
///
/// # Errors
/// As [`load_path`]; and when there is no such image.
pub fn load_layout_image(
    store: &Store,
    path: &Path,
    tag: Option<&str>,
    digest: Option<&Digest>,
) -> Result<ImageRecord> {
    let _lease = store.lease()?;
    layout::load_one(store, &source::Source::of_dir(path)?, tag, digest)
}

/// Writes images into one archive. The bytes depend only on the images and their names.
///
/// # Errors
/// When an image is not in the store, or writing fails.
pub fn save(store: &Store, images: &[String], format: Format, out: &mut dyn Write) -> Result<()> {
    let _lease = store.lease()?;
    match format {
        Format::DockerArchive => save::docker_archive(store, images, out),
        Format::OciArchive => save::oci_archive(store, images, out),
    }
}

/// Writes a release as an OCI archive, under fully qualified names or none. The bytes depend only on both.
///
/// # Errors
/// When a layer cannot be read or compressed, or writing fails.
pub fn save_release(store: &Store, release: &Release, names: &[String], out: &mut dyn Write) -> Result<()> {
    let _lease = store.lease()?;
    save::release_archive(store, release, names, out)
}
