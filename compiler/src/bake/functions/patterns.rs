//! Regular expressions, with the syntax of RE2.

use hcl::Value;
use regex::{Captures, Regex, RegexBuilder};

use super::{Row, text};

pub(super) const TABLE: [Row; 3] = [
    ("regex", 2, Some(2), |args| {
        let (pattern, text) = (pattern(&text(&args, 0)?)?, text(&args, 1)?);
        let found = pattern.captures(&text).map(|found| matched(&pattern, &found));
        found.ok_or_else(|| "pattern did not match any part of the given string".to_owned())
    }),
    ("regexall", 2, Some(2), |args| {
        let (pattern, text) = (pattern(&text(&args, 0)?)?, text(&args, 1)?);
        Ok(Value::Array(pattern.captures_iter(&text).map(|found| matched(&pattern, &found)).collect()))
    }),
    ("regex_replace", 3, Some(3), |args| {
        let (whole, pattern, with) = (text(&args, 0)?, pattern(&text(&args, 1)?)?, text(&args, 2)?);
        Ok(Value::from(pattern.replace_all(&whole, with).into_owned()))
    }),
];

/// Most memory that one expression may take, in bytes.
const LIMIT_BYTES: usize = 1 << 20;

fn pattern(text: &str) -> Result<Regex, String> {
    let built = RegexBuilder::new(text).size_limit(LIMIT_BYTES).build();
    built.map_err(|error| format!("`{text}` is no regular expression: {error}"))
}

/// The match; with groups their list, with named groups a map of them.
fn matched(pattern: &Regex, found: &Captures<'_>) -> Value {
    let part =
        |place: usize| found.get(place).map_or(Value::Null, |part| Value::from(part.as_str().to_owned()));
    let names: Vec<&str> = pattern.capture_names().flatten().collect();
    if pattern.captures_len() == 1 {
        return part(0);
    }
    if names.is_empty() {
        return Value::Array((1..pattern.captures_len()).map(part).collect());
    }
    let named = |name: &str| found.name(name).map_or(Value::Null, |part| Value::from(part.as_str()));
    Value::Object(names.into_iter().map(|name| (name.to_owned(), named(name))).collect())
}
