//! The grammar of JSON, pushing what it reads into a [`Sink`].

use super::lexer::{Lexer, Token};

/// Takes what is read, in order. An error ends the reading.
pub trait Sink {
    /// Why the sink takes no more.
    type Error;

    /// `null`
    ///
    /// # Errors
    /// As the sink likes, here and below.
    fn null(&mut self) -> Result<(), Self::Error>;
    /// `true` or `false`
    ///
    /// # Errors
    /// See [`Sink::null`].
    fn boolean(&mut self, value: bool) -> Result<(), Self::Error>;
    /// A whole number.
    ///
    /// # Errors
    /// See [`Sink::null`].
    fn integer(&mut self, value: i64) -> Result<(), Self::Error>;
    /// Any other number, and whole ones beyond 64 bits.
    ///
    /// # Errors
    /// See [`Sink::null`].
    fn float(&mut self, value: f64) -> Result<(), Self::Error>;
    /// A string without NUL.
    ///
    /// # Errors
    /// See [`Sink::null`].
    fn string(&mut self, value: &[u8]) -> Result<(), Self::Error>;
    /// `[`
    ///
    /// # Errors
    /// See [`Sink::null`].
    fn begin_array(&mut self) -> Result<(), Self::Error>;
    /// `]`
    ///
    /// # Errors
    /// See [`Sink::null`].
    fn end_array(&mut self) -> Result<(), Self::Error>;
    /// `{`
    ///
    /// # Errors
    /// See [`Sink::null`].
    fn begin_object(&mut self) -> Result<(), Self::Error>;
    /// A name in an object, its value follows. The same name may come again; the last value counts.
    ///
    /// # Errors
    /// See [`Sink::null`].
    fn key(&mut self, name: &[u8]) -> Result<(), Self::Error>;
    /// `}`
    ///
    /// # Errors
    /// See [`Sink::null`].
    fn end_object(&mut self) -> Result<(), Self::Error>;
}

/// Why reading ended early. Texts are bytes because they quote the input.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ReadError<E> {
    /// The text is no JSON; nlohmann's message.
    Syntax(Vec<u8>),
    /// Nix has no such value; its message.
    Value(Vec<u8>),
    /// The sink said so.
    Sink(E),
}

/// What encloses the current value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Array,
    Object,
}

/// Reads one JSON value that is all of `text`.
///
/// # Errors
/// [`ReadError`].
pub fn read<S: Sink>(text: &[u8], sink: &mut S) -> Result<(), ReadError<S::Error>> {
    let mut lexer = Lexer::new(text);
    let mut open: Vec<Inside> = Vec::new();
    let mut token = lexer.next();
    'values: loop {
        match token {
            Token::BeginArray => {
                sink.begin_array().map_err(ReadError::Sink)?;
                token = lexer.next();
                if token != Token::EndArray {
                    open.push(Inside::Array);
                    continue;
                }
                sink.end_array().map_err(ReadError::Sink)?;
            }
            Token::BeginObject => {
                sink.begin_object().map_err(ReadError::Sink)?;
                token = lexer.next();
                if token != Token::EndObject {
                    key(&mut lexer, token, sink)?;
                    open.push(Inside::Object);
                    token = lexer.next();
                    continue;
                }
                sink.end_object().map_err(ReadError::Sink)?;
            }
            Token::Null => sink.null().map_err(ReadError::Sink)?,
            Token::True => sink.boolean(true).map_err(ReadError::Sink)?,
            Token::False => sink.boolean(false).map_err(ReadError::Sink)?,
            Token::String(value) => sink.string(checked(&value)?).map_err(ReadError::Sink)?,
            Token::Int(value) => sink.integer(value).map_err(ReadError::Sink)?,
            Token::Unsigned(value) => {
                let text = format!("unsigned json number {value} outside of Nix integer range");
                return Err(ReadError::Value(text.into_bytes()));
            }
            Token::Float(value) if value.is_infinite() => return Err(overflow(&lexer)),
            Token::Float(value) => sink.float(value).map_err(ReadError::Sink)?,
            Token::End if lexer.at == 1 => {
                let what = "attempting to parse an empty input; check that your input string or stream contains the \
                            expected JSON";
                return Err(ReadError::Syntax(placed(lexer.position(), what.as_bytes())));
            }
            Token::Bad(_) => return Err(unexpected(&lexer, &token, "value", "")),
            _ => return Err(unexpected(&lexer, &token, "value", "'[', '{', or a literal")),
        }
        loop {
            token = lexer.next();
            match (open.last(), &token) {
                (None, Token::End) => return Ok(()),
                (None, _) => return Err(unexpected(&lexer, &token, "value", "end of input")),
                (Some(Inside::Array), Token::Comma) => {
                    token = lexer.next();
                    continue 'values;
                }
                (Some(Inside::Object), Token::Comma) => {
                    token = lexer.next();
                    key(&mut lexer, token, sink)?;
                    token = lexer.next();
                    continue 'values;
                }
                (Some(Inside::Array), Token::EndArray) => sink.end_array().map_err(ReadError::Sink)?,
                (Some(Inside::Object), Token::EndObject) => sink.end_object().map_err(ReadError::Sink)?,
                (Some(Inside::Array), _) => return Err(unexpected(&lexer, &token, "array", "']'")),
                (Some(Inside::Object), _) => return Err(unexpected(&lexer, &token, "object", "'}'")),
            }
            open.pop();
        }
    }
}

/// A name and the colon behind it.
fn key<S: Sink>(lexer: &mut Lexer, token: Token, sink: &mut S) -> Result<(), ReadError<S::Error>> {
    let Token::String(name) = token else {
        return Err(unexpected(lexer, &token, "object key", "string literal"));
    };
    sink.key(checked(&name)?).map_err(ReadError::Sink)?;
    match lexer.next() {
        Token::Colon => Ok(()),
        other => Err(unexpected(lexer, &other, "object separator", "':'")),
    }
}

fn checked<E>(text: &[u8]) -> Result<&[u8], ReadError<E>> {
    no_nul(text).map_err(ReadError::Value)
}

/// The text, unless it has a NUL.
///
/// # Errors
/// Nix's message, with NUL made visible.
pub fn no_nul(text: &[u8]) -> Result<&[u8], Vec<u8>> {
    if !text.contains(&0) {
        return Ok(text);
    }
    let mut message = b"input string '".to_vec();
    for byte in text {
        match byte {
            0 => message.extend_from_slice("␀".as_bytes()),
            _ => message.push(*byte),
        }
    }
    message.extend_from_slice(b"' cannot be represented as Nix string because it contains null bytes");
    Err(message)
}

fn overflow<E>(lexer: &Lexer) -> ReadError<E> {
    let mut message = b"[json.exception.out_of_range.406] number overflow parsing '".to_vec();
    message.extend_from_slice(&lexer.quote());
    message.push(b'\'');
    ReadError::Syntax(message)
}

fn placed((line, column): (usize, usize), what: &[u8]) -> Vec<u8> {
    let mut message =
        format!("[json.exception.parse_error.101] parse error at line {line}, column {column}: ")
            .into_bytes();
    message.extend_from_slice(what);
    message
}

fn unexpected<E>(lexer: &Lexer, token: &Token, context: &str, expected: &str) -> ReadError<E> {
    let mut what = format!("syntax error while parsing {context} - ").into_bytes();
    match token {
        Token::Bad(why) => {
            what.extend_from_slice(why.as_bytes());
            what.extend_from_slice(b"; last read: '");
            what.extend_from_slice(&lexer.quote());
            what.push(b'\'');
        }
        _ => what.extend_from_slice(format!("unexpected {}", token.name()).as_bytes()),
    }
    if !expected.is_empty() {
        what.extend_from_slice(format!("; expected {expected}").as_bytes());
    }
    ReadError::Syntax(placed(lexer.position_after(token), &what))
}
