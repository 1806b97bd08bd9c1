//! What a command fails with: one type over the errors of all rooms, and the exit code each kind ends with.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use buildc_executor::build::{BuildError, FailureKind};
use buildc_ir::world::WorldError;
use buildc_ir::{Diagnostic, Severity, SourceMap};

/// Whose fault it is; decides the exit code (spec/exit-codes.md).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// The user's files or the objects they named.
    Input,
    /// The command line.
    Usage,
    /// This machine: disk, kernel, rights.
    Environment,
    /// A registry or another server.
    Remote,
    /// A step of the build.
    Step,
    /// A bug in buildc.
    Internal,
}

impl Kind {
    /// The exit code of this kind.
    pub fn exit_code(self) -> u8 {
        match self {
            Kind::Input => 1,
            Kind::Usage => 2,
            Kind::Environment => 3,
            Kind::Remote => 4,
            Kind::Step => 5,
            Kind::Internal => 70,
        }
    }

    /// The kind that a code belongs to: by its namespace, with the exceptions named here.
    pub fn of_code(code: &str) -> Kind {
        match code {
            "step::command_failed" | "build::cancelled" => return Kind::Step,
            "step::no_ssh_agent" | "step::no_secret" | "step::unknown_user" => return Kind::Input,
            "step::fetch_failed" => return Kind::Remote,
            // What the user named or handed in, though the store is what noticed.
            "store::ambiguous_image"
            | "store::image_in_use"
            | "store::no_image"
            | "store::symlink_loop"
            | "store::tar"
            | "store::tar_entry"
            | "store::too_large"
            | "store::too_many_layers" => return Kind::Input,
            "store::invalid_entry" | "store::invalid_name" => return Kind::Internal,
            _ => {}
        }
        let (namespace, name) = code.split_once("::").unwrap_or((code, ""));
        match namespace {
            "usage" => Kind::Usage,
            "registry" | "remote" => Kind::Remote,
            "step" | "store" | "launch" | "network" | "snapshot" | "environment" | "engine" => {
                Kind::Environment
            }
            "internal" => Kind::Internal,
            _ if name == "io" => Kind::Environment,
            _ if name.starts_with("internal") => Kind::Internal,
            _ => Kind::Input,
        }
    }
}

impl From<FailureKind> for Kind {
    fn from(kind: FailureKind) -> Self {
        match kind {
            FailureKind::Input => Kind::Input,
            FailureKind::Environment => Kind::Environment,
            FailureKind::Remote => Kind::Remote,
            FailureKind::Step => Kind::Step,
            FailureKind::Internal => Kind::Internal,
        }
    }
}

/// A fact without a place in a file.
#[derive(Debug)]
pub struct Fact {
    /// Whose fault it is.
    pub kind: Kind,
    /// Stable code with a page in spec/errors/.
    pub code: &'static str,
    /// The fact.
    pub message: String,
    /// Why, outermost first.
    pub causes: Vec<String>,
    /// The remedy.
    pub help: Option<String>,
}

/// Why a command ends without having done its work.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// One fact.
    #[error("{}", .0.message)]
    Fact(Box<Fact>),
    /// Places in the user's files.
    #[error("The input has {} problem(s)", .0.len())]
    Input(Vec<Diagnostic>, Box<SourceMap>),
    /// A build ended early.
    #[error("{error}")]
    Build {
        /// Why.
        #[source]
        error: Box<BuildError>,
        /// What its places point into.
        sources: Box<SourceMap>,
        /// The whole log.
        log: Option<PathBuf>,
    },
    /// Everything has been said already; only the exit code is left.
    #[error("Exit code {0}")]
    Said(u8),
    /// Standard output cannot be written.
    #[error("Cannot write to standard output")]
    Output(#[source] io::Error),
}

/// What every command returns: the exit code.
pub type Outcome = Result<u8, Failure>;

impl Failure {
    /// A fact with a code; its kind follows from the code.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        let fact =
            Fact { kind: Kind::of_code(code), code, message: message.into(), causes: Vec::new(), help: None };
        Failure::Fact(Box::new(fact))
    }

    /// The command line asks for something that cannot be.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new("usage::invalid", message)
    }

    /// A file of the user's cannot be read or written.
    pub fn file(what: &str, path: &std::path::Path, error: &io::Error) -> Self {
        let code =
            if error.kind() == io::ErrorKind::NotFound { "input::not_found" } else { "input::unreadable" };
        Self::new(code, format!("Cannot {what} `{}`: {}", path.display(), os_text(error)))
    }

    /// From an error of another room, with its chain of sources.
    pub fn told(code: &'static str, error: &dyn Error, help: Option<String>) -> Self {
        let message = error.to_string();
        let mut causes = Vec::new();
        let mut said = message.clone();
        let mut next = error.source();
        while let Some(cause) = next {
            let text = cause.to_string();
            if !said.contains(&text) {
                said.push_str(&text);
                causes.push(text);
            }
            next = cause.source();
        }
        Failure::Fact(Box::new(Fact { kind: Kind::of_code(code), code, message, causes, help }))
    }

    /// Adds the remedy.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        if let Failure::Fact(fact) = &mut self {
            fact.help = Some(help.into());
        }
        self
    }

    /// The exit code this failure ends with.
    pub fn exit_code(&self) -> u8 {
        match self {
            Failure::Fact(fact) => fact.kind.exit_code(),
            Failure::Input(found, _) => {
                let error = found.iter().find(|d| d.severity == Severity::Error);
                error.map_or(Kind::Input, |d| Kind::of_code(d.code)).exit_code()
            }
            Failure::Build { error, .. } => Kind::from(error.kind()).exit_code(),
            Failure::Said(code) => *code,
            // The reader went away, as `head` does: that is no failure of ours.
            Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => 0,
            Failure::Output(_) => Kind::Environment.exit_code(),
        }
    }
}

/// The kernel's words without Rust's `(os error 2)`.
pub fn os_text(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(at) => text[..at].to_owned(),
        None => text,
    }
}

impl From<WorldError> for Failure {
    fn from(error: WorldError) -> Self {
        let help = error.help.clone();
        Failure::told(error.code, &error, help)
    }
}

/// From errors of other rooms that have a stable code and a remedy.
macro_rules! told {
    ($($error:ty),*) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Failure::told(error.code(), &error, error.help())
            }
        }
    )*};
}

told!(
    buildc_executor::cache_mounts::CacheMountError,
    buildc_executor::container::ContainerError,
    buildc_executor::context::ContextError,
    buildc_executor::history::HistoryError,
    buildc_executor::lock::LockError,
    buildc_executor::volume::VolumeError,
    buildc_launch::LaunchError,
    buildc_store::archive::ArchiveError,
    buildc_store::remote::RemoteError
);

impl From<buildc_store::StoreError> for Failure {
    fn from(error: buildc_store::StoreError) -> Self {
        let help = error.help().map(str::to_owned);
        Failure::told(error.code(), &error, help)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_decide_the_exit_code() {
        for (code, want) in [
            ("dockerfile::unknown_instruction", 1),
            ("usage::invalid", 2),
            ("store::locked", 3),
            ("context::io", 3),
            ("registry::unauthorized", 4),
            ("step::command_failed", 5),
            ("internal::panic", 70),
        ] {
            assert_eq!(Failure::new(code, "x").exit_code(), want, "{code}");
        }
    }

    #[test]
    fn causes_are_not_said_twice() {
        #[derive(Debug, thiserror::Error)]
        #[error("Outer: {source}")]
        struct Outer {
            source: io::Error,
        }
        let outer = Outer { source: io::Error::other("inner") };
        let Failure::Fact(fact) = Failure::told("store::io", &outer, None) else { unreachable!() };
        assert_eq!((fact.message.as_str(), fact.causes.len()), ("Outer: inner", 0));
    }
}
