//! The lock: what it pins holds, and a locked build whose inputs are present needs no network.
#![allow(clippy::print_stderr)]

#[path = "fixture/mod.rs"]
mod fixture;

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use fixture::{buildc, context, root_and_busybox, run};
use serde_json::Value;

#[test]
fn a_locked_build_goes_by_its_pins_and_needs_no_network() {
    if !root_and_busybox("locking") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let store = fixture::store_with_base(dir.path());
    let url = format!("http://127.0.0.1:{}/file", fixture::serve("content").0);
    let dockerfile =
        format!("FROM localhost/busybox\nADD {url} /file\nRUN --network=none cat /file > /copy\n");
    let context = context(dir.path(), "context", &dockerfile);
    let path = context.to_str().expect("UTF-8");
    let call = |words: &[&str]| run(buildc(&store).args(words).arg(path));
    let pins = || -> Value {
        let text = fs::read_to_string(context.join("buildc.lock")).expect("a lock");
        serde_json::from_str(&text).expect("JSON")
    };

    let missing = call(&["build", "--locked"]).expect_err("there is no lock");
    assert!(missing.contains("lock::missing"), "{missing}");
    call(&["lock"]).expect("locked");
    let first = pins();
    let base = first["images"]["localhost/busybox:latest"].as_object().expect("the base").clone();
    assert_eq!(base.len(), 1, "one platform: {first}");
    assert!(first["urls"][&url].as_str().is_some_and(|sum| sum.starts_with("sha256:")), "{first}");

    call(&["build", "--locked", "-t", "first"]).expect("built");
    let offline = |words: &[&str]| {
        let mut command = Command::new("unshare");
        command.arg("-n").arg(env!("CARGO_BIN_EXE_buildc")).arg("--root").arg(&store);
        run(command.args(words).arg(path))
    };
    offline(&["build", "--locked", "-t", "second"]).expect("nothing is asked of the network");
    let plan: Value =
        serde_json::from_str(&offline(&["plan", "--locked", "--format", "json"]).expect("a plan"))
            .expect("JSON");
    assert_eq!(plan["totals"]["will_run"], 0, "{plan}");
    let ids = |name: &str| run(buildc(&store).args(["inspect", "-f", "{{.Id}}", name])).expect("an image");
    assert_eq!(ids("first"), ids("second"));

    move_base(&store, dir.path());
    call(&["build", "--locked", "-t", "third"]).expect("built");
    assert_eq!(ids("first"), ids("third"), "the pin holds although the name has moved");
    let said = call(&["lock", "--update", "localhost/busybox:latest"]).expect("updated");
    assert!(said.contains("moved localhost/busybox:latest"), "{said}");
    assert_ne!(pins()["images"], first["images"]);
    assert_eq!(pins()["urls"], first["urls"], "what was not asked for stays");
    call(&["build", "--locked", "-t", "fourth"]).expect("built");
    assert_ne!(ids("first"), ids("fourth"));

    fs::write(context.join("Dockerfile"), dockerfile + "ADD http://127.0.0.1:1/other /other\n")
        .expect("written");
    let unpinned = call(&["build", "--locked"]).expect_err("no pin");
    assert!(unpinned.contains("is not in the lock") && unpinned.contains("/other"), "{unpinned}");
    fs::write(context.join("buildc.lock"), "<<<<<<< ours").expect("written");
    let malformed = call(&["plan"]).expect_err("no lock");
    assert!(malformed.contains("lock::malformed"), "{malformed}");
}

/// A lock with this in the place of one field.
fn lock(field: &str, value: &str) -> String {
    let mut whole = serde_json::json!({ "version": 1, "images": {}, "urls": {}, "git": {} });
    whole[field] = serde_json::from_str(value).expect("JSON");
    whole.to_string()
}

#[test]
fn a_lock_that_is_none_is_refused_with_what_is_wrong() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = dir.path().join("store");
    let context = context(dir.path(), "context", "FROM scratch\nCOPY Dockerfile /\n");
    let cases = [
        (String::new(), "EOF"),
        ("{".to_owned(), "EOF"),
        ("version = 1".to_owned(), "expected value"),
        ("[]".to_owned(), "expected struct Lock"),
        (lock("version", "2"), "its version is 2"),
        (lock("version", "-1"), "invalid"),
        (lock("imagess", "{}"), "unknown field `imagess`"),
        (lock("images", "{\"a\":5}"), "expected a map"),
        (lock("images", "{\"a\":{\"linux/amd64\":\"sha256:12\"}}"), "64 lower-case hexadecimal digits"),
        (lock("urls", "{\"http://x/\":\"md5:12\"}"), "md5:12"),
        (lock("git", "{\"http://x/#main\":5}"), "expected a string"),
        (lock("git", "{}") + "x", "trailing characters"),
    ];
    let build = |more: &[&str]| run(buildc(&store).arg("build").args(more).arg(&context));
    for (text, problem) in cases {
        fs::write(context.join("buildc.lock"), &text).expect("written");
        for words in [&[][..], &["--locked"]] {
            let said = build(words).expect_err(&text);
            assert!(said.contains("lock::malformed") && said.contains(problem), "{text}: {said}");
        }
        let said = run(buildc(&store).arg("lock").arg(&context)).expect_err(&text);
        assert!(said.contains("lock::malformed"), "{text}: {said}");
        assert_eq!(fs::read_to_string(context.join("buildc.lock")).ok(), Some(text), "it is left as it was");
    }
    fs::write(context.join("buildc.lock"), lock("git", "{}")).expect("written");
    build(&["--locked"]).expect("nothing is to be pinned");
    let missing =
        run(buildc(&store).args(["lock", "-f", "nowhere"]).arg(&context)).expect_err("no Dockerfile");
    assert!(missing.contains("input::not_found") && missing.contains("nowhere"), "{missing}");
    let unknown =
        run(buildc(&store).args(["lock", "--update", "nothing"]).arg(&context)).expect_err("no pin");
    assert!(unknown.contains("has no such pin"), "{unknown}");
}

#[test]
fn a_pin_that_is_not_what_it_was_is_an_error_and_platforms_have_pins_of_their_own() {
    if !root_and_busybox("locking") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let store = fixture::store_with_base(dir.path());
    let url = format!("http://127.0.0.1:{}/file", fixture::serve("content").0);
    let context = context(dir.path(), "context", &format!("FROM localhost/busybox\nADD {url} /file\n"));
    let call = |words: &[&str]| run(buildc(&store).args(words).arg(&context));
    let wrong = "1".repeat(64);
    fs::write(context.join("buildc.lock"), lock("urls", &format!("{{\"{url}\":\"sha256:{wrong}\"}}")))
        .expect("written");
    let changed = call(&["build"]).expect_err("another file");
    assert!(changed.contains(&url) && changed.contains(&wrong), "{changed}");

    let tar = dir.path().join("base.tar");
    let other = ["import", "--platform", "linux/riscv64", tar.to_str().expect("UTF-8"), "localhost/other"];
    run(buildc(&store).args(other)).expect("imported");
    fs::write(context.join("Dockerfile"), "FROM localhost/other\nCOPY Dockerfile /\n").expect("written");
    fs::remove_file(context.join("buildc.lock")).expect("removed");
    call(&["lock", "--platform", "linux/riscv64"]).expect("locked");
    let text = fs::read_to_string(context.join("buildc.lock")).expect("a lock");
    assert!(text.contains("linux/riscv64") && !text.contains("linux/amd64"), "{text}");
    call(&["build", "--locked", "--platform", "linux/riscv64"]).expect("built");
    let unpinned = call(&["build", "--locked", "--platform", "linux/s390x"]).expect_err("another platform");
    assert!(unpinned.contains("lock::not_pinned"), "{unpinned}");
}

#[test]
fn a_git_ref_is_pinned_to_its_commit_until_it_is_asked_for_again() {
    let dir = tempfile::tempdir().expect("a directory");
    let repository = dir.path().join("repository");
    let script = "git init -q -b main $0; cd $0; git config user.email a@b; git config user.name n; \
                  echo one >f; git add f; git commit -qm one; git update-server-info";
    if run(Command::new("sh").args(["-ec", script]).arg(&repository)).is_err() {
        assert!(std::env::var_os("BUILDC_TEST_REQUIRE_ALL").is_none(), "pinning refs needs git");
        eprintln!("SKIP: pinning refs needs git");
        return;
    }
    let Some((port, daemon)) = git_daemon(dir.path()) else { return };
    let url = format!("git://127.0.0.1:{port}/repository");
    let context = context(dir.path(), "context", &format!("FROM scratch\nADD {url}#main /src\n"));
    let store = dir.path().join("store");
    let call = |words: &[&str]| run(buildc(&store).args(words).arg(&context));
    let pin = || -> String {
        let text = fs::read_to_string(context.join("buildc.lock")).expect("a lock");
        let lock: Value = serde_json::from_str(&text).expect("JSON");
        lock["git"].as_object().and_then(|all| all.values().next()?.as_str()).expect("a pin").to_owned()
    };
    let built = || {
        let out = dir.path().join("out");
        let _ = fs::remove_dir_all(&out);
        call(&["build", "--locked", "-o", out.to_str().expect("UTF-8")]).expect("built");
        fs::read_to_string(out.join("src/f")).expect("a file")
    };
    call(&["lock"]).expect("locked");
    let first = pin();
    assert_eq!(first.len(), 40, "{first}");
    assert_eq!(built(), "one\n");
    let script = "cd $0; echo two >f; git commit -qam two";
    run(Command::new("sh").args(["-ec", script]).arg(&repository)).expect("a commit");
    call(&["lock"]).expect("locked");
    assert_eq!((pin(), built()), (first.clone(), "one\n".to_owned()), "the pin holds");
    call(&["lock", "--update", &url]).expect("updated");
    assert_ne!(pin(), first);
    assert_eq!(built(), "two\n");
    drop(daemon);
    assert_eq!(built(), "two\n", "what is pinned and present needs nobody");
}

/// A git daemon, which ends when this is dropped.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended of itself.
        let _ = self.0.kill().and_then(|()| self.0.wait());
    }
}

/// Serves the repositories of a directory; none where git has no daemon.
fn git_daemon(dir: &Path) -> Option<(u16, Daemon)> {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    // Not through `git`, which would be killed instead of it.
    let programs = run(Command::new("git").arg("--exec-path")).ok()?;
    let mut command = Command::new(Path::new(programs.trim()).join("git-daemon"));
    command.args(["--export-all", "--listen=127.0.0.1", &format!("--port={port}"), "--reuseaddr"]);
    let mut base = std::ffi::OsString::from("--base-path=");
    base.push(dir);
    let child = command.arg(base).arg(dir).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?;
    let daemon = Daemon(child);
    for _ in 0..100 {
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Some((port, daemon));
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    None
}

/// Gives the base's name to another image.
fn move_base(store: &Path, dir: &Path) {
    let other = context(dir, "other", "FROM localhost/busybox\nRUN --network=none touch /moved\n");
    run(buildc(store).args(["build", "-t", "localhost/busybox"]).arg(other)).expect("built");
}
