//! Archives that lie, reach out, or end early.

#![allow(clippy::unwrap_used)]

mod peers;

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use buildc_store::archive::{ArchiveError, load, load_path};
use peers::{Place, have, run, umoci_layout};

/// A tar with entries written as they are given, which GNU tar would not write.
fn tar_of(path: &Path, entries: &[(&str, tar::EntryType, &str, &[u8])]) {
    let mut builder = tar::Builder::new(File::create(path).unwrap());
    for (name, kind, link, bytes) in entries {
        let mut header = tar::Header::new_gnu();
        header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
        header.as_gnu_mut().unwrap().linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_entry_type(*kind);
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        builder.append(&header, *bytes).unwrap();
    }
    builder.into_inner().unwrap().flush().unwrap();
}

fn refused(entries: &[(&str, tar::EntryType, &str, &[u8])]) -> ArchiveError {
    let place = Place::new();
    let path = place.path("x.tar");
    tar_of(&path, entries);
    let error = load_path(&place.store, &path).unwrap_err();
    assert!(place.store.images().unwrap().is_empty());
    error
}

#[test]
fn entries_that_reach_out_are_refused_by_name() {
    use tar::EntryType::{Regular, Symlink};
    for (entries, code) in [
        (vec![("../evil", Regular, "", b"x".as_slice())], "archive::unsafe_entry"),
        (vec![("/etc/evil", Regular, "", b"x")], "archive::unsafe_entry"),
        (vec![("a/../../evil", Regular, "", b"x")], "archive::unsafe_entry"),
        (vec![("blobs/sha256/aa", Symlink, "/etc/passwd", b"")], "archive::unsafe_entry"),
        (vec![("x/layer.tar", Symlink, "../../../etc/passwd", b"")], "archive::unsafe_entry"),
        (vec![("manifest.json", Symlink, "manifest.json", b"")], "archive::missing"),
        (vec![("manifest.json", Regular, "", b"[{")], "archive::malformed"),
        (vec![("unrelated", Regular, "", b"x")], "archive::not_an_archive"),
        (vec![("manifest.json", Regular, "", br#"[{"Config":"c.json","Layers":[]}]"#)], "archive::missing"),
        (vec![("index.json", Regular, "", br#"{"schemaVersion":2,"manifests":[]}"#)], "archive::malformed"),
    ] {
        let error = refused(&entries);
        assert_eq!(error.code(), code, "{entries:?}: {error}");
        assert!(
            error.to_string().contains(entries[0].0.trim_start_matches("./"))
                || code == "archive::not_an_archive"
                || code == "archive::missing"
                || code == "archive::malformed"
        );
    }
}

#[test]
fn what_is_no_archive_is_said_to_be_none() {
    let place = Place::new();
    for bytes in [b"".as_slice(), b"hello world", &[0xff; 4096], &[0; 10_240]] {
        let error = load(&place.store, &mut &*bytes).unwrap_err();
        assert_eq!(error.code(), "archive::not_an_archive", "{error}");
    }
}

#[test]
fn altered_and_shortened_archives_are_refused_and_nothing_is_tagged() {
    if !have(&["skopeo", "umoci"]) {
        return;
    }
    let place = Place::new();
    let layout = umoci_layout(place.dir.path());
    for transport in ["docker-archive", "oci-archive"] {
        let path = place.path("whole.tar");
        let _ = fs::remove_file(&path);
        let target = format!("{transport}:{}:r.example/app:1", path.display());
        run("skopeo", &["copy", "-q", &format!("oci:{}:t", layout.display()), &target]);
        let whole = fs::read(&path).unwrap();
        for part in [whole.len() / 4, whole.len() / 2, whole.len() * 3 / 4] {
            let error = load(&place.store, &mut whole.get(..part).unwrap()).unwrap_err();
            let codes = ["archive::truncated", "archive::missing", "archive::not_an_archive"];
            assert!(codes.contains(&error.code()), "{transport} {part}: {error}");
        }
    }
    assert!(place.store.images().unwrap().is_empty());
}

#[test]
fn a_layout_with_altered_or_linked_blobs_is_refused() {
    if !have(&["umoci"]) {
        return;
    }
    let place = Place::new();
    let layout = umoci_layout(place.dir.path());
    let blobs = layout.join("blobs/sha256");
    let largest = |dir: &Path| {
        let sized = fs::read_dir(dir).unwrap().flatten().map(|e| (e.metadata().unwrap().len(), e.path()));
        sized.max().unwrap().1
    };
    let victim = largest(&blobs);
    let bytes = fs::read(&victim).unwrap();
    let mut altered = bytes.clone();
    *altered.last_mut().unwrap() ^= 1;
    fs::write(&victim, &altered).unwrap();
    let error = load_path(&place.store, &layout).unwrap_err();
    assert_eq!(error.code(), "archive::digest_mismatch");
    let elsewhere = place.path("elsewhere");
    fs::write(&elsewhere, &bytes).unwrap();
    fs::remove_file(&victim).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &victim).unwrap();
    let error = load_path(&place.store, &layout).unwrap_err();
    assert_eq!(error.code(), "archive::unsafe_entry");
    fs::remove_file(&victim).unwrap();
    let error = load_path(&place.store, &layout).unwrap_err();
    assert_eq!(error.code(), "archive::missing");
}
