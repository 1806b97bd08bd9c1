//! Random programs of the Nix language through two programs that take the arguments of `nix-instantiate`.
//!
//!     NIX_INSTANTIATE=… NIX_CANDIDATE=… cargo test -p lang-tests --test random_programs
//!
//! NIX_INSTANTIATE is C++ Nix, NIX_CANDIDATE what is held against it; without them there is nothing to do.
//! RANDOM_PROGRAMS says how many (1,000), RANDOM_SEED which is the first (0), RANDOM_TRACES=0 compares only the last
//! part of an error. A difference is made small before it is shown.

use std::path::Path;
use std::process::ExitCode;

use lang_tests::language::random::{Rng, mangled, program, texts};
use lang_tests::language::{Outcome, Program};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    if std::env::var_os("NIX_INSTANTIATE").is_some() && std::env::var_os("NIX_CANDIDATE").is_some() {
        let first = number("RANDOM_SEED", 0);
        for seed in first..first + number("RANDOM_PROGRAMS", 1000) {
            trials.push(Trial::test(format!("evaluate::{seed}"), move || evaluate(seed)));
            trials.push(Trial::test(format!("parse::{seed}"), move || parse(seed)));
            trials.push(Trial::test(format!("text::{seed}"), move || text(seed)));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// The reference and the candidate.
struct Pair {
    reference: Program,
    candidate: Program,
}

impl Pair {
    fn new() -> Self {
        let of = |variable: &str, state: &str| {
            let path = std::env::var_os(variable).unwrap_or_default();
            Program::new(path, &[], Path::new(env!("CARGO_TARGET_TMPDIR")).join(state))
        };
        Self { reference: of("NIX_INSTANTIATE", "reference"), candidate: of("NIX_CANDIDATE", "candidate") }
    }

    /// Both answers, when they differ.
    fn differ(&self, flags: &[&str], text: &str) -> std::io::Result<Option<[Outcome; 2]>> {
        let expected = self.reference.ask(flags, text)?;
        let got = self.candidate.ask(flags, text)?;
        let same = expected.stdout == got.stdout
            && expected.status == got.status
            && relevant(&expected.stderr) == relevant(&got.stderr);
        Ok((!same).then_some([expected, got]))
    }

    fn show(&self, flags: &[&str], text: &str) -> Result<(), Failed> {
        let Some(answers) = self.differ(flags, text)? else { return Ok(()) };
        let [expected, got] = answers.map(|a| {
            let text = String::from_utf8_lossy;
            format!("status {:?}\n{}{}", a.status, text(&a.stdout), text(&a.stderr))
        });
        Err(format!("{flags:?}\n{text}\n--- expected {expected}\n--- got {got}").into())
    }
}

/// The part of the standard error that is compared. What the collector of C++ Nix says of its heap is none.
fn relevant(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let text: String = text.split_inclusive('\n').filter(|line| !line.starts_with("GC Warning: ")).collect();
    if std::env::var_os("RANDOM_TRACES").is_none_or(|v| v != "0") {
        return text;
    }
    let found = text.lines().rfind(|line| line.trim_start().starts_with("error:"));
    found.unwrap_or_default().to_owned()
}

fn evaluate(seed: u64) -> Result<(), Failed> {
    let pair = Pair::new();
    let mut rng = Rng::new(seed ^ 0xf1a6);
    let mut flags = vec!["--eval"];
    flags.extend((!rng.once_in(5)).then_some("--strict"));
    flags.extend(rng.once_in(2).then_some("--show-trace"));
    flags.extend(rng.once_in(10).then_some("--json"));
    flags.extend(rng.once_in(10).then_some("--xml"));
    let tree = program(seed);
    if pair.differ(&flags, &tree.to_string())?.is_none() {
        return Ok(());
    }
    let small = tree.shrink(400, |tree| matches!(pair.differ(&flags, &tree.to_string()), Ok(Some(_))));
    pair.show(&flags, &small.to_string())
}

fn text(seed: u64) -> Result<(), Failed> {
    Pair::new().show(&["--eval", "--strict"], &texts(seed))
}

fn parse(seed: u64) -> Result<(), Failed> {
    Pair::new().show(&["--parse"], &mangled(seed))
}
