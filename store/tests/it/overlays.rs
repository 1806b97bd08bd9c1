//! Snapshot drivers: what a command changes becomes the layer, the same with overlayfs and with plain copy.

use std::path::Path;
use std::process::Command;

use buildc_store::{Layer, Rootfs, SnapshotDriver, Store, TreeView};

use crate::{Fixture, is_root, shell};

/// Changes of every kind, run inside the merged tree.
const CHANGES: &str = r"
printf new > dir/new; printf changed > dir/changed; rm dir/removed; rm -r gone
rm -r dir/again; mkdir dir/again; printf other > dir/again/other
chmod 700 mode; ln dir/new dir/hard; ln -s new dir/soft; rm was-file; mkdir was-file; printf x > was-file/x
rm -r was-dir; printf y > was-dir
";

fn base(store: &Store) -> Layer {
    let pending = store.begin_layer().unwrap();
    shell(
        pending.dir(),
        "mkdir -p dir/again gone/deep was-dir; printf a > dir/changed; printf b > dir/removed; printf c > dir/same
         printf d > dir/again/old; printf e > gone/deep/f; printf f > mode; printf g > was-file; printf h > was-dir/x
         find . -exec touch -hd @1000 {} +",
    );
    pending.seal_from_disk().unwrap()
}

fn run_in(rootfs: &Rootfs, line: &str) {
    match rootfs {
        Rootfs::Directory(dir) => drop(shell(dir, line)),
        Rootfs::Overlay { base, lowers, upper, work, userxattr } => {
            let lowers: Vec<_> = lowers.iter().map(|l| l.display().to_string()).collect();
            let merged = work.parent().unwrap().join("merged");
            std::fs::create_dir_all(&merged).unwrap();
            let mount = format!(
                "mount -t overlay overlay -o lowerdir={},upperdir={},workdir={}{} {} && cd {} && {{ {line}\n}}",
                lowers.join(":"),
                upper.display(),
                work.display(),
                if *userxattr { ",userxattr" } else { "" },
                merged.display(),
                merged.display(),
            );
            let status =
                Command::new("unshare").args(["-m", "sh", "-ec", &mount]).current_dir(base).status().unwrap();
            assert!(status.success());
            std::fs::remove_dir(merged).unwrap();
        }
    }
}

fn tree(view: &TreeView) -> Vec<(String, String, u32)> {
    let show = |f: buildc_store::Found| {
        (String::from_utf8_lossy(&f.entry.path).into_owned(), format!("{:?}", f.entry.kind), f.entry.mode)
    };
    view.walk(b"")
        .unwrap()
        .into_iter()
        .map(show)
        .map(|(p, k, m)| (p, k.replace("opaque: true", "opaque: false"), m))
        .collect()
}

fn after_changes(store: &Store, driver: &dyn SnapshotDriver, base: &Layer) -> (Layer, TreeView) {
    let layers = [base.clone()];
    let mut pending = store.begin_layer().unwrap();
    let rootfs = driver.prepare(&layers, &pending).unwrap();
    run_in(&rootfs, CHANGES);
    driver.collect(&layers, &mut pending).unwrap();
    let layer = pending.seal_from_disk().unwrap();
    let view = TreeView::new(store, &[base.clone(), layer.clone()]).unwrap();
    (layer, view)
}

fn driver(store: &Store, name: &str) -> std::sync::Arc<dyn SnapshotDriver> {
    store.snapshot_driver(name).unwrap()
}

#[test]
fn overlay_and_copy_see_the_same_changes() {
    if !is_root("overlay_and_copy_see_the_same_changes") {
        return;
    }
    let fixture = Fixture::new();
    let store = fixture.store();
    let base = base(&store);
    let (layer, by_overlay) = after_changes(&store, &*driver(&store, "overlay"), &base);
    let (copied, by_copy) = after_changes(&store, &*driver(&store, "copy"), &base);
    let paths: Vec<String> = tree(&by_overlay).into_iter().map(|(p, _, _)| p).collect();
    assert_eq!(
        paths,
        [
            "dir",
            "dir/again",
            "dir/again/other",
            "dir/changed",
            "dir/hard",
            "dir/new",
            "dir/same",
            "dir/soft",
            "mode",
            "was-dir",
            "was-file",
            "was-file/x",
        ]
    );
    assert_eq!(tree(&by_overlay), tree(&by_copy));
    for layer in [&layer, &copied] {
        assert!(
            !store.entries(layer.id).unwrap().iter().any(|e| e.path == b"dir/same"),
            "unchanged stays out"
        );
        assert!(
            !store.entries(layer.id).unwrap().iter().any(|e| e.path.is_empty()),
            "the root did not change"
        );
    }
}

#[test]
fn the_store_finds_a_driver_and_remembers() {
    let fixture = Fixture::new();
    let chosen = fixture.store().snapshots().unwrap();
    if is_root("the_store_finds_a_driver_and_remembers (overlay)") {
        assert_eq!(chosen.name(), "overlay");
    }
    assert_eq!(fixture.store().documents("overlay-probe").unwrap().len(), 1);
    assert!(fixture.store().snapshot_driver("btrfs").is_err());
}

#[test]
fn a_changed_root_is_recorded() {
    let fixture = Fixture::new();
    let store = fixture.store();
    let base = base(&store);
    let copy = driver(&store, "copy");
    let layers = [base];
    let mut pending = store.begin_layer().unwrap();
    run_in(&copy.prepare(&layers, &pending).unwrap(), "chmod 700 .");
    copy.collect(&layers, &mut pending).unwrap();
    let layer = pending.seal_from_disk().unwrap();
    let root = store.entries(layer.id).unwrap()[0].clone();
    assert_eq!((root.path.as_slice(), root.mode), (&b""[..], 0o700));
}

#[test]
fn a_container_keeps_its_tree() {
    let fixture = Fixture::new();
    let store = fixture.store();
    let layers = [base(&store)];
    let dir = fixture.scratch("container");
    let copy = driver(&store, "copy");
    let Rootfs::Directory(rootfs) = copy.prepare_in(&layers, &dir).unwrap() else { panic!("a directory") };
    assert_eq!(std::fs::read(rootfs.join("dir/same")).unwrap(), b"c");
    std::fs::write(rootfs.join("mine"), "x").unwrap();
    copy.prepare_in(&layers, &dir).unwrap();
    assert!(rootfs.join("mine").exists());
    let overlay = driver(&store, "overlay");
    let Rootfs::Overlay { base, lowers, upper, .. } = overlay.prepare_in(&layers, &dir).unwrap() else {
        panic!("an overlay")
    };
    assert!(base.join(&lowers[0]).join("dir").is_dir() && lowers[0].is_relative());
    assert_eq!(upper, Path::new(&dir).join("upper"));
}
