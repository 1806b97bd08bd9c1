//! Strings as Go's `strconv.Quote` writes them: what BuildKit prints in history entries, dumps and lint messages.

use std::fmt::Write;

/// A double-quoted string; control characters and everything that is not printable are escaped.
pub fn go(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            c if is_printable(c) => out.push(c),
            c => push_escape(&mut out, u32::from(c)),
        }
    }
    out.push('"');
    out
}

/// A list of strings as Go's `%q` writes it.
pub fn go_list<'a>(items: impl IntoIterator<Item = &'a str>) -> String {
    format!("[{}]", items.into_iter().map(go).collect::<Vec<_>>().join(" "))
}

fn push_escape(out: &mut String, code: u32) {
    // Writing to a string cannot fail.
    let _ = match code {
        0..0x80 => write!(out, "\\x{code:02x}"),
        0x80..0x1_0000 => write!(out, "\\u{code:04x}"),
        _ => write!(out, "\\U{code:08x}"),
    };
}

/// As `unicode.IsPrint`: letters, marks, numbers, punctuation, symbols and the ASCII space. Rust's own idea of what has
/// to be escaped in a debug string is the same set; only at the start of a string it escapes combining marks as well,
/// which a letter in front avoids.
fn is_printable(c: char) -> bool {
    let text: String = ['a', c].into_iter().collect();
    c == '\'' || text.escape_debug().eq(text.chars())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_spellings() {
        assert_eq!(go("a\"b\\\t\u{1}\u{7f}é'"), r#""a\"b\\\t\x01\x7fé'""#);
        assert_eq!(go("\u{85}\u{200b}\u{feff}\u{e000}\u{10ffff}"), r#""\u0085\u200b\ufeff\ue000\U0010ffff""#);
        assert_eq!(go("e\u{301}😀\u{a0}"), "\"e\u{301}😀\\u00a0\"");
        assert_eq!(go_list(["a", "b c"]), r#"["a" "b c"]"#);
        assert_eq!(go_list([]), "[]");
    }
}
