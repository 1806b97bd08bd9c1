//! A build context that is built, edited and built again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::fixture;

/// What became of a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    Cached,
    Traced,
    Ran,
}

pub struct Story {
    dir: tempfile::TempDir,
    pub store: PathBuf,
}

impl Story {
    /// A store with the base image, and a context with a Dockerfile over it.
    pub fn new(dockerfile: &str) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let store = fixture::store_with_base(dir.path());
        let story = Self { dir, store };
        story.dockerfile(dockerfile);
        story
    }

    pub fn dockerfile(&self, text: &str) {
        fixture::context(self.dir.path(), "context", &format!("FROM localhost/busybox\n{text}\n"));
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join("context").join(name)
    }

    pub fn work(&self) -> &Path {
        self.dir.path()
    }

    /// Writes a file of the context.
    pub fn write(&self, name: &str, text: &str) -> &Self {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(path, text).expect("a file");
        self
    }

    /// Runs a shell command in the context.
    pub fn edit(&self, script: &str) -> &Self {
        let mut shell = std::process::Command::new("sh");
        fixture::run(shell.args(["-ec", script]).current_dir(self.path(""))).expect("the edit");
        self
    }

    /// Builds, and gives what became of each step by its instruction.
    pub fn build(&self) -> BTreeMap<String, Fate> {
        self.build_with(&[])
    }

    pub fn build_with(&self, options: &[&str]) -> BTreeMap<String, Fate> {
        fates(&self.events(options))
    }

    /// Builds, and gives what it told, a line each.
    pub fn events(&self, options: &[&str]) -> String {
        let mut command = fixture::buildc(&self.store);
        command.env("BUILDC_TRACE", "on");
        command.args(["build", "-t", "result", "--progress", "json"]).args(options).arg(self.path(""));
        let output = command.output().expect("buildc runs");
        let events = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{events}");
        events.into_owned()
    }

    /// Imports the base image with a change that a shell script makes in its root.
    pub fn change_base(&self, script: &str) {
        let root = self.work().join("changed");
        let script = format!("rm -rf $0; mkdir $0; tar -C $0 -xf $1; cd $0; {script}; tar -cf $0.tar .");
        let mut shell = std::process::Command::new("sh");
        fixture::run(shell.args(["-ec", &script]).arg(&root).arg(self.work().join("base.tar")))
            .expect("another base");
        let mut import = fixture::buildc(&self.store);
        fixture::run(import.arg("import").arg(root.with_extension("tar")).arg("localhost/busybox"))
            .expect("import");
    }

    /// The plan's steps: state, reason and what else it says.
    pub fn plan(&self, options: &[&str]) -> Value {
        let mut command = fixture::buildc(&self.store);
        command.env("BUILDC_TRACE", "on");
        command.args(["plan", "--format", "json"]).args(options).arg(self.path(""));
        serde_json::from_str(&fixture::run(&mut command).expect("a plan")).expect("json")
    }

    pub fn plan_text(&self, options: &[&str]) -> String {
        let mut command = fixture::buildc(&self.store);
        command.env("BUILDC_TRACE", "on");
        fixture::run(command.arg("plan").args(options).arg(self.path(""))).expect("a plan")
    }

    /// What a command in the newest image says.
    pub fn run(&self, script: &str) -> String {
        let mut command = fixture::buildc(&self.store);
        command.env("BUILDC_TRACE", "on");
        command.args(["run", "--rm", "--network", "none", "result", "/bin/sh", "-c", script]);
        fixture::run(&mut command).expect("the container runs")
    }

    /// Everything in the image of this context but times: a line per path.
    pub fn tree(&self, options: &[&str]) -> BTreeSet<String> {
        let out = self.work().join("out");
        let _ = std::fs::remove_dir_all(&out);
        let mut command = fixture::buildc(&self.store);
        command.env("BUILDC_TRACE", "on");
        command.args(["build", "-q", "-o"]).arg(&out).args(options).arg(self.path(""));
        fixture::run(&mut command).expect("the image is written");
        let list = "find . -mindepth 1 \\( -type d -printf '%P %y %m %U %G\\n' \\) -o \
                    -printf '%P %y %m %U %G %s %n %l\\n'; find . -type f -exec md5sum {} +";
        let mut shell = std::process::Command::new("sh");
        let text = fixture::run(shell.args(["-ec", list]).current_dir(&out)).expect("a listing");
        text.lines().map(str::to_owned).collect()
    }
}

/// Fails with the lines that only one of two trees has.
pub fn assert_same(found: &BTreeSet<String>, expected: &BTreeSet<String>, what: &str) {
    let differences: Vec<&String> = found.symmetric_difference(expected).collect();
    assert!(differences.is_empty(), "{what}: {differences:#?}");
}

/// The events of the kinds that matter for an order, with the instruction of their step.
pub fn order(events: &str) -> Vec<(String, String)> {
    let mut labels: BTreeMap<String, String> = BTreeMap::new();
    let mut order = Vec::new();
    for line in events.lines().filter(|line| line.starts_with('{')) {
        let event: Value = serde_json::from_str(line).expect("an event");
        let word = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        if let Some(label) = event["label"].as_str() {
            labels.insert(word("id"), label.split_once("] ").map_or(label, |(_, text)| text).to_owned());
        }
        if ["started", "done", "cached", "discarded"].contains(&word("event").as_str()) {
            order.push((word("event"), labels[&word("id")].clone()));
        }
    }
    order
}

fn fates(events: &str) -> BTreeMap<String, Fate> {
    let mut labels: BTreeMap<String, String> = BTreeMap::new();
    let mut fates = BTreeMap::new();
    for line in events.lines().filter(|line| line.starts_with('{')) {
        let event: Value = serde_json::from_str(line).expect("an event");
        let word = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        if let Some(label) = event["label"].as_str() {
            labels.insert(word("id"), label.split_once("] ").map_or(label, |(_, text)| text).to_owned());
        }
        let fate = match (word("event").as_str(), word("why").as_str()) {
            ("done", _) => Fate::Ran,
            ("cached", "trace") => Fate::Traced,
            ("cached", _) => Fate::Cached,
            _ => continue,
        };
        fates.insert(labels[&word("id")].clone(), fate);
    }
    fates
}

/// The fate of the one step whose instruction begins like this.
pub fn fate(fates: &BTreeMap<String, Fate>, start: &str) -> Fate {
    let found: Vec<Fate> =
        fates.iter().filter(|(text, _)| text.starts_with(start)).map(|(_, f)| *f).collect();
    assert_eq!(found.len(), 1, "`{start}` among {fates:?}");
    found[0]
}
