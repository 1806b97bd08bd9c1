//! Pieces of JSON text, compact as `builtins.toJSON` writes it. Arrays, objects and their punctuation are the caller's.

/// A string has bytes that are not UTF-8; the text is nlohmann's.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EncodeError {
    /// A byte that cannot stand where it stands.
    #[error("[json.exception.type_error.316] invalid UTF-8 byte at index {index}: 0x{byte:02X}")]
    Invalid {
        /// Its index.
        index: usize,
        /// The byte.
        byte: u8,
    },
    /// The string ends within a character.
    #[error("[json.exception.type_error.316] incomplete UTF-8 string; last byte: 0x{byte:02X}")]
    Incomplete {
        /// The last byte of the string.
        byte: u8,
    },
}

/// Appends `text` as a JSON string.
///
/// # Errors
/// [`EncodeError`] when it is not UTF-8.
pub fn string(out: &mut Vec<u8>, text: &[u8]) -> Result<(), EncodeError> {
    check(text)?;
    out.reserve(text.len() + 2);
    out.push(b'"');
    let mut rest = text;
    while let Some(at) = rest.iter().position(|b| *b < 0x20 || *b == b'"' || *b == b'\\') {
        out.extend_from_slice(&rest[..at]);
        match rest[at] {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            8 => out.extend_from_slice(b"\\b"),
            9 => out.extend_from_slice(b"\\t"),
            10 => out.extend_from_slice(b"\\n"),
            12 => out.extend_from_slice(b"\\f"),
            13 => out.extend_from_slice(b"\\r"),
            byte => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
        }
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
    Ok(())
}

/// Appends a whole number.
pub fn integer(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(value.to_string().as_bytes());
}

/// Appends a float.
pub fn float(out: &mut Vec<u8>, value: f64) {
    out.extend_from_slice(crate::lang::number::json(value).as_bytes());
}

fn check(text: &[u8]) -> Result<(), EncodeError> {
    let Err(error) = std::str::from_utf8(text) else { return Ok(()) };
    match error.error_len() {
        // The bad byte is the first that cannot go on: after the good part of its character.
        Some(length) => {
            let start = error.valid_up_to();
            let index = if length == 1 && !can_begin(&text[start..]) { start } else { start + length };
            let index = index.min(text.len() - 1);
            Err(EncodeError::Invalid { index, byte: text[index] })
        }
        None => Err(EncodeError::Incomplete { byte: text.last().copied().unwrap_or_default() }),
    }
}

/// Whether the first byte can begin a character, so that the next one is at fault.
fn can_begin(text: &[u8]) -> bool {
    matches!(text.first(), Some(0xc2..=0xf4))
}
