//! The rooms of the house may only know each other along the edges that ARCHITECTURE.md allows.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

const CRATES: [&str; 8] = [
    "buildc",
    "buildc-compiler",
    "buildc-digest",
    "buildc-executor",
    "buildc-ir",
    "buildc-launch",
    "buildc-store",
    "lang-tests",
];

/// Who may use whom; `buildc` itself, the command line, may use all.
const ALLOWED: [(&str, &[&str]); 7] = [
    ("buildc-digest", &[]),
    ("buildc-ir", &["buildc-digest"]),
    ("buildc-compiler", &["buildc-digest", "buildc-ir"]),
    ("buildc-store", &["buildc-digest"]),
    ("buildc-launch", &[]),
    ("buildc-executor", &["buildc-digest", "buildc-ir", "buildc-launch", "buildc-store"]),
    ("lang-tests", &["buildc-compiler", "buildc-digest", "buildc-ir"]),
];

fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    metadata["packages"].as_array().expect("a list of packages").clone()
}

#[test]
fn crates_depend_on_each_other_only_as_allowed() {
    let packages = packages();
    let names: BTreeSet<&str> = packages.iter().filter_map(|p| p["name"].as_str()).collect();
    assert_eq!(
        names,
        CRATES.into_iter().collect(),
        "a new crate needs a place in this test and in ARCHITECTURE.md"
    );
    let mut wrong = Vec::new();
    for package in &packages {
        let name = package["name"].as_str().expect("a name");
        let Some((_, allowed)) = ALLOWED.iter().find(|(n, _)| *n == name) else { continue };
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            let used = dependency["name"].as_str().expect("a name");
            if names.contains(used) && !allowed.contains(&used) {
                wrong.push(format!("{name} -> {used}"));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new(), "these edges are not allowed");
}

#[test]
fn only_the_launcher_may_be_unsafe() {
    for package in packages() {
        let name = package["name"].as_str().expect("a name");
        let manifest = std::path::Path::new(package["manifest_path"].as_str().expect("a path"));
        let source = manifest.parent().expect("a directory").join("src");
        let root = ["lib.rs", "main.rs"].map(|f| source.join(f)).into_iter().find(|p| p.exists());
        let text = std::fs::read_to_string(root.expect("a crate root")).expect("readable source");
        if name != "buildc-launch" {
            assert!(!text.contains("allow(unsafe_code)"), "{name} allows unsafe code");
        }
    }
}
