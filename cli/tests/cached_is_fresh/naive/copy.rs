//! COPY, ADD and WORKDIR on a directory. Owns how paths are found and what is made where. Never does: leave the root.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown, symlink};
use std::path::{Component, Path, PathBuf};

use super::{APP, Outcome, Owner, listing, shell};

/// Where a copy takes from.
#[derive(Clone, Copy)]
pub enum Source<'a> {
    Context(&'a Path),
    Tree(&'a Path),
}

/// What is taken of a path: all, a directory for the sake of what is in it, or nothing.
#[derive(PartialEq)]
enum Take {
    Whole,
    Parent,
    Nothing,
}

/// A COPY.
#[derive(Clone)]
pub struct Copy {
    sources: Vec<String>,
    to: String,
    owner: Option<Owner>,
    mode: Option<u32>,
    link: bool,
    parents: bool,
    exclude: Option<&'static str>,
    /// Files of a stage or an image keep their owners; those of a context are root's.
    keeps_owner: bool,
}

impl Copy {
    pub fn new(sources: Vec<String>, to: &str) -> Self {
        Self {
            sources,
            to: to.to_owned(),
            owner: None,
            mode: None,
            link: false,
            parents: false,
            exclude: None,
            keeps_owner: false,
        }
    }

    /// One file with the flags of the generator.
    pub fn flagged(flags: &str, source: &str, to: &str) -> Self {
        let mut copy = Self::new(vec![source.to_owned()], to);
        for flag in flags.split_whitespace() {
            match flag {
                "--link" => copy.link = true,
                "--chmod=600" => copy.mode = Some(0o600),
                "--chown=1000:50" => copy.owner = Some((1000, 50)),
                "--chown=5:6" => copy.owner = Some((5, 6)),
                "--chown=app" => copy.owner = Some(APP),
                other => panic!("no flag `{other}`"),
            }
        }
        copy
    }

    /// Patterns into `/w/`, with the flags of the generator.
    pub fn some(words: &str) -> Self {
        let mut copy = Self::new(Vec::new(), "/w/");
        for word in words.split_whitespace() {
            match word {
                "--exclude=*/c" => copy.exclude = Some("*/c"),
                "--parents" => copy.parents = true,
                source => copy.sources.push(source.to_owned()),
            }
        }
        copy
    }

    /// Does it.
    pub fn onto(&self, root: &Path, source: Source<'_>) -> Outcome<()> {
        if self.link {
            // Made on nothing, then laid over what is there.
            let layer = root.with_extension("layer");
            remove(&layer);
            fs::create_dir(&layer).expect("a directory");
            Self { link: false, ..self.clone() }.onto(&layer, source)?;
            lay_over(&layer, root);
            return Ok(());
        }
        let (from, keeps_owner) = match source {
            Source::Context(from) => (from, false),
            Source::Tree(from) => (from, true),
        };
        Self { keeps_owner, ..self.clone() }.all(root, from)
    }

    fn all(&self, root: &Path, from: &Path) -> Outcome<()> {
        for pattern in &self.sources {
            if self.parents {
                self.with_parents(root, from, pattern)?;
                continue;
            }
            for found in matches(from, pattern)? {
                self.one(root, from, &found)?;
            }
        }
        Ok(())
    }

    fn one(&self, root: &Path, from: &Path, found: &str) -> Outcome<()> {
        let source = resolve(from, found)?;
        let is_directory = fs::symlink_metadata(&source).map_err(|e| format!("{found}: {e}"))?.is_dir();
        let parent = match self.to.strip_suffix('/') {
            Some(to) => to,
            None => self.to.rsplit_once('/').expect("an absolute path").0,
        };
        make_directory(root, parent, self.owner.unwrap_or((0, 0)), self.mode)?;
        let mut to = resolve(root, &self.to)?;
        if is_directory {
            if fs::symlink_metadata(&to).is_err() {
                make_directory(root, &self.to, self.owner.unwrap_or((0, 0)), self.mode)?;
            }
            return self.contents(&source, &to, Path::new(""), &|_| Take::Whole);
        }
        if to.is_dir() {
            to.push(Path::new(found).file_name().expect("a name"));
        }
        self.put(&source, &to)
    }

    /// Lays what is in a directory into another one.
    fn contents(&self, from: &Path, to: &Path, below: &Path, takes: &dyn Fn(&Path) -> Take) -> Outcome<()> {
        if !fs::symlink_metadata(to).is_ok_and(|meta| meta.is_dir()) {
            return Err(format!("{}: cannot copy to non-directory", to.display()));
        }
        for name in names(from) {
            let (source, to, path) = (from.join(&name), to.join(&name), below.join(&name));
            let meta = fs::symlink_metadata(&source).expect("it is there");
            let take = takes(&path);
            if self.exclude.is_some_and(|pattern| fits(pattern, &path.to_string_lossy()))
                || take == Take::Nothing
            {
                continue;
            }
            if !meta.is_dir() {
                self.put(&source, &to)?;
                continue;
            }
            let is_new = fs::symlink_metadata(&to).is_err();
            if is_new {
                fs::create_dir(&to).map_err(|e| e.to_string())?;
            }
            self.contents(&source, &to, &path, takes)?;
            if is_new || take == Take::Whole {
                self.dress(&meta, &to);
            } else {
                fs::set_permissions(&to, meta.permissions()).expect("a mode");
            }
        }
        Ok(())
    }

    /// `--parents`: what the pattern names stands below the same directories as in the source.
    fn with_parents(&self, root: &Path, from: &Path, pattern: &str) -> Outcome<()> {
        make_directory(root, &self.to, (0, 0), None)?;
        let parts = pattern.split('/').count();
        let found: Vec<PathBuf> =
            listing::paths(from).into_iter().filter(|path| fits(pattern, &path.to_string_lossy())).collect();
        let takes = |path: &Path| match path.components().count() < parts {
            true if found.iter().any(|found| found.starts_with(path)) => Take::Parent,
            false if found.iter().any(|found| path.starts_with(found)) => Take::Whole,
            _ => Take::Nothing,
        };
        self.contents(from, &resolve(root, &self.to)?, Path::new(""), &takes)
    }

    fn put(&self, source: &Path, to: &Path) -> Outcome<()> {
        if fs::symlink_metadata(to).is_ok_and(|meta| meta.is_dir()) {
            return Err(format!("{}: cannot replace to directory with file", to.display()));
        }
        remove(to);
        let meta = fs::symlink_metadata(source).map_err(|e| e.to_string())?;
        if meta.is_symlink() {
            symlink(fs::read_link(source).expect("a link"), to).map_err(|e| e.to_string())?;
        } else {
            fs::copy(source, to).map_err(|e| format!("{}: {e}", to.display()))?;
        }
        self.dress(&meta, to);
        Ok(())
    }

    fn dress(&self, meta: &fs::Metadata, to: &Path) {
        let own = if self.keeps_owner { (meta.uid(), meta.gid()) } else { (0, 0) };
        let mode = self.mode.unwrap_or(meta.mode() & 0o7777);
        dress(to, self.owner.unwrap_or(own), mode, meta.is_symlink());
    }
}

fn dress(path: &Path, owner: Owner, mode: u32, is_link: bool) {
    lchown(path, Some(owner.0), Some(owner.1)).expect("owned");
    if !is_link {
        fs::set_permissions(path, Permissions::from_mode(mode)).expect("a mode");
    }
}

/// A path below a root with all links followed, the last one too; what is missing is taken as it is written.
pub fn resolve(root: &Path, path: &str) -> Outcome<PathBuf> {
    let mut left: VecDeque<OsString> = parts(Path::new(path));
    let (mut done, mut links) = (PathBuf::new(), 0);
    while let Some(part) = left.pop_front() {
        if part == ".." {
            done.pop();
            continue;
        }
        let next = done.join(&part);
        let Ok(target) = fs::read_link(root.join(&next)) else {
            done = next;
            continue;
        };
        links += 1;
        if links > 100 {
            return Err(format!("{path}: too many links"));
        }
        if target.is_absolute() {
            done.clear();
        }
        let mut all = parts(&target);
        all.append(&mut left);
        left = all;
    }
    Ok(root.join(done))
}

fn parts(path: &Path) -> VecDeque<OsString> {
    path.components()
        .filter(|part| matches!(part, Component::Normal(_) | Component::ParentDir))
        .map(|part| part.as_os_str().to_owned())
        .collect()
}

/// Makes a directory and those above it; one that is there stays as it is.
pub fn make_directory(root: &Path, path: &str, owner: Owner, mode: Option<u32>) -> Outcome<()> {
    let place = resolve(root, path)?;
    let below = place.strip_prefix(root).expect("it is below");
    let mut at = root.to_owned();
    for part in below {
        at.push(part);
        if at.is_dir() {
            continue;
        }
        fs::create_dir(&at).map_err(|error| format!("{}: {error}", at.display()))?;
        dress(&at, owner, mode.unwrap_or(0o755), false);
    }
    Ok(())
}

/// Paths that a source of COPY names; a plain one need not be there.
fn matches(from: &Path, pattern: &str) -> Outcome<Vec<String>> {
    if !pattern.contains(['*', '[']) {
        return Ok(vec![pattern.to_owned()]);
    }
    let all = listing::paths(from).into_iter().map(|path| path.to_string_lossy().into_owned());
    Ok(all.filter(|path| fits(pattern, path)).collect())
}

/// The generator's patterns: `*` and `[ab]` within parts of a path.
fn fits(pattern: &str, path: &str) -> bool {
    let (patterns, parts): (Vec<&str>, Vec<&str>) = (pattern.split('/').collect(), path.split('/').collect());
    let part = |(pattern, part): (&&str, &&str)| match *pattern {
        "*" => true,
        "[ab]" => ["a", "b"].contains(part),
        pattern => match pattern.strip_suffix('*') {
            Some(start) => part.starts_with(start),
            None => pattern == *part,
        },
    };
    patterns.len() == parts.len() && patterns.iter().zip(&parts).all(part)
}

/// ADD of the generator's archive, whose files belong to root.
pub fn unpack(root: &Path, to: &str, archive: &Path) -> Outcome<()> {
    make_directory(root, to, (0, 0), None)?;
    let (to, unpacked) = (resolve(root, to)?, root.with_extension("unpacked"));
    remove(&unpacked);
    fs::create_dir(&unpacked).expect("a directory");
    let words = ["tar", "-C", &unpacked.to_string_lossy(), "-xpf", &archive.to_string_lossy()];
    shell::host(&words).expect("unpacked");
    names(&unpacked).iter().for_each(|name| {
        remove(&to.join(name));
        fs::rename(unpacked.join(name), to.join(name)).expect("moved");
    });
    Ok(())
}

/// Lays a layer over a tree: what is in it is as it is there, whatever was below.
fn lay_over(layer: &Path, root: &Path) {
    for name in names(layer) {
        let (from, to) = (layer.join(&name), root.join(&name));
        let meta = fs::symlink_metadata(&from).expect("it is there");
        let merges = meta.is_dir() && fs::symlink_metadata(&to).is_ok_and(|meta| meta.is_dir());
        if merges {
            dress(&to, (meta.uid(), meta.gid()), meta.mode() & 0o7777, false);
            lay_over(&from, &to);
        } else {
            remove(&to);
            fs::rename(&from, &to).expect("moved");
        }
    }
}

/// Gives each name of a file a file of its own.
pub fn unlink_names(root: &Path) {
    for path in listing::paths(root) {
        let path = root.join(path);
        let meta = fs::symlink_metadata(&path).expect("it is there");
        if meta.is_file() && meta.nlink() > 1 {
            let own = root.with_extension("own");
            fs::copy(&path, &own).expect("copied");
            dress(&own, (meta.uid(), meta.gid()), meta.mode() & 0o7777, false);
            fs::rename(&own, &path).expect("moved");
        }
    }
}

fn names(dir: &Path) -> Vec<OsString> {
    let mut names: Vec<OsString> =
        fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry").file_name()).collect();
    names.sort();
    names
}

/// Removes whatever is there.
pub fn remove(path: &Path) {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => fs::remove_dir_all(path).expect("removed"),
        Ok(_) => fs::remove_file(path).expect("removed"),
        Err(_) => {}
    }
}
