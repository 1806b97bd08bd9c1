//! Sizes, durations and ages in people's words, as Docker prints them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The end of the year 9999, the last that RFC 3339 can write.
pub const LAST_SECOND: u64 = 253_402_300_799;

/// Bytes with three significant digits and decimal units: `58.2MB`.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["B", "kB", "MB", "GB", "TB", "PB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    let digits = match value {
        _ if unit == 0 => 0,
        v if v < 9.995 => 2,
        v if v < 99.95 => 1,
        _ => 0,
    };
    let text = format!("{value:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}{}", UNITS[unit])
}

/// A running or finished time: `12ms`, `0.3s`, `12.5s`, `2m 05s`, `1h 02m`.
pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0 if time.as_millis() < 100 => format!("{}ms", time.as_millis()),
        0..60 => format!("{:.1}s", time.as_secs_f64()),
        60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h {:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

/// How long something is, in words: `2 hours`, `About a minute` (Docker's steps).
pub fn span(seconds: u64) -> String {
    let plural = |n: u64, unit: &str| format!("{n} {unit}s");
    match seconds {
        0 => "Less than a second".to_owned(),
        1 => "1 second".to_owned(),
        2..60 => plural(seconds, "second"),
        60..120 => "About a minute".to_owned(),
        120..3600 => plural(seconds / 60, "minute"),
        3600..7200 => "About an hour".to_owned(),
        7200..172_800 => plural(seconds / 3600, "hour"),
        172_800..1_209_600 => plural(seconds / 86_400, "day"),
        1_209_600..5_184_000 => plural(seconds / 604_800, "week"),
        5_184_000..63_072_000 => plural(seconds / 2_592_000, "month"),
        _ => plural(seconds / 31_536_000, "year"),
    }
}

/// How long ago a Unix time is: `2 hours ago`; `N/A` for the epoch and earlier.
pub fn ago(unix_seconds: i64) -> String {
    match u64::try_from(unix_seconds) {
        Ok(0) | Err(_) => "N/A".to_owned(),
        Ok(then) => format!("{} ago", span(now().saturating_sub(then))),
    }
}

/// Unix seconds now.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs())
}

/// A Unix time as RFC 3339 in UTC: `2026-11-23T21:30:00Z`. What no such text can say becomes the nearest that one can.
pub fn rfc3339(unix_seconds: i64) -> String {
    let seconds = u64::try_from(unix_seconds).unwrap_or(0).min(LAST_SECOND);
    humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(seconds)).to_string()
}

/// The time that an RFC 3339 text means; `None` before 1970 too, where no image or container was made.
pub fn parse_rfc3339(text: &str) -> Option<SystemTime> {
    let (local, zone) = match text.strip_suffix(['Z', 'z']) {
        Some(local) => (local, "+00:00"),
        None => text.split_at_checked(text.len().checked_sub(6)?)?,
    };
    let utc = humantime::parse_rfc3339(&format!("{local}Z")).ok()?;
    let (sign, digits) = zone.split_at_checked(1)?;
    let (hours, minutes) = digits.split_once(':')?;
    let offset = Duration::from_secs(hours.parse::<u64>().ok()? * 3600 + minutes.parse::<u64>().ok()? * 60);
    let time = match sign {
        "+" => utc.checked_sub(offset),
        "-" => utc.checked_add(offset),
        _ => None,
    };
    time.filter(|time| *time >= UNIX_EPOCH)
}

/// Unix seconds of an RFC 3339 text, 0 where it says nothing.
pub fn rfc3339_seconds(text: &str) -> i64 {
    let since = parse_rfc3339(text).and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

/// Bytes from `512m`, `1.5g`, `100` (b, k, m, g, t; powers of 1024, with or without a final `b` or `ib`).
pub fn parse_size(text: &str) -> Option<u64> {
    let lower = text.trim().to_ascii_lowercase();
    let digits = lower.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(lower.len());
    let (number, unit) = lower.split_at(digits);
    let factor: u64 = match unit.trim() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        "t" | "tb" | "tib" => 1 << 40,
        _ => return None,
    };
    match number.parse::<u64>() {
        Ok(whole) => whole.checked_mul(factor),
        Err(_) => number
            .parse::<f64>()
            .ok()
            .filter(|n| n.is_finite() && *n >= 0.0)
            .map(|n| (n * factor as f64) as u64),
    }
}

/// A duration from `90`, `10s`, `1h30m`, `500ms`, `2d`, `1w`.
pub fn parse_duration(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        let unit_end = rest[digits..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |at| digits + at);
        let seconds = match &rest[digits..unit_end] {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            "d" => 86_400.0,
            "w" => 604_800.0,
            _ => return None,
        };
        total = total.checked_add(Duration::try_from_secs_f64(number * seconds).ok()?)?;
        rest = &rest[unit_end..];
    }
    (!text.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_three_digits() {
        for (bytes, want) in [
            (0, "0B"),
            (999, "999B"),
            (1000, "1kB"),
            (1_234_567, "1.23MB"),
            (58_240_000, "58.2MB"),
            (999_999, "1MB"),
        ] {
            assert_eq!(size(bytes), want);
        }
    }

    #[test]
    fn times_are_as_docker_says_them() {
        assert_eq!(span(5), "5 seconds");
        assert_eq!(span(61), "About a minute");
        assert_eq!(span(7300), "2 hours");
        assert_eq!(duration(Duration::from_secs(125)), "2m 05s");
        assert_eq!(duration(Duration::from_millis(99)), "99ms");
        assert_eq!(duration(Duration::from_millis(349)), "0.3s");
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(1_709_251_199), "2024-02-29T23:59:59Z");
        assert_eq!(rfc3339(i64::MAX), "9999-12-31T23:59:59Z");
        assert_eq!(rfc3339_seconds("2024-02-29T23:59:59Z"), 1_709_251_199);
        assert_eq!(rfc3339_seconds("2024-03-01T01:59:59.123456789+02:00"), 1_709_251_199);
        assert_eq!(rfc3339_seconds("2024-02-29T18:29:59-05:30"), 1_709_251_199);
        let half =
            parse_rfc3339("1970-01-01T00:00:01.5Z").and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        assert_eq!(half, Some(Duration::from_millis(1500)));
        for bad in [
            "",
            "2024",
            "2024-13-01T00:00:00Z",
            "2024-01-01T00:00:00",
            "2024-01-01T00:00:00é00:00",
            "0001-01-01T00:00:00Z",
            "1970-01-01T00:00:00+99:99",
        ] {
            assert_eq!(parse_rfc3339(bad), None, "{bad}");
        }
    }

    #[test]
    fn sizes_and_durations_are_read() {
        assert_eq!(parse_size("512m"), Some(512 << 20));
        assert_eq!(parse_size("1.5g"), Some(3 << 29));
        assert_eq!(parse_size("64KiB"), Some(65536));
        assert_eq!(parse_size("x"), None);
        assert_eq!(parse_duration("1h30m"), Some(Duration::from_secs(5400)));
        assert_eq!(parse_duration("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(parse_duration("5x"), None);
    }
}
