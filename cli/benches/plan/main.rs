//! Measures how long `buildc plan` takes for graphs of 1,000 to 10,000 steps, and whether that grows with their number only.
//!
//!     cargo bench -p buildc --bench plan
//!     cargo bench -p buildc --bench plan -- --rounds 9
//!
//! Figures are medians of the whole process: reading the Dockerfile, lowering, all passes, keys, facts and the text. The last column
//! is the time of a step beside the time of one of 1,000. Needs nothing but a directory for a store. No peer shows a plan.
//! Nothing here is an assertion.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

type Failure = Box<dyn std::error::Error>;

const SIZES: [usize; 4] = [1_000, 2_000, 5_000, 10_000];
/// How many steps a stage of the wide graph has.
const STAGE: usize = 10;

/// Makes the text of a Dockerfile with so many steps.
type Shape = fn(usize) -> String;

const SHAPES: [(&str, Shape); 3] = [("chain", chain), ("stages", stages), ("copies", copies)];

fn main() -> Result<(), Failure> {
    let rounds = rounds(std::env::args().skip(1))?;
    let dir = std::env::temp_dir().join(format!("buildc-bench-plan-{}", std::process::id()));
    println!("medians of {rounds} rounds");
    println!("{:<8} {:>7} {:>10} {:>12} {:>10}", "graph", "steps", "plan ms", "us per step", "to 1,000");
    for (name, shape) in SHAPES {
        let mut first = None;
        for steps in SIZES {
            let context = dir.join(format!("{name}-{steps}"));
            fs::create_dir_all(&context)?;
            fs::write(context.join("file"), "file\n")?;
            fs::write(context.join("Dockerfile"), shape(steps))?;
            let ms = median(&dir.join("store"), &context, rounds)?;
            let each = ms * 1000.0 / steps as f64;
            let relative = each / *first.get_or_insert(each);
            println!("{name:<8} {steps:>7} {ms:>10.1} {each:>12.2} {relative:>10.2}");
        }
    }
    Ok(fs::remove_dir_all(&dir)?)
}

/// Commands, one after the other.
fn chain(steps: usize) -> String {
    let mut text = "FROM scratch\n".to_owned();
    for i in 0..steps {
        let _ = writeln!(text, "RUN make step-{i}");
    }
    text
}

/// Stages of some commands each, of which the last one takes a file.
fn stages(steps: usize) -> String {
    let mut text = String::new();
    let count = steps / (STAGE + 1);
    for stage in 0..count {
        let _ = writeln!(text, "FROM scratch AS s{stage}");
        for i in 0..STAGE {
            let _ = writeln!(text, "RUN make {stage}-{i}");
        }
    }
    text.push_str("FROM scratch\n");
    for stage in 0..count {
        let _ = writeln!(text, "COPY --from=s{stage} /out /out/{stage}");
    }
    text
}

/// Copies of one file under many names, with a command between each ten.
fn copies(steps: usize) -> String {
    let mut text = "FROM scratch\n".to_owned();
    for i in 0..steps {
        let _ = match i % STAGE {
            0 => writeln!(text, "RUN make step-{i}"),
            _ => writeln!(text, "COPY file /dir-{i}/file"),
        };
    }
    text
}

fn median(store: &Path, context: &Path, rounds: usize) -> Result<f64, Failure> {
    let mut samples = Vec::new();
    // The first one makes the store and its index of the context.
    for round in 0..=rounds {
        let mut plan = Command::new(env!("CARGO_BIN_EXE_buildc"));
        plan.arg("--root").arg(store).arg("plan").arg(context).stdout(Stdio::null());
        let start = Instant::now();
        let status = plan.status()?;
        if !status.success() {
            return Err(format!("{plan:?}: {status}").into());
        }
        if round > 0 {
            samples.push(start.elapsed().as_secs_f64() * 1000.0);
        }
    }
    samples.sort_by(f64::total_cmp);
    Ok(samples[samples.len() / 2])
}

fn rounds(mut words: impl Iterator<Item = String>) -> Result<usize, Failure> {
    let mut rounds = 5;
    while let Some(word) = words.next() {
        match word.as_str() {
            "--rounds" => rounds = words.next().ok_or("--rounds wants a value")?.parse()?,
            // What cargo passes to every benchmark.
            "--bench" => {}
            other => return Err(format!("Unknown option `{other}`").into()),
        }
    }
    Ok(rounds)
}
