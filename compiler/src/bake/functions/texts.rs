//! Functions of strings.

use hcl::Value;
use hcl::eval::FuncArgs;

use super::{Answer, Row, as_text, format, from_number, from_texts, index, list, number, text, texts};

pub(super) const TABLE: [Row; 24] = [
    ("upper", 1, Some(1), |args| one(&args, |text| text.to_uppercase())),
    ("lower", 1, Some(1), |args| one(&args, |text| text.to_lowercase())),
    ("title", 1, Some(1), |args| one(&args, title)),
    ("trimspace", 1, Some(1), |args| one(&args, |text| text.trim().to_owned())),
    ("chomp", 1, Some(1), |args| one(&args, |text| text.trim_end_matches(['\n', '\r']).to_owned())),
    ("reverse", 1, Some(1), |args| one(&args, |text| text.chars().rev().collect())),
    ("basename", 1, Some(1), |args| one(&args, |text| base(text).to_owned())),
    ("dirname", 1, Some(1), |args| one(&args, directory)),
    ("sanitize", 1, Some(1), |args| one(&args, sanitize)),
    ("trim", 2, Some(2), |args| two(&args, |text, set| text.trim_matches(|c| set.contains(c)).to_owned())),
    ("trimprefix", 2, Some(2), |args| {
        two(&args, |text, start| text.strip_prefix(start).unwrap_or(text).to_owned())
    }),
    ("trimsuffix", 2, Some(2), |args| {
        two(&args, |text, end| text.strip_suffix(end).unwrap_or(text).to_owned())
    }),
    ("replace", 3, Some(3), |args| {
        let with = text(&args, 2)?;
        two(&args, |text, part| text.replace(part, &with))
    }),
    ("split", 2, Some(2), |args| {
        let (separator, whole) = (text(&args, 0)?, text(&args, 1)?);
        if separator.is_empty() {
            return Ok(from_texts(whole.chars().map(String::from)));
        }
        Ok(from_texts(whole.split(&separator).map(str::to_owned)))
    }),
    ("join", 1, None, join),
    ("indent", 2, Some(2), |args| {
        let blanks = " ".repeat(index(&args, 0)?.min(LIMIT_WIDTH));
        Ok(Value::from(text(&args, 1)?.replace('\n', &format!("\n{blanks}"))))
    }),
    ("strlen", 1, Some(1), |args| from_number(text(&args, 0)?.chars().count() as f64)),
    ("byteslen", 1, Some(1), |args| from_number(text(&args, 0)?.len() as f64)),
    ("substr", 3, Some(3), substring),
    ("bytesslice", 3, Some(3), |args| {
        let (text, from, length) = (text(&args, 0)?, index(&args, 1)?, index(&args, 2)?);
        let part = text.get(from..from.saturating_add(length).min(text.len()));
        part.map(Value::from).ok_or_else(|| "the part begins or ends within a character".to_owned())
    }),
    ("format", 1, None, |args| format::format(&text(&args, 0)?, args.get(1..).unwrap_or_default())),
    ("formatlist", 1, None, format_list),
    ("tostring", 1, Some(1), |args| Ok(Value::from(text(&args, 0)?))),
    ("tonumber", 1, Some(1), |args| from_number(number(&args, 0)?)),
];

/// Most blanks that a line is moved by.
const LIMIT_WIDTH: usize = 1024;

fn one(args: &FuncArgs, change: impl Fn(&str) -> String) -> Answer {
    Ok(Value::from(change(&text(args, 0)?)))
}

fn two(args: &FuncArgs, change: impl Fn(&str, &str) -> String) -> Answer {
    Ok(Value::from(change(&text(args, 0)?, &text(args, 1)?)))
}

fn title(text: &str) -> String {
    let mut start = true;
    let mut titled = String::new();
    for c in text.chars() {
        if start {
            titled.extend(c.to_uppercase());
        } else {
            titled.push(c);
        }
        start = !(c.is_alphanumeric() || c == '_' || c == '\'');
    }
    titled
}

fn base(path: &str) -> &str {
    match path.trim_end_matches('/') {
        "" if path.is_empty() => ".",
        "" => "/",
        path => path.rsplit('/').next().unwrap_or(path),
    }
}

fn directory(path: &str) -> String {
    let start = path.rfind('/').map_or("", |at| &path[..=at]);
    let mut parts: Vec<&str> = Vec::new();
    for part in start.split('/').filter(|part| !part.is_empty() && *part != ".") {
        match part {
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if start.starts_with('/') => {}
            part => parts.push(part),
        }
    }
    match (start.starts_with('/'), parts.is_empty()) {
        (true, _) => format!("/{}", parts.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => parts.join("/"),
    }
}

/// What a target may be named.
fn sanitize(text: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    text.chars().map(|c| if fits(c) { c } else { '_' }).collect()
}

fn join(args: FuncArgs) -> Answer {
    let mut all = Vec::new();
    for place in 1..args.len() {
        all.extend(texts(&args, place)?);
    }
    Ok(Value::from(all.join(&text(&args, 0)?)))
}

/// By characters; a negative start counts from the end, a length of -1 is all the rest.
fn substring(args: FuncArgs) -> Answer {
    let (text, from, length) = (text(&args, 0)?, number(&args, 1)?, number(&args, 2)?);
    let count = text.chars().count() as f64;
    let from = if from < 0.0 { (count + from).max(0.0) } else { from } as usize;
    let length = if length < 0.0 { usize::MAX } else { length as usize };
    Ok(Value::from(text.chars().skip(from).take(length).collect::<String>()))
}

/// `format` for each place of the lists among the arguments.
fn format_list(args: FuncArgs) -> Answer {
    let lengths: Vec<usize> = args.iter().filter_map(|value| Some(value.as_array()?.len())).collect();
    let Some(count) = lengths.first().copied() else {
        return Ok(Value::Array(vec![format::format(&text(&args, 0)?, args.get(1..).unwrap_or_default())?]));
    };
    if lengths.iter().any(|length| *length != count) {
        return Err("the lists are not equally long".to_owned());
    }
    let pick = |value: &Value, row: usize| match value {
        Value::Array(items) => items.get(row).cloned().unwrap_or(Value::Null),
        other => other.clone(),
    };
    let row = |row: usize| {
        let values: Vec<Value> = args.iter().map(|value| pick(value, row)).collect();
        let pattern = values.first().map(as_text).transpose()?.unwrap_or_default();
        format::format(&pattern, values.get(1..).unwrap_or_default())
    };
    list(&args, args.iter().position(Value::is_array).unwrap_or_default())?;
    (0..count).map(row).collect::<Result<Vec<_>, _>>().map(Value::Array)
}
