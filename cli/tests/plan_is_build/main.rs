//! What `plan` says is what `build` does: every case of the corpus, cold, warm and after one file was touched.

#![allow(clippy::print_stderr)]

#[path = "../corpus/case.rs"]
mod case;
#[path = "../fixture/mod.rs"]
mod fixture;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;

use case::Case;

/// Runs the program with these words and gives what it wrote.
type Run<'r> = &'r dyn Fn(&[&str]) -> Result<[String; 2], String>;
/// What became of a step, by id.
type Fates = BTreeMap<String, Fate>;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    Cached,
    Ran,
    /// The plan cannot know it yet.
    Either,
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    if !nix::unistd::geteuid().is_root() || fixture::busybox().is_none() {
        eprintln!("SKIP: comparing plans with builds needs root and busybox-static");
        return ExitCode::from(u8::from(std::env::var_os("BUILDC_TEST_REQUIRE_ALL").is_some()));
    }
    let dir = tempfile::tempdir().expect("a directory");
    let tar = fixture::base_tar(dir.path()).expect("the base image can be made");
    let trial = |file: PathBuf| {
        let (name, tar) = (name_of(&file), tar.clone());
        Trial::test(name, move || check(&file, &tar).map_err(Failed::from))
    };
    let trials = cases().into_iter().map(trial).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn name_of(file: &Path) -> String {
    file.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default()
}

fn cases() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/cases");
    let entries = std::fs::read_dir(dir).expect("the corpus");
    let files = entries.map(|e| e.expect("an entry").path());
    let mut files: Vec<PathBuf> = files.filter(|p| p.extension().is_some_and(|x| x == "case")).collect();
    files.sort();
    files
}

/// Each case has a store of its own, so that no other case can have built its steps.
fn check(file: &Path, base: &Path) -> Result<(), String> {
    let case = Case::read(file)?;
    if case.failure.is_some() {
        return Ok(());
    }
    let work = tempfile::tempdir().map_err(|e| e.to_string())?;
    let (store, context) = (work.path().join("store"), work.path().join("context"));
    fixture::run(fixture::buildc(&store).arg("import").arg(base).arg("localhost/busybox"))?;
    case.write(&context)?;
    let run = |words: &[&str]| {
        let mut command: Command = fixture::buildc(&store);
        output(command.args(words).args(&case.arguments).arg(".").current_dir(&context))
    };
    compare("cold", &run)?;
    let warm = compare("warm", &run)?;
    if let Some((id, _)) = warm.iter().find(|(_, fate)| **fate != Fate::Cached) {
        return Err(format!("warm: step {id} ran again"));
    }
    if touch(&context)? {
        compare("after a change", &run)?;
        compare("after a change, again", &run)?;
    }
    Ok(())
}

/// What a command wrote: plans go to standard output, events to standard error.
fn output(command: &mut Command) -> Result<[String; 2], String> {
    let output = command.output().map_err(|e| e.to_string())?;
    let text = [&output.stdout, &output.stderr].map(|b| String::from_utf8_lossy(b).into_owned());
    if output.status.success() { Ok(text) } else { Err(text.concat()) }
}

/// Plans, builds, and gives what the build did.
fn compare(when: &str, run: Run<'_>) -> Result<Fates, String> {
    let planned = planned(&run(&["plan", "--format", "json"])?[0])?;
    let done = done(&run(&["build", "--progress", "json"])?[1])?;
    for (id, (fate, label)) in &planned {
        let did = done.get(id);
        let fits = match fate {
            None => did.is_none(),
            Some(Fate::Either) => did.is_some(),
            Some(fate) => did == Some(fate),
        };
        if !fits {
            return Err(format!("{when}: `{label}` was planned as {fate:?}, but the build did {did:?}"));
        }
    }
    match done.keys().find(|id| !planned.contains_key(*id)) {
        Some(id) => Err(format!("{when}: step {id} was built but not planned")),
        None => Ok(done),
    }
}

/// State and label of each step that is work; `None` = not needed.
fn planned(text: &str) -> Result<BTreeMap<String, (Option<Fate>, String)>, String> {
    let plan: Value = serde_json::from_str(text).map_err(|e| e.to_string())?;
    let mut steps = BTreeMap::new();
    for step in plan["steps"].as_array().ok_or("the plan has no steps")? {
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (id, label) = (word(&step["id"]), word(&step["label"]));
        let fate = match step["state"]["is"].as_str() {
            // The build says nothing of what is no work.
            Some("cached") if step["reason"]["is"] == "nothing-to-do" => continue,
            Some("cached") => Some(Fate::Cached),
            Some("will-run") => Some(Fate::Ran),
            Some("depends-on") => Some(Fate::Either),
            Some("not-needed") => None,
            other => return Err(format!("`{label}` has the state {other:?}")),
        };
        steps.insert(id, (fate, label));
    }
    Ok(steps)
}

/// What the events of a build say.
fn done(text: &str) -> Result<Fates, String> {
    let mut fates = Fates::new();
    for line in text.lines().filter(|line| line.starts_with('{')) {
        let event: Value = serde_json::from_str(line).map_err(|e| format!("{line}: {e}"))?;
        let fate = match event["event"].as_str() {
            Some("cached") => Fate::Cached,
            Some("done") => Fate::Ran,
            _ => continue,
        };
        fates.insert(event["id"].as_str().unwrap_or_default().to_owned(), fate);
    }
    Ok(fates)
}

/// Changes the first file of the context that is not its Dockerfile.
fn touch(context: &Path) -> Result<bool, String> {
    let mut dirs = vec![context.to_owned()];
    while let Some(dir) = dirs.pop() {
        let mut items: Vec<_> =
            std::fs::read_dir(&dir).map_err(|e| e.to_string())?.flatten().map(|e| e.path()).collect();
        items.sort();
        for path in items {
            let metadata = path.symlink_metadata().map_err(|e| e.to_string())?;
            let is_archive = path.extension().is_some_and(|e| ["gz", "tgz", "tar"].iter().any(|a| e == *a));
            let is_input = path.file_name().is_some_and(|n| n == "Dockerfile" || n == ".dockerignore");
            if metadata.is_dir() {
                dirs.push(path);
            } else if metadata.is_file() && !is_input && !is_archive {
                let mut bytes = std::fs::read(&path).map_err(|e| e.to_string())?;
                bytes.extend_from_slice(b"# changed\n");
                std::fs::write(&path, bytes).map_err(|e| e.to_string())?;
                return Ok(true);
            }
        }
    }
    Ok(false)
}
