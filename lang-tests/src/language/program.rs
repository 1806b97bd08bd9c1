//! Runs cases through a program that takes the arguments of `nix-instantiate`.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::case::{Case, Outcome, directory};

/// A program with the surroundings that all cases have: an environment and a configuration of its own, and a state
/// directory that is thrown away.
#[derive(Debug)]
pub struct Program {
    path: PathBuf,
    first: Vec<String>,
    state: PathBuf,
}

impl Program {
    /// A program that writes below `state` only; `first` are arguments before those of a case.
    pub fn new(path: impl Into<PathBuf>, first: &[&str], state: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            first: first.iter().map(|&word| word.to_owned()).collect(),
            state: state.into(),
        }
    }

    /// The command, ready to be given arguments.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command
            .args(&self.first)
            .current_dir(directory())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", "/fake-home")
            .env("TEST_VAR", "foo")
            .env("NIX_PATH", "lang/dir-a:lang/dir-b")
            .env("NIX_STORE_DIR", "/nix/store")
            .env("NIX_STATE_DIR", self.state.join("var"))
            .env("NIX_LOG_DIR", self.state.join("log"))
            .env("NIX_CONF_DIR", self.state.join("etc"))
            .env("XDG_CACHE_HOME", self.state.join("cache"))
            .env("NIX_CONFIG", "build-users-group =\nsystem = x86_64-linux");
        // Where the program's own files lie is for whoever installed it to say.
        if let Some(data) = std::env::var_os("NIX_DATA_DIR") {
            command.env("NIX_DATA_DIR", data);
        }
        command
    }

    /// Runs a case.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn run(&self, case: &Case) -> io::Result<Outcome> {
        let mut command = self.command();
        command.args(&case.arguments);
        command.stdin(match &case.stdin {
            Some(file) => Stdio::from(File::open(file)?),
            None => Stdio::null(),
        });
        outcome(&mut command)
    }

    /// Runs the program on a text that it reads from its standard input.
    ///
    /// # Errors
    /// When the program cannot be started, or does not read all.
    pub fn ask(&self, arguments: &[&str], text: &str) -> io::Result<Outcome> {
        let mut input = tempfile::tempfile()?;
        input.write_all(text.as_bytes())?;
        input.seek(SeekFrom::Start(0))?;
        outcome(self.command().args(arguments).arg("-").stdin(input))
    }
}

fn outcome(command: &mut Command) -> io::Result<Outcome> {
    let output = command.output()?;
    let place = directory();
    Ok(Outcome {
        stdout: without_place(&output.stdout, place),
        stderr: without_place(&output.stderr, place),
        status: output.status.code(),
    })
}

/// Replaces the directory of the cases by `/pwd`.
fn without_place(text: &[u8], place: &Path) -> Vec<u8> {
    let place = place.as_os_str().as_encoded_bytes();
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, tail)) = rest.split_first() {
        if let Some(after) = rest.strip_prefix(place) {
            out.extend_from_slice(b"/pwd");
            rest = after;
        } else {
            out.push(first);
            rest = tail;
        }
    }
    out
}
