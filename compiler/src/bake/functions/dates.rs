//! Dates as RFC 3339 writes them, without a clock.

use hcl::Value;
use hcl::eval::FuncArgs;

use super::{Answer, Row, text};

pub(super) const TABLE: [Row; 2] =
    [("formatdate", 2, Some(2), format_date), ("timeadd", 2, Some(2), time_add)];

const SECONDS_OF_DAY: i64 = 86_400;
const DAYS: [&str; 7] = ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A moment with the offset it was written with.
struct Date {
    year: i64,
    month: i64,
    day: i64,
    /// Of the day.
    second: i64,
    /// East of Greenwich, in minutes.
    offset: i64,
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    // March is the first month, so that the leap day is the last of a year.
    let year = if month < 3 { year - 1 } else { year };
    let month = (month + 9) % 12;
    year * 365 + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (month * 153 + 2) / 5
        + day
        - 719_469
}

impl Date {
    fn parse(text: &str) -> Result<Self, String> {
        let bad = || format!("`{text}` is no date like 2006-01-02T15:04:05Z");
        let number = |from: usize, to: usize| {
            text.get(from..to).and_then(|part| part.parse::<i64>().ok()).ok_or_else(bad)
        };
        let marks = [(4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":")];
        if marks.iter().any(|(at, mark)| text.get(*at..at + 1) != Some(mark)) {
            return Err(bad());
        }
        let rest = text.get(19..).ok_or_else(bad)?;
        let rest = match rest.strip_prefix('.') {
            Some(fraction) => fraction.trim_start_matches(|c: char| c.is_ascii_digit()),
            None => rest,
        };
        let offset = match rest.as_bytes() {
            b"Z" => 0,
            [sign @ (b'+' | b'-'), hours @ .., b':', m1, m2] if hours.len() == 2 => {
                let read =
                    |digits: &[u8]| std::str::from_utf8(digits).ok().and_then(|d| d.parse::<i64>().ok());
                let (hours, minutes) = (read(hours).ok_or_else(bad)?, read(&[*m1, *m2]).ok_or_else(bad)?);
                (hours * 60 + minutes) * if *sign == b'-' { -1 } else { 1 }
            }
            _ => return Err(bad()),
        };
        let (month, day) = (number(5, 7)?, number(8, 10)?);
        let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
        if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 59 {
            return Err(bad());
        }
        Ok(Self { year: number(0, 4)?, month, day, second: hour * 3600 + minute * 60 + second, offset })
    }

    /// Seconds since 1970 as the clock of its place shows them.
    fn local(&self) -> i64 {
        days(self.year, self.month, self.day) * SECONDS_OF_DAY + self.second
    }

    fn from_local(seconds: i64, offset: i64) -> Self {
        let days_since = seconds.div_euclid(SECONDS_OF_DAY);
        // A guess from the mean year, which is right or one too late or early.
        let mut year = 1970 + days_since.div_euclid(365);
        while days(year, 1, 1) > days_since {
            year -= 1;
        }
        let month = (1..=12).rev().find(|month| days(year, *month, 1) <= days_since).unwrap_or(1);
        let day = days_since - days(year, month, 1) + 1;
        Self { year, month, day, second: seconds.rem_euclid(SECONDS_OF_DAY), offset }
    }

    fn zone(&self, colon: &str, utc: &str) -> String {
        let minutes = self.offset.abs();
        match self.offset {
            0 => utc.to_owned(),
            offset => {
                let sign = if offset < 0 { '-' } else { '+' };
                format!("{sign}{:02}{colon}{:02}", minutes / 60, minutes % 60)
            }
        }
    }

    fn part(&self, verb: &str) -> Option<String> {
        let (hour, minute, second) = (self.second / 3600, self.second / 60 % 60, self.second % 60);
        let half = match hour % 12 {
            0 => 12,
            hour => hour,
        };
        let name = |names: &'static [&'static str], at: i64| {
            usize::try_from(at).ok().and_then(|at| names.get(at)).copied().unwrap_or_default()
        };
        let weekday = name(&DAYS, days(self.year, self.month, self.day).rem_euclid(7));
        let month = name(&MONTHS, self.month - 1);
        let short = |name: &str| name.get(..3).unwrap_or(name).to_owned();
        Some(match verb {
            "YYYY" => format!("{:04}", self.year),
            "YY" => format!("{:02}", self.year.rem_euclid(100)),
            "MMMM" => month.to_owned(),
            "MMM" => short(month),
            "MM" => format!("{:02}", self.month),
            "M" => self.month.to_string(),
            "DD" => format!("{:02}", self.day),
            "D" => self.day.to_string(),
            "EEEE" => weekday.to_owned(),
            "EEE" => short(weekday),
            "hh" => format!("{hour:02}"),
            "h" => hour.to_string(),
            "HH" => format!("{half:02}"),
            "H" => half.to_string(),
            "AA" => if hour < 12 { "AM" } else { "PM" }.to_owned(),
            "aa" => if hour < 12 { "am" } else { "pm" }.to_owned(),
            "mm" => format!("{minute:02}"),
            "m" => minute.to_string(),
            "ss" => format!("{second:02}"),
            "s" => second.to_string(),
            "ZZZZZ" => self.zone(":", "+00:00"),
            "ZZZZ" => self.zone("", "+0000"),
            "ZZZ" => self.zone("", "UTC"),
            "Z" => self.zone(":", "Z"),
            _ => return None,
        })
    }
}

/// Letters are verbs, what stands in single quotes is text, all else stays.
fn format_date(args: FuncArgs) -> Answer {
    let (pattern, date) = (text(&args, 0)?, Date::parse(&text(&args, 1)?)?);
    let mut out = String::new();
    let mut rest = pattern.as_str();
    while let Some(first) = rest.chars().next() {
        if first == '\'' {
            let (quoted, behind) = rest[1..].split_once('\'').ok_or("a quote is not closed")?;
            out.push_str(if quoted.is_empty() { "'" } else { quoted });
            rest = behind;
            continue;
        }
        let end = rest.find(|c| c != first).unwrap_or(rest.len());
        let (verb, behind) = rest.split_at(end);
        rest = behind;
        match first.is_ascii_alphabetic() {
            true => out.push_str(&date.part(verb).ok_or_else(|| format!("there is no verb `{verb}`"))?),
            false => out.push_str(verb),
        }
    }
    Ok(Value::from(out))
}

/// A date and a duration such as `1h30m`.
fn time_add(args: FuncArgs) -> Answer {
    let (date, duration) = (Date::parse(&text(&args, 0)?)?, text(&args, 1)?);
    let seconds = seconds(&duration).ok_or_else(|| format!("`{duration}` is no duration like 1h30m"))?;
    let sum = Date::from_local(date.local().saturating_add(seconds), date.offset);
    if !(0..=9999).contains(&sum.year) {
        return Err("the year has more than four digits".to_owned());
    }
    let clock = format!("{:02}:{:02}:{:02}", sum.second / 3600, sum.second / 60 % 60, sum.second % 60);
    let day = format!("{:04}-{:02}-{:02}", sum.year, sum.month, sum.day);
    Ok(Value::from(format!("{day}T{clock}{}", sum.zone(":", "Z"))))
}

/// A duration of Go in whole seconds.
fn seconds(text: &str) -> Option<i64> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    let mut total = 0.0;
    let mut parts = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest.get(..digits)?.parse().ok()?;
        let unit = rest.get(digits..)?;
        let length = unit.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(unit.len());
        let (unit, behind) = unit.split_at(length);
        total += number
            * match unit {
                "h" => 3600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 1e-3,
                "us" | "µs" => 1e-6,
                "ns" => 1e-9,
                _ => return None,
            };
        rest = behind;
        parts += 1;
    }
    (parts > 0).then_some((sign * total) as i64)
}
