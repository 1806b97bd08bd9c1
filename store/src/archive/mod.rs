//! Images from and to files: docker-archive, OCI archive, OCI layout directory, root file system tars.
//!
//! Owns: the outer formats and their names for images. Never does: unpacking of a layer (the store's core does) or
//! printing.

mod error;

use std::io::{Read, Write};
use std::path::Path;

use crate::{ImageRecord, Store};

pub use error::ArchiveError;

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
    let _ = (store, input);
    todo!()
}

/// Reads every image of a file (any archive form) or of an OCI layout directory.
///
/// # Errors
/// As [`load`], and when the path cannot be read.
pub fn load_path(store: &Store, path: &Path) -> Result<Vec<Loaded>> {
    let _ = (store, path);
    todo!()
}

/// Writes images into one archive. The bytes depend only on the images and their names.
///
/// # Errors
/// When an image is not in the store, or writing fails.
pub fn save(store: &Store, images: &[String], format: Format, out: &mut dyn Write) -> Result<()> {
    let _ = (store, images, format, out);
    todo!()
}

/// Writes images into an OCI layout directory; images that are there already stay.
///
/// # Errors
/// As [`save`].
pub fn save_oci_dir(store: &Store, images: &[String], dir: &Path) -> Result<()> {
    let _ = (store, images, dir);
    todo!()
}

/// Makes an image with one layer from a root file system tar (any compression). `config` is the image's config JSON
/// without `rootfs` (architecture, os, `config`, `history`, `created`), which is filled in here.
///
/// # Errors
/// When the tar cannot be unpacked.
pub fn import_rootfs(store: &Store, input: &mut dyn Read, config: serde_json::Value) -> Result<ImageRecord> {
    let _ = (store, input, config);
    todo!()
}

/// Writes an image's merged root file system as one tar (`build --output type=tar`).
///
/// # Errors
/// When the image is not in the store, or writing fails.
pub fn export_tar(store: &Store, image: &ImageRecord, out: &mut dyn Write) -> Result<()> {
    let _ = (store, image, out);
    todo!()
}

/// Writes an image's merged root file system into a directory (`build --output type=local`).
///
/// # Errors
/// When the image is not in the store, or writing fails.
pub fn export_dir(store: &Store, image: &ImageRecord, dir: &Path) -> Result<()> {
    let _ = (store, image, dir);
    todo!()
}
