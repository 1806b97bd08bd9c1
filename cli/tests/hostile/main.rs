//! What must not happen: a killed build, a full disk, two builds at once, a store of another time.
#![allow(clippy::print_stderr)]

#[path = "../fixture/mod.rs"]
mod fixture;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use fixture::{buildc, context, root_and_busybox, run, store_with_base};

const SEVERAL_STEPS: &str = "FROM localhost/busybox\n\
    RUN mkdir /a && i=0; while [ $i -lt 200 ]; do echo $i > /a/$i; i=$((i+1)); done\n\
    COPY . /ctx/\n\
    RUN rm -r /a/1* && sleep 0.02 && echo done > /a/done\n\
    RUN cat /a/done > /b\n";

fn mounts_under(dir: &Path) -> Vec<String> {
    let text = fs::read_to_string("/proc/self/mounts").expect("the mount table");
    text.lines().filter(|l| l.contains(&*dir.to_string_lossy())).map(str::to_owned).collect()
}

#[test]
fn killed_builds_lose_nothing_but_the_running_step() {
    if !root_and_busybox("killing builds") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let store = store_with_base(dir.path());
    let context = context(dir.path(), "context", SEVERAL_STEPS);
    for i in 0..40 {
        fs::write(context.join(format!("file{i}")), format!("{i}\n").repeat(1000)).expect("a file");
    }
    for round in 0..50u64 {
        // The Dockerfile changes each time, so that there always is something to kill.
        let text =
            format!("{SEVERAL_STEPS}RUN echo {round}\n").replace("/a/done\n", &format!("/a/done{round}\n"));
        let text = text.replace("cat /a/done ", &format!("cat /a/done{round} "));
        fs::write(context.join("Dockerfile"), text).expect("a Dockerfile");
        let mut child = buildc(&store)
            .args(["build", "-t", "localhost/killed"])
            .arg(&context)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the build starts");
        std::thread::sleep(Duration::from_micros(500 + round * 2_700));
        child.kill().ok();
        child.wait().expect("the build ends");
    }
    run(buildc(&store).arg("fsck")).expect("nothing is damaged");
    run(buildc(&store).args(["build", "-t", "localhost/whole"]).arg(&context)).expect("a build succeeds");
    let text = run(buildc(&store).args(["run", "--rm", "--network", "none", "localhost/whole", "cat", "/b"]));
    assert_eq!(text.as_deref(), Ok("done\n"));
    assert_eq!(mounts_under(&store), Vec::<String>::new());
    // What watched over the last container may still be taking it away.
    let gone = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        !processes_mention(&store)
    });
    assert!(gone, "a process of a killed build is still there");
}

fn processes_mention(store: &Path) -> bool {
    let wanted = store.to_string_lossy().into_owned();
    fs::read_dir("/proc").into_iter().flatten().flatten().any(|entry| {
        fs::read(entry.path().join("cmdline")).is_ok_and(|c| String::from_utf8_lossy(&c).contains(&wanted))
    })
}

#[test]
fn two_builds_of_the_same_thing_run_each_step_once() {
    if !root_and_busybox("two builds at once") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let store = store_with_base(dir.path());
    let text = "FROM localhost/busybox\nRUN sleep 0.3 && cat /proc/sys/kernel/random/uuid > /id\n";
    let context = context(dir.path(), "context", text);
    let build = |tag: &str| {
        let mut command = buildc(&store);
        command.args(["build", "--progress", "plain", "-t", tag]).arg(&context);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the build starts")
    };
    let (one, two) = (build("localhost/one"), build("localhost/two"));
    let (one, two) = (one.wait_with_output().expect("one"), two.wait_with_output().expect("two"));
    assert!(one.status.success() && two.status.success(), "{one:?} {two:?}");
    let id = |tag: &str| run(buildc(&store).args(["inspect", "-f", "{{.Id}}", tag])).expect("it is built");
    assert_eq!(id("localhost/one"), id("localhost/two"), "both have the same image, so the step ran once");
    let said = [one, two].map(|output| String::from_utf8_lossy(&output.stderr).into_owned());
    let waited = said.iter().filter(|text| text.contains("another build made it meanwhile")).count();
    assert_eq!(waited, 1, "one waited for the other: {said:?}");
}

#[test]
fn a_full_disk_is_an_error_and_the_store_survives() {
    if !root_and_busybox("a full disk") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let disk = dir.path().join("disk");
    fs::create_dir(&disk).expect("a mount point");
    run(Command::new("mount").args(["-t", "tmpfs", "-o", "size=12m", "tmpfs"]).arg(&disk))
        .expect("a small tmpfs");
    let tar = fixture::base_tar(dir.path()).expect("the base image");
    let store = disk.join("store");
    let result = std::panic::catch_unwind(|| {
        run(buildc(&store).arg("import").arg(&tar).arg("localhost/busybox")).expect("the base fits");
        let big = context(
            dir.path(),
            "big",
            "FROM localhost/busybox\nRUN dd if=/dev/zero of=/big bs=1M count=40\n",
        );
        let error = run(buildc(&store).arg("build").arg(big)).expect_err("a disk of 12 MB is full");
        assert!(error.contains("No space left on device"), "{error}");
        let copy = context(dir.path(), "copy", "FROM localhost/busybox\nCOPY blob /blob\n");
        fs::write(copy.join("blob"), vec![7; 40 << 20]).expect("a big file");
        let error = run(buildc(&store).arg("build").arg(copy)).expect_err("the copy does not fit either");
        assert!(error.contains("No space left on device"), "{error}");
        let small = context(dir.path(), "small", "FROM localhost/busybox\nRUN echo fits > /small\n");
        run(buildc(&store).arg("build").arg(small)).expect("what fits is built");
        run(buildc(&store).arg("fsck")).expect("nothing is damaged");
    });
    run(Command::new("umount").arg("-l").arg(&disk)).expect("the tmpfs goes");
    assert!(result.is_ok());
}

#[test]
fn a_store_from_a_newer_version_is_refused_and_left_alone() {
    if !root_and_busybox("a newer store") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let store = store_with_base(dir.path());
    let script = "import sqlite3, sys\n\
        c = sqlite3.connect(sys.argv[1]); c.execute('pragma user_version = 9999'); c.commit()";
    let index = store.join("index.db");
    run(Command::new("python3").args(["-c", script]).arg(&index)).expect("python has sqlite");
    let error = run(buildc(&store).arg("images")).expect_err("it is too new");
    assert!(error.contains("newer"), "{error}");
}

#[test]
fn prune_spares_what_a_running_build_holds() {
    if !root_and_busybox("pruning during a build") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let store = store_with_base(dir.path());
    let text = "FROM localhost/busybox\nRUN echo one > /one\nRUN sleep 1\nRUN cat /one > /two\n";
    let context = context(dir.path(), "context", text);
    let build = buildc(&store)
        .args(["build", "-t", "localhost/held"])
        .arg(&context)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the build starts");
    std::thread::sleep(Duration::from_millis(400));
    run(buildc(&store).args(["prune", "--all", "--force"])).expect("prune works beside a build");
    let output = build.wait_with_output().expect("the build ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text =
        run(buildc(&store).args(["run", "--rm", "--network", "none", "localhost/held", "cat", "/two"]));
    assert_eq!(text.as_deref(), Ok("one\n"));
    run(buildc(&store).arg("fsck")).expect("nothing is damaged");
}
