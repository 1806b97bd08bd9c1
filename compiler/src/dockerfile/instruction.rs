//! Logical line → typed instruction.
//!
//! Owns: the argument rules of each instruction. What cannot be understood becomes a diagnostic and no instruction.

use buildc_ir::step::Network;
use buildc_ir::{Diagnostic, Span};

use super::ast::{Arg, Command, From, Instruction, Kind, Pairs, Run, Trigger, Word};
use super::flags::{Flags, Shape};
use super::lines::LogicalLine;
use super::lower::mounts;
use super::raw::{self, Raw, RawArgs};
use super::{healthcheck, problem};

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
    match raw::parse(line, escape) {
        Ok(raw) => understand(line, &raw, problems),
        Err(problem) => {
            problems.push(problem);
            None
        }
    }
}

/// Understands a line that has been split.
fn understand(line: &LogicalLine, raw: &Raw, problems: &mut Vec<Diagnostic>) -> Option<Instruction> {
    let upper = raw.name.text.to_ascii_uppercase();
    if matches!(raw.args, RawArgs::Ignored) || !problem::INSTRUCTIONS.contains(&upper.as_str()) {
        problems.push(problem::unknown_instruction(&raw.name.text, raw.name.span));
        return None;
    }
    // BuildKit does not look at the flags of these.
    let flags = if healthcheck::is_none(raw) || ["ARG", "STOPSIGNAL"].contains(&upper.as_str()) {
        Flags::default()
    } else {
        Flags::read(&raw.flags, &upper, known_flags(&upper), problems)
    };
    let mut reader = Reader { line, name: upper, raw, problems };
    let kind = reader.kind(&flags)?;
    Some(Instruction {
        name: raw.name.clone(),
        span: line.full_span(),
        text: line.text.clone(),
        comments: line.comments.clone(),
        blank_lines: line.blank_lines.clone(),
        last_line: line.last_line,
        heredocs: line.heredocs.clone(),
        kind,
    })
}

struct Reader<'a> {
    line: &'a LogicalLine,
    /// Upper-cased.
    name: String,
    raw: &'a Raw,
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
            "CMD" => Kind::Cmd(self.command()),
            "ENTRYPOINT" => Kind::Entrypoint(self.command()),
            "SHELL" => Kind::Shell(self.shell()?),
            "HEALTHCHECK" => Kind::Healthcheck(healthcheck::parse(self.raw, flags, self.problems)?),
            _ => Kind::Onbuild(self.onbuild()?),
        })
    }

    fn refuse<T>(&mut self, message: impl Into<String>, help: impl Into<String>) -> Option<T> {
        self.problems.push(problem::bad_arguments(message, self.raw.span, help));
        None
    }

    /// The words of an instruction that splits at blanks, JSON form included.
    fn words(&mut self) -> Vec<Word> {
        let span = self.raw.span;
        match &self.raw.args {
            RawArgs::Words(words) => {
                let words = words.clone();
                self.warn_of_near_json();
                words
            }
            RawArgs::Json(texts) => texts.iter().map(|text| Word { text: text.clone(), span }).collect(),
            _ => Vec::new(),
        }
    }

    /// BuildKit sorts them, which shows in the history.
    fn ports(&mut self) -> Option<Vec<Word>> {
        let mut found = self.words();
        if found.is_empty() {
            return self.refuse("EXPOSE needs at least one argument", "Write `EXPOSE 8080`");
        }
        found.sort_by(|a, b| a.text.cmp(&b.text));
        Some(found)
    }

    /// The whole argument text as one word.
    fn one(&mut self) -> Option<Word> {
        match &self.raw.args {
            RawArgs::Text(word) => Some(word.clone()),
            _ => {
                let name = self.name.clone();
                self.refuse(format!("{name} needs exactly one argument"), format!("Write `{name} VALUE`"))
            }
        }
    }

    fn from(&mut self, flags: &Flags) -> Option<From> {
        let found = self.words();
        let usage = "Write `FROM image` or `FROM image AS name`";
        let (name, keyword) = match found.as_slice() {
            [_] => (None, None),
            [_, keyword, name] if keyword.text.eq_ignore_ascii_case("as") => {
                (Some(self.stage_name(name)?), Some(keyword.clone()))
            }
            _ => return self.refuse("FROM takes one or three arguments", usage),
        };
        let written_name = found.get(2).cloned();
        let base = found.into_iter().next()?;
        Some(From { base, platform: flags.text("platform"), name, keyword, written_name })
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
    fn command(&mut self) -> Command {
        match &self.raw.args {
            RawArgs::Json(words) => Command::Exec(words.clone()),
            RawArgs::Text(word) => {
                let text = word.text.clone();
                self.warn_of_near_json();
                Command::Shell(text)
            }
            _ => Command::Shell(String::new()),
        }
    }

    /// BuildKit takes text that almost is JSON for shell form without a word. So does this, but it says so: nobody means
    /// `["a",]` for the shell, unlike `[ -f x ]`.
    fn warn_of_near_json(&mut self) {
        let text = &self.line.text[self.raw.start..];
        if self.name != "FROM"
            && self.name != "EXPOSE"
            && text.strip_prefix('[').is_some_and(|rest| rest.trim_start().starts_with(['"', '\'']))
        {
            self.problems.push(problem::near_json(self.name.as_ref(), self.raw.span));
        }
    }

    fn run(&mut self, flags: &Flags) -> Option<Run> {
        let command = self.command();
        if command == Command::Shell(String::new()) {
            self.problems.push(problem::empty_run(self.raw.name.span));
        }
        let network = flags.given("network").and_then(|word| self.network(&word));
        let insecure = flags.given("security").is_some_and(|word| self.security(&word));
        let mounts = flags.list("mount");
        for mount in &mounts {
            self.problems.extend(mounts::check(mount));
        }
        let device = flags.list("device").into_iter().next();
        Some(Run { command, mounts, network, insecure, device })
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

    fn volumes(&mut self) -> Option<Vec<Word>> {
        let trimmed = |word: Word| Word { text: word.text.trim().to_owned(), span: word.span };
        let found: Vec<Word> = self.words().into_iter().map(trimmed).collect();
        if found.is_empty() {
            return self.refuse("VOLUME needs at least one argument", "Write `VOLUME /path`");
        }
        if found.iter().any(|w| w.text.is_empty()) {
            return self.refuse("A VOLUME is empty", "Give the path of a directory");
        }
        Some(found)
    }

    fn pairs(&mut self) -> Option<Pairs> {
        let RawArgs::Pairs(pairs) = &self.raw.args else {
            self.problems.push(problem::missing_value(&self.name, self.raw.span));
            return None;
        };
        if pairs.pairs.iter().any(|(key, _)| key.text.is_empty()) {
            let help = format!("Write `{} NAME=value`", self.name);
            return self.refuse(format!("A name of {} is empty", self.name), help);
        }
        Some(pairs.clone())
    }

    fn args(&mut self) -> Option<Vec<Arg>> {
        let found = self.words();
        if found.is_empty() {
            return self.refuse("ARG needs at least one name", "Write `ARG NAME` or `ARG NAME=default`");
        }
        let mut args = Vec::new();
        for word in found {
            let (name, default) = match word.text.split_once('=') {
                Some((name, value)) => (name, Some(part(&word, name.len() + 1, value))),
                None => (word.text.as_str(), None),
            };
            if name.is_empty() {
                return self.refuse("A name of ARG is empty", "Write `ARG NAME=default`");
            }
            args.push(Arg { name: part(&word, 0, name), default });
        }
        Some(args)
    }

    fn shell(&mut self) -> Option<Vec<String>> {
        match &self.raw.args {
            RawArgs::Json(words) if !words.is_empty() => Some(words.clone()),
            RawArgs::Text(word) => {
                self.problems.push(problem::bad_json("SHELL takes only the JSON form", word.span));
                None
            }
            _ => self.refuse("SHELL needs at least one argument", "Write `SHELL [\"/bin/sh\", \"-c\"]`"),
        }
    }

    fn onbuild(&mut self) -> Option<Trigger> {
        let RawArgs::Inner(inner) = &self.raw.args else {
            return self.refuse("ONBUILD needs an instruction", "Write `ONBUILD RUN command`");
        };
        let name = inner.name.text.to_ascii_uppercase();
        if ["ONBUILD", "FROM", "MAINTAINER"].contains(&name.as_str()) {
            let message = format!("{name} cannot be an ONBUILD trigger");
            let help = "Triggers run inside the stage that is built on the image";
            self.problems.push(problem::bad_arguments(message, inner.name.span, help));
            return None;
        }
        let mut text = format!("{}{}", &self.line.text[self.raw.start..], self.line.tail);
        for heredoc in &self.line.heredocs {
            text.push_str(&format!("\n{}{}", heredoc.body, heredoc.name));
        }
        // The image is what was asked for even if the trigger can never fire, so its rules only give warnings here.
        let mut found = Vec::new();
        understand(self.line, inner, &mut found);
        self.problems.extend(found.into_iter().map(problem::of_trigger));
        Some(Trigger { text })
    }
}

/// A part of a word that starts at an offset. Words that go over a line end have the whole word's place.
fn part(word: &Word, at: usize, text: &str) -> Word {
    let mut span = word.span;
    if (span.end - span.start) as usize == word.text.len() {
        span = Span::new(span.file, span.start as usize + at, span.start as usize + at + text.len());
    }
    Word { text: text.to_owned(), span }
}
