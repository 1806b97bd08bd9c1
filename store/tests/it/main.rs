//! The store from outside, with real files, real sqlite and GNU tar.
//!
//! Tests that need root say so loudly and pass without it, unless `BUILDC_TEST_REQUIRE_ALL=1`.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a test may fail, and says why it skips"
)]

mod archives;
mod basics;
mod collection;
mod damage;
mod joins;
mod overlays;
mod processes;
mod sparse;
mod traces;
mod vectors;
mod views;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use buildc_store::{OpenOptions, Store};

/// A store in a directory that goes with it.
struct Fixture {
    _dir: tempfile::TempDir,
    root: PathBuf,
}

impl Fixture {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("store");
        Self { _dir: dir, root }
    }

    fn store(&self) -> Store {
        Store::open(&self.root, OpenOptions::default()).unwrap()
    }

    fn scratch(&self, name: &str) -> PathBuf {
        let path = self._dir.path().join(name);
        std::fs::create_dir_all(&path).unwrap();
        path
    }
}

/// Whether this is root; otherwise says that `test` does not run, or fails where everything must.
fn is_root(test: &str) -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        assert_ne!(std::env::var("BUILDC_TEST_REQUIRE_ALL").as_deref(), Ok("1"), "{test} needs root");
        // Not eprintln: the test runner would swallow it.
        let _ = writeln!(std::io::stderr(), "SKIP {test}: it needs root");
    }
    root
}

/// Runs a shell line in `dir` and wants it to succeed.
fn shell(dir: &Path, line: &str) -> String {
    let output = Command::new("sh").args(["-ec", line]).current_dir(dir).output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
