//! ADD of archives: unpacked with their owners and modes, and never outside the destination.

use buildc_ir::step::Unpack;
use tar::{Builder, EntryType, Header};

use crate::bench::{Bench, Built, Recipe};

/// Appends one entry whose name is written as it is, whatever it says.
fn entry(archive: &mut Builder<Vec<u8>>, name: &str, kind: EntryType, link: &str, data: &[u8]) {
    let mut header = Header::new_gnu();
    header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
    header.as_mut_bytes()[157..157 + link.len()].copy_from_slice(link.as_bytes());
    header.set_entry_type(kind);
    header.set_size(data.len() as u64);
    header.set_mode(0o640);
    header.set_uid(7);
    header.set_gid(8);
    header.set_mtime(1000);
    header.set_cksum();
    archive.append(&header, data).unwrap();
}

fn add(bench: &Bench, build: impl FnOnce(&mut Builder<Vec<u8>>)) -> Built {
    let mut archive = Builder::new(Vec::new());
    build(&mut archive);
    bench.write("a.tar", archive.into_inner().unwrap());
    bench.build(Recipe::scratch().copy_with(&["a.tar"], "/dest", |c| c.unpack = Unpack::Local))
}

#[test]
fn archives_keep_owners_modes_and_links() {
    let bench = Bench::new();
    let built = add(&bench, |a| {
        entry(a, "./d/", EntryType::Directory, "", b"");
        entry(a, "./d/f", EntryType::Regular, "", b"text");
        entry(a, "d/hard", EntryType::Link, "./d/f", b"");
        entry(a, "d/soft", EntryType::Symlink, "f", b"");
        entry(a, "implied/x", EntryType::Regular, "", b"");
    });
    let want = [
        "640 7:8 d dest/d",
        "640 7:8 f4 dest/d/f",
        "640 7:8 f4 dest/d/hard",
        "777 7:8 lf dest/d/soft",
        "755 0:0 d dest/implied",
        "640 7:8 f0 dest/implied/x",
    ];
    assert_eq!(built.list("dest"), want);
    assert_eq!(built.tree().get(b"dest/d/f").unwrap().unwrap().entry.mtime, (1000, 0));
}

#[test]
fn entries_that_lead_out_are_refused_by_name() {
    type Make = fn(&mut Builder<Vec<u8>>);
    let cases: [(&str, Make); 3] = [
        ("../up", |a| entry(a, "../up", EntryType::Regular, "", b"x")),
        ("self", |a| entry(a, "self", EntryType::Link, "self", b"")),
        ("h", |a| entry(a, "h", EntryType::Link, "../../etc/passwd", b"")),
    ];
    for (name, make) in cases {
        let bench = Bench::new();
        let error = add(&bench, make).result.unwrap_err();
        assert_eq!(error.code(), "archive::unsafe_entry", "{name}: {error}");
        assert!(error.help().is_some());
        assert!(error.to_string().contains(name) || name == "h", "{error}");
    }
}

#[test]
fn links_are_followed_as_if_the_destination_were_the_root() {
    let bench = Bench::new();
    let built = add(&bench, |a| {
        entry(a, "l", EntryType::Symlink, "/etc", b"");
        entry(a, "l/passwd", EntryType::Regular, "", b"x");
        entry(a, "up", EntryType::Symlink, "../../..", b"");
        entry(a, "up/y", EntryType::Regular, "", b"y");
    });
    assert_eq!(built.text("dest/etc/passwd").as_deref(), Some("x"));
    assert_eq!(built.text("dest/y").as_deref(), Some("y"));
}

#[test]
fn the_destination_is_the_root_of_absolute_names() {
    let bench = Bench::new();
    let built = add(&bench, |a| {
        entry(a, "//abs/x", EntryType::Regular, "", b"x");
        entry(a, "/hard", EntryType::Link, "/abs/x", b"");
    });
    assert_eq!(built.list("dest"), ["755 0:0 d dest/abs", "640 7:8 f1 dest/abs/x", "640 7:8 f1 dest/hard"]);
}

#[test]
fn a_hard_link_may_name_what_stood_there_before_the_archive() {
    let bench = Bench::new();
    let mut archive = Builder::new(Vec::new());
    entry(&mut archive, "h", EntryType::Link, "b/below", b"");
    bench.write("a.tar", archive.into_inner().unwrap());
    let mut first = Builder::new(Vec::new());
    entry(&mut first, "b/further", EntryType::Regular, "", b"2");
    bench.write("1.tar", first.into_inner().unwrap());
    let mut second = Builder::new(Vec::new());
    entry(&mut second, "i", EntryType::Link, "b/further", b"");
    bench.write("2.tar", second.into_inner().unwrap());
    bench.write("below", "1");
    let base = Recipe::scratch().copy(&["below"], "/dest/b/below");
    let built =
        bench.build(base.copy_with(&["a.tar", "1.tar", "2.tar"], "/dest", |c| c.unpack = Unpack::Local));
    let want = [
        "755 0:0 d dest/b",
        "640 7:8 f1 dest/b/below",
        "640 7:8 f1 dest/b/further",
        "640 7:8 f1 dest/h",
        "640 7:8 f1 dest/i",
    ];
    assert_eq!(built.list("dest"), want);
    assert_eq!((built.text("dest/h"), built.text("dest/i")), (Some("1".to_owned()), Some("2".to_owned())));
    let link = |path: &[u8]| built.tree().get(path).unwrap().unwrap().link_to;
    assert_eq!(link(b"dest/h").as_deref(), Some(&b"dest/b/below"[..]));
    assert_eq!(link(b"dest/i").as_deref(), Some(&b"dest/b/further"[..]));
}

#[test]
fn times_before_the_epoch_are_the_epoch() {
    let bench = Bench::new();
    let built = add(&bench, |a| {
        entry(a, "x", EntryType::XHeader, "", b"14 mtime=-5.5\n");
        entry(a, "old", EntryType::Regular, "", b"");
    });
    assert_eq!(built.tree().get(b"dest/old").unwrap().unwrap().entry.mtime, (0, 0));
}

#[test]
fn directories_have_the_time_of_their_last_change() {
    let bench = Bench::new();
    let built = add(&bench, |a| {
        entry(a, "own/", EntryType::Directory, "", b"");
        entry(a, "own/x", EntryType::Regular, "", b"");
        entry(a, "implied/x", EntryType::Regular, "", b"");
    });
    let mtime = |path: &[u8]| built.tree().get(path).unwrap().unwrap().entry.mtime.0;
    assert_eq!(mtime(b"dest/own"), 1000);
    assert!(mtime(b"dest/implied") > 1000);
    assert!(mtime(b"dest") > 1000);
}

#[test]
fn a_later_entry_replaces_an_earlier_one() {
    let bench = Bench::new();
    let built = add(&bench, |a| {
        entry(a, "x", EntryType::Regular, "", b"first");
        entry(a, "x", EntryType::Regular, "", b"second");
        entry(a, "l", EntryType::Symlink, "x", b"");
        entry(a, "l", EntryType::Directory, "", b"");
        entry(a, "l/in", EntryType::Regular, "", b"");
    });
    assert_eq!(built.text("dest/x").as_deref(), Some("second"));
    assert_eq!(built.list("dest/l"), ["640 7:8 f0 dest/l/in"]);
}

#[test]
fn a_truncated_archive_is_named() {
    let bench = Bench::new();
    let mut archive = Builder::new(Vec::new());
    entry(&mut archive, "x", EntryType::Regular, "", &[b'x'; 4000]);
    let whole = archive.into_inner().unwrap();
    bench.write("a.tar", &whole[..2000]);
    let recipe = Recipe::scratch().copy_with(&["a.tar"], "/dest", |c| c.unpack = Unpack::Local);
    let error = bench.build(recipe).result.unwrap_err();
    assert_eq!(error.code(), "archive::unreadable");
    assert!(error.to_string().contains("a.tar"));
}

/// A compressed archive of some kilobytes may unpack to this: attributes are to be kept until the layer is written.
#[test]
fn metadata_that_would_fill_memory_is_refused() {
    let bench = Bench::new();
    let mut archive = Builder::new(Vec::new());
    let value = "v".repeat(1 << 19);
    let attributes = format!("{} SCHILY.xattr.user.a={value}\n", value.len() + 28);
    for n in 0..600 {
        entry(&mut archive, "x", EntryType::XHeader, "", attributes.as_bytes());
        entry(&mut archive, &format!("d{n}"), EntryType::Directory, "", b"");
    }
    bench.write("a.tar", archive.into_inner().unwrap());
    let recipe = Recipe::scratch().copy_with(&["a.tar"], "/dest", |c| c.unpack = Unpack::Local);
    let error = bench.build(recipe).result.unwrap_err();
    assert_eq!(error.code(), "archive::unreadable", "{error}");
    assert!(error.to_string().contains("256 MiB"), "{error}");
}

/// A huge long name is none that a file can have, and a sparse file without a map none that anybody wrote.
#[test]
fn what_nobody_writes_is_refused() {
    for (kind, data) in [(EntryType::GNUSparse, &b"stored"[..]), (EntryType::GNULongName, &[b'n'; 2 << 20])] {
        let bench = Bench::new();
        let mut archive = Builder::new(Vec::new());
        entry(&mut archive, "odd", kind, "", data);
        bench.write("a.tar", archive.into_inner().unwrap());
        let recipe = Recipe::scratch().copy_with(&["a.tar"], "/dest", |c| c.unpack = Unpack::Local);
        assert_eq!(bench.build(recipe).result.unwrap_err().code(), "archive::unreadable");
    }
}

#[test]
fn holes_of_gnu_tar_stay_holes() {
    use std::os::unix::fs::MetadataExt;
    for form in [&["--format=gnu"][..], &["--format=posix", "--sparse-version=1.0"]] {
        let bench = Bench::new();
        let script = r#"dd if=/dev/zero of=holes bs=1 count=0 seek=8M status=none
            printf middle | dd of=holes bs=1 seek=3M conv=notrunc status=none
            tar --sparse "$@" -cf - holes"#;
        let dir = tempfile::tempdir().unwrap();
        let made = std::process::Command::new("sh")
            .args(["-ec", script, "sh"])
            .args(form)
            .current_dir(dir.path())
            .output()
            .unwrap();
        assert!(made.status.success() && made.stdout.len() < 1 << 20, "{:?}", made.status);
        bench.write("a.tar", made.stdout);
        let built =
            bench.build(Recipe::scratch().copy_with(&["a.tar"], "/dest", |c| c.unpack = Unpack::Local));
        let tree = built.tree();
        let found = tree.get(b"dest/holes").unwrap().unwrap();
        assert_eq!(
            std::fs::read(&found.disk_path).unwrap(),
            std::fs::read(dir.path().join("holes")).unwrap()
        );
        let file = found.disk_path.metadata().unwrap();
        assert!(file.blocks() * 512 < 1 << 20, "{form:?}: it takes {} blocks", file.blocks());
    }
}
