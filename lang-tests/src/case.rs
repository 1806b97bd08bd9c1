//! One case: `KIND-OUTCOME-NAME.dockerfile` with `KIND-OUTCOME-NAME.exp` beside it.
//!
//! KIND is `sexp` (the tree before anything is understood), `parse` (the tree), `lower` (the graph), `check` (findings, and
//! the text with remedies applied) or `outline` (targets, and what the target asks for), OUTCOME is `okay` or `fail`. Comment lines that start with `#@`
//! are options of the case: `build-arg NAME[=VALUE]`, `target NAME`, `platform P`, `context NAME`, `label K=V`, `ignore PATTERN`.

use std::path::{Path, PathBuf};

use buildc_compiler::dockerfile::{self, Entitlements, LowerOptions, sexp, tree};
use buildc_ir::pattern::PatternSet;
use buildc_ir::{Diagnostic, Platform, Severity, SourceMap};

use crate::images::Images;
use crate::render;

/// Why a case does not pass.
#[derive(Debug)]
pub struct Mismatch(pub String);

/// The input files below a directory, sorted.
///
/// # Errors
/// When the directory cannot be read.
pub fn find(dir: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries: std::io::Result<Vec<_>> = std::fs::read_dir(dir)?.map(|e| e.map(|e| e.path())).collect();
    let mut files: Vec<_> =
        entries?.into_iter().filter(|p| p.extension().is_some_and(|e| e == "dockerfile")).collect();
    files.sort();
    Ok(files)
}

/// Runs a case and compares; with `update` writes what came out instead.
///
/// # Errors
/// [`Mismatch`] with both texts, or with what went wrong.
pub fn check(input: &Path, update: bool) -> Result<(), Mismatch> {
    let fail = |text: String| Err(Mismatch(text));
    let name = input.file_stem().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let text = match std::fs::read_to_string(input) {
        Ok(text) => text,
        Err(error) => return fail(format!("cannot read the case: {error}")),
    };
    let (errors, got) = run(&name, &text);
    if errors != name.contains("-fail-") {
        return fail(format!("a case called `{name}` must {}:\n{got}", if errors { "pass" } else { "fail" }));
    }
    let expected_at = input.with_extension("exp");
    if update {
        return std::fs::write(&expected_at, got).map_err(|e| Mismatch(e.to_string()));
    }
    let expected = std::fs::read_to_string(&expected_at).unwrap_or_default();
    if expected == got {
        return Ok(());
    }
    fail(format!("{}\n--- expected\n{expected}\n--- got\n{got}", expected_at.display()))
}

/// Runs a case: whether there were errors, and the text.
fn run(name: &str, text: &str) -> (bool, String) {
    let mut sources = SourceMap::new();
    let file = sources.add("Dockerfile", text);
    if name.starts_with("sexp-") {
        return match sexp::dump(file, text) {
            Ok(dumped) => (false, dumped),
            Err(found) => (true, render::diagnostics(&found, &sources)),
        };
    }
    let (ast, found) = dockerfile::parse(file, text);
    if name.starts_with("parse-") {
        return (
            is_error(&found),
            format!("{}{}", tree::render(&ast), render::diagnostics(&found, &sources)),
        );
    }
    if name.starts_with("check-") {
        let (checked, found) = match is_error(&found) {
            true => (dockerfile::check_unparsed(&ast, &options(text), found), Vec::new()),
            false => (dockerfile::check(&ast, &mut sources, &options(text), &Images::new()), found),
        };
        let problems = [found, checked.problems].concat();
        let fails = is_error(&problems) || !checked.findings.is_empty();
        let said = render::findings(&checked.findings, &sources) + &render::diagnostics(&problems, &sources);
        let (fixed, count) = dockerfile::lint::apply(text, &checked.findings);
        let remedies = if count > 0 { format!("{count} remedied\n{fixed}") } else { String::new() };
        return (fails, said + &remedies);
    }
    if is_error(&found) {
        return (true, render::diagnostics(&found, &sources));
    }
    if name.starts_with("outline-") {
        let targets = dockerfile::outline::targets_text(&dockerfile::outline::targets(&ast));
        return match dockerfile::outline(&ast, &mut sources, &options(text), &Images::new()) {
            Ok((found, warnings)) => {
                let warnings = render::diagnostics(&warnings, &sources);
                (false, format!("{targets}\n{}\n{:#}\n{warnings}", found.text(), found.json(&sources)))
            }
            Err(found) => (true, render::diagnostics(&found, &sources)),
        };
    }
    match dockerfile::lower(&ast, &mut sources, &options(text), &Images::new()) {
        Ok(lowered) => {
            let warnings = render::diagnostics(&lowered.warnings, &sources);
            (false, format!("{}{warnings}", render::graph(&lowered.graph)))
        }
        Err(found) => (true, render::diagnostics(&found, &sources)),
    }
}

fn is_error(found: &[Diagnostic]) -> bool {
    found.iter().any(|d| d.severity == Severity::Error)
}

fn options(text: &str) -> LowerOptions {
    let mut options = LowerOptions {
        entitlements: Entitlements { network_host: true, security_insecure: true },
        ..LowerOptions::for_platform(Platform::normalised("linux", "amd64", None))
    };
    let mut ignore = Vec::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("#@ ")) {
        let (key, value) = line.split_once(' ').unwrap_or((line, ""));
        let pair = value.split_once('=').map(|(k, v)| (k.to_owned(), v.to_owned()));
        match (key, pair) {
            ("build-arg", Some((name, value))) => drop(options.build_args.insert(name, Some(value))),
            ("build-arg", None) => drop(options.build_args.insert(value.to_owned(), None)),
            ("label", Some(pair)) => options.labels.push(pair),
            ("target", _) => options.target = Some(value.to_owned()),
            ("ignore", _) => ignore.push(value.to_owned()),
            ("context", _) => drop(options.contexts.insert(value.to_owned(), value.to_owned())),
            ("platform", _) => {
                options.platform = value.parse().unwrap_or(options.platform);
                options.platform_requested = true;
            }
            _ => {}
        }
    }
    options.ignore = PatternSet::from_patterns(&ignore).unwrap_or_default();
    options
}
