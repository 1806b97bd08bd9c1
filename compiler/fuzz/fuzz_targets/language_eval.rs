//! Evaluates arbitrary programs of the build language in a world without files, with a budget of steps and memory, and
//! writes the value or the error in every form.
//!
//! Run with `cargo +nightly fuzz run language_eval` in `compiler/`; the seeds are `lang-tests/lang/*.nix`.
#![no_main]

use buildc_compiler::lang::eval::{Evaluator, Options};
use buildc_compiler::lang::syntax::Origin;
use buildc_compiler::lang::world::{FileType, World, WorldError};
use buildc_compiler::lang::{print, report};
use bumpalo::Bump;
use libfuzzer_sys::fuzz_target;

#[derive(Debug)]
struct Nothing;

fn absent(path: &[u8]) -> WorldError {
    WorldError(format!("path '{}' does not exist", String::from_utf8_lossy(path)))
}

impl World for Nothing {
    fn file_type(&self, _: &[u8]) -> Result<Option<FileType>, WorldError> {
        Ok(None)
    }
    fn read_file(&self, path: &[u8]) -> Result<Vec<u8>, WorldError> {
        Err(absent(path))
    }
    fn is_executable(&self, path: &[u8]) -> Result<bool, WorldError> {
        Err(absent(path))
    }
    fn read_dir(&self, path: &[u8]) -> Result<Vec<(Vec<u8>, FileType)>, WorldError> {
        Err(absent(path))
    }
    fn read_link(&self, path: &[u8]) -> Result<Vec<u8>, WorldError> {
        Err(absent(path))
    }
    fn variable(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }
    fn now(&self) -> i64 {
        0
    }
    fn say(&self, _: &[u8]) {}
}

fuzz_target!(|text: &[u8]| {
    let arena = Bump::new();
    // The fuzzer's threads have 8 MiB of stack.
    let options =
        Options { stack_size: 4 << 20, max_steps: 20_000, max_memory: 64 << 20, ..Options::default() };
    let mut ev = Evaluator::new(&arena, &Nothing, options);
    let text = ev.bytes(text);
    let value = match ev.eval_text(Origin::String, text, b"/base") {
        Ok(value) => value,
        Err(error) => {
            let _ = report::render(&error, &ev.sources, true);
            return;
        }
    };
    let _ = print::result(&ev, value);
    let _ = ev.recover(|ev| ev.json_text(value, true, false).map(drop));
    let _ = ev.recover(|ev| ev.write_xml(value, true, true, &mut std::io::sink()).unwrap_or(Ok(())));
    if let Ok(value) = ev.recover(|ev| ev.force_deep(value)) {
        let _ = print::in_trace(&ev, value);
    }
});
