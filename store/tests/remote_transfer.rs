//! Pulling from and pushing to a real registry.

#![allow(clippy::unwrap_used)]

mod peers;

use std::sync::Mutex;

use buildc_store::TreeView;
use buildc_store::oci::Platform;
use buildc_store::remote::{Progress, RemoteError, Watch};
use peers::{Place, Registry, client, have, remote_digest, run, seed};

const TOOLS: [&str; 3] = ["docker-registry", "skopeo", "umoci"];

#[test]
fn a_pulled_image_has_its_files_and_goes_back_with_the_same_bytes() {
    if !have(&TOOLS) {
        return;
    }
    let (registry, place) = (Registry::plain(), Place::new());
    seed(&registry, place.dir.path(), "app:1");
    let client = client(place.dir.path());
    let image = client.pull(&place.store, &registry.name("app:1"), &Platform::host(), Watch::SILENT).unwrap();
    assert_eq!(image.tags, [registry.name("app:1")]);
    assert_eq!(image.layers.len(), 2);
    assert_eq!(image.manifest.to_string(), remote_digest(&registry.name("app:1")));
    let view = TreeView::new(&place.store, &image.layers).unwrap();
    assert_eq!(view.read_file(b"etc/greeting", 100).unwrap().unwrap(), b"hello");

    let other = Registry::plain();
    let pushed =
        client.push(&place.store, &registry.name("app:1"), &other.name("copy:2"), Watch::SILENT).unwrap();
    assert_eq!(pushed.digest, image.manifest);
    assert_eq!(remote_digest(&other.name("copy:2")), image.manifest.to_string());
    run(
        "skopeo",
        &[
            "copy",
            "-q",
            "--src-tls-verify=false",
            &format!("docker://{}", other.name("copy:2")),
            &format!("dir:{}", place.path("check").display()),
        ],
    );
}

#[test]
fn what_is_there_already_is_not_transferred_again() {
    if !have(&TOOLS) {
        return;
    }
    let (registry, place) = (Registry::plain(), Place::new());
    seed(&registry, place.dir.path(), "app:1");
    let client = client(place.dir.path());
    let name = registry.name("app:1");
    for _ in 0..2 {
        client.pull(&place.store, &name, &Platform::host(), Watch::SILENT).unwrap();
    }
    // The config is asked for each time, each layer once.
    assert_eq!(registry.requests("GET /v2/app/blobs"), 2 + 2);
    let before = registry.requests("PUT /v2");
    client.push(&place.store, &name, &name, Watch::SILENT).unwrap();
    assert_eq!(registry.requests("PUT /v2"), before + 1, "only the manifest is written");
    client.push(&place.store, &name, &registry.name("other:1"), Watch::SILENT).unwrap();
    assert_eq!(registry.requests("PUT /v2"), before + 2, "blobs are mounted, the manifest is written");
    assert_eq!(registry.requests("mount=sha256"), 3);
}

#[test]
fn only_documents_are_fetched_to_resolve_a_name() {
    if !have(&TOOLS) {
        return;
    }
    let (registry, place) = (Registry::plain(), Place::new());
    seed(&registry, place.dir.path(), "app:1");
    let client = client(place.dir.path());
    let found = client.resolve_remote(&registry.name("app:1"), &Platform::host(), Watch::SILENT).unwrap();
    assert_eq!(registry.requests("GET /v2/app/blobs"), 1);
    assert_eq!(found.digest.to_string(), remote_digest(&registry.name("app:1")));
    assert!(String::from_utf8(found.config).unwrap().contains("/bin/true"));
}

#[test]
fn progress_reaches_the_end_and_cancelling_stops() {
    if !have(&TOOLS) {
        return;
    }
    let (registry, place) = (Registry::plain(), Place::new());
    seed(&registry, place.dir.path(), "app:1");
    let client = client(place.dir.path());
    let cancelled = Watch { progress: &|_| {}, cancelled: &|| true };
    let stopped = client.pull(&place.store, &registry.name("app:1"), &Platform::host(), cancelled);
    assert!(matches!(stopped, Err(RemoteError::Cancelled)));
    assert!(place.store.images().unwrap().is_empty());
    let seen = Mutex::new(Vec::new());
    let watch = Watch { progress: &|p| seen.lock().unwrap().push(p), cancelled: &|| false };
    client.pull(&place.store, &registry.name("app:1"), &Platform::host(), watch).unwrap();
    let seen = seen.into_inner().unwrap();
    let whole = |p: &&Progress| matches!(p, Progress::Blob { done_bytes, total_bytes, .. } if done_bytes == total_bytes);
    assert_eq!(seen.iter().filter(whole).count(), 2);
    assert_eq!(seen.iter().filter(|p| matches!(p, Progress::Finished { .. })).count(), 2);
}

#[test]
fn failures_say_what_was_asked_where() {
    if !have(&TOOLS) {
        return;
    }
    let (registry, place) = (Registry::plain(), Place::new());
    seed(&registry, place.dir.path(), "app:1");
    let client = client(place.dir.path());
    let pull = |name: &str, platform: &str| {
        client.pull(&place.store, name, &platform.parse().unwrap(), Watch::SILENT).unwrap_err()
    };
    let missing = pull(&registry.name("app:2"), "linux/amd64");
    assert_eq!(missing.code(), "registry::not_found");
    assert!(missing.to_string().contains("/v2/app/manifests/2"), "{missing}");
    let nobody = pull("127.0.0.1:1/app:1", "linux/amd64");
    assert_eq!(nobody.code(), "registry::unreachable");
    assert!(nobody.to_string().contains("127.0.0.1:1"), "{nobody}");
    assert!(nobody.help().is_some());
    let unknown =
        client.push(&place.store, "nothing.example/x:1", &registry.name("x:1"), Watch::SILENT).unwrap_err();
    assert_eq!(unknown.code(), "image::not_found");
}
