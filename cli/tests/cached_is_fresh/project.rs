//! Random projects: a Dockerfile of instructions that read and write a few shared paths, files, and edits of both.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use proptest::prelude::*;

const FILES: [&str; 4] = ["a", "b", "dir/c", "dir/d"];
const PLACES: [&str; 4] = ["/w/a", "/w/b", "/w/dir/c", "/w/new"];

/// One instruction; numbers choose files and places.
#[derive(Clone, Debug)]
pub enum Line {
    Copy { file: usize, place: usize },
    CopyAll,
    Append { from: usize, to: usize },
    List,
    Exists { place: usize },
    Stat { place: usize },
    Link { from: usize, to: usize },
    Remove { place: usize },
    Arg { value: u8 },
    UseArg { to: usize },
    Env { value: u8 },
    Label { value: u8 },
    Workdir { number: u8 },
    CopyFrom { place: usize },
}

/// A source: the lines of a first stage and of the last one, and files.
#[derive(Clone, Debug)]
pub struct Project {
    first: Vec<Line>,
    last: Vec<Line>,
    files: BTreeMap<&'static str, u8>,
}

/// A change of a project.
#[derive(Clone, Debug)]
pub enum Edit {
    File { file: usize, content: u8 },
    Gone { file: usize },
    Replace { at: usize, line: Line },
    Insert { at: usize, line: Line },
    Delete { at: usize },
    Swap { at: usize },
}

fn line() -> impl Strategy<Value = Line> {
    let (file, place, value) = (0..FILES.len(), 0..PLACES.len(), 0..3_u8);
    prop_oneof![
        (file, place.clone()).prop_map(|(file, place)| Line::Copy { file, place }),
        Just(Line::CopyAll),
        (place.clone(), place.clone()).prop_map(|(from, to)| Line::Append { from, to }),
        Just(Line::List),
        place.clone().prop_map(|place| Line::Exists { place }),
        place.clone().prop_map(|place| Line::Stat { place }),
        (place.clone(), place.clone()).prop_map(|(from, to)| Line::Link { from, to }),
        place.clone().prop_map(|place| Line::Remove { place }),
        value.clone().prop_map(|value| Line::Arg { value }),
        place.clone().prop_map(|to| Line::UseArg { to }),
        value.clone().prop_map(|value| Line::Env { value }),
        value.clone().prop_map(|value| Line::Label { value }),
        value.prop_map(|number| Line::Workdir { number }),
        place.prop_map(|place| Line::CopyFrom { place }),
    ]
}

/// Any project.
pub fn any() -> impl Strategy<Value = Project> {
    let lines = || prop::collection::vec(line(), 1..6);
    (lines(), lines(), prop::collection::vec(0..3_u8, FILES.len())).prop_map(|(first, last, contents)| {
        Project { first, last, files: FILES.into_iter().zip(contents).collect() }
    })
}

/// Any edit.
pub fn edit() -> impl Strategy<Value = Edit> {
    let at = 0..12_usize;
    prop_oneof![
        3 => (0..FILES.len(), 0..4_u8).prop_map(|(file, content)| Edit::File { file, content }),
        1 => (0..FILES.len()).prop_map(|file| Edit::Gone { file }),
        2 => (at.clone(), line()).prop_map(|(at, line)| Edit::Replace { at, line }),
        2 => (at.clone(), line()).prop_map(|(at, line)| Edit::Insert { at, line }),
        1 => at.clone().prop_map(|at| Edit::Delete { at }),
        1 => at.prop_map(|at| Edit::Swap { at }),
    ]
}

impl Project {
    pub fn apply(&mut self, edit: &Edit) {
        let (Edit::Replace { at, .. } | Edit::Insert { at, .. } | Edit::Delete { at } | Edit::Swap { at }) =
            edit
        else {
            match edit {
                Edit::File { file, content } => drop(self.files.insert(FILES[*file], *content)),
                Edit::Gone { file } => drop(self.files.remove(FILES[*file])),
                _ => {}
            }
            return;
        };
        let lines = if at % 2 == 0 { &mut self.first } else { &mut self.last };
        let at = (at / 2) % (lines.len() + 1);
        match edit {
            Edit::Replace { line, .. } if at < lines.len() => lines[at] = line.clone(),
            Edit::Replace { line, .. } | Edit::Insert { line, .. } => lines.insert(at, line.clone()),
            Edit::Delete { .. } if at < lines.len() => drop(lines.remove(at)),
            Edit::Swap { .. } if at + 1 < lines.len() => lines.swap(at, at + 1),
            _ => {}
        }
    }

    /// Writes it as a build context.
    pub fn write(&self, dir: &Path) {
        fs::remove_dir_all(dir).expect("removed");
        fs::create_dir_all(dir.join("dir")).expect("a directory");
        for (name, content) in &self.files {
            fs::write(dir.join(name), format!("content {content}\n")).expect("written");
        }
        fs::write(dir.join(".dockerignore"), "Dockerfile\n.dockerignore\n").expect("written");
        fs::write(dir.join("Dockerfile"), self.dockerfile()).expect("written");
    }

    fn dockerfile(&self) -> String {
        let mut out = "FROM localhost/busybox AS first\nRUN --network=none mkdir -p /w/dir\n".to_owned();
        self.first.iter().filter(|line| !matches!(line, Line::CopyFrom { .. })).for_each(|l| out += &text(l));
        out += "FROM localhost/busybox\nRUN --network=none mkdir -p /w/dir\n";
        self.last.iter().for_each(|line| out += &text(line));
        out + "COPY --from=first /w /first\n"
    }
}

fn text(line: &Line) -> String {
    let command = |text: String| format!("RUN --network=none {text}\n");
    match line {
        Line::Copy { file, place } => format!("COPY {} {}\n", FILES[*file], PLACES[*place]),
        Line::CopyAll => "COPY . /w/\n".to_owned(),
        Line::Append { from, to } => {
            command(format!("(cat {} || echo none) >> {}; true", PLACES[*from], PLACES[*to]))
        }
        Line::List => command("ls /w /w/dir > /listing".to_owned()),
        Line::Exists { place } => {
            command(format!("if test -e {}; then echo yes; else echo no; fi >> /seen", PLACES[*place]))
        }
        Line::Stat { place } => command(format!("stat -c '%a %s %F' {} > /stat; true", PLACES[*place])),
        Line::Link { from, to } => command(format!("ln -sf {} {}; true", PLACES[*from], PLACES[*to])),
        Line::Remove { place } => command(format!("rm -rf {}", PLACES[*place])),
        Line::Arg { value } => format!("ARG VALUE={value}\n"),
        Line::UseArg { to } => command(format!("echo \"$VALUE $SET\" > {}; true", PLACES[*to])),
        Line::Env { value } => format!("ENV SET={value}\n"),
        Line::Label { value } => format!("LABEL label={value}\n"),
        Line::Workdir { number } => format!("WORKDIR /work{number}\n"),
        Line::CopyFrom { place } => format!("COPY --from=first {} /copied\n", PLACES[*place]),
    }
}
