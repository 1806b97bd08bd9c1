//! `SOURCE_DATE_EPOCH`: what times are clamped to (reproducible-builds.org/specs).

use buildc_compiler::dockerfile::{self, LowerOptions, ast};

use crate::commands::build::SourceArgs;
use crate::failure::Failure;
use crate::units;

/// The variable, the build argument and the ARG.
pub const NAME: &str = "SOURCE_DATE_EPOCH";
/// 1980-01-01: the first time that zip archives can hold, which some builds make.
const REPRODUCIBLE_SECOND: i64 = 315_532_800;

/// What the command line and the environment say: the build argument before the variable, as BuildKit has it; then
/// `--reproducible`.
pub fn of_options(args: &SourceArgs) -> Result<Option<i64>, Failure> {
    Ok(given(args)?.or(args.reproducible.then_some(REPRODUCIBLE_SECOND)))
}

/// The same, and behind the environment the default of an ARG before the first FROM, which the build then sees too.
/// One that is no number of seconds is taken for an argument like any other.
pub fn of_file(
    args: &SourceArgs,
    ast: &ast::Dockerfile,
    options: &mut LowerOptions,
) -> Result<Option<i64>, Failure> {
    if let Some(seconds) = given(args)? {
        return Ok(Some(seconds));
    }
    let outside = options.build_args.remove(NAME);
    let seconds = dockerfile::global_argument(ast, options, NAME).and_then(|text| seconds(&text));
    if seconds.is_some() {
        return Ok(seconds);
    }
    options.build_args.extend(outside.map(|value| (NAME.to_owned(), value)));
    of_options(args)
}

fn given(args: &SourceArgs) -> Result<Option<i64>, Failure> {
    let text =
        args.argument(NAME).map(str::to_owned).or_else(|| std::env::var(NAME).ok()).unwrap_or_default();
    if text.is_empty() {
        return Ok(None);
    }
    seconds(&text).map(Some).ok_or_else(|| {
        Failure::usage(format!("{NAME} is `{text}`, which is no number of seconds since 1970"))
            .help("For example SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)")
    })
}

fn seconds(text: &str) -> Option<i64> {
    let seconds: Option<u64> = text.parse().ok().filter(|seconds| *seconds <= units::LAST_SECOND);
    seconds.and_then(|seconds| i64::try_from(seconds).ok())
}
