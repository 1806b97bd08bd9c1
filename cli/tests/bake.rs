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
    let error = bake(dir.path(), &["--set", "app.shm-size=1z"]).expect_err("no size");
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

const COMPOSE: &str = r#"
x-labels: &labels { made.by: bake }
services:
  web.app:
    image: "web:${TAG:-none}"
    environment: { IGNORED: "1" }
    env_file: service.env
    build:
      context: ./ctx
      dockerfile_inline: |
        FROM scratch
        ARG A
        ARG FROM_DOTENV
        ARG FROM_FILE
        COPY input /input
        COPY --from=db /db /db
        COPY <<EOF /args
        $$A $$FROM_DOTENV $$FROM_FILE
        EOF
      args: ["A=1", FROM_DOTENV, FROM_FILE, UNSET]
      labels: *labels
      additional_contexts: { db: "service:db" }
      x-bake: { output: "type=local,dest=out" }
  db:
    build: { context: ctx, dockerfile: Dockerfile.db }
  cache: { image: "redis" }
"#;

#[test]
fn compose_files_are_built() {
    let dir = tempfile::tempdir().expect("a directory");
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).expect("a file");
    fs::create_dir(dir.path().join("ctx")).expect("a directory");
    write("compose.yaml", COMPOSE);
    write("over.yml", "services:\n  web.app:\n    build: {args: {A: 2}}\n");
    write("docker-bake.hcl", "target \"db\" {\n  labels = { more = \"1\" }\n}\n");
    write("service.env", "FROM_FILE=file\nA=not this\n");
    write(".env", "FROM_DOTENV='dot env'\nTAG=3\n");
    write("ctx/input", "in");
    write("ctx/Dockerfile.db", "FROM scratch\nCOPY input /db\n");
    let print = bake(dir.path(), &["--print"]).expect("it is printed");
    let printed: serde_json::Value = serde_json::from_str(&print).expect("json");
    assert_eq!(printed["group"]["default"]["targets"], serde_json::json!(["db", "web_app"]));
    assert_eq!(printed["target"]["web_app"]["tags"], serde_json::json!(["web:3"]));
    assert_eq!(printed["target"]["web_app"]["labels"]["made.by"], "bake");
    assert_eq!(printed["target"]["db"]["labels"]["more"], "1");
    bake(dir.path(), &[]).expect("it is built");
    let read = |name: &str| fs::read_to_string(dir.path().join("out").join(name)).expect("a file");
    assert_eq!(
        [read("args"), read("db"), read("input")],
        ["1 dot env file\n", "in", "in"].map(str::to_owned)
    );
    bake(dir.path(), &["-f", "compose.yaml", "-f", "over.yml", "web_app"]).expect("it is built");
    assert_eq!(read("args"), "2 dot env file\n");
}

#[test]
fn bad_compose_files_are_refused_with_their_place() {
    let dir = tempfile::tempdir().expect("a directory");
    let bomb = (0..40).fold("a0: &a0 [x]\n".to_owned(), |text, n| {
        text + &format!("a{}: &a{} [*a{n}, *a{n}, *a{n}, *a{n}]\n", n + 1, n + 1)
    });
    for (text, want) in [
        ("services:\n  a:\n    build: {context: ., contexts: {}}\n", "services.a.build: `contexts`"),
        ("services:\n  a:\n    build: [1\n", "line"),
        ("services:\n  a:\n    image: \"${IMG:?give one}\"\n", "give one"),
        ("services: {a: {build: {secrets: [s]}}}", "secret `s`"),
        ("services: {a: {extends: a, build: .}}", "extends itself"),
        ("services: {a: {build: {args: [1]}}}", "services.a.build.args"),
        ("services: {a: {build: {no_cache: maybe}}}", "neither true nor false"),
        ("include: [x.yml]", "there is no file `x.yml`"),
        ("include: [../x.yml]", "another directory"),
        ("services: {a: {build: {args: [A]}, env_file: nowhere.env}}", "there is no env_file `nowhere.env`"),
        ("- 1", "no map"),
        (&bomb, "bake::invalid"),
        (&"[".repeat(100_000), "bake::invalid"),
    ] {
        fs::write(dir.path().join("compose.yaml"), text).expect("a file");
        let error = bake(dir.path(), &["--print"]).expect_err(text);
        assert!(error.contains("bake::invalid") && error.contains(want), "{want}: {error}");
    }
}

#[test]
fn files_are_listed_and_options_go_before_them() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = "variable \"V\" {\n  default = \"file\"\n  description = \"A word\"\n}\ntarget \"app\" {\n  description = \"It\"\n  args = { V = V }\n}\n";
    fs::write(dir.path().join("docker-bake.hcl"), file).expect("a bake file");
    let targets = bake(dir.path(), &["--list=targets"]).expect("they are listed");
    assert_eq!(targets, "TARGET\tDESCRIPTION\napp\tIt\n");
    let variables = bake(dir.path(), &["--list=type=variables,format=json", "--var", "V=given"]);
    let variables: serde_json::Value =
        serde_json::from_str(&variables.expect("they are listed")).expect("json");
    assert_eq!(variables, serde_json::json!([{ "name": "V", "description": "A word", "value": "given" }]));
    fs::write(dir.path().join("Dockerfile"), "FROM scratch AS x\n").expect("a Dockerfile");
    let answer = bake(dir.path(), &["app", "--call=targets"]).expect("it is answered");
    assert_eq!(answer, "app\nIt\n\nTARGET      DESCRIPTION\nx (default) \n");
    let answer = bake(dir.path(), &["app", "--call=targets,format=json"]).expect("it is answered");
    let answer: serde_json::Value = serde_json::from_str(&answer).expect("one document");
    assert_eq!(answer["group"]["default"]["targets"], serde_json::json!(["app"]));
    let app = &answer["target"]["app"];
    assert_eq!((&app["build"]["args"]["V"], &app["build"]["call"]), (&"file".into(), &"targets".into()));
    assert_eq!(app["targets"]["targets"][0]["name"], "x");
    let printed = bake(dir.path(), &["--print", "--check", "--sbom", "--push", "a*"]).expect("it is printed");
    let printed: serde_json::Value = serde_json::from_str(&printed).expect("json");
    let app = &printed["target"]["app"];
    assert_eq!((&app["call"], &app["attest"][0]["type"]), (&"lint".into(), &"sbom".into()));
    assert_eq!(app["output"], serde_json::json!([{ "push": "true", "type": "image" }]));
    for (words, want) in [
        (["--list=nothing", "app"], "--list"),
        (["--var=V", "app"], "--var"),
        (["--set=app.nothing=1", "app"], "nothing"),
        (["--print", "zz*"], "zz"),
    ] {
        let error = bake(dir.path(), &words).expect_err("it is refused");
        assert!(error.contains(want), "{error}");
    }
    let file = dir.path().join("docker-bake.hcl").display().to_string();
    let from_variable = run(buildc(&dir.path().join("store"))
        .current_dir("/")
        .env("BUILDX_BAKE_FILE", file)
        .args(["bake", "--print", "app"]));
    assert!(from_variable.expect("it is printed").contains("\"V\": \"file\""));
}
