//! Results of steps that travel between stores: which keys stand for which layers, beside the layers themselves.
//!
//! Owns: the document and the sources that it comes from. Never does: deciding which results travel, or what a key means.
//! Whoever can write a cache decides what its readers build; that the layers are the ones it names is checked by digest.

use std::collections::HashMap;
use std::path::PathBuf;

use buildc_digest::{DiffId, Digest, Key};
use serde::{Deserialize, Serialize};

use crate::archive::{ArchiveError, CacheDir};
use crate::export::Form;
use crate::oci::{Descriptor, Manifest, media_type};
use crate::remote::{Client, RemoteError, S3, S3Place, Watch};
use crate::{Layer, LayerId, Store, StoreError};

/// Annotation of an image's manifest that holds the cache of its own layers.
pub const INLINE_ANNOTATION: &str = "dev.buildc.cache.v1";
/// Version of [`CacheDocument`].
const VERSION: u32 = 1;
/// Largest document that is read, in bytes.
pub(crate) const DOCUMENT_LIMIT: u64 = 8 << 20;

/// One result that travels.
#[derive(Clone, Debug)]
pub struct Travelling {
    /// All keys that it is known under.
    pub keys: Vec<Key>,
    /// Its layers, lowest first.
    pub layers: Vec<Layer>,
    /// How long it took to make, in milliseconds.
    pub duration_ms: u64,
}

/// What a cache says of its layers. Its layers are those of the manifest that names it, in the same order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CacheDocument {
    version: u32,
    layers: Vec<DiffId>,
    /// When each layer was made, in Unix seconds, so that an image of it is the same everywhere; caches of before lack it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    created: Vec<i64>,
    results: Vec<CachedResult>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct CachedResult {
    keys: Vec<Key>,
    /// Numbers of layers, lowest first.
    layers: Vec<usize>,
    duration_ms: u64,
}

impl CacheDocument {
    /// The document of results over these layers; a result with another layer is left out.
    pub fn new(layers: &[Layer], results: &[Travelling]) -> Self {
        let mut numbers: HashMap<LayerId, usize> = HashMap::new();
        for (at, layer) in layers.iter().enumerate() {
            numbers.entry(layer.id).or_insert(at);
        }
        let number = |layer: &Layer| numbers.get(&layer.id).copied();
        let result = |result: &Travelling| {
            let layers = result.layers.iter().map(number).collect::<Option<Vec<_>>>()?;
            Some(CachedResult { keys: result.keys.clone(), layers, duration_ms: result.duration_ms })
        };
        Self {
            version: VERSION,
            layers: layers.iter().map(|layer| layer.diff_id).collect(),
            created: layers.iter().map(|layer| layer.created).collect(),
            results: results.iter().filter_map(result).collect(),
        }
    }

    /// The layers of results, each once, in the order in which they are named first.
    pub fn layers_of(results: &[Travelling]) -> Vec<Layer> {
        let mut layers: Vec<Layer> = Vec::new();
        for layer in results.iter().flat_map(|result| &result.layers) {
            if layers.iter().all(|known| known.id != layer.id) {
                layers.push(layer.clone());
            }
        }
        layers
    }

    /// Its JSON text.
    ///
    /// # Errors
    /// [`StoreError::Document`]; every document has a text.
    pub fn text(&self) -> Result<String, StoreError> {
        serde_json::to_string(self).map_err(|error| StoreError::Document { why: error.to_string() })
    }

    /// Reads a text and checks that it speaks of layers that are there.
    fn read(bytes: &[u8], layers: usize) -> Result<Self, String> {
        let document: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if document.version != VERSION {
            return Err(format!("it is of version {}", document.version));
        }
        let mut numbers = document.results.iter().flat_map(|result| &result.layers);
        match document.layers.len() == layers && numbers.all(|number| *number < layers) {
            true => Ok(document),
            false => Err("it speaks of layers that its manifest lacks".to_owned()),
        }
    }
}

/// Why a cache cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// There is an image or artifact, but without results.
    #[error("`{name}` is no build cache: {why}")]
    NotACache {
        /// What was asked for.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// The layout cannot be read.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The registry does not give it.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// The store refuses a layer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Where a cache comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CachePlace {
    /// A name in a registry.
    Registry(String),
    /// An OCI layout directory, and the tag or digest in it.
    Dir {
        /// The directory.
        path: PathBuf,
        /// The tag; `latest` when nothing was said.
        tag: String,
        /// The manifest's digest, which goes before the tag.
        digest: Option<Digest>,
    },
    /// A name in an S3 bucket.
    S3(Box<S3Place>),
}

/// A cache that was opened; its layers are fetched when a result is wanted.
#[derive(Debug)]
pub struct CacheSource {
    place: CachePlace,
    client: Option<Client>,
    manifest: Manifest,
    document: CacheDocument,
    by_key: HashMap<Key, usize>,
}

impl CacheSource {
    /// Reads what a place knows.
    ///
    /// # Errors
    /// [`CacheError`] as its variants say.
    pub fn open(store: &Store, place: CachePlace) -> Result<Self, CacheError> {
        let (client, bytes, config) = match &place {
            CachePlace::Registry(name) => {
                let client = Client::from_environment()?;
                let (manifest, config) = client.cache_documents(name)?;
                (Some(client), manifest, config)
            }
            CachePlace::Dir { path, tag, digest } => {
                let (manifest, config) = CacheDir::open(path)?.documents(store, tag, digest.as_ref())?;
                (None, manifest, config)
            }
            CachePlace::S3(place) => {
                let (manifest, config) = S3::new(place, Watch::SILENT)?.documents()?;
                (None, manifest, config)
            }
        };
        let name = place.to_string();
        let bad = |why: String| CacheError::NotACache { name: name.clone(), why };
        let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|error| bad(error.to_string()))?;
        let text = match manifest.config.media_type == media_type::CACHE_CONFIG {
            true => config,
            false => match manifest.annotations.get(INLINE_ANNOTATION) {
                Some(text) => text.clone().into_bytes(),
                None => return Err(bad("it holds no results of steps".to_owned())),
            },
        };
        let document = CacheDocument::read(&text, manifest.layers.len()).map_err(bad)?;
        let mut by_key = HashMap::new();
        for (at, result) in document.results.iter().enumerate() {
            by_key.extend(result.keys.iter().map(|key| (*key, at)));
        }
        Ok(Self { place, client, manifest, document, by_key })
    }

    /// Brings the result of a key into the store, under all its keys; `None` when the cache does not have it.
    ///
    /// # Errors
    /// When a layer does not arrive, or is not the one that was promised.
    pub fn restore(
        &self,
        store: &Store,
        key: &Key,
        watch: Watch<'_>,
    ) -> Result<Option<Vec<Layer>>, CacheError> {
        let Some(result) = self.by_key.get(key).and_then(|at| self.document.results.get(*at)) else {
            return Ok(None);
        };
        // What was checked when it was opened: every number is that of a layer.
        let wanted = result.layers.iter().filter_map(|number| {
            Some((self.manifest.layers.get(*number)?.clone(), *self.document.layers.get(*number)?))
        });
        let wanted: Vec<(Descriptor, DiffId)> = wanted.collect();
        let mut layers = match (&self.place, &self.client) {
            (CachePlace::Registry(name), Some(client)) => client.fetch_layers(store, name, &wanted, watch)?,
            (CachePlace::Registry(_), None) => return Ok(None),
            (CachePlace::Dir { path, .. }, _) => CacheDir::open(path)?.layers(store, &wanted)?,
            (CachePlace::S3(place), _) => S3::new(place, watch)?.layers(store, &wanted)?,
        };
        for (layer, number) in layers.iter_mut().zip(&result.layers) {
            if let Some(created) = self.document.created.get(*number) {
                layer.created = store.made_by(layer.id, *created)?;
            }
        }
        let ids: Vec<LayerId> = layers.iter().map(|layer| layer.id).collect();
        store.record_result(&result.keys, &ids, result.duration_ms)?;
        Ok(Some(layers))
    }
}

impl std::fmt::Display for CachePlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Registry(name) => f.write_str(name),
            Self::Dir { path, .. } => write!(f, "{}", path.display()),
            Self::S3(place) => place.fmt(f),
        }
    }
}

/// Sends results to a place.
///
/// # Errors
/// When a layer cannot be read, or the place refuses something.
pub fn send(
    store: &Store,
    results: &[Travelling],
    form: &Form,
    place: &CachePlace,
    watch: Watch<'_>,
) -> Result<(), CacheError> {
    let layers = CacheDocument::layers_of(results);
    let config = CacheDocument::new(&layers, results).text()?.into_bytes();
    match place {
        CachePlace::Registry(name) => {
            Client::from_environment()?.push_cache(store, &layers, config, form, name, watch)?;
        }
        CachePlace::Dir { path, tag, .. } => CacheDir::write(store, &layers, config, form, path, tag)?,
        CachePlace::S3(place) => S3::new(place, watch)?.send(store, &layers, config, form)?,
    }
    Ok(())
}
