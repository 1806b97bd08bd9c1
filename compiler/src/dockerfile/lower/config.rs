//! Instructions that change the config: ENV, ARG, LABEL, USER, WORKDIR, EXPOSE, VOLUME, CMD, ENTRYPOINT, SHELL,
//! STOPSIGNAL, HEALTHCHECK, ONBUILD, MAINTAINER.
//!
//! Each function expands all words with the variables as they were at the start of the instruction, except ARG,
//! whose names are done in turn. `None` means that a diagnostic has been made.

use buildc_ir::step::{Mkdir, Role};
use buildc_ir::{ImageConfig, Input, Platform, Span, StepKind};

use super::stage::{About, Lowering, StageState};
use super::{history, paths, ports};
use crate::dockerfile::ast::{Arg, Command, Instruction, Kind, Pairs, Word};
use crate::dockerfile::{problem, scope};

/// What shell form is put behind when no SHELL says otherwise.
const DEFAULT_SHELL: [&str; 2] = ["/bin/sh", "-c"];
/// The same in images for Windows.
const WINDOWS_SHELL: [&str; 3] = ["cmd", "/S", "/C"];

/// ARGs that steer the builder and are never environment.
const BUILDER_ARGS: [&str; 2] = ["BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE"];

/// Signal names without SIG, besides the real-time ones.
const SIGNALS: [&str; 34] = [
    "ABRT", "ALRM", "BUS", "CHLD", "CLD", "CONT", "FPE", "HUP", "ILL", "INT", "IO", "IOT", "KILL", "PIPE",
    "POLL", "PROF", "PWR", "QUIT", "SEGV", "STKFLT", "STOP", "SYS", "TERM", "TRAP", "TSTP", "TTIN", "TTOU",
    "URG", "USR1", "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ",
];

/// The argument vector of a command: shell form goes behind the SHELL.
pub fn argv(state: &StageState, command: &Command) -> Vec<String> {
    match command {
        Command::Exec(args) => args.clone(),
        Command::Shell(text) => in_shell(state.config.shell.as_deref(), &state.config.platform, text),
    }
}

/// A text behind the words of a shell, the default one of the system where none is set.
pub(crate) fn in_shell(shell: Option<&[String]>, platform: &Platform, text: &str) -> Vec<String> {
    let default: &[&str] = if platform.is_windows() { &WINDOWS_SHELL } else { &DEFAULT_SHELL };
    let default = || default.iter().map(|word| (*word).to_owned()).collect();
    let shell = shell.filter(|s| !s.is_empty()).map_or_else(default, <[String]>::to_vec);
    shell.into_iter().chain([text.to_owned()]).collect()
}

impl Lowering<'_> {
    /// Lowers one of the instructions of this module.
    pub(super) fn config_instruction(
        &mut self,
        state: &mut StageState,
        instruction: &Instruction,
        kind: &Kind,
    ) -> Option<()> {
        let text = match kind {
            Kind::Env(pairs) => self.env(state, pairs)?,
            Kind::Label(pairs) => self.label(state, pairs)?,
            Kind::Arg(args) => self.arg(state, args)?,
            Kind::User(word) => self.user(state, word)?,
            Kind::Workdir(word) => return self.workdir(state, instruction, word),
            Kind::Expose(words) => self.expose(state, words)?,
            Kind::Volume(words) => self.volume(state, words)?,
            Kind::Cmd(command) => self.cmd(state, instruction, command),
            Kind::Entrypoint(command) => self.entrypoint(state, instruction, command),
            Kind::Shell(shell) => {
                state.config.shell = Some(shell.clone());
                history::plain_list("SHELL", shell)
            }
            Kind::Stopsignal(word) => self.stopsignal(state, word)?,
            Kind::Healthcheck(check) => {
                let earlier = state.marks.healthcheck.replace(self.at);
                self.note_overridden(earlier, instruction);
                state.config.healthcheck = Some(check.clone());
                history::healthcheck(check)
            }
            Kind::Maintainer(word) => {
                // The one free text that is taken as written.
                state.config.author = Some(word.text.clone());
                format!("MAINTAINER {}", word.text)
            }
            Kind::Onbuild(trigger) => {
                // No history entry: the trigger only waits in the config.
                state.config.on_build.push(trigger.text.clone());
                return Some(());
            }
            Kind::From(_) | Kind::Run(_) | Kind::Transfer(_) => return Some(()),
        };
        self.config_change(state, text, instruction.span);
        Some(())
    }

    fn expand_pairs(&mut self, state: &StageState, pairs: &Pairs) -> Option<Vec<(String, String)>> {
        pairs
            .pairs
            .iter()
            .map(|(key, value)| Some((self.text(state, key)?, self.text(state, value)?)))
            .collect()
    }

    fn env(&mut self, state: &mut StageState, pairs: &Pairs) -> Option<String> {
        let mut text = String::from("ENV");
        for (key, value) in self.expand_pairs(state, pairs)? {
            self.lint.secret_name(self.at, "ENV", &key);
            text.push_str(&format!(" {key}={value}"));
            state.env.set(&key, &value);
            state.config.set_env(&key, &value);
        }
        Some(text)
    }

    fn label(&mut self, state: &mut StageState, pairs: &Pairs) -> Option<String> {
        let mut text = String::from("LABEL");
        for (key, value) in self.expand_pairs(state, pairs)? {
            text.push_str(&format!(" {key}={value}"));
            state.config.labels.insert(key, value);
        }
        Some(text)
    }

    fn arg(&mut self, state: &mut StageState, args: &[Arg]) -> Option<String> {
        let mut text = String::from("ARG");
        for arg in args {
            let name = arg.name.text.as_str();
            self.lint.secret_name(self.at, "ARG", name);
            let value = match (scope::build_arg(self.options, name), &arg.default) {
                (Some(given), _) => Some(given.to_owned()),
                (None, Some(default)) => Some(self.text(state, default)?),
                (None, None) => self.globals.get(name).map(str::to_owned),
            };
            text.push_str(&format!(" {name}"));
            if let Some(value) = &value {
                text.push_str(&format!("={value}"));
                if !BUILDER_ARGS.contains(&name) {
                    state.env.set(name, value);
                }
            }
            state.args.push((name.to_owned(), value));
        }
        Some(text)
    }

    fn user(&mut self, state: &mut StageState, word: &Word) -> Option<String> {
        let user = self.text(state, word)?;
        let text = format!("USER {user}");
        state.config.user = user;
        Some(text)
    }

    fn workdir(&mut self, state: &mut StageState, instruction: &Instruction, word: &Word) -> Option<()> {
        let written = self.text(state, word)?;
        if !std::mem::replace(&mut state.marks.workdir, true) {
            self.lint.workdir(self.at, &written);
        }
        let path = paths::join(&state.cwd(), &written);
        // As in BuildKit an absolute one stays as written, with the slash at its end.
        let shown = if written.starts_with('/') { written } else { path.clone() };
        let text = format!("WORKDIR {shown}");
        let makes_none = shown == "/";
        state.config.working_dir = shown;
        if makes_none {
            self.config_change(state, text, instruction.span);
            return Some(());
        }
        let shown = self.shown(state, &instruction.text, self.lexer);
        let label = state.counter.label(&shown);
        let kind = StepKind::Mkdir(Mkdir { path, user: state.config.user.clone() });
        let inputs = vec![Input { step: state.tree, role: Role::Base }];
        let name = state.name.clone();
        self.layer(state, kind, inputs, About::new(label, instruction.span, &name), text);
        Some(())
    }

    fn expose(&mut self, state: &mut StageState, words: &[Word]) -> Option<String> {
        let mut found = Vec::new();
        for word in words {
            for port in state.env.expand(self.lexer, word, self.problems)?.words {
                self.lint.port(self.at, word, &port);
                let Some(entries) = ports::parse(&port) else {
                    let help = "Write a port or a range, for example `8080`, `53/udp` or `8000-8010/tcp`";
                    let message = format!("`{port}` is not a port");
                    self.problems.push(problem::bad_arguments(message, word.span, help));
                    return None;
                };
                found.extend(entries);
            }
        }
        state.config.exposed_ports.extend(found.iter().cloned());
        Some(history::plain_list("EXPOSE", &found))
    }

    fn volume(&mut self, state: &mut StageState, words: &[Word]) -> Option<String> {
        let volumes = self.texts(state, words)?;
        if let Some(empty) = volumes.iter().position(String::is_empty) {
            let span = words.get(empty).map(|w| w.span)?;
            let help = "Give the variable a value, or write the path";
            self.problems.push(problem::bad_arguments("A VOLUME expands to nothing", span, help));
            return None;
        }
        state.config.volumes.extend(volumes.iter().cloned());
        Some(history::plain_list("VOLUME", &volumes))
    }

    fn cmd(&mut self, state: &mut StageState, instruction: &Instruction, command: &Command) -> String {
        let earlier = state.marks.cmd.replace(self.at);
        self.note_overridden(earlier, instruction);
        self.note_form(state, instruction, command);
        let args = argv(state, command);
        set_cmd(&mut state.config, args)
    }

    fn entrypoint(&mut self, state: &mut StageState, instruction: &Instruction, command: &Command) -> String {
        let earlier = state.marks.entrypoint.replace(self.at);
        self.note_overridden(earlier, instruction);
        self.note_form(state, instruction, command);
        let args = argv(state, command);
        set_entrypoint(&mut state.config, args, state.marks.cmd.is_some())
    }

    fn note_overridden(&mut self, earlier: Option<Span>, instruction: &Instruction) {
        if let Some(earlier) = earlier {
            self.lint.overridden(earlier, &instruction.name.text);
        }
    }

    fn note_form(&mut self, state: &StageState, instruction: &Instruction, command: &Command) {
        // An author who chose a SHELL wants it.
        if state.config.shell.as_ref().is_none_or(Vec::is_empty) && !state.marks.base_unknown {
            self.lint.command_form(self.at, &instruction.name.text, command);
        }
    }

    fn stopsignal(&mut self, state: &mut StageState, word: &Word) -> Option<String> {
        let signal = self.text(state, word)?;
        if !is_signal(&signal) {
            let help = "Write a name such as SIGTERM or a number other than 0";
            self.problems.push(problem::bad_arguments(
                format!("`{signal}` is not a signal"),
                word.span,
                help,
            ));
            return None;
        }
        let text = format!("STOPSIGNAL {signal}");
        state.config.stop_signal = Some(signal);
        Some(text)
    }
}

/// Sets the command; says what history says. An empty list is left out of the config, as unset is.
pub(crate) fn set_cmd(config: &mut ImageConfig, args: Vec<String>) -> String {
    let text = history::quoted_list("CMD", &args);
    config.cmd = Some(args).filter(|a| !a.is_empty());
    config.args_escaped = true;
    text
}

/// Sets the entrypoint; says what history says. A command that was set for another entrypoint goes unless it is kept.
pub(crate) fn set_entrypoint(config: &mut ImageConfig, args: Vec<String>, keep_cmd: bool) -> String {
    let text = history::quoted_list("ENTRYPOINT", &args);
    config.entrypoint = Some(args).filter(|a| !a.is_empty());
    if !keep_cmd {
        config.cmd = None;
    }
    text
}

/// True for what STOPSIGNAL takes: a name with or without SIG, or a number.
pub(crate) fn is_signal(text: &str) -> bool {
    if let Ok(number) = text.parse::<i64>() {
        return number != 0;
    }
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    // As in the table of names that BuildKit looks into: `+05` is none of them.
    let offset = |prefix: &str, most: u8| {
        name.strip_prefix(prefix).is_some_and(|offset| (1..=most).any(|n| n.to_string() == offset))
    };
    SIGNALS.contains(&name)
        || name == "RTMIN"
        || name == "RTMAX"
        || offset("RTMIN+", 15)
        || offset("RTMAX-", 14)
}
