//! The spellings of `-v`, `--mount` and `--tmpfs`.

use std::path::{Component, Path, PathBuf};

use buildc_ir::go;

use crate::container::error::{ContainerError, Result};
use crate::container::options::size;
use crate::container::spec::{Mount, MountSource, VolumesFrom};
use crate::volume;

const PROPAGATIONS: [&str; 6] = ["private", "rprivate", "slave", "rslave", "shared", "rshared"];

/// `-v`: `SOURCE:TARGET[:OPTIONS]` or `TARGET`. Relative sources are relative to `current_dir`.
pub fn volume(text: &str, current_dir: &Path) -> Result<Mount> {
    let bad = |reason: &str| ContainerError::option("--volume", text, reason);
    let parts: Vec<&str> = text.split(':').collect();
    if let ["", _, ..] = parts.as_slice() {
        return Err(bad("the source is empty"));
    }
    let (source, target, options) = match parts.as_slice() {
        [target] => ("", *target, ""),
        [source, target] => (*source, *target, ""),
        [source, target, options] => (*source, *target, *options),
        _ => return Err(bad("it is not of the form SOURCE:TARGET[:OPTIONS]")),
    };
    let target = absolute(target).ok_or_else(|| bad("the target is not an absolute path other than /"))?;
    let mut mount =
        Mount { source: volume_source(source, current_dir).map_err(|r| bad(&r))?, target, readonly: false };
    for option in options.split(',').filter(|option| !option.is_empty()) {
        apply_volume_option(&mut mount, option)
            .ok_or_else(|| bad(&format!("option `{option}` is not known here")))?;
    }
    Ok(mount)
}

fn volume_source(source: &str, current_dir: &Path) -> std::result::Result<MountSource, String> {
    if source.is_empty() {
        return Ok(MountSource::Volume { name: None, nocopy: false });
    }
    if source.starts_with(['/', '.']) {
        return Ok(bind(current_dir.join(source), true));
    }
    if !volume::valid_name(source) {
        return Err(format!("`{source}` is neither a path nor a volume's name"));
    }
    Ok(MountSource::Volume { name: Some(source.to_owned()), nocopy: false })
}

fn bind(path: PathBuf, create: bool) -> MountSource {
    MountSource::Bind { path: cleaned(&path), create, propagation: None, recursive: true }
}

fn apply_volume_option(mount: &mut Mount, option: &str) -> Option<()> {
    match (option, &mut mount.source) {
        ("ro" | "readonly", _) => mount.readonly = true,
        ("rw", _) => mount.readonly = false,
        // Labels of SELinux and hints of other systems' file sharing change nothing here.
        ("z" | "Z" | "cached" | "delegated" | "consistent", _) => {}
        ("nocopy", MountSource::Volume { nocopy, .. }) => *nocopy = true,
        (name, MountSource::Bind { propagation, .. }) if PROPAGATIONS.contains(&name) => {
            *propagation = Some(name.to_owned());
        }
        _ => return None,
    }
    Some(())
}

/// What `--mount` says, before it is known what belongs together.
#[derive(Default)]
struct Fields {
    kind: Option<String>,
    source: Option<String>,
    target: Option<String>,
    readonly: bool,
    propagation: Option<String>,
    non_recursive: bool,
    create: bool,
    nocopy: bool,
    size_bytes: Option<u64>,
    mode: Option<u32>,
}

/// `--mount`: comma-separated `key=value`.
pub fn mount(text: &str, current_dir: &Path) -> Result<Mount> {
    let bad = |reason: String| ContainerError::option("--mount", text, reason);
    let mut fields = Fields::default();
    for field in csv(text).ok_or_else(|| bad("a quote is not closed".to_owned()))? {
        fields.read(&field).map_err(bad)?;
    }
    let target = fields.target.take().ok_or_else(|| bad("the target (dst=) is missing".to_owned()))?;
    let target =
        absolute(&target).ok_or_else(|| bad("the target is not an absolute path other than /".to_owned()))?;
    let readonly = fields.readonly;
    Ok(Mount { source: fields.into_source(current_dir).map_err(bad)?, target, readonly })
}

impl Fields {
    fn read(&mut self, field: &str) -> std::result::Result<(), String> {
        let (key, value) = field.split_once('=').map_or((field, None), |(key, value)| (key, Some(value)));
        let text = || value.map(str::to_owned).ok_or_else(|| format!("`{key}` needs a value"));
        let flag = || match value {
            None => Ok(true),
            Some(word) => go::truth(word).ok_or_else(|| format!("`{key}` is true or false")),
        };
        match key {
            "type" => self.kind = Some(text()?),
            "source" | "src" => self.source = Some(text()?),
            "target" | "dst" | "destination" => self.target = Some(text()?),
            "readonly" | "ro" => self.readonly = flag()?,
            "bind-propagation" => self.propagation = Some(text()?),
            "bind-nonrecursive" => self.non_recursive = flag()?,
            "bind-create-src" => self.create = flag()?,
            "volume-nocopy" => self.nocopy = flag()?,
            "tmpfs-size" => self.size_bytes = Some(size("--mount", &text()?).map_err(|e| e.to_string())?),
            "tmpfs-mode" => {
                let mode =
                    u32::from_str_radix(&text()?, 8).map_err(|_| "the mode is not octal".to_owned())?;
                self.mode = Some(mode & 0o7777);
            }
            _ => return Err(format!("key `{key}` is not known")),
        }
        Ok(())
    }

    fn into_source(self, current_dir: &Path) -> std::result::Result<MountSource, String> {
        match (self.kind.as_deref().unwrap_or("volume"), self.source) {
            ("bind", Some(source)) => {
                if let Some(name) = self.propagation.as_deref().filter(|name| !PROPAGATIONS.contains(name)) {
                    return Err(format!("propagation `{name}` is not known"));
                }
                let path = cleaned(&current_dir.join(source));
                let (create, recursive) = (self.create, !self.non_recursive);
                Ok(MountSource::Bind { path, create, propagation: self.propagation, recursive })
            }
            ("bind", None) => Err("a bind needs a source (src=)".to_owned()),
            ("volume", name) => match name.filter(|name| !name.is_empty()) {
                Some(name) if !volume::valid_name(&name) => Err(format!("`{name}` is no volume's name")),
                name => Ok(MountSource::Volume { name, nocopy: self.nocopy }),
            },
            ("tmpfs", None) => Ok(MountSource::Tmpfs {
                options: with_tmpfs_defaults(&[]),
                size_bytes: self.size_bytes,
                mode: self.mode,
            }),
            ("tmpfs", Some(_)) => Err("a tmpfs has no source".to_owned()),
            (kind, _) => Err(format!("type `{kind}` is not bind, volume or tmpfs")),
        }
    }
}

/// `--volumes-from`: `CONTAINER[:ro|rw]`.
pub fn volumes_from(text: &str) -> Result<VolumesFrom> {
    let (container, mode) = text.split_once(':').unwrap_or((text, "rw"));
    let bad = |reason: &str| Err(ContainerError::option("--volumes-from", text, reason));
    match mode {
        _ if container.is_empty() => bad("the container is missing"),
        // Labels for SELinux, which buildc does not set.
        "rw" | "z" | "Z" => Ok(VolumesFrom { container: container.to_owned(), readonly: false }),
        "ro" => Ok(VolumesFrom { container: container.to_owned(), readonly: true }),
        _ => bad("only ro and rw are known"),
    }
}

/// What a tmpfs gets unless its options say the opposite, as Docker's.
const TMPFS_DEFAULTS: [(&str, &str); 3] = [("noexec", "exec"), ("nosuid", "suid"), ("nodev", "dev")];

/// `--tmpfs`: `TARGET[:OPTIONS]`.
pub fn tmpfs(text: &str) -> Result<Mount> {
    let bad = |reason: &str| ContainerError::option("--tmpfs", text, reason);
    let (target, options) = text.split_once(':').unwrap_or((text, ""));
    let target = absolute(target).ok_or_else(|| bad("the target is not an absolute path other than /"))?;
    let (mut size_bytes, mut mode, mut others) = (None, None, Vec::new());
    for option in options.split(',').filter(|option| !option.is_empty()) {
        match option.split_once('=') {
            Some(("size", value)) => size_bytes = Some(size("--tmpfs", value)?),
            Some(("mode", value)) => {
                mode =
                    Some(u32::from_str_radix(value, 8).map_err(|_| bad("the mode is not octal"))? & 0o7777);
            }
            _ => others.push(option),
        }
    }
    let source = MountSource::Tmpfs { options: with_tmpfs_defaults(&others), size_bytes, mode };
    Ok(Mount { source, target, readonly: others.contains(&"ro") })
}

fn with_tmpfs_defaults(options: &[&str]) -> String {
    let missing = TMPFS_DEFAULTS.iter().filter(|(_, opposite)| !options.contains(opposite));
    let mut all: Vec<&str> = missing.map(|(default, _)| *default).collect();
    all.extend(options.iter().filter(|option| !TMPFS_DEFAULTS.iter().any(|(default, _)| default == *option)));
    all.join(",")
}

/// An absolute path without `.` and `..`; `/` itself cannot be mounted over.
fn absolute(path: &str) -> Option<String> {
    let cleaned = cleaned(Path::new(path));
    (path.starts_with('/') && cleaned != Path::new("/")).then(|| cleaned.to_string_lossy().into_owned())
}

/// The path without `.` and `..`, by its text alone, as Docker has it.
fn cleaned(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                clean.pop();
            }
            other => clean.push(other),
        }
    }
    clean
}

/// Fields of one line of comma-separated values with `"` quoting (RFC 4180); `None` when a quote stays open.
fn csv(text: &str) -> Option<Vec<String>> {
    let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            _ => field.push(c),
        }
    }
    fields.push(field);
    (!quoted).then_some(fields)
}
