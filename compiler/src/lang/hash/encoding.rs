//! Hexadecimal, Nix's base 32 and base 64. Decoders accept what Nix's accept, no more and no less.

use base64::Engine as _;

/// Digits of Nix's base 32: no `e o t u`.
const NIX32: &[u8; 32] = b"0123456789abcdfghijklmnpqrsvwxyz";

/// Digits of hexadecimal.
const HEX: &[u8; 16] = b"0123456789abcdef";

/// Lower-case hexadecimal.
#[must_use]
pub fn encode_hex(bytes: &[u8]) -> String {
    let digit = |value: u8| HEX[usize::from(value & 15)];
    let digits: Vec<u8> = bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect();
    ascii(digits)
}

/// Digits as a string.
fn ascii(digits: Vec<u8>) -> String {
    // Digits are ASCII, so nothing is ever replaced.
    String::from_utf8(digits).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Bytes of hexadecimal text in either case; `None` for anything else.
pub(super) fn decode_hex(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok());
    if !text.len().is_multiple_of(2) {
        return None;
    }
    text.chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

/// Number of base 32 digits for `size` bytes.
#[must_use]
pub fn nix32_length(size: usize) -> usize {
    (size * 8).div_ceil(5)
}

/// Nix's base 32: the bytes are a little-endian number, the text its digits from the most significant.
#[must_use]
pub fn encode_nix32(bytes: &[u8]) -> String {
    // Five bytes are eight digits; from the end of the bytes, where the most significant are.
    let mut digits = Vec::with_capacity(nix32_length(bytes.len()) + 8);
    let (groups, rest) = bytes.as_chunks::<5>();
    let mut put = |group: &[u8], count: usize| {
        let word = group.iter().rev().fold(0_u64, |word, byte| word << 8 | u64::from(*byte));
        digits.extend((0..count).rev().map(|at| NIX32[(word >> (5 * at) & 31) as usize]));
    };
    put(rest, nix32_length(rest.len()));
    groups.iter().rev().for_each(|group| put(group, 8));
    ascii(digits)
}

/// Bytes of base 32 text; digits that overflow the last byte make one more. `None` for a foreign character.
#[must_use]
pub fn decode_nix32(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes: Vec<u8> = Vec::with_capacity((text.len() * 5).div_ceil(8));
    for (position, character) in text.iter().rev().enumerate() {
        let digit = NIX32.iter().position(|known| known == character)?;
        let (at, shift) = (position * 5 / 8, position * 5 % 8);
        let spread = u16::try_from(digit << shift).ok()?;
        let [low, high] = spread.to_le_bytes();
        let needed = if high == 0 { at + 1 } else { at + 2 };
        if bytes.len() < needed {
            bytes.resize(needed, 0);
        }
        bytes[at] |= low;
        if high != 0 {
            bytes[at + 1] |= high;
        }
    }
    Some(bytes)
}

/// RFC 4648 base 64 with padding.
#[must_use]
pub fn encode_base64(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// Bytes of base 64 text as Nix reads it: up to the first `=`, line ends ignored, trailing bits dropped. `None` for a
/// foreign character.
pub(super) fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut held, mut bits) = (0_u32, 0);
    for character in text.iter().take_while(|c| **c != b'=').filter(|c| **c != b'\n') {
        let digit = match character {
            b'A'..=b'Z' => character - b'A',
            b'a'..=b'z' => character - b'a' + 26,
            b'0'..=b'9' => character - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        held = held << 6 | u32::from(digit);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits).to_le_bytes()[0]);
        }
    }
    Some(bytes)
}
