//! In which form layers leave: the compression, its level, and whether forms that exist already are kept.
//!
//! Owns: what may be chosen and what it is called. Never does: compressing.

use std::collections::BTreeMap;

use crate::LayerBlob;
use crate::compression;
use crate::oci::{Platform, media_type};

/// How a layer's tar is compressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Algorithm {
    /// RFC 1952.
    #[default]
    Gzip,
    /// RFC 8878.
    Zstd,
    /// Not at all.
    Uncompressed,
}

/// An algorithm with its level.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Packing {
    algorithm: Algorithm,
    level: u32,
}

/// A level that the algorithm does not have.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("Compression level {level} is not between 0 and {highest}")]
pub struct BadLevel {
    level: u32,
    highest: u32,
}

/// What zstd's library takes as its default.
const ZSTD_LEVEL: u32 = 3;

impl Default for Packing {
    fn default() -> Self {
        Self { algorithm: Algorithm::Gzip, level: compression::GZIP_LEVEL }
    }
}

impl Packing {
    /// An algorithm at a level, or at its default one.
    ///
    /// # Errors
    /// [`BadLevel`] above 9 for gzip and above 22 for zstd.
    pub fn new(algorithm: Algorithm, level: Option<u32>) -> Result<Self, BadLevel> {
        let (default, highest) = match algorithm {
            Algorithm::Gzip => (compression::GZIP_LEVEL, 9),
            Algorithm::Zstd => (ZSTD_LEVEL, 22),
            Algorithm::Uncompressed => return Ok(Self { algorithm, level: 0 }),
        };
        match level.unwrap_or(default) {
            level if level > highest => Err(BadLevel { level, highest }),
            level => Ok(Self { algorithm, level }),
        }
    }

    /// The algorithm.
    pub fn algorithm(self) -> Algorithm {
        self.algorithm
    }

    pub(super) fn level(self) -> u32 {
        self.level
    }

    /// The OCI media type of a layer in this form.
    pub(super) fn media_type(self) -> &'static str {
        match self.algorithm {
            Algorithm::Gzip => media_type::OCI_LAYER_GZIP,
            Algorithm::Zstd => media_type::OCI_LAYER_ZSTD,
            Algorithm::Uncompressed => media_type::OCI_LAYER,
        }
    }

    /// What is recorded with a blob that was made so: it changes whenever the bytes do.
    pub(super) fn compressor(self) -> String {
        match self.algorithm {
            Algorithm::Gzip => compression::gzip_name(self.level),
            Algorithm::Zstd => compression::zstd_name(self.level),
            Algorithm::Uncompressed => "none".to_owned(),
        }
    }
}

/// The form in which an image is to leave.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Form {
    /// The wanted compression; `None` takes whatever a layer has, and gzip for one that has none.
    pub packing: Option<Packing>,
    /// Layers that came from elsewhere in another compression are compressed anew too.
    pub force: bool,
    /// Docker's media types instead of OCI's.
    pub docker_types: bool,
    /// Annotations that are to be added.
    pub annotations: Vec<Annotation>,
}

impl Form {
    /// True where a manifest that came from outside may leave as it is.
    pub(crate) fn keeps_originals(&self) -> bool {
        let on_manifests = |a: &Annotation| a.level == AnnotationLevel::Manifest;
        self.packing.is_none() && !self.docker_types && !self.annotations.iter().any(on_manifests)
    }

    /// Says whether a blob that exists will do.
    pub(super) fn takes(&self, blob: &LayerBlob) -> bool {
        let packing = self.packing.unwrap_or_default();
        match (blob.compressor.as_str(), self.packing) {
            ("foreign", Some(_)) if self.force => blob.media_type.ends_with(suffix(packing.algorithm)),
            ("foreign", _) => media_type::is_compressed(&blob.media_type),
            (own, _) => own == packing.compressor(),
        }
    }

    /// What is to be written on a document of this level and platform.
    pub(crate) fn annotations(
        &self,
        level: AnnotationLevel,
        platform: Option<&Platform>,
    ) -> BTreeMap<String, String> {
        let meant = |a: &&Annotation| {
            a.level == level
                && a.platform.as_ref().is_none_or(|wanted| platform.is_some_and(|p| same(wanted, p)))
        };
        self.annotations.iter().filter(meant).map(|a| (a.key.clone(), a.value.clone())).collect()
    }
}

/// Platforms are compared as they are written.
fn same(a: &Platform, b: &Platform) -> bool {
    a.to_string() == b.to_string()
}

/// How the media types of both families end.
fn suffix(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Gzip => "gzip",
        Algorithm::Zstd => "zstd",
        Algorithm::Uncompressed => "tar",
    }
}

/// One annotation to add (OCI image specification, `annotations.md`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Annotation {
    /// On which document.
    pub level: AnnotationLevel,
    /// Only for this platform's.
    pub platform: Option<Platform>,
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: String,
}

/// Where an annotation stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AnnotationLevel {
    /// In the image's manifest.
    Manifest,
    /// In the index over manifests.
    Index,
    /// In the index, beside the manifest's digest.
    ManifestDescriptor,
    /// In a layout's `index.json`, beside the digest of what it names.
    IndexDescriptor,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blob(media_type: &str, compressor: &str) -> LayerBlob {
        let digest = buildc_digest::Digest::of(b"");
        LayerBlob {
            diff_id: buildc_digest::DiffId::from_bytes(*digest.as_bytes()),
            blob: digest,
            size_bytes: 0,
            media_type: media_type.to_owned(),
            compressor: compressor.to_owned(),
        }
    }

    #[test]
    fn layers_from_elsewhere_keep_their_form_unless_forced() {
        let foreign = blob(media_type::DOCKER_LAYER_GZIP, "foreign");
        let zstd = Packing::new(Algorithm::Zstd, None).unwrap();
        let own = blob(media_type::OCI_LAYER_GZIP, &Packing::default().compressor());
        let form = Form { packing: Some(zstd), ..Form::default() };
        assert!(Form::default().takes(&foreign) && Form::default().takes(&own));
        assert!(form.takes(&foreign) && !form.takes(&own));
        assert!(!Form { force: true, ..form }.takes(&foreign));
    }

    #[test]
    fn levels_are_bounded() {
        for (algorithm, highest) in [(Algorithm::Gzip, 9), (Algorithm::Zstd, 22)] {
            assert!(Packing::new(algorithm, Some(highest)).is_ok());
            assert!(Packing::new(algorithm, Some(highest + 1)).is_err());
        }
    }
}
