//! Measures `buildc build` over the corpus of Dockerfiles that the tests have: each case from nothing and again with
//! nothing changed, as the median and the slowest of a hundred cases.
//!
//!     cargo bench -p buildc --bench corpus
//!     cargo bench -p buildc --bench corpus -- --rounds 9 --only copy-,heredoc-
//!
//! A case's warm figure is the median of the rounds; p50 and p99 are over the cases. BuildKit is measured on the same
//! contexts where DOCKER_HOST names a docker daemon, over the cases that it builds too. Needs root and busybox-static.
//! Nothing here is an assertion: it prints ratios.
#![allow(clippy::print_stdout, clippy::print_stderr)]

#[path = "../../tests/corpus/case.rs"]
mod case;
#[path = "../../tests/fixture/mod.rs"]
mod fixture;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use case::Case;

type Failure = Box<dyn std::error::Error>;

/// What the cases are built on.
const BASE: &str = "localhost/busybox";

struct Options {
    rounds: usize,
    only: Option<Vec<String>>,
}

/// Milliseconds of one case: from nothing, and again.
#[derive(Clone, Copy)]
struct Sample {
    cold: f64,
    warm: f64,
}

fn main() -> Result<(), Failure> {
    let options = parse(std::env::args().skip(1))?;
    let dir = tempfile::tempdir()?;
    let tar = fixture::base_tar(dir.path())?;
    let store = fixture::store_with_base(dir.path());
    let docker = Command::new("docker").arg("import").arg(&tar).arg(BASE).output();
    let docker = docker.is_ok_and(|output| output.status.success());
    let (mut ours, mut beside, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    for file in cases(&options)? {
        let case = Case::read(&file)?;
        // What must fail is not built, and what arguments send elsewhere does not end in the store.
        if case.failure.is_some() {
            continue;
        }
        let context = dir.path().join("contexts").join(file.file_stem().unwrap_or_default());
        case.write(&context)?;
        let words = ["build", "-q", "-t", "localhost/case"];
        let mut build = fixture::buildc(&store);
        build.args(words).args(&case.arguments).arg(".").current_dir(&context);
        let sample = measure(&mut build, options.rounds)?;
        if docker {
            let mut build = Command::new("docker");
            build.args(words).args(&case.arguments).arg(".").current_dir(&context);
            if let Ok(peer) = measure(&mut build, options.rounds) {
                beside.push(sample);
                theirs.push(peer);
            }
        }
        ours.push(sample);
    }
    println!("{} cases, {} rounds", ours.len(), options.rounds);
    println!("{:<34} {:>9} {:>9} {:>9} {:>9}", "ms", "cold p50", "cold p99", "warm p50", "warm p99");
    print("buildc", &ours);
    if docker {
        print(&format!("buildc, the {} BuildKit builds", beside.len()), &beside);
        print("BuildKit", &theirs);
        Command::new("docker").args(["rmi", "localhost/case", BASE]).output().ok();
    }
    Ok(())
}

fn cases(options: &Options) -> Result<Vec<PathBuf>, Failure> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/cases");
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let wanted = options.only.as_ref().is_none_or(|only| only.iter().any(|o| name.starts_with(o)));
        if wanted && name.ends_with(".case") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn measure(build: &mut Command, rounds: usize) -> Result<Sample, Failure> {
    let cold = once(build)?;
    let mut warm = Vec::new();
    for _ in 0..rounds {
        warm.push(once(build)?);
    }
    Ok(Sample { cold, warm: percentile(warm, 50) })
}

fn once(build: &mut Command) -> Result<f64, Failure> {
    let start = Instant::now();
    let output = build.stdin(Stdio::null()).output()?;
    let ms = start.elapsed().as_secs_f64() * 1000.0;
    match output.status.success() {
        true => Ok(ms),
        false => Err(format!("{build:?}: {}", String::from_utf8_lossy(&output.stderr)).into()),
    }
}

/// The value that so many of a hundred do not exceed.
fn percentile(mut values: Vec<f64>, hundredth: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    let rank = (values.len() * hundredth).div_ceil(100);
    values.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}

fn print(who: &str, samples: &[Sample]) {
    let at = |of: fn(&Sample) -> f64, hundredth| percentile(samples.iter().map(of).collect(), hundredth);
    println!(
        "{who:<34} {:>9.1} {:>9.1} {:>9.1} {:>9.1}",
        at(|s| s.cold, 50),
        at(|s| s.cold, 99),
        at(|s| s.warm, 50),
        at(|s| s.warm, 99)
    );
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Options, Failure> {
    let mut options = Options { rounds: 5, only: None };
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} wants a value"));
        match word.as_str() {
            "--rounds" => options.rounds = value()?.parse()?,
            "--only" => options.only = Some(value()?.split(',').map(str::to_owned).collect()),
            // What cargo passes to every benchmark.
            "--bench" => {}
            other => return Err(format!("Unknown option `{other}`").into()),
        }
    }
    Ok(options)
}
