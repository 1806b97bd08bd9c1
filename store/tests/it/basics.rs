//! Opening, sealing small layers, results, images, documents.

use buildc_digest::{Digest, Key};
use buildc_store::{LayerId, OpenOptions, Store, StoreError};

use crate::Fixture;

/// A layer with one file.
pub(crate) fn layer_with(store: &Store, name: &str, content: &str) -> buildc_store::Layer {
    let pending = store.begin_layer().unwrap();
    std::fs::write(pending.dir().join(name), content).unwrap();
    pending.seal_from_disk().unwrap()
}

#[test]
fn an_empty_layer_is_the_well_known_empty_tar() {
    let fixture = Fixture::new();
    let store = fixture.store();
    let layer = store.begin_layer().unwrap().seal_from_disk().unwrap();
    assert_eq!(layer.diff_id.hex(), "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef");
    assert_eq!((layer.entries, layer.size_bytes, layer.tar_bytes), (0, 0, 1024));
}

#[test]
fn equal_layers_are_one() {
    let fixture = Fixture::new();
    let store = fixture.store();
    let time = std::time::SystemTime::UNIX_EPOCH;
    let seal = || {
        let pending = store.begin_layer().unwrap();
        let file = std::fs::File::create(pending.dir().join("f")).unwrap();
        file.set_modified(time).unwrap();
        pending.seal_from_disk().unwrap().id
    };
    assert_eq!(seal(), seal());
}

#[test]
fn a_pending_layer_that_is_dropped_leaves_nothing() {
    let fixture = Fixture::new();
    let store = fixture.store();
    let dir = store.begin_layer().unwrap().dir().to_owned();
    assert!(!dir.exists());
    // A driver that the store kept would keep the store, which would never be closed.
    store.snapshots().unwrap();
    drop(store);
    assert_eq!(std::fs::read_dir(fixture.root.join("tmp")).unwrap().count(), 0);
    assert_eq!(std::fs::read_dir(fixture.root.join("leases")).unwrap().count(), 0);
}

#[test]
fn forgotten_paths_are_not_sealed() {
    let fixture = Fixture::new();
    let store = fixture.store();
    let mut pending = store.begin_layer().unwrap();
    std::fs::create_dir_all(pending.dir().join("etc/stub")).unwrap();
    std::fs::write(pending.dir().join("etc/keep"), "x").unwrap();
    pending.forget(std::path::Path::new("/etc/stub"));
    let layer = pending.seal_from_disk().unwrap();
    let paths: Vec<_> = store.entries(layer.id).unwrap().iter().map(|e| e.path.clone()).collect();
    assert_eq!(paths, [b"etc".to_vec(), b"etc/keep".to_vec()]);
    assert!(!layer.dir.join("etc/stub").exists());
}

#[test]
fn results_come_back_with_their_layers() {
    let fixture = Fixture::new();
    let store = fixture.store();
    let (a, b) = (layer_with(&store, "a", "1"), layer_with(&store, "b", "2"));
    let keys = [Key::of(b"definition"), Key::of(b"content")];
    store.record_result(&keys, &[a.id, b.id], 42).unwrap();
    let found = store.lookup_results(&[keys[0], Key::of(b"other"), keys[1]]).unwrap();
    let ids = |r: &Option<buildc_store::StoredResult>| {
        r.as_ref().map(|r| (r.duration_ms, r.layers.iter().map(|l| l.id).collect::<Vec<_>>()))
    };
    assert_eq!(ids(&found[0]), Some((42, vec![a.id, b.id])));
    assert_eq!(ids(&found[1]), None);
    assert_eq!(ids(&found[2]), ids(&found[0]));
    let gone = store.record_result(&keys, &[LayerId(999)], 1).unwrap_err();
    assert_eq!(gone.code(), "store::no_layer");
}

#[test]
fn images_are_found_by_every_name() {
    let fixture = Fixture::new();
    let store = fixture.store();
    let layer = layer_with(&store, "a", "1");
    let image = store.put_image(b"{\"m\":1}", "application/x", b"{\"c\":1}", &[layer.id]).unwrap();
    assert_eq!(image.id, Digest::of(b"{\"c\":1}"));
    store.tag("docker.io/library/x:latest", &image.id).unwrap();
    store.record_repo_digest("docker.io/library/x", &image.manifest, &image.id).unwrap();
    let id = image.id.to_string();
    let names = [
        "docker.io/library/x:latest".to_owned(),
        id.clone(),
        image.id.hex(),
        id[..15].to_owned(),
        image.id.hex()[..3].to_owned(),
        image.manifest.to_string(),
        format!("docker.io/library/x@{}", image.manifest),
        format!("docker.io/library/x:latest@{}", image.manifest),
    ];
    for name in names {
        let found = store.image(&name).unwrap().unwrap_or_else(|| panic!("{name}"));
        assert_eq!(found.id, image.id);
        assert_eq!(found.tags, ["docker.io/library/x:latest"]);
        assert_eq!(found.repo_digests, [format!("docker.io/library/x@{}", image.manifest)]);
        assert_eq!(found.layers[0].diff_id, layer.diff_id);
    }
    assert!(store.image("zz").unwrap().is_none());
    assert!(store.image(&format!("docker.io/library/y@{}", image.manifest)).unwrap().is_none());
}

#[test]
fn a_pinned_image_cannot_be_removed() {
    let fixture = Fixture::new();
    let store = fixture.store();
    let layer = layer_with(&store, "a", "1");
    let image = store.put_image(b"m", "t", b"c", &[layer.id]).unwrap();
    store.pin("container one", Some(&image.id), &[layer.id]).unwrap();
    match store.remove_image(&image.id).unwrap_err() {
        StoreError::ImageInUse { holder, .. } => assert_eq!(holder, "container one"),
        other => panic!("{other}"),
    }
    store.unpin("container one").unwrap();
    store.remove_image(&image.id).unwrap();
    assert!(store.images().unwrap().is_empty());
    assert_eq!(store.remove_image(&image.id).unwrap_err().code(), "store::no_image");
}

#[test]
fn documents_are_kept_by_kind_and_name() {
    let fixture = Fixture::new();
    let store = fixture.store();
    store.put_document("volume", "b", "1").unwrap();
    store.put_document("volume", "a", "2").unwrap();
    store.put_document("volume", "b", "3").unwrap();
    assert_eq!(store.document("volume", "b").unwrap().as_deref(), Some("3"));
    let all = store.documents("volume").unwrap();
    assert_eq!(all, [("a".to_owned(), "2".to_owned()), ("b".to_owned(), "3".to_owned())]);
    assert!(store.remove_document("volume", "a").unwrap());
    assert!(!store.remove_document("volume", "a").unwrap());
}

#[test]
fn blobs_are_verified() {
    let fixture = Fixture::new();
    let store = fixture.store();
    let digest = store.put_blob(b"hello").unwrap();
    assert_eq!(store.read_blob(&digest, 100).unwrap(), b"hello");
    assert_eq!(store.read_blob(&digest, 2).unwrap_err().code(), "store::too_large");
    let mut writer = store.blob_writer().unwrap();
    std::io::Write::write_all(&mut writer, b"other").unwrap();
    assert_eq!(writer.finish(Some(&digest)).unwrap_err().code(), "store::blob_digest");
    assert!(!store.has_blob(&Digest::of(b"other")));
    assert_eq!(store.read_blob(&Digest::of(b"other"), 9).unwrap_err().code(), "store::no_blob");
}

#[test]
fn a_missing_store_is_named_when_none_may_be_made() {
    let fixture = Fixture::new();
    let error = Store::open(&fixture.root, OpenOptions { must_exist: true }).unwrap_err();
    assert_eq!(error.code(), "store::no_store");
    assert!(!fixture.root.exists());
}

#[test]
fn the_store_keeps_its_own_directories() {
    let fixture = Fixture::new();
    let store = fixture.store();
    assert!(store.subdir("contexts").unwrap().is_dir());
    for name in ["l", "tmp", "../x", "", "index.db"] {
        assert_eq!(store.subdir(name).unwrap_err().code(), "store::invalid_name");
    }
}
