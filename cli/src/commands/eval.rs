//! `buildc eval`: the value of a program in the build language, with the flags and the meaning of `nix-instantiate --eval`
//! and `--parse`.
//!
//! Owns: what the command line says of an evaluation, and the forms of its result. Never does: evaluation.

use std::io::{self, Write};
use std::mem::ManuallyDrop;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use buildc_compiler::lang::builtins::is_remote;
use buildc_compiler::lang::error::{ErrorKind, EvalError, Result};
use buildc_compiler::lang::eval::{Coercion, Evaluator, Feature, NIX_VERSION, Names};
use buildc_compiler::lang::print;
use buildc_compiler::lang::resolve::resolve;
use buildc_compiler::lang::syntax::{Origin, Pos};
use buildc_compiler::lang::value::{Attrs, Value};
use buildc_compiler::lang::world::World;
use buildc_compiler::lang::written::Written;
use bumpalo::Bump;

use super::Shell;
use super::eval_flags::EvalFlags;
use super::function_arguments::text_of;
use super::nix_words::Stop as Stopped;
use crate::failure::{Failure, Outcome};
use crate::interrupt;
use crate::language::{self, Files, Sealed};
use crate::session;

const AFTER_HELP: &str = "\
Examples:
  buildc eval -E '1 + 1'
  buildc eval --strict --json ./config.nix -A servers
  buildc eval --argstr name world ./greeting.nix
  echo 'x: x' | buildc eval --parse -

Errors are told in the language's own form. The exit code is 1 when evaluation fails.
With --eval, the flag of nix-instantiate, it is --impure, and ./default.nix is read where no file is given.";

/// What Nix adds to an error about the command line; `program` is Nix's that is stood in for.
fn try_help(program: &str) -> String {
    format!("Try '{program} --help' for more information.")
}

/// The exit status of Nix when something has another hash than was said.
const HASH_MISMATCH: u8 = 102;

// Options of `buildc eval`.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP, args_override_self = true)]
pub struct EvalArgs {
    /// Files to evaluate, - for standard input; with -E, expressions [default: standard input]
    #[arg(value_name = "FILE|EXPR")]
    sources: Vec<String>,
    /// The words are expressions
    #[arg(short = 'E', long = "expr")]
    expr: bool,
    /// Evaluate everything inside the value too
    #[arg(long)]
    strict: bool,
    /// Print the value as JSON
    #[arg(long, overrides_with_all = ["xml", "raw"])]
    json: bool,
    /// Print the value as XML
    #[arg(long, overrides_with_all = ["json", "raw"])]
    xml: bool,
    /// Print a string as it is
    #[arg(long, overrides_with_all = ["json", "xml"])]
    raw: bool,
    /// Print the program as it was understood, and evaluate nothing
    #[arg(long)]
    parse: bool,
    /// The words are names that are looked for as `<NAME>` is; print where they are
    #[arg(long)]
    find_file: bool,
    /// Print what this attribute leads to, for example a.b.0; repeatable
    #[arg(short = 'A', long = "attr", value_name = "PATH", allow_hyphen_values = true)]
    attr: Vec<String>,
    /// Leave places out of XML
    #[arg(long)]
    no_location: bool,
    #[command(flatten)]
    flags: EvalFlags,
}

/// What the arena of values starts with, in bytes.
const FIRST_BLOCK: usize = (4 << 20) - 4096;

/// What is evaluated.
enum Source {
    Text(Vec<u8>),
    Stdin(Vec<u8>),
    File(Vec<u8>),
    /// `<NAME>`, to be looked for in the search path.
    Lookup(Vec<u8>),
    /// An archive to be fetched.
    Remote(String),
    /// What a flake is.
    Flake(String),
}

/// Tells why a command line is not run, or what it asks for that needs no run, and returns the exit code;
/// `program` is Nix's that is stood in for.
pub fn refused(stop: &Stopped, program: &str) -> u8 {
    match stop {
        Stopped::Version => {
            let text = format!("nix-instantiate (Nix) {NIX_VERSION}\n");
            crate::output::data(&text).map_or_else(|failure| failure.exit_code(), |()| 0)
        }
        Stopped::Refused(refusal) => {
            crate::output::say(&format!("error: {}", refusal.text));
            if refusal.is_usage {
                crate::output::say(&try_help(program));
            }
            1
        }
    }
}

/// Evaluates and prints.
pub fn run(args: EvalArgs, shell: &Shell) -> Outcome {
    interrupt::ends_evaluation()?;
    let root = session::root(shell);
    let sources = sources(&args).map_err(Failure::Output)?;
    let directory = std::env::current_dir().map_err(Failure::Output)?;
    let code = language::on_big_stack(move |stack| {
        evaluate(&args, sources, directory.as_os_str().as_bytes(), &root, stack)
    })
    .map_err(Failure::Output)?;
    code.map_err(Failure::Output)
}

fn sources(args: &EvalArgs) -> io::Result<Vec<Source>> {
    if args.find_file {
        return Ok(args.sources.iter().map(|word| Source::Lookup(word.as_bytes().to_vec())).collect());
    }
    let mut sources = Vec::new();
    let nothing = args.sources.is_empty() && !args.expr;
    if args.sources.iter().any(|word| word == "-") || nothing && !args.flags.stands_in() {
        // However often it is named, it comes once, and first.
        sources.push(Source::Stdin(text_of(io::stdin().lock(), args.flags.max_memory())?));
    } else if nothing {
        sources.push(file("./default.nix")?);
    }
    for word in args.sources.iter().filter(|word| *word != "-") {
        sources.push(match word.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')) {
            _ if args.expr => Source::Text(word.as_bytes().to_vec()),
            Some(name) if !name.is_empty() => Source::Lookup(name.as_bytes().to_vec()),
            _ if is_remote(word) => Source::Remote(word.clone()),
            _ if word.starts_with("flake:") => Source::Flake(word.clone()),
            _ => file(word)?,
        });
    }
    Ok(sources)
}

fn file(path: &str) -> io::Result<Source> {
    // As for Nix, an empty name is the current directory's.
    let path = if path.is_empty() { "." } else { path };
    Ok(Source::File(std::path::absolute(path)?.into_os_string().into_vec()))
}

fn evaluate(
    args: &EvalArgs,
    sources: Vec<Source>,
    directory: &[u8],
    root: &Path,
    stack: usize,
) -> io::Result<u8> {
    let mut options = args.flags.options(stack);
    if args.parse {
        // A program is shown, and sees nothing.
        options.home = std::env::home_dir().map(|path| path.into_os_string().into_vec());
    }
    // One block that lies in huge pages rather than a dozen that double up to it.
    // The process ends with this: to give back every value before it would only take time.
    let arena = ManuallyDrop::new(Bump::with_capacity(FIRST_BLOCK.min(options.max_memory / 4)));
    let files = Files::new(root, &options.store_dir).logging(args.flags.log());
    let sealed = Sealed::new(&files, &options);
    let world: &dyn World = sealed.as_ref().map_or(&files, |sealed| sealed);
    let written = args.flags.writes().then(|| Written::new(world, &options.store_dir));
    let world = written.as_ref().map_or(world, |written| written);
    let mut ev = ManuallyDrop::new(Evaluator::new(&arena, world, options));
    ev.narrate(1, &["evaluating file '«nix-internal»/derivation-internal.nix'".as_bytes()]);
    match all(&mut ev, args, sources, directory) {
        Ok(()) => Ok(0),
        Err(Stop::Output(error)) => Err(error),
        Err(Stop::Program(error)) => {
            files.tell(&error, &ev);
            if error.kind == ErrorKind::Usage {
                files.say(try_help("nix-instantiate").as_bytes());
            }
            Ok(if error.kind == ErrorKind::HashMismatch { HASH_MISMATCH } else { 1 })
        }
    }
}

/// Why printing ends early.
enum Stop {
    Program(Box<EvalError>),
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

fn all(
    ev: &mut Evaluator<'_>,
    args: &EvalArgs,
    sources: Vec<Source>,
    directory: &[u8],
) -> std::result::Result<(), Stop> {
    if args.find_file {
        for source in sources {
            let Source::Lookup(name) = source else { continue };
            let mut path = ev.look_up(&name)?;
            path.push(b'\n');
            io::stdout().lock().write_all(&path)?;
        }
        return Ok(());
    }
    if args.parse {
        for source in sources {
            let mut text = parsed(ev, source, directory)?;
            text.push(b'\n');
            io::stdout().lock().write_all(&text)?;
        }
        return Ok(());
    }
    let given = args.flags.arguments(ev, directory)?;
    let whole = [String::new()];
    let paths = if args.attr.is_empty() { &whole[..] } else { &args.attr };
    for source in sources {
        let root = value(ev, source, directory)?;
        for path in paths {
            let value = selected(ev, root, path, given)?;
            // What is in a value is shown as it is, and this one has to be there for that.
            if !args.strict && matches!(value, Value::Attrs(_) | Value::List(_)) {
                ev.load_derivation()?;
            }
            let mut out = io::stdout().lock();
            if args.xml {
                ev.write_xml(value, args.strict, !args.no_location, &mut out)??;
                continue;
            }
            let (text, whole) = shown(ev, args, value)?;
            out.write_all(&text)?;
            // Standard output keeps what does not end in a line, and tells no error of it at the end.
            out.flush()?;
            whole?;
        }
    }
    Ok(())
}

fn parsed(ev: &mut Evaluator<'_>, source: Source, directory: &[u8]) -> Result<Vec<u8>> {
    let tree = match source {
        Source::Text(text) => ev.parse(Origin::String, ev.bytes(&text), directory)?,
        Source::Stdin(text) => ev.parse(Origin::Stdin, admitted(ev, &text)?, directory)?,
        file => {
            let path = located(ev, file)?;
            ev.parse_file(&path)?
        }
    };
    // Variables are bound while parsing: an undefined one is refused here too.
    resolve(ev, tree, &[])?;
    Ok(print::source(&ev.symbols, tree))
}

fn value<'a>(ev: &mut Evaluator<'a>, source: Source, directory: &[u8]) -> Result<Value<'a>> {
    match source {
        Source::Text(text) => ev.eval_text(Origin::String, ev.bytes(&text), directory),
        Source::Stdin(text) => ev.eval_text(Origin::Stdin, admitted(ev, &text)?, directory),
        file => {
            let path = located(ev, file)?;
            // It is not remembered: a program that imports the file evaluates it once more, as in Nix.
            let tree = ev.parse_file(&path)?;
            ev.eval_under(tree, &Names::default())
        }
    }
}

/// Where the file lies that a word means.
fn located(ev: &mut Evaluator<'_>, source: Source) -> Result<Vec<u8>> {
    match source {
        Source::Lookup(name) => ev.look_up(&name),
        Source::Remote(url) => ev.unpacked(&url),
        Source::Flake(word) => {
            ev.require(Feature::Flakes, "")?;
            Err(EvalError::new(format!("a flake cannot be evaluated as a file: '{word}'")))
        }
        Source::File(path) | Source::Text(path) | Source::Stdin(path) => Ok(path),
    }
}

/// A text that was read, where there is room for it.
fn admitted<'a>(ev: &Evaluator<'a>, text: &[u8]) -> Result<&'a [u8]> {
    ev.room_for(text.len())?;
    Ok(ev.bytes(text))
}

/// What an attribute path leads to, given its arguments.
fn selected<'a>(
    ev: &mut Evaluator<'a>,
    root: Value<'a>,
    path: &str,
    given: &'a Attrs<'a>,
) -> Result<Value<'a>> {
    let value = ev.select_along(path.as_bytes(), root, given)?;
    let value = ev.force(value, ev.pos_of(value))?;
    if given.is_empty() { Ok(value) } else { ev.auto_call(value, given) }
}

/// A value in the form that is wanted, and whether it is whole: what was written before an error is shown.
fn shown<'a>(ev: &mut Evaluator<'a>, args: &EvalArgs, value: Value<'a>) -> Result<(Vec<u8>, Result<()>)> {
    if args.raw {
        let how = Coercion { more: false, copy: true, canonical: true };
        let context = "while generating the nix-instantiate output";
        return Ok((ev.coerce_to_string(value, Pos::NONE, context, how)?.bytes, Ok(())));
    }
    let mut text = if args.json {
        let (text, written) = ev.json_begun(value, args.strict, true)?;
        if written.is_err() {
            return Ok((text.bytes, written));
        }
        text.bytes
    } else {
        let value = if args.strict { ev.force_deep(value)? } else { value };
        print::result(ev, value)
    };
    text.push(b'\n');
    Ok((text, Ok(())))
}
