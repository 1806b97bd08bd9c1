//! One measured run of a program, and medians of many.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

use crate::Failure;

/// One run.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    pub wall_ms: f64,
    /// User and system time of the program and all that it waited for.
    pub cpu_ms: f64,
}

/// The word that makes this program a wrapper around one command.
pub const WRAPPER: &str = "--usage-of";

/// Runs a command to its end.
///
/// # Errors
/// When it cannot be started or fails; its output is in the message.
pub fn run(command: &mut Command) -> Result<(), Failure> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(format!("{command:?}: {}\n{text}", output.status).into())
}

/// Measures a command below a wrapper, a process that waits for nothing else.
///
/// # Errors
/// When it cannot be started or fails, and when the wrapper's answer cannot be read.
pub fn sample(command: &Command) -> Result<Sample, Failure> {
    let mut wrapper = Command::new(std::env::current_exe()?);
    wrapper.arg(WRAPPER).arg(command.get_program()).args(command.get_args());
    let output = wrapper.stdin(Stdio::null()).output()?;
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let answer = String::from_utf8(output.stdout)?;
    let Some((wall, cpu)) = answer.trim().split_once(' ') else {
        return Err(format!("{command:?} failed: {}\n{errors}", output.status).into());
    };
    Ok(Sample { wall_ms: wall.parse()?, cpu_ms: cpu.parse()? })
}

/// The wrapper: runs the command with its standard output closed and prints its milliseconds, wall and CPU.
///
/// # Errors
/// When the command cannot be started or fails.
pub fn wrap(mut words: impl Iterator<Item = OsString>) -> Result<(), Failure> {
    let program = words.next().ok_or("No command to run")?;
    let start = Instant::now();
    let status = Command::new(&program).args(words).stdout(Stdio::null()).status()?;
    let wall = start.elapsed();
    if !status.success() {
        return Err(format!("{}: {status}", program.display()).into());
    }
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let cpu = (usage.user_time() + usage.system_time()).num_microseconds();
    println!("{} {}", wall.as_secs_f64() * 1000.0, cpu as f64 / 1000.0);
    Ok(())
}

/// The middle one.
pub fn median(samples: impl Iterator<Item = f64>) -> f64 {
    let mut samples: Vec<f64> = samples.collect();
    samples.sort_by(f64::total_cmp);
    match samples.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => samples[n / 2],
        n => (samples[n / 2 - 1] + samples[n / 2]) / 2.0,
    }
}

/// Re-executes this program in a mount namespace of its own, with which its tmpfs vanishes.
///
/// # Errors
/// When that is not allowed.
pub fn enter_mount_namespace() -> Result<(), Failure> {
    const MARK: &str = "BUILDC_BENCH_INSIDE";
    if std::env::var_os(MARK).is_some() {
        return Ok(());
    }
    let mut unshare = Command::new("unshare");
    unshare.arg("--mount").arg(std::env::current_exe()?).args(std::env::args_os().skip(1));
    Err(unshare.env(MARK, "1").exec().into())
}
