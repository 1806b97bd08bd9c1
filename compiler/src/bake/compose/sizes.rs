//! Sizes in compose files, and the form in which buildx prints them.

/// Units by powers of 1024.
const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/// A size such as `128m` as `128MiB`: four digits, as Docker shows sizes.
///
/// # Errors
/// A text that is no size.
pub(super) fn normal(text: &str) -> Result<String, String> {
    let mut value =
        bytes(text).ok_or_else(|| format!("`{text}` is no size; write a number with b, k, m, g or t"))?;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let whole = value.log10().floor().clamp(0.0, 3.0) as usize;
    let mut digits = format!("{value:.*}", 3 - whole);
    if digits.contains('.') {
        digits.truncate(digits.trim_end_matches('0').trim_end_matches('.').len());
    }
    Ok(format!("{digits}{}", UNITS[unit]))
}

fn bytes(text: &str) -> Option<f64> {
    let lower = text.trim().to_ascii_lowercase();
    let digits = lower.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let power = match lower.get(digits.len()..)? {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 1,
        "m" | "mb" | "mib" => 2,
        "g" | "gb" | "gib" => 3,
        "t" | "tb" | "tib" => 4,
        "p" | "pb" | "pib" => 5,
        _ => return None,
    };
    let number: f64 = digits.trim_end().parse().ok()?;
    let bytes = (number * 1024_f64.powi(power)).trunc();
    (0.0..9.2e18).contains(&bytes).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_four_digits() {
        for (text, want) in [
            ("128m", "128MiB"),
            ("67108864", "64MiB"),
            ("1.5 GB", "1.5GiB"),
            ("1025m", "1.001GiB"),
            ("1023", "1023B"),
            ("0", "0B"),
        ] {
            assert_eq!(normal(text).as_deref(), Ok(want), "{text}");
        }
        for text in ["", "m", "1x", "-1", "1e400", "1e"] {
            assert!(normal(text).is_err(), "{text}");
        }
    }
}
