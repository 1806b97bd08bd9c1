//! OCI image layout: `index.json` over `blobs/sha256` (OCI image specification, `image-layout.md`).

use buildc_digest::Digest;

use super::error::malformed;
use super::intake::{LayerFile, parse_config, put, take_layers};
use super::source::Source;
use super::{ArchiveError, Loaded, Result};
use crate::oci::{Descriptor, Index, Manifest, Platform, Shape, media_type};
use crate::remote::{available, choose, full_name};
use crate::{ImageRecord, Store};

/// The full name, as containerd and BuildKit write it.
pub(super) const CONTAINERD_NAME: &str = "io.containerd.image.name";
/// A full name or only a tag (OCI image specification, `annotations.md`).
pub(super) const REF_NAME: &str = "org.opencontainers.image.ref.name";
pub(super) const INDEX: &str = "index.json";
const INDEX_DEPTH: usize = 3;

/// Where a blob lies in a layout.
pub(super) fn blob_path(digest: &Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

/// Loads every image that the layout's index names.
pub(super) fn load(store: &Store, source: &Source) -> Result<Vec<Loaded>> {
    let bytes = source.document(store, INDEX, INDEX, None)?;
    let index: Index = serde_json::from_slice(&bytes).map_err(|error| malformed(INDEX, error))?;
    let mut loaded: Vec<Loaded> = Vec::new();
    for descriptor in index.manifests.iter().filter(|d| !is_attestation(d)) {
        let name = name(descriptor);
        let image = load_entry(store, source, descriptor, INDEX, 0)?;
        match loaded.iter_mut().find(|known| known.image.manifest == image.image.manifest) {
            Some(known) => known.names.extend(name),
            None => loaded.push(Loaded { names: name.into_iter().collect(), ..image }),
        }
    }
    match loaded.is_empty() {
        true => Err(malformed(INDEX, "it names no image")),
        false => Ok(loaded),
    }
}

/// Loads the one image that a tag or digest means; without either, the tag `latest` or the only one.
pub(super) fn load_one(
    store: &Store,
    source: &Source,
    tag: Option<&str>,
    digest: Option<&Digest>,
) -> Result<ImageRecord> {
    let bytes = source.document(store, INDEX, INDEX, None)?;
    let index: Index = serde_json::from_slice(&bytes).map_err(|error| malformed(INDEX, error))?;
    let entries: Vec<&Descriptor> = index.manifests.iter().filter(|d| !is_attestation(d)).collect();
    let tagged = |tag: &str| {
        let named = |d: &&&Descriptor| {
            let names = [REF_NAME, CONTAINERD_NAME].map(|key| d.annotations.get(key));
            names.into_iter().flatten().any(|name| name == tag || name.ends_with(&format!(":{tag}")))
        };
        entries.iter().find(named).copied()
    };
    let found = match (digest, tag) {
        (Some(digest), _) => entries.iter().find(|d| d.digest == *digest).copied(),
        (None, Some(tag)) => tagged(tag),
        (None, None) => tagged("latest").or(entries.first().copied().filter(|_| entries.len() == 1)),
    };
    let entry = found.ok_or_else(|| ArchiveError::Missing {
        entry: digest.map_or_else(|| tag.unwrap_or("latest").to_owned(), Digest::to_string),
        referrer: INDEX.to_owned(),
    })?;
    Ok(load_entry(store, source, entry, INDEX, 0)?.image)
}

/// The image's full name. A lone tag names no image, but tags the one that containerd's name means: tools that tag an
/// image anew in its layout, as umoci does, leave that name as it was.
pub(super) fn name(descriptor: &Descriptor) -> Option<String> {
    let annotation = |key: &str| descriptor.annotations.get(key);
    let full = match (annotation(CONTAINERD_NAME), annotation(REF_NAME)) {
        (_, Some(full)) if full.contains([':', '/']) => full.clone(),
        (Some(name), Some(tag)) => {
            let path = name.rfind('/').map_or(0, |slash| slash + 1);
            let end = name[path..].find(':').map_or(name.len(), |colon| path + colon);
            format!("{}:{tag}", &name[..end])
        }
        (Some(name), None) => name.clone(),
        (None, _) => return None,
    };
    full_name(&full).ok()
}

fn is_attestation(descriptor: &Descriptor) -> bool {
    descriptor.platform.as_ref().is_some_and(|p| p.os == "unknown")
        || descriptor.annotations.contains_key("vnd.docker.reference.type")
}

/// Loads what a descriptor means: an image, or the best image of an index.
fn load_entry(
    store: &Store,
    source: &Source,
    descriptor: &Descriptor,
    referrer: &str,
    depth: usize,
) -> Result<Loaded> {
    let path = blob_path(&descriptor.digest);
    let bytes = source.document(store, &path, referrer, Some(&descriptor.digest))?;
    let shape: Shape = serde_json::from_slice(&bytes).map_err(|error| malformed(&path, error))?;
    let media_type = shape.media_type(Some(&descriptor.media_type));
    let media_type =
        media_type.ok_or_else(|| malformed(&path, "it is neither an image manifest nor an index"))?;
    if !media_type::is_index(&media_type) {
        return load_image(store, source, &path, &bytes, &media_type);
    }
    if depth >= INDEX_DEPTH {
        return Err(malformed(&path, "indexes lie in indexes too deep"));
    }
    let index: Index = serde_json::from_slice(&bytes).map_err(|error| malformed(&path, error))?;
    let present: Vec<Descriptor> = index
        .manifests
        .iter()
        .filter(|d| source.has(&blob_path(&d.digest)) && !is_attestation(d))
        .cloned()
        .collect();
    let host = Platform::host();
    // An archive of one foreign platform was meant to be loaded all the same.
    let chosen = choose(&present, &host).or(present.first().filter(|_| present.len() == 1));
    let chosen = chosen.ok_or_else(|| {
        malformed(&path, format!("no image for {host}; it has {}", available(&index.manifests).join(", ")))
    })?;
    load_entry(store, source, chosen, &path, depth + 1)
}

fn load_image(store: &Store, source: &Source, path: &str, bytes: &[u8], media_type: &str) -> Result<Loaded> {
    let manifest: Manifest = serde_json::from_slice(bytes).map_err(|error| malformed(path, error))?;
    let known = [media_type::OCI_CONFIG, media_type::DOCKER_CONFIG];
    if !known.contains(&manifest.config.media_type.as_str()) {
        return Err(malformed(path, format!("config of type `{}` is no image", manifest.config.media_type)));
    }
    let config_path = blob_path(&manifest.config.digest);
    let config = source.document(store, &config_path, path, Some(&manifest.config.digest))?;
    let view = parse_config(&config_path, &config)?;
    let file = |d: &Descriptor| LayerFile {
        path: blob_path(&d.digest),
        digest: Some(d.digest),
        media_type: Some(d.media_type.clone()),
    };
    let files: Vec<LayerFile> = manifest.layers.iter().map(file).collect();
    check_sizes(source, &manifest)?;
    let taken = take_layers(store, source, path, &view.rootfs.diff_ids, &files)?;
    let layers: Vec<_> = taken.into_iter().map(|(layer, _)| layer).collect();
    let image = put(store, bytes, media_type, &config, &layers)?;
    Ok(Loaded { names: Vec::new(), image })
}

/// A directory can be checked before a large file is copied.
fn check_sizes(source: &Source, manifest: &Manifest) -> Result<()> {
    let Source::Dir(dir) = source else { return Ok(()) };
    for layer in &manifest.layers {
        let entry = blob_path(&layer.digest);
        if dir.join(&entry).symlink_metadata().is_ok_and(|m| m.is_file() && m.len() < layer.size) {
            return Err(ArchiveError::Truncated { entry });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_the_reference_and_from_containerd() {
        let named = |containerd: Option<&str>, reference: Option<&str>| {
            let annotations = [(CONTAINERD_NAME, containerd), (REF_NAME, reference)];
            let annotations: serde_json::Map<_, _> = annotations
                .into_iter()
                .filter_map(|(key, value)| Some((key.to_owned(), value?.into())))
                .collect();
            let descriptor = serde_json::json!({
                "mediaType": media_type::OCI_MANIFEST,
                "digest": Digest::of(b""),
                "size": 0,
                "annotations": annotations,
            });
            name(&serde_json::from_value(descriptor).unwrap())
        };
        for (containerd, reference, wanted) in [
            (Some("docker.io/library/app:1"), Some("1"), Some("docker.io/library/app:1")),
            (
                Some("docker.io/library/app:1"),
                Some("docker.io/library/app:1"),
                Some("docker.io/library/app:1"),
            ),
            (Some("docker.io/library/app:1"), Some("mod"), Some("docker.io/library/app:mod")),
            (Some("localhost:5000/app"), Some("mod"), Some("localhost:5000/app:mod")),
            (Some("docker.io/library/app:1"), None, Some("docker.io/library/app:1")),
            (None, Some("example.com/app:2"), Some("example.com/app:2")),
            (None, Some("mod"), None),
            (None, None, None),
        ] {
            assert_eq!(named(containerd, reference).as_deref(), wanted, "{containerd:?} {reference:?}");
        }
    }
}
