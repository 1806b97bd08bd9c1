//! `%XX` in URLs (RFC 3986, 2.1).

use std::fmt::Write as _;

/// The bytes that a text means whose `%` are all followed by two hexadecimal digits.
pub(in super::super) fn decode(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        match (byte, after) {
            (b'%', [high, low, after @ ..]) => {
                bytes.push(digit(*high).unwrap_or(0) << 4 | digit(*low).unwrap_or(0));
                rest = after;
            }
            _ => {
                bytes.push(*byte);
                rest = after;
            }
        }
    }
    bytes
}

/// Insists that every `%` of a text is followed by two hexadecimal digits.
pub(in super::super) fn checked(text: &str) -> Result<(), &'static str> {
    for part in text.split('%').skip(1) {
        // A further `%` ends a part too early, and is a wrong digit.
        match part.as_bytes() {
            [high, low, ..] if digit(*high).is_some() && digit(*low).is_some() => {}
            [_, _, ..] => return Err(BAD_DIGIT),
            _ if text.ends_with(part) => return Err("incomplete pct-encoding"),
            _ => return Err(BAD_DIGIT),
        }
    }
    Ok(())
}

const BAD_DIGIT: &str = "bad hexdig in pct-encoding";

/// Everything but letters, digits, `-._~` and `kept` is written as `%XX`.
pub(in super::super) fn encode(text: &[u8], kept: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text {
        let c = *byte as char;
        if c.is_ascii_alphanumeric() || "-._~".contains(c) || kept.contains(c) {
            out.push(c);
        } else {
            // Writing to a text does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn digit(byte: u8) -> Option<u8> {
    (byte as char).to_digit(16).map(|digit| digit as u8)
}
