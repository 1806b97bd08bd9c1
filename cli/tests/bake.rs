//! Bake files, by real builds.
#![allow(clippy::print_stderr)]

#[path = "fixture/mod.rs"]
mod fixture;

use std::fs;
use std::path::Path;

use fixture::{buildc, root_and_busybox, run, store_with_base};

const FILE: &str = r#"
variable "WORD" { default = "file" }
group "default" { targets = ["app"] }
target "base" {
  dockerfile-inline = "FROM scratch\nCOPY input /from-base\n"
}
target "app" {
  contexts = { lower = "target:base" }
  dockerfile-inline = "FROM lower\nARG WORD\nCOPY <<TEXT /word\n$WORD\nTEXT\n"
  args = { WORD = upper(WORD) }
  output = [{ type = "local", dest = "out" }]
}
"#;

fn bake(dir: &Path, args: &[&str]) -> Result<String, String> {
    run(buildc(&dir.join("store")).current_dir(dir).env("WORD", "given").arg("bake").args(args))
}

#[test]
fn targets_are_built_with_what_they_need() {
    if !root_and_busybox("bake") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("docker-bake.hcl"), FILE).expect("a bake file");
    fs::write(dir.path().join("input"), "input").expect("a file");
    let printed: serde_json::Value =
        serde_json::from_str(&bake(dir.path(), &["--print"]).expect("it is printed")).expect("json");
    assert_eq!(printed["target"]["app"]["args"]["WORD"], "GIVEN");
    assert!(!dir.path().join("out").exists());
    bake(dir.path(), &[]).expect("it is built");
    let read = |name: &str| fs::read_to_string(dir.path().join("out").join(name)).expect("a file");
    assert_eq!((read("word").as_str(), read("from-base").as_str()), ("GIVEN\n", "input"));
    bake(dir.path(), &["--set", "app.args.WORD=set"]).expect("it is built");
    assert_eq!(read("word"), "set\n");
    let error = bake(dir.path(), &["nothing"]).expect_err("there is no such target");
    assert!(error.contains("bake::invalid") && error.contains("app"), "{error}");
    let error = bake(dir.path(), &["--set", "app.shm-size=1"]).expect_err("a field that is not done");
    assert!(error.contains("shm-size"), "{error}");
}

const GROUP: &str = r#"
group "default" { targets = ["one", "two", "over"] }
target "one" {
  dockerfile-inline = "FROM localhost/busybox AS made\nRUN echo shared >/made\nFROM scratch AS last\nCOPY --from=made /made /one\nLABEL n=1\n"
  labels = { from = "one" }
  tags = ["one", "one:2"]
}
target "two" {
  dockerfile-inline = "FROM localhost/busybox AS made\nRUN echo shared >/made\nFROM scratch\nCOPY --from=made /made /two\nCOPY input /two-input\n"
  tags = ["two"]
}
target "over" {
  context = "other"
  contexts = { one = "target:one", files = "target:two" }
  dockerfile-inline = "FROM one\nCOPY --from=files /two-input /over\nCOPY input /other\n"
  output = ["type=local,dest=out"]
}
"#;

#[test]
fn a_group_is_one_graph() {
    if !root_and_busybox("bake") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    store_with_base(dir.path());
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).expect("a file");
    fs::create_dir(dir.path().join("other")).expect("a directory");
    write("docker-bake.hcl", GROUP);
    write("input", "input");
    write("other/input", "other");
    let events = |args: &[&str]| {
        let args = [&["--progress=json", "--metadata-file=meta.json"], args].concat();
        let output =
            buildc(&dir.path().join("store")).current_dir(dir.path()).arg("bake").args(args).output();
        let output = output.expect("buildc runs");
        let text =
            String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{text}");
        text
    };
    let starts = |text: &str| -> Vec<String> {
        let events = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        let started = events.filter(|event| event["event"] == "started");
        started.map(|event| event["label"].as_str().unwrap_or_default().to_owned()).collect()
    };
    let first = starts(&events(&[]));
    assert_eq!(first.iter().filter(|label| label.contains("RUN echo shared")).count(), 1, "{first:?}");
    assert_eq!(first.len(), 6, "{first:?}");
    let read = |name: &str| fs::read_to_string(dir.path().join("out").join(name)).expect("a file");
    assert_eq!(
        [read("one"), read("over"), read("other")].map(|text| text.trim_end().to_owned()),
        ["shared", "input", "other"]
    );
    let meta = fs::read_to_string(dir.path().join("meta.json")).expect("the digests");
    let meta: serde_json::Value = serde_json::from_str(&meta).expect("json");
    assert_eq!(meta["one"]["image.name"], "docker.io/library/one:latest,docker.io/library/one:2");
    let labels =
        run(buildc(&dir.path().join("store")).args(["inspect", "one:2", "-f", "{{json .Config.Labels}}"]));
    let labels: serde_json::Value = serde_json::from_str(&labels.expect("it is there")).expect("json");
    assert_eq!(labels["from"], "one");
    let alone = meta["over"]["containerimage.config.digest"].clone();
    events(&["over"]);
    let again: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(dir.path().join("meta.json")).expect("the digests"))
            .expect("json");
    assert_eq!(again["over"]["containerimage.config.digest"], alone);
    assert!(starts(&events(&[])).is_empty(), "everything is cached");
    let fresh = starts(&events(&["--set", "one.no-cache=true"]));
    let of_one = |label: &String| label.starts_with("[one ");
    assert!(fresh.len() == 2 && fresh.iter().all(of_one), "only what is written in `one`: {fresh:?}");
    write("secret", "1");
    let error =
        bake(dir.path(), &["--set", "one.secret=id=s,src=secret", "--set", "two.secret=id=s,src=input"]);
    assert!(error.expect_err("one id is two things").contains("`s` is something else"));
    let error = bake(dir.path(), &["--set", "one.network=nowhere"]).expect_err("no such network");
    assert!(error.contains("Target `one`") && error.contains("nowhere"), "{error}");
}

#[test]
fn platforms_of_linked_targets_fit() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = r#"
target "under" {
  dockerfile-inline = "FROM scratch\nARG TARGETARCH\nCOPY <<EOF /arch\n$TARGETARCH\nEOF\n"
  platforms = ["linux/amd64", "linux/arm64"]
}
target "default" {
  contexts = { under = "target:under" }
  dockerfile-inline = "FROM scratch\nCOPY --from=under /arch /\n"
  platforms = ["linux/arm64"]
  output = ["out"]
}
"#;
    fs::write(dir.path().join("docker-bake.hcl"), file).expect("a bake file");
    bake(dir.path(), &[]).expect("it is built");
    assert_eq!(fs::read_to_string(dir.path().join("out/arch")).expect("a file"), "arm64\n");
    let error = bake(dir.path(), &["--set", "default.platforms=linux/s390x"]).expect_err("`under` has none");
    assert!(error.contains("bake::invalid") && error.contains("linux/s390x"), "{error}");
    bake(dir.path(), &["--set", "default.platforms=linux/s390x", "--set", "under.platforms=linux/amd64"])
        .expect("one platform serves all");
    assert_eq!(fs::read_to_string(dir.path().join("out/arch")).expect("a file"), "amd64\n");
}
