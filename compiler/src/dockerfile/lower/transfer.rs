//! COPY and ADD: sources, destination, flags.

use buildc_digest::Digest;
use buildc_ir::git::{GitRemote, other_commit};
use buildc_ir::step::{Copy, CopySource, From, HttpSource, Role, Unpack, may_link};
use buildc_ir::{Input, StepKind, go};
use nom::branch::alt;
use nom::bytes::complete::{tag, take_till1, take_while};
use nom::character::complete::{char, one_of};
use nom::combinator::{all_consuming, recognize};
use nom::multi::{many1_count, separated_list1};
use nom::sequence::preceded;
use nom::{IResult, Parser};

use super::link::Fired;
use super::stage::{About, Lowering, StageState};
use super::{history, paths};
use crate::dockerfile::ast::{Transfer, Word};
use crate::dockerfile::expand::Lexer;
use crate::dockerfile::problem;

/// The words of a COPY or ADD after expansion.
struct Words {
    sources: Vec<String>,
    inline: Vec<(String, String)>,
    dest: String,
    chown: Option<String>,
    chmod: Option<String>,
    checksum: Option<Digest>,
    /// `--checksum` of a git repository: the commit that the ref must be.
    commit: Option<String>,
}

impl Lowering<'_> {
    /// Lowers a COPY or ADD.
    pub(super) fn transfer(&mut self, state: &mut StageState, fired: &Fired<'_>, transfer: &Transfer) {
        // A failure is in the problems already.
        let _ = self.try_transfer(state, fired, transfer);
    }

    fn try_transfer(&mut self, state: &mut StageState, fired: &Fired<'_>, transfer: &Transfer) -> Option<()> {
        let instruction = &fired.instruction;
        let words = self.words(state, fired, transfer)?;
        let shown = self.shown(state, &instruction.text, self.lexer);
        let label = state.counter.label(&shown);
        let mut inputs = vec![Input { step: state.tree, role: Role::Base }];
        let from = match (&transfer.flags.from, fired.needs.first()) {
            (None, _) => From::Context(self.options.main_context.clone()),
            (Some(_), Some(Some(origin))) => {
                self.files_of(origin, Role::CopyFrom, &mut inputs, instruction.span, &state.name)?
            }
            (Some(_), _) => return None,
        };
        let mut sources = Vec::new();
        for (source, word) in words.sources.iter().zip(&transfer.sources) {
            sources.push(self.source(state, transfer, &words, source, word, &from, &mut inputs)?);
        }
        sources.extend(words.inline.iter().cloned().map(|(name, data)| CopySource::Inline { name, data }));
        let copy = Copy {
            sources,
            dest: paths::join(&state.cwd(), &words.dest),
            dest_is_dir: paths::names_directory(&words.dest),
            chown: words.chown.clone(),
            chmod: words.chmod.clone(),
            exclude: transfer.flags.exclude.iter().map(|w| w.text.clone()).collect(),
            parents: transfer.flags.parents,
            link: transfer.flags.link && may_link(words.chown.as_deref(), words.chmod.as_deref()),
            unpack: unpack(transfer),
        };
        let created_by = created_by(transfer, &words);
        let name = state.name.clone();
        self.layer(
            state,
            StepKind::Copy(copy),
            inputs,
            About::new(label, instruction.span, &name),
            created_by,
        );
        Some(())
    }

    fn words(&mut self, state: &StageState, fired: &Fired<'_>, transfer: &Transfer) -> Option<Words> {
        let flags = &transfer.flags;
        let sources = self.texts(state, &transfer.sources)?;
        let dest = self.text(state, &transfer.dest)?;
        let chown = self.flag(state, flags.chown.as_ref())?;
        let chmod = self.flag(state, flags.chmod.as_ref())?;
        if let (Some(mode), Some(word)) = (&chmod, &flags.chmod) {
            self.check_mode(mode, word)?;
        }
        let (checksum, commit) = match (self.flag(state, flags.checksum.as_ref())?, &flags.checksum) {
            (Some(text), Some(_)) if matches!(sources.as_slice(), [one] if is_git(one)) => (None, Some(text)),
            (Some(text), Some(word)) => (Some(self.checksum(&text, word, &sources)?), None),
            _ => (None, None),
        };
        let mut inline = Vec::new();
        for heredoc in transfer.inline.iter().filter_map(|i| fired.instruction.heredocs.get(*i)) {
            let word = Word { text: heredoc.content(), span: fired.instruction.span };
            let data =
                if heredoc.expand { self.text_by(state, Lexer::heredoc_body(), &word)? } else { word.text };
            inline.push((heredoc.name.clone(), data));
        }
        Some(Words { sources, inline, dest, chown, chmod, checksum, commit })
    }

    /// An expanded flag value; an empty one counts as not given. The outer `None` is a failure.
    fn flag(&mut self, state: &StageState, word: Option<&Word>) -> Option<Option<String>> {
        match word {
            Some(word) => Some(Some(self.text(state, word)?).filter(|t| !t.is_empty())),
            None => Some(None),
        }
    }

    fn check_mode(&mut self, mode: &str, word: &Word) -> Option<()> {
        if is_mode(mode) {
            return Some(());
        }
        let help = "Write an octal number up to 7777, or for example `u=rwX,go=rX`";
        self.problems.push(problem::bad_flag(format!("`{mode}` is not a file mode"), word.span, help));
        None
    }

    fn checksum(&mut self, text: &str, word: &Word, sources: &[String]) -> Option<Digest> {
        let refused = match sources {
            [one] if is_url(one) => None,
            [_] => Some("`--checksum` is for http and https sources".to_owned()),
            _ => Some("`--checksum` is for a single source".to_owned()),
        };
        let parsed: Result<Digest, String> = match refused {
            Some(message) => Err(message),
            None => text.parse().map_err(|_| format!("`{text}` is not a checksum")),
        };
        match parsed {
            Ok(digest) => Some(digest),
            Err(message) => {
                let help = "Write `ADD --checksum=sha256:<64 hexadecimal digits> URL DESTINATION`";
                self.problems.push(problem::bad_flag(message, word.span, help));
                None
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "all of one instruction's parts meet here")]
    fn source(
        &mut self,
        state: &StageState,
        transfer: &Transfer,
        words: &Words,
        source: &str,
        word: &Word,
        from: &From,
        inputs: &mut Vec<Input>,
    ) -> Option<CopySource> {
        let remote = is_git(source) || is_url(source);
        if remote && !transfer.add {
            let help = "Use ADD for sources that are fetched";
            self.problems.push(problem::bad_arguments(
                format!("COPY cannot fetch `{source}`"),
                word.span,
                help,
            ));
            return None;
        }
        if is_git(source) {
            let kind = self.repository(source, transfer, words, word)?;
            let step = self.add(kind, Vec::new(), About::new(source.to_owned(), word.span, &state.name))?;
            inputs.push(Input { step, role: Role::CopyFrom });
            let from = From::Input(inputs.len() - 1);
            return Some(CopySource::Path { from, pattern: String::new() });
        }
        if !remote {
            if transfer.flags.from.is_none() {
                self.lint.copied(self.at, transfer.add, source, &self.options.ignore);
            }
            let pattern = if transfer.flags.parents { pivoted(source) } else { paths::relative(source) };
            return Some(CopySource::Path { from: from.clone(), pattern });
        }
        let name = url_file_name(source);
        let checksum = match (words.checksum, self.resolver) {
            (None, Some(resolver)) => match resolver.checksum(source) {
                Ok(checksum) => checksum,
                Err(error) => {
                    self.problems.push(problem::unresolved(&error, source, &[], word.span));
                    return None;
                }
            },
            (given, _) => given,
        };
        let kind = StepKind::Http(HttpSource { url: source.to_owned(), checksum, name: name.clone() });
        let step = self.add(kind, Vec::new(), About::new(source.to_owned(), word.span, &state.name))?;
        inputs.push(Input { step, role: Role::CopyFrom });
        Some(CopySource::Fetched { input: inputs.len() - 1, name })
    }

    /// A repository at the commit that its ref is now: the commit is what keys see, never the ref.
    fn repository(
        &mut self,
        source: &str,
        transfer: &Transfer,
        words: &Words,
        word: &Word,
    ) -> Option<StepKind> {
        let help = "Write ADD URL#REF:SUBDIRECTORY DESTINATION";
        let remote = match GitRemote::parse(source)? {
            Ok(remote) => remote,
            Err(error) => {
                self.problems.push(problem::bad_arguments(
                    format!("Git repository {error}"),
                    word.span,
                    help,
                ));
                return None;
            }
        };
        let keep_git_dir = remote.keep_git_dir.or(transfer.flags.keep_git_dir);
        if transfer.flags.keep_git_dir.is_some_and(|flag| keep_git_dir != Some(flag)) {
            let message = "The address and `--keep-git-dir` say two different things about `.git`";
            self.problems.push(problem::bad_arguments(message, word.span, "Keep one of the two"));
            return None;
        }
        let commit = match self.resolver.map(|resolver| resolver.commit(&remote)) {
            None => remote.reference.clone(),
            Some(Ok(commit)) => commit,
            Some(Err(error)) => {
                self.problems.push(problem::unresolved(&error, source, &[], word.span));
                return None;
            }
        };
        let said = words.commit.iter().chain(&remote.commit);
        if self.resolver.is_some()
            && let Some(wrong) = other_commit(source, &commit, said)
        {
            self.problems.push(problem::bad_arguments(wrong, word.span, help));
            return None;
        }
        Some(StepKind::Git(GitRemote { keep_git_dir, ..remote }.at(commit)))
    }
}

fn unpack(transfer: &Transfer) -> Unpack {
    match (transfer.add, transfer.flags.unpack) {
        (false, _) | (true, Some(false)) => Unpack::Never,
        (true, None) => Unpack::Local,
        (true, Some(true)) => Unpack::Always,
    }
}

fn created_by(transfer: &Transfer, words: &Words) -> String {
    let mut text = String::from(if transfer.add { "ADD" } else { "COPY" });
    if transfer.flags.parents {
        text.push_str(" --parents");
    }
    for (flag, value) in [("chown", &words.chown), ("chmod", &words.chmod)] {
        if let Some(value) = value {
            text.push_str(&format!(" --{flag}={value}"));
        }
    }
    for source in &words.sources {
        text.push_str(&format!(" {source}"));
    }
    for (name, _) in &words.inline {
        text.push_str(&format!(" <<{name}"));
    }
    format!("{text} {}{}", words.dest, history::LAYER_SUFFIX)
}

/// `--parents`: a `/./` in the source stays, it is where the kept path begins.
pub(crate) fn pivoted(source: &str) -> String {
    match source.split_once("/./") {
        Some((parent, rest)) => format!("{}/./{}", paths::relative(parent), paths::relative(rest)),
        None => paths::relative(source),
    }
}

/// True for what `--chmod` takes: an octal number up to 7777, or a symbolic mode.
pub(crate) fn is_mode(mode: &str) -> bool {
    let octal = mode.bytes().all(|b| b.is_ascii_digit());
    let fits = u32::from_str_radix(mode, 8).is_ok_and(|m| m <= 0o7777);
    (octal && fits) || (!octal && symbolic_mode(mode).is_ok())
}

/// A clause of a symbolic mode, as chmod(1) has it.
fn clause(input: &str) -> IResult<&str, &str> {
    let who = take_while(|c| "ugoa".contains(c));
    let copied = recognize(one_of("ugo"));
    let bits = recognize(take_while(|c| "rwxXst".contains(c)));
    let action = (one_of("+-="), alt((copied, bits)));
    recognize((who, many1_count(action))).parse(input)
}

fn symbolic_mode(input: &str) -> IResult<&str, Vec<&str>> {
    all_consuming(separated_list1(char(','), clause)).parse(input)
}

fn is_http(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}

/// A file to fetch.
pub(crate) fn is_url(text: &str) -> bool {
    is_http(text) && !is_git(text)
}

/// A git repository. `github.com/…` without a scheme is a path here, as BuildKit has it.
fn is_git(text: &str) -> bool {
    !text.starts_with("github.com/") && GitRemote::parse(text).is_some()
}

/// The path of a URL, still encoded.
fn url_path(url: &str) -> IResult<&str, &str> {
    let authority = take_while(|c| !"/?#".contains(c));
    preceded((take_till1(|c| c == ':'), tag("://"), authority), take_while(|c| !"?#".contains(c))).parse(url)
}

/// The name of a fetched file: the last part of the URL's path, percent escapes decoded.
pub(crate) fn url_file_name(url: &str) -> String {
    let path = url_path(url).map_or("", |(_, path)| path);
    let name = go::unescaped(path);
    match name.trim_end_matches('/').rsplit('/').next() {
        None | Some("" | "." | "..") => "__unnamed__".to_owned(),
        Some(name) => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes() {
        for ok in ["u=rwX,go=rX", "+x", "g=u", "a-w+x", "u="] {
            assert!(symbolic_mode(ok).is_ok(), "{ok}");
        }
        for bad in ["", "rwx", "u", "u=q", "u=r,"] {
            assert!(symbolic_mode(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn remote_sources() {
        assert_eq!(url_file_name("https://h/a/b%20c?x=1#y"), "b c");
        assert_eq!(url_file_name("https://h/"), "__unnamed__");
        assert_eq!(url_file_name("https://h"), "__unnamed__");
        for git in ["git@h:a/b", "https://h/a.git#main", "git://h/x", "ssh://h/x"] {
            assert!(is_git(git), "{git}");
        }
        assert!(!is_git("https://h/a.tar") && !is_git("a@b") && !is_git("dir/x@y:z"));
    }
}
