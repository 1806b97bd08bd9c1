//! The flags that every command which evaluates programs takes.
//!
//! Owns: what they mean for the evaluator. Never does: evaluation.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use buildc_compiler::lang::error::{EvalError, Result};
use buildc_compiler::lang::eval::{Evaluator, Options};
use buildc_compiler::lang::syntax::{Origin, Pos};
use buildc_compiler::lang::value::attrs::AttrsBuilder;
use buildc_compiler::lang::value::{Attrs, Value};

use nix::errno::Errno;

use super::eval_settings::{Settings, enable};
use crate::language::{self, Log};
use crate::units::parse_size;

// What programs are given and what they may see.
#[derive(clap::Args, Debug)]
pub struct EvalFlags {
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
    /// Where `<NAME>` is looked for; repeatable
    #[arg(short = 'I', long = "include", value_name = "[NAME=]PATH", allow_hyphen_values = true)]
    include: Vec<String>,
    // For a nix-instantiate that is a wrapper: where Nix differs, its way is meant.
    #[arg(long, hide = true)]
    eval: bool,
    /// Let programs see the environment, the clock and the system; reads NIX_PATH
    #[arg(long)]
    impure: bool,
    /// Let programs see nothing but what they say themselves and the store
    #[arg(long, overrides_with = "impure")]
    pure_eval: bool,
    /// Let builtins.warn fail
    #[arg(long)]
    abort_on_warn: bool,
    /// Directory of the store that paths are reckoned for [default: /nix/store; with --impure, NIX_STORE_DIR]
    #[arg(long, value_name = "DIR")]
    store_dir: Option<String>,
    /// Experimental features to switch on, for example pipe-operators
    #[arg(long, visible_alias = "experimental-features", value_name = "FEATURES")]
    extra_experimental_features: Vec<String>,
    /// Show the whole trace of an error
    #[arg(long, overrides_with = "no_show_trace")]
    show_trace: bool,
    /// Not the whole trace of an error
    #[arg(long, hide = true, overrides_with = "show_trace")]
    no_show_trace: bool,
    /// Let builtins.traceVerbose speak
    #[arg(long, overrides_with = "no_trace_verbose")]
    trace_verbose: bool,
    /// Not builtins.traceVerbose
    #[arg(long, hide = true, overrides_with = "trace_verbose")]
    no_trace_verbose: bool,
    /// How deep calls may be nested
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    max_call_depth: u32,
    /// Memory that it may take, for example 512m [default: three quarters of the machine's]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    memory_limit: Option<u64>,
    #[command(flatten)]
    settings: Settings,
}

impl EvalFlags {
    /// Memory that values and sources may take, in bytes.
    pub fn max_memory(&self) -> usize {
        self.memory_limit
            .map_or_else(language::memory_limit, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX))
    }

    /// The evaluator's options, given what the environment says and the bytes of stack there are.
    pub fn options(&self, stack_size: usize) -> Options {
        let sealed = self.pure_eval || self.settings.is_pure();
        let impure = (self.impure || self.eval) && !sealed;
        let mut options = Options {
            show_trace: self.show_trace && !self.no_show_trace,
            impure,
            sealed,
            trace_verbose: self.trace_verbose && !self.no_trace_verbose,
            abort_on_warn: self.abort_on_warn,
            verbosity: self.settings.verbosity(),
            max_call_depth: self.max_call_depth,
            store_dir: self.store_directory(impure),
            max_memory: self.max_memory(),
            stack_size,
            search_path: self.include.iter().map(|entry| search_entry(entry)).collect(),
            directory: std::env::current_dir()
                .map(|path| path.into_os_string().into_vec())
                .unwrap_or_default(),
            ..Options::default()
        };
        self.settings.apply(&mut options);
        self.extra_experimental_features.iter().for_each(|names| enable(&mut options, names));
        if options.impure {
            options.home = std::env::var_os("HOME").map(OsStringExt::into_vec);
            let path = std::env::var("NIX_PATH").unwrap_or_default();
            let entries = self.settings.search_path(&path);
            options.search_path.extend(entries.iter().map(|entry| search_entry(entry)));
        }
        options
    }

    /// What there is to read, up to what there is room for.
    fn text_of(&self, source: impl Read) -> io::Result<Vec<u8>> {
        let most = self.max_memory() as u64;
        let mut text = Vec::new();
        source.take(most.saturating_add(1)).read_to_end(&mut text)?;
        if text.len() as u64 > most { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(text) }
    }

    fn store_directory(&self, impure: bool) -> Vec<u8> {
        let said = std::env::var("NIX_STORE_DIR").ok().filter(|path| impure && path.starts_with('/'));
        let path = self.store_dir.clone().or(said);
        path.as_deref().unwrap_or("/nix/store").trim_end_matches('/').as_bytes().to_vec()
    }

    /// The form of what is said on standard error.
    pub fn log(&self) -> Log {
        if self.settings.is_json_log() { Log::Json } else { Log::Plain }
    }

    /// Whether Nix's own word asks for Nix's own ways.
    pub fn stands_in(&self) -> bool {
        self.eval
    }

    /// `--arg` and `--argstr`; relative paths in them are seen from `directory`.
    ///
    /// # Errors
    /// When an expression is not well formed, or a variable in it is undefined.
    pub fn arguments<'a>(&self, ev: &mut Evaluator<'a>, directory: &[u8]) -> Result<&'a Attrs<'a>> {
        let mut given: Vec<(&str, Value<'a>)> = Vec::new();
        for pair in self.arg.chunks_exact(2) {
            let value = ev.suspend_text(Origin::String, ev.bytes(pair[1].as_bytes()), directory)?;
            given.push((&pair[0], value));
        }
        for pair in self.arg_from_file.chunks_exact(2) {
            let path = std::path::Path::new(OsStr::from_bytes(directory)).join(&pair[1]);
            let text = File::open(path).and_then(|file| self.text_of(file));
            let text = text.map_err(|error| {
                EvalError::new(format!("opening file \"{}\": {}", pair[1], reason(&error)))
            })?;
            given.push((&pair[0], ev.string(ev.bytes(&text))));
        }
        for name in &self.arg_from_stdin {
            let text = self.text_of(io::stdin().lock());
            let text =
                text.map_err(|error| EvalError::new(format!("reading from stdin: {}", reason(&error))))?;
            given.push((name, ev.string(ev.bytes(&text))));
        }
        for pair in self.argstr.chunks_exact(2) {
            let text = ev.bytes(pair[1].as_bytes());
            given.push((&pair[0], ev.string(text)));
        }
        let mut set = AttrsBuilder::with_capacity(given.len());
        for (at, (name, value)) in given.iter().enumerate() {
            // Of an argument that is given twice the last one holds.
            if given[at + 1..].iter().all(|(later, _)| later != name) {
                let symbol = ev.symbols.intern(name.as_bytes());
                set.push(symbol, Pos::NONE, *value);
            }
        }
        Ok(set.finish(ev.arena))
    }
}

/// The system's words for an error, without its number.
fn reason(error: &io::Error) -> String {
    error.raw_os_error().map_or_else(|| error.to_string(), |code| Errno::from_raw(code).desc().to_owned())
}

fn size(text: &str) -> std::result::Result<u64, String> {
    parse_size(text).ok_or_else(|| "expected a size such as 512m or 2g".to_owned())
}

/// `NAME=PATH` or `PATH`.
fn search_entry(entry: &str) -> (Vec<u8>, Vec<u8>) {
    let (name, path) = entry.split_once('=').unwrap_or(("", entry));
    (name.as_bytes().to_vec(), path.as_bytes().to_vec())
}
