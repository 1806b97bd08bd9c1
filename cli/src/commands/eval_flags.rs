//! The flags that every command which evaluates programs takes.
//!
//! Owns: what they mean for the evaluator. Never does: evaluation.

use std::os::unix::ffi::OsStringExt;

use buildc_compiler::lang::error::Result;
use buildc_compiler::lang::eval::{Evaluator, Options};
use buildc_compiler::lang::value::Attrs;

use super::eval_settings::{Settings, enable};
use super::function_arguments::FunctionArguments;
use crate::language::{self, Log};
use crate::units::parse_size;

// What programs are given and what they may see.
#[derive(clap::Args, Debug)]
pub struct EvalFlags {
    #[command(flatten)]
    arguments: FunctionArguments,
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
    /// Let programs read what they add to the store
    #[arg(long, hide = true)]
    read_write_mode: bool,
    /// Not even with --read-write-mode
    #[arg(long, hide = true)]
    readonly_mode: bool,
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
        if self.impure || self.eval {
            // What Nix takes from its environment whatever programs may see of it.
            let said = std::env::var("NIX_ABORT_ON_WARN").unwrap_or_default();
            options.abort_on_warn |= matches!(&said[..], "1" | "true" | "yes");
        }
        self.settings.apply(&mut options);
        self.extra_experimental_features.iter().for_each(|names| enable(&mut options, names));
        if options.impure {
            options.home = std::env::home_dir().map(|path| path.into_os_string().into_vec());
            let path = std::env::var("NIX_PATH").unwrap_or_default();
            let entries = self.settings.search_path(&path);
            options.search_path.extend(entries.iter().map(|entry| search_entry(entry)));
        }
        options
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

    /// Whether programs may read what they add to the store.
    pub fn writes(&self) -> bool {
        self.read_write_mode && !self.readonly_mode
    }

    /// Whether Nix's own word asks for Nix's own ways.
    pub fn stands_in(&self) -> bool {
        self.eval
    }

    /// What functions are called with; relative paths in it are seen from `directory`.
    ///
    /// # Errors
    /// When an expression is not well formed, a variable in it is undefined, or a file cannot be read.
    pub fn arguments<'a>(&self, ev: &mut Evaluator<'a>, directory: &[u8]) -> Result<&'a Attrs<'a>> {
        self.arguments.set(ev, directory, self.max_memory())
    }
}

fn size(text: &str) -> std::result::Result<u64, String> {
    parse_size(text).ok_or_else(|| "expected a size such as 512m or 2g".to_owned())
}

/// `NAME=PATH` or `PATH`.
fn search_entry(entry: &str) -> (Vec<u8>, Vec<u8>) {
    let (name, path) = entry.split_once('=').unwrap_or(("", entry));
    (name.as_bytes().to_vec(), path.as_bytes().to_vec())
}
