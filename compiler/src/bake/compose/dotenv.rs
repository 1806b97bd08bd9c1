//! The `.env` file beside a compose file: variables, one a line.
//!
//! Owns: the file's syntax. Never does: changing the environment.

use std::collections::BTreeMap;

use super::interpolate;

/// The variables of a file; values may use those of the environment and those above.
pub(super) fn parse(
    text: &str,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<BTreeMap<String, String>, String> {
    let mut found = BTreeMap::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let place = |why: String| format!("line {}: {why}", at + 1);
        let line = line.strip_prefix("export ").unwrap_or(line);
        let (name, value) = line
            .split_once(['=', ':'])
            .ok_or_else(|| place(format!("`{line}` is not of the form NAME=VALUE")))?;
        let name = name.trim();
        if name.is_empty() || name.contains(char::is_whitespace) {
            return Err(place(format!("`{name}` is no name of a variable")));
        }
        let look_up = |name: &str| environment(name).or_else(|| found.get(name).cloned());
        let value = self::value(value.trim(), &look_up).map_err(place)?;
        found.insert(name.to_owned(), value);
    }
    Ok(found)
}

/// Single quotes keep everything, double quotes know escapes and variables; without quotes a comment ends the value.
fn value(text: &str, look_up: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let unended = || format!("{text} has a quote without end");
    if let Some(inside) = text.strip_prefix('\'') {
        return Ok(inside.split_once('\'').ok_or_else(unended)?.0.to_owned());
    }
    let Some(inside) = text.strip_prefix('"') else {
        let end = text.find(" #").or_else(|| text.starts_with('#').then_some(0)).unwrap_or(text.len());
        return interpolate::text(text[..end].trim_end(), look_up);
    };
    let mut out = String::new();
    let mut chars = inside.chars();
    loop {
        match chars.next().ok_or_else(unended)? {
            '"' => return interpolate::text(&out, look_up),
            '\\' => match chars.next().ok_or_else(unended)? {
                'n' => out.push('\n'),
                't' => out.push('\t'),
                'r' => out.push('\r'),
                '$' => out.push_str("$$"),
                other => out.push(other),
            },
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_they_are_quoted() {
        let text = "# c\nA=1 # one\nexport B=\"x\\n$A \\$A\"\nC='$A # x'\nD=\nE=${ENV:-no}${A}\nF: yaml\n";
        let found = parse(text, &|name| (name == "ENV").then(|| "e".to_owned())).unwrap();
        let want = [("A", "1"), ("B", "x\n1 $A"), ("C", "$A # x"), ("D", ""), ("E", "e1"), ("F", "yaml")];
        assert_eq!(found, want.map(|(k, v)| (k.to_owned(), v.to_owned())).into());
        for (text, want) in [("A", "line 1"), ("\nB=\"x", "line 2"), ("C D=1", "no name")] {
            assert!(parse(text, &|_| None).unwrap_err().contains(want), "{text}");
        }
    }
}
