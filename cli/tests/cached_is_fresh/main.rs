//! Every cached result equals a build from nothing: random Dockerfiles and random edits, with all passes and traces on,
//! against a store that knows nothing, with passes and traces off. Times are clamped, so that images are compared whole.
//! And a build is what instructions done one after the other make (`naive`).
#![allow(clippy::print_stderr)]

mod files;
#[path = "../fixture/mod.rs"]
mod fixture;
mod line;
mod naive;
mod project;

use std::path::{Path, PathBuf};
use std::process::Command;

use fixture::{buildc, root_and_busybox, run};
use naive::{Naive, listing};
use project::Project;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Projects, and edits of each; `BUILDC_TEST_ROUNDS` gives more, or others as FROM..TO.
const ROUNDS: u32 = 6;
const EDITS: usize = 5;
/// Projects of a round for the naive interpreter.
const NAIVE: usize = 8;

/// A second base, which has another file in one place, and one more directory.
const OTHER: &str = "rm -rf $0; mkdir $0; tar -C $0 -xf $1; cd $0; echo other >etc/mode; mkdir -p w/dir/more extra; \
                     ln -s /extra w/link; tar --numeric-owner --sort=name -cf $0.tar .";
/// Earlier than the time that the base's directories are shown with to traced commands, so that all times are one.
const EPOCH: &str = "400000000";

/// Two stores with the same bases: one learns, the other forgets.
struct Host {
    learning: PathBuf,
    forgetting: PathBuf,
    context: PathBuf,
}

impl Host {
    fn new(dir: &Path) -> Self {
        let base = fixture::base_tar(dir).expect("the base image can be made");
        let other = dir.join("other");
        run(Command::new("sh").args(["-ec", OTHER]).arg(&other).arg(&base)).expect("another base");
        let first = dir.join("first.tar");
        let script = "mkdir $0; tar -C $0 -xf $1; echo one >$0/etc/mode; tar -C $0 --numeric-owner --sort=name -cf $0.tar .";
        run(Command::new("sh").args(["-ec", script]).arg(first.with_extension("")).arg(&base))
            .expect("the first base");
        let stores = [dir.join("learning"), dir.join("forgetting")];
        for store in &stores {
            for (name, tar) in
                [("localhost/base0", &first), ("localhost/base1", &other.with_extension("tar"))]
            {
                run(buildc(store).arg("import").arg(tar).arg(name)).expect("imported");
            }
        }
        // The same images, also by their digests.
        let [learning, forgetting] = stores;
        let archive = dir.join("saved.tar");
        let names = ["localhost/base0", "localhost/base1"];
        run(buildc(&learning).args(["save", "-o"]).arg(&archive).args(names)).expect("saved");
        run(buildc(&forgetting).args(["load", "-i"]).arg(&archive)).expect("loaded");
        let context = dir.join("context");
        std::fs::create_dir(&context).expect("a directory");
        Self { learning, forgetting, context }
    }

    fn build(&self, store: &Path, project: &Project, words: &[&str]) -> Result<String, String> {
        let mut command: Command = buildc(store);
        command.args(["build", "-q"]).args(words).args(project.words()).arg(&self.context);
        run(command.env("SOURCE_DATE_EPOCH", EPOCH)).map(|id| id.trim().to_owned())
    }

    /// Builds the tree of a project's image into a directory.
    fn export(&self, project: &Project, tree: &Path) -> Result<(), String> {
        let tar = tree.with_extension("tar");
        let output = format!("type=tar,dest={}", tar.display());
        self.build(&self.learning, project, &["--trace=on", "--jobs", "2", "--output", &output])?;
        if tree.exists() {
            std::fs::remove_dir_all(tree).map_err(|error| error.to_string())?;
        }
        fixture::untar(&tar, tree)
    }

    /// True when both built an image, the same.
    fn agree(&self, project: &Project, trace: &str, story: &str) -> bool {
        project.write(&self.context);
        let cached = self.build(&self.learning, project, &[trace, "--jobs", "2"]);
        let fresh = [
            "--no-cache",
            "--trace=off",
            "--optimise=-prune,-fold,-dedupe,-link,-reorder,-merge",
            "--jobs",
            "1",
        ];
        let fresh = self.build(&self.forgetting, project, &fresh);
        let story = || format!("{story}\n{}", project.dockerfile());
        match (cached, fresh) {
            (Ok(cached), Ok(fresh)) => {
                if cached != fresh {
                    self.keep(&cached, &fresh);
                }
                assert_eq!(cached, fresh, "{}", story());
                true
            }
            (Err(_), Err(_)) => false,
            (cached, fresh) => panic!("{}\ncached: {cached:?}\nfresh: {fresh:?}", story()),
        }
    }

    /// Shows the files of both images where somebody wants to look at them.
    fn keep(&self, cached: &str, fresh: &str) {
        let Some(place) = std::env::var_os("BUILDC_TEST_KEEP").map(PathBuf::from) else { return };
        for (store, id, name) in
            [(&self.learning, cached, "cached.tar"), (&self.forgetting, fresh, "fresh.tar")]
        {
            let saved = run(buildc(store).args(["save", "-o"]).arg(place.join(name)).arg(id));
            saved.map(drop).unwrap_or_else(|error| eprintln!("{error}"));
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
    let rounds = rounds();
    let tries = rounds.len() * (1 + EDITS);
    let mut all = 0;
    for round in rounds {
        // Traced or not, every third project is built without traces.
        let trace = if round % 3 == 2 { "--trace=off" } else { "--trace=on" };
        let mut runner = runner(round);
        let mut project = project::any().new_tree(&mut runner).expect("a project").current();
        let mut story = format!("round {round}: {project:#?}");
        let mut built = usize::from(host.agree(&project, trace, &story));
        for _ in 0..EDITS {
            let edit = project::edit().new_tree(&mut runner).expect("an edit").current();
            story.push_str(&format!("\nthen {edit:?}"));
            project.apply(&edit);
            built += usize::from(host.agree(&project, trace, &story));
        }
        all += built;
    }
    assert!(all * 4 > tries, "only {all} of {tries} projects could be built: they show nothing");
}

/// All passes, traces and whatever the store holds of other projects, against one instruction after the other.
#[test]
fn a_build_is_what_its_instructions_make_in_their_order() {
    if !root_and_busybox("comparing builds with a naive interpreter") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let host = Host::new(dir.path());
    let bases = ["first", "other"].map(|name| dir.path().join(name));
    let naive = Naive { bases, work: dir.path().join("naive") };
    let tries = rounds().len() * NAIVE;
    let mut built = 0;
    for round in rounds() {
        let mut runner = runner(round.wrapping_add(1 << 31));
        for number in 0..NAIVE {
            let project = project::any().new_tree(&mut runner).expect("a project").current();
            project.write(&host.context);
            let tree = dir.path().join("tree");
            let made = host.export(&project, &tree);
            let story =
                || format!("round {round}, project {number}\n{}\n{:?}", project.dockerfile(), project.files);
            match (made, naive.build(&project, &host.context)) {
                (Ok(()), Ok(wanted)) => {
                    built += 1;
                    let (made, wanted) = (listing::lines(&tree), listing::lines(&wanted));
                    let only = |lines: &[String], others: &[String]| -> Vec<String> {
                        lines.iter().filter(|line| !others.contains(line)).cloned().collect()
                    };
                    let (more, less) = (only(&made, &wanted), only(&wanted, &made));
                    assert!(
                        more.is_empty() && less.is_empty(),
                        "{}\nmade {more:#?}\nwanted {less:#?}",
                        story()
                    );
                }
                (Err(_), Err(_)) => {}
                (made, wanted) => panic!("{}\nmade: {made:?}\nwanted: {wanted:?}", story()),
            }
        }
    }
    assert!(built * 4 > tries, "only {built} of {tries} projects could be built: they show nothing");
}

fn runner(round: u32) -> TestRunner {
    let mut seed = [0; 32];
    seed[..4].copy_from_slice(&round.to_le_bytes());
    TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &seed))
}

fn rounds() -> std::ops::Range<u32> {
    let text = std::env::var("BUILDC_TEST_ROUNDS").unwrap_or_default();
    let number = |text: &str| text.parse().ok();
    match text.split_once("..") {
        Some((from, to)) => number(from).unwrap_or(0)..number(to).unwrap_or(ROUNDS),
        None => 0..number(&text).unwrap_or(ROUNDS),
    }
}
