//! Holds every golden case of the Nix language, `lang-tests/lang`, against `buildc eval`.
//!
//! The expectations come from C++ Nix and are never written here (see `lang-tests/tests/language.rs`).
//! `differences.txt` names the cases that do not agree yet, each with the reason; a case that begins to agree while it is
//! named there fails, and so does a name that is no case.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use lang_tests::language::{Case, Program, cases};
use libtest_mimic::{Arguments, Failed, Trial};

const DIFFERENCES: &str = include_str!("differences.txt");

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    libtest_mimic::run(&arguments, trials().unwrap_or_else(|error| vec![failure("cases", error)])).exit_code()
}

fn trials() -> Result<Vec<Trial>, String> {
    let mut differences = differences(DIFFERENCES)?;
    let state = Path::new(env!("CARGO_TARGET_TMPDIR")).join("language");
    let program = Arc::new(Program::new(env!("CARGO_BIN_EXE_buildc"), &["eval", "--impure"], state));
    let mut trials = Vec::new();
    for case in cases().map_err(|error| error.to_string())? {
        let difference = differences.remove(case.name.as_str());
        let program = program.clone();
        trials.push(Trial::test(case.name.clone(), move || check(&case, &program, difference)));
    }
    trials.extend(
        differences.keys().map(|name| failure(name, "differences.txt names it, but there is no such case")),
    );
    Ok(trials)
}

fn check(case: &Case, program: &Program, difference: Option<&str>) -> Result<(), Failed> {
    let agreed = case.compare(&program.run(case)?);
    match (agreed, difference) {
        (Ok(()), Some(reason)) => {
            Err(format!("agrees now: take it out of differences.txt, which says: {reason}").into())
        }
        (Err(difference), None) => Err(difference.into()),
        _ => Ok(()),
    }
}

/// The lines `CASE: REASON`; an empty line or one that begins with `#` says nothing.
fn differences(text: &'static str) -> Result<BTreeMap<&'static str, &'static str>, String> {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| line.split_once(": ").ok_or_else(|| format!("differences.txt gives no reason: {line}")))
        .collect()
}

fn failure(name: &str, error: impl Into<Failed>) -> Trial {
    let error = error.into();
    Trial::test(name, move || Err(error))
}
