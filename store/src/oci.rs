//! JSON documents of images: manifest, index, descriptor, config, as far as buildc reads them.
//!
//! Owns: the serde types and the media types of both families (OCI image specification 1.1, Docker image manifest v2
//! schema 2). Never does: re-encoding of a document that came from outside. The bytes that were read are what is
//! stored, hashed and pushed; these types are only a view of them.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use buildc_digest::{DiffId, Digest};
use serde::{Deserialize, Serialize};

/// Media types of manifests, configs and layers.
pub mod media_type {
    /// OCI image index.
    pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
    /// OCI image manifest.
    pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
    /// OCI image config.
    pub const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
    /// OCI layer, uncompressed.
    pub const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
    /// OCI layer, gzip.
    pub const OCI_LAYER_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
    /// OCI layer, zstd.
    pub const OCI_LAYER_ZSTD: &str = "application/vnd.oci.image.layer.v1.tar+zstd";
    /// Docker manifest list.
    pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
    /// Docker manifest, version 2 schema 2.
    pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
    /// Docker manifest, version 2 schema 1; refused.
    pub const DOCKER_SCHEMA1: &str = "application/vnd.docker.distribution.manifest.v1+json";
    /// Docker manifest, version 2 schema 1, signed; refused.
    pub const DOCKER_SCHEMA1_SIGNED: &str = "application/vnd.docker.distribution.manifest.v1+prettyjws";
    /// Docker image config.
    pub const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
    /// Docker layer, uncompressed.
    pub const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar";
    /// Docker layer, gzip.
    pub const DOCKER_LAYER_GZIP: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";

    /// The two bytes `{}`, as config of what is no image.
    pub const EMPTY: &str = "application/vnd.oci.empty.v1+json";
    /// An in-toto statement.
    pub const IN_TOTO: &str = "application/vnd.in-toto+json";
    /// What BuildKit calls a manifest over statements.
    pub const ATTESTATION: &str = "application/vnd.docker.attestation.manifest.v1+json";

    /// Config of a build cache.
    pub const CACHE_CONFIG: &str = "application/vnd.buildc.cache.config.v1+json";

    /// Says whether a media type names a list of manifests.
    pub fn is_index(media_type: &str) -> bool {
        media_type == OCI_INDEX || media_type == DOCKER_LIST
    }

    /// Says whether a media type names an image manifest that buildc reads.
    pub fn is_manifest(media_type: &str) -> bool {
        media_type == OCI_MANIFEST || media_type == DOCKER_MANIFEST
    }

    /// Says whether a media type names a compressed layer.
    pub fn is_compressed(media_type: &str) -> bool {
        media_type.ends_with("gzip") || media_type.ends_with("+zstd")
    }

    /// Says whether a media type names a layer that is fetched from elsewhere and not pushed.
    pub fn is_nondistributable(media_type: &str) -> bool {
        media_type.contains("nondistributable") || media_type.contains("rootfs.foreign")
    }
}

/// Points at a document or blob (OCI image specification, `descriptor.md`).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What it is.
    pub media_type: String,
    /// sha256 of its bytes.
    pub digest: Digest,
    /// Its length in bytes.
    pub size: u64,
    /// Where else it can be fetched from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
    /// Free annotations; names of images in a layout stand here.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "null_is_default")]
    pub annotations: BTreeMap<String, String>,
    /// In an index: for which machine the manifest is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// What an artifact manifest says it is; images have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
}

impl Descriptor {
    /// Describes bytes.
    pub fn of(media_type: &str, bytes: &[u8]) -> Self {
        Self::new(media_type, Digest::of(bytes), bytes.len() as u64)
    }

    /// Describes a blob by digest and size in bytes.
    pub fn new(media_type: &str, digest: Digest, size: u64) -> Self {
        Self {
            media_type: media_type.to_owned(),
            digest,
            size,
            urls: Vec::new(),
            annotations: BTreeMap::new(),
            platform: None,
            artifact_type: None,
        }
    }
}

/// An image manifest of either family.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Always 2; schema 1 is refused.
    pub schema_version: u32,
    /// May be missing in OCI documents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// The image's config.
    pub config: Descriptor,
    /// Layers, lowest first.
    pub layers: Vec<Descriptor>,
    /// Free annotations.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "null_is_default")]
    pub annotations: BTreeMap<String, String>,
}

/// A list of manifests, one for each platform.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    /// Always 2.
    pub schema_version: u32,
    /// May be missing in OCI documents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// The manifests, possibly again indexes.
    pub manifests: Vec<Descriptor>,
}

/// What a document is, found without trusting the Content-Type header alone.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Shape {
    /// 1 for the refused old form.
    pub schema_version: Option<u32>,
    /// As the document says.
    #[serde(default)]
    pub media_type: Option<String>,
    #[serde(default)]
    manifests: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    layers: Option<serde::de::IgnoredAny>,
}

impl Shape {
    /// The media type that the document has: its own word first, then `declared`, then what its fields look like
    /// (OCI image specification, `manifest.md#guidelines`).
    pub fn media_type(&self, declared: Option<&str>) -> Option<String> {
        let known = |m: &&str| media_type::is_index(m) || media_type::is_manifest(m);
        let said = self.media_type.as_deref().filter(known).or(declared.filter(known));
        match (said, &self.manifests, &self.layers) {
            (Some(said), _, _) => Some(said.to_owned()),
            (None, Some(_), _) => Some(media_type::OCI_INDEX.to_owned()),
            (None, None, Some(_)) => Some(media_type::OCI_MANIFEST.to_owned()),
            _ => None,
        }
    }
}

/// The part of an image's config that storing and choosing need.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct ConfigView {
    /// CPU architecture as Go names it.
    #[serde(default)]
    pub architecture: String,
    /// Operating system.
    #[serde(default)]
    pub os: String,
    /// Of Windows: its build.
    #[serde(rename = "os.version", default)]
    pub os_version: Option<String>,
    /// CPU variant.
    #[serde(default)]
    pub variant: Option<String>,
    /// RFC 3339 time.
    #[serde(default)]
    pub created: Option<String>,
    /// Layers by diff_id.
    pub rootfs: RootFs,
}

/// `rootfs` of an image's config.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RootFs {
    /// Always `layers`.
    #[serde(rename = "type")]
    pub kind: String,
    /// sha256 of each layer's uncompressed tar, lowest first.
    #[serde(default, deserialize_with = "null_is_default")]
    pub diff_ids: Vec<DiffId>,
}

/// Operating system and CPU, as an index and `--platform` name them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Platform {
    /// CPU architecture as Go names it, for example `amd64`.
    pub architecture: String,
    /// Operating system, for example `linux`.
    pub os: String,
    /// For Windows: its build.
    #[serde(rename = "os.version", default, skip_serializing_if = "Option::is_none")]
    pub os_version: Option<String>,
    /// CPU variant, for example `v7`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

/// A platform text that cannot be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("Platform `{0}` is not of the form os/arch[/variant]")]
pub struct ParsePlatformError(pub String);

impl Platform {
    /// The platform this binary was compiled for.
    pub fn host() -> Self {
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            "x86" => "386",
            "powerpc64" => "ppc64le",
            other => other,
        };
        let variant = (architecture == "arm").then(|| "v7".to_owned());
        Self { architecture: architecture.to_owned(), os: "linux".to_owned(), os_version: None, variant }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        match self.variant.as_deref() {
            Some(variant) if !variant.is_empty() => write!(f, "/{variant}"),
            _ => Ok(()),
        }
    }
}

impl FromStr for Platform {
    type Err = ParsePlatformError;

    /// Reads the normalised `os/arch[/variant]`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split('/').map(str::to_owned);
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(os), Some(architecture), variant, None) if !os.is_empty() && !architecture.is_empty() => {
                Ok(Self { architecture, os, os_version: None, variant })
            }
            _ => Err(ParsePlatformError(text.to_owned())),
        }
    }
}

/// Go writers encode empty maps and lists as `null`.
fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}
