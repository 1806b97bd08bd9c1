//! What an unprivileged user asks of builds: traces, shells in their steps, builds that are verified and watched.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::fixture::root_and_busybox;
use crate::{OpenDevices, User, processes};

fn user(name: &'static str, with_ids: bool) -> User {
    let user = User::new(name, with_ids);
    user.buildc(&["import", &user.path("base.tar").to_string_lossy(), "localhost/busybox"]).expect("import");
    user
}

#[test]
fn traces_of_an_unprivileged_user_tell_what_was_read() {
    if !root_and_busybox("becoming another user") || buildc_executor::trace::support().is_err() {
        return;
    }
    let _devices = OpenDevices::new();
    let user = user("buildc-traces", true);
    let context = user.context(
        "context",
        "FROM localhost/busybox\nCOPY --chown=1000 . /app\nRUN echo made >/made && chown 5:6 /made\n\
         RUN cat /app/empty >/out\n",
    );
    let build = |content: &str, mode: u32| {
        use std::os::unix::fs::PermissionsExt;
        let file = format!("{context}/empty");
        fs::write(&file, content).expect("written");
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("a mode");
        user.buildc(&["build", "-q", "-t", "traced", "--trace=on", "--network", "none", &context])
            .expect("built");
        let told = user.buildc(&["why", "--format", "json"]).expect("why");
        let told: Value = serde_json::from_str(&told).expect("JSON");
        let fate = |at: usize| {
            let fate = &told["steps"][at]["fate"];
            fate["why"].as_str().or_else(|| fate["is"].as_str()).expect("a word").to_owned()
        };
        [fate(2), fate(3)]
    };
    assert_eq!(build("", 0o644), ["ran", "ran"]);
    assert_eq!(build("filled", 0o644), ["trace", "ran"]);
    assert_eq!(build("filled", 0o755), ["trace", "ran"]);
    let words =
        ["run", "--rm", "--network", "none", "traced", "sh", "-c", "cat /out; stat -c ' %u:%g' /made"];
    assert_eq!(user.buildc(&words).as_deref(), Ok("filled 5:6\n"));
}

#[test]
fn an_unprivileged_user_enters_a_step_with_its_mounts() {
    if !root_and_busybox("becoming another user") {
        return;
    }
    let _devices = OpenDevices::new();
    for (name, with_ids) in [("buildc-shell", true), ("buildc-shell-alone", false)] {
        let user = user(name, with_ids);
        let context = user.context(
            "context",
            "FROM localhost/busybox AS tools\nRUN echo tool >/tool\nFROM localhost/busybox\nENV A=1\nWORKDIR /here\n\
             RUN --mount=type=bind,target=/src --mount=type=bind,from=tools,target=/tools \\\n\
               --mount=type=cache,target=/cache --mount=type=secret,id=word,target=/word,mode=0440 \\\n\
               --mount=type=tmpfs,target=/t echo kept >/cache/f; echo left >left; exit 3\n",
        );
        let word = user.path("word").to_string_lossy().into_owned();
        fs::write(&word, "secret").expect("written");
        let secret = format!("id=word,src={word}");
        user.buildc(&["build", "--network", "none", "--secret", &secret, &context]).expect_err("it fails");
        let script = "cat left /tools/tool /cache/f /word; ls /src /t; stat -c ' %a %u' /word; echo $A";
        let said = user.buildc(&["shell", "--secret", &secret, "@failed", "--", "sh", "-c", script]);
        let expected = "left\ntool\nkept\nsecret/src:\nDockerfile\n\n/t:\n 440 0\n1\n";
        assert_eq!(said.as_deref(), Ok(expected), "{name}");
        let out = user.path("out").to_string_lossy().into_owned();
        user.buildc(&["cp", "@failed:/here/left", &out]).expect("copied");
        assert_eq!(fs::read_to_string(&out).expect("a file"), "left\n");
        user.buildc(&["fsck"]).expect("nothing is damaged");
    }
}

#[test]
fn an_unprivileged_users_builds_are_verified() {
    if !root_and_busybox("becoming another user") {
        return;
    }
    let user = user("buildc-verify", true);
    let good = user.context(
        "good",
        "FROM localhost/busybox\nCOPY --chown=1000:50 Dockerfile /copied\nRUN echo 1 >/made && chown 5:6 /made\n",
    );
    let words = ["build", "--network", "none", "--verify", "--reproducible"];
    let said = user.buildc(&[&words[..], &[&good]].concat()).expect("equal");
    assert!(said.contains("to the byte"), "{said}");
    let bad = user.context("bad", "FROM localhost/busybox\nRUN date +%s%N >/when\n");
    let said = user.buildc(&[&words[..], &[&bad]].concat()).expect_err("it differs");
    assert!(said.contains("verify::differs") && said.contains("/when"), "{said}");
}

/// A watched build and what it says, line by line.
struct Watched {
    child: Child,
    lines: Box<dyn Iterator<Item = String>>,
}

impl Watched {
    fn start(user: &User, context: &str) -> Self {
        let words = ["build", "--watch", "--network", "none", "-t", "watched", context];
        let mut child = user.command(&words).stderr(Stdio::piped()).spawn().expect("it starts");
        let words = BufReader::new(child.stderr.take().expect("its words"));
        Self { child, lines: Box::new(words.lines().map_while(Result::ok)) }
    }

    fn until(&mut self, text: &str) {
        self.lines.by_ref().find(|line| line.contains(text)).expect("it goes on");
    }
}

#[test]
fn an_unprivileged_users_watched_build_follows_edits_and_ends_when_told() {
    if !root_and_busybox("becoming another user") {
        return;
    }
    let name = "buildc-watch";
    let user = user(name, true);
    let slow = "FROM localhost/busybox\nCOPY used /used\nRUN if grep -q slow /used; then sleep 99; fi; cp /used /made\n";
    let context = user.context("context", slow);
    let used = format!("{context}/used");
    fs::write(&used, "one").expect("written");
    let made = || user.buildc(&["run", "--rm", "--network", "none", "watched", "cat", "/made"]);
    let mut watched = Watched::start(&user, &context);
    watched.until("Waiting for changes");
    assert_eq!(made().as_deref(), Ok("one"));
    fs::write(&used, "another").expect("written");
    watched.until("Waiting for changes");
    assert_eq!(made().as_deref(), Ok("another"));
    // In the middle of a build.
    fs::write(&used, "slow").expect("written");
    for _ in 0..400 {
        if processes(name, "sleep 99") > 0 {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(processes(name, "sleep 99") > 0, "the command runs");
    let id = i32::try_from(watched.child.id()).expect("a process id");
    kill(Pid::from_raw(id), Signal::SIGINT).expect("it can be told");
    assert_eq!(watched.child.wait().expect("it ends").code(), Some(130));
    assert_eq!(processes(name, "sleep 99"), 0, "nothing runs on");
    assert_eq!(made().as_deref(), Ok("another"), "the last whole build counts");
    fs::write(&used, "last").expect("written");
    user.buildc(&["build", "--network", "none", "-t", "watched", &context]).expect("built");
    assert_eq!(made().as_deref(), Ok("last"));
    user.buildc(&["fsck"]).expect("nothing is damaged");
}
