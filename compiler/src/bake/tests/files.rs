//! Files of several kinds, and compose files by what they come to.

use serde_json::json;

use super::super::*;
use super::read_all;

/// Files that compose files may name.
pub(super) const BESIDE: &[(&str, &str)] = &[
    ("sub/env", "A=file\nB=file\n"),
    ("more.yml", "include: [least.yml]\nservices: {more: {build: {target: more, args: {A: 1, B: 1}}}}"),
    ("least.yml", "services: {least: {extends: base, image: least}, base: {build: {target: base}}}"),
    ("circle.yml", "include: [{path: circle.yml}]\nservices: {c: {extends: {file: circle.yml, service: c}}}"),
];

fn baked(files: &[(&str, &str)], name: &str) -> Baked {
    let environment = |name: &str| (name == "ENV").then(|| "env".to_owned());
    let baked = read_all(files, &environment).and_then(|file| file.resolve(&[name.to_owned()]));
    baked.unwrap_or_else(|error| panic!("{files:?}: {error}"))
}

fn refused(name: &str, text: &str) -> String {
    let file = read_all(&[(name, text)], &|_| None);
    file.and_then(|file| file.resolve(&["*".to_owned()])).expect_err(text).to_string()
}

#[test]
fn a_file_without_a_known_ending_is_what_it_can_be() {
    let hcl = "target \"app\" {\n context = \"dir\"\n args = { A = \"1\" }\n}";
    let compose = "services:\n  app:\n    build:\n      dockerfile: D\n      args: {B: 2}\n";
    let app = &baked(&[("one.foo", hcl), ("two.bar", compose)], "app").targets["app"];
    assert_eq!((&app["context"], &app["dockerfile"]), (&json!("dir"), &json!("D")));
    assert_eq!(app["args"], json!({ "A": "1", "B": "2" }));
    let json =
        baked(&[("-", " {\"//\": \"said\", \"target\": {\"app\": {\"//\": 1, \"target\": \"t\"}}}")], "app");
    assert_eq!(json.targets["app"]["target"], "t");
    assert!(refused("one.foo", "a: b\n").contains("HCL"), "what is neither is told as HCL");
    assert!(refused("one.hcl", compose).contains("HCL"));
}

#[test]
fn services_become_targets() {
    let one = "services:\n  web.app:\n    build: {dockerfile: D1, shm_size: 128m, additional_contexts: {foo: ./bar, img: \"docker-image://x\"}}\n";
    let two = "services:\n  web_app:\n    build: {args: {b: 12}}\n";
    let both = baked(&[("one.yml", one), ("two.yml", two)], "default");
    assert_eq!(both.groups["default"].targets, ["web_app"]);
    let app = &both.targets["web_app"];
    assert_eq!((&app["dockerfile"], &app["args"]), (&json!("D1"), &json!({ "b": "12" })));
    assert_eq!(app["shm-size"], "128MiB");
    assert_eq!(app["contexts"], json!({ "foo": "bar", "img": "docker-image://x" }));
}

#[test]
fn arguments_come_from_the_service() {
    let text = "services:\n  a:\n    build: {args: [A, B, C, ENV, NONE]}\n    environment: [B=own, C, ENV]\n    env_file: env\n";
    let over = "services:\n  a:\n    environment: {C: 3}\n";
    let target = &baked(&[("sub/compose.yml", text), ("over.yml", over)], "a").targets["a"];
    assert_eq!(target["args"], json!({ "A": "file", "B": "own", "C": "3", "ENV": "env" }));
    let missing = "services: {a: {build: {args: [A]}, env_file: [{path: nowhere}]}}";
    assert!(refused("compose.yml", missing).contains("`nowhere`"));
    let optional = missing.replace("nowhere", "nowhere, required: false");
    assert_eq!(baked(&[("compose.yml", &optional)], "a").targets["a"]["args"], json!({}));
    // Nothing of it is wanted.
    baked(&[("compose.yml", &missing.replace("[A]", "[A=1]"))], "a");
}

#[test]
fn services_of_other_files_are_included_and_extended() {
    let text = "include:\n  - path: [./more.yml]\nservices:\n  own:\n    extends: {file: more.yml, service: more}\n    build: {args: {B: 2}}\n  more: {build: {network: none}}\n";
    let baked = baked(&[("compose.yml", text)], "default");
    assert_eq!(baked.groups["default"].targets, ["base", "least", "more", "own"]);
    assert_eq!(
        (&baked.targets["own"]["target"], &baked.targets["least"]["target"]),
        (&json!("more"), &json!("base"))
    );
    assert_eq!(baked.targets["own"]["args"], json!({ "A": "1", "B": "2" }));
    assert_eq!(
        (&baked.targets["more"]["network"], &baked.targets["more"]["target"]),
        (&json!("none"), &json!("more"))
    );
    let chain: String = (0..1000).map(|at| format!("  s{at}: {{extends: s{}}}\n", at + 1)).collect();
    for (text, wanted) in [
        ("include: [circle.yml]", "includes itself"),
        ("include: [nowhere.yml]", "no file `nowhere.yml`"),
        ("include: [sub/x.yml]", "another directory"),
        ("include: [{path: more.yml, project_directory: x}]", "`project_directory` is not supported"),
        ("include: {}", "no list"),
        ("services: {a: {extends: {file: circle.yml, service: c}}}", "extends itself"),
        ("services: {a: {extends: {file: more.yml, service: none}}}", "no service `none`"),
        (&format!("include: [{}]", vec!["least.yml"; 101].join(", ")), "more than 100 files"),
        (&format!("services:\n{chain}  s1000: {{build: .}}\n"), "deep"),
    ] {
        let error = refused("compose.yml", text);
        assert!(error.contains(wanted), "{text}: {error}");
    }
}

#[test]
fn what_no_service_can_be_is_refused() {
    for (text, wanted) in [
        ("services: {a: {entrypoint: x}}", "neither an image nor a build"),
        ("services: {a: {build: .}}\nsecrets: {s: {}}", "secret `s`"),
        ("services: {a: {build: {shm_size: 1x}}}", "`1x` is no size"),
    ] {
        let error = refused("compose.yml", text);
        assert!(error.contains(wanted), "{text}: {error}");
    }
}

#[test]
fn platforms_are_those_of_targets_that_are_taken_from() {
    let text = |own: &str| {
        format!(
            "target \"mid\" {{ platforms = [\"linux/amd64\", \"linux/riscv64\"] }}\ntarget \"app\" {{\n contexts = {{ m = \"target:mid\" }}\n platforms = [{own}]\n}}"
        )
    };
    let error = refused("docker-bake.hcl", &text("\"linux/amd64\", \"linux/arm64\""));
    assert!(error.contains("(linux/amd64, linux/arm64) are not a subset of"), "{error}");
    baked(&[("docker-bake.hcl", &text("\"linux/riscv64\", \"linux/amd64\""))], "app");
}

#[test]
fn entries_keep_what_is_not_theirs() {
    let text =
        "target \"a\" {\n attest = [\"type=sbom,ENV1=a,Disabled=true\"]\n cache-from = [\"ref1,ref2\"]\n}";
    let document = baked(&[("docker-bake.hcl", text)], "a").document().unwrap();
    let entry = |name: &str| json!({ "ref": name, "type": "registry" });
    assert_eq!(document["target"]["a"]["cache-from"], json!([entry("ref1"), entry("ref2")]));
    let attest = json!([{ "ENV1": "a", "disabled": true, "type": "sbom" }]);
    assert_eq!(document["target"]["a"]["attest"], attest);
}
