//! The JSON form of arguments: a JSON array of strings (RFC 8259).
//!
//! Owns: telling three cases apart. Text that is no valid JSON is shell form; a valid array with something else than
//! strings is an error.

use nom::branch::alt;
use nom::bytes::complete::{tag, take_while_m_n, take_while1};
use nom::character::complete::{anychar, char, digit0, digit1, multispace0, one_of, satisfy};
use nom::combinator::{all_consuming, map, map_opt, opt, recognize, value};
use nom::multi::{fold_many0, separated_list0};
use nom::sequence::{delimited, preceded, separated_pair};
use nom::{IResult, Parser};

/// What a text that starts with `[` is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum JsonForm {
    /// An array of strings.
    Strings(Vec<String>),
    /// A valid array with other things in it.
    OtherMembers,
    /// No valid JSON array: shell form.
    NotJson,
}

/// Nesting that is followed; deeper arrays are taken for shell form.
const MAX_DEPTH: usize = 32;

/// Looks at the argument text of an instruction.
pub fn parse(text: &str) -> JsonForm {
    let text = text.trim();
    if !text.starts_with('[') {
        return JsonForm::NotJson;
    }
    match all_consuming(array(MAX_DEPTH)).parse(text) {
        Ok((_, members)) => {
            members.into_iter().collect::<Option<Vec<_>>>().map_or(JsonForm::OtherMembers, JsonForm::Strings)
        }
        Err(_) => JsonForm::NotJson,
    }
}

/// An array; members that are not strings become `None`.
fn array<'a>(
    depth: usize,
) -> impl Parser<&'a str, Output = Vec<Option<String>>, Error = nom::error::Error<&'a str>> {
    let member = move |input| any_value(input, depth);
    let comma = delimited(multispace0, char(','), multispace0);
    delimited((char('['), multispace0), separated_list0(comma, member), (multispace0, char(']')))
}

fn any_value(input: &str, depth: usize) -> IResult<&str, Option<String>> {
    let nested = move |input| {
        if depth == 0 {
            return Err(nom::Err::Error(nom::error::Error::new(input, nom::error::ErrorKind::TooLarge)));
        }
        alt((value(None, array(depth - 1)), value(None, move |i| object(i, depth - 1)))).parse(input)
    };
    let word = alt((tag("true"), tag("false"), tag("null")));
    alt((map(string, Some), value(None, number), value(None, word), nested)).parse(input)
}

fn object(input: &str, depth: usize) -> IResult<&str, ()> {
    let member =
        separated_pair(string, delimited(multispace0, char(':'), multispace0), move |i| any_value(i, depth));
    let comma = delimited(multispace0, char(','), multispace0);
    value((), delimited((char('{'), multispace0), separated_list0(comma, member), (multispace0, char('}'))))
        .parse(input)
}

fn number(input: &str) -> IResult<&str, &str> {
    let whole = alt((recognize(char('0')), recognize((satisfy(|c| ('1'..='9').contains(&c)), digit0))));
    recognize((
        opt(char('-')),
        whole,
        opt((char('.'), digit1)),
        opt((one_of("eE"), opt(one_of("+-")), digit1)),
    ))
    .parse(input)
}

fn string(input: &str) -> IResult<&str, String> {
    let plain = map(take_while1(|c: char| c != '"' && c != '\\' && c >= ' '), str::to_owned);
    let pieces = fold_many0(alt((plain, map(escape, String::from))), String::new, |mut out, piece| {
        out.push_str(&piece);
        out
    });
    delimited(char('"'), pieces, char('"')).parse(input)
}

/// One escape; lone surrogates become U+FFFD, as Go's decoder makes them.
fn escape(input: &str) -> IResult<&str, char> {
    let simple = map_opt(anychar, |c| match c {
        '"' | '\\' | '/' => Some(c),
        'b' => Some('\u{8}'),
        'f' => Some('\u{c}'),
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        _ => None,
    });
    let low = map_opt(preceded(tag("\\u"), hex4), |n| (0xDC00..0xE000).contains(&n).then_some(n));
    let high = map_opt(preceded(char('u'), hex4), |n| (0xD800..0xDC00).contains(&n).then_some(n));
    let pair = map((high, low), |(h, l)| {
        char::from_u32(0x10000 + ((h - 0xD800) << 10) + (l - 0xDC00)).unwrap_or(char::REPLACEMENT_CHARACTER)
    });
    let single = map(preceded(char('u'), hex4), |n| char::from_u32(n).unwrap_or(char::REPLACEMENT_CHARACTER));
    preceded(char('\\'), alt((pair, single, simple))).parse(input)
}

fn hex4(input: &str) -> IResult<&str, u32> {
    let digits = take_while_m_n(4, 4, |c: char| c.is_ascii_hexdigit());
    map_opt(digits, |d: &str| u32::from_str_radix(d, 16).ok()).parse(input)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(items: &[&str]) -> JsonForm {
        JsonForm::Strings(items.iter().map(|s| (*s).to_owned()).collect())
    }

    #[test]
    fn three_cases() {
        assert_eq!(parse(r#"["a", "b c" ,"\u00e9\ud83d\ude00\n"]"#), strings(&["a", "b c", "é😀\n"]));
        assert_eq!(parse("[]"), strings(&[]));
        for other in ["[1]", "[\"a\", null]", "[[\"a\"]]", "[{\"a\": [true]}]", "[-1.5e3]"] {
            assert_eq!(parse(other), JsonForm::OtherMembers, "{other}");
        }
        for not in
            ["['a']", "[\"a\"] x", "[\"a\",]", "[\"\\x\"]", "[ -f x ] && y", "[", "[01]", "x", "[\"a\tb\"]"]
        {
            assert_eq!(parse(not), JsonForm::NotJson, "{not}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        assert_eq!(parse(&"[".repeat(100_000)), JsonForm::NotJson);
    }
}
