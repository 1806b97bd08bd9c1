//! Tables of moby and Go, and both matchers against naive ones.

use proptest::prelude::*;

use super::{Glob, PatternError, PatternSet, Verdict};

fn excluded(rules: &str, path: &str) -> bool {
    PatternSet::parse(rules).unwrap().judge_path(path.as_bytes()).excluded
}

#[test]
fn ignore_rules_match_as_moby_does() {
    for (rules, path, want) in [
        ("**", "file", true),
        ("**", "dir/file", true),
        ("**/", "file", true),
        ("**/**", "dir/file", true),
        ("dir/**", "dir/file", true),
        ("dir/**", "dir/dir2/file", true),
        ("abc/**", "abc", false),
        ("**file", "dir/dir/file", true),
        ("**.go", "a.go", true),
        ("**.go", "x/a.go", true),
        ("**/file", "dir/file", true),
        ("**/file", "dirfile", false),
        ("**/file*", "dir/dir/file.txt", true),
        ("**/file*txt", "dir/dir/file.txt", true),
        ("**/file*.txt*", "dir/dir/file.txt", true),
        ("**/**/*.txt", "dir/dir/file.txt", true),
        ("**/**/*.txt2", "dir/dir/file.txt", false),
        ("**/*.txt", "file.txt", true),
        ("a**/*.txt", "a/file.txt", true),
        ("a**/*.txt", "a/dir/dir/file.txt", true),
        ("a/**/*.txt", "a/file.txt", true),
        ("a/*.txt", "a/dir/file.txt", false),
        ("a/*.txt", "a/file.txt", true),
        ("a[b-d]e", "ace", true),
        ("a[b-d]e", "aae", false),
        ("abc.def", "abcZdef", false),
        ("**/foo/bar", "foo/bar", true),
        ("**/.foo", "bar.foo", false),
        ("a(b)c/def", "a(b)c/def", true),
        ("a.|)$(}+{bc", "a.|)$(}+{bc", true),
        ("foo", "x/foo", false),
        ("foo", "foo/deep/file", true),
        ("/foo/", "foo/x", true),
        ("./foo/../bar", "bar", true),
        (".", "x", false),
        ("/", "x", false),
        ("../x", "x", false),
        ("  spaced  ", "spaced", true),
        ("\\#x", "#x", true),
        ("#x", "#x", false),
        (" #x", "#x", true),
        ("\u{feff}x", "x", true),
        ("x\r\ny\r\n", "x", true),
        ("a*b*c", "axxbyyc", true),
        ("*", "ü", true),
        ("?", "ü", true),
        ("d??r", "dünr", true),
        ("*\n!*.md", "a.md", false),
        ("*\n!*.md\nREADME*.md", "README-x.md", true),
        ("dir\n!dir/keep", "dir/keep", false),
        ("dir\n!dir/keep", "dir/other", true),
        ("!dir/keep\ndir", "dir/keep", true),
        ("*\n!src", "src/a/b", false),
        ("*\n!src\n**/*.o", "src/a/b.o", true),
        ("docs\n! docs/x ", "docs/x", false),
        ("docs/x\n!docs", "docs/x", true),
        ("**/*.md\n!docs", "docs/a.md", true),
        ("docs\n!docs/x\ndocs", "docs/x", false),
    ] {
        assert_eq!(excluded(rules, path), want, "{rules:?} {path:?}");
    }
}

#[test]
fn the_deciding_rule_is_named() {
    let set = PatternSet::parse("# header\n\n*.log\n!keep.log\n**/tmp\n").unwrap();
    let rule = |path: &str| set.rule(&set.judge_path(path.as_bytes())).map(|r| (r.line, r.text.clone()));
    assert_eq!(rule("a.log"), Some((3, "*.log".to_owned())));
    assert_eq!(rule("keep.log"), Some((4, "!keep.log".to_owned())));
    assert_eq!(rule("a/tmp/b/c"), Some((5, "**/tmp".to_owned())));
    assert_eq!(rule("other"), None);
}

#[test]
fn bad_rules_are_refused_with_their_line() {
    let malformed = |line, text: &str| Err(PatternError::Malformed { line, text: text.to_owned() });
    assert_eq!(PatternSet::parse("a\n[x"), malformed(2, "[x"));
    assert_eq!(PatternSet::parse("a\\"), malformed(1, "a\\"));
    assert_eq!(PatternSet::parse("\n\n ! "), Err(PatternError::LoneBang { line: 3 }));
    assert_eq!(PatternSet::from_patterns(&["ok", "[]"]), malformed(2, "[]"));
    assert_eq!(PatternSet::from_patterns(&["/a"]), Ok(PatternSet::default()));
}

#[test]
fn a_walker_enters_excluded_directories_only_for_later_rules() {
    let enter = |rules: &str, dir: &str| {
        let set = PatternSet::parse(rules).unwrap();
        set.may_include_below(dir.as_bytes(), &set.judge_path(dir.as_bytes()))
    };
    assert!(enter("node_modules\n!node_modules/keep/x", "node_modules"));
    assert!(enter("node_modules\n!node_modules/keep/x", "node_modules/keep"));
    assert!(!enter("node_modules\n!node_modules/keep/x", "node_modules/other"));
    assert!(!enter("!node_modules/keep\nnode_modules", "node_modules"));
    assert!(enter("*\n!**/*.md", "anything/below"));
    assert!(!enter("*\n!*.md", "dir"));
    assert!(enter("*\n!a?/*.md", "ab"));
    assert!(!enter("*\n!a?/*.md", "abc"));
}

#[test]
fn globs_match_as_go_does() {
    for (pattern, name, want) in [
        ("abc", "abc", true),
        ("*", "abc", true),
        ("*c", "abc", true),
        ("a*", "a", true),
        ("a*", "ab/c", false),
        ("a*/b", "abc/b", true),
        ("a*b*c*d*e*/f", "axbxcxdxe/f", true),
        ("a*b?c*x", "abxbbxdbxebxczzx", true),
        ("a*b?c*x", "abxbbxdbxebxczzy", false),
        ("ab[c]", "abc", true),
        ("ab[b-d]", "abc", true),
        ("ab[^c]", "abc", false),
        ("ab[^e-g]", "abc", true),
        ("a\\*b", "a*b", true),
        ("a\\*b", "ab", false),
        ("a?b", "a☺b", true),
        ("a[^a]b", "a☺b", true),
        ("a???b", "a☺b", false),
        ("[a-ζ]*", "α", true),
        ("a?b", "a/b", false),
        ("[\\]a]", "]", true),
        ("[\\-]", "-", true),
        ("[x\\-]", "-", true),
        ("[!a]", "!", true),
        ("*x", "xxx", true),
        ("**", "ab", true),
        ("", "", true),
        ("", "x", false),
    ] {
        assert_eq!(Glob::new(pattern).unwrap().matches(name.as_bytes()), want, "{pattern:?} {name:?}");
    }
    for bad in ["[]a]", "[-]", "[x-]", "[-x]", "[a-b-c]", "[", "[^", "[^bc", "a[", "a\\"] {
        assert!(Glob::new(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn names_that_are_no_text_match() {
    assert!(Glob::new("a?").unwrap().matches(b"a\xff"));
    assert!(Glob::new("*").unwrap().matches(b"\xff\xfe"));
    assert!(!Glob::new("a").unwrap().matches(b"\xff"));
}

/// `filepath.Match` plus `**` by plain backtracking over the text of the pattern.
fn naive(pattern: &[u8], path: &[u8], start: bool) -> bool {
    let one = |rest: &[u8]| path.first().is_some_and(|b| *b != b'/') && naive(rest, &path[1..], false);
    match pattern {
        [] => path.is_empty(),
        [b'*', b'*'] | [b'*', b'*', b'/'] => true,
        [b'*', b'*', rest @ ..] => {
            let whole = start && rest[0] != b'/' && !rest.iter().any(|b| b"*?".contains(b));
            let rest = rest.strip_prefix(b"/").unwrap_or(rest);
            (0..=path.len())
                .any(|at| (whole || at == 0 || path[at - 1] == b'/') && naive(rest, &path[at..], false))
        }
        [b'*', rest @ ..] => naive(rest, path, false) || one(pattern),
        [b'?', rest @ ..] => one(rest),
        [own, rest @ ..] => path.first() == Some(own) && naive(rest, &path[1..], false),
    }
}

/// Component by component, with a mark for each rule that has matched on the way down.
fn naive_excluded(rules: &[String], path: &str) -> bool {
    let mut marks = vec![false; rules.len()];
    let mut excluded = false;
    for end in path.match_indices('/').map(|(at, _)| at).chain([path.len()]) {
        excluded = false;
        for (rule, mark) in rules.iter().zip(&mut marks) {
            let (include, pattern) = rule.strip_prefix('!').map_or((false, rule.as_str()), |p| (true, p));
            *mark |= include == excluded && naive(pattern.as_bytes(), &path.as_bytes()[..end], true);
            if *mark {
                excluded = !include;
            }
        }
    }
    excluded
}

fn rule() -> impl Strategy<Value = String> {
    "!?(\\*\\*/)?([ab*?]{1,3}|\\*\\*)(/([ab*?]{1,3}|\\*\\*)){0,2}"
}

proptest! {
    #[test]
    fn sets_agree_with_the_naive_reading(rules in prop::collection::vec(rule(), 0..5), path in "[ab]{1,3}(/[ab]{1,2}){0,3}") {
        let set = PatternSet::parse(&rules.join("\n")).unwrap();
        prop_assert_eq!(set.judge_path(path.as_bytes()).excluded, naive_excluded(&rules, &path));
    }

    #[test]
    fn walking_never_misses_what_is_included(rules in prop::collection::vec(rule(), 0..5), path in "[ab]{1,3}(/[ab]{1,2}){0,3}") {
        let set = PatternSet::parse(&rules.join("\n")).unwrap();
        let mut verdict = Verdict::default();
        let mut seen = true;
        for (end, _) in path.match_indices('/') {
            let dir = &path.as_bytes()[..end];
            verdict = set.judge(dir, &verdict);
            seen &= !verdict.excluded || set.may_include_below(dir, &verdict);
        }
        let included = !set.judge(path.as_bytes(), &verdict).excluded;
        prop_assert!(seen || !included, "{path} is included but not reached");
    }

    #[test]
    fn compiling_and_matching_never_panic(text in "\\PC{0,20}", path in prop::collection::vec(any::<u8>(), 0..20)) {
        if let Ok(set) = PatternSet::parse(&text) {
            set.judge_path(&path);
            set.may_include_below(&path, &Verdict::default());
        }
        if let Ok(glob) = Glob::new(&text) {
            glob.matches(&path);
        }
    }
}
