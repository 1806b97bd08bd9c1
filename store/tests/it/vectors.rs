//! The test vectors of spec/store-layout.md, and random trees through tar and back.

use buildc_digest::FileHash;
use buildc_store::{Entry, EntryKind, Layer, Store, TarHasher, TarWriter};
use proptest::prelude::*;

use crate::Fixture;

fn entry(path: &str, kind: EntryKind, mode: u32) -> Entry {
    Entry { path: path.into(), kind, mode, uid: 0, gid: 0, mtime: (1_700_000_000, 0), xattrs: vec![] }
}

fn file(path: &str, content: &[u8]) -> Entry {
    entry(path, EntryKind::File { size: content.len() as u64, hash: FileHash::of(content) }, 0o644)
}

/// Name, entries, contents of the files in order.
type Vector = (&'static str, Vec<Entry>, Vec<&'static [u8]>);

fn vectors() -> Vec<Vector> {
    let dir = |opaque| EntryKind::Dir { opaque };
    let mut owned = file("owned", b"x");
    (owned.uid, owned.gid, owned.mode) = (3_000_000, 1000, 0o4755);
    owned.xattrs = vec![(b"user.note".to_vec(), b"a\nb".to_vec())];
    let links = vec![
        file("a", b"hello\n"),
        entry("b", EntryKind::Hardlink { to: b"a".to_vec() }, 0o644),
        entry("c", EntryKind::Symlink { target: b"a".to_vec() }, 0o777),
    ];
    let removals =
        vec![Entry::whiteout(b"gone".to_vec()), entry("new", dir(true), 0o755), file("new/f", b"")];
    vec![
        ("empty", vec![], vec![]),
        ("file", vec![entry("etc", dir(false), 0o755), file("etc/motd", b"hello\n")], vec![b"hello\n"]),
        ("links", links, vec![b"hello\n"]),
        ("removals", removals, vec![b""]),
        ("owned", vec![owned], vec![b"x"]),
        ("device", vec![entry("null", EntryKind::CharDevice { major: 1, minor: 3 }, 0o666)], vec![]),
    ]
}

fn seal(store: &Store, entries: &[Entry], contents: &[&[u8]]) -> Layer {
    let mut hasher = TarHasher::new();
    let mut contents = contents.iter();
    for entry in entries {
        hasher.entry(entry).unwrap();
        if matches!(entry.kind, EntryKind::File { .. }) {
            hasher.data(contents.next().unwrap()).unwrap();
        }
    }
    store.begin_layer().unwrap().seal(entries.to_vec(), hasher.finish().unwrap()).unwrap()
}

#[test]
fn the_spec_has_these_vectors() {
    let spec =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../spec/store-layout.md")).unwrap();
    let fixture = Fixture::new();
    let mut missing = String::new();
    for (name, entries, contents) in vectors() {
        let layer = seal(&fixture.store(), &entries, &contents);
        let line =
            format!("| {name} | `{}` | `{}` | {} |", layer.content, layer.diff_id.hex(), layer.tar_bytes);
        if !spec.contains(&line) {
            missing.push_str(&line);
            missing.push('\n');
        }
    }
    assert!(missing.is_empty(), "the spec lacks\n{missing}");
}

fn arbitrary_content() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..2000)
}

fn arbitrary_name() -> impl Strategy<Value = Vec<u8>> {
    let byte = any::<u8>().prop_filter("no slash, no NUL", |b| *b != b'/' && *b != 0);
    prop::collection::vec(byte, 1..180)
        .prop_filter("an ordinary name", |name| name != b"." && name != b".." && !name.starts_with(b".wh."))
}

/// Attributes and either content or a link target.
type Node = (u32, u32, u32, i64, Option<Vec<u8>>, Vec<u8>);

fn arbitrary_tree() -> impl Strategy<Value = Vec<(Entry, Vec<u8>)>> {
    let ids = prop_oneof![0u32..5, Just(u32::MAX - 1)];
    let node = (
        0u32..0o10000,
        ids.clone(),
        ids,
        -10_000_000_000i64..100_000_000_000,
        prop::option::of(arbitrary_content()),
        arbitrary_name(),
    );
    let dirs = prop::collection::btree_map(
        arbitrary_name(),
        prop::collection::btree_map(arbitrary_name(), node, 0..4),
        0..4,
    );
    dirs.prop_map(|dirs| {
        let mut tree = Vec::new();
        for (dir, files) in dirs {
            let kind = EntryKind::Dir { opaque: files.len() == 3 };
            tree.push((
                Entry { path: dir.clone(), kind, mode: 0o750, uid: 1, gid: 2, mtime: (5, 0), xattrs: vec![] },
                vec![],
            ));
            for (name, node) in files {
                tree.push(leaf(buildc_store::join(&dir, &name), node));
            }
        }
        tree
    })
}

fn leaf(path: Vec<u8>, (mode, uid, gid, mtime, content, target): Node) -> (Entry, Vec<u8>) {
    // Readable for its owner, so that fsck can read it without privilege too.
    let mode = mode | 0o400;
    let (kind, mode, content) = match content {
        Some(content) => {
            (EntryKind::File { size: content.len() as u64, hash: FileHash::of(&content) }, mode, content)
        }
        None => (EntryKind::Symlink { target: target.clone() }, 0o777, vec![]),
    };
    let xattrs = match kind {
        EntryKind::File { .. } if mode & 1 == 1 => vec![(b"user.x".to_vec(), target)],
        _ => vec![],
    };
    (Entry { path, kind, mode, uid, gid, mtime: (mtime, 0), xattrs }, content)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_tree_comes_back_from_its_tar(tree in arbitrary_tree()) {
        let mut writer = TarWriter::new(Vec::new());
        for (entry, content) in &tree {
            writer.entry(entry).unwrap();
            writer.data(content).unwrap();
        }
        let bytes = writer.finish().unwrap();
        let fixture = Fixture::new();
        let store = fixture.store();
        let layer = store.import_layer(&mut bytes.as_slice(), None).unwrap();
        let expected: Vec<Entry> = tree.into_iter().map(|(entry, _)| entry).collect();
        prop_assert_eq!(&*store.entries(layer.id).unwrap(), &expected);
        let report = store.fsck(buildc_store::FsckOptions { repair: false, rehash: true }).unwrap();
        prop_assert!(report.problems.is_empty());
    }

    #[test]
    fn no_bytes_make_the_reader_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..3000), at in 0usize..1500) {
        let good = crate::archives::archive(&[("f", tar::EntryType::Regular, "", b"x"), ("g", tar::EntryType::Link, "f", b"")]);
        if let Some(space) = bytes.get_mut(at..at + good.len()) {
            space.copy_from_slice(&good);
        }
        let fixture = Fixture::new();
        let _ = fixture.store().import_layer(&mut bytes.get(at..).unwrap_or_default(), None);
    }
}
