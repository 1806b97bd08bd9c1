//! Properties of the Dockerfile frontend over random files: it never panics, its spans lie in the source, and a file
//! without errors lowers the same way twice.

use std::collections::BTreeMap;

use buildc_compiler::dockerfile::{self, LowerOptions};
use buildc_ir::{Diagnostic, Platform, Severity, SourceMap};
use lang_tests::images::Images;
use lang_tests::render;
use proptest::prelude::*;

fn options() -> LowerOptions {
    LowerOptions {
        build_args: BTreeMap::from([("A".to_owned(), Some("given".to_owned()))]),
        ..LowerOptions::for_platform(Platform::normalised("linux", "amd64", None))
    }
}

/// What comes out of a text, as text; panics where a span does not lie in its source.
fn run(text: &str) -> String {
    let mut sources = SourceMap::new();
    let file = sources.add("Dockerfile", text);
    let (ast, mut found) = dockerfile::parse(file, text);
    let mut out = String::new();
    if found.iter().all(|d| d.severity != Severity::Error) {
        match dockerfile::lower(&ast, &mut sources, &options(), &Images::new()) {
            Ok(lowered) => out = render::graph(&lowered.graph),
            Err(errors) => found = errors,
        }
    }
    check_spans(&found, &sources);
    out + &render::diagnostics(&found, &sources)
}

fn check_spans(found: &[Diagnostic], sources: &SourceMap) {
    for diagnostic in found {
        for label in &diagnostic.labels {
            let text = sources.get(label.span.file).map_or("", |f| f.text.as_str());
            let range = label.span.start as usize..label.span.end as usize;
            assert!(text.get(range.clone()).is_some(), "{range:?} of {text:?} in {diagnostic:?}");
        }
    }
}

/// Lines that look like instructions, whole and broken.
fn line() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("$A"),
        Just("${B:-x}"),
        Just("a b"),
        Just("\"q r\""),
        Just("'"),
        Just("\\"),
        Just("<<E"),
        Just("<<-'F'"),
        Just("E"),
        Just("[\"x\"]"),
        Just("--from=0"),
        Just("--mount=type=cache,target=/c"),
        Just("/d/"),
        Just("k=v"),
        Just("AS"),
        Just("é"),
        Just("base:1"),
        Just("#"),
        Just("`"),
        Just("=")
    ];
    let name = prop_oneof![
        Just("FROM"),
        Just("RUN"),
        Just("COPY"),
        Just("ADD"),
        Just("ENV"),
        Just("ARG"),
        Just("LABEL"),
        Just("ONBUILD"),
        Just("onbuild run"),
        Just("EXPOSE"),
        Just("VOLUME"),
        Just("SHELL"),
        Just("HEALTHCHECK CMD"),
        Just("WORKDIR"),
        Just("# escape=`"),
        Just("NOPE"),
        Just("E"),
        Just("")
    ];
    (name, prop::collection::vec(word, 0..4)).prop_map(|(name, words)| format!("{name} {}", words.join(" ")))
}

proptest! {
    #[test]
    fn any_text_is_survived(text in "[ -~\n\t\r\u{e9}\u{2028}]{0,200}") {
        run(&text);
    }

    #[test]
    fn instruction_like_lines_are_survived(lines in prop::collection::vec(line(), 0..12)) {
        run(&format!("FROM base:1\n{}", lines.join("\n")));
        run(&lines.join("\r\n"));
    }

    #[test]
    fn lowering_is_deterministic(lines in prop::collection::vec(line(), 0..12)) {
        let text = format!("FROM base:1\n{}", lines.join("\n"));
        prop_assert_eq!(run(&text), run(&text));
    }
}

#[test]
fn long_inputs_are_survived() {
    run(&format!("FROM base:1\nENV a={}", "${a:-".repeat(20_000)));
    run(&format!("FROM base:1\nRUN {}", "[".repeat(60_000)));
    run(&format!("FROM base:1\n{}", "ENV a=$a$a$a$a$a$a$a$ax\n".repeat(40)));
    run(&(0..2000)
        .map(|i| {
            format!("FROM {} AS s{i}\n", if i == 0 { "base:1".to_owned() } else { format!("s{}", i - 1) })
        })
        .collect::<String>());
    run(&format!("FROM base:1\nRUN {}x", "a \\\n".repeat(100_000)));
}
