//! Runs every case of `dockerfile/` as a test of its own.

use std::path::Path;
use std::process::ExitCode;

use lang_tests::case;
use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let update = std::env::var_os("UPDATE_EXPECT").is_some_and(|v| v == "1");
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("dockerfile");
    let trials = match case::find(&dir) {
        Ok(files) => files.into_iter().map(|file| trial(file, update)).collect(),
        Err(error) => {
            let text = format!("cannot read {}: {error}", dir.display());
            vec![Trial::test("cases", move || Err(Failed::from(text)))]
        }
    };
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trial(file: std::path::PathBuf, update: bool) -> Trial {
    let name = file.file_stem().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    Trial::test(name, move || case::check(&file, update).map_err(|mismatch| Failed::from(mismatch.0)))
}
