//! Image files that others wrote, and ours as others read them.

#![allow(clippy::unwrap_used)]

mod peers;

use std::fs::{self, File};
use std::path::Path;

use buildc_store::archive::{
    Format, export_dir, export_tar, import_rootfs, load, load_path, save, save_oci_dir,
};
use buildc_store::{Store, TreeView};
use peers::{Place, have, run, umoci_layout};
use serde_json::json;

const TOOLS: [&str; 2] = ["skopeo", "umoci"];

fn greeting(store: &Store, image: &buildc_store::ImageRecord) -> Vec<u8> {
    let view = TreeView::new(store, &image.layers).unwrap();
    view.read_file(b"etc/greeting", 100).unwrap().unwrap()
}

fn config_digest(reference: &str) -> String {
    let raw = run("skopeo", &["inspect", "--raw", reference]);
    let manifest: serde_json::Value = serde_json::from_str(&raw).unwrap();
    manifest["config"]["digest"].as_str().unwrap().to_owned()
}

#[test]
fn a_layout_directory_is_read_and_its_manifest_kept() {
    if !have(&TOOLS) {
        return;
    }
    let place = Place::new();
    let layout = umoci_layout(place.dir.path());
    let loaded = load_path(&place.store, &layout).unwrap();
    assert_eq!(loaded.len(), 1);
    assert!(loaded[0].names.is_empty(), "a lone tag names no image");
    let reference = format!("oci:{}:t", layout.display());
    assert_eq!(loaded[0].image.id.to_string(), config_digest(&reference));
    assert_eq!(greeting(&place.store, &loaded[0].image), b"hello");
}

#[test]
fn archives_of_skopeo_are_read_in_every_compression() {
    if !have(&["skopeo", "umoci", "gzip", "xz", "zstd", "bzip2"]) {
        return;
    }
    let place = Place::new();
    let source = format!("oci:{}:t", umoci_layout(place.dir.path()).display());
    for (transport, name) in [("docker-archive", "d.tar"), ("oci-archive", "o.tar")] {
        let path = place.path(name);
        run("skopeo", &["copy", "-q", &source, &format!("{transport}:{}:r.example/app:1", path.display())]);
        for program in ["cat", "gzip", "xz", "zstd", "bzip2"] {
            let packed = place.path("packed");
            let script = format!("{program} < {} > {}", path.display(), packed.display());
            run("sh", &["-c", &script]);
            let other = Place::new();
            let loaded = load(&other.store, &mut File::open(&packed).unwrap()).unwrap();
            assert_eq!(loaded.len(), 1, "{transport} {program}");
            assert_eq!(loaded[0].names, ["r.example/app:1"]);
            assert_eq!(greeting(&other.store, &loaded[0].image), b"hello");
        }
    }
}

fn loaded_as(place: &Place, name: &str) -> Vec<String> {
    let layout = place.path("layout");
    if !layout.exists() {
        umoci_layout(place.dir.path());
    }
    let loaded = load_path(&place.store, &layout).unwrap();
    place.store.tag(name, &loaded[0].image.id).unwrap();
    vec![name.to_owned()]
}

fn saved(store: &Store, names: &[String], format: Format, path: &Path) {
    save(store, names, format, &mut File::create(path).unwrap()).unwrap();
}

#[test]
fn what_is_saved_is_the_same_each_time_and_comes_back() {
    if !have(&TOOLS) {
        return;
    }
    let place = Place::new();
    let mut names = loaded_as(&place, "r.example/app:1");
    names.extend(loaded_as(&place, "r.example/app:2"));
    for format in [Format::DockerArchive, Format::OciArchive] {
        let (one, two) = (place.path("1.tar"), place.path("2.tar"));
        saved(&place.store, &names, format, &one);
        saved(&place.store, &names, format, &two);
        assert_eq!(fs::read(&one).unwrap(), fs::read(&two).unwrap());
        let listing = run("tar", &["--utc", "-tvf", &one.display().to_string()]);
        assert!(listing.lines().all(|line| line.contains("0/0") && line.contains("1970-01-01")), "{listing}");
        let other = Place::new();
        let back = load(&other.store, &mut File::open(&one).unwrap()).unwrap();
        assert_eq!(back.len(), 1, "two names, one image");
        assert_eq!(back[0].names, names);
        let original = place.store.image(&names[0]).unwrap().unwrap();
        assert_eq!(back[0].image.id, original.id);
        if format == Format::OciArchive {
            assert_eq!(back[0].image.manifest, original.manifest, "the original manifest travels");
        }
    }
}

#[test]
fn peers_read_what_is_saved() {
    if !have(&["skopeo", "umoci", "podman", "buildah"]) {
        return;
    }
    let place = Place::new();
    let names = loaded_as(&place, "r.example/app:1");
    let (docker, oci, dir) = (place.path("d.tar"), place.path("o.tar"), place.path("out"));
    saved(&place.store, &names, Format::DockerArchive, &docker);
    saved(&place.store, &names, Format::OciArchive, &oci);
    save_oci_dir(&place.store, &names, &dir).unwrap();
    for source in [
        format!("docker-archive:{}:r.example/app:1", docker.display()),
        format!("oci-archive:{}:1", oci.display()),
        format!("oci:{}:1", dir.display()),
    ] {
        let copy = place.path("copy");
        run("skopeo", &["copy", "-q", &source, &format!("dir:{}", copy.display())]);
        fs::remove_dir_all(&copy).unwrap();
        assert!(run("skopeo", &["inspect", "--config", &source]).contains("/bin/true"));
    }
    let bundle = place.path("bundle");
    let image = format!("{}:1", dir.display());
    let plain = place.path("plain");
    run("skopeo", &["copy", "-q", &format!("oci:{image}"), &format!("oci:{}:t", plain.display())]);
    let tagged = format!("{}:t", plain.display());
    run("umoci", &["unpack", "--rootless", "--image", &tagged, bundle.to_str().unwrap()]);
    assert_eq!(fs::read(bundle.join("rootfs/etc/greeting")).unwrap(), b"hello");
    let graph = place.path("graph");
    let run_root = place.path("run");
    let storage = [
        "--root",
        graph.to_str().unwrap(),
        "--runroot",
        run_root.to_str().unwrap(),
        "--storage-driver",
        "vfs",
    ];
    for file in [&docker, &oci] {
        let said =
            run("podman", &[storage.as_slice(), &["load", "-q", "-i", file.to_str().unwrap()]].concat());
        assert!(said.contains("r.example/app:1"), "{said}");
    }
    let from = format!("docker-archive:{}", docker.display());
    run("buildah", &[storage.as_slice(), &["from", "--name", "c", &from]].concat());
}

#[test]
fn layout_directories_grow_and_foreign_directories_are_left_alone() {
    if !have(&TOOLS) {
        return;
    }
    let place = Place::new();
    let names = loaded_as(&place, "r.example/app:1");
    let dir = place.path("out");
    for _ in 0..2 {
        save_oci_dir(&place.store, &names, &dir).unwrap();
    }
    save_oci_dir(&place.store, &loaded_as(&place, "r.example/app:2"), &dir).unwrap();
    let index: serde_json::Value =
        serde_json::from_slice(&fs::read(dir.join("index.json")).unwrap()).unwrap();
    assert_eq!(index["manifests"].as_array().unwrap().len(), 2);
    fs::create_dir(place.path("mine")).unwrap();
    fs::write(place.path("mine/file"), "x").unwrap();
    let refused = save_oci_dir(&place.store, &names, &place.path("mine")).unwrap_err();
    assert_eq!(refused.code(), "archive::not_a_layout");
}

#[test]
fn a_root_file_system_becomes_an_image_and_flat_again() {
    if !have(&["skopeo", "tar"]) {
        return;
    }
    let place = Place::new();
    let tree = place.path("tree");
    fs::create_dir_all(tree.join("bin")).unwrap();
    fs::write(tree.join("bin/tool"), "#!/bin/sh\n").unwrap();
    fs::hard_link(tree.join("bin/tool"), tree.join("bin/twin")).unwrap();
    std::os::unix::fs::symlink("tool", tree.join("bin/link")).unwrap();
    let tar = place.path("rootfs.tar.gz");
    run("tar", &["-C", tree.to_str().unwrap(), "-czf", tar.to_str().unwrap(), "."]);
    let config = json!({ "architecture": "amd64", "os": "linux", "config": { "Cmd": ["/bin/tool"] } });
    let image = import_rootfs(&place.store, &tar, &mut File::open(&tar).unwrap(), config).unwrap();
    place.store.tag("r.example/base:1", &image.id).unwrap();
    let saved_path = place.path("base.tar");
    saved(&place.store, &["r.example/base:1".to_owned()], Format::DockerArchive, &saved_path);
    let reference = format!("docker-archive:{}", saved_path.display());
    assert!(run("skopeo", &["inspect", "--config", &reference]).contains("/bin/tool"));

    let flat = place.path("flat.tar");
    export_tar(&place.store, &image, None, &mut File::create(&flat).unwrap()).unwrap();
    let listing = run("tar", &["-tvf", flat.to_str().unwrap()]);
    assert!(listing.contains("link -> tool") && listing.contains("bin/twin link to bin/tool"), "{listing}");
    let dir = place.path("flat");
    export_dir(&place.store, &image, &dir, false, None).unwrap();
    assert_eq!(fs::read_link(dir.join("bin/link")).unwrap(), Path::new("tool"));
    assert_eq!(fs::read(dir.join("bin/twin")).unwrap(), b"#!/bin/sh\n");
}
