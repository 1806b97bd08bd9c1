//! Floats as text, in the three forms Nix has for them.

mod grisu;
#[cfg(test)]
mod tests;

/// `nan` and `inf` with their sign, as C's `printf` writes them; `None` for numbers.
fn special(value: f64) -> Option<String> {
    let name = match value {
        _ if value.is_nan() => "nan",
        _ if value.is_infinite() => "inf",
        _ => return None,
    };
    Some(format!("{}{name}", if value.is_sign_negative() { "-" } else { "" }))
}

/// `%f`: six digits behind the point. What `toString` makes of a float.
#[must_use]
pub fn fixed(value: f64) -> String {
    special(value).unwrap_or_else(|| format!("{value:.6}"))
}

/// `%g`: six significant digits at most. How values are printed, and `toXML`.
#[must_use]
pub fn general(value: f64) -> String {
    const PRECISION: usize = 6;
    if let Some(text) = special(value) {
        return text;
    }
    let scientific = format!("{value:.*e}", PRECISION - 1);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let without_zeros = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    match usize::try_from(5 - exponent) {
        Ok(decimals) if exponent >= -4 => without_zeros(&format!("{value:.decimals$}")),
        _ => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{}e{sign}{:02}", without_zeros(mantissa), exponent.unsigned_abs())
        }
    }
}

/// The text of a float in JSON; what is no number is `null`.
#[must_use]
pub fn json(value: f64) -> String {
    /// Powers of ten up to which digits are written out.
    const LEAST: i32 = -4;
    const MOST: i32 = 15;
    if !value.is_finite() {
        return "null".to_owned();
    }
    let sign = if value.is_sign_negative() { "-" } else { "" };
    if value == 0.0 {
        return format!("{sign}0.0");
    }
    let (digits, exponent) = grisu::digits(value.abs());
    let digits = String::from_utf8_lossy(&digits);
    let length = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let point = length + exponent;
    let place = usize::try_from(point).unwrap_or(0);
    if length <= point && point <= MOST {
        format!("{sign}{digits}{}.0", "0".repeat(place - digits.len()))
    } else if 0 < point && point <= MOST {
        format!("{sign}{}.{}", &digits[..place], &digits[place..])
    } else if LEAST < point && point <= 0 {
        format!("{sign}0.{}{digits}", "0".repeat(point.unsigned_abs() as usize))
    } else {
        let (first, rest) = digits.split_at(1);
        let point_and_rest = if rest.is_empty() { String::new() } else { format!(".{rest}") };
        let exponent = point - 1;
        let exponent_sign = if exponent < 0 { '-' } else { '+' };
        format!("{sign}{first}{point_and_rest}e{exponent_sign}{:02}", exponent.unsigned_abs())
    }
}
