//! Feeds arbitrary bytes to the layer extractor: it must end with a layer or a named error, write nothing outside the
//! store, and what it accepts must pass fsck.
//!
//! Run with `cargo +nightly fuzz run layer_tar` in `store/`; any layer archive is a seed.
#![no_main]

use buildc_store::{FsckOptions, OpenOptions, Store};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let root = dir.path().join("store");
    let store = Store::open(&root, OpenOptions::default()).expect("a new store");
    if store.import_layer(&mut &bytes[..], None).is_ok() {
        let report = store.fsck(FsckOptions { repair: false, rehash: true }).expect("fsck runs");
        assert!(report.problems.is_empty(), "{:?}", report.problems);
    }
    let beside: Vec<_> = std::fs::read_dir(dir.path()).expect("the directory").flatten().collect();
    assert_eq!(beside.len(), 1, "only the store stands there: {beside:?}");
});
