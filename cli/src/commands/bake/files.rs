//! The files that `buildc bake` reads.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// Most that is read of a file which another names, in bytes: more than any reader takes.
const LIMIT_BYTES: u64 = 16 << 20;

/// Files that are looked for, in this order; each that is there is read.
const DEFAULT_FILES: [&str; 8] = [
    "compose.yaml",
    "compose.yml",
    "docker-compose.yml",
    "docker-compose.yaml",
    "docker-bake.json",
    "docker-bake.hcl",
    "docker-bake.override.json",
    "docker-bake.override.hcl",
];
/// Names files in the place of `-f`.
const FILES_VARIABLE: &str = "BUILDX_BAKE_FILE";
/// What stands between them, instead of `:`.
const SEPARATOR_VARIABLE: &str = "BUILDX_BAKE_PATH_SEPARATOR";
/// Where compose files take variables from that the environment does not have.
const DOTENV: &str = ".env";

/// The files with their names.
pub(super) fn texts(files: &[PathBuf]) -> Result<Vec<(String, String)>, Failure> {
    let files = match (files.is_empty(), std::env::var(FILES_VARIABLE)) {
        (false, _) => files.to_vec(),
        (true, Ok(list)) if !list.is_empty() => {
            let separator = std::env::var(SEPARATOR_VARIABLE).ok().filter(|text| !text.is_empty());
            let names = list.split(separator.as_deref().unwrap_or(":")).map(str::trim);
            names.filter(|name| !name.is_empty()).map(PathBuf::from).collect()
        }
        (true, _) => DEFAULT_FILES.iter().map(PathBuf::from).filter(|path| path.is_file()).collect(),
    };
    if files.is_empty() {
        return Err(Failure::new(
            "input::not_found",
            "There is no docker-bake.hcl, docker-bake.json or compose.yaml here",
        )
        .help("Name a file with -f"));
    }
    files.iter().map(|path| text(path)).collect()
}

fn text(path: &Path) -> Result<(String, String), Failure> {
    if path != Path::new("-") {
        let path = path.strip_prefix("cwd://").unwrap_or(path);
        let text = std::fs::read_to_string(path).map_err(|e| Failure::file("read", path, &e))?;
        return Ok((path.display().to_string(), text));
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|e| Failure::file("read", path, &e))?;
    Ok(("-".to_owned(), text))
}

/// The text of the `.env` file, empty where there is none.
pub(super) fn dotenv() -> Result<String, Failure> {
    match std::fs::read_to_string(DOTENV) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        read => read.map_err(|e| Failure::file("read", Path::new(DOTENV), &e)),
    }
}

/// The text of a file that a compose file names, `None` where there is none.
pub(super) fn named(path: &Path) -> Result<Option<String>, String> {
    // Devices and pipes never end; who asks says what is too large.
    let read = || {
        let mut text = String::new();
        std::fs::File::open(path)?.take(LIMIT_BYTES).read_to_string(&mut text)?;
        Ok::<_, std::io::Error>(text)
    };
    match read() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some).map_err(|error| format!("{} cannot be read: {error}", path.display())),
    }
}
