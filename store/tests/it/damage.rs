//! Damaged, newer, torn and full stores.

use std::io::Write;
use std::process::Command;

use buildc_digest::{Digest, Key};
use buildc_store::oci::media_type::OCI_LAYER;
use buildc_store::{FsckOptions, LayerBlob, OpenOptions, PruneOptions, Store};
use rusqlite::Connection;
use serde_json::json;

use crate::archives::tar_of;
use crate::basics::layer_with;
use crate::{Fixture, is_root, shell};

fn sql(fixture: &Fixture, statement: &str) {
    Connection::open(fixture.root.join("index.db")).unwrap().execute_batch(statement).unwrap();
}

fn filled(fixture: &Fixture) -> (Key, std::path::PathBuf) {
    let store = fixture.store();
    let layer = layer_with(&store, "file", "content");
    let image = store.put_image(b"m", "t", b"c", &[layer.id]).unwrap();
    store.tag("x:1", &image.id).unwrap();
    store.record_result(&[Key::of(b"k")], &[layer.id], 1).unwrap();
    (Key::of(b"k"), layer.dir)
}

#[test]
fn a_newer_store_is_left_alone() {
    for change in ["echo 99 > version", "true"] {
        let fixture = Fixture::new();
        filled(&fixture);
        shell(&fixture.root, change);
        sql(&fixture, "PRAGMA user_version = 99");
        let error = Store::open(&fixture.root, OpenOptions::default()).unwrap_err();
        assert_eq!(error.code(), "store::newer_version");
        assert!(error.to_string().contains("99") && error.help().is_some());
    }
}

#[test]
fn something_that_is_no_database_is_named() {
    let fixture = Fixture::new();
    filled(&fixture);
    std::fs::write(fixture.root.join("index.db"), "not a database at all, really not".repeat(100)).unwrap();
    let _ = std::fs::remove_file(fixture.root.join("index.db-wal"));
    let error = Store::open(&fixture.root, OpenOptions::default()).unwrap_err();
    assert_eq!(error.code(), "store::index_damaged");
    std::fs::remove_file(fixture.root.join("index.db")).unwrap();
    let error = Store::open(&fixture.root, OpenOptions::default()).unwrap_err();
    assert_eq!(error.code(), "store::index_damaged", "a lost index is not a new store");
}

/// An image with a layer of our own and a foreign one, called `x:1`.
fn image_of_two_layers(store: &Store) -> Digest {
    let foreign = crate::archives::archive(&[("f", tar::EntryType::Regular, "", b"foreign")]);
    let blob = store.put_blob(&foreign).unwrap();
    let layers = [layer_with(store, "a", "1"), store.import_layer(&mut foreign.as_slice(), None).unwrap()];
    let diff_ids = layers.each_ref().map(|l| l.diff_id.to_string());
    let config = json!({"rootfs": {"type": "layers", "diff_ids": diff_ids}}).to_string();
    let descriptor = |digest: String, size| json!({"mediaType": OCI_LAYER, "digest": digest, "size": size});
    let manifest = json!({
        "schemaVersion": 2,
        "config": descriptor(Digest::of(config.as_bytes()).to_string(), config.len()),
        "layers": [descriptor(diff_ids[0].clone(), 1), descriptor(blob.to_string(), foreign.len())],
    });
    let manifest = manifest.to_string();
    let ids = layers.map(|l| l.id);
    let image = store.put_image(manifest.as_bytes(), "t", config.as_bytes(), &ids).unwrap();
    store.tag("x:1", &image.id).unwrap();
    image.id
}

#[test]
fn a_damaged_index_is_made_anew_from_the_files() {
    let fixture = Fixture::new();
    let id = image_of_two_layers(&fixture.store());
    let garbage = "not a database at all, really not".repeat(100);
    std::fs::write(fixture.root.join("index.db"), &garbage).unwrap();
    // What sqlite's log still holds would bring the names back too.
    std::fs::remove_file(fixture.root.join("index.db-wal")).unwrap();
    let lease = std::fs::File::create(fixture.root.join("leases/other-0")).unwrap();
    rustix::fs::flock(&lease, rustix::fs::FlockOperation::LockExclusive).unwrap();
    assert_eq!(Store::rebuild(&fixture.root).unwrap_err().code(), "store::in_use");
    drop(lease);
    let (store, report) = Store::rebuild(&fixture.root).unwrap();
    assert_eq!(std::fs::read_to_string(&report.aside).unwrap(), garbage);
    assert_eq!((report.layers, report.dropped.len()), (2, 0), "{report:?}");
    assert_eq!(report.images, [(id, Vec::new())]);
    let image = store.image(&id.to_string()).unwrap().unwrap();
    let names: Vec<i64> = image.layers.iter().map(|l| l.id.0).collect();
    assert_eq!(names, [1, 2], "the directories keep their names");
    for layer in &image.layers {
        tar_of(&store, layer);
    }
    assert!(store.fsck(FsckOptions { repair: false, rehash: true }).unwrap().problems.is_empty());
}

#[test]
fn names_come_from_an_old_index_that_can_be_read() {
    let fixture = Fixture::new();
    let id = image_of_two_layers(&fixture.store());
    let (store, report) = Store::rebuild(&fixture.root).unwrap();
    assert_eq!(report.images, [(id, vec!["x:1".to_owned()])]);
    assert_eq!(store.image("x:1").unwrap().unwrap().id, id);
}

#[test]
fn a_corrupt_row_is_named_and_fsck_drops_it() {
    let fixture = Fixture::new();
    let (key, _) = filled(&fixture);
    sql(&fixture, "UPDATE layers SET content = x'0102'");
    let store = fixture.store();
    let error = store.lookup_results(&[key]).unwrap_err();
    assert_eq!(error.code(), "store::corrupt_row");
    assert!(error.help().unwrap().contains("fsck"));
    let found = store.fsck(FsckOptions::default()).unwrap();
    assert!(!found.problems.is_empty() && found.problems.iter().all(|p| !p.repaired));
    store.fsck(FsckOptions { repair: true, rehash: true }).unwrap();
    assert!(store.fsck(FsckOptions { repair: false, rehash: true }).unwrap().problems.is_empty());
    assert!(store.lookup_results(&[key]).unwrap()[0].is_none());
}

#[test]
fn fsck_finds_and_drops_every_kind_of_damage() {
    let damages = [
        "echo changed > l/1/fs/file",
        "printf x | dd of=l/1/tree bs=1 seek=40 conv=notrunc status=none",
        "rm -r l/1",
        "rm l/1/tree",
        "mkdir -p l/zz/fs",
        "echo orphan > blobs/sha256/abc",
        "for b in blobs/sha256/*; do printf y > $b; done",
        "rm blobs/sha256/*",
    ];
    for damage in damages {
        let fixture = Fixture::new();
        filled(&fixture);
        shell(&fixture.root, damage);
        let store = fixture.store();
        let found = store.fsck(FsckOptions { repair: false, rehash: true }).unwrap();
        assert!(!found.problems.is_empty(), "{damage}");
        let repaired = store.fsck(FsckOptions { repair: true, rehash: true }).unwrap();
        assert!(repaired.problems.iter().all(|p| p.repaired), "{damage}");
        let after = fixture.store().fsck(FsckOptions { repair: false, rehash: true }).unwrap();
        assert!(after.problems.is_empty(), "{damage}: {:?}", after.problems);
        layer_with(&store, "new", "works");
    }
}

#[test]
fn a_layer_that_leaves_the_store_is_read_with_care() {
    for (damage, code) in [
        ("printf CONTENT > l/1/fs/file", "store::file_damaged"),
        ("truncate -s 3 l/1/fs/file", "store::file_damaged"),
        ("echo more >> l/1/fs/file", "store::file_damaged"),
        ("rm l/1/fs/file", "store::io"),
        ("printf x | dd of=l/1/tree bs=1 seek=40 conv=notrunc status=none", "store::corrupt_manifest"),
        ("mv l/1 l/x; mv l/2 l/1; mv l/x l/2", "store::corrupt_manifest"),
    ] {
        let fixture = Fixture::new();
        filled(&fixture);
        let layers = {
            let store = fixture.store();
            let layers =
                [store.image("x:1").unwrap().unwrap().layers[0].clone(), layer_with(&store, "g", "2")];
            tar_of(&store, &layers[0]);
            layers
        };
        shell(&fixture.root, damage);
        let error = fixture.store().write_layer_tar(layers[0].id, &mut std::io::sink()).unwrap_err();
        assert_eq!(error.code(), code, "{damage}: {error}");
        // Nor may it go on as a part of another layer, which would have sound hashes of unsound files.
        if !damage.starts_with("mv") {
            let error = fixture.store().join_layers(&[], &layers).unwrap_err();
            assert_eq!(error.code(), code, "{damage}: {error}");
        }
    }
}

#[test]
fn a_damaged_blob_of_a_foreign_layer_is_not_blamed_on_the_registry() {
    let fixture = Fixture::new();
    image_of_two_layers(&fixture.store());
    let layer = fixture.store().image("x:1").unwrap().unwrap().layers[1].clone();
    let record = LayerBlob {
        diff_id: layer.diff_id,
        blob: Digest::from_bytes(*layer.diff_id.as_bytes()),
        size_bytes: layer.tar_bytes,
        media_type: OCI_LAYER.to_owned(),
        compressor: "foreign".to_owned(),
    };
    fixture.store().record_layer_blob(record).unwrap();
    tar_of(&fixture.store(), &layer);
    shell(
        &fixture.root,
        "for b in blobs/sha256/*; do printf X | dd of=$b bs=1 seek=515 conv=notrunc status=none; done",
    );
    let error = fixture.store().write_layer_tar(layer.id, &mut std::io::sink()).unwrap_err();
    assert_eq!(error.code(), "store::blob_damaged", "{error}");
}

#[test]
fn a_missing_file_is_found_without_reading_and_the_images_that_go_are_named() {
    for damage in ["rm l/1/fs/file", "printf 1 > l/1/fs/file", "rm l/1/tree"] {
        let fixture = Fixture::new();
        let (key, _) = filled(&fixture);
        shell(&fixture.root, damage);
        let store = fixture.store();
        let report = store.fsck(FsckOptions { repair: true, rehash: false }).unwrap();
        assert!(report.problems[0].problem.contains("needed by x:1"), "{damage}: {:?}", report.problems);
        assert!(store.lookup_results(&[key]).unwrap()[0].is_none(), "the step will run again");
        assert!(store.image("x:1").unwrap().is_none());
    }
}

#[test]
fn what_another_boot_left_torn_is_dropped() {
    let fixture = Fixture::new();
    let (key, dir) = filled(&fixture);
    sql(&fixture, "UPDATE layers SET boot = 'another'; UPDATE blobs SET boot = 'another'");
    assert!(fixture.store().lookup_results(&[key]).unwrap()[0].is_some(), "whole ones stay");
    sql(&fixture, "UPDATE layers SET boot = 'another'; UPDATE blobs SET boot = 'another'");
    std::fs::write(dir.join("file"), "conte").unwrap();
    let store = fixture.store();
    assert!(store.lookup_results(&[key]).unwrap()[0].is_none());
    assert!(!dir.exists());
    assert!(store.fsck(FsckOptions { repair: false, rehash: true }).unwrap().problems.is_empty());
}

#[test]
fn synced_layers_are_not_read_again() {
    let fixture = Fixture::new();
    let (key, dir) = filled(&fixture);
    let store = fixture.store();
    store.sync().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(2));
    store.sync().unwrap();
    let count: i64 = Connection::open(fixture.root.join("index.db"))
        .unwrap()
        .query_row(
            "SELECT (SELECT count(*) FROM layers WHERE boot IS NOT NULL) + (SELECT count(*) FROM blobs WHERE boot IS NOT NULL)",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(count, 0);
    std::fs::write(dir.join("file"), "conte").unwrap();
    assert!(fixture.store().lookup_results(&[key]).unwrap()[0].is_some());
}

/// Mounts a small tmpfs and unmounts it when dropped.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn mount(path: std::path::PathBuf) -> Self {
        Self::of_size(path, "2m")
    }

    fn of_size(path: std::path::PathBuf, size: &str) -> Self {
        shell(&path, &format!("mount -t tmpfs -o size={size} tmpfs ."));
        Self(path)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_is_named_and_nothing_is_lost() {
    if !is_root("a_full_disk_is_named_and_nothing_is_lost") {
        return;
    }
    let fixture = Fixture::new();
    let disk = SmallDisk::mount(fixture.scratch("disk"));
    let root = disk.0.join("store");
    let store = Store::open(&root, OpenOptions::default()).unwrap();
    let kept = layer_with(&store, "kept", "kept");
    let big = crate::archives::archive(&[("big", tar::EntryType::Regular, "", &vec![7; 4 << 20])]);
    let error = store.import_layer(&mut big.as_slice(), None).unwrap_err();
    assert_eq!(error.code(), "store::disk_full");
    assert!(error.help().unwrap().contains("prune"));
    let mut writer = store.blob_writer().unwrap();
    let _ = writer.write_all(&vec![1; 4 << 20]);
    assert_eq!(writer.finish(None).unwrap_err().code(), "store::disk_full");
    assert!(store.layer(kept.id).unwrap().dir.join("kept").exists());
    layer_with(&store, "after", "there is room again");
    drop(store);
    let store = Store::open(&root, OpenOptions::default()).unwrap();
    assert!(store.fsck(FsckOptions { repair: false, rehash: true }).unwrap().problems.is_empty());
}

#[test]
fn a_full_disk_can_be_pruned() {
    if !is_root("a_full_disk_can_be_pruned") {
        return;
    }
    let fixture = Fixture::new();
    let disk = SmallDisk::of_size(fixture.scratch("disk"), "16m");
    let root = disk.0.join("store");
    {
        let store = Store::open(&root, OpenOptions::default()).unwrap();
        layer_with(&store, "loose", "nobody's");
        let index = rusqlite::Connection::open(root.join("index.db")).unwrap();
        index.execute("UPDATE layers SET last_used = 0", []).unwrap();
    }
    // To the last byte, so that the log and the shared memory of the index have no room either.
    shell(&disk.0, "rm -f store/index.db-shm; cat /dev/zero > fill 2>/dev/null || true");
    let opened = Store::open(&root, OpenOptions::default());
    let store = opened.or_else(|error| {
        assert_eq!(error.code(), "store::disk_full");
        assert!(Store::release_reserve(&root));
        Store::open(&root, OpenOptions::default())
    });
    let store = store.unwrap();
    let report = store.freeing(|| store.prune(&PruneOptions::default())).unwrap();
    assert_eq!(report.items.len(), 1, "{:?}", report.items);
    assert_eq!(std::fs::read_dir(root.join("l")).unwrap().count(), 0);
    assert!(store.fsck(FsckOptions { repair: false, rehash: true }).unwrap().problems.is_empty());
}

#[test]
fn what_an_ended_command_left_is_told_and_goes_with_the_next_prune() {
    let fixture = Fixture::new();
    filled(&fixture);
    shell(&fixture.root, "mkdir -p l/zz/fs; echo 12345 > l/zz/fs/file; echo orphan > blobs/sha256/abc");
    let store = fixture.store();
    let unfinished = store.df().unwrap().unfinished;
    assert!(unfinished.count >= 2 && unfinished.reclaimable_bytes > 0, "{unfinished:?}");
    let dry = store.prune(&PruneOptions { dry_run: true, ..PruneOptions::default() }).unwrap();
    assert!(fixture.root.join("l/zz").exists());
    let report = store.prune(&PruneOptions::default()).unwrap();
    for report in [&dry, &report] {
        let left: Vec<_> = report.items.iter().filter(|item| item.why.contains("left it")).collect();
        assert_eq!(left.iter().map(|item| item.name.as_str()).collect::<Vec<_>>(), ["zz", "abc"]);
        assert!(left.iter().all(|item| item.size_bytes > 0));
    }
    assert!(!fixture.root.join("l/zz").exists() && !fixture.root.join("blobs/sha256/abc").exists());
    assert!(store.fsck(FsckOptions { repair: false, rehash: true }).unwrap().problems.is_empty());
}

#[test]
fn a_version_file_without_a_number_is_mended_from_the_index() {
    let fixture = Fixture::new();
    filled(&fixture);
    shell(&fixture.root, ": > version");
    assert_eq!(Store::open(&fixture.root, OpenOptions::default()).unwrap_err().code(), "store::corrupt_row");
    assert!(Store::mend_version(&fixture.root).unwrap());
    assert!(!Store::mend_version(&fixture.root).unwrap());
    assert!(fixture.store().image("x:1").unwrap().is_some());
}

#[test]
fn a_damaged_config_is_told_with_the_image_that_needs_it() {
    let fixture = Fixture::new();
    filled(&fixture);
    shell(&fixture.root, "for b in blobs/sha256/*; do printf y >> $b; done");
    let store = fixture.store();
    let found = store.fsck(FsckOptions::default()).unwrap();
    let told = found
        .problems
        .iter()
        .any(|p| p.problem.contains("bytes instead of") && p.problem.contains("needed by x:1"));
    assert!(told, "{:?}", found.problems);
}

#[test]
fn a_lost_index_makes_nothing_a_leftover() {
    for loss in ["rm -f index.db*", "rm -f index.db-*; : > index.db", "rm -f index.db*; : > version"] {
        let fixture = Fixture::new();
        image_of_two_layers(&fixture.store());
        shell(&fixture.root, loss);
        let layers = std::fs::read_dir(fixture.root.join("l")).unwrap().count();
        let opened = Store::mend_version(&fixture.root)
            .and_then(|_| Store::open(&fixture.root, OpenOptions::default()));
        assert_eq!(opened.unwrap_err().code(), "store::index_damaged", "{loss}");
        let (store, report) = Store::rebuild(&fixture.root).unwrap();
        assert_eq!(report.layers as usize, layers, "{loss}");
        assert_eq!(store.images().unwrap().len(), 1, "{loss}");
    }
}

#[test]
fn an_index_in_the_making_makes_nothing_a_leftover() {
    let fixture = Fixture::new();
    image_of_two_layers(&fixture.store());
    // A rebuild that was killed when it had found one blob: the old index is aside, the new one knows nearly nothing.
    shell(
        &fixture.root,
        "mv index.db old.db; mv index.db-wal old.db-wal; rm -f index.db-shm; echo other > blobs/sha256/other",
    );
    shell(&fixture.root, "printf %s \"$PWD/old.db\" > rebuilding; rm -r version");
    let store = fixture.store();
    store.put_blob(b"found").unwrap();
    store.prune(&PruneOptions::default()).unwrap();
    assert!(fixture.root.join("l/1").exists() && fixture.root.join("blobs/sha256/other").exists());
    assert_eq!(store.fsck(FsckOptions::default()).unwrap_err().code(), "store::index_damaged");
    drop(store);
    let (store, _) = Store::rebuild(&fixture.root).unwrap();
    assert!(store.image("x:1").unwrap().is_some(), "the name comes from the index that was damaged first");
    assert!(!fixture.root.join("rebuilding").exists());
    assert!(store.fsck(FsckOptions { repair: false, rehash: true }).unwrap().problems.is_empty());
}
