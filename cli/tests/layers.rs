//! `build --layers`: fewer layers, the same tree, and a cache that stays one result per step. Needs root and busybox.
#![allow(clippy::print_stderr)]

#[path = "fixture/mod.rs"]
mod fixture;

use std::path::Path;
use std::process::Command;

use fixture::{buildc, context, root_and_busybox, run, store_with_base};
use serde_json::Value;

const DOCKERFILE: &str = "FROM localhost/busybox
WORKDIR /app
COPY one .
COPY two .
RUN rm one && echo 3 >three
WORKDIR /app
ENV A=1
COPY one /other/
CMD [\"true\"]
";

fn build(store: &Path, context: &Path, name: &str, layers: &str) {
    run(buildc(store).args(["build", "-q", "-t", name, "--layers", layers]).arg(context)).expect(layers);
}

/// The number of layers, and for each new history entry whether it is empty.
fn shape(store: &Path, name: &str) -> (usize, Vec<bool>) {
    let text = run(buildc(store).args(["inspect", name])).expect("inspect");
    let image: Value = serde_json::from_str(&text).expect("json");
    let layers = image[0]["RootFS"]["Layers"].as_array().expect("layers").len();
    let text = run(buildc(store).args(["image", "history", "--format", "json", name]).env("LC_ALL", "C"))
        .or_else(|_| run(buildc(store).args(["history", "--format", "json", name])));
    let empty = text.expect("history").lines().map(|line| line.contains("\"Size\":\"0B\"")).collect();
    (layers, empty)
}

fn tree(store: &Path, name: &str) -> String {
    let list = "find /app /other -exec stat -c '%n %F %a %u %s' {} + | sort; cat /app/* /other/*";
    run(buildc(store).args(["run", "--rm", "--network", "none", name, "sh", "-c", list])).expect("run")
}

#[test]
fn layers_are_kept_merged_or_squashed_and_the_tree_is_the_same() {
    if !root_and_busybox("joining layers") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let store = store_with_base(dir.path());
    let context = context(dir.path(), "context", DOCKERFILE);
    std::fs::write(context.join("one"), "1\n").expect("a file");
    std::fs::write(context.join("two"), "2\n").expect("a file");
    for how in ["keep", "merge", "squash"] {
        build(&store, &context, how, how);
    }
    // The base has one layer. WORKDIR and two COPYs are joined; the second WORKDIR is empty and goes with the COPY after it.
    assert_eq!(shape(&store, "keep").0, 7);
    assert_eq!(shape(&store, "merge").0, 4);
    assert_eq!(shape(&store, "squash").0, 2);
    assert_eq!(shape(&store, "keep").1.len(), shape(&store, "squash").1.len(), "history keeps its lines");
    let kept = tree(&store, "keep");
    assert!(kept.contains("/app/three"), "{kept}");
    assert_eq!(tree(&store, "merge"), kept);
    assert_eq!(tree(&store, "squash"), kept);
    // The removed file is in no layer of the squashed image, and everything is still cached step by step.
    let text = run(buildc(&store).args(["plan", "--format", "json"]).arg(&context)).expect("plan");
    let plan: Value = serde_json::from_str(&text).expect("json");
    assert_eq!(plan["totals"]["will_run"], 0, "{plan}");
    let archive = dir.path().join("squash.tar");
    run(buildc(&store).args(["save", "-o"]).arg(&archive).arg("squash")).expect("save");
    let other = dir.path().join("other");
    run(buildc(&other).args(["load", "-i"]).arg(&archive)).expect("load");
    assert_eq!(tree(&other, "squash"), kept);
    fixture::run(Command::new("sh").args(["-c", "tar -tf \"$0\" >/dev/null"]).arg(&archive)).expect("a tar");
    let again = |how: &str| {
        run(buildc(&store).args(["build", "-q", "--layers", how]).arg(&context)).expect("an image id")
    };
    assert_eq!(again("squash"), again("squash"));
}
