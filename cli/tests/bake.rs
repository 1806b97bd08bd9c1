//! Bake files, by real builds.
#![allow(clippy::print_stderr)]

#[path = "fixture/mod.rs"]
mod fixture;

use std::fs;
use std::path::Path;

use fixture::{buildc, root_and_busybox, run};

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
