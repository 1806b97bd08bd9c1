//! BuildKit, as the docker daemon at DOCKER_HOST has it: the same contexts, built by `docker build`.
//!
//! Its store is where the daemon keeps it, whatever `--dir` says. Nothing of the daemon's cache is removed: cold builds are
//! `--no-cache` ones from a directory of another name, so that no part of the context is there from the round before.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::Failure;
use crate::measure::time;

const BASE: &str = "localhost/busybox";
const IMAGE: &str = "localhost/bench-buildkit";

/// A daemon that answers, with the base image in it. Both images are untagged in the end.
pub struct Daemon;

impl Daemon {
    /// The daemon at DOCKER_HOST with the base loaded; none where no daemon answers.
    pub fn with_base(base_tar: &Path) -> Result<Option<Self>, Failure> {
        if !answers() {
            println!("buildkit: left out, as no docker daemon answers at DOCKER_HOST");
            return Ok(None);
        }
        time(docker().arg("import").arg(base_tar).arg(BASE))?;
        Ok(Some(Self))
    }

    /// A build in which every step runs and the whole context is sent.
    pub fn cold(&self, context: &Path, round: usize) -> Result<Duration, Failure> {
        let moved = PathBuf::from(format!("{}-{}-{round}", context.display(), std::process::id()));
        std::fs::rename(context, &moved)?;
        let took = time(build(&moved).arg("--no-cache"));
        std::fs::rename(&moved, context)?;
        took
    }

    /// A build that may take everything from the cache.
    pub fn again(&self, context: &Path) -> Result<Duration, Failure> {
        time(&mut build(context))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // What is left behind is two names, no reason to fail.
        docker().args(["rmi", BASE, IMAGE]).output().ok();
    }
}

fn answers() -> bool {
    let mut version = docker();
    version.arg("version").stdout(Stdio::null()).stderr(Stdio::null());
    std::env::var_os("DOCKER_HOST").is_some() && version.status().is_ok_and(|status| status.success())
}

fn docker() -> Command {
    let mut command = Command::new("docker");
    command.env("BUILDX_NO_DEFAULT_ATTESTATIONS", "1");
    command
}

fn build(context: &Path) -> Command {
    let mut command = docker();
    command.args(["build", "--network", "none", "--progress", "plain", "-t", IMAGE]).arg(context);
    command
}
