//! Random patterns on random texts: `builtins.match` and `builtins.split`.

use buildc_compiler::lang::posix_regex::{Group, Regex, RegexError};
use serde_json::{Value, json};

use crate::peer::{Peer, quoted};
use crate::random::Random;

/// Patterns compared; `BUILDC_ORACLE_ROUNDS` multiplies them.
const PATTERNS: usize = 600;

/// Patterns in one call of the peer.
const BATCH: usize = 30;

fn pattern(random: &mut Random, depth: usize) -> String {
    let atoms = ["a", "b", "c", ".", "[ab]", "[^a]", "[b-c]", "()", "^", "$", "[[:alpha:]]", "ab", "\\."];
    let mut text = String::new();
    for _ in 0..=random.below(3) {
        let atom = match random.below(6) {
            0..2 if depth > 0 => format!("({})", pattern(random, depth - 1)),
            2 if depth > 0 => format!("({}|{})", pattern(random, depth - 1), pattern(random, depth - 1)),
            _ => random.pick(&atoms).to_owned(),
        };
        text += &atom;
        if atom != "^" && atom != "$" {
            text += random.pick(&["", "", "", "*", "+", "?", "{2}", "{0,2}", "{1,}", "{0}"]);
        }
    }
    if random.below(8) == 0 {
        text = format!("{text}|{}", random.pick(&["a", "", "b*", "ab"]));
    }
    text
}

fn text(random: &mut Random) -> String {
    (0..random.below(9)).map(|_| *random.pick(&[&'a', &'a', &'b', &'b', &'c', &'.', &'-'])).collect()
}

fn shown(text: &str, group: &Group) -> Value {
    group.clone().map_or(Value::Null, |range| json!(text[range]))
}

fn ours(pattern: &str, text: &str) -> Value {
    let mut regex = Regex::new(pattern.as_bytes()).unwrap();
    let whole = match regex.match_whole(text.as_bytes()) {
        Some(groups) => groups.iter().map(|g| shown(text, g)).collect(),
        None => Value::Null,
    };
    let mut split = Vec::new();
    let mut end = 0;
    regex
        .for_each_match(text.as_bytes(), |range, groups| {
            split.push(json!(text[end..range.start]));
            split.push(groups.iter().map(|g| shown(text, g)).collect());
            end = range.end;
        })
        .unwrap();
    split.push(json!(text[end..]));
    json!([whole, split])
}

#[test]
fn random_patterns_match_alike() {
    let Some(peer) = Peer::find() else { return };
    let rounds: usize = std::env::var("BUILDC_ORACLE_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
    let mut random = Random(20_260_101);
    let mut wrong = Vec::new();
    let mut compared = 0;
    for _ in 0..rounds * PATTERNS / BATCH {
        let cases: Vec<(String, String)> = std::iter::repeat_with(|| {
            let depth = random.below(4);
            (pattern(&mut random, depth), text(&mut random))
        })
        .filter(|(pattern, _)| Regex::new(pattern.as_bytes()).is_ok())
        .take(BATCH)
        .collect();
        let each = cases.iter().map(|(pattern, text)| {
            let (pattern, text) = (quoted(pattern), quoted(text));
            format!("[ (builtins.match {pattern} {text}) (builtins.split {pattern} {text}) ]\n")
        });
        let theirs = match peer.json(format!("[ {} ]", each.collect::<String>()).as_bytes()) {
            Ok(theirs) => theirs,
            Err(late) if late.is_empty() => continue,
            Err(error) => panic!("{error}"),
        };
        compared += BATCH;
        for ((pattern, text), theirs) in cases.iter().zip(theirs.as_array().unwrap()) {
            let ours = ours(pattern, text);
            if ours != *theirs {
                wrong.push(format!("{pattern}  on  {text}\n  theirs {theirs}\n  ours   {ours}"));
            }
        }
    }
    assert!(compared > PATTERNS / 4, "only {compared} were compared");
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong[..wrong.len().min(20)].join("\n"));
}

#[test]
fn random_patterns_are_refused_alike() {
    let Some(peer) = Peer::find() else { return };
    let pieces = [
        "a",
        "[",
        "]",
        "(",
        ")",
        "{",
        "}",
        "*",
        "+",
        "?",
        "^",
        "$",
        "|",
        "\\",
        "-",
        "1",
        "2",
        ",",
        ".",
        "[:alpha:]",
        "[.a.]",
        "[=b=]",
        ":",
        "=",
        "[:nope:]",
        "[.nope.]",
        "é",
    ];
    let mut random = Random(7);
    for _ in 0..150 {
        let mut pattern: String = (0..=random.below(7)).map(|_| random.pick(&pieces)).collect();
        if random.below(2) == 0 {
            pattern = format!("[{pattern}]");
        }
        let expression = format!("builtins.match {} \"\"", quoted(&pattern));
        let theirs = peer.json(expression.as_bytes()).err();
        let message = |error: RegexError| String::from_utf8(error.message(pattern.as_bytes())).unwrap();
        let ours = Regex::new(pattern.as_bytes()).err().map(|error| format!("error: {}", message(error)));
        assert_eq!(theirs, ours, "{pattern}");
    }
}
