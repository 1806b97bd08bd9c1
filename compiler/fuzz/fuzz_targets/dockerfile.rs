//! Feeds arbitrary text to the Dockerfile parser and checks that every span it reports lies in the source.
//!
//! Run with `cargo +nightly fuzz run dockerfile` in `compiler/`; the seeds are the goldens of `lang-tests/dockerfile`.
#![no_main]

use buildc_compiler::dockerfile::{parse, sexp, tree};
use buildc_ir::FileId;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (ast, found) = parse(FileId(0), text);
    let _ = tree::render(&ast);
    let _ = sexp::dump(FileId(0), text);
    let inside = |start: u32, end: u32| text.get(start as usize..end as usize).is_some();
    for label in found.iter().flat_map(|d| &d.labels) {
        assert!(inside(label.span.start, label.span.end), "{label:?}");
    }
    for instruction in &ast.instructions {
        assert!(inside(instruction.span.start, instruction.span.end), "{instruction:?}");
    }
});
