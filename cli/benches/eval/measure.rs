//! CPU time and peak memory of one run of a program.

use std::ffi::OsString;
use std::process::{Command, Stdio};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

use crate::Failure;

/// One run.
#[derive(Clone, Debug)]
pub struct Sample {
    cpu_us: i64,
    peak_kib: i64,
    /// What the program printed.
    pub output: Vec<u8>,
}

impl Sample {
    /// User and system time of the whole process, in milliseconds.
    pub fn cpu_ms(&self) -> f64 {
        self.cpu_us as f64 / 1000.0
    }

    /// Peak resident memory, in MiB.
    pub fn peak_mib(&self) -> f64 {
        self.peak_kib as f64 / 1024.0
    }

    /// The smaller of each figure.
    pub fn least(self, other: &Self) -> Self {
        Self {
            cpu_us: self.cpu_us.min(other.cpu_us),
            peak_kib: self.peak_kib.min(other.peak_kib),
            output: self.output,
        }
    }
}

/// The word that makes this program a wrapper around one command.
pub const WRAPPER: &str = "--usage-of";

/// Runs a command below a wrapper, a process that waits for nothing else: what its children used is what the command
/// used.
///
/// # Errors
/// When the command cannot be started or fails; the end of its output is in the message.
pub fn sample(command: &Command) -> Result<Sample, Failure> {
    let mut wrapper = Command::new(std::env::current_exe()?);
    wrapper.arg(WRAPPER).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            wrapper.env(name, value);
        }
    }
    let result = wrapper.stdin(Stdio::null()).output()?;
    let errors = String::from_utf8_lossy(&result.stderr).into_owned();
    let usage = errors.lines().last().and_then(|line| line.strip_prefix("usage "));
    let Some((cpu, peak)) = usage.and_then(|text| text.split_once(' ')) else {
        return Err(format!("{command:?} failed: {}\n{errors}", result.status).into());
    };
    Ok(Sample { cpu_us: cpu.parse()?, peak_kib: peak.parse()?, output: result.stdout })
}

/// The wrapper: runs the command and says at the end of the standard error what it used.
///
/// # Errors
/// When the command cannot be started or fails.
pub fn wrap(words: &[OsString]) -> Result<(), Failure> {
    let (program, arguments) = words.split_first().ok_or("No command to run")?;
    let status = Command::new(program).args(arguments).status()?;
    if !status.success() {
        return Err(format!("{}: {status}", program.display()).into());
    }
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let cpu = (usage.user_time() + usage.system_time()).num_microseconds();
    eprintln!("usage {cpu} {}", usage.max_rss());
    Ok(())
}
