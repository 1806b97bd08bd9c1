//! One timed run of a program, and medians of many.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};

use crate::Failure;

/// Runs a command to its end.
///
/// # Errors
/// When it cannot be started or fails; the end of its output is in the message.
pub fn time(command: &mut Command) -> Result<Duration, Failure> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let start = Instant::now();
    let output = command.output()?;
    let wall = start.elapsed();
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let tail: Vec<&str> = text.lines().rev().take(15).collect();
        let tail: Vec<&str> = tail.into_iter().rev().collect();
        return Err(format!("{command:?} failed: {}\n{}", output.status, tail.join("\n")).into());
    }
    Ok(wall)
}

/// The word that makes this program a wrapper around one command.
pub const WRAPPER: &str = "--peak-of";

/// Peak memory of a command and its children in KiB, from a wrapper process that waits for nothing else.
///
/// # Errors
/// As [`time`], and when the wrapper's answer cannot be read.
pub fn peak_kib(command: &Command) -> Result<u64, Failure> {
    let mut wrapper = Command::new(std::env::current_exe()?);
    wrapper.arg(WRAPPER).arg(command.get_program()).args(command.get_args());
    Ok(String::from_utf8(wrapper.output()?.stdout)?.trim().parse()?)
}

/// The wrapper: runs the command quietly and prints the peak.
///
/// # Errors
/// As [`time`].
pub fn wrap(mut words: impl Iterator<Item = String>) -> Result<(), Failure> {
    time(Command::new(words.next().ok_or("No command to run")?).args(words))?;
    println!("{}", getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss());
    Ok(())
}

/// The middle one, in milliseconds.
pub fn median(samples: &[Duration]) -> f64 {
    let mut ms: Vec<f64> = samples.iter().map(|d| d.as_secs_f64() * 1000.0).collect();
    ms.sort_by(f64::total_cmp);
    match ms.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => ms[n / 2],
        n => (ms[n / 2 - 1] + ms[n / 2]) / 2.0,
    }
}
