//! `buildc logs`: what a container wrote.

use std::io::ErrorKind;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use buildc_executor::container::{self, ContainerError, LogOptions};

use super::Shell;
use crate::failure::{Failure, Outcome};
use crate::session::Session;
use crate::units;

// Options of `buildc logs`.
#[derive(clap::Args, Debug)]
pub struct LogsArgs {
    /// Keep printing until the container stops
    #[arg(short, long)]
    follow: bool,
    /// Only what is newer: a time (RFC 3339 or Unix) or an age such as 10m
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only what is older
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only the last N lines
    #[arg(short = 'n', long, value_name = "N", default_value = "all", allow_negative_numbers = true)]
    tail: String,
    /// Put the time before each line
    #[arg(short, long)]
    timestamps: bool,
    /// Name or id
    container: String,
}

/// Prints the log: what went to standard error goes there again.
pub fn run(args: LogsArgs, shell: &Shell) -> Outcome {
    let session = Session::open(shell)?;
    let container = container::find(&session.store, &args.container)?;
    let tail = match args.tail.as_str() {
        "all" => None,
        // As with Docker, a negative number is all.
        text if text.strip_prefix('-').is_some_and(|n| n.parse::<usize>().is_ok()) => None,
        text => Some(text.parse().map_err(|_| {
            Failure::usage(format!("--tail `{text}` is not a number of lines"))
                .help("Write a number, or `all`")
        })?),
    };
    let options = LogOptions {
        follow: args.follow,
        tail,
        since: args.since.as_deref().map(|t| time("--since", t)).transpose()?,
        until: args.until.as_deref().map(|t| time("--until", t)).transpose()?,
        timestamps: args.timestamps,
    };
    let (mut out, mut err) = (std::io::stdout().lock(), std::io::stderr().lock());
    match container::logs(&session.store, &container, &options, &mut out, &mut err) {
        // The reader went away.
        Err(ContainerError::Io { source, .. }) if source.kind() == ErrorKind::BrokenPipe => Ok(0),
        Err(error) => {
            drop(err);
            Err(error.into())
        }
        Ok(()) => Ok(0),
    }
}

/// A time: RFC 3339, Unix seconds, or an age.
fn time(flag: &str, text: &str) -> Result<SystemTime, Failure> {
    let unix = |text: &str| Some(UNIX_EPOCH + Duration::try_from_secs_f64(text.parse().ok()?).ok()?);
    let age = |text: &str| SystemTime::now().checked_sub(units::parse_duration(text)?);
    let found = units::parse_rfc3339(text).or_else(|| unix(text)).or_else(|| age(text));
    found.ok_or_else(|| {
        Failure::usage(format!("{flag} `{text}` is not a time"))
            .help("Write 2026-01-31T12:00:00Z, Unix seconds, or an age such as 10m")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_absolute_or_ages() {
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(time("--since", "1970-01-01T00:01:00Z").unwrap(), at(60));
        assert_eq!(time("--since", "90").unwrap(), at(90));
        assert!(time("--since", "1h").unwrap() < SystemTime::now() - Duration::from_secs(3599));
        assert!(time("--since", "yesterday").is_err());
    }
}
