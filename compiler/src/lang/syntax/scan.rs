//! The lexical forms, as nom parsers over bytes.
//!
//! Owns: one parser per form of the reference lexer; each takes the longest match of its form at the start of the input.
//! Never does: choose between forms; the lexer knows which is longest.

use nom::bytes::complete::{tag, take, take_until, take_while, take_while1};
use nom::character::complete::{digit0, digit1, one_of};
use nom::combinator::{opt, peek, recognize, verify};
use nom::multi::{many1_count, separated_list1};
use nom::sequence::{delimited, preceded};
use nom::{IResult, Parser};

/// Classes of bytes, as bits.
mod class {
    pub const IDENTIFIER: u8 = 1;
    pub const PATH: u8 = 2;
    pub const URI: u8 = 4;
    pub const SPACE: u8 = 8;
    pub const LETTER: u8 = 16;
}

const CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = class_of(byte as u8);
        byte += 1;
    }
    table
}

const fn class_of(byte: u8) -> u8 {
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' => class::IDENTIFIER | class::PATH | class::URI | class::LETTER,
        b'0'..=b'9' | b'-' => class::IDENTIFIER | class::PATH | class::URI,
        b'_' => class::IDENTIFIER | class::PATH | class::URI | class::LETTER,
        b'\'' => class::IDENTIFIER | class::URI,
        b'.' | b'+' => class::PATH | class::URI,
        b'%' | b'/' | b'?' | b':' | b'@' | b'&' | b'=' | b'$' | b',' | b'!' | b'~' | b'*' => class::URI,
        b' ' | b'\t' | b'\r' | b'\n' => class::SPACE,
        _ => 0,
    }
}

#[inline(always)]
fn is(byte: u8, class: u8) -> bool {
    CLASSES[byte as usize] & class != 0
}

/// A letter or `_`: an identifier starts here.
#[inline(always)]
pub(super) fn starts_identifier(byte: u8) -> bool {
    is(byte, class::LETTER)
}

/// A byte of which paths consist, besides `/`.
#[inline(always)]
pub(super) fn is_path_byte(byte: u8) -> bool {
    is(byte, class::PATH)
}

/// A byte that may follow the colon of a URI.
#[inline(always)]
pub(super) fn is_uri_byte(byte: u8) -> bool {
    is(byte, class::URI)
}

type Scan<'s> = IResult<&'s [u8], &'s [u8]>;

/// Blanks and ends of lines.
#[inline]
pub(super) fn spaces(input: &[u8]) -> Scan<'_> {
    take_while1(|byte| is(byte, class::SPACE)).parse(input)
}

/// `# …`, without the end of the line.
pub(super) fn line_comment(input: &[u8]) -> Scan<'_> {
    recognize((tag("#"), take_while(|byte| byte != b'\n' && byte != b'\r'))).parse(input)
}

/// `/* … */`
pub(super) fn long_comment(input: &[u8]) -> Scan<'_> {
    recognize((tag("/*"), take_until("*/"), tag("*/"))).parse(input)
}

/// The bytes of an identifier or keyword that starts here.
#[inline]
pub(super) fn identifier(input: &[u8]) -> Scan<'_> {
    take_while1(|byte| is(byte, class::IDENTIFIER)).parse(input)
}

/// `12`
pub(super) fn integer(input: &[u8]) -> Scan<'_> {
    digit1(input)
}

/// `1.5`, `1.`, `.5`, `0.5`, `1.5e3`; not `1e3`, and `00.5` is two numbers.
pub(super) fn float(input: &[u8]) -> Scan<'_> {
    let from_one = recognize((one_of("123456789"), digit0, tag("."), digit0));
    let below_one = recognize((opt(tag("0")), tag("."), digit1));
    let exponent = (one_of("eE"), opt(one_of("+-")), digit1);
    recognize((from_one.or(below_one), opt(exponent))).parse(input)
}

/// Bytes of a path up to `/` or a byte that belongs to no path.
#[inline]
fn path_part(input: &[u8]) -> Scan<'_> {
    take_while1(is_path_byte).parse(input)
}

/// What follows the part before the first `/` of a path: `/a/b`, `/a/`; never `/` alone.
pub(super) fn path_tail(input: &[u8]) -> Scan<'_> {
    recognize((many1_count(preceded(tag("/"), path_part)), opt(tag("/")))).parse(input)
}

/// `a/b`, `./a`, `/a/`.
pub(super) fn path(input: &[u8]) -> Scan<'_> {
    recognize((take_while(is_path_byte), path_tail)).parse(input)
}

/// A piece of a path that goes on after an interpolation: `/b`, `b`, `b/`, `/`.
pub(super) fn path_piece(input: &[u8]) -> Scan<'_> {
    let segment = recognize((take_while(is_path_byte), tag("/")));
    path.or(segment).or(path_part).parse(input)
}

/// `a/` before `${`.
pub(super) fn path_before_interpolation(input: &[u8]) -> Scan<'_> {
    let segment = recognize((take_while(is_path_byte), tag("/")));
    (segment, peek(tag("${"))).map(|(segment, _)| segment).parse(input)
}

/// `~/a`, `~/a/`; or `~/` before `${`.
pub(super) fn home_path(input: &[u8]) -> Scan<'_> {
    let whole = recognize((tag("~"), path_tail));
    let start = (tag("~/"), peek(tag("${"))).map(|(start, _)| start);
    whole.or(start).parse(input)
}

/// `<a/b>`: the part between the angle brackets.
pub(super) fn search_path(input: &[u8]) -> Scan<'_> {
    let parts = recognize(separated_list1(tag("/"), path_part));
    delimited(tag("<"), parts, tag(">")).parse(input)
}

/// What follows the scheme of a URI: `:` and at least one byte.
pub(super) fn uri_tail(input: &[u8]) -> Scan<'_> {
    recognize((tag(":"), take_while1(is_uri_byte))).parse(input)
}

/// The two apostrophes that open an indented string, with the rest of the line if it is blank.
pub(super) fn indented_open(input: &[u8]) -> Scan<'_> {
    let blank_line = (take_while(|byte| byte == b' '), tag("\n"));
    recognize((tag("''"), opt(blank_line))).parse(input)
}

/// Text of an indented string up to something that means more than itself.
pub(super) fn indented_text(input: &[u8]) -> Scan<'_> {
    let dollar = (tag("$"), verify(take(1usize), |next: &[u8]| !matches!(next, b"{" | b"'")));
    let apostrophe = (tag("'"), verify(take(1usize), |next: &[u8]| !matches!(next, b"'" | b"$")));
    let plain = take_while1(|byte| byte != b'$' && byte != b'\'');
    recognize(many1_count(recognize(dollar).or(recognize(apostrophe)).or(plain))).parse(input)
}

/// Text of a string up to its end, an interpolation, or something cut short by the end of the input.
pub(super) fn string_text(input: &[u8]) -> Scan<'_> {
    let mut at = 0;
    loop {
        at += input[at..]
            .iter()
            .position(|byte| matches!(byte, b'"' | b'\\' | b'$'))
            .unwrap_or(input.len() - at);
        at += match input[at..] {
            [b'$', b'"', ..] => 1,
            [b'$', b'\\', _, ..] => 3,
            [b'$', b'{' | b'\\', ..] => break,
            [b'$' | b'\\', _, ..] => 2,
            _ => break,
        };
    }
    if at == 0 { nom::combinator::fail().parse(input) } else { Ok((&input[at..], &input[..at])) }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Form = fn(&[u8]) -> Scan<'_>;

    fn longest(form: Form, input: &str) -> Option<String> {
        form(input.as_bytes()).ok().map(|(_, matched)| String::from_utf8_lossy(matched).into_owned())
    }

    fn check(form: Form, cases: &[(&str, Option<&str>)]) {
        for (input, expected) in cases {
            assert_eq!(longest(form, input).as_deref(), *expected, "{input:?}");
        }
    }

    #[test]
    fn numbers() {
        check(
            float,
            &[
                ("1.5", Some("1.5")),
                ("1.", Some("1.")),
                (".5", Some(".5")),
                ("0.5e-3x", Some("0.5e-3")),
                ("1.e3", Some("1.e3")),
                ("1.5e", Some("1.5")),
                ("1.5e+", Some("1.5")),
                ("1e3", None),
                ("00.5", None),
                ("0.", None),
                (".", None),
            ],
        );
    }

    #[test]
    fn paths() {
        check(
            path,
            &[
                ("a/b c", Some("a/b")),
                ("/a/", Some("/a/")),
                ("./a//b", Some("./a/")),
                ("a//b", None),
                ("a/", None),
                ("/", None),
                ("1/2-x", Some("1/2-x")),
            ],
        );
        check(
            path_piece,
            &[("b/c$", Some("b/c")), ("/b", Some("/b")), ("/$", Some("/")), ("b$", Some("b")), ("$", None)],
        );
        check(path_before_interpolation, &[("a/${", Some("a/")), ("/${", Some("/")), ("a/b${", None)]);
        check(home_path, &[("~/a/b", Some("~/a/b")), ("~/${", Some("~/")), ("~/", None), ("~a/b", None)]);
        check(search_path, &[("<a/b>", Some("a/b")), ("<a/>", None), ("<a b>", None), ("<>", None)]);
    }

    #[test]
    fn comments_end_at_the_first_possible_place() {
        check(
            long_comment,
            &[("/**/ */", Some("/**/")), ("/*/", None), ("/***/", Some("/***/")), ("/* * /", None)],
        );
        check(line_comment, &[("# a\r\nb", Some("# a")), ("#", Some("#"))]);
    }

    #[test]
    fn text_of_strings_ends_before_interpolation() {
        check(
            string_text,
            &[
                ("a\"", Some("a")),
                ("a$\"", Some("a$")),
                ("a$${b}\"", Some("a$${b}")),
                ("a${b}", Some("a")),
                ("\\${b}\"", Some("\\${b}")),
                ("$\\\"\"", Some("$\\\"")),
                ("a\\", Some("a")),
                ("a$", Some("a")),
                ("$\\", None),
                ("${", None),
                ("\"", None),
                ("", None),
            ],
        );
        check(
            indented_text,
            &[
                ("a b''", Some("a b")),
                ("a$b'c''", Some("a$b'c")),
                ("$${a}", Some("$${a}")),
                ("a'${b}", Some("a")),
                ("a$''", Some("a")),
                ("'''", None),
                ("'", None),
                ("$", None),
            ],
        );
        check(indented_open, &[("''  \n a", Some("''  \n")), ("''  a", Some("''")), ("'a", None)]);
    }
}
