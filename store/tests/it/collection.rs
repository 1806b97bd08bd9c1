//! Prune, leases and df.

use std::time::Duration;

use buildc_digest::Key;
use buildc_store::{PruneKind, PruneOptions, Store};

use crate::Fixture;
use crate::basics::layer_with;

fn all() -> PruneOptions {
    PruneOptions { all: true, ..PruneOptions::default() }
}

fn kinds(report: &buildc_store::PruneReport) -> Vec<PruneKind> {
    report.items.iter().map(|i| i.kind).collect()
}

/// A store that was written an hour ago by a process which is gone: no lease holds what it has.
fn old(fixture: &Fixture, write: impl FnOnce(&Store)) -> Store {
    write(&fixture.store());
    let index = rusqlite::Connection::open(fixture.root.join("index.db")).unwrap();
    for table in ["results", "layers", "images", "blobs"] {
        index.execute(&format!("UPDATE {table} SET last_used = last_used - 3600000"), []).unwrap();
    }
    fixture.store()
}

/// The index's log, which every write makes longer.
fn index_log(fixture: &Fixture) -> Vec<u8> {
    std::fs::read(fixture.root.join("index.db-wal")).unwrap_or_default()
}

#[test]
fn what_nothing_holds_goes() {
    let fixture = Fixture::new();
    let store = old(&fixture, |store| {
        let kept = layer_with(store, "a", "kept");
        let loose = layer_with(store, "b", "loose");
        let image = store.put_image(b"m", "t", b"c", &[kept.id]).unwrap();
        store.tag("x:1", &image.id).unwrap();
        store.record_result(&[Key::of(b"kept")], &[kept.id], 1).unwrap();
        store.record_result(&[Key::of(b"loose")], &[loose.id], 1).unwrap();
        store.put_blob(b"nobody's").unwrap();
    });
    let dry = store.prune(&PruneOptions { dry_run: true, ..PruneOptions::default() }).unwrap();
    let report = store.prune(&PruneOptions::default()).unwrap();
    assert_eq!(kinds(&report), [PruneKind::Result, PruneKind::Layer, PruneKind::Blob]);
    assert_eq!(kinds(&dry), kinds(&report));
    assert_eq!(report.freed_bytes, 5 + 8);
    assert!(store.image("x:1").unwrap().is_some());
    let found = store.lookup_results(&[Key::of(b"kept"), Key::of(b"loose")]).unwrap();
    assert!(found[0].is_some() && found[1].is_none());
    assert_eq!(std::fs::read_dir(fixture.root.join("l")).unwrap().count(), 1);
    assert!(store.fsck(Default::default()).unwrap().problems.is_empty());
}

#[test]
fn all_takes_tagged_images_but_not_pinned_ones() {
    let fixture = Fixture::new();
    let store = old(&fixture, |store| {
        let (a, b) = (layer_with(store, "a", "1"), layer_with(store, "b", "2"));
        let one = store.put_image(b"m1", "t", b"c1", &[a.id]).unwrap();
        let two = store.put_image(b"m2", "t", b"c2", &[b.id]).unwrap();
        store.tag("one:1", &one.id).unwrap();
        store.tag("two:1", &two.id).unwrap();
        store.pin("container", Some(&two.id), &[b.id]).unwrap();
    });
    store.prune(&all()).unwrap();
    assert!(store.image("one:1").unwrap().is_none());
    let two = store.image("two:1").unwrap().unwrap();
    assert!(two.layers[0].dir.join("b").exists());
    assert!(store.read_blob(&two.id, 10).is_ok() && store.read_blob(&two.manifest, 10).is_ok());
}

#[test]
fn what_a_lease_used_stays_until_it_ends() {
    let fixture = Fixture::new();
    let keys = [Key::of(b"used"), Key::of(b"unused")];
    let store = old(&fixture, |store| {
        for (key, name) in keys.iter().zip(["used", "unused"]) {
            store.record_result(&[*key], &[layer_with(store, name, name).id], 1).unwrap();
        }
    });
    let lease = store.lease().unwrap();
    assert!(store.lookup_results(&keys[..1]).unwrap()[0].is_some());
    std::thread::sleep(Duration::from_millis(5));
    let other = fixture.store();
    assert_eq!(kinds(&other.prune(&all()).unwrap()), [PruneKind::Result, PruneKind::Layer]);
    let found = store.lookup_results(&keys).unwrap();
    let layer = &found[0].as_ref().unwrap().layers[0];
    assert!(layer.dir.join("used").exists() && found[1].is_none());
    drop(lease);
    std::thread::sleep(Duration::from_millis(5));
    assert_eq!(other.prune(&all()).unwrap().items.len(), 2);
}

#[test]
fn what_was_used_lately_is_held_without_a_write() {
    let fixture = Fixture::new();
    let (key, mut id) = (Key::of(b"key"), None);
    let store = old(&fixture, |store| {
        let layer = layer_with(store, "f", "f");
        store.record_result(&[key], &[layer.id], 1).unwrap();
        let image = store.put_image(b"m", "t", b"c", &[layer.id]).unwrap();
        store.tag("x:1", &image.id).unwrap();
        id = Some(image.id);
    });
    let use_all = |store: &Store| {
        let lease = store.lease().unwrap();
        let found = store.lookup_results(&[key]).unwrap().remove(0).unwrap();
        store.image("x:1").unwrap().unwrap();
        store.layer_by_content(&found.layers[0].content).unwrap().unwrap();
        store.tag("x:1", &id.unwrap()).unwrap();
        lease
    };
    let before = index_log(&fixture);
    drop(use_all(&store));
    let marked = index_log(&fixture);
    assert_ne!(before, marked, "the first use in an hour is written down");
    let _lease = use_all(&fixture.store());
    assert_eq!(marked, index_log(&fixture), "the second is not");
    assert_eq!(kinds(&fixture.store().prune(&all()).unwrap()), []);
}

#[test]
fn peeking_holds_nothing() {
    let fixture = Fixture::new();
    let key = Key::of(b"key");
    let store = old(&fixture, |store| {
        store.record_result(&[key], &[layer_with(store, "f", "f").id], 1).unwrap();
    });
    let _lease = store.lease().unwrap();
    assert_eq!(store.peek_result(&key).unwrap().unwrap().layers.len(), 1);
    assert_eq!(kinds(&fixture.store().prune(&all()).unwrap()), [PruneKind::Result, PruneKind::Layer]);
    assert!(store.peek_result(&key).unwrap().is_none());
}

#[test]
fn the_longest_unused_goes_first_down_to_the_limit() {
    let fixture = Fixture::new();
    let store = old(&fixture, |store| {
        for n in 0..5u8 {
            let layer = layer_with(store, &format!("f{n}"), &"x".repeat(1000));
            store.record_result(&[Key::of(&[n])], &[layer.id], 1).unwrap();
            std::thread::sleep(Duration::from_millis(3));
        }
    });
    store.lookup_results(&[Key::of(&[0])]).unwrap();
    std::thread::sleep(Duration::from_millis(3));
    let report =
        store.prune(&PruneOptions { keep_storage_bytes: Some(2500), ..PruneOptions::default() }).unwrap();
    assert_eq!(report.freed_bytes, 3000);
    let keys: Vec<Key> = (0..5u8).map(|n| Key::of(&[n])).collect();
    let left: Vec<bool> = store.lookup_results(&keys).unwrap().iter().map(Option::is_some).collect();
    assert_eq!(left, [true, false, false, false, true]);
}

#[test]
fn what_is_young_stays() {
    let fixture = Fixture::new();
    let store = old(&fixture, |store| {
        store.record_result(&[Key::of(b"k")], &[layer_with(store, "a", "1").id], 1).unwrap();
    });
    let older_than = Some(Duration::from_secs(7200));
    assert!(store.prune(&PruneOptions { older_than, ..all() }).unwrap().items.is_empty());
}

#[test]
fn df_adds_up() {
    let fixture = Fixture::new();
    let store = fixture.store();
    let (a, b) = (layer_with(&store, "a", "12345"), layer_with(&store, "b", "123"));
    let image = store.put_image(b"m", "t", b"c", &[a.id]).unwrap();
    std::fs::write(store.subdir("logs").unwrap().join("one"), "text").unwrap();
    let usage = store.df().unwrap();
    assert_eq!((usage.images.count, usage.images.size_bytes, usage.images.reclaimable_bytes), (1, 5, 5));
    assert_eq!((usage.build_cache.count, usage.build_cache.size_bytes), (1, 3));
    assert_eq!((usage.blobs.count, usage.blobs.active), (2, 2));
    assert_eq!(usage.logs.count, 1);
    store.pin("c", Some(&image.id), &[a.id, b.id]).unwrap();
    let usage = store.df().unwrap();
    assert_eq!((usage.images.reclaimable_bytes, usage.build_cache.reclaimable_bytes), (0, 0));
}

#[test]
fn an_image_found_under_a_lease_stays_with_its_layers() {
    let fixture = Fixture::new();
    let mut manifest = None;
    let store = old(&fixture, |store| {
        let (base, other) = (layer_with(store, "base", "1"), layer_with(store, "other", "2"));
        let image = store.put_image(b"m", "t", b"c", &[base.id]).unwrap();
        store.tag("base:1", &image.id).unwrap();
        store.record_result(&[Key::of(b"other")], &[other.id], 1).unwrap();
        manifest = Some(image.manifest);
    });
    let lease = store.lease().unwrap();
    let image = store.image_by_manifest(&manifest.unwrap()).unwrap().unwrap();
    let other = store.lookup_results(&[Key::of(b"other")]).unwrap().remove(0).unwrap();
    let beside = fixture.store();
    assert_eq!(kinds(&beside.prune(&all()).unwrap()), []);
    // Neither removing the image nor replacing the result takes the layers away.
    beside.remove_image(&image.id).unwrap();
    let new = layer_with(&beside, "new", "3");
    beside.record_result(&[Key::of(b"other")], &[new.id], 1).unwrap();
    beside.prune(&all()).unwrap();
    assert!(image.layers[0].dir.join("base").exists());
    assert!(other.layers[0].dir.join("other").exists());
    drop(lease);
}

#[test]
fn files_beside_the_layers_go_by_age_and_size() {
    let fixture = Fixture::new();
    let store = fixture.store();
    let file = |dir: &str, name: &str| {
        let path = store.subdir(dir).unwrap().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "x".repeat(5000)).unwrap();
        path
    };
    let (index, log) = (file("contexts", "a.index"), file("logs", "b.jsonl"));
    let cache = [file("cache-mounts", "free/lock"), file("cache-mounts", "used/lock")];
    let hour = Some(Duration::from_secs(3600));
    std::thread::sleep(Duration::from_millis(30));
    assert!(store.prune(&PruneOptions { older_than: hour, ..all() }).unwrap().items.is_empty());
    let plenty = PruneOptions { keep_storage_bytes: Some(1 << 20), ..PruneOptions::default() };
    assert!(store.prune(&plenty).unwrap().items.is_empty());
    let dry = store.prune(&PruneOptions { dry_run: true, ..all() }).unwrap();
    assert_eq!(dry.items.len(), 4);
    assert_eq!(kinds(&store.prune(&PruneOptions::default()).unwrap()), [PruneKind::Context, PruneKind::Log]);
    assert!(!index.exists() && !log.exists() && cache[0].exists());
    let held = std::fs::File::open(&cache[1]).unwrap();
    rustix::fs::flock(&held, rustix::fs::FlockOperation::LockShared).unwrap();
    assert_eq!(kinds(&store.prune(&all()).unwrap()), [PruneKind::CacheMount]);
    assert!(!cache[0].exists() && cache[1].exists());
}

#[test]
fn the_build_cache_alone_can_go() {
    let fixture = Fixture::new();
    let store = old(&fixture, |store| {
        let of_image = layer_with(store, "a", "image");
        let loose = layer_with(store, "b", "loose");
        store.put_image(b"m", "t", b"c", &[of_image.id]).unwrap();
        store.record_result(&[Key::of(b"loose")], &[loose.id], 1).unwrap();
    });
    let report = store.prune(&PruneOptions { keep_images: true, ..PruneOptions::default() }).unwrap();
    assert_eq!(kinds(&report), [PruneKind::Result, PruneKind::Layer]);
    assert_eq!(store.images().unwrap().len(), 1, "it has no name, but it is an image");
}
