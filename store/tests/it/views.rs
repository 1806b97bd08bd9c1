//! The merged view of several layers.

use buildc_store::{Entry, EntryKind, Layer, Store, TarHasher, TreeView};

use crate::archives::{Item, archive};
use crate::{Fixture, shell};
use tar::EntryType as T;

fn layer(store: &Store, items: &[Item<'_>]) -> Layer {
    store.import_layer(&mut archive(items).as_slice(), None).unwrap()
}

fn names(found: &[buildc_store::Found]) -> Vec<String> {
    found.iter().map(|f| String::from_utf8_lossy(&f.entry.path).into_owned()).collect()
}

fn stack(store: &Store) -> TreeView {
    let base = layer(
        store,
        &[
            ("bin", T::Symlink, "usr/bin", b""),
            ("dir", T::Directory, "", b""),
            ("dir/kept", T::Regular, "", b"kept"),
            ("dir/removed", T::Regular, "", b"removed"),
            ("dir/sub/deep", T::Regular, "", b"deep"),
            ("replaced/old", T::Regular, "", b"old"),
            ("hidden/low", T::Regular, "", b"low"),
            ("usr/bin/sh", T::Regular, "", b"shell"),
            ("usr/bin/bash", T::Link, "usr/bin/sh", b""),
            ("loop", T::Symlink, "loop", b""),
            ("up", T::Symlink, "../../../dir", b""),
        ],
    );
    let middle = layer(
        store,
        &[
            ("dir/.wh.removed", T::Regular, "", b""),
            ("dir/added", T::Regular, "", b"added"),
            ("replaced", T::Regular, "", b"file now"),
            ("hidden", T::Directory, "", b""),
            ("hidden/.wh..wh..opq", T::Regular, "", b""),
            ("hidden/high", T::Regular, "", b"high"),
        ],
    );
    let top = layer(store, &[("dir/.wh.sub", T::Regular, "", b""), ("usr/bin/new", T::Regular, "", b"new")]);
    TreeView::new(store, &[base, middle, top]).unwrap()
}

#[test]
fn removals_and_replacements_are_seen() {
    let fixture = Fixture::new();
    let view = stack(&fixture.store());
    let has = |path: &str| view.get(path.as_bytes()).unwrap().is_some();
    for path in ["", "dir/kept", "dir/added", "replaced", "hidden/high", "usr/bin/sh", "usr/bin/new"] {
        assert!(has(path), "{path}");
    }
    for path in ["dir/removed", "dir/sub", "dir/sub/deep", "replaced/old", "hidden/low", "bin/sh", "no"] {
        assert!(!has(path), "{path}");
    }
    assert_eq!(
        names(&view.walk(b"").unwrap()),
        [
            "bin",
            "dir",
            "dir/added",
            "dir/kept",
            "hidden",
            "hidden/high",
            "loop",
            "replaced",
            "up",
            "usr",
            "usr/bin",
            "usr/bin/bash",
            "usr/bin/new",
            "usr/bin/sh",
        ]
    );
    assert_eq!(names(&view.walk(b"dir").unwrap()), ["dir/added", "dir/kept"]);
    assert!(view.walk(b"replaced").unwrap().is_empty());
    assert_eq!(names(&view.walk(b"hidden").unwrap()), ["hidden/high"]);
    assert_eq!(view.read_dir(b"usr").unwrap(), [b"bin"]);
    assert_eq!(view.read_dir(b"").unwrap().len(), 7);
}

#[test]
fn symlinks_stay_inside() {
    let fixture = Fixture::new();
    let view = stack(&fixture.store());
    let real = |path: &str| {
        view.resolve(path.as_bytes(), false).unwrap().map(|(p, _)| String::from_utf8(p).unwrap())
    };
    assert_eq!(real("/bin/sh").as_deref(), Some("usr/bin/sh"));
    assert_eq!(real("up/../up/kept").as_deref(), Some("dir/kept"));
    assert_eq!(real("../../bin/../bin").as_deref(), Some("usr/bin"));
    assert_eq!(real("bin/none"), None);
    assert_eq!(real("").as_deref(), Some(""));
    assert_eq!(view.resolve(b"loop/x", true).unwrap_err().code(), "store::symlink_loop");
    let (path, found) = view.resolve(b"bin/new-dir/x", true).unwrap().unwrap();
    assert_eq!((path.as_slice(), found.is_none()), (&b"usr/bin/new-dir/x"[..], true));
    assert_eq!(view.read_file(b"/bin/bash", 100).unwrap().as_deref(), Some(&b"shell"[..]));
    assert_eq!(view.read_file(b"/bin", 100).unwrap(), None);
    assert_eq!(view.read_file(b"/bin/bash", 2).unwrap_err().code(), "store::too_large");
}

#[test]
fn hard_links_have_their_content() {
    let fixture = Fixture::new();
    let view = stack(&fixture.store());
    let sh = view.get(b"usr/bin/sh").unwrap().unwrap();
    assert_eq!(sh.link_to.as_deref(), Some(&b"usr/bin/bash"[..]));
    assert!(matches!(sh.entry.kind, EntryKind::File { size: 5, .. }));
    assert_eq!(view.get(b"usr/bin/bash").unwrap().unwrap().link_to, None);
}

#[test]
fn a_view_without_layers_is_empty() {
    let fixture = Fixture::new();
    let view = TreeView::new(&fixture.store(), &[]).unwrap();
    assert!(view.get(b"").unwrap().is_none());
    assert!(view.walk(b"").unwrap().is_empty());
    assert_eq!(view.resolve(b"a/b", true).unwrap().unwrap().0, b"a/b");
}

#[test]
fn a_big_base_is_looked_up_quickly() {
    let fixture = Fixture::new();
    let store = fixture.store();
    let pending = store.begin_layer().unwrap();
    shell(pending.dir(), "for d in $(seq 100); do mkdir d$d; (cd d$d; seq 100 | xargs touch); done");
    let view = TreeView::new(&store, &[pending.seal_from_disk().unwrap()]).unwrap();
    let started = std::time::Instant::now();
    for n in 0..1000 {
        assert!(view.get(format!("d{}/{}", n % 100 + 1, n % 97 + 1).as_bytes()).unwrap().is_some());
    }
    let each = started.elapsed() / 1000;
    println!("look-up among 10,100 entries: {each:?}");
    assert!(each < std::time::Duration::from_micros(200), "{each:?}");
}

#[test]
fn a_layer_of_metadata_only_is_seen_as_written() {
    let fixture = Fixture::new();
    let store = fixture.store();
    let pending = store.begin_layer().unwrap();
    let kind = EntryKind::BlockDevice { major: 8, minor: 1 };
    let entry =
        Entry { path: b"sda1".to_vec(), kind, mode: 0o660, uid: 0, gid: 6, mtime: (0, 0), xattrs: vec![] };
    let mut hasher = TarHasher::new();
    hasher.entry(&entry).unwrap();
    let layer = pending.seal(vec![entry.clone()], hasher.finish().unwrap()).unwrap();
    let view = TreeView::new(&store, &[layer]).unwrap();
    assert_eq!(view.get(b"sda1").unwrap().unwrap().entry, entry);
}

#[test]
fn a_listing_below_an_opaque_directory_shows_nothing_of_lower_layers() {
    let fixture = Fixture::new();
    let store = fixture.store();
    let lower = layer(&store, &[("a/b/low", T::Regular, "", b"low")]);
    let upper =
        layer(&store, &[("a/.wh..wh..opq", T::Regular, "", b""), ("a/b/high", T::Regular, "", b"high")]);
    let view = TreeView::new(&store, &[lower, upper]).unwrap();
    assert_eq!(view.read_dir(b"a/b").unwrap(), [b"high"]);
    assert_eq!(names(&view.walk(b"a/b").unwrap()), ["a/b/high"]);
}

/// A directory that was removed and made again shows nothing of what it was, also in a walk over everything.
#[test]
fn what_was_removed_stays_hidden_when_its_directory_is_made_again() {
    let fixture = Fixture::new();
    let store = fixture.store();
    let layers = [
        layer(&store, &[("app/old", T::Regular, "", b"1"), ("file/sub", T::Regular, "", b"1")]),
        layer(&store, &[(".wh.app", T::Regular, "", b""), ("file", T::Regular, "", b"2")]),
        layer(&store, &[("app/new", T::Regular, "", b"3"), ("file/new", T::Regular, "", b"3")]),
    ];
    let view = TreeView::new(&store, &layers).unwrap();
    assert_eq!(names(&view.walk(b"").unwrap()), ["app", "app/new", "file", "file/new"]);
    assert_eq!(names(&view.walk(b"app").unwrap()), ["app/new"]);
}
