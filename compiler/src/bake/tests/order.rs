//! Blocks that speak of each other, matrices, and what JSON makes of both.

use serde_json::json;

use super::super::*;
use super::{read, read_as};

fn target(text: &str, name: &str) -> Map<String, Value> {
    let baked = read(text).and_then(|file| file.resolve(&[name.to_owned()]));
    baked.unwrap_or_else(|error| panic!("{text}: {error}")).targets.remove(name).expect("the target")
}

#[test]
fn fields_speak_of_fields_in_any_order() {
    let text = r#"
        x = target.foo.dockerfile
        target "foo" {
          dockerfile = "xxx"
          context = target.bar.context
          target = target.foo.dockerfile
          args = { NAME = target.foo.name, UNSET = target.foo.network, INDEX = target["bar"].tags[1] }
          cache-from = ["type=local,src=c"]
          cache-to = [target.foo.cache-from[0]]
        }
        target "bar" {
          dockerfile = x
          context = "yyy"
          tags = ["a", "b"]
          labels = { kind = target.foo.cache-from[0].type, each = join(",", [for target in ["t"] : target]) }
        }"#;
    let foo = target(text, "foo");
    assert_eq!((&foo["context"], &foo["target"]), (&json!("yyy"), &json!("xxx")));
    assert_eq!(foo["args"], json!({ "NAME": "foo", "INDEX": "b" }));
    assert_eq!(foo["cache-to"], json!([{ "type": "local", "src": "c" }]));
    let bar = target(text, "bar");
    assert_eq!(
        (&bar["dockerfile"], &bar["labels"]),
        (&json!("xxx"), &json!({ "kind": "local", "each": "t" }))
    );
}

#[test]
fn names_may_be_computed_or_missing() {
    let text = r#"
        target "all" { tags = flatten([for name in ["b", "c"] : target[name].tags]) }
        target "b" { tags = [try(target.nobody.context, "none")] }
        target "c" { tags = concat(target[lower("B")].tags, ["c"]) }"#;
    assert_eq!(target(text, "all")["tags"], json!(["none", "c"]));
    assert!(read("target \"a\" { tags = target[\"${\"no\"}\"].tags }").is_err());
}

#[test]
fn circles_and_missing_names_are_told() {
    for (text, wanted) in [
        ("A = B\nB = C\nC = A", "A needs B needs C needs A"),
        ("A = B\nB = C\nC = A", "variable cycle not allowed for `A`"),
        ("target \"a\" { context = target.a.context }", "target.a.context needs target.a.context"),
        ("target \"a\" { args = { X = target.a } }", "variable cycle"),
        ("target \"a\" { context = target.b.context }", "there is no target `b`"),
        ("target \"a\" { context = target.a.nothing }", "nothing"),
        ("target \"a\" { tags = [X, \"${Y}\"] }", "undefined variables `X`, `Y`"),
        ("target \"a\" {\n tags = [X]\n args = { Z = Z }\n}", "undefined variable `Z`"),
        ("target \"a\" {\n tags = [X]\n args = { Z = Z }\n}", "undefined variable `X`"),
        ("target \"a/b\" {}", "`a/b` is no name"),
        ("group \"a.b\" { targets = [] }", "`a.b` is no name"),
        ("function \"f\" { result = \"x\" }", "has no `params`"),
    ] {
        let error = read(text).expect_err(text).to_string();
        assert!(error.contains(wanted), "{text}: {error}");
    }
}

#[test]
fn long_chains_are_no_deep_recursion() {
    let chain: String = (0..20_000).map(|at| format!("v{at} = v{}\n", at + 1)).collect();
    let text = format!("{chain}v20000 = \"end\"\ntarget \"a\" {{ context = v0 }}");
    assert_eq!(target(&text, "a")["context"], "end");
}

#[test]
fn a_matrix_names_its_targets() {
    let text = "a = 1\ntarget \"default\" {\n matrix = { n = [a, 2] }\n name = n\n tags = [\"t${n}\"]\n}";
    let baked = read(text).unwrap().resolve(&[]).unwrap();
    assert_eq!(baked.groups["default"].targets, ["1", "2"]);
    assert_eq!(baked.targets["2"]["tags"], json!(["t2"]));
    let one = "target \"x\" { tags = [\"a\"] }\ntarget \"default\" {\n matrix = { d = [\"v\"] }\n tags = target.x.tags\n target = d\n}";
    let one = target(one, "default");
    assert_eq!((&one["tags"], &one["target"]), (&json!(["a"]), &json!("v")));
    // A target of a matrix goes by the name that the matrix gives it, wherever it stands.
    let made = "target \"b\" { dockerfile = target.xyz.dockerfile }\ntarget \"abc\" {\n name = \"xyz\"\n matrix = {}\n dockerfile = \"foo\"\n}";
    assert_eq!(target(made, "b")["dockerfile"], "foo");
    for (text, wanted) in [
        ("target \"t\" {\n matrix = { n = [1, 2] }\n name = \"c\"\n}", "several targets `c`"),
        ("target \"t\" {\n matrix = { n = [1, 2] }\n}", "several targets `t`"),
        ("target \"t\" {\n matrix = { n = [\"a/b\"] }\n name = n\n}", "`a/b` is no name"),
        ("target \"t\" {\n matrix = { n = [[]] }\n name = n\n}", "`name` is a string"),
        ("target \"t\" { name = \"n\" }", "requires matrix"),
    ] {
        let error = read(text).expect_err(text).to_string();
        assert!(error.contains(wanted), "{text}: {error}");
    }
}

#[test]
fn json_has_plain_values_and_lists_of_blocks() {
    let text = r#"{"FOO": "abc", "BAR": "${FOO}-x", "variable": [{"V": [{"default": "v"}]}],
        "target": [{"m": [{"tags": ["${BAR}"]}, {"args": {"V": "${V}"}}]}, {"n": {"target": "${target.m.tags[0]}"}}]}"#;
    let file = read_as("docker-bake.json", text, &|name| (name == "FOO").then(|| "env".to_owned())).unwrap();
    let baked = file.resolve(&["m".to_owned(), "n".to_owned()]).unwrap();
    assert_eq!(
        (&baked.targets["m"]["tags"], &baked.targets["m"]["args"]["V"]),
        (&json!(["abc-x"]), &json!("v"))
    );
    assert_eq!(baked.targets["n"]["target"], "abc-x");
    for (text, wanted) in
        [("[1]", "no JSON object"), (r#"{"target": 1}"#, "`target`"), (r#"{"target": {"a": [1]}}"#, "`a`")]
    {
        let error = read_as("docker-bake.json", text, &|_| None).expect_err(text).to_string();
        assert!(error.contains(wanted), "{text}: {error}");
    }
}

#[test]
fn default_may_be_a_target_among_others() {
    let file = read("target \"default\" {}\ntarget \"m\" {}").unwrap();
    let names = ["default", "m"].map(str::to_owned);
    assert_eq!(file.resolve(&names).unwrap().groups["default"].targets, names);
    let file = read("group \"default\" { targets = [\"a\"] }\ntarget \"a\" {}\ntarget \"m\" {}").unwrap();
    assert_eq!(file.resolve(&names).unwrap().groups["default"].targets, ["a", "m"]);
}
