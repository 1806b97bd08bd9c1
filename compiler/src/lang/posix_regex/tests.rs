//! Vectors taken from Nix 2.34.8, bad patterns, and safety on hostile ones.

use super::{Regex, RegexCache, RegexError};

fn whole(pattern: &str, text: &str) -> Option<Vec<Option<String>>> {
    let groups = Regex::new(pattern.as_bytes()).unwrap().match_whole(text.as_bytes())?;
    Some(groups.into_iter().map(|g| g.map(|range| text[range].to_owned())).collect())
}

fn split(pattern: &str, text: &str) -> String {
    let mut shown = String::new();
    let mut end = 0;
    Regex::new(pattern.as_bytes())
        .unwrap()
        .for_each_match(text.as_bytes(), |range, groups| {
            let groups: Vec<_> =
                groups.iter().map(|g| g.clone().map_or("null", |range| &text[range])).collect();
            shown += &format!("{}<{}>", &text[end..range.start], groups.join(","));
            end = range.end;
        })
        .unwrap();
    shown + &text[end..]
}

/// Pattern, text and what the groups hold.
type Whole = (&'static str, &'static str, Option<&'static [Option<&'static str>]>);

#[test]
fn groups_of_whole_matches() {
    let table: &[Whole] = &[
        ("ab", "abc", None),
        ("abc", "abc", Some(&[])),
        ("a(b)(c)", "abc", Some(&[Some("b"), Some("c")])),
        ("[[:space:]]+([[:upper:]]+)[[:space:]]+", "  FOO   ", Some(&[Some("FOO")])),
        ("(a)|(b)", "b", Some(&[None, Some("b")])),
        ("(a*)*", "aa", Some(&[Some("")])),
        ("(a|ab)(c|bcd)(d*)", "abcd", Some(&[Some("a"), Some("bcd"), Some("")])),
        ("((a)|b)*", "ab", Some(&[Some("b"), Some("a")])),
        ("(.*)-(.*)", "a-b-c", Some(&[Some("a-b"), Some("c")])),
        ("(x{2,3})(x*)", "xxxxx", Some(&[Some("xxx"), Some("xx")])),
        ("^a$", "a", Some(&[])),
        ("", "", Some(&[])),
        ("(^)*a", "a", Some(&[Some("")])),
    ];
    for (pattern, text, expected) in table {
        let expected = expected.map(|groups| groups.iter().map(|g| g.map(str::to_owned)).collect::<Vec<_>>());
        assert_eq!(whole(pattern, text), expected, "{pattern} on {text}");
    }
}

#[test]
fn matches_in_a_text() {
    let table = [
        ("(a)b", "abc", "<a>c"),
        ("([ac])", "abc", "<a>b<c>"),
        ("(a)|(c)", "abc", "<a,null>b<null,c>"),
        ("x", "abc", "abc"),
        ("", "ab", "<>a<>b<>"),
        ("a*", "baa", "<>b<><>"),
        ("a*(ab)?", "xaabaa", "<null>x<null><null>b<null><null>"),
        ("(a|ab)(c|bcd)?", "abcd", "<a,bcd>"),
        ("a|ab", "abab", "<><>"),
        ("^a", "aa", "<>a"),
        ("a$", "aa", "a<>"),
    ];
    for (pattern, text, expected) in table {
        assert_eq!(split(pattern, text), expected, "{pattern} on {text}");
    }
}

#[test]
fn bad_patterns() {
    for pattern in [
        "(",
        ")",
        "a)",
        "*",
        "a|*",
        "^*",
        "[",
        "[a",
        "[]",
        "[^]",
        "[z-a]",
        "[a--]",
        "[a-c-e]",
        "[[:foo:]]",
        "[[:alpha:",
        "[[.x",
        "[[.-.]]",
        "[[:alpha:]-z]",
        "a{",
        "a{1",
        "a{,2}",
        "a{3,2}",
        "a{1,2",
        "a{x}",
        "a{99999999999}",
        "\\",
        "\\d",
        "\\}",
        "a**{",
    ] {
        assert_eq!(Regex::new(pattern.as_bytes()).err(), Some(RegexError::Invalid), "{pattern}");
    }
    assert_eq!(Regex::new(b"a{100000}").err(), Some(RegexError::TooLarge));
    assert_eq!(Regex::new(b"((a{300}){300}){300}").err(), Some(RegexError::TooLarge));
    assert_eq!(RegexError::Invalid.message(b"("), b"invalid regular expression '('");
}

#[test]
fn sets_in_brackets() {
    let table = [
        ("[[.a.]-c]+", "abc", true),
        ("[[=a=]]+", "aA", true),
        ("[[:ALPHA:]]+", "aZ", true),
        ("[[:w:]]+", "a_9", true),
        ("[]a]+", "]a", true),
        ("[^]a]", "]", false),
        ("[a-]+", "a-", true),
        ("[--a]", ".", true),
        ("[\\]+", "\\", true),
        ("[[.hyphen.]]", "-", true),
        ("]}", "]}", true),
    ];
    for (pattern, text, expected) in table {
        assert_eq!(whole(pattern, text).is_some(), expected, "{pattern} on {text}");
    }
}

#[test]
fn hostile_patterns_stay_linear() {
    let text = "a".repeat(20_000);
    assert_eq!(whole("(a|a)*b", &text), None);
    assert_eq!(whole("((a*)*)*b", &text), None);
    assert_eq!(whole("(a?){500}a{500}", &text[..500]).map(|g| g.len()), Some(1));
    assert_eq!(split("(a|aa)*b|a", &text[..300]).len(), 300 * "<null>".len());
    let deep = "(".repeat(20_000) + &")".repeat(20_000);
    assert_eq!(Regex::new(deep.as_bytes()).map(|r| r.group_count()).ok(), Some(20_000));
}

#[test]
fn the_cache_forgets_but_answers() {
    let mut cache = RegexCache::default();
    for n in 0..2 * RegexCache::CAPACITY {
        let pattern = format!("x{n}");
        assert!(cache.get(pattern.as_bytes()).unwrap().match_whole(pattern.as_bytes()).is_some());
    }
    assert!(cache.get(b"(").is_err());
}

/// The automaton must give the same answers after its cache was emptied in the middle of a text.
#[test]
fn an_emptied_cache_changes_nothing() {
    let pattern = "(a[ab]{14})*(b?)[ab]*";
    let text: String =
        (0_u32..60_000).map(|n| if n.wrapping_mul(2_654_435_761) >> 31 == 0 { 'a' } else { 'b' }).collect();
    let mut regex = Regex::new(pattern.as_bytes()).unwrap();
    let first = regex.match_whole(text.as_bytes());
    assert!(first.is_some());
    assert_eq!(regex.match_whole(text.as_bytes()), first);
}
