//! Programs around texts that have a grammar of their own: regular expressions, JSON, TOML, versions, numbers, paths.

use std::fmt::Write;

use super::rng::Rng;

/// The program of a seed.
pub fn texts(seed: u64) -> String {
    let mut rng = Rng::new(seed ^ 0x7e87);
    let rng = &mut rng;
    match rng.below(12) {
        0..=2 => {
            let (pattern, subject) = (quoted(&regex(rng, 3)), quoted(&letters(rng, "aabbc-x 1", 8)));
            let call = if rng.once_in(2) { "match" } else { "split" };
            format!("builtins.{call} {pattern} {subject}")
        }
        3 => format!("builtins.fromJSON {}", quoted(&spoiled(rng, json))),
        4 | 5 => format!("builtins.fromTOML {}", quoted(&spoiled(rng, toml))),
        6 => list(rng, 8, |rng| format!("(builtins.compareVersions {} {})", version(rng), version(rng))),
        7 => list(rng, 6, |rng| match rng.below(3) {
            0 => format!("(builtins.splitVersion {})", version(rng)),
            _ => format!("(builtins.parseDrvName {})", version(rng)),
        }),
        8 => list(rng, 8, |rng| {
            let number = number(rng);
            let form = rng.word(&[
                "(@)",
                "(toString @)",
                "(builtins.toJSON @)",
                "(builtins.fromJSON \"@\")",
                "(-@)",
            ]);
            form.replace('@', &number)
        }),
        9 => list(rng, 6, |rng| {
            let (path, more) = (path(rng), path(rng));
            match rng.below(6) {
                0 => format!("(/. + {})", quoted(&path)),
                1 => format!("(dirOf {})", quoted(&path)),
                2 => format!("(baseNameOf {})", quoted(&path)),
                3 => format!("(baseNameOf (/. + {}))", quoted(&path)),
                4 => format!("(dirOf (/. + {}))", quoted(&path)),
                _ => format!("(/. + {} + {})", quoted(&path), quoted(&more)),
            }
        }),
        10 => list(rng, 5, |rng| {
            let from: Vec<String> = (0..rng.below(4)).map(|_| quoted(&letters(rng, "aabc", 2))).collect();
            let to: Vec<String> = from.iter().map(|_| quoted(&letters(rng, "ABCxyz", 2))).collect();
            let subject = quoted(&letters(rng, "aabbc", 9));
            format!("(builtins.replaceStrings [ {} ] [ {} ] {subject})", from.join(" "), to.join(" "))
        }),
        _ => indented(rng),
    }
}

fn list(rng: &mut Rng, count: usize, mut item: impl FnMut(&mut Rng) -> String) -> String {
    let items: Vec<String> = (0..=rng.below(count)).map(|_| item(rng)).collect();
    format!("[ {} ]", items.join(" "))
}

fn letters(rng: &mut Rng, alphabet: &str, most: usize) -> String {
    let alphabet: Vec<char> = alphabet.chars().collect();
    (0..rng.below(most + 1)).filter_map(|_| rng.pick(&alphabet).copied()).collect()
}

/// A string literal.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' | '$' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
    out + "\""
}

fn regex(rng: &mut Rng, depth: usize) -> String {
    let mut out = String::new();
    for _ in 0..=rng.below(3) {
        let atom = match rng.below(if depth == 0 { 8 } else { 12 }) {
            0..=3 => rng.word(&["a", "b", "c", "x", "-", "1", " ", "ab"]).to_owned(),
            4 => ".".to_owned(),
            5 => rng
                .word(&["[ab]", "[^a]", "[a-c]", "[[:alpha:]]", "[^[:space:]]", "[]a]", "[a-]", "[^]b-]"])
                .to_owned(),
            6 => rng
                .word(&["^", "$", "\\.", "\\-", "\\\\", "()", "\\(", "[[.a.]]", "[[=a=]]", "\\b", "\\1"])
                .to_owned(),
            7 if rng.once_in(8) => {
                rng.word(&["(", ")", "[", "{", "}", "*", "|", "[b-a]", "a**", "+a"]).to_owned()
            }
            7 => "b".to_owned(),
            8 | 9 => format!("({})", regex(rng, depth - 1)),
            10 => format!("({}|{})", regex(rng, depth - 1), regex(rng, depth - 1)),
            _ => format!("{}|{}", regex(rng, depth - 1), regex(rng, depth - 1)),
        };
        out.push_str(&atom);
        if rng.once_in(3) {
            out.push_str(rng.word(&["*", "+", "?", "*", "{2}", "{1,2}", "{0,1}", "{2,}", "{0}"]));
        }
    }
    out
}

/// What `make` makes, now and then with a character changed.
fn spoiled(rng: &mut Rng, make: fn(&mut Rng, usize) -> String) -> String {
    let mut text: Vec<char> = make(rng, 3).chars().collect();
    if rng.once_in(3) {
        let at = rng.below(text.len());
        let new = rng
            .word(&["\"", "{", "}", "[", "]", ",", ":", "=", "\\", "1", "e", ".", "-", "\n", "#", "'", "_"]);
        match text.get_mut(at) {
            Some(place) if rng.once_in(2) => place.clone_from(&new.chars().next().unwrap_or(' ')),
            _ => text.truncate(at),
        }
    }
    text.into_iter().collect()
}

fn json(rng: &mut Rng, depth: usize) -> String {
    let space = |rng: &mut Rng| rng.word(&["", "", " ", "\n"]);
    match rng.below(if depth == 0 { 6 } else { 9 }) {
        0 => rng
            .word(&["0", "-1", "12", "9223372036854775807", "9223372036854775808", "-9223372036854775809"])
            .to_owned(),
        1 => rng.word(&["1.5", "-0.0", "1e3", "1E-2", "0.1", "1.0e400", "01", "1.", ".5", "-"]).to_owned(),
        2 => rng.word(&["true", "false", "null", "tru", "nan"]).to_owned(),
        3..=5 => rng
            .word(&[
                "\"\"",
                "\"a\"",
                "\"\\n\\t\\\"\\\\\\/\"",
                "\"\\u00e9\"",
                "\"\\ud83d\\ude00\"",
                "\"\\ud800\"",
                "\"é\"",
                "\"\\x\"",
            ])
            .to_owned(),
        6 | 7 => {
            let items: Vec<String> =
                (0..rng.below(4)).map(|_| format!("{}{}", space(rng), json(rng, depth - 1))).collect();
            format!("[{}{}]", items.join(","), space(rng))
        }
        _ => {
            let items: Vec<String> = (0..rng.below(4))
                .map(|_| {
                    format!(
                        "{}\"{}\":{}{}",
                        space(rng),
                        letters(rng, "abc ", 2),
                        space(rng),
                        json(rng, depth - 1)
                    )
                })
                .collect();
            format!("{{{}}}", items.join(","))
        }
    }
}

fn toml(rng: &mut Rng, depth: usize) -> String {
    let mut out = String::new();
    for n in 0..=rng.below(6) {
        let key = format!("{}{n}", rng.word(&["a", "b.c", "\"q r\"", "'l'.d", "1", "a-b_"]));
        let line = match rng.below(8) {
            0 => format!("[{}]", rng.word(&["t", "t.u", "\"x y\".z", " s . p ", "a0", "[]"])),
            1 => format!("[[{}]]", rng.word(&["items", "items.sub", "t.list"])),
            2 => format!("{key} = {} # comment", toml_value(rng, depth)),
            _ => format!("{key} = {}", toml_value(rng, depth)),
        };
        let _ = writeln!(out, "{line}");
    }
    out
}

fn toml_value(rng: &mut Rng, depth: usize) -> String {
    match rng.below(if depth == 0 { 6 } else { 8 }) {
        0 => rng
            .word(&["0", "+1", "-17", "1_000", "0xFf", "0o17", "0b101", "1__0", "007", "9223372036854775807"])
            .to_owned(),
        1 => rng.word(&["1.5", "-0.0", "1e3", "6.6E-3", "inf", "-nan", "1_0.2_5", "1.", "+1.0"]).to_owned(),
        2 => rng.word(&["true", "false", "True"]).to_owned(),
        3 => rng
            .word(&["\"s\"", "'l\\it'", "\"\\t\\u00e9\\\\\"", "\"\\U0001F600\"", "\"\\q\"", "\"\"", "''"])
            .to_owned(),
        4 => rng
            .word(&["\"\"\"\nmulti\n line \\\n   joined\"\"\"", "'''\nraw \\n'''", "\"\"\"q\"\"q\"\"\""])
            .to_owned(),
        5 => rng
            .word(&["1979-05-27", "07:32:00", "1979-05-27T07:32:00Z", "1979-05-27 07:32:00.5-07:00"])
            .to_owned(),
        6 => {
            let items: Vec<String> = (0..rng.below(4)).map(|_| toml_value(rng, depth - 1)).collect();
            format!("[ {}{} ]", items.join(", "), rng.word(&["", "", ",", "\n"]))
        }
        _ => {
            let items: Vec<String> = (0..rng.below(3))
                .map(|n| format!("{}{n} = {}", rng.word(&["k", "k.j", "\"z\""]), toml_value(rng, depth - 1)))
                .collect();
            format!("{{ {} }}", items.join(", "))
        }
    }
}

fn version(rng: &mut Rng) -> String {
    let parts: String = (0..rng.below(6))
        .map(|_| {
            rng.word(&[
                "1", "10", "2", "01", "pre", "rc", "a", "b", "-", "-", ".", ".", "_", "x-y", "", "0", "é",
            ])
        })
        .collect();
    quoted(&parts)
}

fn number(rng: &mut Rng) -> String {
    let digits = letters(rng, "0123456789", 12);
    let digits = digits.trim_start_matches('0');
    let whole = if digits.is_empty() { "0" } else { digits };
    let fraction = letters(rng, "0123456789", 8);
    let exponent =
        if rng.once_in(2) { format!("e{}{}", rng.word(&["", "-"]), rng.below(30)) } else { String::new() };
    format!("{whole}.{fraction}0{exponent}")
}

fn path(rng: &mut Rng) -> String {
    (0..rng.below(6)).map(|_| rng.word(&["a", "b", "/", "/", "..", ".", "x.y", "-"])).collect()
}

/// An indented string with all that its rules depend on.
fn indented(rng: &mut Rng) -> String {
    let parts = [
        "\n",
        "\n",
        "\n  ",
        "\n    ",
        " ",
        "  ",
        "\t",
        "a",
        "b c",
        "${\"X\"}",
        "${\"\\n  y\"}",
        "''$",
        "'''",
        "''\\n",
        "''\\ ",
        "$$",
        "$",
        "'",
        "\"",
        "\\",
    ];
    let body: String = (0..rng.below(14)).map(|_| rng.word(&parts)).collect();
    format!("''{body} ''")
}
