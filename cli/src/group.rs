//! Several Dockerfile builds in one graph: what is the same in them is done once, and all of it at once.
//!
//! Owns: which contexts of the builds are the same, and the edges between builds. Never does: reading bake files.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use buildc_executor::context::Context;
use buildc_ir::{Diagnostic, Graph, SourceMap};

use crate::commands::build::SourceArgs;
use crate::failure::Failure;
use crate::frontend::{self, Frontend};
use crate::pipeline::{self, Compiled, Held, Sourced};
use crate::session::{self, Session};
use crate::{build_file, epoch, pins};

/// One build of a group.
#[derive(Debug)]
pub struct Member<'a> {
    /// What it is called in labels and in others' `links`.
    pub name: &'a str,
    /// As for `buildc build`.
    pub args: &'a SourceArgs,
    /// Context names that mean the image of another member, which comes before this one.
    pub links: BTreeMap<String, String>,
}

/// Lowers all members into one graph, improves and plans it. What the members say of the whole build — caches, steps that
/// run in any case, times — is added to `settings`.
pub fn compile(
    session: &mut Session,
    members: &[Member<'_>],
    settings: &mut SourceArgs,
    source_key: String,
) -> Result<Compiled, Failure> {
    session.hold()?;
    let mut group = Group::new(session);
    for member in members {
        group.add(member, settings)?;
    }
    let Group { graph, sources, warnings, contexts, groups, held, clamp, .. } = group;
    let contexts = contexts.opened;
    pipeline::decide(
        session,
        settings,
        Sourced { graph, sources, warnings, contexts, source_key, groups, clamp, held },
    )
}

/// What is lowered so far.
struct Group<'s> {
    session: &'s Session,
    graph: Graph,
    sources: SourceMap,
    warnings: Vec<Diagnostic>,
    contexts: Contexts,
    groups: Vec<usize>,
    held: Vec<Held>,
    clamp: Option<i64>,
    /// Of each member a graph for each platform.
    lowered: BTreeMap<String, Vec<Arc<Graph>>>,
}

impl<'s> Group<'s> {
    fn new(session: &'s Session) -> Self {
        Self {
            session,
            graph: Graph::new(),
            sources: SourceMap::new(),
            warnings: Vec::new(),
            contexts: Contexts::default(),
            groups: Vec::new(),
            held: Vec::new(),
            clamp: None,
            lowered: BTreeMap::new(),
        }
    }

    fn add(&mut self, member: &Member<'_>, settings: &mut SourceArgs) -> Result<(), Failure> {
        let Member { name, args, .. } = member;
        if build_file::path(args).is_some() {
            return Err(Failure::usage(format!("Target `{name}`: a build file is no Dockerfile"))
                .help("`buildc build -f FILE.nix` builds all images of a build file at once"));
        }
        let mut frontend = Frontend::read_beside(args, std::mem::take(&mut self.sources))?;
        frontend.load_layouts(self.session)?;
        self.contexts.name(self.session, name, &mut frontend)?;
        self.link(member, &mut frontend)?;
        let ast = frontend.parse()?;
        let resolver = frontend.resolver(self.session, pins::mode(args)?);
        let Frontend { mut sources, mut options, mut warnings, place, named, .. } = frontend;
        let clamp = epoch::of_file(args, &ast, &mut options, &place)?;
        let platforms = session::platforms(&args.platform)?;
        let lowered = pipeline::lower_all(&ast, &mut sources, &options, &platforms, &resolver, &mut warnings);
        let mut lowered = lowered?;
        self.warnings.extend(warnings);
        self.sources = sources;
        self.held.push((place, named));
        lowered.prefix_labels(name);
        lowered.qualify_stages(name);
        lowered.targets.iter_mut().for_each(|target| (*name).clone_into(&mut target.name));
        self.groups.push(lowered.targets.len());
        add_settings(name, args, &lowered, settings);
        self.clamp(name, clamp)?;
        let alone = |at| lowered.narrowed(at..at + 1).map(Arc::new);
        let alone: Result<_, _> = (0..lowered.targets.len()).map(alone).collect();
        let internal = |error| Failure::told("internal::graph", &error, None);
        self.lowered.insert((*name).to_owned(), alone.map_err(internal)?);
        self.graph.absorb(lowered).map_err(internal)
    }

    /// One graph has one second that times are clamped to.
    fn clamp(&mut self, name: &str, clamp: Option<i64>) -> Result<(), Failure> {
        let Some(seconds) = clamp else { return Ok(()) };
        if self.clamp.is_some_and(|other| other != seconds) {
            return Err(Failure::new(
                "bake::invalid",
                format!("Target `{name}` has another SOURCE_DATE_EPOCH={seconds} than the others"),
            )
            .help("Targets that are built together have one; build the others by themselves"));
        }
        self.clamp = clamp;
        Ok(())
    }

    /// Puts the members that contexts mean among the frontend's names.
    fn link(&self, member: &Member<'_>, frontend: &mut Frontend) -> Result<(), Failure> {
        for (context, other) in &member.links {
            let graphs = self.lowered.get(other).cloned().unwrap_or_default();
            let has =
                |platform| graphs.iter().flat_map(|g| &g.targets).any(|t| t.config.platform == platform);
            let missing = session::platforms(&member.args.platform)?.into_iter().find(|p| !has(p.clone()));
            if let Some(platform) = missing.filter(|_| graphs.len() > 1) {
                let name = member.name;
                return Err(Failure::new(
                    "bake::invalid",
                    format!("Target `{name}` needs `{other}` for {platform}"),
                )
                .help(format!("Add it to the platforms of `{other}`")));
            }
            frontend.options.builds.insert(context.clone(), graphs);
        }
        Ok(())
    }
}

/// The directories of all members; one that several use has one name.
#[derive(Default)]
struct Contexts {
    opened: BTreeMap<String, Context>,
    names: BTreeMap<(PathBuf, Option<(String, String)>), String>,
}

impl Contexts {
    /// Opens the contexts of a member and puts their names in the graph into its options.
    fn name(&mut self, session: &Session, member: &str, frontend: &mut Frontend) -> Result<(), Failure> {
        for source in frontend::context_sources(session, frontend)? {
            let dir = source.dir.canonicalize().unwrap_or_else(|_| source.dir.clone());
            let key = (dir, source.ignore.clone());
            let name = match self.names.get(&key) {
                Some(name) => name.clone(),
                None => {
                    // One that is alone has the name it has in any other build.
                    let own = format!("{member}/{}", source.name);
                    let name = if self.names.is_empty() { String::new() } else { own };
                    let context = Context::open(&session.store, &name, &source.dir, source.ignore)?;
                    self.opened.insert(name.clone(), context);
                    self.names.insert(key, name.clone());
                    name
                }
            };
            match source.name.as_str() {
                "" => frontend.options.main_context = name,
                _ => drop(frontend.options.contexts.insert(source.name, name)),
            }
        }
        Ok(())
    }
}

/// What a member says that is decided for the whole graph.
fn add_settings(name: &str, args: &SourceArgs, lowered: &Graph, settings: &mut SourceArgs) {
    for cache in &args.cache_from {
        if !settings.cache_from.contains(cache) {
            settings.cache_from.push(cache.clone());
        }
    }
    match args.no_cache {
        true => settings.no_cache_filter.extend(lowered.iter().flat_map(|(_, node)| node.stages.clone())),
        false => settings
            .no_cache_filter
            .extend(args.no_cache_filter.iter().map(|stage| format!("{name}/{stage}"))),
    }
}
