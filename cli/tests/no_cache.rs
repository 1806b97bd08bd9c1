//! What `--no-cache` and `--no-cache-filter` make run again: what other stages take from it is made anew too, and cache
//! mounts begin empty.

#![allow(clippy::print_stderr)]

#[path = "fixture/mod.rs"]
mod fixture;

use std::fs;
use std::path::{Path, PathBuf};

use fixture::{buildc, context, run, store_with_base};
use serde_json::Value;

/// Two stages that come to something else whenever they run, and one that copies both.
const CHANCE: &str = "\
FROM localhost/busybox AS s0
RUN head -c 100 /dev/urandom | sha256sum >/u0
FROM localhost/busybox AS s1
RUN head -c 100 /dev/urandom | sha256sum >/u1
FROM localhost/busybox AS between
COPY --from=s1 /u1 /between/
FROM scratch
COPY --from=s0 /u0 /
COPY --from=between /between/u1 /
";

struct Place {
    dir: tempfile::TempDir,
    store: PathBuf,
}

impl Place {
    fn new() -> Option<Self> {
        if !fixture::root_and_busybox("no cache") {
            return None;
        }
        let dir = tempfile::tempdir().expect("a directory");
        let store = store_with_base(dir.path());
        Some(Self { dir, store })
    }

    fn build(&self, files: &Path, words: &[&str]) -> PathBuf {
        let out = tempfile::tempdir_in(self.dir.path()).expect("a directory").keep();
        let mut build = buildc(&self.store);
        run(build.args(["build", "-q", "-o"]).arg(&out).args(words).arg(files)).expect("a build");
        out
    }

    /// The labels and states of the plan.
    fn plan(&self, files: &Path, words: &[&str]) -> Vec<(String, String)> {
        let text = run(buildc(&self.store).args(["plan", "--format", "json"]).args(words).arg(files));
        let plan: Value = serde_json::from_str(&text.expect("a plan")).expect("JSON");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let steps = plan["steps"].as_array().expect("steps");
        steps.iter().map(|step| (text(&step["label"]), text(&step["state"]["is"]))).collect()
    }
}

fn read(out: &Path) -> [String; 2] {
    ["u0", "u1"].map(|name| fs::read_to_string(out.join(name)).expect("a file"))
}

#[test]
fn a_stage_that_is_only_copied_from_runs_again() {
    let Some(place) = Place::new() else { return };
    let files = context(place.dir.path(), "context", CHANCE);
    let first = read(&place.build(&files, &[]));
    assert_eq!(read(&place.build(&files, &[])), first);
    let filter = ["--no-cache-filter", "s1"];
    let plan = place.plan(&files, &filter);
    let state = |part: &str| plan.iter().find(|(label, _)| label.contains(part)).map(|(_, s)| s.as_str());
    assert_eq!(state("/u1"), Some("will-run"), "{plan:?}");
    assert_eq!(state("--from=s0"), Some("cached"), "{plan:?}");
    assert_eq!(state("--from=between"), Some("depends-on"), "{plan:?}");
    let second = read(&place.build(&files, &filter));
    assert_eq!(second[0], first[0]);
    assert_ne!(second[1], first[1]);
    // What was made last is what counts from now on.
    assert_eq!(read(&place.build(&files, &[])), second);
}

#[test]
fn a_copy_of_the_same_is_no_other_one() {
    let Some(place) = Place::new() else { return };
    let dockerfile = "FROM localhost/busybox AS s1\nRUN echo same >/u\nFROM scratch\nCOPY --from=s1 /u /\n";
    let files = context(place.dir.path(), "context", dockerfile);
    place.build(&files, &[]);
    let mut build = buildc(&place.store);
    build.args(["build", "--progress=plain", "--no-cache-filter", "s1"]).arg(&files);
    let output = build.output().expect("buildc runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("1 ran, 2 cached"), "{said}");
}

#[test]
fn cache_mounts_begin_empty_without_the_cache() {
    let Some(place) = Place::new() else { return };
    let run_line = "RUN --mount=type=cache,target=/c,mode=0773 touch /c/$FOO && ls -l /c | wc -l >/out";
    // Within one build the second step sees what the first has left.
    let more = "RUN --mount=type=cache,target=/c,mode=0773 touch /c/more && ls -l /c | wc -l >/more";
    let dockerfile = format!("FROM localhost/busybox\nARG FOO\n{run_line}\n{more}\n");
    let files = context(place.dir.path(), "context", &dockerfile);
    let lines = |foo: &str, words: &[&str]| {
        let foo = format!("FOO={foo}");
        let out = place.build(&files, &[&["--build-arg", &foo], words].concat());
        ["out", "more"].map(|name| fs::read_to_string(out.join(name)).expect("a file").trim().to_owned())
    };
    assert_eq!(lines("abc", &[]), ["2", "3"]);
    assert_eq!(lines("def", &["--no-cache"]), ["2", "3"]);
    assert_eq!(lines("ghi", &[]), ["4", "4"]);
}
