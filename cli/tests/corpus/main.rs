//! Builds every case of `cases/` and compares the resulting tree and config with the golden file beside it, and with
//! Debian's buildah where that is installed and the case does not say that it differs from BuildKit.
//!
//! A case is one text file: `== PATH [MODE]` starts a file of the context, `== PATH -> TARGET` is a symlink,
//! `== PATH <- DIR` a gzipped tar of a directory of the context,
//! `== script` is run in the context once its files are there,
//! `== expect-failure` holds words that the error must contain, a line each, `== arguments` extra words for the build (one a line),
//! `== no-buildah` the reason why buildah is not asked. Run with UPDATE_EXPECT=1 to write the golden files.

#![allow(clippy::print_stderr)]

mod case;
#[path = "../fixture/mod.rs"]
mod fixture;
mod peer;
mod tree;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};

use case::Case;
use peer::Peer;

/// What all cases share: a store with the base image, and the peer.
struct World {
    dir: tempfile::TempDir,
    peer: Option<Peer>,
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let require = std::env::var_os("BUILDC_TEST_REQUIRE_ALL").is_some();
    if !nix::unistd::geteuid().is_root() || fixture::busybox().is_none() {
        eprintln!("SKIP: the corpus needs root and busybox-static");
        return ExitCode::from(u8::from(require));
    }
    let world = match World::new() {
        Ok(world) => Arc::new(world),
        Err(message) => {
            eprintln!("Cannot prepare the corpus: {message}");
            return ExitCode::FAILURE;
        }
    };
    if world.peer.is_none() {
        eprintln!("SKIP: buildah is not installed, only golden files are compared");
        if require {
            return ExitCode::FAILURE;
        }
    }
    let trials = cases().into_iter().map(|file| trial(file, world.clone())).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn cases() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/cases");
    let mut files: Vec<PathBuf> = std::fs::read_dir(dir)
        .into_iter()
        .flatten()
        .filter_map(|e| Some(e.ok()?.path()))
        .filter(|p| p.extension().is_some_and(|x| x == "case"))
        .collect();
    files.sort();
    files
}

fn trial(file: PathBuf, world: Arc<World>) -> Trial {
    let name = file.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    Trial::test(name.clone(), move || world.check(&name, &file).map_err(Failed::from))
}

impl World {
    fn new() -> Result<Self, String> {
        let dir = tempfile::tempdir().map_err(|e| e.to_string())?;
        let tar = fixture::base_tar(dir.path())?;
        let world = Self { peer: Peer::new(&dir.path().join("buildah"), &tar)?, dir };
        let tar = tar.to_string_lossy().into_owned();
        world.buildc(&["import", &tar, "localhost/busybox"])?;
        Ok(world)
    }

    fn buildc(&self, words: &[&str]) -> Result<String, String> {
        self.buildc_in(self.dir.path(), words)
    }

    /// Runs buildc in a directory, so that a case can name files of its context in arguments.
    fn buildc_in(&self, dir: &Path, words: &[&str]) -> Result<String, String> {
        let mut command = fixture::buildc(&self.dir.path().join("store"));
        fixture::run(command.args(words).current_dir(dir))
    }

    fn check(&self, name: &str, file: &Path) -> Result<(), String> {
        let case = Case::read(file)?;
        let work = tempfile::tempdir().map_err(|e| e.to_string())?;
        let context = work.path().join("context");
        case.write(&context)?;
        let built = self.build(name, &case, &context, work.path());
        if let Some(words) = &case.failure {
            return match built {
                Ok(_) => Err("the build should have failed".to_owned()),
                Err(message) => match words.lines().find(|w| !message.contains(w.trim())) {
                    Some(words) => Err(format!("the error does not say `{words}`:\n{message}")),
                    None => Ok(()),
                },
            };
        }
        let ours = built?;
        golden(&file.with_extension("tree"), &ours)?;
        match (&self.peer, &case.no_buildah) {
            (Some(peer), None) => {
                same("buildah", &comparable(&peer.build(name, &case, &context)?), &comparable(&ours))
            }
            _ => Ok(()),
        }
    }

    /// Builds a case and returns the text form of its tree and config.
    fn build(&self, name: &str, case: &Case, context: &Path, work: &Path) -> Result<String, String> {
        let tag = format!("localhost/case-{name}");
        let mut words = vec!["build", "--progress", "plain", "-t", &tag];
        words.extend(case.arguments.iter().map(String::as_str));
        words.push(".");
        self.buildc_in(context, &words)?;
        let tar = work.join("tree.tar");
        let output = format!("type=tar,dest={}", tar.display());
        words.extend(["--output", &output]);
        self.buildc_in(context, &words)?;
        let root = work.join("tree");
        fixture::untar(&tar, &root)?;
        let inspected = self.buildc(&["inspect", "--type", "image", &tag])?;
        let json: serde_json::Value = serde_json::from_str(&inspected).map_err(|e| e.to_string())?;
        let image = &json[0];
        let (config, history) = (tree::config(&image["Config"]), tree::history(&image["History"]));
        Ok(format!("{config}{history}{}", tree::listing(&root)?))
    }
}

fn golden(file: &Path, ours: &str) -> Result<(), String> {
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        return std::fs::write(file, ours).map_err(|e| e.to_string());
    }
    let wanted = std::fs::read_to_string(file).map_err(|e| format!("{}: {e}", file.display()))?;
    same("the golden file", &wanted, ours)
}

/// What both builders mean to do alike: buildah breaks hard links when it copies a tree, and leaves a working directory of
/// `/` out of a config; each writes the history in its own words.
fn comparable(text: &str) -> String {
    let kept = text.lines().filter(|l| *l != "WorkingDir \"/\"" && !l.starts_with(tree::HISTORY));
    kept.map(|l| format!("{}\n", l.replace("file links=2", "file links=1"))).collect()
}

fn same(what: &str, wanted: &str, ours: &str) -> Result<(), String> {
    if wanted == ours {
        return Ok(());
    }
    let missing = wanted.lines().filter(|l| !ours.lines().any(|o| o == *l)).map(|l| format!("- {l}\n"));
    let extra = ours.lines().filter(|l| !wanted.lines().any(|o| o == *l)).map(|l| format!("+ {l}\n"));
    Err(format!(
        "differs from {what} (- wanted, + built):\n{}{}",
        missing.collect::<String>(),
        extra.collect::<String>()
    ))
}
