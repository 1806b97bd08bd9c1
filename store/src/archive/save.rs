//! Writing images: docker-archive, OCI archive, OCI layout directory.
//!
//! Everything written depends on the images and names alone: entries in a fixed order, owners 0, times 0.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use buildc_digest::Digest;
use serde_json::json;

use super::docker::Item;
use super::error::{io as io_error, malformed};
use super::layout::{CONTAINERD_NAME, INDEX, REF_NAME, blob_path, name};
use super::{ArchiveError, Result};
use crate::export::{
    AnnotationLevel, CompressError, Form, Release, cache_manifest, compose, compressed_layer,
    compressed_manifest, has_original, platform,
};
use crate::oci::{Descriptor, Index, Manifest, media_type};
use crate::tar::{BLOCK, padding};
use crate::{ImageRecord, Layer, LayerBlob, Store};

const DOCUMENT_LIMIT: u64 = 8 * 1024 * 1024;
const LAYOUT: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;

/// One image to write, with the names it was asked by.
struct Wanted {
    record: ImageRecord,
    names: Vec<String>,
}

/// Finds the images; one that is asked for under several names is written once.
fn wanted(store: &Store, images: &[String]) -> Result<Vec<Wanted>> {
    let mut found: Vec<Wanted> = Vec::new();
    for asked in images {
        let record = store.image(asked)?.ok_or_else(|| ArchiveError::NotInStore { name: asked.clone() })?;
        let name = Some(asked.clone()).filter(|name| record.tags.contains(name));
        match found.iter_mut().find(|known| known.record.manifest == record.manifest) {
            Some(known) => known.names.extend(name),
            None => found.push(Wanted { record, names: name.into_iter().collect() }),
        }
    }
    Ok(found)
}

/// Writes a docker-archive: layers uncompressed, each once, then configs, then `manifest.json`.
pub(super) fn docker_archive(store: &Store, images: &[String], out: &mut dyn Write) -> Result<()> {
    let images = wanted(store, images)?;
    let mut tar = Tar::new(out);
    let mut layers: BTreeMap<_, &Layer> = BTreeMap::new();
    for image in &images {
        layers.extend(image.record.layers.iter().map(|layer| (layer.diff_id, layer)));
    }
    for layer in layers.values() {
        tar.layer(store, &layer_path(layer), layer)?;
    }
    let mut configs: Vec<Digest> = images.iter().map(|image| image.record.id).collect();
    configs.sort();
    configs.dedup();
    for config in configs {
        tar.file(&config_path(&config), &store.read_blob(&config, DOCUMENT_LIMIT)?)?;
    }
    let item = |image: &Wanted| Item {
        config: config_path(&image.record.id),
        repo_tags: Some(image.names.clone()),
        layers: image.record.layers.iter().map(layer_path).collect(),
    };
    let items: Vec<Item> = images.iter().map(item).collect();
    let text = serde_json::to_vec(&items).map_err(|error| malformed("manifest.json", error))?;
    tar.file("manifest.json", &text)?;
    tar.finish()
}

fn layer_path(layer: &Layer) -> String {
    format!("{}.tar", layer.diff_id.hex())
}

fn config_path(config: &Digest) -> String {
    format!("{}.json", config.hex())
}

/// Everything an OCI layout holds: documents made here, blobs that are in the store, and the index entries.
#[derive(Default)]
struct Contents {
    documents: BTreeMap<Digest, Vec<u8>>,
    blobs: BTreeMap<Digest, ()>,
    entries: Vec<Descriptor>,
}

impl Contents {
    /// Takes up a release and names it.
    fn add(&mut self, store: &Store, release: &Release, names: &[String]) -> Result<()> {
        let members = release.members.iter().map(|member| self.image(store, &member.image, &release.form));
        let manifests = members.collect::<Result<Vec<_>>>()?;
        let composed = compose(store, release, manifests)?;
        let root = composed.root().map(|document| document.descriptor.clone());
        let manifests = composed.manifests.into_iter().map(|(document, _)| document);
        for document in composed.blobs.into_iter().chain(manifests) {
            self.documents.insert(document.descriptor.digest, document.bytes);
        }
        if let Some(mut entry) = root {
            entry.annotations = release.form.annotations(AnnotationLevel::IndexDescriptor, None);
            self.entries.extend(named(&entry, names));
        }
        Ok(())
    }

    /// The manifest of one image with its media type; its config and layers are taken up.
    fn image(&mut self, store: &Store, image: &ImageRecord, form: &Form) -> Result<(Vec<u8>, String)> {
        let bytes = store.read_blob(&image.manifest, DOCUMENT_LIMIT)?;
        let unreadable = |error| malformed(&image.manifest.to_string(), error);
        let original: Manifest = serde_json::from_slice(&bytes).map_err(unreadable)?;
        let (bytes, media_type) = match has_original(store, image, &original, form) {
            true => (bytes, image.manifest_media_type.clone()),
            false => compress(store, image, &original, form)?,
        };
        let manifest: Manifest = serde_json::from_slice(&bytes).map_err(unreadable)?;
        let present = manifest.layers.iter().filter(|l| !media_type::is_nondistributable(&l.media_type));
        self.blobs.extend(present.map(|layer| (layer.digest, ())));
        self.blobs.insert(manifest.config.digest, ());
        Ok((bytes, media_type))
    }
}

fn compress(
    store: &Store,
    image: &ImageRecord,
    original: &Manifest,
    form: &Form,
) -> Result<(Vec<u8>, String)> {
    let layers = image.layers.iter();
    let blobs: Result<Vec<LayerBlob>> = layers
        .map(|layer| compressed_layer(store, layer, form, &|| false).map_err(cannot_compress))
        .collect();
    compressed_manifest(original, &blobs?, &platform(store, image)?, form)
        .map_err(|error| malformed(&image.id.to_string(), error))
}

/// One index entry for each name, or one without. As BuildKit has it the whole name is in containerd's annotation, and the
/// specification's has the tag.
fn named(entry: &Descriptor, names: &[String]) -> Vec<Descriptor> {
    if names.is_empty() {
        return vec![entry.clone()];
    }
    let with = |name: &String| {
        let mut entry = entry.clone();
        let tag = name.rsplit_once(':').map(|(_, tag)| tag).filter(|tag| !tag.contains('/'));
        let annotations = [(CONTAINERD_NAME, name.as_str()), (REF_NAME, tag.unwrap_or(name))];
        entry.annotations.extend(annotations.map(|(key, value)| (key.to_owned(), value.to_owned())));
        entry
    };
    names.iter().map(with).collect()
}

fn cannot_compress(error: CompressError) -> ArchiveError {
    match error {
        CompressError::Store(error) => ArchiveError::Store(error),
        CompressError::Io { diff_id, source } => io_error("compress layer", diff_id.to_string(), source),
    }
}

fn contents(store: &Store, images: &[String]) -> Result<Contents> {
    let mut contents = Contents::default();
    for image in wanted(store, images)? {
        contents.add(store, &Release::of(image.record), &image.names)?;
    }
    Ok(contents)
}

/// The contents of a layout that holds one release.
fn release_contents(store: &Store, release: &Release, names: &[String]) -> Result<Contents> {
    let mut contents = Contents::default();
    contents.add(store, release, names)?;
    Ok(contents)
}

fn index_json(entries: &[Descriptor]) -> Result<Vec<u8>> {
    let index = json!({ "schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": entries });
    serde_json::to_vec(&index).map_err(|error| malformed(INDEX, error))
}

/// Writes an OCI archive: the layout file, the index, then blobs by digest.
pub(super) fn oci_archive(store: &Store, images: &[String], out: &mut dyn Write) -> Result<()> {
    write_archive(store, &contents(store, images)?, out)
}

/// Writes a release as an OCI archive.
pub(super) fn release_archive(
    store: &Store,
    release: &Release,
    names: &[String],
    out: &mut dyn Write,
) -> Result<()> {
    write_archive(store, &release_contents(store, release, names)?, out)
}

fn write_archive(store: &Store, contents: &Contents, out: &mut dyn Write) -> Result<()> {
    let mut tar = Tar::new(out);
    tar.file("oci-layout", LAYOUT.as_bytes())?;
    tar.file(INDEX, &index_json(&contents.entries)?)?;
    // Without entries of their own, containers' reader makes these directories owned by root, which a user may not.
    for dir in ["blobs/", "blobs/sha256/"] {
        tar.dir(dir)?;
    }
    for (digest, bytes) in &contents.documents {
        tar.file(&blob_path(digest), bytes)?;
    }
    for digest in contents.blobs.keys() {
        tar.stream(&blob_path(digest), &mut store.open_blob(digest)?)?;
    }
    tar.finish()
}

/// Writes images into an OCI layout directory; images that are there already stay, except under the same names.
///
/// # Errors
/// As [`super::save`]; and when the directory holds something else than an OCI layout.
pub fn save_oci_dir(store: &Store, images: &[String], dir: &Path) -> Result<()> {
    let _lease = store.lease()?;
    write_dir(store, contents(store, images)?, dir)
}

/// Writes a release into an OCI layout directory, as [`save_oci_dir`] does, under fully qualified names.
///
/// # Errors
/// As [`save_oci_dir`].
pub fn save_release_dir(store: &Store, release: &Release, names: &[String], dir: &Path) -> Result<()> {
    let _lease = store.lease()?;
    write_dir(store, release_contents(store, release, names)?, dir)
}

/// Writes a build cache into an OCI layout directory under a tag.
pub(super) fn cache_dir(
    store: &Store,
    layers: &[Layer],
    config: Vec<u8>,
    form: &Form,
    dir: &Path,
    tag: &str,
) -> Result<()> {
    let _lease = store.lease()?;
    let blobs = layers.iter().map(|layer| compressed_layer(store, layer, form, &|| false));
    let blobs = blobs.collect::<std::result::Result<Vec<LayerBlob>, _>>().map_err(cannot_compress)?;
    let (config, manifest) = cache_manifest(config, &blobs)?;
    let mut contents = Contents::default();
    contents.blobs.extend(blobs.iter().map(|blob| (blob.blob, ())));
    let mut entry = manifest.descriptor.clone();
    entry.annotations.insert(REF_NAME.to_owned(), tag.to_owned());
    contents.entries.push(entry);
    for document in [config, manifest] {
        contents.documents.insert(document.descriptor.digest, document.bytes);
    }
    write_dir(store, contents, dir)
}

fn write_dir(store: &Store, contents: Contents, dir: &Path) -> Result<()> {
    let mut entries = existing_entries(dir)?;
    let blobs = dir.join("blobs/sha256");
    fs::create_dir_all(&blobs).map_err(|source| io_error("make", &blobs, source))?;
    for (digest, bytes) in &contents.documents {
        write_new(&dir.join(blob_path(digest)), &mut bytes.as_slice())?;
    }
    for digest in contents.blobs.keys() {
        write_new(&dir.join(blob_path(digest)), &mut store.open_blob(digest)?)?;
    }
    let same = |old: &Descriptor, new: &Descriptor| match (name(old), name(new)) {
        (Some(old), Some(new)) => old == new,
        _ => match old.annotations.get(REF_NAME) {
            Some(tag) => new.annotations.get(REF_NAME) == Some(tag),
            None => new.digest == old.digest,
        },
    };
    entries.retain(|old| !contents.entries.iter().any(|new| same(old, new)));
    entries.extend(contents.entries);
    write_atomically(&dir.join("oci-layout"), &mut LAYOUT.as_bytes())?;
    // The index comes last, so that whoever reads it finds everything it names.
    write_atomically(&dir.join(INDEX), &mut index_json(&entries)?.as_slice())
}

/// The index of a layout that exists; a directory with other things in it is left alone.
fn existing_entries(dir: &Path) -> Result<Vec<Descriptor>> {
    match fs::read(dir.join(INDEX)) {
        Ok(bytes) => {
            let index: Index = serde_json::from_slice(&bytes).map_err(|error| malformed(INDEX, error))?;
            Ok(index.manifests)
        }
        Err(_) if fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) => {
            Err(ArchiveError::NotALayout { path: dir.to_owned() })
        }
        Err(_) => Ok(Vec::new()),
    }
}

/// Writes a blob unless a regular file is there: its name is its digest.
fn write_new(path: &Path, input: &mut dyn Read) -> Result<()> {
    if path.symlink_metadata().is_ok_and(|m| m.is_file()) {
        return Ok(());
    }
    write_atomically(path, input)
}

fn write_atomically(path: &Path, input: &mut dyn Read) -> Result<()> {
    let fail = |source| io_error("write", path, source);
    let dir = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(dir).map_err(fail)?;
    io::copy(input, &mut file).map_err(fail)?;
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    file.as_file().set_permissions(mode).map_err(fail)?;
    file.persist(path).map(drop).map_err(|error| fail(error.error))
}

/// A tar whose headers hold names and sizes and nothing else that varies.
struct Tar<'w> {
    builder: tar::Builder<&'w mut dyn Write>,
}

impl<'w> Tar<'w> {
    fn new(out: &'w mut dyn Write) -> Self {
        Self { builder: tar::Builder::new(out) }
    }

    fn file(&mut self, path: &str, bytes: &[u8]) -> Result<()> {
        self.append(path, bytes.len() as u64, &mut &*bytes)
    }

    fn dir(&mut self, path: &str) -> Result<()> {
        let mut header = header(path, 0)?;
        header.set_entry_type(tar::EntryType::Directory);
        header.set_mode(0o755);
        header.set_cksum();
        self.builder.append(&header, io::empty()).map_err(|source| io_error("write", "-", source))
    }

    fn stream(&mut self, path: &str, file: &mut File) -> Result<()> {
        let size_bytes = file.metadata().map_err(|source| io_error("read", path, source))?.len();
        self.append(path, size_bytes, file)
    }

    /// A layer's tar is made while it is written, which fails where its size is not the one that the layer was made with.
    fn layer(&mut self, store: &Store, path: &str, layer: &Layer) -> Result<()> {
        let header = header(path, layer.tar_bytes)?;
        let fail = |source| io_error("write", "-", source);
        self.builder.get_mut().write_all(header.as_bytes()).map_err(fail)?;
        store.write_layer_tar(layer.id, *self.builder.get_mut())?;
        let zeros = [0u8; BLOCK];
        let rest = zeros.get(..padding(layer.tar_bytes)).unwrap_or_default();
        self.builder.get_mut().write_all(rest).map_err(fail)
    }

    fn append(&mut self, path: &str, size_bytes: u64, input: &mut dyn Read) -> Result<()> {
        self.builder
            .append(&header(path, size_bytes)?, input)
            .map_err(|source| io_error("write", "-", source))
    }

    fn finish(mut self) -> Result<()> {
        let fail = |source| io_error("write", "-", source);
        self.builder.finish().map_err(fail)?;
        self.builder.get_mut().flush().map_err(fail)
    }
}

fn header(path: &str, size_bytes: u64) -> Result<tar::Header> {
    let mut header = tar::Header::new_ustar();
    header.set_path(path).map_err(|source| io_error("name", path, source))?;
    header.set_size(size_bytes);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_entry_type(tar::EntryType::Regular);
    header.set_cksum();
    Ok(header)
}
