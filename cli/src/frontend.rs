//! A Dockerfile and what the command line says about it, before anything is lowered.
//!
//! Owns: the options of a build as the frontend wants them, and which directories are its contexts. Never does: lower, plan,
//! or look into the store but for images that contexts name.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use buildc_compiler::dockerfile::foreign::Decoded;
use buildc_compiler::dockerfile::{Entitlements, LowerOptions, ast};
use buildc_executor::context::{Context, ContextError};
use buildc_executor::lock::{LockedResolver, Mode};
use buildc_executor::resolve::{PullPolicy, StoreResolver};
use buildc_ir::pattern::PatternSet;
use buildc_ir::step::Network;
use buildc_ir::{Diagnostic, FileId, Platform, Severity, SourceMap};

use crate::commands::build::{BuildNetwork, SourceArgs};
use crate::epoch;
use crate::failure::Failure;
use crate::place::{NamedPlace, Place};
use crate::session::{self, Session};
use crate::source::{self, Dockerfile};

/// A Dockerfile with what the command line says about it, before anything is lowered.
#[derive(Debug)]
pub struct Frontend {
    /// The text and where it is from.
    pub dockerfile: Dockerfile,
    /// All texts that places point into.
    pub sources: SourceMap,
    /// The Dockerfile among them.
    pub file: FileId,
    /// What the command line says.
    pub options: LowerOptions,
    /// What the parser found worth saying.
    pub warnings: Vec<Diagnostic>,
    /// Where the main context is.
    pub place: Place,
    /// The contexts that have names.
    pub named: BTreeMap<String, NamedPlace>,
    policy: PullPolicy,
}

impl Frontend {
    /// Reads the Dockerfile and the options.
    pub fn read(args: &SourceArgs) -> Result<Self, Failure> {
        Self::read_beside(args, SourceMap::new())
    }

    /// The same with the texts of other builds beside it, which places of their steps point into.
    pub fn read_beside(args: &SourceArgs, mut sources: SourceMap) -> Result<Self, Failure> {
        let mut place = Place::open(args)?;
        let dockerfile = Dockerfile::read(args, &mut place)?;
        let named = named_places(args)?;
        let mut options = lower_options(args)?;
        for (name, place) in &named {
            match place {
                NamedPlace::Image(reference) => drop(options.images.insert(name.clone(), reference.clone())),
                NamedPlace::Layout(_) => {}
                NamedPlace::Dir(_) | NamedPlace::Held(_) => {
                    options.contexts.insert(name.clone(), name.clone());
                }
            }
        }
        if let Some(dir) = &place.dir
            && let Some((file, text)) = dockerfile.ignore(dir)?
        {
            options.ignore =
                PatternSet::parse(&text).map_err(|source| ContextError::IgnoreRule { file, source })?;
        }
        let file = sources.add(dockerfile.shown.clone(), dockerfile.text.text.clone());
        let policy = if args.pull { PullPolicy::Always } else { PullPolicy::Missing };
        Ok(Self { dockerfile, sources, file, options, warnings: Vec::new(), place, named, policy })
    }

    /// Parses the text.
    pub fn parse(&mut self) -> Result<ast::Dockerfile, Failure> {
        let (ast, found) = self.dockerfile.parse(self.file);
        if found.iter().any(|d| d.severity == Severity::Error) {
            return Err(Failure::Input(found, Box::new(self.sources.clone())));
        }
        self.warnings = found;
        Ok(ast)
    }

    /// Puts another text in the Dockerfile's place.
    pub fn replace(&mut self, text: String) {
        self.sources = SourceMap::new();
        self.file = self.sources.add(self.dockerfile.shown.clone(), text.clone());
        self.dockerfile.text = Decoded { text, foreign: Vec::new() };
    }

    /// Brings the images of OCI layouts that contexts name into the store, where their digests are their names.
    pub fn load_layouts(&mut self, session: &Session) -> Result<(), Failure> {
        for (name, place) in &self.named {
            if let NamedPlace::Layout(layout) = place {
                self.options.images.insert(name.clone(), layout.load(session)?);
            }
        }
        Ok(())
    }

    /// Who knows what names, URLs and git refs mean.
    pub fn resolver<'a>(&self, session: &'a Session, mode: Mode) -> LockedResolver<'a> {
        LockedResolver::new(&session.store, StoreResolver::new(&session.store, self.policy), mode)
    }
}

/// Opens the directories of a build.
pub fn contexts(session: &Session, frontend: &Frontend) -> Result<BTreeMap<String, Context>, Failure> {
    let mut contexts = BTreeMap::new();
    for ContextSource { name, dir, ignore } in context_sources(session, frontend)? {
        let context = Context::open(&session.store, &name, &dir, ignore)?;
        contexts.insert(name, context);
    }
    Ok(contexts)
}

/// A directory that is a context, before it is opened.
#[derive(Debug)]
pub struct ContextSource {
    /// What the command line calls it; the main one has the empty name.
    pub name: String,
    /// Where it is.
    pub dir: PathBuf,
    /// Name and text of the ignore file that applies.
    pub ignore: Option<(String, String)>,
}

/// The directories of a build, the main one first.
pub fn context_sources(session: &Session, frontend: &Frontend) -> Result<Vec<ContextSource>, Failure> {
    let (dir, ignore) = match &frontend.place.dir {
        Some(dir) => (dir.clone(), frontend.dockerfile.ignore(dir)?),
        None => {
            // Only a Dockerfile came in: its context is empty.
            let empty = session.store.subdir("contexts")?.join("empty");
            std::fs::create_dir_all(&empty).map_err(|e| Failure::file("create", &empty, &e))?;
            (empty, None)
        }
    };
    let mut found = vec![ContextSource { name: String::new(), dir, ignore }];
    for (name, place) in &frontend.named {
        let Some(dir) = place.dir() else { continue };
        // Rules are for directories of this machine, whose owner wrote them for this use.
        let ignore = match place {
            NamedPlace::Dir(dir) => source::ignore_file(&dir.join(".dockerignore"))?,
            NamedPlace::Held(_) | NamedPlace::Image(_) | NamedPlace::Layout(_) => None,
        };
        found.push(ContextSource { name: name.clone(), dir: dir.to_owned(), ignore });
    }
    Ok(found)
}

/// `--build-context`.
fn named_places(args: &SourceArgs) -> Result<BTreeMap<String, NamedPlace>, Failure> {
    let mut named = BTreeMap::new();
    for option in &args.build_context {
        let (name, value) = pair(option, "--build-context", "NAME=DIR")?;
        named.insert(name.to_owned(), NamedPlace::open(value)?);
    }
    Ok(named)
}

/// What the options of a build say to its Dockerfile.
pub fn lower_options(args: &SourceArgs) -> Result<LowerOptions, Failure> {
    let mut build_args = BTreeMap::new();
    for option in &args.build_arg {
        let (name, value) = named(option, "--build-arg")?;
        let value = value.map_or_else(|| std::env::var(name).ok(), |value| Some(value.to_owned()));
        build_args.insert(name.to_owned(), value);
    }
    if let Some(seconds) = epoch::of_options(args)? {
        // Commands that honour it need only an ARG of this name.
        build_args.insert(epoch::NAME.to_owned(), Some(seconds.to_string()));
    }
    let mut labels = Vec::new();
    for option in &args.label {
        let (name, value) = named(option, "--label")?;
        labels.push((name.to_owned(), value.unwrap_or_default().to_owned()));
    }
    let mut extra_hosts = Vec::new();
    for option in &args.add_host {
        let (name, address) = option
            .split_once('=')
            .or_else(|| option.split_once(':'))
            .ok_or_else(|| Failure::usage(format!("--add-host `{option}` is not of the form HOST:IP")))?;
        let address = address.trim_matches(['[', ']']);
        if address != HOST_GATEWAY && address.parse::<IpAddr>().is_err() {
            return Err(Failure::usage(format!("--add-host `{option}`: `{address}` is no IP address")));
        }
        extra_hosts.push((name.to_owned(), address.to_owned()));
    }
    let platforms = session::platforms(&args.platform)?;
    let platform = platforms.into_iter().next().unwrap_or_else(Platform::host);
    Ok(LowerOptions {
        build_args,
        target: args.target.clone(),
        platform_requested: !args.platform.is_empty(),
        labels,
        network: match args.network {
            BuildNetwork::Default => Network::Default,
            BuildNetwork::None => Network::None,
            BuildNetwork::Host => Network::Host,
        },
        extra_hosts,
        entitlements: entitlements(&args.allow)?,
        ..LowerOptions::for_platform(platform)
    })
}

/// `--allow`.
fn entitlements(options: &[String]) -> Result<Entitlements, Failure> {
    let mut entitlements = Entitlements::default();
    for option in options {
        match option.as_str() {
            "network.host" => entitlements.network_host = true,
            "security.insecure" => entitlements.security_insecure = true,
            _ => {
                return Err(Failure::usage(format!("--allow `{option}`: there is no such entitlement"))
                    .help("Write network.host or security.insecure"));
            }
        }
    }
    Ok(entitlements)
}

/// What `--add-host` may say for the address of this machine.
const HOST_GATEWAY: &str = "host-gateway";

/// Splits an option's `NAME[=VALUE]`.
fn named<'a>(option: &'a str, flag: &str) -> Result<(&'a str, Option<&'a str>), Failure> {
    match option.split_once('=').map_or((option, None), |(name, value)| (name, Some(value))) {
        ("", _) => Err(Failure::usage(format!("{flag} `{option}` names nothing")).help("Write NAME=VALUE")),
        named => Ok(named),
    }
}

/// Splits an option's `NAME=VALUE`.
pub fn pair<'a>(option: &'a str, flag: &str, form: &str) -> Result<(&'a str, &'a str), Failure> {
    match option.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name, value)),
        _ => Err(Failure::usage(format!("{flag} `{option}` is not of the form {form}"))),
    }
}

/// The same Dockerfile, target and platform are compared with each other when a miss is explained.
pub fn source_key(dockerfile: &Dockerfile, args: &SourceArgs, local: bool) -> String {
    let path = match &dockerfile.path {
        Some(path) if local => std::path::absolute(path).unwrap_or_else(|_| path.clone()),
        _ => std::path::absolute(&args.context).unwrap_or_default().join("<stdin>"),
    };
    let target = args.target.as_deref().unwrap_or_default().to_ascii_lowercase();
    format!("{}#{target}#{}", path.display(), args.platform.join(","))
}
