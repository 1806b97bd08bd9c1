//! Files, environment and clock for the language, with Nix's words for what goes wrong.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use buildc_compiler::lang::error::EvalError;
use buildc_compiler::lang::eval::Evaluator;
use buildc_compiler::lang::world::{FileType, World, WorldError};
use buildc_executor::context::git::commit_of;
use buildc_executor::sources::Sources;
use buildc_ir::git::GitRemote;
use buildc_ir::source::{Facts, Source};

use super::Log;
use crate::interrupt;

/// This machine's files. What was fetched is seen in the build language's store, where its names belong, though it lies
/// beside buildc's.
#[derive(Debug)]
pub struct Files {
    sources: Sources,
    store: Vec<u8>,
    log: Log,
}

impl Files {
    /// With the sources beside the store in `root`; `store` is the directory that names of sources are reckoned for.
    pub fn new(root: &Path, store: &[u8]) -> Self {
        Self { sources: Sources::new(root), store: store.to_vec(), log: Log::Plain }
    }

    /// The same, with another form of what is said.
    #[must_use]
    pub fn logging(self, log: Log) -> Self {
        Self { log, ..self }
    }

    /// Tells an error on standard error.
    pub fn tell(&self, error: &EvalError, ev: &Evaluator<'_>) {
        self.log.write(&self.log.error(error, ev));
    }

    /// Whether a path is where sources are brought to.
    pub fn is_source(&self, path: &[u8]) -> bool {
        Path::new(OsStr::from_bytes(path)).starts_with(self.sources.directory())
    }

    /// Where a path lies on this machine.
    pub fn place<'p>(&self, path: &'p [u8]) -> Cow<'p, Path> {
        let as_it_is = Path::new(OsStr::from_bytes(path));
        let below = path.strip_prefix(&self.store[..]).and_then(|rest| rest.strip_prefix(b"/"));
        let Some(below) = below else { return Cow::Borrowed(as_it_is) };
        let end = below.iter().position(|byte| *byte == b'/').unwrap_or(below.len());
        match self.sources.find(OsStr::from_bytes(&below[..end])) {
            Some(place) if end == below.len() => Cow::Owned(place),
            Some(place) => Cow::Owned(place.join(OsStr::from_bytes(&below[end + 1..]))),
            None => Cow::Borrowed(as_it_is),
        }
    }
}

fn failed(doing: &str, path: &[u8], error: &io::Error) -> WorldError {
    let path = String::from_utf8_lossy(path);
    if error.kind() == io::ErrorKind::NotFound {
        return WorldError(format!("path '{path}' does not exist"));
    }
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    WorldError(format!("{doing} \"{path}\": {text}"))
}

/// Why a file that lies in `place` is not read.
fn unreadable(path: &[u8], place: &Path, error: &io::Error) -> WorldError {
    match error.kind() {
        io::ErrorKind::IsADirectory => {
            // Nix asks for as many bytes as the system says there are.
            let size = place.metadata().map_or(4096, |metadata| metadata.len());
            WorldError(format!("read of {size} bytes: Is a directory"))
        }
        _ => failed("opening file", path, error),
    }
}

fn kind(file_type: fs::FileType) -> FileType {
    if file_type.is_file() {
        FileType::Regular
    } else if file_type.is_dir() {
        FileType::Directory
    } else if file_type.is_symlink() {
        FileType::Symlink
    } else {
        FileType::Unknown
    }
}

fn refused(error: &impl std::fmt::Display) -> WorldError {
    WorldError(error.to_string())
}

impl World for Files {
    fn file_type(&self, path: &[u8]) -> Result<Option<FileType>, WorldError> {
        match self.place(path).symlink_metadata() {
            Ok(metadata) => Ok(Some(kind(metadata.file_type()))),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Ok(None)
            }
            Err(error) => Err(failed("getting status of", path, &error)),
        }
    }

    fn read_file(&self, path: &[u8]) -> Result<Vec<u8>, WorldError> {
        let place = self.place(path);
        fs::read(&place).map_err(|error| unreadable(path, &place, &error))
    }

    fn read_file_within(&self, path: &[u8], most: usize) -> Result<Option<Vec<u8>>, WorldError> {
        // Devices and pipes say nothing of their size, so that only reading tells.
        let place = self.place(path);
        let read = || {
            let file = fs::File::open(&place)?;
            let size = file.metadata()?.len();
            if size > most as u64 {
                return Ok(None);
            }
            let mut bytes = Vec::with_capacity(size as usize);
            file.take((most as u64).saturating_add(1)).read_to_end(&mut bytes)?;
            Ok(Some(bytes).filter(|bytes| bytes.len() <= most))
        };
        read().map_err(|error| unreadable(path, &place, &error))
    }

    fn is_executable(&self, path: &[u8]) -> Result<bool, WorldError> {
        match self.place(path).metadata() {
            Ok(metadata) => Ok(metadata.permissions().mode() & 0o100 != 0),
            Err(error) => Err(failed("getting status of", path, &error)),
        }
    }

    fn read_dir(&self, path: &[u8]) -> Result<Vec<(Vec<u8>, FileType)>, WorldError> {
        let wrong = |error: io::Error| failed("cannot read directory", path, &error);
        let mut entries = Vec::new();
        for entry in fs::read_dir(self.place(path)).map_err(wrong)? {
            let entry = entry.map_err(wrong)?;
            let file_type = entry.file_type().map_err(wrong)?;
            entries.push((entry.file_name().into_vec(), kind(file_type)));
        }
        Ok(entries)
    }

    fn read_link(&self, path: &[u8]) -> Result<Vec<u8>, WorldError> {
        match fs::read_link(self.place(path)) {
            Ok(target) => Ok(target.into_os_string().into_vec()),
            Err(error) => Err(failed("reading symbolic link", path, &error)),
        }
    }

    fn directory_of(&self, path: &[u8]) -> Option<Vec<u8>> {
        match self.place(path) {
            Cow::Owned(place) => Some(place.parent()?.as_os_str().as_bytes().to_vec()),
            Cow::Borrowed(_) => None,
        }
    }

    fn recall(&self, source: &Source) -> Option<Facts> {
        self.sources.recall(source)
    }

    fn bring(&self, source: &Source) -> Result<(Vec<u8>, Facts), WorldError> {
        // A copy of what lies in the store itself is made from where that is.
        let brought = match source {
            Source::Directory { path } => {
                let path = self.place(path.as_bytes()).to_string_lossy().into_owned();
                self.sources.bring(&Source::Directory { path })
            }
            source => self.sources.bring(source),
        };
        let brought = brought.map_err(|error| refused(&error))?;
        for path in &brought.facts.dirty_trees {
            self.say(format!("warning: Git tree '{path}' is dirty").as_bytes());
        }
        Ok((brought.path.into_os_string().into_vec(), brought.facts))
    }

    fn commit(&self, remote: &GitRemote) -> Result<String, WorldError> {
        commit_of(remote).map_err(|error| refused(&error))
    }

    fn keep(&self, source: &Source, from: &[u8], path: &[u8], facts: &Facts) -> Result<(), WorldError> {
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        let from = Path::new(OsStr::from_bytes(from));
        self.sources.keep(source, from, OsStr::from_bytes(name), facts).map_err(|error| refused(&error))
    }

    fn variable(&self, name: &[u8]) -> Option<Vec<u8>> {
        std::env::var_os(OsStr::from_bytes(name)).map(OsStringExt::into_vec)
    }

    fn now(&self) -> i64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64)
    }

    fn interrupted(&self) -> bool {
        interrupt::was_asked()
    }

    fn say(&self, line: &[u8]) {
        self.log.write(&self.log.line(line));
    }
}
