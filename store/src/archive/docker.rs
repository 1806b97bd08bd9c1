//! docker-archive: `manifest.json` beside configs and layer tars (Docker image specification v1.2, "Combined Image
//! JSON + Filesystem Changeset Format").

use serde::{Deserialize, Serialize};

use super::error::malformed;
use super::intake::{LayerFile, parse_config, put, take_layers};
use super::source::Source;
use super::{Loaded, Result};
use crate::Store;
use crate::oci::{Descriptor, Manifest, media_type};
use crate::remote::full_name;

/// One image in `manifest.json`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Item {
    pub(super) config: String,
    pub(super) repo_tags: Option<Vec<String>>,
    pub(super) layers: Vec<String>,
}

const MANIFEST: &str = "manifest.json";

pub(super) fn load(store: &Store, source: &Source) -> Result<Vec<Loaded>> {
    items(store, source)?.iter().map(|item| load_item(store, source, item)).collect()
}

/// Adds the names of `manifest.json` to images that were loaded from the OCI side.
pub(super) fn add_names(store: &Store, source: &Source, images: &mut [Loaded]) -> Result<()> {
    for item in items(store, source)? {
        let config = source.blob(store, &item.config, MANIFEST, None)?;
        let names = names(&item)?;
        for image in images.iter_mut().filter(|image| image.image.id == config) {
            image.names.extend(names.iter().cloned());
        }
    }
    Ok(())
}

fn items(store: &Store, source: &Source) -> Result<Vec<Item>> {
    let bytes = source.document(store, MANIFEST, MANIFEST, None)?;
    serde_json::from_slice(&bytes).map_err(|error| malformed(MANIFEST, error))
}

fn names(item: &Item) -> Result<Vec<String>> {
    let tags = item.repo_tags.as_deref().unwrap_or_default();
    tags.iter().map(|tag| full_name(tag).map_err(|error| malformed(MANIFEST, error))).collect()
}

/// The format has no manifest in the registry's sense, so one is made.
fn load_item(store: &Store, source: &Source, item: &Item) -> Result<Loaded> {
    let names = names(item)?;
    let config = source.document(store, &item.config, MANIFEST, None)?;
    let view = parse_config(&item.config, &config)?;
    let file = |path: &String| LayerFile { path: path.clone(), digest: None, media_type: None };
    let files: Vec<LayerFile> = item.layers.iter().map(file).collect();
    let taken = take_layers(store, source, &item.config, &view.rootfs.diff_ids, &files)?;
    let (layers, descriptors): (Vec<_>, Vec<_>) = taken.into_iter().unzip();
    let manifest = Manifest {
        schema_version: 2,
        media_type: Some(media_type::OCI_MANIFEST.to_owned()),
        config: Descriptor::of(media_type::OCI_CONFIG, &config),
        layers: descriptors,
        annotations: Default::default(),
    };
    let bytes = serde_json::to_vec(&manifest).map_err(|error| malformed(MANIFEST, error))?;
    let image = put(store, &bytes, media_type::OCI_MANIFEST, &config, &layers)?;
    Ok(Loaded { names, image })
}
