//! Texts that Go's standard library reads for BuildKit and buildx, wherever users write them.
//!
//! Owns: truth values and escapes of URLs. Never does: say what a refused text was for.

/// As `strconv.ParseBool`; `None` for any other word.
pub fn truth(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

/// Percent escapes decoded, as in a path; what is no escape stays as it is, and what is no UTF-8 then is replaced.
pub fn unescaped(text: &str) -> String {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let digits = tail.get(..2).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        match (first, digits.and_then(|digits| u8::from_str_radix(digits, 16).ok())) {
            (b'%', Some(byte)) => {
                out.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            _ => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_two_digits_and_all_else_stays() {
        for (text, want) in [
            ("a%2Fb%2fc", "a/b/c"),
            ("100%", "100%"),
            ("%4", "%4"),
            ("%+f%g0", "%+f%g0"),
            ("a+b", "a+b"),
            ("%C3%A9", "é"),
            ("%ff", "\u{fffd}"),
        ] {
            assert_eq!(unescaped(text), want, "{text}");
        }
    }

    #[test]
    fn truth_has_six_words_each() {
        assert!(["1", "t", "T", "TRUE", "true", "True"].iter().all(|text| truth(text) == Some(true)));
        assert!(["0", "f", "F", "FALSE", "false", "False"].iter().all(|text| truth(text) == Some(false)));
        assert!(["", "yes", "tRUE", " 1"].iter().all(|text| truth(text).is_none()));
    }
}
