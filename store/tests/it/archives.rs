//! Layer archives: round trips with GNU tar, every compression, and what is refused.

use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Stdio};

use buildc_digest::DiffId;
use buildc_store::{Entry, EntryKind, Layer, Store};

use crate::{Fixture, is_root, shell};

/// A tree with everything that is hard: hard links, long and odd names, modes, links, attributes, devices.
const NASTY: &str = r#"
mkdir -p a/b d.d deep
printf one > a/b/f; ln a/b/f a/link; ln a/b/f z-link
printf two > "$(printf 'bytes\377\001 and\nnewline')"
long=$(printf 'x%.0s' $(seq 1 120)); mkdir -p "deep/$long/$long"; printf three > "deep/$long/$long/$long"
ln -s "../$long/$long/$long" deep/symlink; ln -s /etc/passwd absolute; ln -s . d.d/self
printf suid > suid; chmod 4755 suid; mkdir -m 1777 sticky; printf x > d.d/.hidden; printf y > d-file
mkfifo pipe; head -c 3000000 /dev/urandom > big; touch -d @-5 old; touch empty
"#;
const NASTY_ROOT: &str = r#"
mknod null c 1 3; mknod disk b 8 0; chown 1000:1001 a/b/f; chown -h 70000:3000000 absolute
setfattr -n user.note -v hello big 2>/dev/null || true
"#;

pub(crate) fn tar_of(store: &Store, layer: &Layer) -> Vec<u8> {
    let mut bytes = Vec::new();
    store.write_layer_tar(layer.id, &mut bytes).unwrap();
    assert_eq!(DiffId::of(&bytes), layer.diff_id);
    assert_eq!(bytes.len() as u64, layer.tar_bytes);
    bytes
}

/// What two equal trees say alike: names, types, modes, owners, sizes, times in seconds, links.
fn listing(dir: &Path) -> String {
    shell(
        dir,
        r"find . -mindepth 1 -printf '%P|%y|%m|%U|%G|%s|%n|%l|%Ts\n' | sed 's/^\(.*\)|d|\([^|]*\)|\([^|]*\)|\([^|]*\)|[^|]*|[^|]*|/\1|d|\2|\3|\4|/' | sort",
    )
}

fn gnu_extract(tar: &[u8], into: &Path) {
    let mut child = Command::new("tar")
        .args(["--xattrs", "--xattrs-include=*", "--numeric-owner", "-xpf", "-"])
        .current_dir(into)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(tar).unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_nasty_tree_survives_every_way() {
    let fixture = Fixture::new();
    let store = fixture.store();
    let pending = store.begin_layer().unwrap();
    shell(pending.dir(), NASTY);
    if is_root("a_nasty_tree_survives_every_way (devices and owners)") {
        shell(pending.dir(), NASTY_ROOT);
    }
    let before = listing(pending.dir());
    let layer = pending.seal_from_disk().unwrap();
    assert_eq!(listing(&layer.dir), before);
    let tar = tar_of(&store, &layer);

    let extracted = fixture.scratch("extracted");
    gnu_extract(&tar, &extracted);
    assert_eq!(listing(&extracted), before);

    let other = Fixture::new();
    let imported = other.store().import_layer(&mut tar.as_slice(), Some(layer.diff_id)).unwrap();
    assert_eq!(imported.content, layer.content);
    assert_eq!(listing(&imported.dir), before);
    assert_eq!((imported.entries, imported.size_bytes), (layer.entries, layer.size_bytes));
}

#[test]
fn an_archive_of_gnu_tar_is_read() {
    let fixture = Fixture::new();
    let store = fixture.store();
    let tree = fixture.scratch("tree");
    shell(&tree, NASTY);
    for format in ["gnu", "pax", "posix"] {
        let tar = Command::new("tar")
            .args(["--format", format, "--numeric-owner", "-C"])
            .arg(&tree)
            .args(["-cf", "-", "."])
            .output()
            .unwrap();
        assert!(tar.status.success());
        let layer = store.import_layer(&mut tar.stdout.as_slice(), Some(DiffId::of(&tar.stdout))).unwrap();
        assert_eq!(listing(&layer.dir), listing(&tree), "{format}");
        assert!(store.entries(layer.id).unwrap().iter().any(|e| e.path.is_empty()), "the root is recorded");
    }
}

#[test]
fn every_compression_gives_the_same_layer() {
    let fixture = Fixture::new();
    let tree = fixture.scratch("tree");
    shell(
        &tree,
        "printf hello > f; tar -cf ../plain.tar f; cd ..; for c in gzip bzip2 xz zstd; do $c -k -c plain.tar > plain.$c; done",
    );
    let dir = tree.parent().unwrap();
    let plain = std::fs::read(dir.join("plain.tar")).unwrap();
    for kind in ["tar", "gzip", "bzip2", "xz", "zstd"] {
        let store = Fixture::new();
        let bytes = std::fs::read(dir.join(format!("plain.{kind}"))).unwrap();
        let layer = store.store().import_layer(&mut bytes.as_slice(), None).unwrap();
        assert_eq!(layer.diff_id, DiffId::of(&plain), "{kind}");
        let cut = bytes.get(..bytes.len() / 2).unwrap();
        assert!(store.store().import_layer(&mut &cut[..], Some(DiffId::of(b"x"))).is_err(), "{kind} cut off");
    }
}

/// Name, type, link target and content.
pub(crate) type Item<'a> = (&'a str, tar::EntryType, &'a str, &'a [u8]);

/// An archive made of hand-written headers.
pub(crate) fn archive(items: &[Item<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, kind, link, content) in items {
        let mut header = tar::Header::new_ustar();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_entry_type(*kind);
        header.set_mode(if kind.is_dir() { 0o755 } else { 0o644 });
        header.set_uid(u64::from(rustix::process::geteuid().as_raw()));
        header.set_gid(u64::from(rustix::process::getegid().as_raw()));
        header.set_mtime(1);
        header.set_size(content.len() as u64);
        header.set_cksum();
        out.extend_from_slice(header.as_bytes());
        out.extend_from_slice(content);
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out.resize(out.len() + 1024, 0);
    out
}

fn import(items: &[Item<'_>]) -> (Fixture, buildc_store::Result<Layer>) {
    let fixture = Fixture::new();
    let layer = fixture.store().import_layer(&mut archive(items).as_slice(), None);
    (fixture, layer)
}

fn kinds(fixture: &Fixture, layer: &Layer) -> Vec<(String, EntryKind)> {
    let entries = fixture.store().entries(layer.id).unwrap();
    entries.iter().map(|e| (String::from_utf8_lossy(&e.path).into_owned(), e.kind.clone())).collect()
}

use tar::EntryType as T;

#[test]
fn attempts_to_escape_are_refused_by_name() {
    let bad: [&[Item<'_>]; 5] = [
        &[("../evil", T::Regular, "", b"x")],
        &[("a/../../evil", T::Regular, "", b"x")],
        &[("hard", T::Link, "../../etc/passwd", b"")],
        &[("hard", T::Link, "/etc/passwd", b"")],
        &[("f", T::Regular, "", b"x"), ("f/below", T::Regular, "", b"x")],
    ];
    for items in bad {
        let (fixture, result) = import(items);
        let error = result.unwrap_err();
        assert_eq!(error.code(), "store::tar_entry", "{error}");
        assert!(error.help().is_some());
        assert!(!fixture.root.join("l/evil").exists());
        assert_eq!(std::fs::read_dir(fixture.root.join("l")).unwrap().count(), 0);
    }
}

/// A PAX record (POSIX pax, "Extended Header"): its length counts its own digits.
fn pax_record(key: &str, value_bytes: usize) -> Vec<u8> {
    let rest = key.len() + value_bytes + 3;
    let length = (1..8).map(|digits| rest + digits).find(|n| n.to_string().len() + rest == *n).unwrap();
    let mut record = format!("{length} {key}=").into_bytes();
    record.resize(length - 1, b'v');
    record.push(b'\n');
    record
}

/// What a compressed archive of some kilobytes unpacks to: the attributes of a directory are to be kept until the layer
/// is complete.
#[test]
fn metadata_that_would_fill_memory_is_refused() {
    let attributes = pax_record("SCHILY.xattr.user.a", 1 << 19);
    let names: Vec<String> = (0..600).map(|n| format!("d{n}")).collect();
    let items: Vec<Item<'_>> = names
        .iter()
        .flat_map(|name| [("x", T::XHeader, "", &attributes[..]), (name, T::Directory, "", b"")])
        .collect();
    let (fixture, result) = import(&items);
    let error = result.unwrap_err();
    assert_eq!(error.code(), "store::tar", "{error}");
    assert!(error.to_string().contains("256 MiB"), "{error}");
    assert_eq!(std::fs::read_dir(fixture.root.join("l")).unwrap().count(), 0);
}

#[test]
fn extensions_of_one_entry_are_bounded_together() {
    let half = pax_record("comment", 1 << 19);
    let items = [("x", T::XHeader, "", &half[..]), ("f", T::Regular, "", b"")];
    assert!(import(&items).1.is_ok());
    let items = [("x", T::XHeader, "", &half[..]), ("x", T::XHeader, "", &half), ("f", T::Regular, "", b"")];
    let error = import(&items).1.unwrap_err();
    assert!(error.to_string().contains("an extension of"), "{error}");
}

#[test]
fn a_link_in_the_middle_of_a_name_stays_inside() {
    let outside = tempfile::tempdir().unwrap();
    let out = outside.path().to_str().unwrap();
    let (fixture, layer) = import(&[
        ("up", T::Symlink, "../../../../..", b""),
        ("abs", T::Symlink, out, b""),
        ("up/tmp/one", T::Regular, "", b"1"),
        ("abs/two", T::Regular, "", b"2"),
    ]);
    let layer = layer.unwrap();
    assert_eq!(std::fs::read(layer.dir.join("tmp/one")).unwrap(), b"1");
    let inside = layer.dir.join(out.trim_start_matches('/')).join("two");
    assert_eq!(std::fs::read(inside).unwrap(), b"2");
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
    assert!(kinds(&fixture, &layer).iter().any(|(path, _)| path == "tmp/one"));
}

#[test]
fn links_in_a_circle_end() {
    let (_fixture, result) =
        import(&[("a", T::Symlink, "b", b""), ("b", T::Symlink, "a", b""), ("a/f", T::Regular, "", b"x")]);
    assert_eq!(result.unwrap_err().code(), "store::symlink_loop");
}

#[test]
fn absolute_names_lose_their_slash_and_the_last_entry_wins() {
    let (fixture, layer) = import(&[
        ("/etc/f", T::Regular, "", b"one"),
        ("etc", T::Directory, "", b""),
        ("etc/f", T::Regular, "", b"two"),
        ("d/x", T::Regular, "", b"x"),
        ("d", T::Regular, "", b"file"),
    ]);
    let layer = layer.unwrap();
    assert_eq!(std::fs::read(layer.dir.join("etc/f")).unwrap(), b"two");
    assert_eq!(std::fs::read(layer.dir.join("d")).unwrap(), b"file");
    let paths: Vec<String> = kinds(&fixture, &layer).into_iter().map(|(p, _)| p).collect();
    assert_eq!(paths, ["d", "etc", "etc/f"]);
}

#[test]
fn hard_links_outlive_their_first_name() {
    let (fixture, layer) = import(&[
        ("z", T::Regular, "", b"data"),
        ("m", T::Link, "z", b""),
        ("a", T::Link, "z", b""),
        ("z", T::Symlink, "m", b""),
    ]);
    let layer = layer.unwrap();
    let kinds = kinds(&fixture, &layer);
    assert!(matches!(kinds[0], (ref p, EntryKind::File { size: 4, .. }) if p == "a"), "{kinds:?}");
    assert_eq!(kinds[1].1, EntryKind::Hardlink { to: b"a".to_vec() });
    let inode = |name: &str| layer.dir.join(name).symlink_metadata().unwrap().ino();
    assert_eq!(inode("a"), inode("m"));
}

#[test]
fn whiteouts_and_opaque_directories() {
    let (fixture, layer) = import(&[
        ("d", T::Directory, "", b""),
        ("d/.wh..wh..opq", T::Regular, "", b""),
        ("d/new", T::Regular, "", b"n"),
        ("etc/.wh.gone", T::Regular, "", b""),
        (".wh.re", T::Regular, "", b""),
        ("re/born", T::Regular, "", b"b"),
        (".wh..wh.plnk", T::Directory, "", b""),
    ]);
    let layer = layer.unwrap();
    let kinds = kinds(&fixture, &layer);
    let kind = |path: &str| kinds.iter().find(|(p, _)| p == path).map(|(_, k)| k.clone());
    assert_eq!(kind("d"), Some(EntryKind::Dir { opaque: true }));
    assert_eq!(kind("etc/gone"), Some(EntryKind::Whiteout));
    assert_eq!(kind("re"), Some(EntryKind::Dir { opaque: true }), "made again over a removal");
    assert_eq!(kinds.len(), 6);
    let gone = layer.dir.join("etc/gone").symlink_metadata().unwrap();
    assert_eq!((gone.mode() & libc::S_IFMT, gone.rdev()), (libc::S_IFCHR, 0));
}

#[test]
fn what_was_read_back_from_an_upper_makes_the_same_tar() {
    let (fixture, layer) = import(&[
        ("d", T::Directory, "", b""),
        ("d/.wh..wh..opq", T::Regular, "", b""),
        ("d/new", T::Regular, "", b"n"),
        (".wh.gone", T::Regular, "", b""),
    ]);
    let (store, layer) = (fixture.store(), layer.unwrap());
    let pending = store.begin_layer().unwrap();
    shell(pending.dir(), &format!("cp -a --preserve=all '{}/.' .", layer.dir.display()));
    std::fs::set_permissions(pending.dir(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let sealed = pending.seal_from_disk().unwrap();
    assert_eq!(sealed.content, layer.content);
    let names =
        String::from_utf8(Vec::from_iter(tar_of(&store, &sealed).into_iter().filter(|b| *b < 128))).unwrap();
    assert!(names.contains(".wh.gone") && names.contains("d/.wh..wh..opq"));
}

#[test]
fn broken_archives_are_named() {
    let good = archive(&[("f", T::Regular, "", b"content"), ("g", T::Regular, "", b"more")]);
    let mut flipped = good.clone();
    flipped[3] ^= 0x40;
    let mut global = Vec::new();
    let mut builder = tar::Builder::new(&mut global);
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(T::XGlobalHeader);
    let record = b"12 path=abc\n";
    header.set_size(record.len() as u64);
    header.set_cksum();
    builder.append(&header, &record[..]).unwrap();
    drop(builder);
    let mut bomb = tar::Header::new_gnu();
    bomb.set_entry_type(T::GNULongName);
    bomb.set_size(1 << 40);
    bomb.set_cksum();
    for bytes in [&good[..600], &flipped, &global, &bomb.as_bytes()[..]] {
        let fixture = Fixture::new();
        let error = fixture.store().import_layer(&mut &*bytes, None).unwrap_err();
        assert_eq!(error.code(), "store::tar", "{error}");
    }
    let fixture = Fixture::new();
    let wrong = fixture.store().import_layer(&mut good.as_slice(), Some(DiffId::of(b"x"))).unwrap_err();
    assert_eq!(wrong.code(), "store::layer_digest");
}

#[test]
fn a_foreign_tar_comes_back_from_its_blob() {
    let fixture = Fixture::new();
    let store = fixture.store();
    let bytes = archive(&[("f", T::Regular, "", b"content")]);
    let layer = store.import_layer(&mut bytes.as_slice(), None).unwrap();
    let lost = store.write_layer_tar(layer.id, &mut Vec::new()).unwrap_err();
    assert_eq!(lost.code(), "store::no_original_tar");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&bytes).unwrap();
    let compressed = gzip.finish().unwrap();
    let blob = store.put_blob(&compressed).unwrap();
    let record = buildc_store::LayerBlob {
        diff_id: layer.diff_id,
        blob,
        size_bytes: compressed.len() as u64,
        media_type: "application/vnd.oci.image.layer.v1.tar+gzip".to_owned(),
        compressor: "foreign".to_owned(),
    };
    store.record_layer_blob(record.clone()).unwrap();
    assert_eq!(store.layer_blobs(&layer.diff_id).unwrap(), [record]);
    assert_eq!(tar_of(&store, &layer), bytes);
}

#[test]
fn sealing_with_entries_reads_nothing_again() {
    let fixture = Fixture::new();
    let store = fixture.store();
    let pending = store.begin_layer().unwrap();
    std::fs::write(pending.dir().join("f"), "abc").unwrap();
    let entries = vec![
        Entry {
            path: b"dev".to_vec(),
            kind: EntryKind::CharDevice { major: 1, minor: 3 },
            mode: 0o666,
            uid: 12345,
            gid: 3_000_000,
            mtime: (-7, 0),
            xattrs: vec![(b"security.capability".to_vec(), vec![1, 0, 255])],
        },
        Entry {
            path: b"f".to_vec(),
            kind: EntryKind::File { size: 3, hash: buildc_digest::FileHash::of(b"abc") },
            mode: 0o4711,
            uid: 7,
            gid: 8,
            mtime: (9, 10),
            xattrs: Vec::new(),
        },
    ];
    let mut hasher = buildc_store::TarHasher::new();
    hasher.entry(&entries[0]).unwrap();
    hasher.entry(&entries[1]).unwrap();
    hasher.data(b"abc").unwrap();
    let layer = pending.seal(entries.clone(), hasher.finish().unwrap()).unwrap();
    assert_eq!(*store.entries(layer.id).unwrap(), entries);
    tar_of(&store, &layer);
}
