//! Sparse files of GNU tar in every form that it writes, and maps that lie.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

use buildc_digest::DiffId;
use buildc_store::{EntryKind, FsckOptions};

use crate::archives::{Item, archive};
use crate::{Fixture, shell};

/// Holes at the beginning, in the middle and at the end; nothing but a hole; more parts than a header has room for.
const HOLES: &str = r#"
truncate -s 5M begin; printf end >> begin
truncate -s 3M nothing
truncate -s 4M middle; printf a | dd of=middle conv=notrunc status=none; printf b | dd of=middle bs=1 seek=2000000 conv=notrunc status=none
for n in $(seq 0 99); do printf "part $n" | dd of=many bs=64K seek=$n conv=notrunc status=none; done; truncate -s 20M many
long=$(printf 'x%.0s' $(seq 1 120)); truncate -s 2M $long; printf x >> $long
printf plain > zz
"#;
const FORMS: [&[&str]; 4] = [
    &["--format=gnu"],
    &["--format=posix", "--sparse-version=0.0"],
    &["--format=posix", "--sparse-version=0.1"],
    &["--format=posix", "--sparse-version=1.0"],
];

/// An archive of GNU tar with everything in the directory.
fn gnu(form: &[&str], dir: &Path) -> Vec<u8> {
    let output =
        Command::new("tar").arg("--sparse").args(form).arg("-C").arg(dir).args(["-cf", "-", "."]).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{output:?}");
    output.stdout
}

fn contents(dir: &Path) -> String {
    shell(dir, "find . -type f -printf '%P %s\n' | sort; find . -type f | sort | xargs sha256sum")
}

#[test]
fn every_form_of_gnu_tar_is_read_and_holes_stay_holes() {
    let fixture = Fixture::new();
    let tree = fixture.scratch("tree");
    shell(&tree, HOLES);
    for form in FORMS {
        let fixture = Fixture::new();
        let store = fixture.store();
        let bytes = gnu(form, &tree);
        assert!(bytes.len() < 2 << 20, "{form:?}: tar saw no holes");
        let layer = store.import_layer(&mut bytes.as_slice(), Some(DiffId::of(&bytes))).unwrap();
        assert_eq!(contents(&layer.dir), contents(&tree), "{form:?}");
        for name in ["begin", "nothing", "middle", "many"] {
            let file = layer.dir.join(name).metadata().unwrap();
            assert!(
                file.blocks() * 512 < file.len() / 2,
                "{form:?}: `{name}` takes {} blocks",
                file.blocks()
            );
        }
        let report = store.fsck(FsckOptions { repair: false, rehash: true }).unwrap();
        assert!(report.problems.is_empty(), "{form:?}: {:?}", report.problems);
        let kinds = store.entries(layer.id).unwrap();
        let nothing = kinds.iter().find(|e| e.path == b"nothing").unwrap();
        assert!(matches!(nothing.kind, EntryKind::File { size: 3_145_728, .. }), "{form:?}: {nothing:?}");
    }
}

/// Records of a PAX extension.
fn pax(records: &[(&str, &str)]) -> Vec<u8> {
    let record = |(key, value): &(&str, &str)| {
        let rest = key.len() + value.len() + 3;
        let length = (1..6).map(|digits| rest + digits).find(|n| n.to_string().len() + rest == *n).unwrap();
        format!("{length} {key}={value}\n").into_bytes()
    };
    records.iter().flat_map(record).collect()
}

#[test]
fn maps_that_lie_are_refused_by_name() {
    use tar::EntryType::{GNUSparse, Regular, Symlink, XHeader};
    const SIZE: (&str, &str) = ("GNU.sparse.size", "1000");
    const ONE: [(&str, &str); 2] = [("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0")];
    let map = |map| pax(&[SIZE, ("GNU.sparse.map", map)]);
    let real = |size| pax(&[ONE[0], ONE[1], ("GNU.sparse.realsize", size)]);
    let mut never = vec![b'1'; 512];
    never[4..].fill(b'\n');
    let bad: [(Vec<u8>, tar::EntryType, &[u8]); 11] = [
        (map("0,3,2,1"), Regular, b"four"),
        (map("0,3"), Regular, b"four"),
        (map("0,5"), Regular, b"four"),
        (map("998,4"), Regular, b"four"),
        (map("18446744073709551615,4"), Regular, b"four"),
        (pax(&[("GNU.sparse.map", "0,4")]), Regular, b"four"),
        (pax(&[SIZE, ("GNU.sparse.major", "2"), ("GNU.sparse.minor", "0")]), Regular, b"four"),
        // Eight exbibytes of zeros would be hashed for a very long time.
        (pax(&[("GNU.sparse.size", "9223372036854775807"), ("GNU.sparse.map", "0,4")]), Regular, b"four"),
        (real("1000"), Regular, b"1\n0\n4\nthe map takes a block"),
        (real("1000"), Regular, &never),
        (map("0,4"), Symlink, b""),
    ];
    for (records, kind, content) in bad {
        let items: [Item<'_>; 2] = [("x", XHeader, "", &records), ("lies", kind, "to", content)];
        let fixture = Fixture::new();
        let error = fixture.store().import_layer(&mut archive(&items).as_slice(), None).unwrap_err();
        let shown = String::from_utf8_lossy(&records).into_owned();
        assert_eq!(error.code(), "store::tar_entry", "{error}: {shown}");
        assert!(error.to_string().contains("lies"), "{error}: {shown}");
        assert_eq!(std::fs::read_dir(fixture.root.join("l")).unwrap().count(), 0);
    }
    let odd: [Item<'_>; 1] = [("lies", GNUSparse, "", b"")];
    let error = Fixture::new().store().import_layer(&mut archive(&odd).as_slice(), None).unwrap_err();
    assert!(error.to_string().contains("not GNU tar's"), "{error}");
}

#[test]
fn a_map_that_never_ends_does_not_fill_memory() {
    let mut header = tar::Header::new_gnu();
    header.set_path("endless").unwrap();
    header.set_entry_type(tar::EntryType::GNUSparse);
    header.set_size(0);
    header.as_gnu_mut().unwrap().isextended[0] = 1;
    header.set_cksum();
    let mut more = tar::GnuExtSparseHeader::new();
    more.isextended[0] = 1;
    let mut bytes = header.as_bytes().to_vec();
    for _ in 0..3000 {
        bytes.extend_from_slice(more.as_bytes());
    }
    let error = Fixture::new().store().import_layer(&mut bytes.as_slice(), None).unwrap_err();
    assert_eq!(error.code(), "store::tar", "{error}");
    let cut = &bytes[..2048];
    let error = Fixture::new().store().import_layer(&mut &cut[..], None).unwrap_err();
    assert!(error.to_string().contains("ends in the middle"), "{error}");
}
