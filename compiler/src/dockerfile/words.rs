//! Splitting the arguments of an instruction: quoted words, plain words, flags.
//!
//! Owns: where one word ends. Quotes stay in the words, except in flags, whose values are final.

use nom::branch::alt;
use nom::bytes::complete::{take_till, take_while};
use nom::character::complete::{anychar, char, satisfy};
use nom::combinator::{eof, opt, recognize, value};
use nom::multi::{many0, many0_count, many1_count};
use nom::sequence::{pair, preceded, terminated};
use nom::{IResult, Parser};

/// Blanks that split COPY, EXPOSE, FROM and VOLUME arguments.
const BLANKS: [char; 5] = ['\t', '\u{b}', '\u{c}', '\r', ' '];

/// A word and where it starts in the text it was split from.
pub type Placed<'a> = (usize, &'a str);

fn place<'a>(text: &str, word: &'a str) -> Placed<'a> {
    (nom::Offset::offset(text, word), word)
}

/// One quoted word, as written.
fn quoted_word(escape: char) -> impl Fn(&str) -> IResult<&str, &str> {
    move |input| {
        let escaped = |i| value((), pair(char(escape), opt(anychar))).parse(i);
        let single = (char('\''), take_till(|c| c == '\''), opt(char('\'')));
        let inside = alt((escaped, value((), satisfy(|c| c != '"'))));
        let double = (char('"'), many0_count(inside), opt(char('"')));
        let plain = value((), satisfy(|c| !c.is_whitespace()));
        recognize(many1_count(alt((value((), single), value((), double), escaped, plain)))).parse(input)
    }
}

/// Splits at blanks that are neither quoted nor escaped (ENV, LABEL, ARG). A lone escape character at the very end
/// is dropped.
pub fn quoted(text: &str, escape: char) -> Vec<Placed<'_>> {
    let blank = take_while(char::is_whitespace);
    let mut all = many0(preceded(blank, quoted_word(escape)));
    let words = all.parse(text).map(|(_, words)| words).unwrap_or_default();
    words
        .into_iter()
        .map(|word| place(text, word))
        .map(
            |(at, word)| {
                if at + word.len() == text.len() {
                    (at, without_lone_escape(word, escape))
                } else {
                    (at, word)
                }
            },
        )
        .filter(|(_, word)| !word.is_empty())
        .collect()
}

fn without_lone_escape(word: &str, escape: char) -> &str {
    let bare = word.trim_end_matches(escape);
    let count = (word.len() - bare.len()) / escape.len_utf8();
    if count % 2 == 1 { &word[..word.len() - escape.len_utf8()] } else { word }
}

/// Splits at runs of blanks; quotes mean nothing.
pub fn plain(text: &str) -> Vec<Placed<'_>> {
    text.split(BLANKS).filter(|w| !w.is_empty()).map(|w| place(text, w)).collect()
}

/// Splits off the first word at a run of blanks: the word, and the rest if there is one.
pub fn head(text: &str) -> (&str, Option<&str>) {
    match text.split_once(BLANKS) {
        Some((first, rest)) => (first, Some(rest.trim_start_matches(BLANKS))),
        None => (text, None),
    }
}

/// A `--name[=value]` word with quotes and escapes resolved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RawFlag {
    /// Without quotes and escapes, `--` included.
    pub text: String,
    /// Offset of the word in the text.
    pub start: usize,
    /// Offset of its end.
    pub end: usize,
}

/// One flag word; what quotes and escapes stand for. The escape character of flags is `\` whatever the directive says.
fn flag_word(input: &str) -> IResult<&str, String> {
    let escaped =
        |i| alt((value(None, pair(char('\\'), eof)), preceded(char('\\'), anychar).map(Some))).parse(i);
    let inside = |quote: char| many0(alt((escaped, satisfy(move |c| c != quote).map(Some))));
    let quote = |quote: char| terminated(preceded(char(quote), inside(quote)), opt(char(quote)));
    let plain = satisfy(|c| !c.is_whitespace()).map(|c| vec![Some(c)]);
    let piece = alt((quote('\''), quote('"'), escaped.map(|c| vec![c]), plain));
    nom::multi::fold_many1(piece, String::new, |mut out, chars| {
        out.extend(chars.into_iter().flatten());
        out
    })
    .parse(input)
}

/// Takes the flags off the front of an instruction's arguments: the flags and the offset where the arguments go on.
pub fn flags(text: &str) -> (Vec<RawFlag>, usize) {
    let mut found = Vec::new();
    let mut at = 0;
    loop {
        let rest = text[at..].trim_start();
        at = text.len() - rest.len();
        if !rest.starts_with("--") {
            return (found, at);
        }
        let Ok((after, word)) = flag_word(rest) else { return (found, at) };
        let end = text.len() - after.len();
        if word == "--" {
            return (found, end + after.len() - after.trim_start().len());
        }
        found.push(RawFlag { text: word, start: at, end });
        at = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts<'a>(words: &[Placed<'a>]) -> Vec<&'a str> {
        words.iter().map(|(_, w)| *w).collect()
    }

    #[test]
    fn quotes_and_escapes_keep_words_together() {
        assert_eq!(
            texts(&quoted(r#"a=1 b="x y" c='p q' d=m\ n"#, '\\')),
            ["a=1", "b=\"x y\"", "c='p q'", "d=m\\ n"]
        );
        assert_eq!(texts(&quoted("a=b\\", '\\')), ["a=b"]);
        assert_eq!(texts(&quoted(r#"a="x\" y" b"#, '\\')), [r#"a="x\" y""#, "b"]);
        assert_eq!(texts(&quoted("a=` b", '`')), ["a=` b"]);
    }

    #[test]
    fn plain_splitting_ignores_quotes() {
        assert_eq!(texts(&plain("\"a b\"\t c")), ["\"a", "b\"", "c"]);
        assert_eq!(head("a  b c"), ("a", Some("b c")));
    }

    #[test]
    fn flags_end_at_the_first_other_word() {
        let (found, at) = flags("--a=\"x y\" --b -- --c d");
        assert_eq!(found.iter().map(|f| f.text.as_str()).collect::<Vec<_>>(), ["--a=x y", "--b"]);
        assert_eq!(&"--a=\"x y\" --b -- --c d"[at..], "--c d");
        assert_eq!(flags("a --b").1, 0);
    }
}
