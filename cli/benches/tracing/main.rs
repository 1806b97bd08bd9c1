//! Measures what recording the reads of a command costs: the same RUN with `--trace=on` and `--trace=off`, in turns.
//!
//!     cargo bench -p buildc --bench tracing                            everything, the store on a tmpfs
//!     cargo bench -p buildc --bench tracing -- --only c,python         some of it
//!     cargo bench -p buildc --bench tracing -- --rounds 9
//!     cargo bench -p buildc --bench tracing -- --root-tar debian.tar   with this root file system, made if it is not there
//!
//! Figures are medians of wall time and of CPU time, user and system, of the whole build: the command's and buildc's. Needs
//! root, FUSE, mmdebstrap and a Debian mirror (apt's own, or DEBIAN_MIRROR). No measured command uses the network.
//! Nothing here is an assertion: it prints ratios.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod measure;
mod workload;

use std::path::{Path, PathBuf};
use std::process::Command;

use measure::{Sample, median};

type Failure = Box<dyn std::error::Error>;

/// What the ratio traced to untraced is meant to be at most.
const WANTED: f64 = 1.25;
/// Name of the base image.
const BASE: &str = "localhost/traced-base";

struct Options {
    rounds: usize,
    only: Option<Vec<String>>,
    root_tar: Option<PathBuf>,
    dir: PathBuf,
}

fn main() -> Result<(), Failure> {
    if std::env::args().nth(1).as_deref() == Some(measure::WRAPPER) {
        return measure::wrap(std::env::args_os().skip(2));
    }
    let options = parse(std::env::args().skip(1))?;
    measure::enter_mount_namespace()?;
    std::fs::create_dir_all(&options.dir)?;
    let mut mount = Command::new("mount");
    measure::run(mount.args(["-t", "tmpfs", "-o", "size=12g", "tmpfs"]).arg(&options.dir))?;
    let tar = options.root_tar.clone().unwrap_or_else(|| options.dir.join("root.tar"));
    if !tar.exists() {
        workload::debian(&tar)?;
    }
    let bench = Bench { dir: options.dir.clone() };
    measure::run(bench.buildc().arg("import").arg(&tar).arg(BASE))?;
    println!("medians of {} rounds, traced beside untraced", options.rounds);
    println!(
        "{:<8} {:>10} {:>10} {:>7} {:>10} {:>10} {:>7}  wanted",
        "work", "wall ms", "untraced", "ratio", "CPU ms", "untraced", "ratio"
    );
    for name in workload::NAMES {
        if options.only.as_ref().is_none_or(|only| only.iter().any(|o| o == name)) {
            bench.measure(name, options.rounds)?;
        }
    }
    Ok(())
}

struct Bench {
    dir: PathBuf,
}

impl Bench {
    fn buildc(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_buildc"));
        command.arg("--root").arg(self.dir.join("store"));
        command
    }

    fn measure(&self, name: &str, rounds: usize) -> Result<(), Failure> {
        let context = self.dir.join(name);
        workload::make(name, &context)?;
        let (mut traced, mut untraced) = (Vec::new(), Vec::new());
        // What stands before the measured command, and the page cache.
        self.once(&context, "off", "first")?;
        for round in 0..rounds {
            traced.push(self.once(&context, "on", &format!("{round} on"))?);
            untraced.push(self.once(&context, "off", &format!("{round} off"))?);
        }
        let wall = |samples: &[Sample]| median(samples.iter().map(|s| s.wall_ms));
        let cpu = |samples: &[Sample]| median(samples.iter().map(|s| s.cpu_ms));
        println!(
            "{name:<8} {:>10.0} {:>10.0} {:>7.2} {:>10.0} {:>10.0} {:>7.2}  {WANTED}",
            wall(&traced),
            wall(&untraced),
            wall(&traced) / wall(&untraced),
            cpu(&traced),
            cpu(&untraced),
            cpu(&traced) / cpu(&untraced)
        );
        Ok(())
    }

    /// One build; the round is an argument of the measured command only, so that it is all that runs.
    fn once(&self, context: &Path, trace: &str, round: &str) -> Result<Sample, Failure> {
        let mut build = self.buildc();
        build.args(["build", "--progress", "plain", "--trace", trace, "--build-arg"]);
        build.arg(format!("ROUND={round}")).args(["-t", "localhost/traced"]).arg(context);
        measure::sample(&build)
    }
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Options, Failure> {
    let dir = std::env::temp_dir().join(format!("buildc-bench-tracing-{}", std::process::id()));
    let mut options = Options { rounds: 5, only: None, root_tar: None, dir };
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} wants a value"));
        match word.as_str() {
            "--rounds" => options.rounds = value()?.parse()?,
            "--only" => options.only = Some(value()?.split(',').map(str::to_owned).collect()),
            "--root-tar" => options.root_tar = Some(value()?.into()),
            // What cargo passes to every benchmark.
            "--bench" => {}
            other => return Err(format!("Unknown option `{other}`").into()),
        }
    }
    Ok(options)
}
