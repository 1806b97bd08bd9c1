//! Reads arbitrary text as an ignore file and asks it for paths, whole and from parent to child: both must agree. What comes
//! before the first empty line are the rules, every line after it is a path.
//!
//! Run with `cargo +nightly fuzz run patterns` in `compiler/`; any `.dockerignore` is a seed.
#![no_main]

use buildc_ir::pattern::{Glob, PatternSet, Verdict};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (rules, paths) = text.split_once("\n\n").unwrap_or((text, "a/b\na/b/c.txt\nnode_modules/x"));
    for rule in rules.lines() {
        let _ = Glob::new(rule).map(|glob| glob.matches(paths.as_bytes()));
    }
    let Ok(set) = PatternSet::parse(rules) else { return };
    for path in paths.lines().filter(|path| !path.is_empty() && path.split('/').all(|part| !part.is_empty())) {
        let mut verdict = Verdict::default();
        for (end, _) in path.match_indices('/').chain([(path.len(), "")]) {
            verdict = set.judge(path[..end].as_bytes(), &verdict);
        }
        assert_eq!(verdict.excluded, set.judge_path(path.as_bytes()).excluded, "{path:?}");
    }
});
