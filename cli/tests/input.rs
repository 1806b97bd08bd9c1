//! What wrong input is answered with: the place, what is meant, the exit code. Needs neither root nor a network.
#![allow(clippy::print_stderr)]

#[path = "fixture/mod.rs"]
mod fixture;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use fixture::{buildc, context};

struct Here {
    dir: tempfile::TempDir,
}

impl Here {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a directory") }
    }

    fn context(&self, dockerfile: &str) -> PathBuf {
        context(self.dir.path(), "context", dockerfile)
    }

    fn buildc(&self, words: &[&str], last: &Path) -> Output {
        buildc(&self.dir.path().join("store")).args(words).arg(last).output().expect("buildc runs")
    }

    /// The words that a failing command must end with: code and parts of its message.
    fn fails(&self, words: &[&str], last: &Path, code: i32, parts: &[&str]) {
        let output = self.buildc(words, last);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{words:?}: {text}");
        assert!(output.stdout.is_empty(), "data on standard output: {output:?}");
        assert!(text.is_ascii(), "not plain: {text}");
        for part in parts {
            assert!(text.contains(part), "no `{part}` in:\n{text}");
        }
    }
}

#[test]
fn an_unknown_instruction_is_underlined_and_the_right_one_named() {
    let here = Here::new();
    let dir = here.context("FROM scratch\nRNU make\n");
    let parts = ["dockerfile::unknown_instruction", "Dockerfile:2:1", "RNU make", "RUN"];
    here.fails(&["plan"], &dir, 1, &parts);
    here.fails(&["build"], &dir, 1, &parts);
}

#[test]
fn all_errors_are_shown_at_once() {
    let here = Here::new();
    let dir = here.context("FROM scratch\nRNU make\nCOPY --chwon=a b /\nENV A\n");
    here.fails(&["plan"], &dir, 1, &["`RNU`", "--chown", "dockerfile::missing_value"]);
}

#[test]
fn a_file_that_an_ignore_rule_hides_is_explained() {
    let here = Here::new();
    let dir = here.context("FROM scratch\nCOPY app.log /logs/\n");
    fs::write(dir.join(".dockerignore"), "# logs\n*.log\n").expect("an ignore file");
    fs::write(dir.join("app.log"), "x").expect("a file");
    here.fails(&["plan"], &dir, 1, &["copy::ignored", ".dockerignore", "line 2", "*.log", "COPY app.log"]);
}

#[test]
fn a_missing_file_is_answered_with_the_one_that_was_meant() {
    let here = Here::new();
    let dir = here.context("FROM scratch\nCOPY pakage.json /\n");
    fs::write(dir.join("package.json"), "{}").expect("a file");
    here.fails(&["plan"], &dir, 1, &["copy::not_found", "package.json"]);
}

#[test]
fn an_unknown_target_is_answered_with_the_stages() {
    let here = Here::new();
    let dir = here.context("FROM scratch AS tests\nCOPY Dockerfile /\n");
    here.fails(&["plan", "--target", "test"], &dir, 1, &["dockerfile::unknown_target", "tests"]);
    here.fails(&["plan", "--target", "other"], &dir, 1, &["The only stage with a name is `tests`"]);
}

#[test]
fn a_usage_line_does_not_want_what_the_environment_gives() {
    let here = Here::new();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_buildc"));
    let output = command.arg("stop").env("BUILDC_ROOT", here.dir.path()).output().expect("buildc runs");
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("<CONTAINER>...") && !text.contains("--root"), "{text}");
}

#[test]
fn a_port_that_cannot_be_is_not_asked() {
    let here = Here::new();
    here.fails(&["pull"], Path::new("127.0.0.1:99999/x"), 1, &["127.0.0.1:99999/x", "from 1 to 65535"]);
}

#[test]
fn an_import_that_cannot_be_read_names_its_file() {
    let here = Here::new();
    here.fails(&["import"], here.dir.path(), 3, &["archive::io", &here.dir.path().to_string_lossy()]);
}

#[test]
fn an_unknown_base_says_what_was_asked_where() {
    let here = Here::new();
    let dir = here.context("FROM 127.0.0.1:9/nobody/here:1\n");
    here.fails(&["build"], &dir, 4, &["127.0.0.1:9", "FROM 127.0.0.1:9/nobody/here:1"]);
}

#[test]
fn missing_dockerfiles_and_directories_are_told_apart() {
    let here = Here::new();
    let empty = here.dir.path().join("empty");
    fs::create_dir(&empty).expect("a directory");
    here.fails(&["build"], &empty, 1, &["input::no_dockerfile", "-f"]);
    fs::write(empty.join("build.nix"), "{ buildc }: buildc.scratch").expect("a build file");
    here.fails(&["check"], &empty, 2, &["build.nix` is a build file", "buildc plan"]);
    here.fails(&["build"], &here.dir.path().join("nowhere"), 1, &["input::not_found", "nowhere"]);
    here.fails(&["build", "-f", "/no/such/file"], &empty, 1, &["input::not_found", "/no/such/file"]);
    let closed = Path::new("http://127.0.0.1:1/x.git");
    here.fails(&["build"], closed, 1, &["context::incoming", "127.0.0.1"]);
}

#[test]
fn wrong_values_are_answered_with_the_right_form() {
    let here = Here::new();
    let dir = here.context("FROM scratch\nCOPY Dockerfile /\n");
    for (words, parts) in [
        (&["build", "-t", "Bad/Name"][..], &["image::bad_name", "lower-case"][..]),
        (&["build", "--secret", "id=x,src=/no/file"], &["/no/file"]),
        (&["build", "-o", "type=zip"], &["`zip`", "local, tar, oci"]),
        (&["build", "--platform", "a/b/c/d"], &["os/arch"]),
        (&["build", "--push"], &["-t"]),
        (&["build", "--add-host", "x"], &["HOST:IP"]),
    ] {
        let code = if parts[0].starts_with("image") { 1 } else { 2 };
        here.fails(words, &dir, code, parts);
    }
}

#[test]
fn what_does_not_exist_is_said_and_inspect_still_prints_a_list() {
    let here = Here::new();
    let output = here.buildc(&["inspect"], Path::new("nothing"));
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "[]");
    assert!(String::from_utf8_lossy(&output.stderr).contains("`nothing`"));
    here.fails(&["rmi"], Path::new("nothing"), 1, &["image::not_found"]);
    here.fails(&["ps", "--format"], Path::new("{{.ID"), 2, &["usage::template"]);
    here.fails(&["stop"], Path::new("nothing"), 1, &["container::not_found", "buildc ps -a"]);
}

#[test]
fn a_plan_has_three_forms() {
    let here = Here::new();
    let dir =
        here.context("FROM scratch AS files\nCOPY Dockerfile /a\nFROM scratch\nCOPY --from=files /a /b\n");
    let text = String::from_utf8_lossy(&here.buildc(&["plan"], &dir).stdout).into_owned();
    assert!(text.contains("COPY Dockerfile /a") && text.contains("COPY --from=files /a /b"), "{text}");
    let json = here.buildc(&["plan", "--format", "json"], &dir).stdout;
    let json: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
    let steps = json["steps"].as_array().expect("steps");
    assert!(steps.len() >= 2, "{json:#}");
    let dot = String::from_utf8_lossy(&here.buildc(&["plan", "--format", "dot"], &dir).stdout).into_owned();
    assert!(dot.starts_with("digraph") && dot.contains("->"), "{dot}");
}

#[test]
fn a_dockerfile_may_come_from_standard_input() {
    let here = Here::new();
    let dir = here.context("FROM nothing-that-is-read\n");
    let mut command = buildc(&here.dir.path().join("store"));
    let mut child = command
        .args(["plan", "-f", "-"])
        .arg(&dir)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("buildc starts");
    let mut input = child.stdin.take().expect("a pipe");
    std::io::Write::write_all(&mut input, b"FROM scratch\nCOPY Dockerfile /from-stdin\n").expect("it reads");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    assert!(String::from_utf8_lossy(&output.stdout).contains("/from-stdin"), "{output:?}");
}

#[test]
fn a_check_names_rules_and_lines_and_fixes_what_is_mechanical() {
    let here = Here::new();
    let dir = here.context("FROM scratch AS Name\nenv a b\nCMD x\n");
    let output = here.buildc(&["check"], &dir);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    for part in [
        "Check complete, 4 warnings have been found!",
        "WARNING: StageNameCasing - https://docs.docker.com/go/dockerfile/rule/stage-name-casing/",
        "Stage name 'Name' should be lowercase",
        "Dockerfile:1",
        "   1 | >>> FROM scratch AS Name",
        "JSONArgsRecommended",
    ] {
        assert!(text.contains(part), "no `{part}` in:\n{text}");
    }
    assert_eq!(here.buildc(&["build", "--check"], &dir).stdout, output.stdout);
    let fixed = here.buildc(&["check", "--fix", "--format", "json"], &dir);
    let json: serde_json::Value = serde_json::from_slice(&fixed.stdout).expect("JSON");
    assert_eq!(json["warnings"].as_array().map(Vec::len), Some(1), "{json}");
    assert_eq!(json["warnings"][0]["ruleName"], "JSONArgsRecommended");
    let text = fs::read_to_string(dir.join("Dockerfile")).expect("the Dockerfile");
    assert_eq!(text, "FROM scratch AS name\nENV a=b\nCMD x\n");
}

#[test]
fn a_check_without_findings_ends_with_zero_and_sarif_lists_all_rules() {
    let here = Here::new();
    let dir = here.context("# check=skip=JSONArgsRecommended\nFROM scratch\nCMD x\n");
    let output = here.buildc(&["check"], &dir);
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "Check complete, no warnings found.");
    assert_eq!(output.status.code(), Some(0));
    let sarif = here.buildc(&["check", "--format", "sarif"], &dir).stdout;
    let sarif: serde_json::Value = serde_json::from_slice(&sarif).expect("JSON");
    assert_eq!(sarif["runs"][0]["tool"]["driver"]["rules"].as_array().map(Vec::len), Some(22));
}

#[test]
fn a_check_of_what_cannot_be_built_tells_the_findings_and_the_error() {
    let here = Here::new();
    let dir = here.context("FROM scratch AS Name\nLABEL a=1 \\\n  b=2\nCOPY --from=9 /a /b\n");
    let output = here.buildc(&["check"], &dir);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let want = "Check complete, 1 warning has been found!\n\n\
        WARNING: StageNameCasing - https://docs.docker.com/go/dockerfile/rule/stage-name-casing/\n\
        Stage name 'Name' should be lowercase\n\
        Dockerfile:1\n--------------------\n   \
        1 | >>> FROM scratch AS Name\n   2 |     LABEL a=1 \\\n   3 |       b=2\n--------------------\n";
    let shown = String::from_utf8_lossy(&output.stdout).replace(&format!("{}/", dir.display()), "");
    assert_eq!(shown, want);
    assert!(String::from_utf8_lossy(&output.stderr).contains("unknown_stage"), "{output:?}");
    let output = here.buildc(&["check", "--format", "json"], &dir).stdout;
    let json: serde_json::Value = serde_json::from_slice(&output).expect("JSON");
    assert_eq!(json["warnings"][0]["location"]["ranges"][0]["start"]["line"], 1, "{json}");
    assert_eq!(json["buildError"]["location"]["ranges"][0]["start"]["line"], 4, "{json}");
}

#[test]
fn a_file_that_wants_no_findings_is_not_built_with_one() {
    let here = Here::new();
    let dir = here.context("# check=error=true\nFROM scratch AS Name\n");
    here.fails(&["plan"], &dir, 1, &["StageNameCasing", "Lint violation found for rules: StageNameCasing"]);
}

#[test]
fn a_dump_is_the_tree_before_anything_is_understood() {
    let here = Here::new();
    let dir = here.context("FROM a AS B\nNOPE x\nRUN --mount=x [\"a\", \"b\"]\n");
    let output = here.buildc(&["parse", "--format", "sexp"], &dir.join("Dockerfile"));
    let want = "(from \"a\" \"AS\" \"B\")\n(nope \"\")\n(run [\"--mount=x\"] \"a\" \"b\")\n";
    assert_eq!(String::from_utf8_lossy(&output.stdout), want);
}

/// As an editor of another century writes it; `\u{1}` stands for the byte.
const LATIN: &str = "# F\u{1}r alle\nFROM scratch\nMAINTAINER J\u{1}rg\nLABEL by=\"J\u{1}rg\" \\\n  # noch f\u{1}r alle\n  of=x\n\
    ENV NAME=J\u{1}rg\nCOPY a /\nCMD [\"/gr\u{1}\u{1}e\"]\nONBUILD LABEL f=\u{1}r\n";

fn latin(text: &str) -> Vec<u8> {
    text.bytes().map(|byte| if byte == 1 { 0xfc } else { byte }).collect()
}

#[test]
fn bytes_that_are_no_text_are_what_buildkit_makes_of_them() {
    let here = Here::new();
    let dir = here.context("");
    fs::write(dir.join("a"), "a").expect("a file");
    fs::write(dir.join("Dockerfile"), latin(LATIN)).expect("a file");
    fs::write(dir.join(".dockerignore"), latin("# f\u{1}r\nnothing\n")).expect("a file");
    let tar = here.dir.path().join("context.tar");
    let packed = std::process::Command::new("tar").arg("-C").arg(&dir).arg("-cf").arg(&tar).arg(".").status();
    assert!(packed.is_ok_and(|status| status.success()));
    let (port, _) = fixture::serve(latin(LATIN));
    let url = format!("http://127.0.0.1:{port}/Dockerfile");
    let file = dir.join("Dockerfile");
    let file = file.to_string_lossy();
    let words: [(&[&str], &Path); 4] = [
        (&["build", "-t", "l"], &dir),
        (&["build", "-t", "l"], &tar),
        (&["build", "-t", "l", "-f", &file], &dir),
        (&["build", "-t", "l", "-f", &url], &dir),
    ];
    for (words, last) in words {
        let output = here.buildc(words, last);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?}: {said}");
        assert_eq!(said.matches("input::not_utf8").count(), 5, "a warning for each instruction: {said}");
        let show = ["inspect", "--type", "image", "-f", "{{json .}}"];
        let shown = here.buildc(&show, Path::new("l"));
        let shown = String::from_utf8_lossy(&shown.stdout).replace("\\ufffd", "\u{fffd}");
        for part in ["J\u{fffd}rg", "NAME=J\u{fffd}rg", "/gr\u{fffd}\u{fffd}e", "LABEL f=\u{fffd}r"] {
            assert!(shown.contains(part), "no {part} in {shown}");
        }
    }
}

#[test]
fn bytes_that_would_change_what_is_done_are_refused_where_they_stand() {
    let here = Here::new();
    let dir = here.context("");
    for (text, line, what) in [
        ("FROM scratch\n# f\u{1}r\nRUN echo f\u{1}r\n", 3, "RUN has bytes"),
        ("FROM scratch\nRUN true && \\\n  # f\u{1}r\n  echo f\u{1}r\n", 4, "RUN has bytes"),
        ("FROM scratch\nCOPY caf\u{1} /\n", 2, "COPY has bytes"),
        ("FROM scratch\nCOPY <<E /a\n# f\u{1}r\nE\n", 3, "COPY has bytes"),
    ] {
        fs::write(dir.join("Dockerfile"), latin(text)).expect("a file");
        for command in ["build", "plan", "check"] {
            let output = here.buildc(&[command], &dir);
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{said}");
            for part in ["input::not_utf8", what, "Save the file as UTF-8", &format!("Dockerfile:{line}:")] {
                assert!(said.contains(part), "no `{part}` in {said}");
            }
        }
    }
    fs::write(dir.join("Dockerfile"), b"\xff\xfeF\0R\0O\0M\0").expect("a file");
    here.fails(&["plan"], &dir, 1, &["input::not_utf8", "UTF-16"]);
    fs::write(dir.join("Dockerfile"), "FROM scratch\nCOPY . /\n").expect("a file");
    fs::write(dir.join(".dockerignore"), latin("# f\u{1}r\ncaf\u{1}\n")).expect("a file");
    here.fails(&["plan"], &dir, 1, &["input::not_utf8", "Line 2"]);
    fs::remove_file(dir.join(".dockerignore")).expect("a file");
    let before = latin("# f\u{1}r\nfrom scratch\nCOPY . /\n");
    fs::write(dir.join("Dockerfile"), &before).expect("a file");
    here.fails(&["check", "--fix"], &dir, 1, &["input::not_utf8", "--fix"]);
    assert_eq!(fs::read(dir.join("Dockerfile")).ok(), Some(before));
}
