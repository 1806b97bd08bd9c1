//! Files, environment and clock for the language, with Nix's words for what goes wrong.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read, Seek, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use buildc_compiler::lang::world::{FileType, World, WorldError};
use buildc_store::remote::{DownloadWatch, download};

/// This machine's files.
#[derive(Debug, Default)]
pub struct Files;

fn at(path: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(path))
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

/// Bytes read at once.
const PIECE: usize = 64 << 10;

fn pour(mut file: fs::File, sink: &mut dyn FnMut(&[u8])) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(length) => sink(&piece[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// A file of this machine, in the words of Nix's curl.
fn fetched_file(path: &str, sink: &mut dyn FnMut(&[u8])) -> Result<(), String> {
    let wrong = |_| format!("Could not read a file:// file (37) Could not open file {path}");
    pour(fs::File::open(path).map_err(wrong)?, sink).map_err(|error| error.to_string())
}

fn downloaded(url: &str, sink: &mut dyn FnMut(&[u8])) -> Result<(), String> {
    let mut file = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
    let path = file.path().to_owned();
    download(url, None, file.as_file_mut(), &path, &DownloadWatch::SILENT)
        .map_err(|error| error.to_string())?;
    file.rewind().and_then(|()| pour(file.into_file(), sink)).map_err(|error| error.to_string())
}

impl World for Files {
    fn file_type(&self, path: &[u8]) -> Result<Option<FileType>, WorldError> {
        match at(path).symlink_metadata() {
            Ok(metadata) => Ok(Some(kind(metadata.file_type()))),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Ok(None)
            }
            Err(error) => Err(failed("getting status of", path, &error)),
        }
    }

    fn read_file(&self, path: &[u8]) -> Result<Vec<u8>, WorldError> {
        fs::read(at(path)).map_err(|error| match error.kind() {
            io::ErrorKind::IsADirectory => WorldError("read of 4096 bytes: Is a directory".to_owned()),
            _ => failed("opening file", path, &error),
        })
    }

    fn is_executable(&self, path: &[u8]) -> Result<bool, WorldError> {
        match at(path).metadata() {
            Ok(metadata) => Ok(metadata.permissions().mode() & 0o100 != 0),
            Err(error) => Err(failed("getting status of", path, &error)),
        }
    }

    fn read_dir(&self, path: &[u8]) -> Result<Vec<(Vec<u8>, FileType)>, WorldError> {
        let wrong = |error: io::Error| failed("cannot read directory", path, &error);
        let mut entries = Vec::new();
        for entry in fs::read_dir(at(path)).map_err(wrong)? {
            let entry = entry.map_err(wrong)?;
            let file_type = entry.file_type().map_err(wrong)?;
            entries.push((entry.file_name().into_vec(), kind(file_type)));
        }
        Ok(entries)
    }

    fn read_link(&self, path: &[u8]) -> Result<Vec<u8>, WorldError> {
        match fs::read_link(at(path)) {
            Ok(target) => Ok(target.into_os_string().into_vec()),
            Err(error) => Err(failed("reading symbolic link", path, &error)),
        }
    }

    fn fetch(&self, url: &str, sink: &mut dyn FnMut(&[u8])) -> Result<(), WorldError> {
        match url.strip_prefix("file://") {
            Some(path) => fetched_file(path, sink),
            None => downloaded(url, sink),
        }
        .map_err(|reason| WorldError(format!("unable to download '{url}': {reason}")))
    }

    fn variable(&self, name: &[u8]) -> Option<Vec<u8>> {
        std::env::var_os(OsStr::from_bytes(name)).map(OsStringExt::into_vec)
    }

    fn now(&self) -> i64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64)
    }

    fn say(&self, line: &[u8]) {
        // Nothing can be done when the user closed the stream.
        let _ = io::stderr().lock().write_all(&[line, b"\n"].concat());
    }
}
