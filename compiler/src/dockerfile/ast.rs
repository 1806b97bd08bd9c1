//! The tree of a Dockerfile: typed instructions in file order, words as written and not yet expanded.
//!
//! Owns: the types only. Everything in the tree carries its place in the source.

use buildc_ir::step::Network;
use buildc_ir::{FileId, Healthcheck, Span};

/// One parsed file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dockerfile {
    /// The source it was read from.
    pub file: FileId,
    /// Parser directives at the top.
    pub directives: Directives,
    /// All instructions that could be understood, in file order.
    pub instructions: Vec<Instruction>,
}

/// `# name=value` lines at the top of the file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Directives {
    /// `syntax=`: the frontend that the author asked for; buildc has one built in and ignores it.
    pub syntax: Option<Word>,
    /// `check=`: lint configuration.
    pub check: Option<Word>,
    /// `escape=`: the continuation and quote character.
    pub escape: char,
}

impl Default for Directives {
    fn default() -> Self {
        Self { syntax: None, check: None, escape: '\\' }
    }
}

/// A piece of text and where it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Word {
    /// As written; quotes and escapes are still in it where the word is subject to expansion.
    pub text: String,
    /// Its place.
    pub span: Span,
}

/// One instruction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Instruction {
    /// The name as written, for example `run`.
    pub name: Word,
    /// From the name to the end of the last line, heredocs included.
    pub span: Span,
    /// The logical line: continuations joined, comments dropped, no heredoc bodies.
    pub text: String,
    /// Comment lines directly above.
    pub comments: Vec<String>,
    /// Blank lines inside a continuation, line ends included.
    pub blank_lines: Vec<Span>,
    /// The last line of it, heredocs not counted.
    pub last_line: Span,
    /// Heredocs of the line, in order.
    pub heredocs: Vec<Heredoc>,
    /// What the instruction says.
    pub kind: Kind,
}

/// A heredoc with its body.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Heredoc {
    /// The terminator word without quotes.
    pub name: String,
    /// True when the body is subject to expansion (no quote in the word).
    pub expand: bool,
    /// True for `<<-`: leading tabs of each line are dropped.
    pub strip_tabs: bool,
    /// The body as written, line ends included.
    pub body: String,
}

impl Heredoc {
    /// The body as it is used: without leading tabs where `<<-` asks for that.
    pub fn content(&self) -> String {
        if !self.strip_tabs {
            return self.body.clone();
        }
        self.body.split_inclusive('\n').map(|line| line.trim_start_matches('\t')).collect()
    }
}

/// What an instruction says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Kind {
    /// FROM: begins a stage.
    From(From),
    /// RUN.
    Run(Run),
    /// COPY and ADD.
    Transfer(Transfer),
    /// ENV.
    Env(Pairs),
    /// LABEL.
    Label(Pairs),
    /// ARG.
    Arg(Vec<Arg>),
    /// USER.
    User(Word),
    /// WORKDIR.
    Workdir(Word),
    /// STOPSIGNAL.
    Stopsignal(Word),
    /// EXPOSE.
    Expose(Vec<Word>),
    /// VOLUME.
    Volume(Vec<Word>),
    /// CMD.
    Cmd(Command),
    /// ENTRYPOINT.
    Entrypoint(Command),
    /// SHELL.
    Shell(Vec<String>),
    /// HEALTHCHECK.
    Healthcheck(Healthcheck),
    /// ONBUILD.
    Onbuild(Trigger),
    /// MAINTAINER.
    Maintainer(Word),
}

/// `FROM [--platform=P] image [AS name]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct From {
    /// Image or stage, not yet expanded.
    pub base: Word,
    /// `--platform`, not yet expanded.
    pub platform: Option<Word>,
    /// Stage name, lower-cased.
    pub name: Option<Word>,
    /// The word AS, as written.
    pub keyword: Option<Word>,
    /// Stage name as written.
    pub written_name: Option<Word>,
}

/// A command line in shell or JSON form.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// The text after the instruction, for the SHELL.
    Shell(String),
    /// An argument vector.
    Exec(Vec<String>),
}

/// RUN.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Run {
    /// What is run.
    pub command: Command,
    /// `--mount` values, not yet expanded.
    pub mounts: Vec<Word>,
    /// `--network`.
    pub network: Option<Network>,
    /// `--security=insecure`.
    pub insecure: bool,
    /// The first `--device`.
    pub device: Option<Word>,
}

/// COPY or ADD.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Transfer {
    /// True for ADD.
    pub add: bool,
    /// What is copied, without heredocs.
    pub sources: Vec<Word>,
    /// Indices into the instruction's heredocs that are sources.
    pub inline: Vec<usize>,
    /// Destination, not yet expanded.
    pub dest: Word,
    /// The flags.
    pub flags: TransferFlags,
}

/// Flags of COPY and ADD, not yet expanded.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TransferFlags {
    /// `--from`.
    pub from: Option<Word>,
    /// `--chown`.
    pub chown: Option<Word>,
    /// `--chmod`.
    pub chmod: Option<Word>,
    /// `--checksum`.
    pub checksum: Option<Word>,
    /// `--exclude`.
    pub exclude: Vec<Word>,
    /// `--link`.
    pub link: bool,
    /// `--parents`.
    pub parents: bool,
    /// `--keep-git-dir`.
    pub keep_git_dir: Option<bool>,
    /// `--unpack`.
    pub unpack: Option<bool>,
}

/// `ENV` and `LABEL` pairs, keys and values not yet expanded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pairs {
    /// In order.
    pub pairs: Vec<(Word, Word)>,
    /// True for the old `KEY rest of line` form.
    pub legacy: bool,
}

/// One name of an ARG instruction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Arg {
    /// The name.
    pub name: Word,
    /// The default, not yet expanded.
    pub default: Option<Word>,
}

/// ONBUILD: the text that fires in a child stage.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trigger {
    /// The instruction as the image config stores it, heredoc bodies appended.
    pub text: String,
}
