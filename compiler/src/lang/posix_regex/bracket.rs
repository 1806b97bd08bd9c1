//! Bracket expressions: ranges, classes, collating symbols and equivalence classes of the C locale.

use super::RegexError;
use super::set::ByteSet;

/// What stood last, which decides what a dash after it means.
#[derive(Clone, Copy)]
enum Last {
    Nothing,
    Byte(u8),
    Class,
}

/// One item of a bracket expression.
enum Item<'p> {
    Byte(u8),
    Dash,
    End,
    Symbol(&'p [u8]),
    Equivalence(&'p [u8]),
    Class(&'p [u8]),
}

struct Bracket<'p> {
    text: &'p [u8],
    at: usize,
    set: ByteSet,
    last: Last,
}

/// Parses what follows `[` and returns the set and the bytes read, the closing bracket among them.
pub(super) fn parse(text: &[u8]) -> Result<(ByteSet, usize), RegexError> {
    let negated = text.first() == Some(&b'^');
    let begin = usize::from(negated);
    let mut bracket = Bracket { text, at: begin, set: ByteSet::default(), last: Last::Nothing };
    match bracket.item()? {
        Item::Byte(byte) => bracket.last = Last::Byte(byte),
        Item::Dash => bracket.last = Last::Byte(b'-'),
        _ => bracket.at = begin,
    }
    while bracket.term()? {}
    bracket.flush();
    if negated {
        bracket.set.negate();
    }
    Ok((bracket.set, bracket.at))
}

impl<'p> Bracket<'p> {
    /// Reads one item. A closing bracket that stands first is an ordinary byte.
    fn item(&mut self) -> Result<Item<'p>, RegexError> {
        let first = self.at == usize::from(self.text.first() == Some(&b'^'));
        let byte = *self.text.get(self.at).ok_or(RegexError::Invalid)?;
        self.at += 1;
        Ok(match byte {
            b'-' => Item::Dash,
            b']' if !first => Item::End,
            b'[' => match self.text.get(self.at).copied().ok_or(RegexError::Invalid)? {
                b'.' => Item::Symbol(self.name(b'.')?),
                b'=' => Item::Equivalence(self.name(b'=')?),
                b':' => Item::Class(self.name(b':')?),
                _ => Item::Byte(b'['),
            },
            byte => Item::Byte(byte),
        })
    }

    /// The name between `[.` and `.]`, and likewise for `:` and `=`.
    fn name(&mut self, mark: u8) -> Result<&'p [u8], RegexError> {
        let begin = self.at + 1;
        let length = self.text[begin..].iter().position(|b| *b == mark).ok_or(RegexError::Invalid)?;
        if self.text.get(begin + length + 1) != Some(&b']') {
            return Err(RegexError::Invalid);
        }
        self.at = begin + length + 2;
        Ok(&self.text[begin..begin + length])
    }

    fn flush(&mut self) {
        if let Last::Byte(byte) = self.last {
            self.set.insert(byte);
        }
    }

    fn push(&mut self, last: Last) {
        self.flush();
        self.last = last;
    }

    /// Reads one term; `false` at the end.
    fn term(&mut self) -> Result<bool, RegexError> {
        match self.item()? {
            Item::End => return Ok(false),
            Item::Byte(byte) => self.push(Last::Byte(byte)),
            Item::Symbol(name) => {
                let byte = collating_symbol(name).ok_or(RegexError::Invalid)?;
                self.push(Last::Byte(byte));
            }
            Item::Equivalence(name) => {
                let byte = collating_symbol(name).ok_or(RegexError::Invalid)?;
                self.push(Last::Class);
                self.set.insert(byte.to_ascii_lowercase());
                self.set.insert(byte.to_ascii_uppercase());
            }
            Item::Class(name) => {
                let class = character_class(name).ok_or(RegexError::Invalid)?;
                self.push(Last::Class);
                self.set.union(&class);
            }
            Item::Dash => return self.dash(),
        }
        Ok(true)
    }

    /// A dash that is not first: before the closing bracket it is itself, after a byte it makes a range.
    fn dash(&mut self) -> Result<bool, RegexError> {
        if self.text.get(self.at) == Some(&b']') {
            self.at += 1;
            self.push(Last::Byte(b'-'));
            return Ok(false);
        }
        let Last::Byte(low) = self.last else { return Err(RegexError::Invalid) };
        let high = match self.item()? {
            Item::Byte(byte) => byte,
            Item::Dash => b'-',
            _ => return Err(RegexError::Invalid),
        };
        self.range(low, high)?;
        self.last = Last::Nothing;
        Ok(true)
    }

    /// Bytes compare as signed `char`s.
    fn range(&mut self, low: u8, high: u8) -> Result<(), RegexError> {
        let (low, high) = (low.cast_signed(), high.cast_signed());
        if low > high {
            return Err(RegexError::Invalid);
        }
        for byte in low..=high {
            self.set.insert(byte.cast_unsigned());
        }
        Ok(())
    }
}

/// The set of a class name; names are compared without regard to case.
fn character_class(name: &[u8]) -> Option<ByteSet> {
    let name = name.to_ascii_lowercase();
    let test: fn(u8) -> bool = match &name[..] {
        b"alnum" => |b| b.is_ascii_alphanumeric(),
        b"alpha" => |b| b.is_ascii_alphabetic(),
        b"blank" => |b| b == b' ' || b == b'\t',
        b"cntrl" => |b| b.is_ascii_control(),
        b"d" | b"digit" => |b| b.is_ascii_digit(),
        b"graph" => |b| b.is_ascii_graphic(),
        b"lower" => |b| b.is_ascii_lowercase(),
        b"print" => |b| b.is_ascii_graphic() || b == b' ',
        b"punct" => |b| b.is_ascii_punctuation(),
        b"s" | b"space" => |b| matches!(b, b' ' | b'\t'..=b'\r'),
        b"upper" => |b| b.is_ascii_uppercase(),
        b"w" => |b| b.is_ascii_alphanumeric() || b == b'_',
        b"xdigit" => |b| b.is_ascii_hexdigit(),
        _ => return None,
    };
    let mut set = ByteSet::default();
    for byte in (0..=u8::MAX).filter(|b| test(*b)) {
        set.insert(byte);
    }
    Some(set)
}

/// Names of the 128 collating elements of the POSIX locale, in code order.
const COLLATING_NAMES: [&str; 128] = [
    "NUL",
    "SOH",
    "STX",
    "ETX",
    "EOT",
    "ENQ",
    "ACK",
    "alert",
    "backspace",
    "tab",
    "newline",
    "vertical-tab",
    "form-feed",
    "carriage-return",
    "SO",
    "SI",
    "DLE",
    "DC1",
    "DC2",
    "DC3",
    "DC4",
    "NAK",
    "SYN",
    "ETB",
    "CAN",
    "EM",
    "SUB",
    "ESC",
    "IS4",
    "IS3",
    "IS2",
    "IS1",
    "space",
    "exclamation-mark",
    "quotation-mark",
    "number-sign",
    "dollar-sign",
    "percent-sign",
    "ampersand",
    "apostrophe",
    "left-parenthesis",
    "right-parenthesis",
    "asterisk",
    "plus-sign",
    "comma",
    "hyphen",
    "period",
    "slash",
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "colon",
    "semicolon",
    "less-than-sign",
    "equals-sign",
    "greater-than-sign",
    "question-mark",
    "commercial-at",
    "A",
    "B",
    "C",
    "D",
    "E",
    "F",
    "G",
    "H",
    "I",
    "J",
    "K",
    "L",
    "M",
    "N",
    "O",
    "P",
    "Q",
    "R",
    "S",
    "T",
    "U",
    "V",
    "W",
    "X",
    "Y",
    "Z",
    "left-square-bracket",
    "backslash",
    "right-square-bracket",
    "circumflex",
    "underscore",
    "grave-accent",
    "a",
    "b",
    "c",
    "d",
    "e",
    "f",
    "g",
    "h",
    "i",
    "j",
    "k",
    "l",
    "m",
    "n",
    "o",
    "p",
    "q",
    "r",
    "s",
    "t",
    "u",
    "v",
    "w",
    "x",
    "y",
    "z",
    "left-curly-bracket",
    "vertical-line",
    "right-curly-bracket",
    "tilde",
    "DEL",
];

/// The byte that a collating symbol names.
fn collating_symbol(name: &[u8]) -> Option<u8> {
    let code = COLLATING_NAMES.iter().position(|known| known.as_bytes() == name)?;
    u8::try_from(code).ok()
}
