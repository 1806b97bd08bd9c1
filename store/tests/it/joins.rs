//! Several layers joined into one show the same tree.

use buildc_store::{EntryKind, Layer, Store, TreeIndex, TreeNode, TreeView};
use proptest::prelude::*;
use tar::EntryType as T;

use crate::Fixture;
use crate::archives::{Item, archive, tar_of};

fn layer(store: &Store, items: &[Item<'_>]) -> Layer {
    store.import_layer(&mut archive(items).as_slice(), None).unwrap()
}

/// A line per path: what stands there, with a file's bytes, and which other paths are the same file.
fn tree(store: &Store, layers: &[Layer]) -> Vec<String> {
    let view = TreeView::new(store, layers).unwrap();
    let mut lines = Vec::new();
    for found in view.walk(b"").unwrap() {
        let path = String::from_utf8_lossy(&found.entry.path).into_owned();
        let what = match &found.entry.kind {
            EntryKind::Dir { .. } => "directory".to_owned(),
            EntryKind::File { .. } | EntryKind::Hardlink { .. } => {
                let bytes = view
                    .read_file(&found.entry.path, 100)
                    .unwrap()
                    .unwrap_or_else(|| panic!("{path} {:?}", found.entry));
                format!("file {}", String::from_utf8_lossy(&bytes))
            }
            other => format!("{other:?}"),
        };
        lines.push(format!("{path} {what} {:o} {}", found.entry.mode, found.entry.uid));
    }
    lines
}

fn joined(store: &Store, layers: &[Layer]) -> Vec<Layer> {
    let (below, above) = layers.split_first().unwrap();
    let below = std::slice::from_ref(below);
    let joined = store.join_layers(below, above).unwrap();
    [below, &[joined]].concat()
}

#[test]
fn what_later_layers_remove_and_replace_is_gone() {
    let fixture = Fixture::new();
    let store = fixture.store();
    let layers = [
        layer(&store, &[("old/f", T::Regular, "", b"1"), ("kept", T::Regular, "", b"2")]),
        layer(&store, &[("a/one", T::Regular, "", b"one"), ("a/two", T::Link, "a/one", b"")]),
        layer(&store, &[("a/.wh.one", T::Regular, "", b""), (".wh.old", T::Regular, "", b"")]),
        layer(&store, &[("old/new", T::Regular, "", b"3"), (".wh.nothing", T::Regular, "", b"")]),
    ];
    let after = joined(&store, &layers);
    assert_eq!(tree(&store, &after), tree(&store, &layers));
    // It can leave the store: its tar is made again from its entries.
    tar_of(&store, &after[1]);
    let entries = store.entries(after[1].id).unwrap();
    let of = |path: &str| entries.iter().find(|e| e.path == path.as_bytes()).map(|e| e.kind.clone());
    assert!(matches!(of("a/two"), Some(EntryKind::File { size: 3, .. })), "its first name is gone");
    assert_eq!(of("a/one"), None, "nothing below has it");
    assert_eq!(of("nothing"), None);
    assert_eq!(of("old"), Some(EntryKind::Dir { opaque: true }), "what was below stays removed");
}

const PATHS: [&str; 7] = ["a", "a/b", "a/b/c", "a/d", "e", "e/f", "g"];

fn items() -> impl Strategy<Value = Vec<(usize, u8)>> {
    prop::collection::vec((0..PATHS.len(), 0..7_u8), 1..6)
}

/// The items that a tar of them has: a whiteout and a file of one name would contradict each other.
fn made(store: &Store, number: usize, items: &[(usize, u8)]) -> Layer {
    let mut texts: Vec<(String, T, String, String)> = Vec::new();
    for (path, kind) in items {
        let path = PATHS[*path];
        let (dir, name) = path.rsplit_once('/').map_or(("", path), |(dir, name)| (dir, name));
        let removal = format!("{dir}{}.wh.{name}", if dir.is_empty() { "" } else { "/" });
        let below =
            |other: &str| other.starts_with(&format!("{path}/")) || path.starts_with(&format!("{other}/"));
        let taken = texts.iter().any(|(name, ..)| *name == path || *name == removal || below(name));
        let item = match kind {
            _ if taken => continue,
            0 | 1 => (path.to_owned(), T::Regular, String::new(), format!("{number} {path}")),
            2 => (path.to_owned(), T::Directory, String::new(), String::new()),
            3 => (path.to_owned(), T::Symlink, "g".to_owned(), String::new()),
            4 => (removal, T::Regular, String::new(), String::new()),
            5 => (format!("{path}/.wh..wh..opq"), T::Regular, String::new(), String::new()),
            _ => match texts.iter().find(|(_, kind, ..)| *kind == T::Regular) {
                Some((first, ..)) if !first.contains(".wh.") => {
                    (path.to_owned(), T::Link, first.clone(), String::new())
                }
                _ => continue,
            },
        };
        texts.push(item);
    }
    let items: Vec<Item<'_>> =
        texts.iter().map(|(n, t, l, b)| (n.as_str(), *t, l.as_str(), b.as_bytes())).collect();
    layer(store, &items)
}

/// All paths below a directory, by the index.
fn indexed(index: &TreeIndex, dir: &TreeNode, paths: &mut Vec<String>) {
    for found in index.list(dir).unwrap() {
        let name = found.entry.path.rsplit(|b| *b == b'/').next().unwrap().to_vec();
        paths.push(String::from_utf8_lossy(&found.entry.path).into_owned());
        let node = index.child(dir, &name).unwrap().unwrap();
        if found.entry.is_dir() {
            indexed(index, &node, paths);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_joined_layer_shows_what_the_layers_show(stack in prop::collection::vec(items(), 2..5)) {
        let fixture = Fixture::new();
        let store = fixture.store();
        let layers: Vec<Layer> =
            stack.iter().enumerate().map(|(number, items)| made(&store, number, items)).collect();
        prop_assert_eq!(tree(&store, &joined(&store, &layers)), tree(&store, &layers));
        // Every way to look at the layers shows the same.
        let view = TreeView::new(&store, &layers).unwrap();
        let shown = |path: &[u8]| String::from_utf8_lossy(path).into_owned();
        let walked: Vec<String> = view.walk(b"").unwrap().iter().map(|f| shown(&f.entry.path)).collect();
        let got: Vec<&str> = PATHS.into_iter().filter(|p| view.get(p.as_bytes()).unwrap().is_some()).collect();
        prop_assert_eq!(&walked, &got);
        let index = TreeIndex::new(&store, &layers).unwrap();
        let mut listed = Vec::new();
        indexed(&index, &index.root().unwrap().unwrap(), &mut listed);
        prop_assert_eq!(&walked, &listed);
        for dir in walked.iter().filter(|dir| view.get(dir.as_bytes()).unwrap().unwrap().entry.is_dir()) {
            let below: Vec<String> = view.walk(dir.as_bytes()).unwrap().iter().map(|f| shown(&f.entry.path)).collect();
            let expected: Vec<String> = walked.iter().filter(|p| p.starts_with(&format!("{dir}/"))).cloned().collect();
            prop_assert_eq!(below, expected);
        }
    }
}
