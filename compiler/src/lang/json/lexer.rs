//! Tokens of JSON with the error texts of nlohmann's lexer.

use std::borrow::Cow;

/// A token.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Token<'t> {
    Null,
    True,
    False,
    String(Cow<'t, [u8]>),
    Int(i64),
    /// A whole number above the signed range.
    Unsigned(u64),
    Float(f64),
    BeginArray,
    EndArray,
    BeginObject,
    EndObject,
    Colon,
    Comma,
    End,
    /// No token; why not.
    Bad(Cow<'static, str>),
}

impl Token<'_> {
    /// The name in "unexpected ...".
    pub(super) fn name(&self) -> &'static str {
        match self {
            Token::Null => "null literal",
            Token::True => "true literal",
            Token::False => "false literal",
            Token::String(_) => "string literal",
            Token::Int(_) | Token::Unsigned(_) | Token::Float(_) => "number literal",
            Token::BeginArray => "'['",
            Token::EndArray => "']'",
            Token::BeginObject => "'{'",
            Token::EndObject => "'}'",
            Token::Colon => "':'",
            Token::Comma => "','",
            Token::End => "end of input",
            Token::Bad(_) => "<parse error>",
        }
    }
}

/// A lexer that knows how many bytes it has looked at, the end counting as one: that is where errors are.
pub(super) struct Lexer<'t> {
    text: &'t [u8],
    /// Bytes looked at.
    pub(super) at: usize,
    /// Where the last string or number began; errors quote from there.
    quote_from: usize,
}

/// What is said of a bad number.
const DIGIT_AFTER: &str = "invalid number; expected digit after ";

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t [u8]) -> Lexer<'t> {
        Lexer { text, at: 0, quote_from: 0 }
    }

    /// Line and column of the last byte looked at.
    pub(super) fn position(&self) -> (usize, usize) {
        let seen = &self.text[..self.at.min(self.text.len())];
        let line = seen.iter().filter(|b| **b == b'\n').count() + 1;
        let column = match seen.iter().rposition(|b| *b == b'\n') {
            Some(end) => self.at - end - 1,
            None => self.at,
        };
        (line, column)
    }

    /// The same where the last token was `token`: behind a number the lexer of C++ Nix has taken back the byte after it,
    /// and of a line's end that gives back the line but not its column.
    pub(super) fn position_after(&self, token: &Token) -> (usize, usize) {
        let (line, column) = self.position();
        let is_number = matches!(token, Token::Int(_) | Token::Unsigned(_) | Token::Float(_));
        (line, if is_number && self.peek() == Some(b'\n') { 0 } else { column })
    }

    /// What errors quote as "last read", control characters made visible.
    pub(super) fn quote(&self) -> Vec<u8> {
        let mut quote = Vec::new();
        for byte in &self.text[self.quote_from..self.at.min(self.text.len())] {
            match byte {
                0..0x20 => quote.extend_from_slice(format!("<U+{byte:04X}>").as_bytes()),
                _ => quote.push(*byte),
            }
        }
        quote
    }

    fn get(&mut self) -> Option<u8> {
        let byte = self.text.get(self.at).copied();
        self.at += 1;
        byte
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// Reads the next token.
    pub(super) fn next(&mut self) -> Token<'t> {
        if self.at == 0 && self.peek() == Some(0xef) {
            self.at = 1;
            if self.get() != Some(0xbb) || self.get() != Some(0xbf) {
                return Token::Bad("invalid BOM; must be 0xEF 0xBB 0xBF if given".into());
            }
        }
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
        let start = self.at;
        match self.get() {
            None => Token::End,
            Some(b'[') => Token::BeginArray,
            Some(b']') => Token::EndArray,
            Some(b'{') => Token::BeginObject,
            Some(b'}') => Token::EndObject,
            Some(b':') => Token::Colon,
            Some(b',') => Token::Comma,
            Some(b't') => self.literal(b"rue", Token::True),
            Some(b'f') => self.literal(b"alse", Token::False),
            Some(b'n') => self.literal(b"ull", Token::Null),
            Some(b'"') => {
                self.quote_from = start;
                self.string().unwrap_or_else(Token::Bad)
            }
            Some(first @ (b'-' | b'0'..=b'9')) => {
                self.quote_from = start;
                self.number(first).unwrap_or_else(Token::Bad)
            }
            Some(_) => Token::Bad("invalid literal".into()),
        }
    }

    fn literal(&mut self, rest: &[u8], token: Token<'t>) -> Token<'t> {
        for expected in rest {
            if self.get() != Some(*expected) {
                return Token::Bad("invalid literal".into());
            }
        }
        token
    }

    fn digits(&mut self) {
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
    }

    fn number(&mut self, first: u8) -> Result<Token<'t>, Cow<'static, str>> {
        let mut is_whole = true;
        let lead = if first == b'-' {
            self.get().filter(u8::is_ascii_digit).ok_or(DIGIT_AFTER.to_owned() + "'-'")?
        } else {
            first
        };
        if lead != b'0' {
            self.digits();
        }
        if self.peek() == Some(b'.') {
            is_whole = false;
            self.at += 1;
            self.get().filter(u8::is_ascii_digit).ok_or(DIGIT_AFTER.to_owned() + "'.'")?;
            self.digits();
        }
        if let Some(b'e' | b'E') = self.peek() {
            is_whole = false;
            self.at += 1;
            match self.get() {
                Some(b'+' | b'-') => {
                    self.get().filter(u8::is_ascii_digit).ok_or(DIGIT_AFTER.to_owned() + "exponent sign")?;
                }
                Some(b'0'..=b'9') => {}
                _ => return Err("invalid number; expected '+', '-', or digit after exponent".into()),
            }
            self.digits();
        }
        let text = std::str::from_utf8(&self.text[self.quote_from..self.at]).unwrap_or_default();
        if is_whole {
            if let Ok(number) = text.parse() {
                return Ok(Token::Int(number));
            }
            if let Ok(number) = text.parse() {
                return Ok(Token::Unsigned(number));
            }
        }
        Ok(Token::Float(text.parse().unwrap_or(f64::INFINITY)))
    }

    fn string(&mut self) -> Result<Token<'t>, Cow<'static, str>> {
        let begin = self.at;
        self.plain()?;
        if self.peek() == Some(b'"') {
            self.at += 1;
            return Ok(Token::String(Cow::Borrowed(&self.text[begin..self.at - 1])));
        }
        let mut content = self.text[begin..self.at].to_vec();
        loop {
            match self.get() {
                Some(b'"') => return Ok(Token::String(Cow::Owned(content))),
                Some(b'\\') => self.escape(&mut content)?,
                Some(byte @ 0..0x20) => return Err(control_error(byte).into()),
                _ => return Err("invalid string: missing closing quote".into()),
            }
            let begin = self.at;
            self.plain()?;
            content.extend_from_slice(&self.text[begin..self.at]);
        }
    }

    /// Goes over bytes that stand for themselves, checking UTF-8.
    fn plain(&mut self) -> Result<(), Cow<'static, str>> {
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            self.at +=
                rest.iter().take_while(|b| matches!(b, 0x20..0x80) && !matches!(b, b'"' | b'\\')).count();
            let continuation: &[(u8, u8)] = match self.peek() {
                Some(0xc2..=0xdf) => &[(0x80, 0xbf)],
                Some(0xe0) => &[(0xa0, 0xbf), (0x80, 0xbf)],
                Some(0xe1..=0xec | 0xee | 0xef) => &[(0x80, 0xbf), (0x80, 0xbf)],
                Some(0xed) => &[(0x80, 0x9f), (0x80, 0xbf)],
                Some(0xf0) => &[(0x90, 0xbf), (0x80, 0xbf), (0x80, 0xbf)],
                Some(0xf1..=0xf3) => &[(0x80, 0xbf), (0x80, 0xbf), (0x80, 0xbf)],
                Some(0xf4) => &[(0x80, 0x8f), (0x80, 0xbf), (0x80, 0xbf)],
                Some(0x80..) => &[(1, 0)],
                _ => return Ok(()),
            };
            self.at += 1;
            for (low, high) in continuation {
                let is_foreign = low > high;
                if is_foreign || !self.get().is_some_and(|byte| (*low..=*high).contains(&byte)) {
                    return Err("invalid string: ill-formed UTF-8 byte".into());
                }
            }
        }
    }

    fn escape(&mut self, content: &mut Vec<u8>) -> Result<(), Cow<'static, str>> {
        let byte = match self.get() {
            Some(byte @ (b'"' | b'\\' | b'/')) => byte,
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => return self.unicode_escape(content),
            _ => return Err("invalid string: forbidden character after backslash".into()),
        };
        content.push(byte);
        Ok(())
    }

    fn unicode_escape(&mut self, content: &mut Vec<u8>) -> Result<(), Cow<'static, str>> {
        const LONE: &str = "invalid string: surrogate U+D800..U+DBFF must be followed by U+DC00..U+DFFF";
        let mut code = self.four_digits()?;
        if (0xd800..0xdc00).contains(&code) {
            if self.get() != Some(b'\\') || self.get() != Some(b'u') {
                return Err(LONE.into());
            }
            let low = self.four_digits()?;
            if !(0xdc00..0xe000).contains(&low) {
                return Err(LONE.into());
            }
            code = 0x1_0000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        } else if (0xdc00..0xe000).contains(&code) {
            return Err("invalid string: surrogate U+DC00..U+DFFF must follow U+D800..U+DBFF".into());
        }
        let character = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
        content.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }

    fn four_digits(&mut self) -> Result<u32, Cow<'static, str>> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.get().and_then(|byte| char::from(byte).to_digit(16));
            code = code << 4 | digit.ok_or("invalid string: '\\u' must be followed by 4 hex digits")?;
        }
        Ok(code)
    }
}

/// What is said of a control character in a string.
fn control_error(byte: u8) -> String {
    const NAMES: [&str; 32] = [
        "NUL", "SOH", "STX", "ETX", "EOT", "ENQ", "ACK", "BEL", "BS", "HT", "LF", "VT", "FF", "CR", "SO",
        "SI", "DLE", "DC1", "DC2", "DC3", "DC4", "NAK", "SYN", "ETB", "CAN", "EM", "SUB", "ESC", "FS", "GS",
        "RS", "US",
    ];
    let short = match byte {
        8 => " or \\b",
        9 => " or \\t",
        10 => " or \\n",
        12 => " or \\f",
        13 => " or \\r",
        _ => "",
    };
    let name = NAMES[usize::from(byte)];
    format!("invalid string: control character U+{byte:04X} ({name}) must be escaped to \\u{byte:04X}{short}")
}
