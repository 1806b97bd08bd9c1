//! `$NAME` and `${NAME:-default}` in the strings of a compose file.
//!
//! Owns: the forms that the compose specification lists. Never does: reading the environment.

use serde_json::Value;

/// How deep defaults may hold variables with defaults.
const LIMIT_DEPTH: usize = 32;

type LookUp<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Replaces variables in all values; keys stay as they are. `path` says where the value stands.
pub(super) fn all(value: &mut Value, path: &str, look_up: LookUp<'_>) -> Result<(), String> {
    let under = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match value {
        Value::String(string) if string.contains('$') => {
            *string = text(string, look_up).map_err(|why| format!("{path}: {why}"))?;
            Ok(())
        }
        Value::Array(items) => items
            .iter_mut()
            .enumerate()
            .try_for_each(|(at, item)| all(item, &under(&format!("[{at}]")), look_up)),
        Value::Object(map) => map.iter_mut().try_for_each(|(key, value)| all(value, &under(key), look_up)),
        _ => Ok(()),
    }
}

/// A string with its variables replaced; a variable that is not set is empty.
pub(super) fn text(source: &str, look_up: LookUp<'_>) -> Result<String, String> {
    expand(source, look_up, 0)
}

fn expand(source: &str, look_up: LookUp<'_>, depth: usize) -> Result<String, String> {
    if depth > LIMIT_DEPTH {
        return Err(format!("defaults nest more than {LIMIT_DEPTH} deep"));
    }
    let mut out = String::new();
    let mut rest = source;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some(inside) = rest.strip_prefix('{') {
            let end = closing(inside).ok_or_else(|| format!("`{source}` has a `${{` without `}}`"))?;
            out.push_str(&braced(&inside[..end], look_up, depth)?);
            rest = &inside[end + 1..];
        } else {
            let (name, after) = name(rest);
            if name.is_empty() {
                return Err(format!("`{source}` has a `$` without a name; write `$$` for a dollar sign"));
            }
            out.push_str(&look_up(name).unwrap_or_default());
            rest = after;
        }
    }
    out.push_str(rest);
    Ok(out)
}

/// Where the brace that ends a variable stands.
fn closing(text: &str) -> Option<usize> {
    let mut open = 0usize;
    let mut previous = b' ';
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' if previous == b'$' => open += 1,
            b'}' if open == 0 => return Some(at),
            b'}' => open -= 1,
            _ => {}
        }
        previous = byte;
    }
    None
}

/// A name at the beginning of a text, and what follows it.
fn name(text: &str) -> (&str, &str) {
    let is_part =
        |(at, c): (usize, char)| c == '_' || c.is_ascii_alphabetic() || at > 0 && c.is_ascii_digit();
    let end = text.char_indices().find(|part| !is_part(*part)).map_or(text.len(), |(at, _)| at);
    text.split_at(end)
}

/// What stands between braces.
fn braced(inside: &str, look_up: LookUp<'_>, depth: usize) -> Result<String, String> {
    let (name, rest) = name(inside);
    if name.is_empty() {
        return Err(format!("`${{{inside}}}` has no name"));
    }
    let value = look_up(name);
    // With a colon an empty value counts as none.
    let (counts, operator) = match rest.strip_prefix(':') {
        Some(operator) => (value.as_ref().is_some_and(|value| !value.is_empty()), operator),
        None => (value.is_some(), rest),
    };
    let mut chars = operator.chars();
    let kind = chars.next();
    let word = |text: &str| expand(text, look_up, depth + 1);
    match kind {
        None if rest.is_empty() => Ok(value.unwrap_or_default()),
        Some('-') if counts => Ok(value.unwrap_or_default()),
        Some('-') => word(chars.as_str()),
        Some('+') if counts => word(chars.as_str()),
        Some('+') => Ok(String::new()),
        Some('?') if counts => Ok(value.unwrap_or_default()),
        Some('?') => Err(format!("variable `{name}` is needed: {}", word(chars.as_str())?)),
        _ => Err(format!(
            "`${{{inside}}}` is no variable; write `${{NAME}}`, or `:-`, `:+` or `:?` after the name"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_replaced_in_all_forms() {
        let look_up = |name: &str| match name {
            "SET" => Some("s".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        for (source, want) in [
            ("$SET-${SET}x$$SET", "s-sx$SET"),
            ("${NO:-d}${NO-e}${EMPTY:-f}${EMPTY-g}${SET:-h}", "defs"),
            ("${SET:+r}${EMPTY:+x}${EMPTY+y}${NO+z}", "ry"),
            ("${NO:-${NO2:-${SET}}}!", "s!"),
            ("$NO.", "."),
        ] {
            assert_eq!(text(source, &look_up).unwrap(), want, "{source}");
        }
        for (source, want) in [
            ("${NO:?gone}", "gone"),
            ("${SET", "without"),
            ("$1", "$$"),
            ("${}", "no name"),
            ("${SET!x}", "no variable"),
        ] {
            assert!(text(source, &look_up).unwrap_err().contains(want), "{source}");
        }
        assert!(text(&"${A:-".repeat(100_000), &look_up).is_err());
        let deep = format!("{}{}", "${A:-".repeat(1000), "}".repeat(1000));
        assert!(text(&deep, &look_up).unwrap_err().contains("deep"));
    }
}
