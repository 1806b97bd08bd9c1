//! Finding heredoc words (`<<EOF`, `<<-'EOF'`, `3<<EOF`) in a logical line.
//!
//! Owns: which words of a line are heredocs. Bodies are attached by `lines`. Words here always use `\` as escape.

use nom::bytes::complete::{tag, take_while};
use nom::character::complete::{char, digit0, multispace0};
use nom::combinator::{all_consuming, opt};
use nom::{IResult, Parser};

use super::ast::Heredoc;
use super::expand::{ExpandError, Lexer};

/// Instructions that can have heredocs.
pub fn is_carrier(name: &str) -> bool {
    ["run", "copy", "add"].iter().any(|carrier| name.eq_ignore_ascii_case(carrier))
}

/// `[fd]<<[-]word`: whether tabs are stripped, and the word with its quotes.
fn operator(word: &str) -> IResult<&str, (bool, &str)> {
    let parser = (digit0, tag("<<"), opt(char('-')), multispace0, take_while(|c| c != '<'));
    all_consuming(
        parser.map(|(_, _, dash, _, name): (&str, &str, Option<char>, &str, &str)| (dash.is_some(), name)),
    )
    .parse(word)
}

/// Reads one word as a heredoc without body; `None` when it is none.
///
/// # Errors
/// When it looks like one but its quotes are not closed.
pub fn parse(word: &str) -> Result<Option<Heredoc>, ExpandError> {
    let Ok((_, (strip_tabs, name))) = operator(word) else { return Ok(None) };
    if name.is_empty() {
        return Ok(None);
    }
    let cooked = Lexer::heredoc_name().expand(name, &|_| None)?.words;
    let raw = Lexer::heredoc_line().expand(name, &|_| None)?.words;
    match (cooked.as_slice(), raw.as_slice()) {
        ([name], [raw]) => {
            Ok(Some(Heredoc { name: name.clone(), expand: name == raw, strip_tabs, body: String::new() }))
        }
        _ => Ok(None),
    }
}

/// All heredocs of a logical line, in order, without bodies.
pub fn find(line: &str) -> Vec<Heredoc> {
    let words = Lexer::heredoc_line().expand(line, &|_| None).map(|e| e.words).unwrap_or_default();
    words.iter().filter_map(|word| parse(word).ok().flatten()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_from_look_alikes() {
        let names = |line: &str| find(line).into_iter().map(|h| h.name).collect::<Vec<_>>();
        assert_eq!(names("RUN cat <<A 3<<-B > f"), ["A", "B"]);
        assert!(names("RUN echo \"<<A\" <<<B '<<C' a<<D <<").is_empty());
        assert_eq!(names("COPY <<'E' /x"), ["E"]);
        assert_eq!(names("RUN cat << A 3<< \t'B C' < f <<- D"), ["A", "B C"]);
    }

    #[test]
    fn any_quote_turns_expansion_off() {
        let expand = |word: &str| parse(word).unwrap().map(|h| h.expand);
        assert_eq!(expand("<<E"), Some(true));
        assert_eq!(expand("<<\"E\""), Some(false));
        assert_eq!(expand("<<E'O'F"), Some(false));
        assert!(parse("<<'E").is_err());
    }
}
