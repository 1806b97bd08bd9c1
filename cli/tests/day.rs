//! A whole day with the program as root: build, look, run, publish nothing, stop, clean up. Needs root and busybox.
#![allow(clippy::print_stderr)]

#[path = "fixture/mod.rs"]
mod fixture;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use fixture::{buildc, context, root_and_busybox, run, store_with_base};

struct Day {
    dir: tempfile::TempDir,
    store: PathBuf,
}

impl Day {
    /// A store with the base image, or nothing where this machine cannot run the test.
    fn begin(what: &str) -> Option<Self> {
        if !root_and_busybox(what) {
            return None;
        }
        let dir = tempfile::tempdir().expect("a directory");
        let store = store_with_base(dir.path());
        Some(Self { dir, store })
    }

    fn buildc(&self, words: &[&str]) -> Result<String, String> {
        run(buildc(&self.store).args(words))
    }

    fn ok(&self, words: &[&str]) -> String {
        self.buildc(words).unwrap_or_else(|e| panic!("{e}"))
    }

    fn output(&self, words: &[&str]) -> Output {
        buildc(&self.store).args(words).stdin(Stdio::null()).output().expect("buildc runs")
    }

    fn context(&self, dockerfile: &str) -> String {
        context(self.dir.path(), "context", dockerfile).to_string_lossy().into_owned()
    }
}

impl Drop for Day {
    fn drop(&mut self) {
        // Containers that a failed assertion left behind would outlive the test.
        if let Ok(ids) = self.buildc(&["ps", "-aq"]) {
            for id in ids.split_whitespace() {
                self.buildc(&["rm", "-f", "-v", id]).ok();
            }
        }
    }
}

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_build_is_cached_the_second_time_and_says_so() {
    let Some(day) = Day::begin("building") else { return };
    let dir = day.context("FROM localhost/busybox\nRUN echo one > /one\nCOPY Dockerfile /\nLABEL a=b\n");
    let plan = day.ok(&["plan", &dir]);
    assert!(plan.contains("will run"), "{plan}");
    let first = day.output(&["build", "-t", "day", &dir]);
    assert_eq!(code(&first), Some(0), "{}", said(&first));
    assert!(first.stdout.is_empty());
    assert!(said(&first).contains("Built day:latest") && said(&first).contains("DONE"), "{}", said(&first));
    let second = day.output(&["build", "-t", "day", &dir]);
    assert!(said(&second).contains("0 ran") && said(&second).contains("CACHED"), "{}", said(&second));
    let id = day.ok(&["build", "-q", &dir]);
    assert!(id.starts_with("sha256:"), "{id}");
    let inspected = day.ok(&["inspect", "--format", "{{.Id}} {{json .Config.Labels}}", "day"]);
    assert_eq!(inspected.trim(), format!("{} {{\"a\":\"b\"}}", id.trim()));
    assert!(day.ok(&["history", "day"]).contains("RUN"));
}

#[test]
fn progress_is_for_programs_too_and_files_are_written() {
    let Some(day) = Day::begin("building") else { return };
    let dir = day.context("FROM localhost/busybox\nRUN echo hello; echo oops >&2\n");
    let (id, metadata) = (day.dir.path().join("iid"), day.dir.path().join("meta"));
    let words = ["build", "--progress", "json", "--iidfile", id.to_str().unwrap_or(""), "--metadata-file"];
    let output = day.output(&[&words[..], &[metadata.to_str().unwrap_or(""), &dir]].concat());
    assert_eq!(code(&output), Some(0), "{}", said(&output));
    let events: Vec<serde_json::Value> =
        said(&output).lines().map(|l| serde_json::from_str(l).expect("a JSON line")).collect();
    let has = |name: &str| events.iter().any(|e| e["event"] == name);
    assert!(has("planned") && has("started") && has("log") && has("finished"), "{events:?}");
    let id = std::fs::read_to_string(id).expect("an id file");
    let metadata = std::fs::read_to_string(metadata).expect("a metadata file");
    let metadata: serde_json::Value = serde_json::from_str(&metadata).expect("JSON");
    assert_eq!(metadata["containerimage.config.digest"], id.trim());
}

#[test]
fn a_failed_run_shows_the_line_the_status_and_the_end_of_its_output() {
    let Some(day) = Day::begin("building") else { return };
    let dir = day.context("FROM localhost/busybox\nRUN echo some words; exit 7\n");
    let output = day.output(&["build", &dir]);
    let text = said(&output);
    assert_eq!(code(&output), Some(5), "{text}");
    for part in ["Dockerfile:2:1", "RUN echo some words; exit 7", "7", "  some words"] {
        assert!(text.contains(part), "no `{part}` in:\n{text}");
    }
}

#[test]
fn an_interrupted_build_ends_soon_and_leaves_nothing() {
    let Some(day) = Day::begin("interrupting a build") else { return };
    let dir = day.context("FROM localhost/busybox\nRUN sleep 60\n");
    let begun = Instant::now();
    let child =
        buildc(&day.store).args(["build", &dir]).stderr(Stdio::piped()).spawn().expect("the build starts");
    std::thread::sleep(Duration::from_millis(700));
    run(Command::new("kill").args(["-INT", &child.id().to_string()])).expect("kill");
    let output = child.wait_with_output().expect("the build ends");
    assert_eq!(code(&output), Some(130), "{}", said(&output));
    assert!(begun.elapsed() < Duration::from_secs(20), "it waited for the step");
    let mounts = std::fs::read_to_string("/proc/self/mounts").expect("mounts");
    assert!(!mounts.contains(&*day.store.to_string_lossy()), "{mounts}");
    day.ok(&["fsck"]);
}

#[test]
fn run_has_dockers_exit_codes_and_keeps_streams_apart() {
    let Some(day) = Day::begin("running") else { return };
    let image = "localhost/busybox";
    let both = day.output(&[
        "run",
        "--rm",
        "--network",
        "none",
        image,
        "sh",
        "-c",
        "echo out; echo err >&2; exit 9",
    ]);
    assert_eq!((code(&both), &both.stdout[..]), (Some(9), &b"out\n"[..]), "{}", said(&both));
    assert_eq!(said(&both), "err\n");
    for (words, want) in [
        (&["run", "--rm", "--network", "none", image, "no-such-command"][..], 127),
        (&["run", "--rm", "--network", "none", image, "/etc/passwd"], 126),
        (&["run", "--rm", "--pull", "never", "no-such-image"], 125),
        (&["run", "--rm", "--init", "--network", "none", image, "sh", "-c", "kill -9 $$"], 137),
        (&["run", "--bogus", image], 125),
    ] {
        let output = day.output(words);
        assert_eq!(code(&output), Some(want), "{words:?}: {}", said(&output));
    }
    let words = [
        "run",
        "--rm",
        "--network",
        "none",
        "-e",
        "A=1",
        image,
        "sh",
        "-c",
        "echo $A \"$@\"",
        "-",
        "-e",
        "--rm",
    ];
    assert_eq!(day.ok(&words), "1 -e --rm\n");
    assert_eq!(day.ok(&["ps", "-aq"]), "");
}

#[test]
fn a_container_lives_until_it_is_stopped() {
    let Some(day) = Day::begin("containers") else { return };
    let command = "trap 'echo bye; exit 3' TERM; echo hello; while :; do sleep 0.1; done";
    let id = day.ok(&[
        "run",
        "-d",
        "--name",
        "web",
        "--network",
        "none",
        "-l",
        "tier=front",
        "localhost/busybox",
        "sh",
        "-c",
        command,
    ]);
    assert_eq!(id.trim().len(), 64);
    let listed = day.ok(&[
        "ps",
        "--filter",
        "label=tier=front",
        "--format",
        "{{.Names}} {{.State}} {{.Label \"tier\"}}",
    ]);
    assert_eq!(listed, "web running front\n");
    assert!(day.ok(&["ps"]).contains("Up "));
    assert_eq!(day.ok(&["exec", "web", "echo", "inside"]), "inside\n");
    assert_eq!(code(&day.output(&["exec", "web", "sh", "-c", "exit 4"])), Some(4));
    assert_eq!(day.ok(&["inspect", "-f", "{{.State.Running}} {{.Name}}", "web"]), "true /web\n");
    let file = day.dir.path().join("hosts");
    day.ok(&["cp", "web:/etc/passwd", file.to_str().unwrap_or("")]);
    assert!(std::fs::read_to_string(&file).expect("a copy").contains("root"));
    assert_eq!(code(&day.output(&["rm", "web"])), Some(1), "a running container is not removed");
    day.ok(&["stop", "-t", "5", "web"]);
    assert_eq!(day.ok(&["wait", "web"]), "3\n");
    assert_eq!(day.ok(&["logs", "web"]), "hello\nbye\n");
    assert_eq!(day.ok(&["logs", "--tail", "1", "web"]), "bye\n");
    assert!(day.ok(&["ps", "-a"]).contains("Exited (3)"));
    assert_eq!(day.ok(&["ps", "-q"]), "");
    day.ok(&["start", "web"]);
    day.ok(&["kill", "web"]);
    assert_eq!(day.ok(&["wait", "web"]), "137\n");
    let refused = day.output(&["rmi", "localhost/busybox"]);
    assert_eq!(code(&refused), Some(1), "{}", said(&refused));
    assert_eq!(day.ok(&["rm", "web"]), "web\n");
    assert_eq!(day.ok(&["ps", "-aq"]), "");
}

#[test]
fn a_directory_is_built_and_run() {
    let Some(day) = Day::begin("running a directory") else { return };
    let dir = day.context("FROM localhost/busybox\nRUN echo built > /note\nCMD [\"cat\", \"/note\"]\n");
    let output = day.output(&["run", "--rm", "--network", "none", &dir]);
    assert_eq!((code(&output), &output.stdout[..]), (Some(0), &b"built\n"[..]), "{}", said(&output));
}

#[test]
fn volumes_outlive_containers() {
    let Some(day) = Day::begin("volumes") else { return };
    assert_eq!(day.ok(&["volume", "create", "data"]), "data\n");
    let run = |command: &str| {
        day.ok(&[
            "run",
            "--rm",
            "--network",
            "none",
            "-v",
            "data:/d",
            "localhost/busybox",
            "sh",
            "-c",
            command,
        ])
    };
    run("echo kept > /d/file");
    assert_eq!(run("cat /d/file"), "kept\n");
    assert_eq!(day.ok(&["volume", "ls", "-q"]), "data\n");
    let mountpoint = day.ok(&["volume", "inspect", "-f", "{{.Mountpoint}}", "data"]);
    assert!(Path::new(mountpoint.trim()).join("file").exists());
    assert_eq!(day.ok(&["volume", "rm", "data"]), "data\n");
    assert_eq!(code(&day.output(&["volume", "rm", "data"])), Some(1));
}

#[test]
fn names_come_and_go_and_space_comes_back() {
    let Some(day) = Day::begin("cleaning up") else { return };
    let dir = day.context("FROM localhost/busybox\nRUN head -c 300000 /dev/zero > /big\n");
    day.ok(&["build", "-t", "one", &dir]);
    day.ok(&["tag", "one", "two:x"]);
    let names = day.ok(&["images", "--format", "{{.Repository}}:{{.Tag}}"]);
    assert!(names.contains("one:latest\n") && names.contains("two:x\n"), "{names}");
    assert_eq!(day.ok(&["rmi", "two:x"]).trim(), "Untagged: two:x");
    assert!(day.ok(&["rmi", "one"]).contains("Deleted: sha256:"));
    assert!(!day.ok(&["images"]).contains("one"));
    let df: serde_json::Value =
        serde_json::from_str(&day.ok(&["system", "df", "--format", "json"])).expect("JSON");
    assert!(df.as_array().is_some_and(|rows| rows.iter().any(|r| r["Type"] == "Build cache")), "{df:#}");
    let would = day.ok(&["prune", "--all", "--dry-run", "--format", "json"]);
    let would: serde_json::Value = serde_json::from_str(&would).expect("JSON");
    assert!(would["FreedBytes"].as_u64() >= Some(300_000), "{would:#}");
    day.ok(&["prune", "--all", "--force"]);
    assert_eq!(day.ok(&["images", "-q"]), "");
    day.ok(&["fsck", "--deep"]);
}

#[test]
fn images_travel_in_archives() {
    let Some(day) = Day::begin("archives") else { return };
    let tar = day.dir.path().join("image.tar").to_string_lossy().into_owned();
    let id = day.ok(&["inspect", "-f", "{{.Id}}", "localhost/busybox"]);
    for format in ["docker-archive", "oci-archive"] {
        day.ok(&["save", "--format", format, "-o", &tar, "localhost/busybox"]);
        day.ok(&["rmi", "localhost/busybox"]);
        assert_eq!(day.ok(&["load", "-i", &tar]), "Loaded image: localhost/busybox:latest\n", "{format}");
        assert_eq!(day.ok(&["inspect", "-f", "{{.Id}}", "localhost/busybox"]), id, "{format}");
    }
}
