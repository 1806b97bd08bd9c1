//! Runs every case of `lang/` as a test of its own.
//!
//!     NIX_INSTANTIATE=/path/to/nix-instantiate cargo test -p lang-tests --test language
//!
//! holds the expectations against that program, which must be C++ Nix 2.34; with `UPDATE_EXPECT=1` it writes them
//! anew. Nothing else ever writes an expectation.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use lang_tests::language::{Case, Program, cases};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let update = std::env::var_os("UPDATE_EXPECT").is_some_and(|v| v == "1");
    let state = Path::new(env!("CARGO_TARGET_TMPDIR")).join("reference");
    let reference = std::env::var_os("NIX_INSTANTIATE").map(|path| Arc::new(Program::new(path, &[], state)));
    let trials = match cases() {
        Ok(cases) => cases.into_iter().filter_map(|case| trial(case, reference.clone(), update)).collect(),
        Err(error) => vec![Trial::test("cases", move || Err(Failed::from(error)))],
    };
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trial(case: Case, reference: Option<Arc<Program>>, update: bool) -> Option<Trial> {
    let reference = reference?;
    let name = format!("reference::{}", case.name);
    Some(Trial::test(name, move || {
        let outcome = reference.run(&case)?;
        if update { Ok(case.expect(&outcome)?) } else { Ok(case.compare(&outcome)?) }
    }))
}
