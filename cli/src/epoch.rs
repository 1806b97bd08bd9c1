//! `SOURCE_DATE_EPOCH`: what times are clamped to (reproducible-builds.org/specs).

use buildc_compiler::dockerfile::{self, LowerOptions, ast};

use crate::commands::build::SourceArgs;
use crate::failure::Failure;
use crate::place::Place;
use crate::units;

/// The variable, the build argument and the ARG.
pub const NAME: &str = "SOURCE_DATE_EPOCH";
/// 1980-01-01: the first time that zip archives can hold, which some builds make.
const REPRODUCIBLE_SECOND: i64 = 315_532_800;

/// What somebody said.
#[derive(Clone, Copy)]
enum Given {
    Seconds(i64),
    /// `context`: the time of the build context, where that has one.
    Context,
}

/// What the command line and the environment say: the build argument before the variable, as BuildKit has it; then
/// `--reproducible`. `context` says nothing here.
pub fn of_options(args: &SourceArgs) -> Result<Option<i64>, Failure> {
    let seconds = match given(args)? {
        Some(Given::Seconds(seconds)) => Some(seconds),
        Some(Given::Context) | None => None,
    };
    Ok(seconds.or(args.reproducible.then_some(REPRODUCIBLE_SECOND)))
}

/// The same, and behind the environment the default of an ARG before the first FROM, which the build then sees too. Either can
/// be `context`, of which the build sees the time, or nothing where there is none. A default that is no number of seconds
/// is taken for an argument like any other.
pub fn of_file(
    args: &SourceArgs,
    ast: &ast::Dockerfile,
    options: &mut LowerOptions,
    place: &Place,
) -> Result<Option<i64>, Failure> {
    match given(args)? {
        Some(Given::Seconds(seconds)) => return Ok(Some(seconds)),
        Some(Given::Context) => return of_context(args, options, place),
        None => {}
    }
    let outside = options.build_args.remove(NAME);
    let default = dockerfile::global_argument(ast, options, NAME);
    match default.as_deref().and_then(understood) {
        Some(Given::Seconds(seconds)) => return Ok(Some(seconds)),
        Some(Given::Context) => return of_context(args, options, place),
        None => options.build_args.extend(outside.map(|value| (NAME.to_owned(), value))),
    }
    of_options(args)
}

fn of_context(args: &SourceArgs, options: &mut LowerOptions, place: &Place) -> Result<Option<i64>, Failure> {
    // One outside of what images can say is as good as none.
    let last = i64::try_from(units::LAST_SECOND).unwrap_or(i64::MAX);
    let time = place.time().filter(|time| (0..=last).contains(time));
    let seconds = time.map_or_else(|| of_options(args), |time| Ok(Some(time)))?;
    let text = seconds.map(|seconds| seconds.to_string()).unwrap_or_default();
    options.build_args.insert(NAME.to_owned(), Some(text));
    Ok(seconds)
}

/// What the environment alone says, to a command that makes an image without building: `context` is nothing there.
pub fn of_environment() -> Result<Option<i64>, Failure> {
    Ok(match read(&std::env::var(NAME).unwrap_or_default())? {
        Some(Given::Seconds(seconds)) => Some(seconds),
        Some(Given::Context) | None => None,
    })
}

fn given(args: &SourceArgs) -> Result<Option<Given>, Failure> {
    let argument = args.argument(NAME).map(str::to_owned);
    read(&argument.or_else(|| std::env::var(NAME).ok()).unwrap_or_default())
}

fn read(text: &str) -> Result<Option<Given>, Failure> {
    if text.is_empty() {
        return Ok(None);
    }
    understood(text).map(Some).ok_or_else(|| {
        Failure::usage(format!("{NAME} is `{text}`, which is no number of seconds since 1970"))
            .help("For example SOURCE_DATE_EPOCH=$(git log -1 --format=%ct), or `context` where that is a git repository")
    })
}

fn understood(text: &str) -> Option<Given> {
    if text == "context" {
        return Some(Given::Context);
    }
    let seconds: Option<u64> = text.parse().ok().filter(|seconds| *seconds <= units::LAST_SECOND);
    seconds.and_then(|seconds| i64::try_from(seconds).ok()).map(Given::Seconds)
}
