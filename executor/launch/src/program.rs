//! The last step: finding the program inside the root and becoming it.

use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, FileType, accessat, stat};

use crate::error::{Doing, LaunchError, Result};
use crate::spec::ProcessSpec;
use crate::sys;
use crate::target::{Kind, Root};

/// Docker's search path for an image that sets none.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A program whose memory is laid out before the last privileges go.
pub(crate) struct Program {
    args: Vec<CString>,
    env: Vec<CString>,
    path: OsString,
}

impl Program {
    pub(crate) fn new(process: &ProcessSpec) -> Result<Program> {
        let args =
            process.args.iter().map(|arg| text(arg.as_bytes().to_vec())).collect::<Result<Vec<_>>>()?;
        let env =
            process.env.iter().map(|(name, value)| text([name.as_bytes(), b"=", value.as_bytes()].concat()));
        let path = process.env.iter().rev().find(|(name, _)| name == "PATH").map(|(_, value)| value.clone());
        Ok(Program { args, env: env.collect::<Result<_>>()?, path: path.unwrap_or(DEFAULT_PATH.into()) })
    }

    /// Becomes the program; only returns the error.
    pub(crate) fn execute(&self) -> LaunchError {
        let Some(name) = self.args.first() else {
            return LaunchError::NotFound("No command was given".to_owned());
        };
        let name = OsStr::from_bytes(name.as_bytes()).to_owned();
        let file = match self.find(&name) {
            Ok(file) => file,
            Err(error) => return error,
        };
        let Ok(file) = text(file.into_os_string().into_vec()) else {
            return not_found(&name, "no such file");
        };
        let error = sys::execve(&file, &self.args, &self.env);
        let shown = name.to_string_lossy();
        match error.raw_os_error() {
            // The file is there, so what is missing is what runs it.
            Some(libc::ENOENT) => LaunchError::NotFound(format!(
                "Cannot run `{shown}`: the interpreter in its first line, or its dynamic loader, does not exist in the image"
            )),
            Some(libc::ENOEXEC) => LaunchError::NotExecutable(format!(
                "Cannot run `{shown}`: exec format error (made for another processor, or a script without `#!`)"
            )),
            _ => LaunchError::NotExecutable(format!("Cannot run `{shown}`: {error}")),
        }
    }

    /// The file of a command: itself when it has a `/`, else the first in the search path that can be run.
    fn find(&self, name: &OsStr) -> Result<PathBuf> {
        if name.is_empty() {
            return Err(not_found(name, "the name is empty"));
        }
        if name.as_bytes().contains(&b'/') {
            let file = PathBuf::from(name);
            return match check(&file) {
                Ok(()) => Ok(file),
                Err(error) if is_missing(&error) => Err(not_found(name, "no such file or directory")),
                Err(error) => Err(not_executable(name, &error)),
            };
        }
        let mut refused = None;
        for directory in self.path.as_bytes().split(|byte| *byte == b':').filter(|part| !part.is_empty()) {
            let file = Path::new(OsStr::from_bytes(directory)).join(name);
            match check(&file) {
                Ok(()) => return Ok(file),
                Err(error) if is_missing(&error) => {}
                Err(error) => refused = Some(error),
            }
        }
        Err(match refused {
            Some(error) => not_executable(name, &error),
            None => not_found(name, "not found in `PATH`"),
        })
    }
}

fn is_missing(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ENOTDIR))
}

fn not_found(name: &OsStr, why: &str) -> LaunchError {
    LaunchError::NotFound(format!("Cannot run `{}`: {why}", name.to_string_lossy()))
}

fn not_executable(name: &OsStr, error: &io::Error) -> LaunchError {
    LaunchError::NotExecutable(format!("Cannot run `{}`: {error}", name.to_string_lossy()))
}

/// A regular file that this user may execute.
fn check(file: &Path) -> io::Result<()> {
    if FileType::from_raw_mode(stat(file)?.st_mode) == FileType::Directory {
        return Err(io::Error::other("it is a directory"));
    }
    Ok(accessat(CWD, file, Access::EXEC_OK, AtFlags::EACCESS)?)
}

fn text(bytes: Vec<u8>) -> Result<CString> {
    CString::new(bytes).doing(|| "Pass an argument or variable with a NUL byte")
}

/// Makes the working directory where it is missing.
pub(crate) fn make_cwd(root: &mut Root, cwd: &Path) -> Result<()> {
    root.make(cwd, Kind::Directory).doing(|| format!("Make the working directory `{}`", cwd.display()))?;
    Ok(())
}

/// Enters the working directory and checks that it is inside the root (CVE-2024-21626).
pub(crate) fn enter_cwd(cwd: &Path) -> Result<()> {
    let what = || format!("Enter the working directory `{}`", cwd.display());
    rustix::process::chdir(cwd).doing(what)?;
    let here = rustix::process::getcwd(Vec::new()).doing(what)?;
    if !here.as_bytes().starts_with(b"/") {
        return Err(LaunchError::setup(what(), io::Error::other("it is outside of the container")));
    }
    Ok(())
}
