//! Measures `buildc eval` beside C++ Nix on programs of each class, in the same run.
//!
//!     NIX_INSTANTIATE=… cargo bench -p buildc --bench eval                     everything
//!     NIX_INSTANTIATE=… cargo bench -p buildc --bench eval -- --only fib,sort  some of it
//!     NIX_INSTANTIATE=… cargo bench -p buildc --bench eval -- --rounds 9
//!
//! Without NIX_INSTANTIATE the program of that name in PATH is taken. Rounds of both programs alternate, so that a
//! slow moment of the machine hits both; figures are the least CPU time (user and system) of the whole process and
//! its peak memory. Both must print the same. Nothing here asserts a time: it prints ratios.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod measure;
mod source;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use measure::Sample;

type Failure = Box<dyn std::error::Error>;

/// Program and what the ratio Nix/buildc of CPU time is meant to be at least.
const PROGRAMS: [(&str, f64); 17] = [
    ("one", 1.0),
    ("fib", 2.5),
    ("folds", 2.5),
    ("queens", 2.5),
    ("laziness", 2.5),
    ("modules", 2.0),
    ("overlays", 2.0),
    ("packages", 2.0),
    ("systems", 2.0),
    ("attrsets", 1.5),
    ("sort", 1.5),
    ("update", 3.0),
    ("strings", 1.5),
    ("json", 1.5),
    ("regex", 1.5),
    ("parse", 1.5),
    ("print-parse", 1.5),
];

struct Options {
    rounds: usize,
    only: Option<Vec<String>>,
    nix: OsString,
    scratch: PathBuf,
}

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    let result = match words.split_first() {
        Some((first, rest)) if first == measure::WRAPPER => measure::wrap(rest),
        _ => options(&words).and_then(|options| measure_all(&options)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn options(words: &[OsString]) -> Result<Options, Failure> {
    let mut options = Options {
        rounds: 7,
        only: None,
        nix: std::env::var_os("NIX_INSTANTIATE").unwrap_or_else(|| "nix-instantiate".into()),
        scratch: std::env::temp_dir().join(format!("buildc-bench-eval-{}", std::process::id())),
    };
    let mut words = words.iter().map(|word| word.to_string_lossy().into_owned());
    while let Some(word) = words.next() {
        match word.as_str() {
            "--rounds" => options.rounds = words.next().ok_or("--rounds wants a number")?.parse()?,
            "--only" => {
                let list = words.next().ok_or("--only wants names")?;
                options.only = Some(list.split(',').map(str::to_owned).collect());
            }
            // What cargo passes to every benchmark.
            "--bench" => {}
            other => return Err(format!("Unknown option `{other}`").into()),
        }
    }
    Ok(options)
}

fn measure_all(options: &Options) -> Result<(), Failure> {
    std::fs::create_dir_all(&options.scratch)?;
    println!("least CPU of {} rounds, milliseconds; peak memory, MiB", options.rounds);
    println!(
        "{:<12} {:>9} {:>9} {:>7} {:>7}   {:>9} {:>9} {:>7}",
        "program", "buildc", "Nix", "ratio", "wanted", "buildc", "Nix", "ratio"
    );
    let wanted = |name: &str| options.only.as_ref().is_none_or(|only| only.iter().any(|o| o == name));
    let result = PROGRAMS
        .iter()
        .filter(|(name, _)| wanted(name))
        .try_for_each(|(name, ratio)| compare(options, name, *ratio));
    std::fs::remove_dir_all(&options.scratch)?;
    result
}

/// Measures one program and prints its line.
fn compare(options: &Options, name: &str, wanted: f64) -> Result<(), Failure> {
    let file = program(options, name)?;
    let mut ours = Command::new(env!("CARGO_BIN_EXE_buildc"));
    let mut theirs = Command::new(&options.nix);
    ours.args(["eval", "--impure"]);
    if name == "print-parse" {
        ours.arg("--parse").arg(&file);
        theirs.arg("--parse").arg(&file);
    } else {
        ours.arg("--strict").arg(&file);
        theirs.args(["--eval", "--strict"]).arg(&file);
    }
    for command in [&mut ours, &mut theirs] {
        command.env("NIX_STORE_DIR", "/nix/store").env("NIX_STATE_DIR", options.scratch.join("var"));
        command.env("NIX_CONFIG", "build-users-group =");
    }
    let (mut best, mut best_nix): (Option<Sample>, Option<Sample>) = (None, None);
    for _ in 0..options.rounds {
        let (a, b) = (measure::sample(&ours)?, measure::sample(&theirs)?);
        if a.output != b.output {
            return Err(format!("{name}: the programs print different things").into());
        }
        best = Some(best.map_or(a.clone(), |s| s.least(&a)));
        best_nix = Some(best_nix.map_or(b.clone(), |s| s.least(&b)));
    }
    let (ours, nix) = best.zip(best_nix).ok_or("no rounds")?;
    println!(
        "{name:<12} {:>9.1} {:>9.1} {:>7.2} {wanted:>7.1}   {:>9.1} {:>9.1} {:>7.2}",
        ours.cpu_ms(),
        nix.cpu_ms(),
        nix.cpu_ms() / ours.cpu_ms(),
        ours.peak_mib(),
        nix.peak_mib(),
        nix.peak_mib() / ours.peak_mib(),
    );
    Ok(())
}

/// The file of a program; those about parsing are made here.
fn program(options: &Options, name: &str) -> Result<PathBuf, Failure> {
    if !name.ends_with("parse") {
        return Ok(Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("benches/eval/programs/{name}.nix")));
    }
    let path = options.scratch.join("large.nix");
    if !path.exists() {
        std::fs::write(&path, source::large(3_000_000))?;
    }
    Ok(path)
}
