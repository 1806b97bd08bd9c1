//! The files a build starts from: the Dockerfile and the ignore file.

use std::io::Read;
use std::path::{Path, PathBuf};

use buildc_compiler::dockerfile::foreign::{self, Decoded};
use buildc_compiler::dockerfile::{self, ast};
use buildc_executor::context::incoming::{self, Incoming};
use buildc_ir::{Diagnostic, FileId};

use crate::commands::build::SourceArgs;
use crate::failure::{Failure, os_text};
use crate::place::{Place, is_web};

/// A Dockerfile bigger than this is no Dockerfile.
const DOCKERFILE_LIMIT_BYTES: u64 = 16 << 20;

/// The text of a Dockerfile and where it is from.
#[derive(Debug)]
pub struct Dockerfile {
    /// As diagnostics name it.
    pub shown: String,
    /// `None` for standard input.
    pub path: Option<PathBuf>,
    /// The whole text, and where it had bytes that are none.
    pub text: Decoded,
}

impl Dockerfile {
    /// Reads `-f`, or what came in place of the context, or the default of the context.
    pub fn read(args: &SourceArgs, place: &mut Place) -> Result<Self, Failure> {
        if let Some(found) = place.dockerfile.take() {
            return Ok(found);
        }
        if let Some((shown, text)) = &args.inline {
            return Ok(Self {
                shown: shown.clone(),
                path: None,
                text: foreign::decode(text.clone().into_bytes()),
            });
        }
        let context = place.dir.as_deref().unwrap_or(Path::new("."));
        match &args.file {
            Some(file) if is_web(&file.to_string_lossy()) => Self::fetched(&file.to_string_lossy()),
            Some(file) if place.local || file == Path::new("-") => Self::at(file),
            Some(file) => Self::inside(context, file),
            None if place.local => Self::at(&default_file(context)?),
            None => Self::inside(context, default_file(context)?.strip_prefix(context).unwrap_or(context)),
        }
    }

    /// A file of a context that was fetched; a link does not lead out of it.
    fn inside(context: &Path, file: &Path) -> Result<Self, Failure> {
        let (root, path) = (context.canonicalize(), context.join(file).canonicalize());
        match (root, path) {
            (Ok(root), Ok(path)) if path.starts_with(&root) => {
                Ok(Self { shown: file.display().to_string(), ..Self::at(&path)? })
            }
            _ => Err(Failure::new(
                "input::no_dockerfile",
                format!("There is no Dockerfile `{}` in the context", file.display()),
            )
            .help("-f names a file within a context that is fetched")),
        }
    }

    fn fetched(url: &str) -> Result<Self, Failure> {
        match incoming::fetch(url)? {
            Incoming::Text(bytes) => {
                Ok(Self { shown: url.to_owned(), path: None, text: decoded(bytes, Path::new(url))? })
            }
            Incoming::Files(_) => Err(Failure::usage(format!("`{url}` is an archive, no Dockerfile"))),
        }
    }

    /// Reads a file; `-` is standard input.
    pub fn at(path: &Path) -> Result<Self, Failure> {
        if path == Path::new("-") {
            let text = read_limited(std::io::stdin().lock(), Path::new("<stdin>"))?;
            return Ok(Self { shown: "<stdin>".to_owned(), path: None, text });
        }
        let file = std::fs::File::open(path).map_err(|e| missing(path, &e))?;
        let text = read_limited(file, path)?;
        Ok(Self {
            shown: path.strip_prefix("./").unwrap_or(path).display().to_string(),
            path: Some(path.to_owned()),
            text,
        })
    }

    /// Reads the text, which is `file` of a source map; what could not be understood is described by the diagnostics.
    pub fn parse(&self, file: FileId) -> (ast::Dockerfile, Vec<Diagnostic>) {
        let (ast, mut problems) = dockerfile::parse(file, &self.text.text);
        problems.extend(self.text.problems(&ast));
        (ast, problems)
    }

    /// The ignore file that applies: `NAME.dockerignore` beside the Dockerfile, else `.dockerignore` of the context.
    pub fn ignore(&self, context: &Path) -> Result<Option<(String, String)>, Failure> {
        let beside = self.path.as_ref().map(|path| {
            let mut name = path.file_name().unwrap_or_default().to_owned();
            name.push(".dockerignore");
            path.with_file_name(name)
        });
        for path in beside.into_iter().chain([context.join(".dockerignore")]) {
            if let Some(found) = ignore_file(&path)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

/// Name and text of an ignore file, if there is one.
pub fn ignore_file(path: &Path) -> Result<Option<(String, String)>, Failure> {
    match std::fs::File::open(path) {
        Ok(file) => {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            Ok(Some((name, rules(read_limited(file, path)?, path)?)))
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Failure::file("read", path, &e)),
    }
}

/// `Dockerfile`, or `dockerfile` as Docker also accepts.
fn default_file(context: &Path) -> Result<PathBuf, Failure> {
    let path = context.join("Dockerfile");
    if path.exists() {
        return Ok(path);
    }
    let lower = context.join("dockerfile");
    if lower.exists() {
        return Ok(lower);
    }
    if !context.is_dir() {
        let text = context.to_string_lossy();
        return Err(Failure::new("input::not_found", format!("There is no directory `{text}` to build"))
            .help("`buildc build .` builds the current directory"));
    }
    Err(Failure::new("input::no_dockerfile", format!("There is no Dockerfile in `{}`", context.display()))
        .help("Write one, or name another file with -f"))
}

fn missing(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(
        "input::not_found",
        format!("Cannot read the Dockerfile `{}`: {}", path.display(), os_text(error)),
    )
    .help("-f is relative to the current directory, not to the build context")
}

/// The text of an ignore file; in its comments bytes may be any.
fn rules(Decoded { text, foreign }: Decoded, path: &Path) -> Result<String, Failure> {
    let before = |at: &usize| text.get(..*at).unwrap_or_default();
    let comment = |line: &str| line.trim_start_matches('\u{feff}').starts_with('#');
    let in_rule = |at: &&usize| !before(at).rsplit('\n').next().is_some_and(comment);
    match foreign.iter().find(in_rule) {
        Some(at) => {
            let number = before(at).matches('\n').count() + 1;
            Err(not_utf8(format!("Line {number} of `{}` is not UTF-8 text", path.display())))
        }
        None => Ok(text),
    }
}

fn read_limited(reader: impl Read, path: &Path) -> Result<Decoded, Failure> {
    let mut bytes = Vec::new();
    reader
        .take(DOCKERFILE_LIMIT_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| Failure::file("read", path, &e))?;
    if bytes.len() as u64 > DOCKERFILE_LIMIT_BYTES {
        return Err(Failure::new("input::too_big", format!("`{}` is bigger than 16 MiB", path.display())));
    }
    decoded(bytes, path)
}

/// Bytes as text. A mark of UTF-16 says that all of it is none.
pub fn decoded(bytes: Vec<u8>, path: &Path) -> Result<Decoded, Failure> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(not_utf8(format!("`{}` is UTF-16, not UTF-8 text", path.display())));
    }
    Ok(foreign::decode(bytes))
}

fn not_utf8(message: String) -> Failure {
    Failure::new("input::not_utf8", message).help("Save it as UTF-8")
}
