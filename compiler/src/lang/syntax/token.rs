//! What the lexer hands to the parser.
//!
//! Owns: the kinds of tokens and what syntax errors call them.
//! Never does: read text.

/// A token with its value. Names and strings are borrowed from the source, or from the arena where escapes were replaced.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Token<'a> {
    End,
    Invalid,
    Identifier(&'a [u8]),
    /// Part of a string or of a path.
    String(&'a [u8]),
    IndentedString(IndentedPart<'a>),
    Integer(i64),
    Float(f64),
    Path(&'a [u8]),
    HomePath(&'a [u8]),
    /// Without the angle brackets.
    SearchPath(&'a [u8]),
    PathEnd,
    Uri(&'a [u8]),
    If,
    Then,
    Else,
    Assert,
    With,
    Let,
    In,
    Rec,
    Inherit,
    Equal,
    NotEqual,
    LessEqual,
    GreaterEqual,
    Update,
    Concat,
    And,
    Or,
    Implies,
    OrKeyword,
    PipeFrom,
    PipeInto,
    DollarCurly,
    IndentedOpen,
    IndentedClose,
    Ellipsis,
    Less,
    Greater,
    Plus,
    Minus,
    Star,
    Slash,
    Question,
    Not,
    Quote,
    ParenOpen,
    ParenClose,
    BraceOpen,
    BraceClose,
    BracketOpen,
    BracketClose,
    Colon,
    Semicolon,
    At,
    Dot,
    Assign,
    Comma,
}

/// Part of an indented string, before stripping.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct IndentedPart<'a> {
    pub text: &'a [u8],
    /// False of escapes: their spaces are no indentation.
    pub is_verbatim: bool,
}

impl Token<'_> {
    /// What errors call it.
    pub fn describe(&self) -> &'static str {
        match self {
            Token::End => "end of file",
            Token::Invalid => "invalid token",
            Token::Identifier(_) => "identifier",
            Token::String(_) => "string",
            Token::IndentedString(_) => "indented string",
            Token::Integer(_) => "integer",
            Token::Float(_) => "floating-point literal",
            Token::Path(_) => "path",
            Token::HomePath(_) => "'~/…' path",
            Token::SearchPath(_) => "'<…>' path",
            Token::PathEnd => "end of path",
            Token::Uri(_) => "URI",
            Token::If => "'if'",
            Token::Then => "'then'",
            Token::Else => "'else'",
            Token::Assert => "'assert'",
            Token::With => "'with'",
            Token::Let => "'let'",
            Token::In => "'in'",
            Token::Rec => "'rec'",
            Token::Inherit => "'inherit'",
            Token::Equal => "'=='",
            Token::NotEqual => "'!='",
            Token::LessEqual => "'<='",
            Token::GreaterEqual => "'>='",
            Token::Update => "'//'",
            Token::Concat => "'++'",
            Token::And => "'&&'",
            Token::Or => "'||'",
            Token::Implies => "'->'",
            Token::OrKeyword => "'or'",
            Token::PipeFrom => "'<|'",
            Token::PipeInto => "'|>'",
            Token::DollarCurly => "'${'",
            Token::IndentedOpen => "start of an indented string",
            Token::IndentedClose => "end of an indented string",
            Token::Ellipsis => "'...'",
            Token::Less => "'<'",
            Token::Greater => "'>'",
            Token::Plus => "'+'",
            Token::Minus => "'-'",
            Token::Star => "'*'",
            Token::Slash => "'/'",
            Token::Question => "'?'",
            Token::Not => "'!'",
            Token::Quote => "'\"'",
            Token::ParenOpen => "'('",
            Token::ParenClose => "')'",
            Token::BraceOpen => "'{'",
            Token::BraceClose => "'}'",
            Token::BracketOpen => "'['",
            Token::BracketClose => "']'",
            Token::Colon => "':'",
            Token::Semicolon => "';'",
            Token::At => "'@'",
            Token::Dot => "'.'",
            Token::Assign => "'='",
            Token::Comma => "','",
        }
    }

    /// True when an operand may start with it, so that it is an argument of the expression before it.
    pub fn starts_operand(&self) -> bool {
        matches!(
            self,
            Token::Identifier(_)
                | Token::Integer(_)
                | Token::Float(_)
                | Token::Path(_)
                | Token::HomePath(_)
                | Token::SearchPath(_)
                | Token::Uri(_)
                | Token::Let
                | Token::Rec
                | Token::IndentedOpen
                | Token::Quote
                | Token::ParenOpen
                | Token::BraceOpen
                | Token::BracketOpen
        )
    }
}

/// The keyword a word is, if it is one.
#[inline]
pub(super) fn keyword(word: &[u8]) -> Option<Token<'static>> {
    Some(match word {
        b"if" => Token::If,
        b"then" => Token::Then,
        b"else" => Token::Else,
        b"assert" => Token::Assert,
        b"with" => Token::With,
        b"let" => Token::Let,
        b"in" => Token::In,
        b"rec" => Token::Rec,
        b"inherit" => Token::Inherit,
        b"or" => Token::OrKeyword,
        _ => return None,
    })
}
