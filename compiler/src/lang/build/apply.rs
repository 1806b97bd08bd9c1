//! Requests that put a layer on a tree: run, copy, write, mkdir; and the sources beside them.

use std::collections::BTreeSet;

use buildc_digest::Digest;
use buildc_ir::git::{GitRemote, other_commit};
use buildc_ir::step::{
    Copy, CopySource, Exec, From, HttpSource, Mkdir, Mount, MountSource, Network, Role, Sharing, StepKind,
    Unpack, may_link,
};
use buildc_ir::{Input, Span, StepId, TargetHistory};

use super::builder::{Builder, Tree, is_fetched};
use super::request::{CopyRequest, ExecRequest, GitRequest, Handle, MountRequest, Place, WriteRequest};
use crate::dockerfile::lower::{config, history, paths, transfer};

/// Inputs of a step in the making: the base comes first, a tree that is needed twice is there once for each role.
struct Inputs(Vec<Input>);

impl Inputs {
    fn on(base: StepId) -> Self {
        Self(vec![Input { step: base, role: Role::Base }])
    }

    fn add(&mut self, step: StepId, role: Role) -> From {
        let input = Input { step, role };
        let at = self.0.iter().position(|known| *known == input).unwrap_or_else(|| {
            self.0.push(input);
            self.0.len() - 1
        });
        From::Input(at)
    }
}

impl Builder<'_> {
    pub(super) fn exec(
        &self,
        request: &ExecRequest,
        mentions: &[String],
        span: Option<Span>,
    ) -> Result<Tree, String> {
        let tree = self.tree(request.base)?;
        let mut inputs = Inputs::on(tree.root);
        let cwd = request
            .cwd
            .as_deref()
            .map_or_else(|| tree.config.cwd().to_owned(), |dir| paths::join(tree.config.cwd(), dir));
        let mut mounts = Vec::new();
        for mount in &request.mounts {
            mounts.push(self.mount(mount, &cwd, &mut inputs)?);
        }
        for (root, target) in self.mentioned_trees(mentions) {
            let from = inputs.add(root, Role::Mount);
            let source = MountSource::Bind { from, path: "/".to_owned() };
            mounts.push(Mount { target, source, readonly: true });
        }
        self.mount_fetched(mentions, &mut mounts)?;
        let shell = request.shell.as_deref().or(tree.config.shell.as_deref());
        let args = match (&request.args, &request.script) {
            (Some(args), _) => args.clone(),
            (None, Some(script)) => config::in_shell(shell, &tree.config.platform, script),
            (None, None) => return Err("attribute 'script' is missing".to_owned()),
        };
        if args.is_empty() {
            return Err("attribute 'args' is empty".to_owned());
        }
        let what = format!("RUN {}", one_line(request.script.as_deref().unwrap_or(&args.join(" "))));
        let mut config = tree.config.clone();
        request.env.iter().for_each(|pair| config.set_env(&pair.name, &pair.value));
        let exec = Exec {
            args,
            env: config.env,
            unkeyed_env: Vec::new(),
            cwd,
            user: request.user.clone().unwrap_or(config.user),
            mounts,
            network: self.network(request.network.as_deref())?,
            insecure: self.insecure(request.insecure)?,
            extra_hosts: self.options.extra_hosts.clone(),
            platform: tree.platform.clone(),
        };
        self.layer(tree, StepKind::Exec(exec), inputs.0, &what, span)
    }

    /// The steps whose places a script's strings hold, each once, in the order of their places.
    fn mentioned_trees(&self, mentions: &[String]) -> Vec<(StepId, String)> {
        let mut places: Vec<&String> = mentions.iter().collect();
        places.sort();
        places.dedup();
        let found =
            places.into_iter().filter_map(|place| Some((self.mentioned(place)?.0.root, place.clone())));
        found.collect()
    }

    /// Mounts what was fetched where a script's strings say that it is, unless something is mounted there.
    fn mount_fetched(&self, mentions: &[String], mounts: &mut Vec<Mount>) -> Result<(), String> {
        let places: BTreeSet<&String> = mentions.iter().filter(|place| is_fetched(place)).collect();
        for place in places {
            if mounts.iter().any(|mount| mount.target == *place) {
                continue;
            }
            let (context, below) = self.local(place).map_err(|error| {
                format!("{error}: only what is fetched is there while a command runs; write ${{buildc.local ./DIRECTORY}} for files of this machine")
            })?;
            let source = MountSource::Bind { from: From::Context(context), path: format!("/{below}") };
            mounts.push(Mount { target: place.clone(), source, readonly: true });
        }
        Ok(())
    }

    fn network(&self, text: Option<&str>) -> Result<Network, String> {
        match text {
            None | Some("default") => Ok(self.options.network),
            Some("none") => Ok(Network::None),
            Some("host")
                if self.options.network == Network::Host || self.options.entitlements.network_host =>
            {
                Ok(Network::Host)
            }
            Some("host") => Err("network = \"host\" must be allowed with --allow network.host".to_owned()),
            Some(other) => {
                Err(format!("attribute 'network' is \"{other}\"; write \"default\", \"none\" or \"host\""))
            }
        }
    }

    fn insecure(&self, asked: bool) -> Result<bool, String> {
        if asked && !self.options.entitlements.security_insecure {
            return Err("insecure = true must be allowed with --allow security.insecure".to_owned());
        }
        Ok(asked)
    }

    fn mount(&self, mount: &MountRequest, cwd: &str, inputs: &mut Inputs) -> Result<Mount, String> {
        let place = |target: &str| paths::join(cwd, target);
        let (target, source, readonly) = match mount {
            MountRequest::Bind { from, source, target, writable } => {
                let (from, below) = self.files_of(from, Role::Mount, inputs)?;
                let path = paths::clean(&format!("{below}/{source}"));
                (place(target), MountSource::Bind { from, path }, !writable)
            }
            MountRequest::Cache { target, id, sharing, mode, uid, gid } => {
                let target = place(target);
                let sharing = match sharing.as_str() {
                    "shared" => Sharing::Shared,
                    "private" => Sharing::Private,
                    "locked" => Sharing::Locked,
                    other => {
                        return Err(format!(
                            "buildc.mount.cache: attribute 'sharing' is \"{other}\"; write \"shared\", \"private\" or \"locked\""
                        ));
                    }
                };
                let id = id.clone().unwrap_or_else(|| target.clone());
                let mode = octal(mode.as_deref(), 0o755)?;
                (target, MountSource::Cache { id, sharing, initial: None, mode, uid: *uid, gid: *gid }, false)
            }
            MountRequest::Tmpfs { target, size } => {
                (place(target), MountSource::Tmpfs { size_bytes: *size }, false)
            }
            MountRequest::Secret { id, target, env, required, mode, uid, gid } => {
                let file = env.is_none() || target.is_some();
                let mode = octal(mode.as_deref(), 0o400)?;
                let at = target.as_deref().map_or_else(|| format!("/run/secrets/{id}"), place);
                let source = MountSource::Secret {
                    id: id.clone(),
                    env: env.clone(),
                    file,
                    mode,
                    uid: *uid,
                    gid: *gid,
                    required: *required,
                };
                (at, source, true)
            }
            MountRequest::Ssh { id, target, required } => {
                let at = target.as_deref().map_or_else(|| "/run/buildkit/ssh_agent.0".to_owned(), place);
                let source =
                    MountSource::Ssh { id: id.clone(), mode: 0o600, uid: 0, gid: 0, required: *required };
                (at, source, true)
            }
        };
        if target == "/" {
            return Err("a mount cannot take the place of `/`".to_owned());
        }
        Ok(Mount { target, source, readonly })
    }

    /// Where the files of a place are found, and the path in it.
    fn files_of(&self, place: &Place, role: Role, inputs: &mut Inputs) -> Result<(From, String), String> {
        match place {
            Place::Step(handle) => Ok((inputs.add(self.tree(*handle)?.root, role), String::new())),
            Place::Path { path } => {
                let (context, below) = self.local(path)?;
                Ok((From::Context(context), below))
            }
            Place::Text(text) => match self.mentioned(text) {
                Some((tree, below)) => Ok((inputs.add(tree.root, role), below.to_owned())),
                None if is_fetched(text) => {
                    let (context, below) = self.local(text)?;
                    Ok((From::Context(context), below))
                }
                None => Err(format!(
                    "attribute 'from' is the string \"{text}\", which names no step; write a path without quotes, or a step"
                )),
            },
        }
    }

    pub(super) fn copy(&self, request: &CopyRequest, span: Option<Span>) -> Result<Tree, String> {
        let tree = self.tree(request.base)?;
        let mut inputs = Inputs::on(tree.root);
        let (from, below) = self.files_of(&request.from, Role::CopyFrom, &mut inputs)?;
        check_mode(request.chmod.as_deref())?;
        let mut sources = Vec::new();
        for source in &request.sources {
            let path =
                if source == "." && !below.is_empty() { below.clone() } else { format!("{below}/{source}") };
            let pattern = if request.parents { transfer::pivoted(&path) } else { paths::relative(&path) };
            sources.push(CopySource::Path { from: from.clone(), pattern });
        }
        let what = format!(
            "{} {} {}",
            if request.unpack { "ADD" } else { "COPY" },
            if below.is_empty() { request.sources.join(" ") } else { paths::relative(&below) },
            request.dest
        );
        let copy = Copy {
            sources,
            dest: paths::join(tree.config.cwd(), &request.dest),
            dest_is_dir: paths::names_directory(&request.dest),
            chown: request.chown.clone(),
            chmod: request.chmod.clone(),
            exclude: request.exclude.clone(),
            parents: request.parents,
            link: request.link && may_link(request.chown.as_deref(), request.chmod.as_deref()),
            unpack: if request.unpack { Unpack::Local } else { Unpack::Never },
        };
        self.layer(tree, StepKind::Copy(copy), inputs.0, &what, span)
    }

    pub(super) fn write(&self, request: &WriteRequest, span: Option<Span>) -> Result<Tree, String> {
        let tree = self.tree(request.base)?;
        check_mode(request.chmod.as_deref())?;
        let dest = paths::join(tree.config.cwd(), &request.path);
        if dest == "/" || paths::names_directory(&request.path) {
            return Err(format!("attribute 'path' is \"{}\", which names no file", request.path));
        }
        let name = dest.rsplit('/').next().unwrap_or_default().to_owned();
        let what = format!("COPY <<{name} {dest}");
        let copy = Copy {
            sources: vec![CopySource::Inline { name, data: request.text.clone() }],
            dest,
            dest_is_dir: false,
            chown: request.chown.clone(),
            chmod: request.chmod.clone(),
            exclude: Vec::new(),
            parents: false,
            link: false,
            unpack: Unpack::Never,
        };
        let inputs = Inputs::on(tree.root);
        self.layer(tree, StepKind::Copy(copy), inputs.0, &what, span)
    }

    pub(super) fn mkdir(&self, base: Handle, path: &str, span: Option<Span>) -> Result<Tree, String> {
        let tree = self.tree(base)?;
        let path = paths::join(tree.config.cwd(), path);
        let what = format!("WORKDIR {path}");
        let kind = StepKind::Mkdir(Mkdir { path, user: tree.config.user.clone() });
        let inputs = Inputs::on(tree.root);
        self.layer(tree, kind, inputs.0, &what, span)
    }

    pub(super) fn http(
        &self,
        url: &str,
        sha256: Option<&str>,
        name: Option<&str>,
        span: Option<Span>,
    ) -> Result<Tree, String> {
        if !transfer::is_url(url) {
            return Err(format!("buildc.http: `{url}` is no http or https URL"));
        }
        let checksum: Option<Digest> = match sha256 {
            None => self.resolver.checksum(url).map_err(|error| error.message)?,
            Some(text) => {
                let text = text.strip_prefix("sha256:").unwrap_or(text);
                let digest = format!("sha256:{text}").parse();
                Some(digest.map_err(|_| format!("buildc.http: `{text}` is no sha256 in hexadecimal"))?)
            }
        };
        let name = name.map_or_else(|| transfer::url_file_name(url), str::to_owned);
        if name.is_empty() || name.contains('/') || name == ".." || name == "." {
            return Err(format!("buildc.http: `{name}` cannot be the name of a file"));
        }
        let mut tree = self.scratch(span)?;
        let source = HttpSource { url: url.to_owned(), checksum, name };
        let root = self.add(StepKind::Http(source), Vec::new(), format!("ADD {url}"), span)?;
        tree.root = root;
        tree.history.push(TargetHistory {
            created_by: format!("ADD {url} /{}", history::LAYER_SUFFIX),
            step: Some(root),
        });
        Ok(tree)
    }

    pub(super) fn git(&self, request: &GitRequest, span: Option<Span>) -> Result<Tree, String> {
        let remote = match GitRemote::parse(&request.url) {
            Some(remote) => remote.map_err(|error| format!("buildc.git: {error}"))?,
            None => return Err(format!("buildc.git: `{}` is no git repository's address", request.url)),
        };
        let said = |given: &Option<String>, address: String| given.clone().unwrap_or(address);
        let remote = GitRemote {
            // Where only a commit is named, it is the ref.
            reference: match (&request.reference, &request.commit) {
                (None, Some(commit)) if remote.reference.is_empty() => commit.clone(),
                (reference, _) => said(reference, remote.reference),
            },
            commit: request.commit.clone().or(remote.commit),
            subdirectory: said(&request.subdir, remote.subdirectory),
            submodules: request.submodules.unwrap_or(remote.submodules),
            keep_git_dir: request.keep_git_dir.or(remote.keep_git_dir),
            url: remote.url,
        };
        let commit = self.resolver.commit(&remote).map_err(|error| error.message)?;
        if let Some(wrong) = other_commit(&request.url, &commit, &remote.commit) {
            return Err(format!("buildc.git: {wrong}"));
        }
        let mut tree = self.scratch(span)?;
        let what = format!("ADD {} /", request.url);
        let root = self.add(StepKind::Git(remote.at(commit)), Vec::new(), what.clone(), span)?;
        tree.root = root;
        let created_by = format!("{what}{}", history::LAYER_SUFFIX);
        tree.history.push(TargetHistory { created_by, step: Some(root) });
        Ok(tree)
    }
}

/// The first line of a script, and a sign that there is more.
fn one_line(script: &str) -> String {
    let mut lines = script.trim().lines();
    let first = lines.next().unwrap_or_default();
    if lines.next().is_some() { format!("{first} …") } else { first.to_owned() }
}

fn octal(text: Option<&str>, default: u32) -> Result<u32, String> {
    let Some(text) = text else { return Ok(default) };
    let mode = u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o7777);
    mode.ok_or_else(|| format!("mode `{text}` is no octal number up to 7777"))
}

fn check_mode(mode: Option<&str>) -> Result<(), String> {
    match mode {
        Some(mode) if !transfer::is_mode(mode) => Err(format!(
            "attribute 'chmod': `{mode}` is not a file mode; write an octal number up to 7777, or for example \"u=rwX,go=rX\""
        )),
        _ => Ok(()),
    }
}
