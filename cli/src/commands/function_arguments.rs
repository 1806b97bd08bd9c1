//! Arguments for the functions that a program is: `--arg`, `--argstr`, and Nix's `--arg-from-file` and
//! `--arg-from-stdin`.
//!
//! Owns: the order in which they were said, and what they are as values. Never does: call a function.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;

use buildc_compiler::lang::error::{EvalError, Result};
use buildc_compiler::lang::eval::Evaluator;
use buildc_compiler::lang::syntax::{Origin, Pos};
use buildc_compiler::lang::value::attrs::AttrsBuilder;
use buildc_compiler::lang::value::{Attrs, Value};
use clap::{ArgMatches, Args, Command, Error, FromArgMatches};
use nix::errno::Errno;

// As clap reads them, each flag by itself.
#[derive(Args, Debug)]
struct Flags {
    /// Argument for functions, as an expression
    #[arg(long, num_args = 2, value_names = ["NAME", "EXPR"], allow_hyphen_values = true)]
    arg: Vec<String>,
    /// Argument for functions, as a string
    #[arg(long, num_args = 2, value_names = ["NAME", "STRING"], allow_hyphen_values = true)]
    argstr: Vec<String>,
    /// Argument for functions, the contents of a file
    #[arg(long, num_args = 2, value_names = ["NAME", "FILE"], hide = true)]
    arg_from_file: Vec<String>,
    /// Argument for functions, the text of standard input
    #[arg(long, value_name = "NAME", hide = true)]
    arg_from_stdin: Vec<String>,
}

/// What an argument is.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Given {
    Expression(String),
    Text(String),
    File(String),
    Stdin,
}

/// Arguments with their names, as they were said.
#[derive(Debug, Default)]
pub struct FunctionArguments(Vec<(String, Given)>);

impl FromArgMatches for FunctionArguments {
    fn from_arg_matches(matches: &ArgMatches) -> std::result::Result<Self, Error> {
        let mut arguments = Self::default();
        arguments.update_from_arg_matches(matches)?;
        Ok(arguments)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> std::result::Result<(), Error> {
        let flags = Flags::from_arg_matches(matches)?;
        let mut found: Vec<(usize, String, Given)> = Vec::new();
        let mut pairs = |id: &str, words: &[String], given: fn(String) -> Given| {
            let places = matches.indices_of(id).into_iter().flatten().step_by(2);
            for (place, pair) in places.zip(words.chunks_exact(2)) {
                found.push((place, pair[0].clone(), given(pair[1].clone())));
            }
        };
        pairs("arg", &flags.arg, Given::Expression);
        pairs("argstr", &flags.argstr, Given::Text);
        pairs("arg_from_file", &flags.arg_from_file, Given::File);
        let places = matches.indices_of("arg_from_stdin").into_iter().flatten();
        found.extend(places.zip(flags.arg_from_stdin).map(|(place, name)| (place, name, Given::Stdin)));
        found.sort_by_key(|(place, ..)| *place);
        self.0 = found.into_iter().map(|(_, name, given)| (name, given)).collect();
        Ok(())
    }
}

impl Args for FunctionArguments {
    fn augment_args(command: Command) -> Command {
        Flags::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Flags::augment_args_for_update(command)
    }
}

impl FunctionArguments {
    /// The set of them, made in the order of their names; relative paths in them are seen from `directory`, and none may take
    /// more than `most` bytes. Of an argument that is given twice the last one holds, and the others are not looked at.
    ///
    /// # Errors
    /// When an expression is not well formed, a variable in it is undefined, or a file cannot be read.
    pub fn set<'a>(&self, ev: &mut Evaluator<'a>, directory: &[u8], most: usize) -> Result<&'a Attrs<'a>> {
        let mut set = AttrsBuilder::with_capacity(self.0.len());
        let last: BTreeMap<&str, &Given> =
            self.0.iter().map(|(name, given)| (name.as_str(), given)).collect();
        for (name, given) in last {
            let value = value(ev, given, directory, most)?;
            let symbol = ev.symbols.intern(name.as_bytes());
            set.push(symbol, Pos::NONE, value);
        }
        Ok(set.finish(ev.arena))
    }
}

fn value<'a>(ev: &mut Evaluator<'a>, given: &Given, directory: &[u8], most: usize) -> Result<Value<'a>> {
    let text = match given {
        Given::Expression(text) => {
            return ev.suspend_text(Origin::String, ev.bytes(text.as_bytes()), directory);
        }
        Given::Text(text) => return Ok(ev.string(ev.bytes(text.as_bytes()))),
        Given::File(name) => {
            let path = std::path::Path::new(OsStr::from_bytes(directory)).join(name);
            File::open(path)
                .and_then(|file| text_of(file, most))
                .map_err(|error| EvalError::new(format!("opening file \"{name}\": {}", reason(&error))))?
        }
        Given::Stdin => text_of(io::stdin().lock(), most)
            .map_err(|error| EvalError::new(format!("reading from stdin: {}", reason(&error))))?,
    };
    ev.room_for(text.len())?;
    Ok(ev.string(ev.bytes(&text)))
}

/// What there is to read; of more than `most` bytes one byte more, which is enough to be refused.
///
/// # Errors
/// When it cannot be read.
pub fn text_of(source: impl Read, most: usize) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    source.take((most as u64).saturating_add(1)).read_to_end(&mut text)?;
    Ok(text)
}

/// The system's words for an error, without its number.
fn reason(error: &io::Error) -> String {
    error.raw_os_error().map_or_else(|| error.to_string(), |code| Errno::from_raw(code).desc().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_on_the_command_line_is_kept() {
        let command = FunctionArguments::augment_args(Command::new("eval"));
        let line = "eval --argstr a 1 --arg a 2 --arg-from-stdin b --arg-from-file c d --argstr a 3";
        let matches = command.try_get_matches_from(line.split(' ')).expect("well formed");
        let given = FunctionArguments::from_arg_matches(&matches).expect("read");
        let wanted = [
            ("a", Given::Text("1".to_owned())),
            ("a", Given::Expression("2".to_owned())),
            ("b", Given::Stdin),
            ("c", Given::File("d".to_owned())),
            ("a", Given::Text("3".to_owned())),
        ];
        assert_eq!(given.0, wanted.map(|(name, given)| (name.to_owned(), given)));
    }
}
