//! Values of number literals.
//!
//! Owns: which literals are out of range.
//! Never does: find the end of a literal.

/// The value of decimal digits; `None` beyond 64 bits.
pub(super) fn integer(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0i64, |value, digit| value.checked_mul(10)?.checked_add(i64::from(digit - b'0')))
}

/// The nearest double; `None` when it overflows, or underflows: what C calls a range error.
pub(super) fn float(literal: &[u8]) -> Option<f64> {
    let value: f64 = std::str::from_utf8(literal).ok()?.parse().ok()?;
    let mantissa = literal.split(|byte| matches!(byte, b'e' | b'E')).next().unwrap_or(literal);
    let is_zero = mantissa.iter().all(|byte| matches!(byte, b'0' | b'.'));
    (is_zero || value.is_normal()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_have_their_values_or_are_out_of_range() {
        assert_eq!(integer(b"007"), Some(7));
        assert_eq!(integer(b"9223372036854775807"), Some(i64::MAX));
        assert_eq!(integer(b"9223372036854775808"), None);
        assert_eq!(float(b"1."), Some(1.0));
        assert_eq!(float(b".5e1"), Some(5.0));
        assert_eq!(float(b"0.0e-999"), Some(0.0));
        assert_eq!(float(b"1.5e400"), None);
        assert_eq!(float(b"1.0e-400"), None);
    }
}
