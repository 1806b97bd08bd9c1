//! Floating-point numbers in the two forms of C: `%g` with six digits, and `%f`.

/// As values print: six significant digits, no trailing zeros, an exponent when it is below -4 or above 5.
pub fn display_float(number: f64) -> String {
    if number.is_nan() {
        return if number.is_sign_negative() { "-nan".into() } else { "nan".into() };
    }
    if number.is_infinite() {
        return if number < 0.0 { "-inf".into() } else { "inf".into() };
    }
    if number == 0.0 {
        return if number.is_sign_negative() { "-0".into() } else { "0".into() };
    }
    let scientific = format!("{number:.5e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        let decimals = usize::try_from(5 - exponent).unwrap_or(0);
        return without_zeros(&format!("{number:.decimals$}")).to_owned();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", without_zeros(digits), exponent.abs())
}

fn without_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

/// As `toString` makes it: six decimals.
pub fn fixed_float(number: f64) -> String {
    if number.is_finite() { format!("{number:.6}") } else { display_float(number) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_digits_as_c_prints_them() {
        for (number, wanted) in [
            (1.0, "1"),
            (0.1 + 0.2, "0.3"),
            (123_456_789.123, "1.23457e+08"),
            (1.5e10, "1.5e+10"),
            (1e-5, "1e-05"),
            (0.0001, "0.0001"),
            (999_999.5, "1e+06"),
            (100_000.0, "100000"),
            (-2.5, "-2.5"),
            (-0.0, "-0"),
            (1e300, "1e+300"),
            (f64::INFINITY, "inf"),
        ] {
            assert_eq!(display_float(number), wanted);
        }
        assert_eq!(fixed_float(1.0), "1.000000");
    }
}
