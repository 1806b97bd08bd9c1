//! The graph side of build files: keeps the trees made so far, their configs and histories, and the graph.
//!
//! Owns: the meaning of a request. Never does: evaluation; it sees plain data only, and files through [`World`].

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use buildc_digest::Digest;
use buildc_ir::git::GitRemote;
use buildc_ir::graph::Node;
use buildc_ir::step::{ImageSource, StepKind};
use buildc_ir::world::{ResolvedImage, Resolver, WorldError};
use buildc_ir::{
    Diagnostic, Graph, History, ImageConfig, Input, Platform, Reference, Setting, SourceMap, Span, Step,
    StepId, Target, TargetHistory,
};

use super::primitive::Steps;
use super::request::{Handle, Place, Request};
use super::{config, dockerfile};
use crate::dockerfile::LowerOptions;
use crate::dockerfile::lower::{base, history, paths};
use crate::lang::world::{FileType, World};

/// Where interpolated steps are mounted.
pub(super) const STEP_ROOT: &str = "/run/buildc/";

/// The store of the language in build files.
const LANGUAGE_STORE: &str = "/nix/store";

/// A tree that a step of a build file stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Tree {
    pub(super) root: StepId,
    pub(super) config: ImageConfig,
    pub(super) base_history: Vec<History>,
    pub(super) history: Vec<TargetHistory>,
    pub(super) platform: Platform,
}

/// A place in a source, as the graph wants it.
#[derive(Clone, Copy, Debug)]
pub struct At<'s> {
    /// As the user knows the source.
    pub name: &'s str,
    /// Its text.
    pub text: &'s str,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// A step as the language sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Made {
    /// Its number.
    pub handle: usize,
    /// Where its tree is mounted when it is interpolated into a script.
    pub place: String,
}

/// What is made while a build file is evaluated.
pub struct Builder<'w> {
    pub(super) options: LowerOptions,
    pub(super) resolver: &'w dyn Resolver,
    pub(super) world: &'w dyn World,
    /// Directory of the build file, absolute.
    pub(super) home: String,
    pub(super) state: RefCell<State>,
}

impl Steps for Builder<'_> {
    fn make(&self, request: &Request, mentions: &[String], at: Option<At<'_>>) -> Result<Made, String> {
        let span = self.span(at);
        let tree = match request {
            Request::Scratch => self.scratch(span)?,
            Request::Image { reference, platform } => self.image(reference, platform.as_deref(), span)?,
            Request::Http { url, sha256, name } => {
                self.http(url, sha256.as_deref(), name.as_deref(), span)?
            }
            Request::Git(request) => self.git(request, span)?,
            Request::Dockerfile(request) => dockerfile::lower(self, request)?,
            Request::Exec(request) => self.exec(request, mentions, span)?,
            Request::Copy(request) => self.copy(request, span)?,
            Request::Write(request) => self.write(request, span)?,
            Request::Mkdir { base, path } => self.mkdir(*base, path, span)?,
            Request::Diff { lower, upper } => self.diff(*lower, *upper, span)?,
            Request::Merge { trees } => self.merge(trees, span)?,
            Request::Config { base, config: change } => {
                let mut tree = self.tree(*base)?;
                config::apply(&mut tree, change)?;
                tree
            }
        };
        let place = format!("{STEP_ROOT}{}", tree.root.0.short());
        Ok(Made { handle: self.keep(tree), place })
    }

    fn checksum(&self, url: &str) -> Result<Option<Digest>, String> {
        self.resolver.checksum(url).map_err(told)
    }

    fn commit(&self, remote: &GitRemote) -> Result<String, String> {
        self.resolver.commit(remote).map_err(told)
    }
}

/// An error of the world as one text.
fn told(error: WorldError) -> String {
    match error.help {
        Some(help) => format!("{} ({help})", error.message),
        None => error.message,
    }
}

impl fmt::Debug for Builder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("home", &self.home).finish_non_exhaustive()
    }
}

/// What grows.
#[derive(Default)]
pub(super) struct State {
    pub(super) graph: Graph,
    pub(super) sources: SourceMap,
    pub(super) warnings: Vec<Diagnostic>,
    trees: Vec<Tree>,
    /// Numbers of the trees that a step is the root of: their configs differ.
    handles: HashMap<StepId, Vec<usize>>,
    files: BTreeMap<String, buildc_ir::FileId>,
    /// Directories of the contexts by their names.
    contexts: BTreeMap<String, String>,
    images: BTreeMap<(String, Platform), ResolvedImage>,
}

/// What a build file came to.
#[derive(Debug)]
pub struct Built {
    /// The steps; its targets are the images that are wanted.
    pub graph: Graph,
    /// What spans point into.
    pub sources: SourceMap,
    /// What the user is to be told.
    pub warnings: Vec<Diagnostic>,
    /// Name and directory of each build context.
    pub contexts: BTreeMap<String, String>,
}

impl<'w> Builder<'w> {
    /// Nothing made yet. `home` is the build file's directory.
    pub fn new(options: LowerOptions, resolver: &'w dyn Resolver, world: &'w dyn World, home: &str) -> Self {
        Self { options, resolver, world, home: paths::clean(home), state: RefCell::default() }
    }

    /// Asks for an image of the graph. `tags` are the names that the build file gives it.
    ///
    /// # Errors
    /// When there is no such step.
    pub fn want(&self, name: &str, handle: usize, tags: Vec<String>) -> Result<(), String> {
        let parse =
            |tag: &String| tag.parse::<Reference>().map_err(|error| format!("image `{name}`: {error}"));
        let references = tags.iter().map(parse).collect::<Result<Vec<Reference>, String>>()?;
        let mut tree = self.tree(Handle { step: handle })?;
        for (label, value) in &self.options.labels {
            tree.config.labels.insert(label.clone(), value.clone());
        }
        let targets = &mut self.state.borrow_mut().graph.targets;
        for other in targets.iter().filter(|other| other.root != tree.root || other.config != tree.config) {
            let is_taken = |tag: &&String| tag.parse().is_ok_and(|tag| references.contains(&tag));
            if let Some(taken) = other.tags.iter().find(is_taken) {
                return Err(format!(
                    "the images `{}` and `{name}` both have the name `{taken}`, and differ; give one of them another",
                    other.name
                ));
            }
        }
        targets.push(Target {
            name: name.to_owned(),
            tags,
            root: tree.root,
            config: tree.config,
            base_history: tree.base_history,
            history: tree.history,
        });
        Ok(())
    }

    /// The end: what was made.
    pub fn finish(self) -> Built {
        let State { graph, sources, warnings, contexts, .. } = self.state.into_inner();
        Built { graph, sources, warnings, contexts }
    }

    /// The number of a tree. The same tree has the same one, so that steps that are alike are equal for programs.
    fn keep(&self, tree: Tree) -> usize {
        let state = &mut *self.state.borrow_mut();
        let alike = state.handles.entry(tree.root).or_default();
        if let Some(known) = alike.iter().find(|known| state.trees.get(**known) == Some(&tree)) {
            return *known;
        }
        alike.push(state.trees.len());
        state.trees.push(tree);
        state.trees.len() - 1
    }

    /// The tree of a step.
    pub(super) fn tree(&self, handle: Handle) -> Result<Tree, String> {
        let state = self.state.borrow();
        state.trees.get(handle.step).cloned().ok_or_else(|| "this is no step of this evaluation".to_owned())
    }

    /// The tree whose place a text begins with, and the rest of the text.
    pub(super) fn mentioned<'t>(&self, text: &'t str) -> Option<(Tree, &'t str)> {
        let name = text.strip_prefix(STEP_ROOT)?;
        let (name, rest) = name.find('/').map_or((name, ""), |at| name.split_at(at));
        let state = self.state.borrow();
        let tree = state.trees.iter().find(|tree| tree.root.0.short() == name)?;
        Some((tree.clone(), rest))
    }

    fn span(&self, at: Option<At<'_>>) -> Option<Span> {
        let at = at?;
        let state = &mut *self.state.borrow_mut();
        let file = match state.files.get(at.name) {
            Some(file) => *file,
            None => {
                let file = state.sources.add(at.name, at.text);
                state.files.insert(at.name.to_owned(), file);
                file
            }
        };
        Some(Span::new(file, at.start, at.end))
    }

    /// Adds a step to the graph.
    pub(super) fn add(
        &self,
        kind: StepKind,
        inputs: Vec<Input>,
        label: String,
        span: Option<Span>,
    ) -> Result<StepId, String> {
        self.add_with(kind, inputs, label, span, None)
    }

    /// The same with the config that the tree has after it.
    fn add_with(
        &self,
        kind: StepKind,
        inputs: Vec<Input>,
        label: String,
        span: Option<Span>,
        config: Option<&ImageConfig>,
    ) -> Result<StepId, String> {
        let node = Node {
            step: Step { kind, inputs },
            label,
            origins: span.into_iter().collect(),
            stages: Vec::new(),
            args: BTreeMap::new(),
            setting: config.map(|config| Arc::new(Setting::of(config))),
        };
        self.state.borrow_mut().graph.add(node).map_err(|error| error.to_string())
    }

    /// Puts a step with a layer on a tree.
    pub(super) fn layer(
        &self,
        mut tree: Tree,
        kind: StepKind,
        inputs: Vec<Input>,
        what: &str,
        span: Option<Span>,
    ) -> Result<Tree, String> {
        let created_by = match &kind {
            StepKind::Exec(exec) => history::run(&exec.args, &[]),
            StepKind::Mkdir(_) => what.to_owned(),
            _ => format!("{what}{}", history::LAYER_SUFFIX),
        };
        let config = (!matches!(kind, StepKind::Exec(_))).then_some(&tree.config);
        let root = self.add_with(kind, inputs, what.to_owned(), span, config)?;
        tree.root = root;
        tree.history.push(TargetHistory { created_by, step: Some(root) });
        Ok(tree)
    }

    /// The empty tree.
    pub(super) fn scratch(&self, span: Option<Span>) -> Result<Tree, String> {
        let root = self.add(StepKind::Scratch, Vec::new(), "FROM scratch".to_owned(), span)?;
        let mut config = ImageConfig::scratch(self.options.platform.clone());
        config.working_dir = "/".to_owned();
        base::prepare(&mut config);
        let platform = self.options.platform.clone();
        Ok(Tree { root, config, base_history: Vec::new(), history: Vec::new(), platform })
    }

    fn image(&self, text: &str, platform: Option<&str>, span: Option<Span>) -> Result<Tree, String> {
        let reference: Reference = text.parse().map_err(|error| format!("buildc.from: {error}"))?;
        let platform = match platform {
            Some(text) => text.parse().map_err(|error| format!("buildc.from: {error}"))?,
            None => self.options.platform.clone(),
        };
        let image = self.resolve(&reference, &platform)?;
        let source = ImageSource {
            reference: reference.to_string(),
            manifest: image.manifest,
            platform: platform.clone(),
        };
        let root = self.add(StepKind::Image(source), Vec::new(), format!("FROM {reference}"), span)?;
        let mut config = image.config;
        base::prepare(&mut config);
        Ok(Tree { root, config, base_history: image.history, history: Vec::new(), platform })
    }

    fn resolve(&self, reference: &Reference, platform: &Platform) -> Result<ResolvedImage, String> {
        let key = (reference.to_string(), platform.clone());
        if let Some(known) = self.state.borrow().images.get(&key) {
            return Ok(known.clone());
        }
        let found = self.resolver.resolve(reference, platform).map_err(|error| {
            let help = error.help.map(|help| format!(" ({help})")).unwrap_or_default();
            format!("{}{help}", error.message)
        })?;
        self.state.borrow_mut().images.insert(key, found.clone());
        Ok(found)
    }

    /// The context of a directory; its name is how the build file's directory would call it.
    pub(super) fn context(&self, dir: &str) -> String {
        let dir = paths::clean(dir);
        let name = match dir.strip_prefix(&self.home) {
            Some("") => String::new(),
            Some(below) if below.starts_with('/') || self.home == "/" => {
                below.trim_start_matches('/').to_owned()
            }
            _ => dir.clone(),
        };
        self.state.borrow_mut().contexts.insert(name.clone(), dir);
        name
    }

    /// The context and the path in it that a place in the file system is.
    pub(super) fn local(&self, path: &str) -> Result<(String, String), String> {
        match self.world.file_type(path.as_bytes()).map_err(|error| error.to_string())? {
            None => Err(format!("path '{path}' does not exist")),
            Some(FileType::Directory) => Ok((self.context(path), String::new())),
            Some(_) => {
                let (dir, name) = path.rsplit_once('/').unwrap_or(("/", path));
                // What was fetched lies below the language's store only by its name.
                let apart =
                    if dir == LANGUAGE_STORE { self.world.directory_of(path.as_bytes()) } else { None };
                let apart = apart.and_then(|dir| String::from_utf8(dir).ok());
                let dir = apart.as_deref().unwrap_or(dir);
                Ok((self.context(if dir.is_empty() { "/" } else { dir }), name.to_owned()))
            }
        }
    }

    /// An absolute path of the file system, where a place is one.
    pub(super) fn path_of<'p>(&self, place: &'p Place, attribute: &str) -> Result<&'p str, String> {
        match place {
            Place::Path { path } => Ok(path),
            Place::Text(path) if is_fetched(path) => Ok(path),
            _ => Err(format!("attribute '{attribute}' must be a path")),
        }
    }
}

/// Whether a text is a path in the language's store, where its fetchers put what they fetch.
pub(super) fn is_fetched(text: &str) -> bool {
    text.strip_prefix(LANGUAGE_STORE).is_some_and(|rest| rest.len() > 1 && rest.starts_with('/'))
}
