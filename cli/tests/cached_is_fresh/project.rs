//! Random projects: a Dockerfile of two stages and files, and edits of both.

use std::fs;
use std::path::Path;

use proptest::prelude::*;

use crate::files::{self, Change, Files};
use crate::line::{self, Line};

/// The command that every stage begins with.
pub const START: &str = "mkdir -p /w/dir && chmod 777 /w /w/dir";

/// A source: its base images, the lines of a first stage and of the last one, a build argument, and files.
#[derive(Clone, Debug)]
pub struct Project {
    pub bases: [usize; 2],
    pub first: Vec<Line>,
    pub last: Vec<Line>,
    pub argument: Option<u8>,
    pub files: Files,
}

/// A change of a project.
#[derive(Clone, Debug)]
pub enum Edit {
    Files(Change),
    Base { of: usize, base: usize },
    Argument { value: Option<u8> },
    Replace { at: usize, line: Line },
    Insert { at: usize, line: Line },
    Delete { at: usize },
    Swap { at: usize },
}

/// Any project.
pub fn any() -> impl Strategy<Value = Project> {
    let lines = || prop::collection::vec(line::any(), 1..7);
    ((0..2_usize, 0..2_usize), lines(), lines(), prop::option::of(0..2_u8), files::any()).prop_map(
        |((one, two), first, last, argument, files)| Project {
            bases: [one, two],
            first,
            last,
            argument,
            files,
        },
    )
}

/// Any edit.
pub fn edit() -> impl Strategy<Value = Edit> {
    let at = 0..12_usize;
    prop_oneof![
        6 => files::change().prop_map(Edit::Files),
        1 => (0..2_usize, 0..2_usize).prop_map(|(of, base)| Edit::Base { of, base }),
        1 => prop::option::of(0..2_u8).prop_map(|value| Edit::Argument { value }),
        2 => (at.clone(), line::any()).prop_map(|(at, line)| Edit::Replace { at, line }),
        2 => (at.clone(), line::any()).prop_map(|(at, line)| Edit::Insert { at, line }),
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
                Edit::Files(change) => self.files.apply(change),
                Edit::Base { of, base } => self.bases[*of] = *base,
                Edit::Argument { value } => self.argument = *value,
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
        fs::create_dir_all(dir).expect("a directory");
        self.files.write(dir);
        fs::write(dir.join("Dockerfile"), self.dockerfile()).expect("written");
    }

    /// What the command line says beside the context.
    pub fn words(&self) -> Vec<String> {
        self.argument
            .iter()
            .flat_map(|value| ["--build-arg".to_owned(), format!("VALUE=given{value}")])
            .collect()
    }

    pub fn dockerfile(&self) -> String {
        let start = format!("RUN --network=none {START}\n");
        let [one, two] = self.bases;
        let mut out = format!("FROM localhost/base{one} AS first\n{start}");
        self.first.iter().filter(|line| !line.needs_first()).for_each(|line| out += &line.text());
        out += &format!("FROM localhost/base{two}\n{start}");
        self.last.iter().for_each(|line| out += &line.text());
        out + "COPY --from=first /w /first\n"
    }
}
