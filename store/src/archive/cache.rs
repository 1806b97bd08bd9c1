//! A build cache in an OCI layout directory.

use std::path::Path;

use buildc_digest::{DiffId, Digest};

use super::error::malformed;
use super::intake::{LayerFile, take_layers};
use super::layout::{INDEX, REF_NAME, blob_path};
use super::source::Source;
use super::{ArchiveError, Result, save};
use crate::export::Form;
use crate::oci::{Descriptor, Index, Manifest};
use crate::{Layer, Store};

/// A layout that is read for its cache.
pub(crate) struct CacheDir {
    source: Source,
}

impl CacheDir {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        Ok(Self { source: Source::of_dir(path)? })
    }

    /// Manifest and config that a tag or digest names.
    pub(crate) fn documents(
        &self,
        store: &Store,
        tag: &str,
        digest: Option<&Digest>,
    ) -> Result<(Vec<u8>, Vec<u8>)> {
        let bytes = self.source.document(store, INDEX, INDEX, None)?;
        let index: Index = serde_json::from_slice(&bytes).map_err(|error| malformed(INDEX, error))?;
        let meant = |entry: &&Descriptor| match digest {
            Some(digest) => entry.digest == *digest,
            None => entry.annotations.get(REF_NAME).is_some_and(|name| name == tag),
        };
        let entry = index.manifests.iter().find(meant).ok_or_else(|| ArchiveError::Missing {
            entry: digest.map_or_else(|| tag.to_owned(), Digest::to_string),
            referrer: INDEX.to_owned(),
        })?;
        let path = blob_path(&entry.digest);
        let manifest = self.source.document(store, &path, INDEX, Some(&entry.digest))?;
        let read: Manifest = serde_json::from_slice(&manifest).map_err(|error| malformed(&path, error))?;
        let config = &read.config.digest;
        let config = self.source.document(store, &blob_path(config), &path, Some(config))?;
        Ok((manifest, config))
    }

    /// Brings layers into the store.
    pub(crate) fn layers(&self, store: &Store, wanted: &[(Descriptor, DiffId)]) -> Result<Vec<Layer>> {
        let file = |(blob, _): &(Descriptor, DiffId)| LayerFile {
            path: blob_path(&blob.digest),
            digest: Some(blob.digest),
            media_type: Some(blob.media_type.clone()),
        };
        let files: Vec<LayerFile> = wanted.iter().map(file).collect();
        let diff_ids: Vec<DiffId> = wanted.iter().map(|(_, diff_id)| *diff_id).collect();
        let taken = take_layers(store, &self.source, INDEX, &diff_ids, &files)?;
        Ok(taken.into_iter().map(|(layer, _)| layer).collect())
    }

    /// Writes a cache under a tag; other entries of the layout stay.
    pub(crate) fn write(
        store: &Store,
        layers: &[Layer],
        config: Vec<u8>,
        form: &Form,
        path: &Path,
        tag: &str,
    ) -> Result<()> {
        save::cache_dir(store, layers, config, form, path, tag)
    }
}
