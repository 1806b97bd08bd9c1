//! RUN: command, environment, mounts.

use buildc_ir::step::{Exec, From, Mount, MountSource, Network, Role};
use buildc_ir::{Input, Span, StepKind};

use super::link::{Fired, Origin};
use super::mounts::{self, MountOptions, MountType};
use super::stage::{About, Lowering, StageState};
use super::{config, history, paths};
use crate::dockerfile::ast::{Command, Heredoc, Run, Word};
use crate::dockerfile::{heredoc, problem, scope};

impl Lowering<'_> {
    /// Lowers a RUN.
    pub(super) fn run(&mut self, state: &mut StageState, fired: &Fired<'_>, run: &Run) {
        let instruction = &fired.instruction;
        if run.command == Command::Exec(Vec::new()) {
            let help = "Write `RUN command`";
            self.problems.push(problem::bad_arguments("RUN has no command", instruction.span, help));
            return;
        }
        if let Some(device) = &run.device {
            self.problems.push(problem::unsupported("RUN --device", device.span, "Remove the flag"));
        }
        self.check_entitlements(run, instruction.span);
        let script = Script::new(&run.command, &instruction.heredocs);
        let args = config::argv(state, &script.command);
        let mut inputs = vec![Input { step: state.tree, role: Role::Base }];
        let mut mounts = script.mounts;
        for (word, origin) in run.mounts.iter().zip(fired.needs.iter().chain(std::iter::repeat(&None))) {
            let agents = mounts.iter().filter(|m| matches!(m.source, MountSource::Ssh { .. })).count();
            match self.mount(state, word, origin.as_ref(), &mut inputs, agents) {
                Some(mount) => mounts.push(mount),
                None => return,
            }
        }
        let scope = state.args_in_scope();
        let shown = self.shown(state, &instruction.text, self.lexer.display());
        let label = state.counter.label(&format!("{shown}{}", script.summary));
        let created_by = history::run(&args, &scope);
        let unkeyed_env =
            self.proxies.iter().filter(|(name, _)| state.env.get(name).is_none()).cloned().collect();
        let exec = Exec {
            args,
            env: state.env.pairs().to_vec(),
            unkeyed_env,
            cwd: state.cwd(),
            user: state.config.user.clone(),
            mounts,
            network: run.network.unwrap_or(self.options.network),
            insecure: run.insecure,
            extra_hosts: self.options.extra_hosts.clone(),
            platform: state.platform.clone(),
        };
        let name = state.name.clone();
        let about = About::new(label, instruction.span, &name).with_args(&scope);
        self.layer(state, StepKind::Exec(exec), inputs, about, created_by);
    }

    /// Leaving the sandbox is for the user to allow, not for the Dockerfile.
    fn check_entitlements(&mut self, run: &Run, span: Span) {
        let allowed = self.options.entitlements;
        let opens_network = run.network == Some(Network::Host) && self.options.network != Network::Host;
        if opens_network && !allowed.network_host {
            self.problems.push(problem::not_entitled("RUN --network=host", "network.host", span));
        }
        if run.insecure && !allowed.security_insecure {
            self.problems.push(problem::not_entitled("RUN --security=insecure", "security.insecure", span));
        }
    }

    fn mount(
        &mut self,
        state: &StageState,
        word: &Word,
        origin: Option<&Origin>,
        inputs: &mut Vec<Input>,
        agents: usize,
    ) -> Option<Mount> {
        let mut expand = |value: &str| {
            let word = Word { text: value.to_owned(), span: word.span };
            self.text(state, &word)
        };
        let options = match mounts::read(word.span, &word.text, &mut expand) {
            Ok(options) => options,
            Err(problem) => {
                self.problems.extend(problem);
                return None;
            }
        };
        let source = match options.kind {
            MountType::Bind | MountType::Cache => {
                self.tree_mount(state, &options, origin, inputs, word.span)?
            }
            MountType::Tmpfs => MountSource::Tmpfs { size_bytes: options.size_bytes },
            MountType::Secret => secret(&options),
            MountType::Ssh => ssh(&options),
        };
        let target = target(state, &options, agents);
        if target == "/" {
            let (message, help) = match options.target {
                Some(_) => ("A mount cannot take the place of `/`", "Give a directory below the root"),
                None => (
                    "The mount has no `target`",
                    "Write `target=/PATH`; without one it is the working directory",
                ),
            };
            self.problems.push(problem::bad_mount(message, word.span, help));
            return None;
        }
        Some(Mount { target, source, readonly: options.is_readonly() })
    }

    fn tree_mount(
        &mut self,
        state: &StageState,
        options: &MountOptions,
        origin: Option<&Origin>,
        inputs: &mut Vec<Input>,
        span: Span,
    ) -> Option<MountSource> {
        let from = match origin {
            Some(origin) => Some(self.files_of(origin, Role::Mount, inputs, span, &state.name)?),
            None => None,
        };
        let path = paths::clean(options.source.as_deref().unwrap_or("/"));
        if options.kind == MountType::Bind {
            return Some(MountSource::Bind {
                from: from.unwrap_or_else(|| From::Context(self.options.main_context.clone())),
                path,
            });
        }
        let default_id = || paths::join(&state.cwd(), options.target.as_deref().unwrap_or(""));
        let id = options.id.clone().filter(|id| !id.is_empty()).unwrap_or_else(default_id);
        let id = match scope::build_arg(self.options, "BUILDKIT_CACHE_MOUNT_NS") {
            Some(namespace) => format!("{namespace}/{id}"),
            None => id,
        };
        Some(MountSource::Cache {
            id,
            sharing: options.sharing.unwrap_or_default(),
            initial: from.map(|from| (from, path)),
            mode: options.mode.unwrap_or(0o755),
            uid: options.uid.unwrap_or(0),
            gid: options.gid.unwrap_or(0),
        })
    }
}

/// `agents` is the number of ssh mounts before this one.
fn target(state: &StageState, options: &MountOptions, agents: usize) -> String {
    match (&options.target, options.kind) {
        (Some(target), _) => paths::join(&state.cwd(), target),
        (None, MountType::Secret) => format!("/run/secrets/{}", mounts::base_name(&options.name())),
        (None, MountType::Ssh) => format!("/run/buildkit/ssh_agent.{agents}"),
        (None, _) => state.cwd(),
    }
}

fn secret(options: &MountOptions) -> MountSource {
    MountSource::Secret {
        id: options.name(),
        env: options.env.clone(),
        file: options.env.is_none() || options.target.is_some(),
        mode: options.mode.unwrap_or(0o400),
        uid: options.uid.unwrap_or(0),
        gid: options.gid.unwrap_or(0),
        required: options.required,
    }
}

fn ssh(options: &MountOptions) -> MountSource {
    MountSource::Ssh {
        id: options.name(),
        mode: options.mode.unwrap_or(0o600),
        uid: options.uid.unwrap_or(0),
        gid: options.gid.unwrap_or(0),
        required: options.required,
    }
}

/// What a RUN with heredocs really runs.
struct Script {
    command: Command,
    mounts: Vec<Mount>,
    /// Put behind the label: the first line of a sole heredoc.
    summary: String,
}

impl Script {
    fn new(command: &Command, heredocs: &[Heredoc]) -> Self {
        let plain = |command| Self { command, mounts: Vec::new(), summary: String::new() };
        let (Command::Shell(text), Some(first)) = (command, heredocs.first()) else {
            return plain(command.clone());
        };
        if !matches!(heredoc::parse(text), Ok(Some(_))) {
            // Other words beside the heredoc: the shell does it all.
            let bodies = heredocs.iter().map(|h| format!("\n{}{}", h.body, h.name));
            return plain(Command::Shell(std::iter::once(text.clone()).chain(bodies).collect()));
        }
        let data = first.content();
        let summary = summarize(&first.body);
        if !data.starts_with("#!") {
            return Self { summary, ..plain(Command::Shell(data)) };
        }
        let target = paths::join("/dev/pipes", &first.name);
        let mount = Mount { target: target.clone(), source: MountSource::Inline { data }, readonly: true };
        Self { command: Command::Shell(target), mounts: vec![mount], summary }
    }
}

fn summarize(body: &str) -> String {
    let mut lines = body.trim().lines();
    let first = lines.next().unwrap_or("");
    let more = if lines.next().is_some() { "..." } else { "" };
    format!(" ({first}{more})")
}
