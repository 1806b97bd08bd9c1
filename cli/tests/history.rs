//! What a build leaves to ask about: why, history, the state of a failed step, differences and sizes of images.
#![allow(clippy::print_stderr)]

#[path = "fixture/mod.rs"]
mod fixture;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use fixture::{buildc, context, root_and_busybox, run};
use serde_json::Value;

struct Host {
    dir: tempfile::TempDir,
    store: PathBuf,
}

impl Host {
    fn new(what: &str) -> Option<Self> {
        if !root_and_busybox(what) {
            return None;
        }
        let dir = tempfile::tempdir().expect("a directory");
        let store = fixture::store_with_base(dir.path());
        Some(Self { dir, store })
    }

    fn buildc(&self, words: &[&str]) -> Result<String, String> {
        run(buildc(&self.store).args(words))
    }

    fn json(&self, words: &[&str]) -> Value {
        serde_json::from_str(&self.buildc(words).expect("it runs")).expect("JSON")
    }

    fn context(&self, dockerfile: &str) -> PathBuf {
        context(self.dir.path(), "context", dockerfile)
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

const APP: &str = "FROM localhost/busybox\n\
    ARG V=1\n\
    RUN echo tools > /tools\n\
    COPY app.js /src/\n\
    RUN --network=none cp /src/app.js /out.js && echo $V >> /out.js\n";

#[test]
fn a_build_says_afterwards_what_it_did_and_why() {
    let Some(host) = Host::new("why") else { return };
    let context = host.context(APP);
    let build = |more: &[&str]| host.buildc(&[&["build", "-t", "app", text(&context)], more].concat());
    fs::write(context.join("app.js"), "1").expect("written");
    build(&[]).expect("built");
    fs::write(context.join("app.js"), "two").expect("written");
    build(&[]).expect("built");

    let builds = host.buildc(&["history", "--format", "json"]).expect("history");
    let builds: Vec<Value> = builds.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(builds.len(), 2);
    assert_eq!((&builds[0]["Ran"], &builds[0]["Cached"]), (&2.into(), &2.into()), "{}", builds[0]);
    assert!(builds[0]["Source"].as_str().is_some_and(|s| s.contains("Dockerfile")));

    let told = host.json(&["why", "--format", "json", "4"]);
    assert_eq!(told["label"], "[3/4] COPY app.js /src/");
    assert_eq!((&told["fate"]["is"], &told["reason"]), (&"ran".into(), &"files-changed".into()));
    assert_eq!(told["paths"][0], "~app.js");
    let below = host.buildc(&["why", "RUN --network"]).expect("why");
    assert!(
        below.contains("because") && below.contains("~app.js") && below.contains("Dockerfile:5"),
        "{below}"
    );

    build(&["--build-arg", "V=2"]).expect("built");
    let told = host.buildc(&["why", "@last"]).expect("why");
    assert!(told.contains("ARG V changed from `1` to `2`"), "{told}");
    let first = builds[1]["ID"].as_str().expect("an id");
    let told = host.json(&["why", "--build", first, "--format", "json"]);
    assert!(told["steps"].as_array().expect("steps").iter().all(|step| step["fate"]["is"] != "untouched"));
    let unknown = host.buildc(&["why", "no such words"]).expect_err("no step");
    assert!(unknown.contains("history::no_step"), "{unknown}");
    let several = host.buildc(&["why", "RUN"]).expect_err("two steps");
    assert!(several.contains("history::several_steps"), "{several}");
}

#[test]
fn a_plan_after_a_failed_build_knows_what_that_had_built() {
    let Some(host) = Host::new("plans") else { return };
    let context = host.context("FROM localhost/busybox\nCOPY app.js /\nRUN cat /app.js\nRUN false\n");
    let reasons = || {
        let plan = host.json(&["plan", "--format", "json", text(&context)]);
        let steps = plan["steps"].as_array().expect("steps").iter();
        steps.map(|step| step["reason"]["is"].as_str().expect("a reason").to_owned()).collect::<Vec<_>>()
    };
    fs::write(context.join("app.js"), "1").expect("written");
    host.buildc(&["build", text(&context)]).expect_err("it fails");
    fs::write(context.join("app.js"), "two").expect("written");
    assert_eq!(reasons(), ["definition-known", "files-changed", "input-changed", "never-built"]);
    // Once there was a whole build, a failed one does not make it forgotten.
    host.context("FROM localhost/busybox\nCOPY app.js /\nRUN cat /app.js\nRUN true\n");
    host.buildc(&["build", text(&context)]).expect("built");
    host.context("FROM localhost/busybox\nCOPY app.js /\nRUN cat /app.js\nRUN false\n");
    host.buildc(&["build", text(&context)]).expect_err("it fails");
    assert_eq!(reasons().last().map(String::as_str), Some("instruction-changed"));
}

#[test]
fn the_value_that_shows_in_an_instruction_is_the_reason_and_not_the_instruction() {
    let Some(host) = Host::new("plans") else { return };
    let context = host.context("FROM localhost/busybox\nARG V=1\nENV E=1\nRUN echo $V $E >/v1\n");
    let reason = |more: &[&str]| {
        let plan = host.json(&[&["plan", "--format", "json", text(&context)], more].concat());
        plan["steps"].as_array().and_then(|steps| steps.last()).map(|step| step["reason"].clone())
    };
    host.buildc(&["build", text(&context)]).expect("built");
    let changed = |what, name, after: &str| {
        Some(serde_json::json!({ "is": what, "name": name, "before": "1", "after": after }))
    };
    assert_eq!(reason(&["--build-arg", "V=2"]), changed("arg-changed", "V", "2"));
    assert_eq!(reason(&["--build-arg", "V="]), changed("arg-changed", "V", ""));
    host.context("FROM localhost/busybox\nARG V=1\nENV E=3\nRUN echo $V $E >/v1\n");
    assert_eq!(reason(&[]), changed("env-changed", "E", "3"));
}

#[test]
fn the_state_around_a_failed_step_can_be_entered() {
    let Some(host) = Host::new("shell") else { return };
    let context = host.context(
        "FROM localhost/busybox\n\
         ENV GREETING=hello\n\
         RUN echo base > /base\n\
         USER app\nWORKDIR /tmp/work\n\
         RUN --network=none --mount=type=cache,target=/cache,uid=1000 echo kept > /cache/f && echo report > report && exit 3\n",
    );
    let failed = host.buildc(&["build", text(&context)]).expect_err("it fails");
    assert!(failed.contains("buildc shell @failed"), "{failed}");
    let shell = |words: &[&str]| host.buildc(&[&["shell"], words].concat());
    let said = shell(&["@failed", "--", "sh", "-c", "id -u; pwd; echo $GREETING; cat report /cache/f /base"]);
    assert_eq!(said.expect("a shell"), "1000\n/tmp/work\nhello\nreport\nkept\nbase\n");
    let before = shell(&["--before", "@failed", "--", "ls", "-A", "/tmp/work"]).expect("a shell");
    assert_eq!(before, "", "nothing of the failed command is there");
    let written = shell(&["3", "--", "sh", "-c", "echo x > /base; exit 7"]);
    assert!(written.expect_err("its status").contains("exit status: 7"));
    assert_eq!(
        shell(&["3", "--", "cat", "/base"]).expect("a shell"),
        "base\n",
        "what is changed is thrown away"
    );

    let out = host.dir.path().join("copied");
    host.buildc(&["cp", "@failed:/tmp/work/report", text(&out)]).expect("copied");
    assert_eq!(fs::read_to_string(&out).expect("a file"), "report\n");
    let escape = host.buildc(&["cp", "@3:/../../etc/hostname", text(&out)]);
    assert!(escape.is_err(), "the path of a tree stays in it");
    let images = host.buildc(&["images", "-aq"]).expect("images");
    assert_eq!(images.lines().count(), 1, "nothing but the base is left: {images}");
}

#[test]
fn a_shell_has_the_mounts_of_its_step() {
    let Some(host) = Host::new("shell") else { return };
    let context = host.context(
        "FROM localhost/busybox AS tools\n\
         RUN echo tool > /tool\n\
         FROM localhost/busybox\n\
         RUN --network=none --mount=type=bind,source=lib,target=/lib2 --mount=type=bind,from=tools,target=/tools \\\n\
           --mount=type=bind,from=localhost/busybox,source=/etc/passwd,target=/users --mount=type=tmpfs,target=/t \\\n\
           --mount=type=cache,id=own,sharing=locked,target=/own --mount=type=cache,id=start,from=tools,target=/start \\\n\
           --mount=type=secret,id=word,target=/word,mode=0440,uid=5 --mount=type=secret,id=word,env=WORD --mount=type=ssh \\\n\
           --mount=type=bind,source=gone,target=/gone <<EOF\n\
         echo kept > /own/f; echo kept > /start/f; exit 3\n\
         EOF\n",
    );
    fs::create_dir(context.join("lib")).expect("a directory");
    for (name, content) in
        [("lib/shown", "shown"), ("lib/hidden", "x"), (".dockerignore", "lib/hidden"), ("gone", "")]
    {
        fs::write(context.join(name), content).expect("written");
    }
    let socket = host.dir.path().join("agent");
    let _agent = std::os::unix::net::UnixListener::bind(&socket).expect("a socket");
    let (word, agent) = (host.dir.path().join("word"), format!("default={}", socket.display()));
    fs::write(&word, "SeCrEt").expect("written");
    let secret = format!("id=word,src={}", word.display());
    let given = ["--secret", secret.as_str(), "--ssh", agent.as_str()];
    host.buildc(&[&["build"], &given[..], &[text(&context)]].concat()).expect_err("it fails");
    fs::remove_file(context.join("gone")).expect("removed");

    let shell = |given: &[&str], script: &str| {
        let mut command = buildc(&host.store);
        let output = command.arg("shell").args(given).args(["@failed", "--", "sh", "-c", script]).output();
        let output = output.expect("buildc runs");
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (said(&output.stdout), said(&output.stderr))
    };
    let look = "cat /lib2/*; cat /tools/tool; head -1 /users; cat /own/f /start/f /start/tool; ls -A /t; \
                cat /word; stat -c ' %a %u' /word; echo $WORD; test -S $SSH_AUTH_SOCK && echo agent";
    let (out, told) = shell(&given, look);
    let root = "root:x:0:0:root:/root:/bin/sh\n";
    assert_eq!(out, format!("showntool\n{root}kept\nkept\ntool\nSeCrEt 440 5\nSeCrEt\nagent\n"), "{told}");
    assert!(told.contains("bind mount at /gone is not here") && told.lines().count() == 1, "{told}");
    let (out, told) =
        shell(&[], "cat /word; echo =$WORD=; test -S $SSH_AUTH_SOCK || echo none; echo more >>/own/f");
    assert!(out.ends_with("==\nnone\n"), "{out}");
    for what in ["secret `word` at /word", "--secret id=word,src=FILE", "agent `default`", "--ssh default"] {
        assert!(told.contains(what), "{what}: {told}");
    }
    assert_eq!(shell(&[], "cat /own/f").0, "kept\nmore\n", "caches are the real ones");
    fs::write(context.join("lib/shown"), "changed").expect("written");
    let (out, told) = shell(&given, "cat /lib2/shown");
    assert!(out == "changed" && told.contains("have changed since the build"), "{out} {told}");
    fs::remove_dir_all(&context).expect("removed");
    let (out, told) = shell(&given, "cat /tools/tool");
    assert!(out == "tool\n" && told.contains("bind mount at /lib2 is not here"), "{out} {told}");
    let found = run(std::process::Command::new("grep").args(["-rl", "SeCrEt"]).arg(&host.store));
    assert!(found.is_err(), "a secret is written nowhere: {found:?}");
}

#[test]
fn a_tree_without_a_shell_is_lent_one() {
    let Some(host) = Host::new("shell") else { return };
    let context = host.context("FROM scratch\nENV A=1\nCOPY app.js /src/\n");
    fs::write(context.join("app.js"), "text").expect("written");
    host.buildc(&["build", text(&context)]).expect("built");
    let mut command = buildc(&host.store);
    command.args(["shell", "@last"]).stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut child = command.spawn().expect("buildc runs");
    let script = b"cat /src/app.js; ls /src; exit 4\n";
    std::io::Write::write_all(&mut child.stdin.take().expect("its input"), script).expect("written");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "textapp.js\n");
    assert_eq!(output.status.code(), Some(4));
    let asked =
        host.buildc(&["shell", "@last", "--", "sh", "-c", "cat /src/app.js; echo $A $0 $1", "x", "y"]);
    assert_eq!(asked.as_deref(), Ok("text1 x y\n"));
    let absent = host.buildc(&["shell", "@last", "--", "ls"]).expect_err("no such program");
    assert!(absent.contains("launch::not_found"), "{absent}");
}

#[test]
fn a_step_that_the_newest_build_did_not_need_is_known_from_an_earlier_one() {
    let Some(host) = Host::new("steps") else { return };
    let context = host.context(
        "FROM localhost/busybox AS tools\nRUN echo a > /a\nRUN echo tool > /tool\n\
         FROM localhost/busybox\nCOPY f /f\nCOPY --from=tools /tool /tool\n",
    );
    fs::write(context.join("f"), "1").expect("written");
    for _ in 0..2 {
        host.buildc(&["build", text(&context)]).expect("built");
    }
    let told = host.json(&["why", "--format", "json", "tools"]);
    assert_eq!(
        (&told["fate"]["is"], &told["label"]),
        (&"untouched".into(), &"[tools 3/3] RUN echo tool > /tool".into())
    );
    assert_eq!(host.buildc(&["shell", "tools", "--", "cat", "/a", "/tool"]).as_deref(), Ok("a\ntool\n"));
    assert!(host.buildc(&["shell", "--before", "tools", "--", "ls", "/tool"]).is_err());
    for name in ["3", "@3", "tools", "@echo tool"] {
        let out = host.dir.path().join("out");
        host.buildc(&["cp", &format!("{name}:/tool"), text(&out)]).expect("copied");
        assert_eq!(fs::read_to_string(&out).expect("a file"), "tool\n");
        fs::remove_file(&out).expect("removed");
    }
    let part = host.buildc(&["cp", "echo tool:/tool", "."]).expect_err("no container");
    assert!(part.contains("container::not_found"), "{part}");

    let missed = |line: &str| {
        let told = host.json(&["why", "--format", "json", line]);
        (told["fate"]["is"].clone(), told["newest_miss"]["reason"].clone().as_str().map(str::to_owned))
    };
    assert_eq!(missed("5"), ("cached".into(), Some("never-built".to_owned())));
    for content in ["two", "two"] {
        fs::write(context.join("f"), content).expect("written");
        host.buildc(&["build", text(&context)]).expect("built");
    }
    assert_eq!(missed("5"), ("cached".into(), Some("files-changed".to_owned())));
    let said = host.buildc(&["why", "5"]).expect("why");
    assert!(said.contains("The last time it was not cached") && said.contains("~f"), "{said}");
    assert_eq!(missed("1"), ("cached".into(), None), "the base was never missed");
}

#[test]
fn two_images_are_compared_and_added_up() {
    let Some(host) = Host::new("diff") else { return };
    let context = host.context(APP);
    for (name, content) in [("a", "1"), ("b", "two")] {
        fs::write(context.join("app.js"), content).expect("written");
        host.buildc(&["build", "-t", name, text(&context)]).expect("built");
    }
    let paths = host.json(&["diff", "--format", "json", "a", "b"]);
    let paths: Vec<&str> =
        paths.as_array().expect("rows").iter().filter_map(|row| row["path"].as_str()).collect();
    assert_eq!(paths, ["/out.js", "/src/app.js"]);
    let same = run(buildc(&host.store).args(["diff", "--exit-code", "a", "a"])).expect("equal");
    assert_eq!(same, "");
    assert!(host.buildc(&["diff", "--exit-code", "a", "b"]).is_err());
    let layers = host.buildc(&["diff", "--layers", "a", "b"]).expect("layers");
    let marks: String = layers.lines().filter_map(|line| line.chars().next()).collect();
    assert_eq!(marks, "==--++", "{layers}");
    let by_layer = host.json(&["size", "--format", "json", "a"]);
    let by_path = host.json(&["size", "--by", "path", "--depth", "0", "--format", "json", "a"]);
    let sum = |field: &str| -> u64 {
        by_layer.as_array().expect("rows").iter().filter_map(|row| row[field].as_u64()).sum()
    };
    assert_eq!(Some(sum("bytes") - sum("hidden_bytes")), by_path[0]["bytes"].as_u64());
}

#[test]
fn a_shell_that_waits_for_a_cache_says_so() {
    let Some(host) = Host::new("shell") else { return };
    let context = host.context(
        "FROM localhost/busybox\n\
         RUN --network=none --mount=type=cache,id=npm,sharing=locked,target=/c echo kept > /c/f\n",
    );
    host.buildc(&["build", text(&context)]).expect("built");
    let shell = |script: &str| {
        let mut command = buildc(&host.store);
        command.args(["shell", "@last", "--", "sh", "-c", script]);
        command
    };
    let mut first = shell("echo in; read end");
    let mut first = first.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("buildc runs");
    let mut told = BufReader::new(first.stdout.take().expect("its output"));
    let mut line = String::new();
    told.read_line(&mut line).expect("it has the cache");
    assert_eq!(line, "in\n");
    let mut second = shell("cat /c/f");
    let mut second = second.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("buildc runs");
    let mut waits = BufReader::new(second.stderr.take().expect("its messages"));
    line.clear();
    waits.read_line(&mut line).expect("it says what it waits for");
    assert!(line.contains("Waiting for the cache mount `npm`"), "{line}");
    drop(first.stdin.take());
    first.wait().expect("it ends");
    let output = second.wait_with_output().expect("it ends");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "kept\n");
}

#[test]
fn a_step_that_is_no_command_has_the_config_of_its_line() {
    let Some(host) = Host::new("shell") else { return };
    let context = host.context(
        "FROM localhost/busybox\nENV A=1\nUSER app\nWORKDIR /work\nCOPY app.js .\nENV A=2\nUSER root\nRUN true\n",
    );
    fs::write(context.join("app.js"), "text").expect("written");
    host.buildc(&["build", text(&context)]).expect("built");
    let shell = |step: &str| {
        host.buildc(&["shell", step, "--", "sh", "-c", "id -un; pwd; echo $A"]).expect("a shell")
    };
    assert_eq!(shell("5"), "app\n/work\n1\n", "after COPY");
    assert_eq!(shell("4"), "app\n/work\n1\n", "after WORKDIR");
    assert_eq!(shell("1"), "root\n/\n\n", "of the base");
    assert_eq!(shell("8"), "root\n/work\n2\n", "of a command");
}
