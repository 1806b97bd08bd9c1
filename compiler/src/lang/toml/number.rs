//! Numbers, dates and times: what a word without quotes is, and its value.

use super::error::{Problem, Source};
use super::grammar::{
    BINARY, DATE, DECIMAL, FLOAT, HEXADECIMAL, INTEGER, LOCAL_DATE_TIME, OCTAL, OFFSET, OFFSET_DATE_TIME,
    TIME,
};
use super::scan::Scan;
use super::value::Value;

const FLOAT_HINT: &str = "Hint: valid  : +1.0, -2e-2, 3.141_592_653_589, inf, nan\n\
     Hint: invalid: .0, 1., _1.0, 1.0_, 1_.0, 1.0__0\n";
const INTEGER_HINT: &str = "Hint: valid  : -42, 1_000, 1_2_3_4_5, 0xC0FFEE, 0b0010, 0o755\n\
     Hint: invalid: _42, 1__000, 0123\n";
const TIME_HINT: &str = "Hint: valid  : 1979-05-27T07:32:00, 1979-05-27 07:32:00.999999\n\
     Hint: invalid: 1979-05-27T7:32:00, 1979-05-27 17:32\n";
const OFFSET_HINT: &str = "Hint: valid  : +09:00, -05:30\nHint: invalid: +9:00,  -5:30\n";
const DATE_HINT: &str = "Hint: valid  : 1979-05-27T07:32:00-07:00, 1979-05-27 07:32:00.999999Z\n\
     Hint: invalid: 1979-05-27T7:32:00-7:00, 1979-05-27 7:32-00:30";

/// What a value looks like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    String,
    Array,
    Table,
    Boolean,
    Float,
    Integer,
    Date,
    Time,
    LocalDateTime,
    OffsetDateTime,
}

/// Guesses from how a word at `at` begins.
pub(super) fn guess(source: Source, at: usize) -> Result<Kind, Problem> {
    let text = source.text;
    let byte_at = |at: usize| text.get(at).copied();
    let problem = |title: &str, at: usize, message: &str, hint| {
        Err(Problem::new(title, source.point(at), message).hint(hint))
    };
    if OFFSET_DATE_TIME.scan(text, at).is_some() {
        return Ok(Kind::OffsetDateTime);
    }
    if let Some(end) = LOCAL_DATE_TIME.scan(text, at) {
        return match byte_at(end) {
            Some(b'+' | b'-') => {
                let title = "bad offset: must be [+-]HH:MM or Z";
                Err(Problem::syntax(title, &OFFSET, source, end).hint(OFFSET_HINT))
            }
            _ => Ok(Kind::LocalDateTime),
        };
    }
    if let Some(end) = DATE.scan(text, at) {
        return after_date(source, end);
    }
    if TIME.scan(text, at).is_some() {
        return Ok(Kind::Time);
    }
    if let Some(end) = FLOAT.scan(text, at) {
        return match byte_at(end) {
            Some(b'_') => {
                problem("bad float: `_` must be surrounded by digits", end, "invalid underscore", FLOAT_HINT)
            }
            _ => Ok(Kind::Float),
        };
    }
    if let Some(end) = INTEGER.scan(text, at) {
        return after_integer(source, at, end);
    }
    match byte_at(at) {
        Some(b'.') => {
            let title = "bad float: integer part is required before decimal point";
            problem(title, at, "missing integer part", FLOAT_HINT)
        }
        Some(b'_') => {
            let title = "bad number: `_` must be surrounded by digits";
            problem(title, at, "digits required before `_`", INTEGER_HINT)
        }
        _ => problem("bad format: unknown value appeared", at, "here", ""),
    }
}

fn after_date(source: Source, end: usize) -> Result<Kind, Problem> {
    let digit = |at: usize| source.text.get(at).is_some_and(u8::is_ascii_digit);
    let bad_time =
        |at| Err(Problem::syntax("bad time: must be HH:MM:SS.subsec", &TIME, source, at).hint(TIME_HINT));
    match source.text.get(end) {
        Some(b'T' | b't') => bad_time(end + 1),
        Some(b' ') if digit(end + 1) => bad_time(end + 1),
        Some(b'0'..=b'9') => {
            let delimiter = Scan::OneOf("Tt ");
            let title = "bad datetime: missing T or space";
            Err(Problem::syntax(title, &delimiter, source, end).hint(TIME_HINT))
        }
        _ => Ok(Kind::Date),
    }
}

fn after_integer(source: Source, begin: usize, end: usize) -> Result<Kind, Problem> {
    let problem = |title: &str, at: usize, message: &str, hint| {
        Err(Problem::new(title, source.point(at), message).hint(hint))
    };
    match source.text.get(end) {
        Some(b'_') if matches!(&source.text[begin..end], b"0" | b"+0" | b"-0") => {
            let title = "bad integer: leading zero is not allowed in decimal int";
            problem(title, end, "leading zero", INTEGER_HINT)
        }
        Some(b'_') => {
            problem("bad integer: `_` must be surrounded by digits", end, "invalid underscore", INTEGER_HINT)
        }
        Some(b'0') => {
            let title = "bad integer: leading zero";
            problem(title, end - 1, "leading zero is not allowed", INTEGER_HINT)
        }
        Some(b'1'..=b'9') => {
            let title = "bad integer: invalid digit after an integer";
            problem(title, end, "this digit is not allowed", INTEGER_HINT)
        }
        Some(b':' | b'-') => problem("bad datetime: invalid format", end, "here", DATE_HINT),
        Some(b'.' | b'e' | b'E') => problem("bad float: invalid format", end, "here", FLOAT_HINT),
        _ => Ok(Kind::Integer),
    }
}

/// The digits of a number without underscores.
fn digits(source: Source, begin: usize, end: usize) -> String {
    source.text[begin..end].iter().filter(|b| **b != b'_').map(|b| char::from(*b)).collect()
}

/// An integer and its end.
pub(super) fn integer(source: Source, at: usize) -> Result<(Value, usize), Problem> {
    let signed = at + usize::from(matches!(source.text.get(at), Some(b'+' | b'-')));
    let (radix, scan, name, like) = match source.text.get(signed..signed + 2) {
        Some(b"0b") => (2, &BINARY, "bin", "0b0101, 0b1111_0000"),
        Some(b"0o") => (8, &OCTAL, "oct", "0o775, 0o04_44"),
        Some(b"0x") => (16, &HEXADECIMAL, "hex", "0xC0FFEE, 0xdead_beef"),
        _ => (10, &DECIMAL, "dec", "42, 123_456_789"),
    };
    let prefix = if radix == 10 { 0 } else { 2 };
    let Some(end) = scan.scan(source.text, at) else {
        let title = format!("toml::parse_{name}_integer: invalid integer: {name}_int must be like: {like}");
        return Err(Problem::syntax(&title, scan, source, at));
    };
    let number = i64::from_str_radix(&digits(source, at + prefix, end), radix);
    match number {
        Ok(number) => Ok((Value::Integer(number), end)),
        Err(_) => {
            let limit = if radix == 10 { "digits" } else { "value" };
            let title = format!("toml::parse_{name}_integer: too large integer: current max {limit} = 2^63");
            Err(Problem::new(&title, source.point(end), "must be < 2^63"))
        }
    }
}

/// A float and its end.
pub(super) fn float(source: Source, at: usize) -> Result<(Value, usize), Problem> {
    let Some(end) = FLOAT.scan(source.text, at) else {
        let title = "toml::parse_floating: invalid floating: float must be like: -3.14159_26535, 6.022e+23, inf, or nan \
                     (lowercase).";
        return Err(Problem::syntax(title, &FLOAT, source, at));
    };
    let text = digits(source, at, end);
    let value = match text.trim_start_matches('+') {
        "inf" => f64::INFINITY,
        "-inf" => f64::NEG_INFINITY,
        "nan" => f64::NAN.copysign(1.0),
        "-nan" => f64::NAN.copysign(-1.0),
        number => match number.parse() {
            Ok(value) if f64::is_finite(value) => value,
            _ => {
                let title = "toml::parse_floating: failed to read floating point value from stream";
                return Err(Problem::new(title, source.point(end), "here"));
            }
        },
    };
    Ok((Value::Float(value), end))
}

/// A date or time in the form its guess gave, and its end.
pub(super) fn time(source: Source, at: usize, kind: Kind) -> Result<(Value, usize), Problem> {
    let scan = match kind {
        Kind::Date => &DATE,
        Kind::Time => &TIME,
        Kind::LocalDateTime => &LOCAL_DATE_TIME,
        _ => &OFFSET_DATE_TIME,
    };
    let Some(end) = scan.scan(source.text, at) else {
        return Err(Problem::new("bad format: unknown value appeared", source.point(at), "here"));
    };
    let text = String::from_utf8_lossy(&source.text[at..end]).into_owned();
    let (date, rest) = if kind == Kind::Time { ("", &text[..]) } else { text.split_at(10) };
    if !date.is_empty() {
        check_date(date).map_err(|message| {
            Problem::new("toml::parse_local_date: invalid date.", source.point(at), message)
        })?;
    }
    let delimiter = usize::from(!date.is_empty() && !rest.is_empty());
    let (clock, offset) = match rest[delimiter..].find(['z', 'Z', '+', '-']) {
        Some(end) => rest[delimiter..].split_at(end),
        None => (&rest[delimiter..], ""),
    };
    if !clock.is_empty() {
        check_clock(clock).map_err(|message| {
            let at = at + date.len() + delimiter;
            Problem::new("toml::parse_local_time: invalid time.", source.point(at), message)
        })?;
    }
    if !offset.is_empty() && !offset_is_small(offset) {
        let title = "toml::parse_offset_datetime: too large offset: |hour| <= 24, |minute| <= 60";
        return Err(Problem::new(title, source.region((at, end)), "here"));
    }
    let joint = if delimiter == 1 { "T" } else { "" };
    Ok((Value::Time(format!("{date}{joint}{}{}", normal_clock(clock), normal_offset(offset))), end))
}

fn number(text: &str) -> u32 {
    text.parse().unwrap_or(0)
}

fn check_date(date: &str) -> Result<(), &'static str> {
    let (year, month, day) = (number(&date[..4]), number(&date[5..7]), number(&date[8..10]));
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if (1..=12).contains(&month) && (1..=days).contains(&day) {
        return Ok(());
    }
    Err("month must be 01-12, day must be any of 01-28,29,30,31 depending on the month/year.")
}

fn check_clock(clock: &str) -> Result<(), &'static str> {
    if number(&clock[..2]) >= 24 || number(&clock[3..5]) >= 60 {
        return Err("hour must be 00-23, minute must be 00-59.");
    }
    // Leap seconds.
    if number(&clock[6..8]) > 60 {
        return Err("second must be 00-60.");
    }
    Ok(())
}

fn offset_is_small(offset: &str) -> bool {
    offset.len() < 6 || number(&offset[1..3]) <= 24 && number(&offset[4..6]) <= 60
}

/// Fractions of seconds in groups of three digits, at most nine, as few groups as say the same.
fn normal_clock(clock: &str) -> String {
    let Some((seconds, fraction)) = clock.split_once('.') else { return clock.to_owned() };
    let mut digits: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    while digits.ends_with("000") {
        digits.truncate(digits.len() - 3);
    }
    if digits.is_empty() { seconds.to_owned() } else { format!("{seconds}.{digits}") }
}

fn normal_offset(offset: &str) -> String {
    match offset {
        "z" | "+00:00" | "-00:00" => "Z".to_owned(),
        other => other.to_owned(),
    }
}
