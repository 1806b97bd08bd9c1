//! The commands: one file per family. This one dispatches and turns results into exit codes.

/// How help texts say that a step of a build is named.
macro_rules! naming_steps {
    () => {
        "\
A step is named by one of these, the first that finds one:
  @failed, @last    the one that failed, the last one
  12, Dockerfile:12 the line that its instruction begins in
  3f9ab2c4          six or more digits of its id, as `buildc plan --format json` shows it
  'RUN npm ci'      its instruction as a build shows it, with or without [build 2/5] before it
  build             a stage: its last step
  'npm ci'          words that stand in one step alone
The numbers that progress shows, as in #3 and [build 2/5], only count; they name nothing."
    };
}

mod agents;
pub mod archive;
pub mod attest_options;
pub mod bake;
pub mod build;
pub mod cache;
pub mod cache_options;
pub mod call;
pub mod check;
pub mod completions;
pub mod container;
pub mod container_options;
pub mod copy;
pub mod delivery;
pub mod difference;
pub mod enter;
pub mod eval;
pub mod eval_flags;
mod eval_settings;
pub mod exec;
pub mod execution;
pub mod export;
pub mod export_form;
mod foreign;
mod function_arguments;
pub mod given;
mod grouped;
pub mod health_options;
pub mod image;
pub mod info;
pub mod inspect;
pub mod lock;
pub mod logs;
mod nix_words;
pub mod parse;
pub mod plan;
pub mod ps;
pub mod registry;
pub mod repl;
pub mod run;
mod s3_options;
mod setting_config;
mod setting_names;
mod setting_values;
pub mod space;
pub mod verify;
pub mod volume;
pub mod watch;
pub mod why;

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};

use crate::args::{Cli, ColorChoice, Global, Verb};
use crate::failure::{Failure, Kind, Outcome};
use crate::output::Streams;
use crate::report;

/// Exit code of `run`, `create` and `exec` when buildc itself failed, as Docker has it.
const CONTAINER_TOOL_FAILED: u8 = 125;

/// What every command is given.
#[derive(Debug, Clone)]
pub struct Shell {
    /// Global options.
    pub global: Global,
    /// What may be written where.
    pub streams: Streams,
}

/// Parses the command line, runs the command, reports a failure; returns the exit code.
pub fn main() -> u8 {
    let words = match grouped::spelled_out(std::env::args_os().collect()) {
        Ok(words) => words,
        Err(failure) => {
            report::failure(&failure, Streams::detect(ColorChoice::Auto));
            return failure.exit_code();
        }
    };
    let is_repl = first_word(&words).is_some_and(|word| word == "repl");
    let words = match language_words(words) {
        Ok(words) => words,
        Err(stop) => return eval::refused(&stop, if is_repl { "nix" } else { "nix-instantiate" }),
    };
    let cli = match Cli::try_parse_from(&words) {
        Ok(cli) => cli,
        Err(error) => return command_line_error(&plainly(error, &words), &words),
    };
    let shell = Shell { streams: Streams::detect(cli.global.color), global: cli.global };
    let is_exec = matches!(cli.verb, Verb::Exec(_));
    let container_codes = is_exec || matches!(cli.verb, Verb::Run(_) | Verb::Create(_) | Verb::Shell(_));
    match dispatch(cli.verb, &shell) {
        Ok(code) => code,
        Err(failure) => {
            report::failure(&failure, shell.streams);
            match failure {
                Failure::Said(code) => code,
                Failure::Output(_) => failure.exit_code(),
                Failure::Fact(ref fact) if is_exec && fact.code.starts_with("container::") => 1,
                _ if container_codes => container_code(&failure),
                _ => failure.exit_code(),
            }
        }
    }
}

/// 127 for a missing command, 126 for one that cannot be run, else 125.
fn container_code(failure: &Failure) -> u8 {
    match failure {
        Failure::Fact(fact) if fact.code == "launch::not_found" => 127,
        Failure::Fact(fact) if fact.code == "launch::not_executable" => 126,
        _ => CONTAINER_TOOL_FAILED,
    }
}

fn dispatch(verb: Verb, shell: &Shell) -> Outcome {
    match verb {
        Verb::Build(args) => build::run(*args, shell),
        Verb::Bake(args) => bake::run(&args, shell),
        Verb::Plan(args) => plan::run(*args, shell),
        Verb::Lock(args) => lock::run(*args, shell),
        Verb::Why(args) => why::run(args, shell),
        Verb::Shell(args) => enter::run(args, shell),
        Verb::Diff(args) => difference::diff(args, shell),
        Verb::Size(args) => difference::size(args, shell),
        Verb::Check(args) => check::run(&args, shell),
        Verb::Parse(args) => parse::run(&args, shell),
        Verb::Run(args) => run::run(*args, shell),
        Verb::Create(args) => run::create(*args, shell),
        Verb::Start(args) => container::start(args, shell),
        Verb::Stop(args) => container::stop(args, shell),
        Verb::Restart(args) => container::restart(args, shell),
        Verb::Kill(args) => container::kill(args, shell),
        Verb::Rm(args) => container::rm(args, shell),
        Verb::Wait(args) => container::wait(args, shell),
        Verb::Rename(args) => container::rename(&args, shell),
        Verb::Port(args) => container::port(&args, shell),
        Verb::Top(args) => container::top(&args, shell),
        Verb::Ps(args) => ps::run(args, shell),
        Verb::Logs(args) => logs::run(args, shell),
        Verb::Exec(args) => exec::run(args, shell),
        Verb::Cp(args) => copy::run(args, shell),
        Verb::Inspect(args) => inspect::run(args, shell),
        Verb::Images(args) => image::images(args, shell),
        Verb::Tag(args) => image::tag(args, shell),
        Verb::Rmi(args) => image::rmi(args, shell),
        Verb::History(args) => image::history(args, shell),
        Verb::Pull(args) => registry::pull(args, shell),
        Verb::Push(args) => registry::push(args, shell),
        Verb::Login(args) => registry::login(args, shell),
        Verb::Logout(args) => registry::logout(args, shell),
        Verb::Load(args) => archive::load(args, shell),
        Verb::Save(args) => archive::save(args, shell),
        Verb::Import(args) => archive::import(args, shell),
        Verb::Volume(verb) => volume::run(verb, shell),
        Verb::Cache(verb) => cache::run(verb, shell),
        Verb::System(verb) => space::system(verb, shell),
        Verb::Prune(args) => space::prune(args, shell),
        Verb::Fsck(args) => space::fsck(args, shell),
        Verb::Eval(args) => eval::run(*args, shell),
        Verb::Repl(args) => repl::run(*args, shell),
        Verb::Completions(args) => completions::run(&args),
        Verb::Version(args) => info::version(&args),
        Verb::Info(args) => info::info(&args, shell),
    }
}

/// The same error as of a command line alone: in the usage, clap writes what BUILDC_ROOT gives as if it were required.
fn plainly(error: clap::Error, words: &[OsString]) -> clap::Error {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return error;
    }
    let alone = Cli::command().mut_arg("root", |root| root.env(None::<&str>));
    alone.try_get_matches_from(words).err().unwrap_or(error)
}

/// Prints clap's text (help and version on standard output) and returns the exit code.
fn command_line_error(error: &clap::Error, words: &[OsString]) -> u8 {
    let color = words.windows(2).any(|w| w[0] == "--color" && w[1] == "never")
        || words.iter().any(|w| w == "--color=never");
    let streams = Streams::detect(if color { ColorChoice::Never } else { ColorChoice::Auto });
    let text = error.render();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let text = if streams.color_out { text.ansi().to_string() } else { text.to_string() };
            crate::output::data(&text).map_or_else(|failure| failure.exit_code(), |()| 0)
        }
        _ => {
            let text = if streams.color_err { text.ansi().to_string() } else { text.to_string() };
            crate::output::say(text.trim_end());
            match first_word(words).and_then(|word| word.to_str()) {
                Some("run" | "create" | "exec") => CONTAINER_TOOL_FAILED,
                // As nix-instantiate, which it can stand in for.
                Some("eval") => Kind::Input.exit_code(),
                _ => Kind::Usage.exit_code(),
            }
        }
    }
}

/// Words as they are, but for the commands of the build language those that stand for them.
fn language_words(mut words: Vec<OsString>) -> Result<Vec<OsString>, nix_words::Stop> {
    let Some(at) = command_index(&words) else { return Ok(words) };
    let is_eval = words[at] == "eval";
    if is_eval || words[at] == "repl" {
        let rest = words.split_off(at + 1);
        let stands_in = is_eval && rest.iter().any(nix_words::stands_in);
        words.extend(nix_words::for_clap(rest, stands_in)?);
    }
    Ok(words)
}

/// The command's name.
fn first_word(words: &[OsString]) -> Option<&OsString> {
    words.get(command_index(words)?)
}

/// Where the command's name is: the first word that is neither a global option nor its value.
fn command_index(words: &[OsString]) -> Option<usize> {
    let mut at = 1;
    while let Some(word) = words.get(at) {
        let text = word.to_string_lossy();
        if !text.starts_with('-') {
            return Some(at);
        }
        at += if text == "--root" || text == "--color" { 2 } else { 1 };
    }
    None
}
