//! Reads a case file and writes its build context.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

#[derive(Debug, Default)]
pub struct Case {
    files: Vec<(String, Kind)>,
    pub arguments: Vec<String>,
    pub failure: Option<String>,
    pub no_buildah: Option<String>,
    /// A shell script, run in the context, for what text cannot say: other file types, compressed archives, line ends.
    script: Option<String>,
}

#[derive(Debug)]
enum Kind {
    File {
        mode: u32,
        text: String,
    },
    Link(String),
    /// A gzipped tar of a directory of the context, which is taken away.
    Archive(String),
}

impl Case {
    pub fn read(file: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(file).map_err(|e| e.to_string())?;
        let mut case = Self::default();
        let mut sections = text.split("\n== ").map(|s| s.strip_prefix("== ").unwrap_or(s));
        sections.try_for_each(|section| {
            let (head, body) = section.split_once('\n').unwrap_or((section, ""));
            case.section(head.trim(), body)
        })?;
        Ok(case)
    }

    fn section(&mut self, head: &str, body: &str) -> Result<(), String> {
        // The line break before the next heading belongs to the file.
        let body =
            if body.is_empty() || body.ends_with('\n') { body.to_owned() } else { format!("{body}\n") };
        match head {
            "arguments" => self.arguments = body.lines().map(str::to_owned).collect(),
            "expect-failure" => self.failure = Some(body),
            "no-buildah" => self.no_buildah = Some(body),
            "script" => self.script = Some(body),
            _ => {
                if let Some((path, dir)) = head.split_once(" <- ") {
                    self.files.push((path.to_owned(), Kind::Archive(dir.to_owned())));
                } else if let Some((path, target)) = head.split_once(" -> ") {
                    self.files.push((path.to_owned(), Kind::Link(target.to_owned())));
                } else {
                    let (path, mode) = head.rsplit_once(' ').unwrap_or((head, "0644"));
                    let mode = u32::from_str_radix(mode, 8).map_err(|e| format!("{head}: {e}"))?;
                    self.files.push((path.to_owned(), Kind::File { mode, text: body }));
                }
            }
        }
        Ok(())
    }

    pub fn write(&self, context: &Path) -> Result<(), String> {
        self.write_files(context).map_err(|e| format!("{}: {e}", context.display()))?;
        let Some(script) = &self.script else { return Ok(()) };
        let script = format!("set -e; umask 022\n{script}");
        super::fixture::run(Command::new("sh").args(["-c", &script]).current_dir(context)).map(drop)
    }

    fn write_files(&self, context: &Path) -> std::io::Result<()> {
        fs::create_dir_all(context)?;
        for (path, kind) in &self.files {
            let at = context.join(path);
            if let Some(parent) = at.parent() {
                fs::create_dir_all(parent)?;
            }
            match kind {
                Kind::File { mode, text } => {
                    fs::write(&at, text)?;
                    fs::set_permissions(&at, fs::Permissions::from_mode(*mode))?;
                }
                Kind::Link(target) => symlink(target, &at)?,
                Kind::Archive(dir) => {
                    let dir = context.join(dir);
                    let words = ["--owner=5", "--group=6", "--numeric-owner", "--sort=name", "-czf"];
                    let status =
                        Command::new("tar").arg("-C").arg(&dir).args(words).arg(&at).arg(".").status()?;
                    if !status.success() {
                        return Err(std::io::Error::other("tar failed"));
                    }
                    fs::remove_dir_all(dir)?;
                }
            }
        }
        Ok(())
    }
}
