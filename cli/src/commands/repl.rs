//! `buildc repl`: a prompt for the build language, with the commands of `nix repl` that build nothing.
//!
//! Owns: what the command line says of a session. Never does: reading and answering lines (see [`crate::repl`]).

use std::io::{self, IsTerminal};
use std::os::unix::ffi::OsStrExt;

use super::Shell;
use super::eval_flags::EvalFlags;
use crate::failure::{Failure, Outcome};
use crate::interrupt;
use crate::language;
use crate::repl::{self, Setup};
use crate::session;

const AFTER_HELP: &str = "\
Examples:
  buildc repl                       type expressions; :? lists the commands
  buildc repl ./lib.nix             with the attributes of a file in scope
  echo 'builtins.length [ 1 2 ]' | buildc repl

Ctrl-C ends an evaluation that takes too long.
Without a terminal the lines of standard input are answered one after the other, without a prompt.";

// Options of `buildc repl`.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP, args_override_self = true)]
pub struct ReplArgs {
    /// Files whose attributes are brought into scope
    #[arg(value_name = "FILE")]
    files: Vec<String>,
    #[command(flatten)]
    flags: EvalFlags,
}

/// Answers lines until the input ends.
pub fn run(args: ReplArgs, shell: &Shell) -> Outcome {
    let directory = std::env::current_dir().map_err(Failure::Output)?;
    if io::stdin().is_terminal() {
        interrupt::ends_answers()?;
    }
    let colors = shell.streams.color_out;
    let root = session::root(shell);
    let work = move |stack| {
        let setup = Setup {
            files: &args.files,
            flags: &args.flags,
            directory: directory.as_os_str().as_bytes(),
            colors,
            root: &root,
        };
        repl::run(&setup, stack)
    };
    language::on_big_stack(work).map_err(Failure::Output)?.map_err(Failure::Output)?;
    Ok(0)
}
