//! Every cached result equals a build from nothing: random Dockerfiles and random edits, with all passes and traces on,
//! against a store that knows nothing, with passes and traces off. Times are clamped, so that images are compared whole.
#![allow(clippy::print_stderr)]

#[path = "../fixture/mod.rs"]
mod fixture;
mod project;

use std::path::{Path, PathBuf};
use std::process::Command;

use fixture::{buildc, root_and_busybox, run};
use project::Project;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Projects, and edits of each; more by `BUILDC_TEST_ROUNDS`.
const ROUNDS: u32 = 6;
const EDITS: usize = 5;

/// Two stores with the same base: one learns, the other forgets.
struct Host {
    learning: PathBuf,
    forgetting: PathBuf,
    context: PathBuf,
}

impl Host {
    fn new(dir: &Path) -> Self {
        let learning = fixture::store_with_base(dir);
        let archive = dir.join("saved.tar");
        run(buildc(&learning).args(["save", "-o"]).arg(&archive).arg("localhost/busybox")).expect("saved");
        let forgetting = dir.join("forgetting");
        run(buildc(&forgetting).args(["load", "-i"]).arg(&archive)).expect("loaded");
        let context = dir.join("context");
        std::fs::create_dir(&context).expect("a directory");
        Self { learning, forgetting, context }
    }

    fn build(&self, store: &Path, words: &[&str]) -> Result<String, String> {
        let mut command: Command = buildc(store);
        command.args(["build", "-q"]).args(words).arg(&self.context).env("SOURCE_DATE_EPOCH", "1000000000");
        run(&mut command).map(|id| id.trim().to_owned())
    }

    /// True when both built an image, the same.
    fn agree(&self, project: &Project, story: &str) -> bool {
        project.write(&self.context);
        let cached = self.build(&self.learning, &["--trace=on"]);
        let fresh = ["--no-cache", "--trace=off", "--optimise=-prune,-fold,-dedupe", "--jobs", "1"];
        let fresh = self.build(&self.forgetting, &fresh);
        match (cached, fresh) {
            (Ok(cached), Ok(fresh)) => {
                assert_eq!(cached, fresh, "{story}");
                true
            }
            (Err(_), Err(_)) => false,
            (cached, fresh) => panic!("{story}\ncached: {cached:?}\nfresh: {fresh:?}"),
        }
    }
}

#[test]
fn a_cached_build_equals_one_from_nothing() {
    if !root_and_busybox("comparing cached builds with fresh ones") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let host = Host::new(dir.path());
    let rounds = std::env::var("BUILDC_TEST_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(ROUNDS);
    let mut all = 0;
    for round in 0..rounds {
        let mut seed = [0; 32];
        seed[..4].copy_from_slice(&round.to_le_bytes());
        let random = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
        let mut runner = TestRunner::new_with_rng(Config::default(), random);
        let mut project = project::any().new_tree(&mut runner).expect("a project").current();
        let mut story = format!("round {round}: {project:#?}");
        let mut built = u32::from(host.agree(&project, &story));
        for _ in 0..EDITS {
            let edit = project::edit().new_tree(&mut runner).expect("an edit").current();
            story.push_str(&format!("\nthen {edit:?}"));
            project.apply(&edit);
            built += u32::from(host.agree(&project, &story));
        }
        all += built;
    }
    let tries = rounds * (1 + u32::try_from(EDITS).expect("few"));
    assert!(all * 3 > tries, "only {all} of {tries} projects could be built: they show nothing");
}
