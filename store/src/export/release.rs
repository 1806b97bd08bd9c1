//! What leaves under one name: one image, or an index over the images of several platforms and what is attested of them.
//!
//! Owns: the index, the attestation manifests (in-toto statements in the layout that BuildKit gives them) and their
//! order. Never does: making statements' bodies, or sending.

use std::collections::BTreeMap;

use buildc_digest::Digest;
use serde::Serialize;
use serde_json::{Value, json};

use super::form::{AnnotationLevel, Form};
use crate::oci::{ConfigView, Descriptor, Platform, media_type};
use crate::{ImageRecord, LayerBlob, Result, Store, StoreError};

/// Config of a manifest that is no image (OCI image specification, `manifest.md#guidance-for-an-empty-descriptor`).
pub(crate) const EMPTY: &[u8] = b"{}";
const REFERENCE_TYPE: &str = "vnd.docker.reference.type";
const REFERENCE_DIGEST: &str = "vnd.docker.reference.digest";
const PREDICATE_TYPE: &str = "in-toto.io/predicate-type";
/// Configs have no limit in any specification; real ones have some KiB.
const CONFIG_LIMIT: u64 = 8 << 20;

/// Images that leave together.
#[derive(Clone, Debug)]
pub struct Release {
    /// One for each platform.
    pub members: Vec<Member>,
    /// In which form.
    pub form: Form,
    /// An index even over one image without attestations.
    pub always_index: bool,
}

/// One image of a release.
#[derive(Clone, Debug)]
pub struct Member {
    /// The image.
    pub image: ImageRecord,
    /// What is attested of it.
    pub statements: Vec<Statement>,
}

/// The body of an in-toto statement; its subject is found when the image's manifest is.
#[derive(Clone, PartialEq, Debug)]
pub struct Statement {
    /// URI of the predicate's type.
    pub predicate_type: String,
    /// The predicate.
    pub predicate: Value,
}

impl Release {
    /// One image in whatever form it has.
    pub fn of(image: ImageRecord) -> Self {
        let members = vec![Member { image, statements: Vec::new() }];
        Self { members, form: Form::default(), always_index: false }
    }

    /// True when an index leaves, not a manifest alone.
    pub fn is_index(&self) -> bool {
        self.always_index || self.members.len() != 1 || self.members.iter().any(|m| !m.statements.is_empty())
    }
}

/// A document that is to leave.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) descriptor: Descriptor,
    pub(crate) bytes: Vec<u8>,
}

impl Document {
    fn of(media_type: &str, bytes: Vec<u8>) -> Self {
        Self { descriptor: Descriptor::of(media_type, &bytes), bytes }
    }
}

/// All documents over the layers of a release.
#[derive(Debug)]
pub(crate) struct Composed {
    /// Blobs that are no layers: statements, and the empty config.
    pub(crate) blobs: Vec<Document>,
    /// Manifests, each with the digest of what it refers to; what names others comes after them, the last is the whole.
    pub(crate) manifests: Vec<(Document, Option<Digest>)>,
}

impl Composed {
    /// The document that everything else hangs on.
    pub(crate) fn root(&self) -> Option<&Document> {
        self.manifests.last().map(|(document, _)| document)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct IndexDocument {
    schema_version: u32,
    media_type: &'static str,
    manifests: Vec<Descriptor>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
}

/// Puts the documents of a release together. `manifests` are those of its members, in their order, with media types.
pub(crate) fn compose(
    store: &Store,
    release: &Release,
    manifests: Vec<(Vec<u8>, String)>,
) -> Result<Composed> {
    let mut composed = Composed { blobs: Vec::new(), manifests: Vec::new() };
    let (mut images, mut attested) = (Vec::new(), Vec::new());
    for (member, (bytes, media_type)) in release.members.iter().zip(manifests) {
        let platform = platform(store, &member.image)?;
        let document = Document::of(&media_type, bytes);
        let mut descriptor = document.descriptor.clone();
        descriptor.annotations =
            release.form.annotations(AnnotationLevel::ManifestDescriptor, Some(&platform));
        descriptor.platform = Some(platform);
        images.push(descriptor);
        let subject = document.descriptor.clone();
        composed.manifests.push((document, None));
        if !member.statements.is_empty() {
            let manifest = attest(&mut composed.blobs, &member.statements, &subject)?;
            attested.push(reference(&manifest.descriptor, &subject));
            composed.manifests.push((manifest, Some(subject.digest)));
        }
    }
    if release.is_index() {
        // Whoever takes the first entry that fits must find images first.
        images.extend(attested);
        let media_type =
            if release.form.docker_types { media_type::DOCKER_LIST } else { media_type::OCI_INDEX };
        let annotations = release.form.annotations(AnnotationLevel::Index, None);
        let index = IndexDocument { schema_version: 2, media_type, manifests: images, annotations };
        composed.manifests.push((Document::of(media_type, encode(&index)?), None));
    }
    Ok(composed)
}

fn encode(document: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(document).map_err(|error| StoreError::Document { why: error.to_string() })
}

/// The platform that an image's config names.
pub(crate) fn platform(store: &Store, image: &ImageRecord) -> Result<Platform> {
    let bytes = store.read_blob(&image.id, CONFIG_LIMIT)?;
    let view: ConfigView =
        serde_json::from_slice(&bytes).map_err(|error| StoreError::Document { why: error.to_string() })?;
    let ConfigView { architecture, os, os_version, variant, .. } = view;
    Ok(Platform { architecture, os, os_version, variant })
}

/// The manifest over an image's statements; the statements themselves go to `blobs`.
fn attest(blobs: &mut Vec<Document>, statements: &[Statement], subject: &Descriptor) -> Result<Document> {
    let mut layers = Vec::new();
    for statement in statements {
        let body = json!({
            "_type": "https://in-toto.io/Statement/v1",
            "predicateType": statement.predicate_type,
            "subject": [{ "name": "_", "digest": { "sha256": subject.digest.hex() } }],
            "predicate": statement.predicate,
        });
        let document = Document::of(media_type::IN_TOTO, encode(&body)?);
        let mut layer = document.descriptor.clone();
        layer.annotations.insert(PREDICATE_TYPE.to_owned(), statement.predicate_type.clone());
        layers.push(layer);
        blobs.push(document);
    }
    let empty = Document::of(media_type::EMPTY, EMPTY.to_vec());
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": media_type::OCI_MANIFEST,
        "artifactType": media_type::ATTESTATION,
        "config": empty.descriptor,
        "layers": layers,
        "subject": Descriptor::new(&subject.media_type, subject.digest, subject.size),
    });
    blobs.push(empty);
    Ok(Document::of(media_type::OCI_MANIFEST, encode(&manifest)?))
}

/// Config and manifest of a build cache over these layers.
pub(crate) fn cache_manifest(config: Vec<u8>, blobs: &[LayerBlob]) -> Result<(Document, Document)> {
    let config = Document::of(media_type::CACHE_CONFIG, config);
    let layer = |b: &LayerBlob| Descriptor::new(&b.media_type, b.blob, b.size_bytes);
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": media_type::OCI_MANIFEST,
        "config": config.descriptor,
        "layers": blobs.iter().map(layer).collect::<Vec<_>>(),
    });
    let manifest = Document::of(media_type::OCI_MANIFEST, encode(&manifest)?);
    Ok((config, manifest))
}

/// How the index speaks of an attestation manifest, so that nobody takes it for an image.
fn reference(attestation: &Descriptor, subject: &Descriptor) -> Descriptor {
    let unknown = || "unknown".to_owned();
    let annotations = [
        (REFERENCE_TYPE.to_owned(), "attestation-manifest".to_owned()),
        (REFERENCE_DIGEST.to_owned(), subject.digest.to_string()),
    ];
    Descriptor {
        annotations: annotations.into(),
        platform: Some(Platform { architecture: unknown(), os: unknown(), os_version: None, variant: None }),
        artifact_type: Some(media_type::ATTESTATION.to_owned()),
        ..attestation.clone()
    }
}
