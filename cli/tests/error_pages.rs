//! Every code that a diagnostic can carry has a page in spec/errors/, and every page belongs to such a code.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

fn files(dir: &Path, extension: &str, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, extension, out);
        } else if path.extension().is_some_and(|e| e == extension) {
            out.push(path);
        }
    }
}

/// String literals of the form `namespace::name` in the code that is not tests.
fn codes_in(text: &str, out: &mut BTreeSet<String>) {
    let text = text.split("#[cfg(test)]").next().unwrap_or(text);
    let lines: Vec<&str> = text.lines().filter(|l| !l.contains("serde(")).collect();
    for literal in lines.join("\n").split('"').skip(1) {
        if let Some((namespace, name)) = literal.split_once("::")
            && [namespace, name].iter().all(|part| is_word(part))
        {
            out.insert(literal.to_owned());
        }
    }
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-')
}

fn emitted() -> BTreeSet<String> {
    let mut sources = Vec::new();
    for room in ["cli/src", "compiler", "store", "executor"] {
        files(&workspace().join(room), "rs", &mut sources);
    }
    let mut codes = BTreeSet::new();
    for path in sources {
        let test = path.components().any(|c| c.as_os_str() == "tests") || path.ends_with("tests.rs");
        if !test {
            codes_in(&fs::read_to_string(&path).expect("readable source"), &mut codes);
        }
    }
    codes
}

fn pages() -> BTreeSet<String> {
    let root = workspace().join("spec/errors");
    let mut found = Vec::new();
    files(&root, "md", &mut found);
    let code = |path: &PathBuf| {
        let (namespace, name) = path.file_stem()?.to_str()?.split_once('.')?;
        Some(format!("{namespace}::{name}"))
    };
    found.iter().filter_map(code).collect()
}

#[test]
fn every_code_has_a_page_and_every_page_a_code() {
    let (emitted, pages) = (emitted(), pages());
    assert!(emitted.contains("usage::template"), "the search for codes finds nothing");
    let missing: Vec<_> = emitted.difference(&pages).collect();
    let stale: Vec<_> = pages.difference(&emitted).collect();
    assert!(missing.is_empty() && stale.is_empty(), "without a page: {missing:?}\nwithout a code: {stale:?}");
}

#[test]
fn every_page_says_what_when_and_what_to_do() {
    let mut found = Vec::new();
    files(&workspace().join("spec/errors"), "md", &mut found);
    for path in found.iter().filter(|p| p.file_name().is_some_and(|n| n != "README.md")) {
        let text = fs::read_to_string(path).expect("a page");
        let code = text.lines().next().unwrap_or_default().trim_matches(['#', ' ', '`']);
        let file = format!("{}.md", code.replace("::", "."));
        assert!(path.ends_with(&file), "{} is headed `{code}`", path.display());
        for part in ["\nKind: ", "\nExample:\n", "\nRemedy: "] {
            assert!(text.contains(part), "{} has no{part}", path.display());
        }
    }
}
