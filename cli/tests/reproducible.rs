//! Two machines give the same image digest when times are clamped, and what was built otherwise is not mixed in.
#![allow(clippy::print_stderr)]

#[path = "fixture/mod.rs"]
mod fixture;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use fixture::{buildc, root_and_busybox, run};

const DOCKERFILE: &str = "FROM localhost/busybox AS one\n\
    ARG SOURCE_DATE_EPOCH\n\
    WORKDIR /app\n\
    COPY . .\n\
    ADD tree.tar /tree/\n\
    RUN mkdir -p deep/er && echo $SOURCE_DATE_EPOCH > deep/er/file && ln -s file deep/er/link && rm /usr/bin/yes\n\
    RUN find . /tree | sort | xargs stat -c '%n %Y' > /seen\n\
    FROM localhost/busybox\n\
    RUN true\n\
    COPY --from=one /app /copied\n\
    COPY --from=one /seen /seen\n";

/// A machine: a store with the base image, and a checkout whose files have times of their own.
struct Machine {
    store: PathBuf,
    context: PathBuf,
}

impl Machine {
    fn new(dir: &Path, archive: &Path, age: Duration) -> Self {
        let store = dir.join("store");
        run(buildc(&store).args(["load", "-q", "-i"]).arg(archive)).expect("the base is loaded");
        let context = fixture::context(dir, "context", DOCKERFILE);
        fs::create_dir(context.join("sub")).expect("a directory");
        fs::write(context.join("sub/file"), "text").expect("a file");
        run(Command::new("tar")
            .arg("-C")
            .arg(&context)
            .args(["--mtime=2024-05-05", "-cf"])
            .args([context.join("tree.tar").as_os_str(), "sub".as_ref()]))
        .expect("an archive");
        let time = SystemTime::now() - age;
        for path in ["sub/file", "sub", "Dockerfile", "tree.tar"] {
            let file = fs::File::open(context.join(path)).expect("it opens");
            file.set_modified(time).expect("its time is set");
        }
        Self { store, context }
    }

    fn command(&self, words: &[&str], epoch: &str) -> Command {
        let mut command = buildc(&self.store);
        command.args(words).arg(&self.context).env("SOURCE_DATE_EPOCH", epoch);
        command
    }

    /// The id of the image and what its last steps saw.
    fn build(&self, words: &[&str], epoch: &str) -> (String, String) {
        let words = [&["build", "-q", "-t", "localhost/out"], words].concat();
        let id = run(&mut self.command(&words, epoch)).expect("it builds");
        let seen = ["run", "--rm", "--network", "none", "localhost/out", "cat", "/seen"];
        (id, run(buildc(&self.store).args(seen)).expect("it runs"))
    }
}

fn machines(dir: &Path) -> [Machine; 2] {
    let first = fixture::store_with_base(dir);
    let archive = dir.join("base.tar");
    run(buildc(&first).args(["save", "-o"]).arg(&archive).arg("localhost/busybox"))
        .expect("the base is saved");
    [("a", 1), ("b", 100_000)].map(|(name, age)| {
        let dir = dir.join(name);
        fs::create_dir(&dir).expect("a directory");
        Machine::new(&dir, &archive, Duration::from_secs(age))
    })
}

#[test]
fn two_machines_agree_when_times_are_clamped() {
    if !root_and_busybox("reproducible builds") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let [one, two] = machines(dir.path());
    let (free, _) = one.build(&[], "");
    let (other, _) = two.build(&[], "");
    assert_ne!(free, other, "times are part of an image");
    // The same definitions, which the store has with free times.
    let (clamped, seen) = one.build(&[], "1700000000");
    assert_eq!(clamped, two.build(&[], "1700000000").0);
    let second = |line: &str| line.rsplit(' ').next()?.parse::<u64>().ok();
    let clamped_line = |line| second(line).is_some_and(|second| second <= 1_700_000_000);
    assert!(seen.lines().count() > 8 && seen.lines().all(clamped_line), "{seen}");
    let argument = two.build(&["--build-arg", "SOURCE_DATE_EPOCH=1700000000"], "5").0;
    assert_eq!(clamped, argument, "the build argument counts before the variable");
    let (default, seen) = two.build(&["--reproducible"], "");
    assert!(seen.contains("./deep/er/file 315532800\n") && seen.contains("/tree/sub/file 315532800\n"));
    let mut copies = one.command(&["build", "-q", "--reproducible", "--no-cache"], "");
    assert_eq!(
        run(copies.env("BUILDC_SNAPSHOTTER", "copy")).as_ref(),
        Ok(&default),
        "whatever holds the layers"
    );
    assert_eq!(
        run(&mut one.command(&["build", "-q"], "")).as_ref(),
        Ok(&free),
        "and free times are still there"
    );
}

#[test]
fn an_imported_base_has_nothing_of_the_machine_in_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let import = |machine: &str, words: &[&str], epoch: &str| {
        let place = dir.path().join(machine);
        fs::create_dir_all(&place).expect("a directory");
        let archive = place.join("rootfs.tar");
        let same = ["--sort=name", "--mtime=@9", "--owner=0", "--group=0", "--mode=go-w", "etc"];
        fs::create_dir_all(place.join("etc")).expect("a directory");
        run(Command::new("tar").arg("-cf").arg(&archive).arg("-C").arg(&place).args(same))
            .expect("an archive");
        let mut command = buildc(&place.join("store"));
        command.arg("import").args(words).arg(archive).arg("localhost/base");
        run(command.env("SOURCE_DATE_EPOCH", epoch))
    };
    let first = import("a", &[], "1700000000").expect("it is imported");
    assert_eq!(import("b", &[], "1700000000").as_ref(), Ok(&first));
    assert_ne!(import("b", &["--message", "mine"], "1700000000").as_ref(), Ok(&first));
    assert_ne!(import("b", &[], "1700000001").as_ref(), Ok(&first));
    assert_ne!(import("b", &[], "").as_ref(), Ok(&first), "without a second it is the time of now");
    let bad = import("b", &[], "tomorrow").expect_err("it is no time");
    assert!(bad.contains("SOURCE_DATE_EPOCH is `tomorrow`"), "{bad}");
}

#[test]
fn the_plan_says_that_the_clamp_changed() {
    if !root_and_busybox("reproducible plans") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let [one, _] = machines(dir.path());
    one.build(&[], "1700000000");
    let plan = |epoch: &str| run(&mut one.command(&["plan"], epoch)).expect("a plan");
    assert!(!plan("1700000000").contains("will run"), "{}", plan("1700000000"));
    let changed = plan("1700000001");
    assert!(changed.contains("will run") && changed.contains("SOURCE_DATE_EPOCH"), "{changed}");
    let bad = run(&mut one.command(&["plan"], "tomorrow")).expect_err("it is no time");
    assert!(bad.contains("SOURCE_DATE_EPOCH is `tomorrow`"), "{bad}");
}

#[test]
fn a_global_argument_is_what_times_are_clamped_to() {
    let dir = tempfile::tempdir().expect("a directory");
    let dockerfile = "ARG YEAR=15\nARG SOURCE_DATE_EPOCH=${YEAR}00000000\nFROM scratch\nARG SOURCE_DATE_EPOCH\nCOPY <<E /seen\n$SOURCE_DATE_EPOCH\nE\n";
    let context = fixture::context(dir.path(), "context", dockerfile);
    let out = dir.path().join("out");
    let seen = |words: &[&str], epoch: &str| {
        let mut command = buildc(&dir.path().join("store"));
        command.args(["build", "-q", "-t", "dated", "-o"]).arg(&out).args(words).arg(&context);
        run(command.env("SOURCE_DATE_EPOCH", epoch)).expect("it is built");
        let show = ["inspect", "--type", "image", "-f", "{{.Created}}", "dated"];
        let created = run(buildc(&dir.path().join("store")).args(show)).expect("it is there");
        let text = fs::read_to_string(out.join("seen")).expect("a file");
        format!("{} {}", text.trim(), created.trim())
    };
    assert_eq!(seen(&[], ""), "1500000000 2017-07-14T02:40:00Z");
    assert_eq!(seen(&["--reproducible"], ""), "1500000000 2017-07-14T02:40:00Z");
    assert_eq!(seen(&[], "1400000000"), "1400000000 2014-05-13T16:53:20Z");
    let given = ["--build-arg", "SOURCE_DATE_EPOCH=1600000000"];
    assert_eq!(seen(&given, "1400000000"), "1600000000 2020-09-13T12:26:40Z");
    fs::write(context.join("Dockerfile"), dockerfile.replace("${YEAR}00000000", "soon")).expect("a file");
    assert!(seen(&[], "").starts_with("soon 20"), "what is no number is an argument like any other");
}

/// No key holds a time (spec/cache-keys.md), so what stands above a changed one is as it was when its content was first met.
#[test]
fn a_time_that_changes_alone_is_in_its_own_layer_and_in_nothing_above_it() {
    if !root_and_busybox("times below other steps") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let store = fixture::store_with_base(dir.path());
    let context = fixture::context(dir.path(), "context", "");
    let times = |second: u32, words: &[&str]| {
        let dockerfile = format!(
            "FROM localhost/busybox AS first\nRUN mkdir /w && echo 1 >/w/f && touch -d @{second} /w/f\n\
             FROM first AS above\nRUN stat -c %Y /w/f >/seen\n\
             FROM localhost/busybox AS copied\nCOPY --from=first /w /w\n"
        );
        fs::write(context.join("Dockerfile"), dockerfile).expect("a file");
        let look = |target: &str, path: &str, command: &[&str]| {
            let mut build = buildc(&store);
            build.args(["build", "-q", "-t", "localhost/out", "--target", target]).args(words).arg(&context);
            run(build.env("SOURCE_DATE_EPOCH", "400000000")).expect("it builds");
            let show = [&["run", "--rm", "--network", "none", "localhost/out"], command, &[path]].concat();
            run(buildc(&store).args(show)).expect("it runs").trim().to_owned()
        };
        let stat = ["stat", "-c", "%Y"];
        [look("first", "/w/f", &stat), look("above", "/seen", &["cat"]), look("copied", "/w/f", &stat)]
    };
    assert_eq!(times(7, &[]), ["7", "7", "7"]);
    assert_eq!(times(8, &[]), ["8", "7", "7"]);
    assert_eq!(times(8, &["--no-cache"]), ["8", "8", "8"]);
}
