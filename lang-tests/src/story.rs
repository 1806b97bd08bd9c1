//! Golden cases as stories: one text file per case, in sections that start with `--- WORD`. Sections that end a step
//! of the story carry what is expected; `UPDATE_EXPECT=1` writes it anew.

pub mod agree;
pub mod sketch;
pub mod world;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// One section of a story.
#[derive(Clone, Debug)]
pub struct Section {
    /// What follows `--- `.
    pub head: String,
    pub body: String,
}

/// Splits a story; text before the first section is a comment.
pub fn sections(text: &str) -> (String, Vec<Section>) {
    let mut comment = String::new();
    let mut out: Vec<Section> = Vec::new();
    for line in text.lines() {
        match (line.strip_prefix("--- "), out.last_mut()) {
            (Some(head), _) => out.push(Section { head: head.trim().to_owned(), body: String::new() }),
            (None, Some(section)) => section.body += &format!("{line}\n"),
            (None, None) => comment += &format!("{line}\n"),
        }
    }
    (comment, out)
}

/// All cases of a directory of this package, as tests: each is told by `tell`, which gets a section and gives what is
/// expected in its body, or `None` where the body is input.
pub fn tests<T: 'static>(
    directory: &str,
    begin: fn() -> T,
    tell: fn(&mut T, &Section) -> Option<String>,
) -> Vec<libtest_mimic::Trial> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
    let mut paths: Vec<PathBuf> = std::fs::read_dir(&directory)
        .unwrap_or_else(|e| panic!("{}: {e}", directory.display()))
        .map(|entry| entry.expect("directory entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "txt"))
        .collect();
    paths.sort();
    let name = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    paths
        .into_iter()
        .map(|path| libtest_mimic::Trial::test(name(&path), move || check(&path, begin, tell)))
        .collect()
}

fn check<T>(
    path: &Path,
    begin: fn() -> T,
    tell: fn(&mut T, &Section) -> Option<String>,
) -> Result<(), libtest_mimic::Failed> {
    let text = std::fs::read_to_string(path)?;
    let (mut told, sections) = sections(&text);
    let mut state = begin();
    for section in &sections {
        let body = tell(&mut state, section);
        let body = body.as_deref().map_or(section.body.trim_end(), str::trim_end);
        let _ = writeln!(told, "--- {}\n{body}", section.head);
        told.truncate(told.trim_end().len());
        told.push_str("\n\n");
    }
    told.truncate(told.trim_end().len());
    told.push('\n');
    if told == text {
        return Ok(());
    }
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(path, told)?;
        return Ok(());
    }
    Err(format!("{} differs; UPDATE_EXPECT=1 accepts this:\n{told}", path.display()).into())
}
