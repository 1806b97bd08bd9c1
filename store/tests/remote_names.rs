//! What a name leads to: indexes and platforms, mirrors, search lists, the user's environment.

#![allow(clippy::unwrap_used)]

mod peers;

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::Command;

use buildc_digest::Digest;
use buildc_store::oci::Platform;
use buildc_store::remote::{Client, CredentialFiles, Registries, Watch};
use peers::{Place, Registry, client, have, run, seed, umoci_layout};
use serde_json::{Value, json};

const TOOLS: [&str; 3] = ["docker-registry", "skopeo", "umoci"];

/// Puts an index over the layout's image: once for each platform, and an attestation.
fn index_over(layout: &Path, platforms: &[&str]) -> Digest {
    let path = layout.join("index.json");
    let index: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let image = &index["manifests"][0];
    let entry = |platform: &&str| {
        let platform: Platform = platform.parse().unwrap();
        json!({ "mediaType": image["mediaType"], "digest": image["digest"], "size": image["size"], "platform": platform })
    };
    let entries: Vec<Value> = platforms.iter().map(entry).collect();
    let nested = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": entries
    });
    let bytes = serde_json::to_vec(&nested).unwrap();
    let digest = Digest::of(&bytes);
    fs::write(layout.join("blobs/sha256").join(digest.hex()), &bytes).unwrap();
    let top = json!({ "schemaVersion": 2, "manifests": [{
        "mediaType": nested["mediaType"], "digest": digest, "size": bytes.len(),
        "annotations": { "org.opencontainers.image.ref.name": "multi" }
    }]});
    fs::write(&path, serde_json::to_vec(&top).unwrap()).unwrap();
    digest
}

#[test]
fn an_index_leads_to_the_platforms_image_and_is_known_by_its_digest() {
    if !have(&TOOLS) {
        return;
    }
    let (registry, place) = (Registry::plain(), Place::new());
    let layout = umoci_layout(place.dir.path());
    let top = index_over(&layout, &["unknown/unknown", "linux/arm/v6", "linux/amd64"]);
    let source = format!("oci:{}:multi", layout.display());
    let name = registry.name("multi:1");
    run("skopeo", &["copy", "-q", "--all", "--dest-tls-verify=false", &source, &format!("docker://{name}")]);
    let client = client(place.dir.path());
    let pull = |platform: &str| client.pull(&place.store, &name, &platform.parse().unwrap(), Watch::SILENT);
    let none = pull("linux/s390x").unwrap_err();
    assert_eq!(none.code(), "registry::no_platform");
    assert!(none.to_string().contains("linux/arm/v6, linux/amd64"), "{none}");
    assert!(!none.to_string().contains("unknown"));
    pull("linux/arm/v7").unwrap();
    let image = pull("linux/amd64").unwrap();
    let by_index = place.store.image(&format!("{}@{top}", registry.name("multi"))).unwrap().unwrap();
    assert_eq!(by_index.id, image.id);
    // The layout itself, loaded as a directory, leads through its nested index too.
    let other = Place::new();
    let loaded = buildc_store::archive::load_path(&other.store, &layout).unwrap();
    assert_eq!(loaded[0].image.id, image.id);
}

fn client_with(dir: &Path, conf: &str) -> Client {
    let path = dir.join("registries.conf");
    fs::write(&path, conf).unwrap();
    Client::new(Registries::load_file(&path).unwrap(), CredentialFiles::at(Vec::new()))
}

#[test]
fn mirrors_are_asked_first_and_the_origin_last() {
    if !have(&TOOLS) {
        return;
    }
    let (empty, full, place) = (Registry::plain(), Registry::plain(), Place::new());
    seed(&full, place.dir.path(), "hub/library/app:1");
    let conf = format!(
        "[[registry]]\nprefix = 'docker.io'\nlocation = '127.0.0.1:1/origin'\n\
         [[registry.mirror]]\nlocation = '{}'\n[[registry.mirror]]\nlocation = '{}/hub'\n",
        empty.host, full.host
    );
    let client = client_with(place.dir.path(), &conf);
    let image = client.pull(&place.store, "app:1", &Platform::host(), Watch::SILENT).unwrap();
    assert_eq!(image.tags, ["docker.io/library/app:1"], "the name is the origin's");
    assert_eq!(empty.requests("GET /v2/library/app/manifests/1"), 1);
    let nowhere = client.resolve_remote("other:1", &Platform::host(), Watch::SILENT).unwrap_err();
    assert_eq!(nowhere.code(), "registry::unreachable");
    assert!(nowhere.to_string().contains("127.0.0.1:1"), "{nowhere}");
    let conf =
        format!("[[registry]]\nlocation = '{}'\n[[registry.mirror]]\nlocation = '127.0.0.1:1'\n", empty.host);
    let client = client_with(place.dir.path(), &conf);
    let missing = client.resolve_remote(&empty.name("x"), &Platform::host(), Watch::SILENT).unwrap_err();
    assert_eq!(missing.code(), "registry::not_found", "the origin has the last word: {missing}");
}

#[test]
fn short_names_are_searched_in_order() {
    if !have(&TOOLS) {
        return;
    }
    let (first, second, place) = (Registry::plain(), Registry::plain(), Place::new());
    seed(&second, place.dir.path(), "app:1");
    let conf = format!("unqualified-search-registries = ['{}', '{}']\n", first.host, second.host);
    let client = client_with(place.dir.path(), &conf);
    let found = client.resolve_remote("app:1", &Platform::host(), Watch::SILENT).unwrap();
    assert_eq!(found.name, second.name("app:1"));
    let missing = client.resolve_remote("app:9", &Platform::host(), Watch::SILENT).unwrap_err();
    assert_eq!(missing.code(), "registry::not_found");
    assert!(missing.to_string().contains(&first.host) && missing.to_string().contains(&second.host));
    let conf = format!("unqualified-search-registries = ['{}', '127.0.0.1:1']\n", first.host);
    let client = client_with(place.dir.path(), &conf);
    let unknown = client.resolve_remote("app:1", &Platform::host(), Watch::SILENT).unwrap_err();
    assert_eq!(unknown.code(), "registry::unreachable", "the second one might have it");
    assert!(
        unknown.to_string().contains(&first.host) && unknown.to_string().contains("127.0.0.1:1"),
        "{unknown}"
    );
}

/// Runs as a process of its own, because configuration comes from the environment.
#[test]
#[ignore = "run by the_users_environment_is_honoured"]
fn child_with_environment() {
    let Some(name) = std::env::var("TEST_PULL").ok() else { return };
    let place = Place::new();
    let client = Client::from_environment().unwrap();
    client.pull(&place.store, &name, &Platform::host(), Watch::SILENT).unwrap();
}

#[test]
fn the_users_environment_is_honoured() {
    if !have(&["docker-registry", "skopeo", "umoci", "htpasswd"]) {
        return;
    }
    let place = Place::new();
    let options = peers::RegistryOptions { login: Some(("me", "secret")), ..Default::default() };
    let registry = Registry::start(&options);
    let layout = umoci_layout(place.dir.path());
    run(
        "skopeo",
        &[
            "copy",
            "-q",
            "--dest-tls-verify=false",
            "--dest-creds",
            "me:secret",
            &format!("oci:{}:t", layout.display()),
            &format!("docker://{}", registry.name("app:1")),
        ],
    );
    let (conf, bin, docker) = (place.path("r.conf"), place.path("bin"), place.path("docker"));
    fs::write(&conf, format!("unqualified-search-registries = ['{}']\n", registry.host)).unwrap();
    fs::create_dir(&bin).unwrap();
    fs::create_dir(&docker).unwrap();
    // A helper of the real protocol: it gets the server on its input and answers JSON.
    let helper = bin.join("docker-credential-test");
    fs::write(&helper, format!(
        "#!/bin/sh\nread server\n[ \"$1 $server\" = \"get {}\" ] || {{ echo credentials not found in native keychain; exit 1; }}\n\
         echo '{{\"ServerURL\":\"x\",\"Username\":\"me\",\"Secret\":\"secret\"}}'\n", registry.host)).unwrap();
    run("chmod", &["+x", helper.to_str().unwrap()]);
    let pulls = |config: &str| {
        fs::write(docker.join("config.json"), config).unwrap();
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_with_environment", "--ignored"])
            .env("TEST_PULL", "app:1")
            .env("CONTAINERS_REGISTRIES_CONF", &conf)
            .env("DOCKER_CONFIG", &docker)
            .env("HOME", place.dir.path())
            .env("PATH", path)
            .env_remove("REGISTRY_AUTH_FILE")
            .output()
            .unwrap();
        child.status.success()
    };
    assert!(pulls(r#"{"credsStore":"test"}"#));
    assert!(pulls(&format!(r#"{{"credHelpers":{{"{}":"test"}},"credsStore":"other"}}"#, registry.host)));
    assert!(pulls(&format!(r#"{{"auths":{{"{}":{{"auth":"bWU6c2VjcmV0"}}}}}}"#, registry.host)));
    assert!(!pulls("{}"));
}

#[test]
fn what_is_said_of_a_plain_http_registry_says_http() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|count| count > 0) {
                head.push(byte[0]);
                // What begins a TLS connection is answered too, as such servers do.
                if head == [0x16] {
                    break;
                }
            }
            let _ = stream.write_all(b"HTTP/1.1 418 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
    });
    let place = Place::new();
    let error = client(place.dir.path())
        .pull(&place.store, &format!("{host}/x"), &Platform::host(), Watch::SILENT)
        .unwrap_err()
        .to_string();
    assert!(error.contains(&format!("http://{host}/v2/x/")), "{error}");
}
