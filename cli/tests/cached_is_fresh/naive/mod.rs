//! A builder of the plainest kind: each stage is a directory, and each instruction is done there in its turn.
//!
//! Owns what instructions mean for a tree (BuildKit's rules, as spec/dockerfile.md has them), written apart from the
//! program. Never does: use anything of the program, keep a result, or do two things at once.

mod copy;
pub mod listing;
mod shell;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use self::copy::{Copy, Source};
use crate::files::{Files, NAMES};
use crate::line::{FLAGS, Line, PATTERNS, PLACES, WORKDIRS};
use crate::project::{Project, START};

/// What a build makes, or why it fails.
pub type Outcome<T> = Result<T, String>;

/// Numbers of an owner.
pub type Owner = (u32, u32);

/// The user `app` of the base images.
const APP: Owner = (1000, 1001);

/// The bases, and where stages are made.
pub struct Naive {
    pub bases: [PathBuf; 2],
    pub work: PathBuf,
}

/// A stage while it is built.
struct Stage {
    root: PathBuf,
    variables: BTreeMap<&'static str, String>,
    user: usize,
    workdir: &'static str,
}

impl Naive {
    /// The tree of the last stage of a project whose context has been written.
    pub fn build(&self, project: &Project, context: &Path) -> Outcome<PathBuf> {
        copy::remove(&self.work);
        fs::create_dir_all(&self.work).expect("a place");
        let context = self.visible(&project.files, context);
        let first = self.stage("first", project.bases[0])?;
        let first = project
            .first
            .iter()
            .filter(|line| !line.needs_first())
            .try_fold(first, |stage, line| self.apply(stage, line, project, &context, None))?;
        let last = self.stage("last", project.bases[1])?;
        let last = project
            .last
            .iter()
            .try_fold(last, |stage, line| self.apply(stage, line, project, &context, Some(&first.root)))?;
        Copy::new(vec!["/w".to_owned()], "/first").onto(&last.root, Source::Tree(&first.root))?;
        Ok(last.root)
    }

    /// What of the context a build sees.
    fn visible(&self, files: &Files, context: &Path) -> PathBuf {
        let visible = self.work.join("context");
        shell::host(&["cp", "-a", &context.to_string_lossy(), &visible.to_string_lossy()]).expect("copied");
        for path in listing::paths(&visible) {
            if files.ignores(&path) {
                copy::remove(&visible.join(path));
            }
        }
        visible
    }

    fn stage(&self, name: &str, base: usize) -> Outcome<Stage> {
        let root = self.work.join(name);
        let base = self.bases[base].to_string_lossy();
        shell::host(&["cp", "-a", &base, &root.to_string_lossy()]).expect("copied");
        let stage = Stage { root, variables: BTreeMap::new(), user: 0, workdir: "/" };
        stage.run(START, "")?;
        Ok(stage)
    }

    fn apply(
        &self,
        mut stage: Stage,
        line: &Line,
        project: &Project,
        context: &Path,
        first: Option<&Path>,
    ) -> Outcome<Stage> {
        let here = Source::Context(context);
        match *line {
            Line::Copy { file, place, flag } => {
                Copy::flagged(FLAGS[flag], NAMES[file], PLACES[place]).onto(&stage.root, here)?;
            }
            Line::CopyAll => Copy::new(vec![".".to_owned()], "/w/").onto(&stage.root, here)?,
            Line::CopySome { pattern } => Copy::some(PATTERNS[pattern]).onto(&stage.root, here)?,
            Line::CopyFrom { place, to } => {
                let copy = Copy::new(vec![PLACES[place].to_owned()], PLACES[to]);
                let source = Source::Tree(first.expect("a first stage"));
                copy.onto(&stage.root, source)?;
            }
            Line::CopyFromImage { base, to } => {
                let copy = Copy::new(vec!["/etc/mode".to_owned()], PLACES[to]);
                copy.onto(&stage.root, Source::Tree(&self.bases[base]))?;
            }
            Line::CopyText { to, value } => {
                let text = self.work.join("text");
                fs::create_dir_all(&text).expect("a directory");
                let variable = stage.variables.get("VALUE").map_or("", String::as_str);
                fs::write(text.join("EOF"), format!("{value} {variable}\n")).expect("written");
                Copy::new(vec!["EOF".to_owned()], PLACES[to]).onto(&stage.root, Source::Context(&text))?;
            }
            Line::Unpack { to } => copy::unpack(&stage.root, PLACES[to], &context.join("archive.tar"))?,
            Line::Arg { value } => {
                let given = project.argument.map(|value| format!("given{value}"));
                stage.variables.insert("VALUE", given.unwrap_or_else(|| value.to_string()));
            }
            Line::Env { value } => drop(stage.variables.insert("SET", value.to_string())),
            Line::Label { .. } => {}
            Line::User { number } => stage.user = number,
            Line::Workdir { number } => {
                stage.workdir = WORKDIRS[number];
                copy::make_directory(&stage.root, stage.workdir, stage.owner(), None)?;
            }
            _ => {
                let (mounts, text) = line.command().expect("all others are commands");
                stage.mounted(mounts, context, first, &text)?;
            }
        }
        // An upper layer has a file that is written as a file of its own, whatever other names it had in a lower one.
        copy::unlink_names(&stage.root);
        Ok(stage)
    }
}

impl Stage {
    fn owner(&self) -> Owner {
        [(0, 0), APP, (5, 6)][self.user]
    }

    fn groups(&self) -> &'static str {
        // `staff` has app as a member; a group that is written out is the only one.
        ["0", "1001,50", "6"][self.user]
    }

    /// Runs a text with a mount, whose place is made for it where it is missing, and gone afterwards.
    fn mounted(&self, flag: &str, context: &Path, first: Option<&Path>, text: &str) -> Outcome<()> {
        let (source, target) = match flag {
            "" => return self.run(text, ""),
            "type=bind,source=dir,target=/w/dir" => (context.join("dir"), "/w/dir"),
            "type=bind,from=first,source=/w,target=/w" => {
                (copy::resolve(first.expect("a first stage"), "/w")?, "/w")
            }
            "type=tmpfs,target=/w/dir" => ("none".into(), "/w/dir"),
            other => panic!("no mount `{other}`"),
        };
        let place = copy::resolve(&self.root, target)?;
        let options = match fs::metadata(&place) {
            _ if flag.starts_with("type=bind") => "--bind -o ro".to_owned(),
            // As runc has it.
            Ok(meta) => format!("-t tmpfs -o mode={:o}", meta.mode() & 0o7777),
            Err(_) => "-t tmpfs".to_owned(),
        };
        let missing: Vec<&Path> = place.ancestors().take_while(|path| !path.exists()).collect();
        copy::make_directory(&self.root, target, (0, 0), None)?;
        self.run(text, &format!("mount {options} {} {}", source.display(), place.display()))?;
        missing.iter().try_for_each(fs::remove_dir).map_err(|error| error.to_string())
    }

    fn run(&self, text: &str, mounts: &str) -> Outcome<()> {
        copy::make_directory(&self.root, self.workdir, self.owner(), None)?;
        shell::command(self, text, mounts)
    }
}
