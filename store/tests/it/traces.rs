//! Traces beside results, and the index that verifies them.

use std::collections::BTreeMap;

use buildc_digest::Key;
use buildc_store::{Layer, OpenOptions, Store, TreeIndex, TreeNode, TreeView};
use proptest::prelude::*;
use tar::EntryType as T;

use crate::Fixture;
use crate::archives::archive;
use crate::basics::layer_with;

fn reads_of(store: &Store, key: &Key) -> Vec<Vec<u8>> {
    let ids = store.traces(key).unwrap();
    ids.into_iter().map(|id| store.trace(id).unwrap().unwrap().reads).collect()
}

#[test]
fn the_newest_traces_are_kept_and_go_with_their_result() {
    let fixture = Fixture::new();
    let store = fixture.store();
    let (key, result) = (Key::of(b"trace"), Key::of(b"result"));
    let layer = layer_with(&store, "file", "content");
    store.record_trace(&key, &result, b"without a result").unwrap();
    assert!(store.traces(&key).unwrap().is_empty());
    store.record_result(&[result], &[layer.id], 1).unwrap();
    for number in 0..12u8 {
        store.record_trace(&key, &result, &[number]).unwrap();
    }
    let newest: Vec<Vec<u8>> = (4..12u8).rev().map(|number| vec![number]).collect();
    assert_eq!(reads_of(&store, &key), newest);
    store.record_trace(&key, &result, &[5]).unwrap();
    assert_eq!(reads_of(&store, &key).first(), Some(&vec![5]));
    assert_eq!(reads_of(&store, &key).len(), 8);
    let id = store.traces(&key).unwrap()[0];
    assert_eq!(store.trace(id).unwrap().unwrap().result, result);
    // A result that is made again is another result.
    store.record_result(&[result], &[layer.id], 1).unwrap();
    assert!(store.traces(&key).unwrap().is_empty());
    assert_eq!(store.trace(id).unwrap(), None);
}

#[test]
fn a_store_of_version_1_is_brought_up_to_date() {
    let fixture = Fixture::new();
    let key = Key::of(b"k");
    {
        let store = fixture.store();
        let layer = layer_with(&store, "file", "content");
        store.record_result(&[key], &[layer.id], 1).unwrap();
    }
    let index = rusqlite::Connection::open(fixture.root.join("index.db")).unwrap();
    index.execute_batch("DROP TABLE traces; PRAGMA user_version = 1").unwrap();
    drop(index);
    std::fs::write(fixture.root.join("version"), "1\n").unwrap();
    let store = Store::open(&fixture.root, OpenOptions::default()).unwrap();
    assert!(store.lookup_results(&[key]).unwrap()[0].is_some());
    store.record_trace(&Key::of(b"t"), &key, b"reads").unwrap();
    assert_eq!(reads_of(&store, &Key::of(b"t")), [b"reads"]);
    assert_eq!(std::fs::read_to_string(fixture.root.join("version")).unwrap(), "2\n");
}

#[test]
fn names_of_one_file_are_counted_in_its_layer() {
    let fixture = Fixture::new();
    let store = fixture.store();
    let items = [
        ("a", T::Regular, "", &b"a"[..]),
        ("b", T::Link, "a", b""),
        ("c", T::Link, "a", b""),
        ("d", T::Regular, "", b"d"),
    ];
    let lower = store.import_layer(&mut archive(&items).as_slice(), None).unwrap();
    let upper = store.import_layer(&mut archive(&[(".wh.c", T::Regular, "", b"")]).as_slice(), None).unwrap();
    let index = TreeIndex::new(&store, &[lower, upper]).unwrap();
    let root = index.root().unwrap().unwrap();
    let names = |path: &[u8]| index.names(&index.child(&root, path).unwrap().unwrap()).unwrap();
    assert_eq!([names(b"a"), names(b"b"), names(b"d")], [3, 3, 1]);
}

/// What one layer does to one of a few paths.
fn change() -> impl Strategy<Value = (Vec<&'static str>, u8)> {
    let name = prop::sample::select(vec!["a", "b", "b-c", "d"]);
    (prop::collection::vec(name, 1..4), 0..5u8)
}

fn layer(store: &Store, changes: &[(Vec<&'static str>, u8)]) -> Layer {
    let mut items: BTreeMap<String, (T, &'static [u8])> = BTreeMap::new();
    for (path, kind) in changes {
        let path = path.join("/");
        // Neither below what is no directory here, nor in the place of what something is below.
        let blocked = items.iter().any(|(other, (kind, _))| {
            path == *other
                || other.starts_with(&format!("{path}/"))
                || (*kind != T::Directory && path.starts_with(&format!("{other}/")))
        });
        if blocked {
            continue;
        }
        match kind {
            0 => drop(items.insert(path, (T::Directory, b""))),
            1 => drop(items.insert(path, (T::Regular, b"content"))),
            2 => {
                let (dir, name) = path.rsplit_once('/').unwrap_or(("", &path));
                let gone = if dir.is_empty() { format!(".wh.{name}") } else { format!("{dir}/.wh.{name}") };
                if !items.contains_key(&path) {
                    items.insert(gone, (T::Regular, b""));
                }
            }
            3 => {
                items.insert(format!("{path}/.wh..wh..opq"), (T::Regular, b""));
                items.insert(path, (T::Directory, b""));
            }
            _ => drop(items.insert(path, (T::Symlink, b""))),
        }
    }
    let named: Vec<_> = items
        .iter()
        .map(|(path, (kind, data))| {
            (path.as_str(), *kind, if *kind == T::Symlink { "target" } else { "" }, *data)
        })
        .collect();
    store.import_layer(&mut archive(&named).as_slice(), None).unwrap()
}

/// Compares a directory and everything below it.
fn compare(view: &TreeView, index: &TreeIndex, dir: &TreeNode, depth: u32) {
    let path = &dir.found.entry.path;
    let listed = index.list(dir).unwrap();
    let names: Vec<Vec<u8>> =
        listed.iter().map(|f| buildc_store::file_name(&f.entry.path).to_vec()).collect();
    assert_eq!(names, view.read_dir(path).unwrap());
    for name in [&b"a"[..], b"b", b"b-c", b"d", b"nothing"] {
        let below = buildc_store::join(path, name);
        let (expected, found) = (view.get(&below).unwrap(), index.child(dir, name).unwrap());
        assert_eq!(found.as_ref().map(|n| &n.found.entry), expected.as_ref().map(|f| &f.entry));
        assert_eq!(found.as_ref().map(|n| n.found.layer), expected.as_ref().map(|f| f.layer));
        assert_eq!(found.is_some(), names.iter().any(|n| n == name));
        if let Some(found) = found.filter(|_| depth > 0) {
            compare(view, index, &found, depth - 1);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_index_says_what_the_view_says(
        stack in prop::collection::vec(prop::collection::vec(change(), 0..8), 1..5)
    ) {
        let fixture = Fixture::new();
        let store = fixture.store();
        let layers: Vec<Layer> = stack.iter().map(|changes| layer(&store, changes)).collect();
        let view = TreeView::new(&store, &layers).unwrap();
        let index = TreeIndex::new(&store, &layers).unwrap();
        let root = index.root().unwrap().unwrap();
        prop_assert_eq!(&root.found.entry, &view.get(b"").unwrap().unwrap().entry);
        compare(&view, &index, &root, 3);
    }
}
