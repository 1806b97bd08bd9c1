//! Feeds arbitrary bytes to the reader of saved images and layouts: it must end with images or a named error, and what it
//! accepts must pass fsck.
//!
//! Run with `cargo +nightly fuzz run image_archive` in `store/`; what `buildc save` writes is a seed.
#![no_main]

use buildc_store::{FsckOptions, OpenOptions, Store, archive};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let root = dir.path().join("store");
    let store = Store::open(&root, OpenOptions::default()).expect("a new store");
    if archive::load(&store, &mut &bytes[..]).is_ok() {
        let report = store.fsck(FsckOptions { repair: false, rehash: true }).expect("fsck runs");
        assert!(report.problems.is_empty(), "{:?}", report.problems);
    }
    let beside: Vec<_> = std::fs::read_dir(dir.path()).expect("the directory").flatten().collect();
    assert_eq!(beside.len(), 1, "only the store stands there: {beside:?}");
});
