//! `--strict-times`: what differs in times of files alone is not the same, and without it it is.
#![allow(clippy::print_stderr)]

#[path = "fixture/mod.rs"]
mod fixture;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use fixture::{buildc, root_and_busybox, run};

const STRICT: &[&str] = &["--strict-times"];

/// A store with the base image, and a context with a Dockerfile.
struct Bench {
    dir: tempfile::TempDir,
    store: PathBuf,
    context: PathBuf,
}

impl Bench {
    fn new(dockerfile: &str) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let store = fixture::store_with_base(dir.path());
        let context = fixture::context(dir.path(), "context", dockerfile);
        Self { dir, store, context }
    }

    /// Writes a file of the context, last changed at this second.
    fn write(&self, name: &str, text: &str, second: u32) {
        fs::create_dir_all(self.context.join(name).parent().expect("a directory")).expect("a directory");
        fs::write(self.context.join(name), text).expect("a file");
        self.touch(name, second);
    }

    fn touch(&self, name: &str, second: u32) {
        run(Command::new("touch").args(["-d", &format!("@{second}")]).arg(self.context.join(name)))
            .expect("another time");
    }

    fn command(&self, store: &Path, words: &[&str]) -> Command {
        let mut command = buildc(store);
        command.args(words).arg(&self.context);
        command
    }

    fn plan(&self, words: &[&str]) -> String {
        run(&mut self.command(&self.store, &[&["plan"], words].concat())).expect("a plan")
    }

    /// Builds, and gives the number of steps that ran.
    fn build(&self, words: &[&str]) -> usize {
        self.build_in(&self.store, words)
    }

    fn build_in(&self, store: &Path, words: &[&str]) -> usize {
        let words = [&["build", "-t", "localhost/out", "--progress", "json"], words].concat();
        let output = self.command(store, &words).output().expect("buildc runs");
        let events = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{events}");
        events.lines().filter(|line| line.contains(r#""event":"done""#)).count()
    }

    /// What the newest image has in a file, without the last newline.
    fn read(&self, path: &str) -> String {
        self.run(&["cat", path])
    }

    fn run(&self, words: &[&str]) -> String {
        let show = [&["run", "--rm", "--network", "none", "localhost/out"], words].concat();
        run(buildc(&self.store).args(show)).expect("it runs").trim().to_owned()
    }
}

#[test]
fn a_touched_file_is_a_change_only_where_times_count() {
    if !root_and_busybox("times of copied files") {
        return;
    }
    let bench = Bench::new(
        "FROM localhost/busybox\nCOPY app.js /app/\nRUN stat -c %Y /app/app.js >/seen\nCOPY sub /sub/\n",
    );
    bench.write("app.js", "text", 1_000_000_000);
    bench.write("sub/file", "text", 1_000_000_000);
    bench.touch("sub", 1_000_000_000);
    bench.write("other", "text", 1_000_000_000);
    assert_eq!(bench.build(&[]), 3);
    bench.touch("app.js", 1_100_000_000);
    assert_eq!(bench.build(&[]), 0, "no key holds a time");
    assert_eq!(bench.read("/seen"), "1000000000");
    let plan = bench.plan(STRICT);
    assert!(plan.contains("--strict-times is new, with value `on`"), "{plan}");
    assert!(plan.contains("No traces (--strict-times)"), "{plan}");
    assert_eq!(bench.build(STRICT), 3, "what was made without counting times is not what counts them");
    assert_eq!(bench.read("/seen"), "1100000000");
    assert!(!bench.plan(STRICT).contains("will run"));
    bench.touch("other", 1_200_000_000);
    assert_eq!(bench.build(STRICT), 0, "what nobody copies does not count");
    bench.touch("app.js", 1_200_000_000);
    let plan = bench.plan(STRICT);
    assert!(plan.contains("1 file has another time:\n") && plan.contains("  @app.js\n"), "{plan}");
    assert_eq!(bench.build(STRICT), 3);
    assert_eq!(bench.read("/seen"), "1200000000");
    // A directory's own time is copied too.
    bench.touch("sub", 1_300_000_000);
    let plan = bench.plan(STRICT);
    assert!(plan.contains("  @sub\n"), "{plan}");
    assert_eq!(bench.build(STRICT), 1);
    assert_eq!(bench.run(&["stat", "-c", "%Y", "/sub"]), "1300000000");
    // Changes of other kinds are named first, and are the reason.
    bench.write("sub/late", "text", 1_300_000_000);
    bench.touch("sub", 1_400_000_000);
    let plan = bench.plan(STRICT);
    assert!(plan.contains("2 files changed:\n                +sub/late\n                @sub\n"), "{plan}");
    // And what was made without them is still there.
    bench.write("app.js", "text", 5);
    fs::remove_file(bench.context.join("sub/late")).expect("it is there");
    assert_eq!(bench.build(&[]), 0);
    assert_eq!(bench.read("/seen"), "1000000000");
}

#[test]
fn nothing_is_cut_off_where_only_times_came_out_otherwise() {
    if !root_and_busybox("times below other steps") {
        return;
    }
    let bench = Bench::new("");
    let times = |second: u32, words: &[&str]| {
        let dockerfile = format!(
            "FROM localhost/busybox AS first\nRUN mkdir /w && echo 1 >/w/f && touch -d @{second} /w/f /w\n\
             FROM first AS above\nRUN stat -c %Y /w/f >/seen\n\
             FROM localhost/busybox AS copied\nCOPY --from=first /w /w\n\
             FROM localhost/busybox\n\
             RUN --mount=type=bind,from=first,source=/w,target=/m stat -c %Y /m/f >/mounted\n\
             COPY --from=above /seen /\nCOPY --from=copied /w /w\n"
        );
        fs::write(bench.context.join("Dockerfile"), dockerfile).expect("a file");
        bench.build(&[&["--trace=on"], words].concat());
        [bench.read("/mounted"), bench.read("/seen"), bench.run(&["stat", "-c", "%Y", "/w/f"])]
    };
    assert_eq!(times(7, STRICT), ["7", "7", "7"]);
    assert_eq!(times(8, STRICT), ["8", "8", "8"]);
    assert_eq!(bench.build(STRICT), 0);
    assert_eq!(times(7, STRICT), ["7", "7", "7"], "both are known");
    assert_eq!(times(7, &[]), ["7", "7", "7"]);
    assert_eq!(times(8, &[]), ["7", "7", "7"], "where they do not count all this is cut off");
}

#[test]
fn joined_layers_have_the_times_of_theirs() {
    let bench = Bench::new("FROM scratch\nCOPY a /a\nCOPY b /b\n");
    let out = bench.dir.path().join("out");
    let words = ["build", "-q", "--layers=merge", "--strict-times", "-o"];
    for second in [1_000_000_000, 1_100_000_000] {
        bench.write("a", "a", second);
        bench.write("b", "b", second);
        run(buildc(&bench.store).args(words).arg(&out).arg(&bench.context)).expect("it is built");
        let stat = run(Command::new("stat").args(["-c", "%Y"]).arg(out.join("a")).arg(out.join("b")));
        assert_eq!(stat, Ok(format!("{second}\n{second}\n")));
    }
}

#[test]
fn results_that_count_times_travel() {
    if !root_and_busybox("caches of what counts times") {
        return;
    }
    let bench = Bench::new(
        "FROM localhost/busybox AS one\nCOPY app.js /app/\nRUN stat -c %Y /app/app.js >/seen\n\
         FROM localhost/busybox\nCOPY --from=one /seen /\n",
    );
    bench.write("app.js", "text", 1_000_000_000);
    let archive = bench.dir.path().join("base.tar");
    run(buildc(&bench.store).args(["save", "-o"]).arg(&archive).arg("localhost/busybox")).expect("saved");
    let cache = bench.dir.path().join("cache");
    let to = format!("type=local,mode=max,dest={}", cache.display());
    assert_eq!(bench.build(&["--strict-times", "--cache-to", &to]), 3);
    let other = bench.dir.path().join("other");
    run(buildc(&other).args(["load", "-q", "-i"]).arg(&archive)).expect("loaded");
    let from = format!("type=local,src={}", cache.display());
    assert_eq!(bench.build_in(&other, &["--strict-times", "--cache-from", &from]), 0);
    assert_eq!(bench.build_in(&other, &["--cache-from", &from]), 3, "they count nowhere else");
    bench.touch("app.js", 1_100_000_000);
    assert_eq!(bench.build_in(&other, &["--strict-times", "--cache-from", &from]), 3);
}
