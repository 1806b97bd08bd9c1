//! Bake files by what they come to.

mod files;
mod functions;
mod order;
mod output;
mod typed;

use serde_json::json;

use super::*;

fn read_as(
    name: &str,
    text: &str,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<BakeFile, BakeError> {
    read_all(&[(name, text)], environment)
}

fn read_all(
    files: &[(&str, &str)],
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<BakeFile, BakeError> {
    let read = |path: &std::path::Path| {
        let found = files::BESIDE.iter().find(|(name, _)| path == std::path::Path::new(name));
        Ok(found.map(|(_, text)| (*text).to_owned()))
    };
    let (now, platform) = ("2026-01-02T03:04:05Z", "linux/amd64");
    let around = Surroundings { environment, dotenv: "", read: &read, now, platform };
    let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
    BakeFile::read(&files.iter().map(owned).collect::<Vec<_>>(), &around)
}

fn read(text: &str) -> Result<BakeFile, BakeError> {
    let environment = |name: &str| (name == "FROM_ENV").then(|| "env".to_owned());
    read_as("docker-bake.hcl", text, &environment)
}

#[test]
fn targets_inherit_and_groups_expand() {
    let file = read(
        r#"
        variable "TAG" { default = "1.${PATCH}" }
        variable "PATCH" { default = 2 }
        variable "FROM_ENV" { default = "file" }
        group "default" { targets = ["more", "app"] }
        group "more" { targets = ["app", "db"] }
        target "base" { args = { A = "1", B = FROM_ENV } }
        target "app" {
          inherits = ["base"]
          args = { A = "2" }
          tags = ["app:${TAG}", upper("x")]
        }
        target "db" { contexts = { base = "target:base" } }
        "#,
    )
    .unwrap();
    let baked = file.resolve(&[]).unwrap();
    assert_eq!(baked.groups["default"].targets, ["app", "more"]);
    assert_eq!(baked.targets["app"]["args"], json!({ "A": "2", "B": "env" }));
    assert_eq!(baked.targets["app"]["tags"], json!(["app:1.2", "X"]));
    assert!(baked.targets.contains_key("base"), "a linked target is built too");
}

#[test]
fn a_matrix_makes_targets_and_a_group() {
    let file = read(
        r#"target "app" {
          name = "app-${v}-${o}"
          matrix = { v = ["1", "2"], o = ["a"] }
          args = { V = v }
        }"#,
    )
    .unwrap();
    let baked = file.resolve(&["app".to_owned()]).unwrap();
    assert_eq!(baked.groups["app"].targets, ["app-1-a", "app-2-a"]);
    let want = json!({ "context": ".", "dockerfile": "Dockerfile", "args": { "V": "2" } });
    assert_eq!(json!(baked.targets["app-2-a"]), want);
}

#[test]
fn overrides_change_fields() {
    let mut file = read("target \"a\" {}\ntarget \"ab\" {}").unwrap();
    file.set("a*.args.X=1", &|_| None).unwrap();
    file.set("a.tags=t", &|_| None).unwrap();
    let baked = file.resolve(&["a".to_owned(), "ab".to_owned()]).unwrap();
    assert_eq!(baked.targets["ab"]["args"]["X"], "1");
    assert_eq!(baked.targets["a"]["tags"], json!(["t"]));
    assert!(file.set("x", &|_| None).is_err());
}

#[test]
fn what_cannot_be_is_named() {
    for (text, want) in [
        ("target \"a\" {", "docker-bake.hcl"),
        ("target \"a\" { tags = [nope] }", "nope"),
        ("variable \"A\" { default = B }\nvariable \"B\" { default = A }", "A"),
        ("thing \"a\" {}", "thing"),
        ("function \"f\" {\n params = []\n result = f()\n}\ntarget \"a\" { tags = [f()] }", "itself"),
        ("function \"f\" {\n params = [x]\n result = x\n}\ntarget \"a\" { tags = [f()] }", "arguments"),
    ] {
        let error = read(text).unwrap_err().to_string();
        assert!(error.contains(want), "{text}: {error}");
    }
    let deep = format!("a = {}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(read(&deep).unwrap_err().to_string().contains("deep"));
    let circle = read("group \"a\" { targets = [\"b\"] }\ngroup \"b\" { targets = [\"a\"] }").unwrap();
    assert!(matches!(circle.resolve(&["a".to_owned()]), Err(BakeError::Cycle { .. })));
    assert!(matches!(circle.resolve(&["c".to_owned()]), Err(BakeError::Unknown { .. })));
}

#[test]
fn functions_of_the_file_are_called() {
    let file = read(
        r#"
        variable "N" { default = "outer" }
        function "add" {
          params = [N, m]
          result = N + m
        }
        function "tag" {
          params = [name]
          variadic_params = rest
          result = "$${x} ${name}:${join("-", rest)}"
        }
        function "both" {
          params = [x]
          result = [tag(x, N), tag(N, x, "z")]
        }
        target "default" {
          args = { SUM = add(add(1, 2), 4) }
          tags = concat(both("in"), [tag("s", ["a", "b"]...), "plain-${add(1, 1)}-$${y}"])
        }"#,
    )
    .unwrap();
    let target = &file.resolve(&[]).unwrap().targets["default"];
    assert_eq!(target["args"]["SUM"], "7");
    let want = ["${x} in:outer", "${x} outer:in-z", "${x} s:a-b", "plain-2-${y}"];
    assert_eq!(target["tags"], json!(want));
}

#[test]
fn variables_are_validated_and_names_suggested() {
    let rule = |value: &str| {
        read(&format!(
            "variable \"V\" {{\n default = \"{value}\"\n validation {{\n condition = V != \"\"\n error_message = \"V is needed\"\n }}\n}}\ntarget \"app\" {{}}"
        ))
    };
    assert!(rule("").unwrap_err().to_string().contains("V is needed"));
    let file = rule("x").unwrap();
    let error = file.resolve(&["apq".to_owned()]).unwrap_err().to_string();
    assert!(error.contains("did you mean `app`?"), "{error}");
}

#[test]
fn json_has_the_same_meaning() {
    let text = r#"{"variable": {"T": {"default": "1"}}, "group": {"default": {"targets": ["a"]}},
        "target": {"a": {"tags": ["x:${T}"]}}}"#;
    let file = read_as("docker-bake.json", text, &|_| None).unwrap();
    assert_eq!(file.resolve(&[]).unwrap().targets["a"]["tags"], json!(["x:1"]));
}

#[test]
fn overrides_add_or_replace_and_blocks_speak_of_each_other() {
    let mut file = read(
        r#"
        target "base" {
          tags = ["base"]
          cache-from = ["one"]
        }
        target "web-1" { inherits = ["base"] }
        target "web-2" { tags = concat(target.base.tags, ["own"]) }
        "#,
    )
    .unwrap();
    let none = |_: &str| None;
    for option in ["web-*.platform=linux/amd64", "web-1.tags+=more", "web-1.cache-from=two", "*.push=true"] {
        file.set(option, &none).unwrap();
    }
    let baked = file.resolve(&["web-*".to_owned()]).unwrap();
    let web = &baked.targets["web-1"];
    assert_eq!(web["tags"], json!(["base", "more"]));
    assert_eq!((&web["cache-from"], &web["platforms"]), (&json!(["two"]), &json!(["linux/amd64"])));
    assert_eq!(web["output"], json!([{ "type": "image", "push": "true" }]));
    assert_eq!(baked.targets["web-2"]["tags"], json!(["base", "own"]));
    assert_eq!(baked.groups["default"].targets, ["web-1", "web-2"]);
    for wrong in ["web-1.nothing=1", "nobody.tags=1", "web-1.args=1", "web-1.tags"] {
        assert!(file.set(wrong, &none).is_err(), "{wrong}");
    }
    for wrong in ["tags = \"x\"", "args = \"x\"", "pull = \"maybe\"", "tags = [null]"] {
        assert!(read(&format!("target \"a\" {{\n {wrong}\n}}")).is_err(), "{wrong}");
    }
    let circle = "target \"a\" {\n contexts = { b = \"target:b\" }\n}\ntarget \"b\" {\n contexts = { a = \"target:a\" }\n}";
    let circle = read(circle).unwrap().resolve(&["a".to_owned()]);
    assert!(matches!(circle, Err(BakeError::Cycle { .. })));
}
