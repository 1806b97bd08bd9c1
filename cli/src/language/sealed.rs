//! The world as pure and restricted evaluation see it: of files those of the store and of what was allowed, no environment.

use std::borrow::Cow;
use std::cell::RefCell;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use buildc_compiler::lang::eval::{Options, canonical};
use buildc_compiler::lang::world::{FileType, World, WorldError};
use buildc_ir::source::{Facts, Source};

use super::Files;

/// This machine's store and what was allowed, and nothing else of it.
#[derive(Debug)]
pub struct Sealed<'f> {
    files: &'f Files,
    bounds: Bounds,
    /// Objects of the store that were found where a string referred to them.
    objects: RefCell<Vec<Vec<u8>>>,
}

/// Nix's settings `pure-eval` and `restrict-eval`.
#[derive(Debug)]
enum Bounds {
    Pure,
    Restricted {
        /// What of the machine may be seen, with all that is below: the search path.
        paths: Vec<Vec<u8>>,
        /// What may be fetched: `allowed-uris`.
        uris: Vec<String>,
    },
}

impl<'f> Sealed<'f> {
    /// The world that these options leave, if they leave something out.
    pub fn new(files: &'f Files, options: &Options) -> Option<Self> {
        let bounds = if options.sealed {
            Bounds::Pure
        } else if options.restricted {
            let directory = Path::new(OsStr::from_bytes(&options.directory));
            let place =
                |path: &[u8]| canonical(directory.join(OsStr::from_bytes(path)).as_os_str().as_bytes());
            let paths = options.search_path.iter().map(|(_, path)| place(path)).collect();
            Bounds::Restricted { paths, uris: options.allowed_uris.clone() }
        } else {
            return None;
        };
        Some(Self { files, bounds, objects: RefCell::default() })
    }

    fn admit(&self, path: &[u8]) -> Result<(), WorldError> {
        if self.may_see(path) {
            return Ok(());
        }
        let path = String::from_utf8_lossy(path);
        let why = match self.bounds {
            Bounds::Pure => "forbidden in pure evaluation mode (use '--impure' to override)",
            Bounds::Restricted { .. } => "forbidden in restricted mode",
        };
        Err(WorldError(format!("access to absolute path '{path}' is {why}")))
    }
}

/// Whether `path` is `place`, or below it.
fn is_within(path: &[u8], place: &[u8]) -> bool {
    Path::new(OsStr::from_bytes(path)).starts_with(OsStr::from_bytes(place))
}

/// Whether a URI is `allowed`, or below it: `https://a.example` allows nothing of `https://a.example.net`.
fn is_below(uri: &str, allowed: &str) -> bool {
    match uri.strip_prefix(allowed) {
        Some(rest) => {
            rest.is_empty() || allowed.ends_with(['/', ':']) || !allowed.is_empty() && rest.starts_with('/')
        }
        None => false,
    }
}

impl World for Sealed<'_> {
    fn below(&self) -> Option<&dyn World> {
        Some(self.files)
    }

    fn may_see(&self, path: &[u8]) -> bool {
        // Of the store what evaluation brought there or has a string for, not what lies there anyway.
        let is_brought = matches!(self.files.place(path), Cow::Owned(_));
        let is_referred_to = || self.objects.borrow().iter().any(|object| is_within(path, object));
        let is_allowed = match &self.bounds {
            Bounds::Pure => false,
            // What leads to an allowed place is seen too, as far as it leads there.
            Bounds::Restricted { paths, .. } => {
                paths.iter().any(|place| is_within(path, place) || is_within(place, path))
            }
        };
        is_brought || is_allowed || self.files.is_source(path) || is_referred_to()
    }

    fn has_object(&self, path: &[u8]) -> Result<bool, WorldError> {
        let is_there = self.files.has_object(path)?;
        if is_there && !self.may_see(path) {
            self.objects.borrow_mut().push(path.to_vec());
        }
        Ok(is_there)
    }

    fn check_uri(&self, uri: &str) -> Result<(), WorldError> {
        let Bounds::Restricted { uris, .. } = &self.bounds else { return Ok(()) };
        if uris.iter().any(|allowed| is_below(uri, allowed)) {
            return Ok(());
        }
        match uri.strip_prefix("file://").unwrap_or(uri) {
            path if path.starts_with('/') => self.admit(path.as_bytes()),
            _ => Err(WorldError(format!("access to URI '{uri}' is forbidden in restricted mode"))),
        }
    }

    fn file_type(&self, path: &[u8]) -> Result<Option<FileType>, WorldError> {
        self.admit(path)?;
        self.files.file_type(path)
    }

    fn read_file(&self, path: &[u8]) -> Result<Vec<u8>, WorldError> {
        self.admit(path)?;
        self.files.read_file(path)
    }

    fn read_file_within(&self, path: &[u8], most: usize) -> Result<Option<Vec<u8>>, WorldError> {
        self.admit(path)?;
        self.files.read_file_within(path, most)
    }

    fn is_executable(&self, path: &[u8]) -> Result<bool, WorldError> {
        self.admit(path)?;
        self.files.is_executable(path)
    }

    fn read_dir(&self, path: &[u8]) -> Result<Vec<(Vec<u8>, FileType)>, WorldError> {
        self.admit(path)?;
        let mut entries = self.files.read_dir(path)?;
        entries.retain(|(name, _)| {
            self.may_see(
                Path::new(OsStr::from_bytes(path)).join(OsStr::from_bytes(name)).as_os_str().as_bytes(),
            )
        });
        Ok(entries)
    }

    fn read_link(&self, path: &[u8]) -> Result<Vec<u8>, WorldError> {
        self.admit(path)?;
        self.files.read_link(path)
    }

    fn bring(&self, source: &Source) -> Result<(Vec<u8>, Facts), WorldError> {
        // What is fetched is pinned by a hash; a copy of this machine's files is not.
        if let Source::Directory { path } = source {
            self.admit(path.as_bytes())?;
        }
        self.files.bring(source)
    }

    fn variable(&self, _name: &[u8]) -> Option<Vec<u8>> {
        None
    }

    fn now(&self) -> i64 {
        match self.bounds {
            Bounds::Pure => 0,
            Bounds::Restricted { .. } => self.files.now(),
        }
    }

    fn say(&self, line: &[u8]) {
        self.files.say(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_allows_itself_and_what_is_below() {
        let cases = [
            ("https://a.example/b", "https://a.example", true),
            ("https://a.example/b", "https://a.example/", true),
            ("https://a.example", "https://a.example", true),
            ("https://a.example.net/b", "https://a.example", false),
            ("github:a/b", "github:", true),
            ("https://a.example", "", false),
        ];
        for (uri, allowed, wanted) in cases {
            assert_eq!(is_below(uri, allowed), wanted, "{uri} {allowed}");
        }
    }
}
