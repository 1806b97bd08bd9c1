//! Version strings as `builtins.compareVersions`, `splitVersion` and `parseDrvName` read them.

use std::cmp::Ordering;

/// Takes the next component off `rest`: a run of digits, or a run of anything else but digits and the separators `.`
/// and `-`. Empty at the end.
fn next_component<'v>(rest: &mut &'v [u8]) -> &'v [u8] {
    let separators = rest.iter().take_while(|b| matches!(b, b'.' | b'-')).count();
    let text = &rest[separators..];
    let length = match text.first() {
        Some(b'0'..=b'9') => text.iter().take_while(|b| b.is_ascii_digit()).count(),
        _ => text.iter().take_while(|b| !matches!(b, b'0'..=b'9' | b'.' | b'-')).count(),
    };
    let (component, after) = text.split_at(length);
    *rest = after;
    component
}

/// The components of a version.
pub fn components(version: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = version;
    std::iter::from_fn(move || Some(next_component(&mut rest)).filter(|component| !component.is_empty()))
}

/// A component as a number; those that do not fit Nix's `int` are compared as text.
fn number(component: &[u8]) -> Option<i32> {
    std::str::from_utf8(component).ok()?.parse().ok()
}

fn is_less(a: &[u8], b: &[u8]) -> bool {
    match (number(a), number(b)) {
        (Some(a), Some(b)) => a < b,
        (_, Some(_)) if a.is_empty() => true,
        _ if a == b"pre" && b != b"pre" => true,
        _ if b == b"pre" => false,
        // 2.3a is older than 2.3.1.
        (_, Some(_)) => true,
        (Some(_), _) => false,
        (None, None) => a < b,
    }
}

/// Compares two versions component by component.
#[must_use]
pub fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let (mut a, mut b) = (a, b);
    while !a.is_empty() || !b.is_empty() {
        let (left, right) = (next_component(&mut a), next_component(&mut b));
        if is_less(left, right) {
            return Ordering::Less;
        }
        if is_less(right, left) {
            return Ordering::Greater;
        }
    }
    Ordering::Equal
}

/// Splits a package name into name and version: at the first dash that no letter follows. Without one the version is empty.
#[must_use]
pub fn split_name(full: &[u8]) -> (&[u8], &[u8]) {
    let dash = full.windows(2).position(|pair| pair[0] == b'-' && !pair[1].is_ascii_alphabetic());
    match dash {
        Some(at) => (&full[..at], &full[at + 1..]),
        None => (full, b""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_of_nix() {
        let table = [
            ("1.0", "2.3", Ordering::Less),
            ("2.1", "2.3", Ordering::Less),
            ("2.3", "2.3", Ordering::Equal),
            ("2.5", "2.3", Ordering::Greater),
            ("2.3.1", "2.3", Ordering::Greater),
            ("2.3.1", "2.3a", Ordering::Greater),
            ("2.3pre1", "2.3", Ordering::Less),
            ("2.3pre3", "2.3pre12", Ordering::Less),
            ("2.3a", "2.3c", Ordering::Less),
            ("2.3pre1", "2.3c", Ordering::Less),
            ("2.3pre1", "2.3q", Ordering::Less),
            ("1.2147483648", "1.2147483647", Ordering::Less),
            ("1.99999999999999999999", "1.3", Ordering::Less),
            ("", "", Ordering::Equal),
            ("1", "1..-", Ordering::Equal),
            ("01", "1", Ordering::Equal),
        ];
        for (a, b, expected) in table {
            assert_eq!(compare(a.as_bytes(), b.as_bytes()), expected, "{a} {b}");
        }
    }

    #[test]
    fn components_of_versions() {
        let table: [(&str, &[&str]); 4] = [
            ("1.2-3pre4..5", &["1", "2", "3", "pre", "4", "5"]),
            ("", &[]),
            ("..", &[]),
            ("a_b1", &["a_b", "1"]),
        ];
        for (version, expected) in table {
            let got: Vec<_> = components(version.as_bytes()).map(String::from_utf8_lossy).collect();
            assert_eq!(got, expected, "{version}");
        }
    }

    #[test]
    fn names_and_versions() {
        let table = [
            ("a-b-1.2-3", "a-b", "1.2-3"),
            ("a-", "a-", ""),
            ("a--1", "a", "-1"),
            ("nix-0.12pre12876", "nix", "0.12pre12876"),
            ("a-é", "a", "é"),
            ("", "", ""),
        ];
        for (full, name, version) in table {
            assert_eq!(split_name(full.as_bytes()), (name.as_bytes(), version.as_bytes()), "{full}");
        }
    }
}
