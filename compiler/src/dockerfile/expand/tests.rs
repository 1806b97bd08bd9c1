use proptest::prelude::*;

use super::*;

fn env(name: &str) -> Option<String> {
    match name {
        "a" => Some("1".to_owned()),
        "e" => Some(String::new()),
        "s" => Some("x  y".to_owned()),
        "p" => Some("/usr/local/bin.tar.gz".to_owned()),
        "q" => Some("'\"$a\\".to_owned()),
        _ => None,
    }
}

fn text(word: &str) -> Result<String, String> {
    Lexer::new('\\').expand(word, &env).map(|e| e.text).map_err(|e| e.to_string())
}

#[test]
fn modifiers() {
    for (word, want) in [
        ("$a${a}", "11"),
        ("$b", ""),
        ("${b:-x}${e:-x}${e-x}${b-x}", "xxx"),
        ("${a:+x}${e:+x}${e+x}${b+x}", "xx"),
        ("${b:-${c:-z}}", "z"),
        ("${9:-x}$1$@$", "x$"),
        ("${p#*/}", "usr/local/bin.tar.gz"),
        ("${p##*/}", "bin.tar.gz"),
        ("${p%.*}", "/usr/local/bin.tar"),
        ("${p%%.*}", "/usr/local/bin"),
        ("${p/l*l/X}", "/usr/X/bin.tar.gz"),
        ("${p//\\//_}", "_usr_local_bin.tar.gz"),
        ("$a_b$a-b", "1-b"),
        ("${b:-a b}", "a b"),
        ("$é", ""),
    ] {
        assert_eq!(text(word).as_deref(), Ok(want), "{word}");
    }
}

#[test]
fn quotes() {
    for (word, want) in [
        ("'$a\\'", "$a\\"),
        ("\"$a \\\"\\$a\\\\ \\n\"", "1 \"$a\\ \\n"),
        ("\\$a\\n\\\\", "$an\\"),
        ("a\\", "a"),
        ("$q", "'\"$a\\"),
        ("\"'$a'\"", "'1'"),
        ("\"${b:-'x'}\"", "x"),
    ] {
        assert_eq!(text(word).as_deref(), Ok(want), "{word}");
    }
    let windows = Lexer::new('`').expand("C:\\x`$a", &env).map(|e| e.text);
    assert_eq!(windows, Ok("C:\\x$a".to_owned()));
}

#[test]
fn splitting_happens_after_expansion() {
    let words = Lexer::new('\\').expand("$s \"$s\" a\\ b ''", &env).map(|e| e.words);
    assert_eq!(words, Ok(vec!["x".into(), "y".into(), "x  y".into(), "a b".into()]));
}

#[test]
fn errors_name_their_reason() {
    for (word, want) in [
        ("${a", "missing `}`"),
        ("${}", "bad substitution"),
        ("${:x}", "bad substitution"),
        ("'a", "the quote ' is not closed"),
        ("\"a", "the quote \" is not closed"),
        ("${a^x}", "modifier `^` does not exist"),
        ("${a:#x}", "modifier `:#` does not exist"),
        ("${a:/x/y}", "modifier `:/` does not exist"),
        ("${a:-${b:?say}}", "b: say"),
        ("${b:+${b?}}", "b: is not allowed to be unset"),
        ("${b:?say}", "b: say"),
        ("${e:?}", "e: is not allowed to be empty"),
        ("${b?}", "b: is not allowed to be unset"),
        ("${a/x}", "missing `/` in a replacement"),
    ] {
        assert_eq!(text(word), Err(want.to_owned()), "{word}");
    }
    assert!(text(&"${a:-".repeat(500)).is_err());
}

#[test]
fn heredoc_bodies_keep_quotes_and_lose_backslashes() {
    let body = Lexer::heredoc_body().expand("'$a' \"\\n\\$a\"", &env).map(|e| e.text);
    assert_eq!(body, Ok("'1' \"n$a\"".to_owned()));
}

#[test]
fn results_are_bounded() {
    let long = "x".repeat(MAX_BYTES);
    assert_eq!(Lexer::new('\\').expand("$a$a", &|_| Some(long.clone())), Err(ExpandError::TooLong));
}

/// A second, much simpler expander for words without quotes, escapes and nesting.
fn oracle(pieces: &[(u8, String)]) -> String {
    pieces
        .iter()
        .map(|(kind, text)| {
            let value = env(text);
            let set = value.clone().filter(|v| !v.is_empty());
            match kind {
                0 => text.clone(),
                1 => value.unwrap_or_default(),
                2 => set.unwrap_or_else(|| "D".to_owned()),
                3 => set.map(|_| "A".to_owned()).unwrap_or_default(),
                _ => value.unwrap_or_else(|| "U".to_owned()),
            }
        })
        .collect()
}

fn render(pieces: &[(u8, String)]) -> String {
    let piece = |(kind, text): &(u8, String)| match kind {
        0 => text.clone(),
        1 => format!("${{{text}}}"),
        2 => format!("${{{text}:-D}}"),
        3 => format!("${{{text}:+A}}"),
        _ => format!("${{{text}-U}}"),
    };
    pieces.iter().map(piece).collect()
}

proptest! {
    #[test]
    fn agrees_with_the_oracle(pieces in prop::collection::vec((0u8..5, "[abesp]{1,2}"), 0..8)) {
        prop_assert_eq!(text(&render(&pieces)), Ok(oracle(&pieces)));
    }

    #[test]
    fn single_quotes_keep_everything(inside in "[^']{0,40}") {
        prop_assert_eq!(text(&format!("'{inside}'")), Ok(inside));
    }

    #[test]
    fn never_panics(word in "[\\$\\{\\}:#%/?*+a-c'\"\\\\ \\-é]{0,60}") {
        let _ = text(&word);
        let _ = Lexer::heredoc_line().expand(&word, &env);
    }

    #[test]
    fn raw_reading_changes_nothing_without_special_characters(word in "[a-z0-9./ ]{0,40}") {
        prop_assert_eq!(Lexer::heredoc_line().expand(&word, &env).map(|e| e.text), Ok(word));
    }
}
