//! Scanners: pieces of grammar as data, which can match a text and say what they expected where they did not.

/// A piece of grammar.
pub(super) enum Scan {
    /// This byte.
    Byte(u8),
    /// One of these bytes.
    OneOf(&'static str),
    /// A byte of this range.
    Range(u8, u8),
    /// This text.
    Word(&'static str),
    /// All of these in order.
    Seq(&'static [Scan]),
    /// The first of these that matches.
    Alt(&'static [Scan]),
    /// As often as this.
    Exactly(usize, &'static Scan),
    /// As often as possible, at least as often as this.
    Many(usize, &'static Scan),
    /// Once or not at all.
    Maybe(&'static Scan),
    /// A piece that messages call by a name.
    Named(&'static str, &'static Scan),
}

impl Scan {
    /// Matches at `at` and returns the end of the match.
    pub(super) fn scan(&self, text: &[u8], at: usize) -> Option<usize> {
        let byte = || text.get(at).copied();
        match self {
            Scan::Byte(wanted) => (byte()? == *wanted).then_some(at + 1),
            Scan::OneOf(wanted) => wanted.as_bytes().contains(&byte()?).then_some(at + 1),
            Scan::Range(low, high) => (*low..=*high).contains(&byte()?).then_some(at + 1),
            Scan::Word(word) => {
                text[at.min(text.len())..].starts_with(word.as_bytes()).then_some(at + word.len())
            }
            Scan::Seq(parts) => parts.iter().try_fold(at, |at, part| part.scan(text, at)),
            Scan::Alt(parts) => parts.iter().find_map(|part| part.scan(text, at)),
            Scan::Exactly(times, part) => (0..*times).try_fold(at, |at, _| part.scan(text, at)),
            Scan::Many(least, part) => {
                let mut end = (0..*least).try_fold(at, |at, _| part.scan(text, at))?;
                while end < text.len()
                    && let Some(next) = part.scan(text, end)
                {
                    end = next;
                }
                Some(end)
            }
            Scan::Maybe(part) => Some(part.scan(text, at).unwrap_or(at)),
            Scan::Named(_, part) => part.scan(text, at),
        }
    }

    /// What was expected where the match failed; `at` is moved there.
    pub(super) fn expected(&self, text: &[u8], at: &mut usize) -> String {
        match self {
            Scan::Byte(wanted) => shown(*wanted),
            Scan::OneOf(wanted) => any_of(wanted.bytes().map(shown)),
            Scan::Range(low, high) => format!("from `{}` to `{}`", shown(*low), shown(*high)),
            Scan::Word(word) => (*word).to_owned(),
            Scan::Seq(parts) => first_failure(parts.iter(), text, at),
            Scan::Alt(parts) => any_of(parts.iter().map(|part| part.expected(text, at))),
            Scan::Exactly(times, part) | Scan::Many(times, part) => {
                first_failure(std::iter::repeat_n(*part, *times), text, at)
            }
            Scan::Maybe(_) => String::new(),
            Scan::Named(name, _) => (*name).to_owned(),
        }
    }
}

fn first_failure<'s>(parts: impl Iterator<Item = &'s Scan>, text: &[u8], at: &mut usize) -> String {
    for part in parts {
        match part.scan(text, *at) {
            Some(end) => *at = end,
            None => return part.expected(text, at),
        }
    }
    String::new()
}

/// `a`, `a or b`, `a, b, or c`.
fn any_of(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    match &items[..] {
        [first, second] => format!("{first} or {second}"),
        [first @ .., last] if !first.is_empty() => format!("{}, or {last}", first.join(", ")),
        _ => items.concat(),
    }
}

/// A byte as messages show it: itself, or its code with a name.
pub(super) fn shown(byte: u8) -> String {
    let name = match byte {
        0x21..=0x7e => return char::from(byte).to_string(),
        0 => "(NUL)",
        b' ' => "(SPACE)",
        b'\n' => "(LINE FEED)",
        b'\r' => "(CARRIAGE RETURN)",
        b'\t' => "(TAB)",
        0x0b => "(VERTICAL TAB)",
        0x0c => "(FORM FEED)",
        0x1b => "(ESCAPE)",
        _ => "",
    };
    format!("0x{byte:02x}{name}")
}
