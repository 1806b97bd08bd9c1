//! Pushing images that buildc made: their layers exist as directories and are compressed on the way out.

#![allow(clippy::unwrap_used)]

mod peers;

use std::fs;

use buildc_digest::Digest;
use buildc_store::oci::{Descriptor, Manifest, Platform, media_type};
use buildc_store::remote::Watch;
use buildc_store::{Layer, Store};
use peers::{Place, Registry, client, have, run};
use serde_json::json;

fn layer(store: &Store, name: &str, text: &str) -> Layer {
    let pending = store.begin_layer().unwrap();
    fs::write(pending.dir().join(name), text).unwrap();
    pending.seal_from_disk().unwrap()
}

/// As the executor assembles an image: an OCI manifest whose layers are uncompressed tars that no blob holds.
fn built(store: &Store, name: &str) -> Vec<Layer> {
    let layers = vec![layer(store, "one", "1"), layer(store, "two", &"two ".repeat(700_000))];
    let diff_ids: Vec<_> = layers.iter().map(|layer| layer.diff_id).collect();
    let config = json!({
        "architecture": "amd64", "os": "linux", "config": {}, "rootfs": { "type": "layers", "diff_ids": diff_ids }
    });
    let config = serde_json::to_vec(&config).unwrap();
    let describe = |layer: &Layer| {
        let mut tar = Vec::new();
        store.write_layer_tar(layer.id, &mut tar).unwrap();
        Descriptor::new(
            media_type::OCI_LAYER,
            Digest::from_bytes(*layer.diff_id.as_bytes()),
            tar.len() as u64,
        )
    };
    let manifest = Manifest {
        schema_version: 2,
        media_type: Some(media_type::OCI_MANIFEST.to_owned()),
        config: Descriptor::of(media_type::OCI_CONFIG, &config),
        layers: layers.iter().map(describe).collect(),
        annotations: Default::default(),
    };
    let ids: Vec<_> = layers.iter().map(|layer| layer.id).collect();
    let bytes = serde_json::to_vec(&manifest).unwrap();
    let image = store.put_image(&bytes, media_type::OCI_MANIFEST, &config, &ids).unwrap();
    store.tag(name, &image.id).unwrap();
    layers
}

#[test]
fn a_built_image_is_compressed_once_and_always_the_same() {
    if !have(&["docker-registry", "skopeo"]) {
        return;
    }
    let (registry, one, two) = (Registry::plain(), Place::new(), Place::new());
    let client = client(one.dir.path());
    let layers = built(&one.store, "r.example/x:1");
    let first = client.push(&one.store, "r.example/x:1", &registry.name("x:1"), Watch::SILENT).unwrap();
    let forms = one.store.layer_blobs(&layers[1].diff_id).unwrap();
    assert_eq!(forms.len(), 1);
    let again = client.push(&one.store, "r.example/x:1", &registry.name("x:2"), Watch::SILENT).unwrap();
    assert_eq!(first.digest, again.digest);
    assert_eq!(registry.requests("POST /v2/x/blobs/uploads"), 3, "two layers and a config, once");
    let raw = run(
        "skopeo",
        &["inspect", "--raw", "--tls-verify=false", &format!("docker://{}", registry.name("x:1"))],
    );
    assert!(raw.contains(media_type::OCI_LAYER_GZIP) && raw.contains(&forms[0].blob.to_string()), "{raw}");

    let pulled = client.pull(&two.store, &registry.name("x:1"), &Platform::host(), Watch::SILENT).unwrap();
    let diff_ids: Vec<_> = pulled.layers.iter().map(|layer| layer.diff_id).collect();
    assert_eq!(diff_ids, layers.iter().map(|layer| layer.diff_id).collect::<Vec<_>>());
    assert_eq!(pulled.manifest, first.digest);
    let copy = one.path("copy");
    run(
        "skopeo",
        &[
            "copy",
            "-q",
            "--src-tls-verify=false",
            &format!("docker://{}", registry.name("x:1")),
            &format!("oci:{}:x", copy.display()),
        ],
    );
}

#[test]
fn a_layer_that_stands_twice_travels_once() {
    if !have(&["docker-registry", "skopeo", "umoci"]) {
        return;
    }
    let (registry, place) = (Registry::plain(), Place::new());
    peers::seed(&registry, place.dir.path(), "base:1");
    let client = client(place.dir.path());
    let base = client.pull(&place.store, &registry.name("base:1"), &Platform::host(), Watch::SILENT).unwrap();
    let own = layer(&place.store, "own", "mine");
    let layers: Vec<Layer> = base.layers.iter().cloned().chain([own.clone(), own]).collect();
    let diff_ids: Vec<_> = layers.iter().map(|layer| layer.diff_id).collect();
    let config = json!({ "architecture": "amd64", "os": "linux", "rootfs": { "type": "layers", "diff_ids": diff_ids } });
    let config = serde_json::to_vec(&config).unwrap();
    let describe =
        |l: &Layer| Descriptor::new(media_type::OCI_LAYER, Digest::from_bytes(*l.diff_id.as_bytes()), 0);
    let manifest = Manifest {
        schema_version: 2,
        media_type: Some(media_type::OCI_MANIFEST.to_owned()),
        config: Descriptor::of(media_type::OCI_CONFIG, &config),
        layers: layers.iter().map(describe).collect(),
        annotations: Default::default(),
    };
    let ids: Vec<_> = layers.iter().map(|layer| layer.id).collect();
    let bytes = serde_json::to_vec(&manifest).unwrap();
    let image = place.store.put_image(&bytes, media_type::OCI_MANIFEST, &config, &ids).unwrap();
    client.push(&place.store, &image.id.to_string(), &registry.name("app:1"), Watch::SILENT).unwrap();
    // The base's layers are mounted with the digests they came with; only the own layer and the config are sent.
    assert_eq!(registry.requests("mount=sha256"), 2);
    assert_eq!(registry.requests("PUT /v2/app/blobs/uploads"), 2);
}
