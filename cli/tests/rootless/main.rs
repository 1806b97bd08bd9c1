//! The whole day of an unprivileged user: build, run, publish a port, exec, stop, with subordinate ids and without.
//!
//! Needs root to become such users: `buildc-with-ids` has a range in /etc/subuid, `buildc-plain` has none.
#![allow(clippy::print_stderr)]

#[path = "../fixture/mod.rs"]
mod fixture;
mod looking;

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use fixture::{root_and_busybox, run};

/// A user, a home, and a copy of the program that the user can reach.
struct User {
    name: &'static str,
    home: tempfile::TempDir,
    program: PathBuf,
}

impl User {
    fn new(name: &'static str, with_ids: bool) -> Self {
        if run(Command::new("id").arg(name)).is_err() {
            run(Command::new("useradd").args(["--no-create-home", "--shell", "/bin/sh", name]))
                .expect("a user");
        }
        let range = ["usermod", "--del-subuids", "1-4294967294", "--del-subgids", "1-4294967294", name];
        if !with_ids {
            run(Command::new(range[0]).args(&range[1..])).expect("a user without ranges");
        }
        let home = tempfile::Builder::new().prefix("home").tempdir_in("/var/tmp").expect("a home");
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).expect("a mode");
        let program = home.path().join("buildc");
        fs::copy(env!("CARGO_BIN_EXE_buildc"), &program).expect("the program is copied");
        let tar = fixture::base_tar(home.path()).expect("the base image");
        fs::rename(tar, home.path().join("base.tar")).expect("the base image is moved");
        run(Command::new("chown").args(["-R", name]).arg(home.path())).expect("the home is the user's");
        Self { name, home, program }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn buildc(&self, words: &[&str]) -> Result<String, String> {
        run(&mut self.command(words))
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", self.name, "--regid", self.name, "--init-groups", "--reset-env", "env"]);
        command.arg(format!("HOME={}", self.home.path().display())).arg("NO_COLOR=1");
        command.arg(&self.program).args(words).current_dir(self.home.path());
        command
    }

    fn context(&self, name: &str, dockerfile: &str) -> String {
        let context = fixture::context(self.home.path(), name, dockerfile);
        run(Command::new("chown").args(["-R", self.name]).arg(&context)).expect("the context is the user's");
        context.to_string_lossy().into_owned()
    }
}

/// Opens device nodes that are closed on some test machines and closes them again.
struct OpenDevices(Vec<(&'static Path, u32)>);

impl OpenDevices {
    fn new() -> Self {
        let mut before = Vec::new();
        for device in ["/dev/net/tun", "/dev/fuse"].map(Path::new) {
            if let Ok(meta) = fs::metadata(device) {
                before.push((device, meta.permissions().mode()));
                fs::set_permissions(device, fs::Permissions::from_mode(0o666)).ok();
            }
        }
        Self(before)
    }
}

impl Drop for OpenDevices {
    fn drop(&mut self) {
        for (device, mode) in &self.0 {
            fs::set_permissions(device, fs::Permissions::from_mode(*mode)).ok();
        }
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port()
}

fn get(port: u16) -> Option<String> {
    for _ in 0..100 {
        if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) {
            stream.write_all(b"GET /index.html HTTP/1.0\r\n\r\n").ok();
            let mut text = String::new();
            if stream.read_to_string(&mut text).is_ok() && text.contains("200 OK") {
                return Some(text);
            }
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    None
}

#[test]
fn an_unprivileged_user_with_subordinate_ids_has_a_whole_day() {
    if !root_and_busybox("becoming another user") {
        return;
    }
    let _devices = OpenDevices::new();
    let user = User::new("buildc-with-ids", true);
    user.buildc(&["import", &user.path("base.tar").to_string_lossy(), "localhost/busybox"]).expect("import");
    let context = user.context(
        "context",
        "FROM localhost/busybox\n\
         RUN echo web:x:1002:1003::/:/bin/sh >>/etc/passwd\n\
         RUN mkdir /www && echo hello >/www/index.html && chown -R web /www\n\
         COPY --chown=1234:4321 Dockerfile /copied\n\
         USER web\n\
         CMD [\"httpd\", \"-f\", \"-p\", \"8080\", \"-h\", \"/www\"]\n",
    );
    user.buildc(&["build", "-t", "localhost/web", &context]).expect("build");
    let owners =
        ["run", "--rm", "--network", "none", "localhost/web", "stat", "-c", "%u:%g", "/copied", "/www"];
    assert_eq!(user.buildc(&owners).as_deref(), Ok("1234:4321\n1002:0\n"));
    let port = free_port();
    let publish = format!("127.0.0.1:{port}:8080");
    user.buildc(&["run", "-d", "--name", "web", "-p", &publish, "localhost/web"]).expect("run");
    let answer = get(port).unwrap_or_else(|| panic!("no answer; {:?}", user.buildc(&["logs", "web"])));
    assert!(answer.contains("hello"), "{answer}");
    assert_eq!(user.buildc(&["exec", "web", "id", "-un"]).as_deref(), Ok("web\n"));
    assert!(user.buildc(&["ps"]).expect("ps").contains("localhost/web"));
    user.buildc(&["stop", "-t", "2", "web"]).expect("stop");
    user.buildc(&["rm", "web"]).expect("rm");
    let publish = format!("127.0.0.1:{port}:53/udp");
    let words = ["run", "-d", "--name", "names", "-p", &publish];
    user.buildc(&[&words[..], &fixture::udp_server("localhost/busybox")].concat()).expect("run");
    for caller in ["one", "two"] {
        let answer = fixture::ask_by_udp(port, caller);
        assert_eq!(answer, Some(format!("heard {caller}")), "{:?}", user.buildc(&["logs", "names"]));
    }
    user.buildc(&["rm", "-f", "names"]).expect("rm");
    user.buildc(&["fsck"]).expect("nothing is damaged");
}

#[test]
fn a_word_that_is_a_directory_and_an_image_means_the_image_of_the_users_own_store() {
    if !root_and_busybox("becoming another user") {
        return;
    }
    let user = User::new("buildc-words", true);
    user.buildc(&["import", &user.path("base.tar").to_string_lossy(), "app"]).expect("import");
    user.context("app", "FROM localhost/nowhere\n");
    user.context("other", "FROM app\nRUN echo from the directory >/said\nCMD cat /said\n");
    let image = user.buildc(&["run", "--rm", "--network", "none", "app", "echo", "from the image"]);
    assert_eq!(image.as_deref(), Ok("from the image\n"));
    let directory = user.buildc(&["run", "--rm", "--network", "none", "other"]);
    assert_eq!(directory.as_deref(), Ok("from the directory\n"));
}

#[test]
fn info_tries_what_an_unprivileged_user_can_do() {
    if !root_and_busybox("becoming another user") {
        return;
    }
    let user = User::new("buildc-info", true);
    let info = user.buildc(&["info"]).expect("info");
    for line in ["Root:            no\n", "UserNamespaces:  yes\n", "Overlay:         yes\n"] {
        assert!(info.contains(line), "{info}");
    }
    let store = user.path(".local/share/buildc");
    assert!(info.contains(&format!("Store:           {}\n", store.display())), "{info}");
}

#[test]
fn a_copy_only_build_needs_no_subordinate_ids_and_keeps_owners() {
    if !root_and_busybox("becoming another user") {
        return;
    }
    let user = User::new("buildc-plain", false);
    let context = user.context("context", "FROM scratch\nCOPY --chown=1234:4321 Dockerfile /owned/\n");
    let tar = user.path("image.tar").to_string_lossy().into_owned();
    let output = format!("type=tar,dest={tar}");
    user.buildc(&["build", "--output", &output, &context]).expect("build");
    let listing = run(Command::new("tar").args(["--numeric-owner", "-tvf", &tar])).expect("a tar");
    assert!(listing.lines().any(|l| l.contains("1234/4321") && l.contains("owned/Dockerfile")), "{listing}");
}

#[test]
fn files_that_leave_are_the_users_own() {
    if !root_and_busybox("becoming another user") {
        return;
    }
    for (name, with_ids) in [("buildc-plain", false), ("buildc-words", true)] {
        let user = User::new(name, with_ids);
        let text = "FROM scratch\nCOPY --chown=1234:4321 --chmod=4755 Dockerfile /owned/\n";
        let context = user.context("context", text);
        let out = user.path("out");
        user.buildc(&["build", "--output", &out.to_string_lossy(), &context]).expect("build");
        let id = |of: &str| run(Command::new("id").args([of, name])).expect("an id").trim().parse().ok();
        for path in [out.clone(), out.join("owned"), out.join("owned/Dockerfile")] {
            let found = fs::symlink_metadata(&path).expect("it is there");
            assert_eq!((Some(found.uid()), Some(found.gid())), (id("-u"), id("-g")), "{name}: {path:?}");
        }
        let mode = fs::metadata(out.join("owned/Dockerfile")).expect("a file").mode();
        assert_eq!(mode & 0o7777, 0o4755, "{name}");
    }
}

/// Processes of a user whose command line has this word in it.
fn processes(user: &str, word: &str) -> usize {
    let list = run(Command::new("ps").args(["-u", user, "-o", "args="])).unwrap_or_default();
    list.lines().filter(|line| line.contains(word)).count()
}

#[test]
fn builds_that_fail_or_are_killed_leave_no_network_behind() {
    if !root_and_busybox("becoming another user") {
        return;
    }
    let _devices = OpenDevices::new();
    let name = "buildc-brief";
    let user = User::new(name, true);
    user.buildc(&["import", &user.path("base.tar").to_string_lossy(), "localhost/busybox"]).expect("import");
    let fails = user.context("fails", "FROM localhost/busybox\nADD bad.tar /\nRUN true\n");
    let bad = ["-C", &fails, "-P", "--transform=s,^,../,", "-cf", &format!("{fails}/bad.tar"), "Dockerfile"];
    run(Command::new("tar").args(bad)).expect("an archive with a name that leads out");
    for _ in 0..4 {
        user.buildc(&["build", &fails]).expect_err("the archive is refused");
    }
    let gone = |what: &str| {
        for _ in 0..100 {
            if processes(name, "pasta --") == 0 {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("{what} left pasta running");
    };
    gone("a failed build");
    let sleeps = user.context("sleeps", "FROM localhost/busybox\nRUN sleep 77\n");
    std::thread::scope(|scope| {
        scope.spawn(|| user.buildc(&["build", &sleeps]));
        for _ in 0..200 {
            if processes(name, "sleep 77") > 0 {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        run(Command::new("pkill").args(["-KILL", "-u", name, "-f", "build [^ ]*/sleeps"]))
            .expect("it is killed");
    });
    let works = user.context("works", "FROM localhost/busybox\nRUN true\n");
    user.buildc(&["build", &works]).expect("built");
    gone("a killed build");
}

/// In a mount namespace of its own, so that the device stays as it is for others.
#[test]
fn a_plan_says_of_a_closed_device_what_the_build_says() {
    if !root_and_busybox("becoming another user") {
        return;
    }
    if !Path::new("/dev/net/tun").exists() || !Path::new("/usr/bin/pasta").exists() {
        eprintln!("SKIP: there is no /dev/net/tun or no pasta");
        return;
    }
    let user = User::new("buildc-with-ids", true);
    user.buildc(&["import", &user.path("base.tar").to_string_lossy(), "localhost/busybox"]).expect("import");
    let context = user.context("context", "FROM localhost/busybox\nRUN echo one\n");
    let closed = user.path("closed");
    fs::write(&closed, "").expect("a file");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o600)).expect("a mode");
    let said = |words: &[&str]| {
        let inner = user.command(&[words, &[&context]].concat());
        let mut command = Command::new("unshare");
        command.args(["-m", "sh", "-c", "mount --bind \"$0\" /dev/net/tun && exec \"$@\""]).arg(&closed);
        command.arg(inner.get_program()).args(inner.get_args()).current_dir(user.home.path());
        let output = command.output().expect("it runs");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let reason = "`/dev/net/tun` cannot be opened: Permission denied";
    let (code, plan) = said(&["plan"]);
    assert!(code == Some(0) && plan.contains(reason) && plan.contains("network::device"), "{plan}");
    assert!(plan.contains("chmod 0666 /dev/net/tun"), "{plan}");
    let (code, build) = said(&["build"]);
    assert!(code == Some(3) && build.contains(reason), "{build}");
    let (_, quiet) = said(&["plan", "--network=none"]);
    assert!(!quiet.contains("/dev/net/tun"), "{quiet}");
}

#[test]
fn what_an_unprivileged_user_may_not_make_is_left_out_of_an_exported_directory() {
    if !root_and_busybox("becoming another user") {
        return;
    }
    for (name, with_ids) in [("buildc-exports", true), ("buildc-exports-alone", false)] {
        let user = User::new(name, with_ids);
        let context = user.context(
            "context",
            "FROM scratch\nADD node.tar /dev/\nCOPY --chown=70000:5 Dockerfile /owned/\nCOPY Dockerfile /\n",
        );
        let node = ["-c", "mknod \"$0/null\" c 1 3 && tar -C \"$0\" -cf \"$0/node.tar\" null", &context];
        run(Command::new("sh").args(node)).expect("an archive with a device node");
        fs::remove_file(Path::new(&context).join("null")).expect("the node is removed");
        let out = user.path("out");
        user.buildc(&["build", "--output", &out.to_string_lossy(), &context]).expect("build");
        assert!(!out.join("dev/null").exists() && out.join("dev").is_dir(), "{name}");
        assert!(out.join("owned/Dockerfile").is_file() && out.join("Dockerfile").is_file(), "{name}");
    }
}

#[test]
fn without_subordinate_ids_a_foreign_owner_in_run_is_named() {
    if !root_and_busybox("becoming another user") {
        return;
    }
    let user = User::new("buildc-plain", false);
    user.buildc(&["import", &user.path("base.tar").to_string_lossy(), "localhost/busybox"]).expect("import");
    let works = user.context("works", "FROM localhost/busybox\nRUN echo fine > /fine\n");
    user.buildc(&["build", "--network", "none", "-t", "localhost/works", &works])
        .expect("own ids are enough here");
    let fails = user.context("fails", "FROM localhost/busybox\nUSER app\nRUN true\n");
    let error = user.buildc(&["build", "--network", "none", &fails]).expect_err("user 1000 is not mapped");
    assert!(error.contains("/etc/subuid"), "{error}");
}
