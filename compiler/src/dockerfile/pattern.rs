//! Patterns of `${n#p}`, `${n%p}` and `${n/p/r}`: `*`, `?` and five escapes, nothing else.

use super::expand::ExpandError;

/// One element of a pattern.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Element {
    /// Any run of characters but line ends.
    Star,
    /// Any one character but a line end.
    Any,
    /// This character.
    Literal(char),
}

/// A parsed pattern.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pattern(Vec<Element>);

impl Pattern {
    /// Reads a pattern whose escapes are still in it.
    ///
    /// # Errors
    /// [`ExpandError::BadPattern`] for an escape before anything but `*`, `?`, `\`, `/` and `}`.
    pub fn parse(text: &str) -> Result<Self, ExpandError> {
        let mut elements = Vec::new();
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            elements.push(match c {
                '*' => Element::Star,
                '?' => Element::Any,
                '\\' => match chars.next() {
                    Some(c @ ('*' | '?' | '\\' | '/' | '}')) => Element::Literal(c),
                    _ => return Err(ExpandError::BadPattern(text.to_owned())),
                },
                c => Element::Literal(c),
            });
        }
        Ok(Self(elements))
    }

    /// Ends (as counts of characters) of matches that start at the front of `text`: the shortest and the longest.
    fn ends(&self, text: &[char]) -> Option<(usize, usize)> {
        let mut states = vec![false; self.0.len() + 1];
        states[0] = true;
        self.close(&mut states);
        let mut found: Option<(usize, usize)> = None;
        for at in 0..=text.len() {
            if states[self.0.len()] {
                found = Some((found.map_or(at, |(first, _)| first), at));
            }
            let Some(&c) = text.get(at) else { break };
            states = self.advance(&states, c);
            if !states.contains(&true) {
                break;
            }
        }
        found
    }

    /// A star may match nothing.
    fn close(&self, states: &mut [bool]) {
        for (at, element) in self.0.iter().enumerate() {
            if states[at] && *element == Element::Star {
                states[at + 1] = true;
            }
        }
    }

    fn advance(&self, states: &[bool], c: char) -> Vec<bool> {
        let mut next = vec![false; states.len()];
        for (at, element) in self.0.iter().enumerate().filter(|(at, _)| states[*at]) {
            match element {
                Element::Star => next[at] |= c != '\n',
                Element::Any => next[at + 1] |= c != '\n',
                Element::Literal(l) => next[at + 1] |= *l == c,
            }
        }
        self.close(&mut next);
        next
    }

    /// `value` without the shortest or longest prefix that matches.
    pub fn trim_prefix(&self, value: &str, longest: bool) -> String {
        let chars: Vec<char> = value.chars().collect();
        let cut = self.ends(&chars).map_or(0, |(short, long)| if longest { long } else { short });
        chars[cut..].iter().collect()
    }

    /// `value` without the shortest or longest suffix that matches.
    pub fn trim_suffix(&self, value: &str, longest: bool) -> String {
        let reversed = Self(self.0.iter().rev().copied().collect());
        let mirrored: String = value.chars().rev().collect();
        reversed.trim_prefix(&mirrored, longest).chars().rev().collect()
    }

    /// `value` with the first or all matches replaced; stars take as much as they can. Where all are replaced, BuildKit
    /// hands the replacement to Go's regexp, for which `$name` is a group: `$0` is the match, all others are empty.
    pub fn replace(&self, value: &str, replacement: &str, all: bool) -> String {
        let chars: Vec<char> = value.chars().collect();
        let mut out = String::new();
        let mut at = 0;
        let mut after_match = false;
        while at <= chars.len() {
            match self.ends(&chars[at..]).map(|(_, long)| long) {
                // An empty match directly behind another match is none, as in Go's regexp.
                Some(length) if !(length == 0 && after_match) => {
                    let matched: String = chars[at..at + length].iter().collect();
                    out.push_str(&if all { template(replacement, &matched) } else { replacement.to_owned() });
                    at += length;
                    if !all {
                        out.extend(&chars[at..]);
                        return out;
                    }
                    after_match = true;
                    if length > 0 {
                        continue;
                    }
                }
                _ => {}
            }
            out.extend(chars.get(at));
            at += 1;
            after_match = false;
        }
        out
    }
}

/// A replacement as `regexp.Expand` reads it: `$$`, `$name` and `${name}`; any other `$` is text.
fn template(text: &str, matched: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let (group, tail) = group_name(after);
        match group {
            Some("$") => out.push('$'),
            Some(name) if name.parse::<u32>() == Ok(0) => out.push_str(matched),
            Some(_) => {}
            None => out.push('$'),
        }
        rest = tail;
    }
    out + rest
}

/// The name of a group at the front of a text, and what follows it.
fn group_name(text: &str) -> (Option<&str>, &str) {
    let name_of = |text: &str| text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    if let Some(tail) = text.strip_prefix('$') {
        return (Some("$"), tail);
    }
    if let Some(inner) = text.strip_prefix('{') {
        let end = name_of(inner);
        return match inner[end..].strip_prefix('}') {
            Some(tail) if end > 0 => (Some(&inner[..end]), tail),
            _ => (None, text),
        };
    }
    match name_of(text) {
        0 => (None, text),
        end => (Some(&text[..end]), &text[end..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trims_and_replacements() {
        let p = |t| Pattern::parse(t).unwrap();
        assert_eq!(p("*/").trim_prefix("a/b/c", false), "b/c");
        assert_eq!(p("*/").trim_prefix("a/b/c", true), "c");
        assert_eq!(p("/*").trim_suffix("a/b/c", false), "a/b");
        assert_eq!(p("/*").trim_suffix("a/b/c", true), "a");
        assert_eq!(p("b*").replace("abcbd", "X", false), "aX");
        assert_eq!(p("?").replace("abc", "-", true), "---");
        assert_eq!(p("").replace("ab", "-", true), "-a-b-");
        assert_eq!(p("*").replace("abc", "-", true), "-");
        assert_eq!(p("\\*").replace("a*c", "-", true), "a-c");
        assert_eq!(p("b").replace("abab", "<$0$1${x}$$ $>", true), "a<b$ $>a<b$ $>");
        assert_eq!(p("b").replace("abab", "<$0>", false), "a<$0>ab");
        assert!(Pattern::parse("\\a").is_err());
    }
}
