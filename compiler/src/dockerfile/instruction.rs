//! Logical line → typed instruction.
//!
//! Owns: the argument rules of each instruction. What cannot be understood becomes a diagnostic and no instruction.

use buildc_ir::step::Network;
use buildc_ir::{Diagnostic, Span};

use super::ast::{Arg, Command, From, Instruction, Kind, Pairs, Run, Trigger, Word};
use super::flags::{Flags, Shape};
use super::json::{self, JsonForm};
use super::lines::LogicalLine;
use super::lower::mounts;
use super::{healthcheck, problem, words};

mod transfer;

/// Flags of COPY.
const COPY_FLAGS: [(&str, Shape); 6] = [
    ("from", Shape::Text),
    ("chown", Shape::Text),
    ("chmod", Shape::Text),
    ("link", Shape::Bool),
    ("parents", Shape::Bool),
    ("exclude", Shape::List),
];
/// Flags of ADD.
const ADD_FLAGS: [(&str, Shape); 7] = [
    ("chown", Shape::Text),
    ("chmod", Shape::Text),
    ("link", Shape::Bool),
    ("keep-git-dir", Shape::Bool),
    ("checksum", Shape::Text),
    ("unpack", Shape::Bool),
    ("exclude", Shape::List),
];
/// Flags of RUN.
const RUN_FLAGS: [(&str, Shape); 4] =
    [("mount", Shape::List), ("network", Shape::Text), ("security", Shape::Text), ("device", Shape::List)];
/// Flags of HEALTHCHECK.
const HEALTHCHECK_FLAGS: [(&str, Shape); 5] = [
    ("interval", Shape::Text),
    ("timeout", Shape::Text),
    ("start-period", Shape::Text),
    ("start-interval", Shape::Text),
    ("retries", Shape::Text),
];

fn known_flags(name: &str) -> &'static [(&'static str, Shape)] {
    match name {
        "FROM" => &[("platform", Shape::Text)],
        "RUN" => &RUN_FLAGS,
        "COPY" => &COPY_FLAGS,
        "ADD" => &ADD_FLAGS,
        "HEALTHCHECK" => &HEALTHCHECK_FLAGS,
        _ => &[],
    }
}

/// Understands one logical line.
pub fn parse(line: &LogicalLine, escape: char, problems: &mut Vec<Diagnostic>) -> Option<Instruction> {
    let (name, rest) = words::head(&line.text);
    let upper = name.to_ascii_uppercase();
    let name_span = line.span(0..name.len());
    if !problem::INSTRUCTIONS.contains(&upper.as_str()) {
        problems.push(problem::unknown_instruction(name, name_span));
        return None;
    }
    let start = line.text.len() - rest.map_or(0, str::len);
    let (flags, at) = if upper == "ONBUILD" {
        (Flags::default(), start)
    } else {
        Flags::read(line, &upper, start, escape, known_flags(&upper), problems)
    };
    let mut reader = Reader { line, name: upper, at, escape, problems };
    let kind = reader.kind(&flags)?;
    Some(Instruction {
        name: Word { text: name.to_owned(), span: name_span },
        span: line.full_span(),
        text: line.text.clone(),
        comments: line.comments.clone(),
        empty_continuation: line.empty_continuation,
        heredocs: line.heredocs.clone(),
        kind,
    })
}

struct Reader<'a> {
    line: &'a LogicalLine,
    /// Upper-cased.
    name: String,
    /// Where the arguments start.
    at: usize,
    escape: char,
    problems: &'a mut Vec<Diagnostic>,
}

impl Reader<'_> {
    fn kind(&mut self, flags: &Flags) -> Option<Kind> {
        Some(match self.name.as_str() {
            "FROM" => Kind::From(self.from(flags)?),
            "RUN" => Kind::Run(self.run(flags)?),
            "COPY" | "ADD" => Kind::Transfer(self.transfer(flags)?),
            "ENV" => Kind::Env(self.pairs()?),
            "LABEL" => Kind::Label(self.pairs()?),
            "ARG" => Kind::Arg(self.args()?),
            "USER" => Kind::User(self.one()?),
            "WORKDIR" => Kind::Workdir(self.one()?),
            "STOPSIGNAL" => Kind::Stopsignal(self.one()?),
            "MAINTAINER" => Kind::Maintainer(self.one()?),
            "EXPOSE" => Kind::Expose(self.ports()?),
            "VOLUME" => Kind::Volume(self.volumes()?),
            "CMD" => Kind::Cmd(self.command()?),
            "ENTRYPOINT" => Kind::Entrypoint(self.command()?),
            "SHELL" => Kind::Shell(self.shell()?),
            "HEALTHCHECK" => Kind::Healthcheck(healthcheck::parse(self.line, self.at, flags, self.problems)?),
            _ => Kind::Onbuild(self.onbuild()?),
        })
    }

    fn args_text(&self) -> &str {
        &self.line.text[self.at..]
    }

    /// The place of the arguments, or of the name where there are none.
    fn args_span(&self) -> Span {
        if self.at < self.line.text.len() {
            self.line.span(self.at..self.line.text.len())
        } else {
            self.line.span(0..self.name.len())
        }
    }

    fn word(&self, (at, text): words::Placed<'_>) -> Word {
        let start = self.at + at;
        Word { text: text.to_owned(), span: self.line.span(start..start + text.len()) }
    }

    fn refuse<T>(&mut self, message: impl Into<String>, help: impl Into<String>) -> Option<T> {
        let span = self.args_span();
        self.problems.push(problem::bad_arguments(message, span, help));
        None
    }

    fn ports(&mut self) -> Option<Vec<Word>> {
        let found: Vec<Word> = words::plain(self.args_text()).into_iter().map(|w| self.word(w)).collect();
        if found.is_empty() {
            return self.refuse("EXPOSE needs at least one argument", "Write `EXPOSE 8080`");
        }
        Some(found)
    }

    /// The whole argument text as one word.
    fn one(&mut self) -> Option<Word> {
        if self.args_text().is_empty() {
            let name = self.name.clone();
            return self
                .refuse(format!("{name} needs exactly one argument"), format!("Write `{name} VALUE`"));
        }
        Some(self.word((0, self.args_text())))
    }

    fn from(&mut self, flags: &Flags) -> Option<From> {
        let found: Vec<Word> = words::plain(self.args_text()).into_iter().map(|w| self.word(w)).collect();
        let usage = "Write `FROM image` or `FROM image AS name`";
        let name = match found.as_slice() {
            [_] => None,
            [_, keyword, name] if keyword.text.eq_ignore_ascii_case("as") => Some(self.stage_name(name)?),
            _ => return self.refuse("FROM takes one or three arguments", usage),
        };
        Some(From { base: found.into_iter().next()?, platform: flags.text("platform"), name })
    }

    fn stage_name(&mut self, word: &Word) -> Option<Word> {
        let text = word.text.to_lowercase();
        let rest_ok = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
        let ok = text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(rest_ok);
        if !ok {
            let message = format!("`{}` is not a valid stage name", word.text);
            let help = "A name starts with a letter, then letters, digits, `-`, `_` and `.`";
            self.problems.push(problem::bad_arguments(message, word.span, help));
            return None;
        }
        Some(Word { text, span: word.span })
    }

    /// JSON form, or the whole text for the shell.
    fn command(&mut self) -> Option<Command> {
        match json::parse(self.args_text()) {
            JsonForm::Strings(words) => Some(Command::Exec(words)),
            JsonForm::NotJson => {
                self.warn_of_near_json();
                Some(Command::Shell(self.args_text().to_owned()))
            }
            JsonForm::OtherMembers => self.other_members(),
        }
    }

    /// BuildKit takes text that almost is JSON for shell form without a word. So does this, but it says so: nobody means
    /// `["a",]` for the shell, unlike `[ -f x ]`.
    fn warn_of_near_json(&mut self) {
        if self.args_text().strip_prefix('[').is_some_and(|rest| rest.trim_start().starts_with(['"', '\''])) {
            let span = self.args_span();
            self.problems.push(problem::near_json(self.name.as_ref(), span));
        }
    }

    fn other_members<T>(&mut self) -> Option<T> {
        let message = format!("The JSON array of {} holds something else than strings", self.name);
        let span = self.args_span();
        self.problems.push(problem::bad_json(message, span));
        None
    }

    fn run(&mut self, flags: &Flags) -> Option<Run> {
        let command = self.command()?;
        if matches!(&command, Command::Shell(text) if text.is_empty()) || command == Command::Exec(Vec::new())
        {
            return self.refuse("RUN has no command", "Write `RUN command`");
        }
        if let Some(device) = flags.list("device").first() {
            self.problems.push(problem::unsupported("RUN --device", device.span, "Remove the flag"));
        }
        let network = flags.text("network").and_then(|word| self.network(&word));
        let insecure = flags.text("security").is_some_and(|word| self.security(&word));
        let mounts = flags.list("mount");
        for mount in &mounts {
            self.problems.extend(mounts::check(mount));
        }
        Some(Run { command, mounts, network, insecure })
    }

    fn network(&mut self, word: &Word) -> Option<Network> {
        match word.text.as_str() {
            "default" => Some(Network::Default),
            "none" => Some(Network::None),
            "host" => Some(Network::Host),
            other => {
                let message = format!("There is no network `{other}`");
                self.problems.push(problem::bad_flag(message, word.span, "Use `default`, `none` or `host`"));
                None
            }
        }
    }

    fn security(&mut self, word: &Word) -> bool {
        if !["insecure", "sandbox"].contains(&word.text.as_str()) {
            let message = format!("There is no security mode `{}`", word.text);
            self.problems.push(problem::bad_flag(message, word.span, "Use `sandbox` or `insecure`"));
        }
        word.text == "insecure"
    }

    /// JSON form, or words at blanks.
    fn json_or_words(&mut self) -> Option<Vec<Word>> {
        match json::parse(self.args_text()) {
            JsonForm::Strings(texts) => {
                let span = self.args_span();
                Some(texts.into_iter().map(|text| Word { text, span }).collect())
            }
            JsonForm::NotJson => {
                self.warn_of_near_json();
                Some(words::plain(self.args_text()).into_iter().map(|w| self.word(w)).collect())
            }
            JsonForm::OtherMembers => self.other_members(),
        }
    }

    fn volumes(&mut self) -> Option<Vec<Word>> {
        let found = self.json_or_words()?;
        if found.is_empty() {
            return self.refuse("VOLUME needs at least one argument", "Write `VOLUME /path`");
        }
        if found.iter().any(|w| w.text.trim().is_empty()) {
            return self.refuse("A VOLUME is empty", "Give the path of a directory");
        }
        Some(found)
    }

    fn pairs(&mut self) -> Option<Pairs> {
        let found: Vec<(usize, &str)> = words::quoted(&self.line.text[self.at..], self.escape);
        let Some((_, first)) = found.first() else {
            let span = self.args_span();
            self.problems.push(problem::missing_value(&self.name, span));
            return None;
        };
        if !first.contains('=') {
            return self.legacy_pair();
        }
        let mut pairs = Vec::new();
        for (at, text) in found {
            let Some((key, value)) = text.split_once('=') else {
                let word = self.word((at, text));
                self.problems.push(problem::missing_equals(&self.name, &word.text, word.span));
                return None;
            };
            if key.is_empty() {
                let help = format!("Write `{} NAME=value`", self.name);
                return self.refuse(format!("A name of {} is empty", self.name), help);
            }
            pairs.push((self.word((at, key)), self.word((at + key.len() + 1, value))));
        }
        Some(Pairs { pairs, legacy: false })
    }

    /// `KEY rest of the line`.
    fn legacy_pair(&mut self) -> Option<Pairs> {
        let text = &self.line.text[self.at..];
        let (key, Some(value)) = words::head(text) else {
            let span = self.args_span();
            self.problems.push(problem::missing_value(&self.name, span));
            return None;
        };
        let pair = (self.word((0, key)), self.word((text.len() - value.len(), value)));
        Some(Pairs { pairs: vec![pair], legacy: true })
    }

    fn args(&mut self) -> Option<Vec<Arg>> {
        let found: Vec<(usize, &str)> = words::quoted(&self.line.text[self.at..], self.escape);
        if found.is_empty() {
            return self.refuse("ARG needs at least one name", "Write `ARG NAME` or `ARG NAME=default`");
        }
        let mut args = Vec::new();
        for (at, text) in found {
            let (name, default) = match text.split_once('=') {
                Some((name, value)) => (name, Some(self.word((at + name.len() + 1, value)))),
                None => (text, None),
            };
            if name.is_empty() {
                return self.refuse("A name of ARG is empty", "Write `ARG NAME=default`");
            }
            args.push(Arg { name: self.word((at, name)), default });
        }
        Some(args)
    }

    fn shell(&mut self) -> Option<Vec<String>> {
        match json::parse(self.args_text()) {
            JsonForm::Strings(words) if !words.is_empty() => Some(words),
            JsonForm::Strings(_) => {
                self.refuse("SHELL needs at least one argument", "Write `SHELL [\"/bin/sh\", \"-c\"]`")
            }
            JsonForm::OtherMembers => self.other_members(),
            JsonForm::NotJson => {
                let span = self.args_span();
                self.problems.push(problem::bad_json("SHELL takes only the JSON form", span));
                None
            }
        }
    }

    fn onbuild(&mut self) -> Option<Trigger> {
        let text = self.args_text();
        let (inner, _) = words::head(text);
        let inner_span = self.line.span(self.at..self.at + inner.len());
        let inner = inner.to_ascii_uppercase();
        match inner.as_str() {
            "" => return self.refuse("ONBUILD needs an instruction", "Write `ONBUILD RUN command`"),
            "ONBUILD" | "FROM" | "MAINTAINER" => {
                let message = format!("{inner} cannot be an ONBUILD trigger");
                let help = "Triggers run inside the stage that is built on the image";
                self.problems.push(problem::bad_arguments(message, inner_span, help));
                return None;
            }
            _ => {}
        }
        let mut text = text.to_owned();
        for heredoc in &self.line.heredocs {
            text.push_str(&format!("\n{}{}", heredoc.body, heredoc.name));
        }
        // The trigger's own rules are checked where it is written, not only where it fires.
        let mut inner_line = self.line.clone();
        inner_line.drop_front(self.at);
        parse(&inner_line, self.escape, self.problems)?;
        Some(Trigger { text })
    }
}
