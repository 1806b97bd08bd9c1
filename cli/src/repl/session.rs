//! What a session knows, and how it answers.
//!
//! Owns: the names that were bound, the files that were loaded, the meaning of commands.
//! Never does: reading lines.

use std::fmt;
use std::io::{self, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use buildc_compiler::lang::error::EvalError;
use buildc_compiler::lang::eval::{Evaluator, Names};
use buildc_compiler::lang::syntax::{self, Origin, Pos, ast};
use buildc_compiler::lang::value::{Attrs, Value};
use buildc_compiler::lang::{print, report, show};

use super::Setup;

/// What is told in the end of a text that is not whole.
const UNFINISHED: &[u8] = b"unexpected end of file";

/// Names shown when a set is brought into scope.
const NAMES_SHOWN: usize = 20;

const HELP: &str = "\
The following commands are available:

  <expr>                       Evaluate and print expression
  <x> = <expr>                 Bind expression to variable
  :a, :add <expr>              Add attributes from resulting set to scope
  :l, :load <path>             Load Nix expression and add it to scope
  :ll, :last-loaded            Show most recently loaded variables added to scope
  :p, :print <expr>            Evaluate and print expression recursively
                               Strings are printed directly, without escaping.
  :q, :quit                    Exit
  :r, :reload                  Reload all files
  :t <expr>                    Describe result of evaluation
  :doc <expr>                  Show documentation of a function
  :te, :trace-enable [bool]    Enable, disable or toggle showing traces for
                               errors
  :?, :help                    Brings up this help menu
";

const COMMANDS: &str = ":? :a :add :doc :help :l :last-loaded :ll :load :p :print :q :quit :r :reload :t :te :trace-enable :type";

/// How a text was answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// It was.
    Done,
    /// It is not whole yet.
    Wait,
    /// The session is over.
    Quit,
}

/// A session.
pub struct Session<'s, 'a> {
    ev: Evaluator<'a>,
    setup: &'s Setup<'s>,
    names: Names<'a>,
    loaded: Vec<String>,
    last_loaded: Option<&'a Attrs<'a>>,
}

impl fmt::Debug for Session<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("loaded", &self.loaded).finish_non_exhaustive()
    }
}

/// Why a text has no answer.
enum Stop {
    /// It is wrong, or evaluation failed.
    Program(Box<EvalError>),
    /// It is not whole yet, and would have this error if it were.
    Unfinished(Box<EvalError>),
    Output(io::Error),
}

impl From<Box<EvalError>> for Stop {
    fn from(error: Box<EvalError>) -> Self {
        Stop::Program(error)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Stop::Output(error)
    }
}

type Answered<T> = std::result::Result<T, Stop>;

impl<'s, 'a> Session<'s, 'a> {
    /// A session in which nothing is bound yet.
    pub fn new(ev: Evaluator<'a>, setup: &'s Setup<'s>) -> Self {
        Session { ev, setup, names: Names::default(), loaded: Vec::new(), last_loaded: None }
    }

    /// Loads the files that the session starts with.
    ///
    /// # Errors
    /// When standard error fails.
    pub fn start(&mut self) -> io::Result<()> {
        self.loaded = self.setup.files.to_vec();
        self.reload().map(drop)
    }

    /// Answers a text; one that is not whole is waited for unless it is the `last`.
    ///
    /// # Errors
    /// When a stream fails.
    pub fn answer(&mut self, text: &[u8], last: bool) -> io::Result<Answer> {
        let text = text.trim_ascii_start();
        if text.is_empty() {
            return Ok(Answer::Done);
        }
        let answered = if text[0] == b':' { self.command(text) } else { self.statement(text) };
        match answered {
            Ok(answer) => Ok(answer),
            Err(Stop::Unfinished(_)) if !last => Ok(Answer::Wait),
            Err(Stop::Program(error) | Stop::Unfinished(error)) => self.tell(&error),
            Err(Stop::Output(error)) => Err(error),
        }
    }

    fn tell(&self, error: &EvalError) -> io::Result<Answer> {
        let mut text = report::render(error, &self.ev.sources, self.ev.options.show_trace);
        text.push(b'\n');
        io::stderr().lock().write_all(&text)?;
        Ok(Answer::Done)
    }

    fn command(&mut self, text: &[u8]) -> Answered<Answer> {
        let end = text.iter().position(u8::is_ascii_whitespace).unwrap_or(text.len());
        let (command, rest) = (&text[..end], text[end..].trim_ascii());
        match command {
            b":q" | b":quit" => return Ok(Answer::Quit),
            b":?" | b":help" => self.print(HELP.as_bytes())?,
            b":a" | b":add" => {
                let value = self.value(rest)?;
                self.add(value)?;
            }
            b":l" | b":load" => {
                let path = String::from_utf8_lossy(rest).into_owned();
                self.loaded.retain(|loaded| *loaded != path);
                self.loaded.push(path.clone());
                self.load(&path)?;
            }
            b":ll" | b":last-loaded" => {
                let symbols =
                    self.last_loaded.map_or(&[][..], |attrs| attrs.flatten(self.ev.arena).0.symbols);
                let names = symbols.iter().flat_map(|symbol| [self.ev.symbols.name(*symbol), b"\n"]);
                let text = names.collect::<Vec<_>>().concat();
                self.print(&text)?;
            }
            b":r" | b":reload" => return Ok(self.reload()?),
            b":t" | b":type" => {
                let value = self.value(rest)?;
                self.print(format!("{}\n", print::type_phrase(value)).as_bytes())?;
            }
            b":p" | b":print" => match self.value(rest)? {
                Value::String(string) => self.print(&[string.bytes(), b"\n"].concat())?,
                value => self.show(value, usize::MAX)?,
            },
            b":doc" => {
                let value = self.value(rest)?;
                let text = show::documentation(&self.ev, value)
                    .ok_or_else(|| EvalError::new("value does not have documentation"))?;
                self.print(&text)?;
            }
            b":te" | b":trace-enable" => self.trace_enable(rest)?,
            unknown => return Err(EvalError::new([b"unknown command '", unknown, b"'"].concat()).into()),
        }
        Ok(Answer::Done)
    }

    fn trace_enable(&mut self, word: &[u8]) -> Answered<()> {
        let show = &mut self.ev.options.show_trace;
        *show = match word {
            b"" => !*show,
            b"true" => true,
            b"false" => false,
            other => {
                return Err(EvalError::new([b"unexpected argument '", other, b"' to :te"].concat()).into());
            }
        };
        let text: &[u8] = if *show { b"showing error traces\n" } else { b"not showing error traces\n" };
        Ok(self.print(text)?)
    }

    /// An expression, or bindings.
    fn statement(&mut self, text: &[u8]) -> Answered<Answer> {
        let text = self.ev.bytes(text);
        match self.parse(text) {
            Ok(tree) => {
                let value = self.ev.eval_under(tree, &self.names)?;
                self.show(value, 1)?;
            }
            Err(wrong) => match self.ev.parse_bindings(Origin::String, text, self.setup.directory) {
                Ok(tree) => {
                    if let Value::Attrs(attrs) = self.ev.eval_under(tree, &self.names)? {
                        self.ev.bind_attrs(&mut self.names, attrs);
                    }
                }
                Err(bindings) => return Err(self.neither(text, wrong, &bindings)),
            },
        }
        Ok(Answer::Done)
    }

    /// What is told of a text that is neither an expression nor bindings. Bindings that are wrong only where they end may go on.
    fn neither(&self, text: &[u8], expression: Stop, bindings: &EvalError) -> Stop {
        let place = self.ev.sources.resolve(bindings.pos);
        let at_end = place.is_some_and(|place| place.line_start + place.column as usize > text.len());
        match expression {
            Stop::Program(error) if at_end => Stop::Unfinished(error),
            other => other,
        }
    }

    fn parse(&mut self, text: &'a [u8]) -> Answered<ast::Node<'a>> {
        self.ev.parse(Origin::String, text, self.setup.directory).map_err(unfinished)
    }

    fn value(&mut self, text: &[u8]) -> Answered<Value<'a>> {
        let tree = self.parse(self.ev.bytes(text))?;
        Ok(self.ev.eval_under(tree, &self.names)?)
    }

    fn show(&mut self, value: Value<'a>, max_depth: usize) -> Answered<()> {
        let how = show::Show { max_depth, colors: self.setup.colors };
        let mut text = self.ev.recover(|ev| show::value(ev, value, how))?;
        text.push(b'\n');
        Ok(self.print(&text)?)
    }

    fn print(&self, text: &[u8]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(text)?;
        out.flush()
    }

    fn notice(&self, text: &[u8]) -> io::Result<()> {
        io::stderr().lock().write_all(&[text, b"\n"].concat())
    }

    /// Forgets everything and loads the files again.
    fn reload(&mut self) -> io::Result<Answer> {
        self.names.clear();
        self.ev.forget_files();
        for path in self.loaded.clone() {
            self.notice(format!("Loading \"{path}\"...").as_bytes())?;
            match self.load(&path) {
                Ok(()) => {}
                Err(Stop::Output(error)) => return Err(error),
                Err(Stop::Program(error) | Stop::Unfinished(error)) => {
                    self.tell(&error)?;
                }
            }
        }
        Ok(Answer::Done)
    }

    fn load(&mut self, path: &str) -> Answered<()> {
        let value = if path.starts_with('<') {
            let import = format!("import {path}");
            self.value(import.as_bytes())?
        } else {
            let base = std::path::Path::new(std::ffi::OsStr::from_bytes(self.setup.directory));
            let path = base.join(path).into_os_string().into_vec();
            self.ev.recover(|ev| ev.eval_file(&path))?
        };
        let (flags, directory) = (self.setup.flags, self.setup.directory);
        let given: &'a Attrs<'a> = flags.arguments(&mut self.ev, directory)?;
        let value = self.ev.recover(|ev| ev.auto_call(value, given))?;
        self.add(value)
    }

    /// Brings the attributes of a set into scope.
    fn add(&mut self, value: Value<'a>) -> Answered<()> {
        let context = "while evaluating an attribute set to be merged in the global scope";
        let attrs = self.ev.recover(|ev| ev.attrs_of(value, Pos::NONE, context))?;
        self.last_loaded = Some(attrs);
        let bound = self.ev.bind_attrs(&mut self.names, attrs);
        let mut names = Vec::new();
        for name in bound.iter().take(NAMES_SHOWN) {
            if !names.is_empty() {
                names.extend_from_slice(b", ");
            }
            syntax::print::name(&mut names, name);
        }
        self.notice(format!("Added {} variables.", bound.len()).as_bytes())?;
        self.notice(&names)?;
        if let hidden @ 1.. = bound.len().saturating_sub(NAMES_SHOWN) {
            self.notice(format!("... and {hidden} more; view with :ll").as_bytes())?;
        }
        Ok(())
    }

    /// What a word may become: a command, a name in scope, or `SET.NAME`. An expression that fails offers nothing.
    pub fn completions(&mut self, word: &str) -> Vec<String> {
        let mut found: Vec<String> = match word.rsplit_once('.') {
            _ if word.starts_with(':') => COMMANDS.split(' ').map(str::to_owned).collect(),
            Some((set, _)) => self.attribute_names(set).unwrap_or_default(),
            None => {
                let bound = self.names.names().iter().map(|name| self.ev.symbols.name(*name));
                let names = bound.chain(self.ev.global_names());
                names.map(|name| String::from_utf8_lossy(name).into_owned()).collect()
            }
        };
        found.retain(|name| name.starts_with(word));
        found.sort();
        found.dedup();
        found
    }

    fn attribute_names(&mut self, set: &str) -> Option<Vec<String>> {
        let value = self.value(set.as_bytes()).ok()?;
        let Ok(Value::Attrs(attrs)) = self.ev.recover(|ev| ev.force(value, Pos::NONE)) else { return None };
        let symbols = attrs.flatten(self.ev.arena).0.symbols;
        let name = |symbol| {
            let mut text = format!("{set}.").into_bytes();
            syntax::print::name(&mut text, self.ev.symbols.name(symbol));
            String::from_utf8_lossy(&text).into_owned()
        };
        Some(symbols.iter().map(|symbol| name(*symbol)).collect())
    }
}

/// Tells a text that is wrong from one that ends too early.
fn unfinished(error: Box<EvalError>) -> Stop {
    if error.message.windows(UNFINISHED.len()).any(|part| part == UNFINISHED) {
        Stop::Unfinished(error)
    } else {
        Stop::Program(error)
    }
}
