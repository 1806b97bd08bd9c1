//! Feeds arbitrary bytes to the parser of the build language: what it accepts can be printed, and the printed text parses
//! to a tree that prints the same. Not so where there is an `assert`, which Nix prints without parentheses around it: what
//! an assertion is applied to becomes a part of its body.
//!
//! Run with `cargo +nightly fuzz run language_parse` in `compiler/`; the seeds are `lang-tests/lang/*.nix`.
#![no_main]

use buildc_compiler::lang::stack::StackLimit;
use buildc_compiler::lang::syntax::{self, Form, Lint, Origin, Settings, Sources, Symbols, print};
use bumpalo::Bump;
use libfuzzer_sys::fuzz_target;

/// Stack that parsing may use; the fuzzer's threads have 8 MiB.
const STACK: usize = 4 << 20;

/// The text of a tree, or that there is none.
fn printed(text: &[u8]) -> Option<Vec<u8>> {
    let arena = Bump::new();
    let (mut symbols, mut sources, mut warnings) = (Symbols::new(&arena), Sources::new(), Vec::new());
    let settings = Settings {
        base: b"/base",
        home: None,
        pipe_operators: true,
        url_literals: Lint::Warn,
        absolute_paths: Lint::Warn,
        short_paths: Lint::Warn,
        stack: StackLimit::below_here(STACK),
        max_memory: usize::MAX,
    };
    let source = (Origin::String, &*arena.alloc_slice_copy(text));
    let parsed =
        syntax::parse(&arena, &mut symbols, &mut sources, Form::Expression, source, &settings, &mut warnings);
    match parsed {
        Ok(parsed) => {
            let mut out = Vec::new();
            print::expr(&mut out, parsed.expr, &symbols);
            Some(out)
        }
        Err(error) => {
            let _ = sources.resolve(error.pos);
            None
        }
    }
}

fuzz_target!(|text: &[u8]| {
    if let Some(first) = printed(text)
        && !first.windows(6).any(|word| word == b"assert")
        && let Some(second) = printed(&first)
    {
        assert_eq!(printed(&second), Some(second));
    }
});
