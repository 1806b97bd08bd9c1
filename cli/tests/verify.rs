//! `build --verify`, `build --watch` and `--optimise`, with real builds.
#![allow(clippy::print_stderr)]

#[path = "fixture/mod.rs"]
mod fixture;

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use fixture::{buildc, context, root_and_busybox, run};
use serde_json::Value;

#[test]
fn two_builds_are_compared_to_the_byte() {
    if !root_and_busybox("verified builds") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let store = fixture::store_with_base(dir.path());
    let good =
        "FROM localhost/busybox\nCOPY file /file\nRUN --network=none cp /file /copy && date > /dev/null\n";
    let good = context(dir.path(), "good", good);
    fs::write(good.join("file"), "content").expect("written");
    let said = run(buildc(&store).args(["build", "--verify", "--reproducible"]).arg(&good)).expect("equal");
    assert!(said.contains("to the byte"), "{said}");
    let said = run(buildc(&store).args(["build", "--verify"]).arg(&good)).expect("equal but for times");
    assert!(said.contains("times differ"), "{said}");

    let bad =
        "FROM localhost/busybox\nRUN --network=none printf 'same '; (printf 'same '; date +%s) > /built\n";
    let bad = context(dir.path(), "bad", bad);
    let output = buildc(&store).args(["build", "--verify=json"]).arg(&bad).output().expect("buildc runs");
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["reproducible"], false);
    let difference = &report["targets"][0]["differences"][0];
    assert_eq!((&difference["path"], &difference["what"]), (&"/built".into(), &"content".into()));
    assert!(difference["first_byte"].as_u64().is_some_and(|at| at >= 5), "{difference}");
    assert!(difference["bytes"].as_u64().is_some_and(|bytes| bytes <= 10), "{difference}");

    // A checkout of its own is younger than this; what is clamped to 1980 is not.
    let old = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    fs::File::open(good.join("file")).and_then(|file| file.set_modified(old)).expect("an old file");
    run(buildc(&store).args(["build", "--verify", "--reproducible"]).arg(&good)).expect("equal");
    let mut command = buildc(&store);
    command.args(["build", "--verify=json"]).arg(&good).env("SOURCE_DATE_EPOCH", "1700000000");
    let output = command.output().expect("buildc runs");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let difference = &report["targets"][0]["differences"][0];
    assert_eq!((&difference["path"], &difference["what"]), (&"/file".into(), &"time".into()), "{report}");

    let contexts = fs::read_dir(store.join("contexts")).into_iter().flatten().flatten();
    let left = contexts.filter(|entry| entry.file_name().to_string_lossy().starts_with("verify-"));
    assert_eq!(left.count(), 0, "the copied contexts are gone");
}

#[test]
fn a_watched_build_runs_again_for_what_it_uses() {
    if !root_and_busybox("watched builds") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let store = fixture::store_with_base(dir.path());
    let dockerfile = "FROM localhost/busybox\nCOPY used /used\n";
    let context = context(dir.path(), "watched", dockerfile);
    fs::write(context.join("used"), "1").expect("written");
    let mut command = buildc(&store);
    command.args(["build", "--watch", "-t", "watched"]).arg(&context).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut lines = BufReader::new(child.stderr.take().expect("its words")).lines().map_while(Result::ok);
    let id = || run(buildc(&store).args(["inspect", "-f", "{{.Id}}", "watched"])).expect("an image");
    let mut waits = || lines.by_ref().find(|line| line.contains("Waiting for changes")).expect("it goes on");
    waits();
    let first = id();
    fs::write(context.join("unused"), "x").expect("written");
    fs::write(context.join("used"), "two").expect("written");
    waits();
    let second = id();
    assert_ne!(first, second);
    fs::write(context.join("Dockerfile"), "FROM localhost/busybox\nNONSENSE\n").expect("written");
    waits();
    assert_eq!(second, id(), "a failure changes nothing");
    fs::write(context.join("Dockerfile"), format!("{dockerfile}LABEL a=b\n")).expect("written");
    waits();
    assert_ne!(second, id(), "a label alone is something to build");
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(i32::try_from(child.id()).expect("a process id")),
        nix::sys::signal::Signal::SIGINT,
    )
    .expect("it can be told");
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
}

#[test]
fn passes_change_nothing_but_the_work() {
    if !root_and_busybox("builds without passes") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let store = fixture::store_with_base(dir.path());
    let dockerfile = "FROM localhost/busybox AS unused\nRUN --network=none false\n\
        FROM localhost/busybox\nENV A=1\nRUN --network=none echo $A > /a\nLABEL x=y\nCMD [\"cat\", \"/a\"]\n";
    let context = context(dir.path(), "passes", dockerfile);
    let build = |words: &[&str]| {
        run(buildc(&store).args(["build", "-q", "--reproducible", "--no-cache"]).args(words).arg(&context))
    };
    let all = build(&[]).expect("built");
    for words in
        ["--optimise=-fold", "--optimise=-dedupe", "--optimise=-fold,-dedupe", "--optimise=-fold,+fold"]
    {
        assert_eq!(build(&[words]).as_ref(), Ok(&all), "{words}");
    }
    let unknown = build(&["--optimise=-nonsense"]).expect_err("no such pass");
    assert!(unknown.contains("prune, fold, dedupe"), "{unknown}");
}
