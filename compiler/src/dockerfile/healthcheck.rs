//! HEALTHCHECK: durations as Go writes them, and the two ways of giving a command.

use buildc_ir::{Diagnostic, Healthcheck};
use nom::branch::alt;
use nom::bytes::complete::tag;
use nom::character::complete::{char, digit0};
use nom::combinator::{all_consuming, opt, value, verify};
use nom::multi::fold_many1;
use nom::sequence::preceded;
use nom::{IResult, Parser};

use super::ast::Word;
use super::flags::Flags;
use super::problem;
use super::raw::{Raw, RawArgs};

/// Docker refuses intervals below this one.
const MINIMUM_NS: u64 = 1_000_000;

/// Nanoseconds.
fn unit(input: &str) -> IResult<&str, u64> {
    alt((
        value(1, tag("ns")),
        value(1_000, alt((tag("us"), tag("µs"), tag("μs")))),
        value(1_000_000, tag("ms")),
        value(1_000_000_000, tag("s")),
        value(60_000_000_000, tag("m")),
        value(3_600_000_000_000, tag("h")),
    ))
    .parse(input)
}

/// The digits before and behind the point.
fn amount(input: &str) -> IResult<&str, (&str, &str)> {
    let decimal = (digit0, opt(preceded(char('.'), digit0)).map(Option::unwrap_or_default));
    verify(decimal, |(whole, part): &(&str, &str)| !whole.is_empty() || !part.is_empty()).parse(input)
}

/// Digits behind a point that can matter: an hour has fewer nanoseconds than this has places.
const PLACES: usize = 18;

/// So many units, in nanoseconds; what is less than one is cut off.
fn nanoseconds((whole, part): (&str, &str), unit: u64) -> Option<u64> {
    let number = |digits: &str| if digits.is_empty() { Some(0) } else { digits.parse::<u128>().ok() };
    let part = part.get(..PLACES).unwrap_or(part);
    let places = u32::try_from(part.len()).ok()?;
    let (whole, unit) = (number(whole)?, u128::from(unit));
    let fraction = number(part)? * unit / 10u128.pow(places);
    u64::try_from(whole.checked_mul(unit)?.checked_add(fraction)?).ok()
}

/// A duration as Go's `time.ParseDuration` reads it, in nanoseconds; negative ones are refused, but `-0s` is nothing.
pub fn duration_ns(text: &str) -> Option<u64> {
    let sum = fold_many1(
        (amount, unit),
        || Some(0),
        |sum: Option<u64>, (n, unit)| sum?.checked_add(nanoseconds(n, unit)?),
    );
    let zero = value(Some(0), char('0'));
    let sign = opt(alt((char('+'), char('-'))));
    let (_, (sign, total)) = all_consuming((sign, alt((sum, zero)))).parse(text).ok()?;
    let most = if sign == Some('-') { 0 } else { i64::MAX as u64 };
    total.filter(|total| *total <= most)
}

/// Nanoseconds as Go's `Duration.String` writes them, for history texts.
pub fn go_duration(ns: u64) -> String {
    let fraction = |value: u64, unit: u64| {
        let digits = unit.ilog10() as usize;
        let text = format!("{}.{:0digits$}", value / unit, value % unit);
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    match ns {
        0 => "0s".to_owned(),
        1..1_000 => format!("{ns}ns"),
        1_000..1_000_000 => format!("{}µs", fraction(ns, 1_000)),
        1_000_000..1_000_000_000 => format!("{}ms", fraction(ns, 1_000_000)),
        _ => {
            let (minutes, rest) = (ns / 60_000_000_000, ns % 60_000_000_000);
            let seconds = fraction(rest, 1_000_000_000);
            match (minutes / 60, minutes % 60) {
                (0, 0) => format!("{seconds}s"),
                (0, m) => format!("{m}m{seconds}s"),
                (h, m) => format!("{h}h{m}m{seconds}s"),
            }
        }
    }
}

/// True for `HEALTHCHECK NONE`.
pub fn is_none(raw: &Raw) -> bool {
    matches!(&raw.args, RawArgs::Check(kind, _) if kind.text.eq_ignore_ascii_case("none"))
}

/// Reads the arguments; flags are read already.
pub fn parse(raw: &Raw, flags: &Flags, problems: &mut Vec<Diagnostic>) -> Option<Healthcheck> {
    let usage = "Write `HEALTHCHECK [flags] CMD command` or `HEALTHCHECK NONE`";
    let mut refuse = |message: String| {
        problems.push(problem::bad_arguments(message, raw.span, usage));
        None
    };
    let RawArgs::Check(kind, command) = &raw.args else {
        return refuse("HEALTHCHECK needs CMD or NONE".to_owned());
    };
    let test = match (kind.text.to_ascii_uppercase().as_str(), &**command) {
        ("NONE", RawArgs::Nothing) => vec!["NONE".to_owned()],
        ("NONE", RawArgs::Json(words)) if words.is_empty() => vec!["NONE".to_owned()],
        ("NONE", _) => return refuse("HEALTHCHECK NONE takes no arguments".to_owned()),
        ("CMD", RawArgs::Json(words)) if !words.is_empty() => {
            std::iter::once("CMD".to_owned()).chain(words.iter().cloned()).collect()
        }
        ("CMD", RawArgs::Text(word)) => vec!["CMD-SHELL".to_owned(), word.text.clone()],
        ("CMD", _) => return refuse("HEALTHCHECK CMD has no command".to_owned()),
        (other, _) => return refuse(format!("HEALTHCHECK has no type `{other}`")),
    };
    let mut interval = |name| flags.text(name).map_or(0, |word| read_interval(name, &word, problems));
    Some(Healthcheck {
        test,
        interval_ns: interval("interval"),
        timeout_ns: interval("timeout"),
        start_period_ns: interval("start-period"),
        start_interval_ns: interval("start-interval"),
        retries: flags.text("retries").map_or(0, |word| read_retries(&word, problems)),
    })
}

fn read_interval(name: &str, word: &Word, problems: &mut Vec<Diagnostic>) -> u64 {
    match duration_ns(&word.text) {
        Some(ns) if ns == 0 || ns >= MINIMUM_NS => ns,
        Some(_) => {
            let message = format!("`--{name}={}` is shorter than 1ms", word.text);
            problems.push(problem::bad_flag(message, word.span, "Give at least 1ms, or 0 for the default"));
            0
        }
        None => {
            let message = format!("`{}` is not a duration", word.text);
            problems.push(problem::bad_flag(message, word.span, "Write for example `30s` or `1m30s`"));
            0
        }
    }
}

fn read_retries(word: &Word, problems: &mut Vec<Diagnostic>) -> u32 {
    match word.text.parse::<i32>().ok().and_then(|n| u32::try_from(n).ok()) {
        Some(n) => n,
        None => {
            let message = format!("`--retries={}` is not a count", word.text);
            problems.push(problem::bad_flag(message, word.span, "Write a whole number, 0 for the default"));
            0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_round_trip() {
        for (text, ns, go) in [
            ("30s", 30_000_000_000, "30s"),
            ("1m30s", 90_000_000_000, "1m30s"),
            ("1h", 3_600_000_000_000, "1h0m0s"),
            ("1.5s", 1_500_000_000, "1.5s"),
            ("5ms", 5_000_000, "5ms"),
            ("0", 0, "0s"),
            ("1500us", 1_500_000, "1.5ms"),
            ("1.0000000019s", 1_000_000_001, "1.000000001s"),
            (".29s", 290_000_000, "290ms"),
        ] {
            assert_eq!(duration_ns(text), Some(ns), "{text}");
            assert_eq!(go_duration(ns), go);
        }
        for nothing in ["-0", "-0s", "-0h0.0m", "-.1ns", "+0"] {
            assert_eq!(duration_ns(nothing), Some(0), "{nothing}");
        }
        for bad in ["", "1", "s", "-1s", "-1ns", "--0s", "-", "1x", "1s ", ".s"] {
            assert_eq!(duration_ns(bad), None, "{bad}");
        }
    }
}
