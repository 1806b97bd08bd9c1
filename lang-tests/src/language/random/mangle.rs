//! Spoils the text of a program: what remains is mostly a syntax error, sometimes another program.

use super::grow::program;
use super::rng::Rng;

const TOKENS: [&str; 46] = [
    "(", ")", "[", "]", "{", "}", "${", "\"", "''", ";", ":", ",", ".", "...", "@", "?", "=", "==", "!=",
    "<", "<=", ">", "->", "//", "/", "++", "+", "-", "*", "&&", "||", "!", "let", "in", "rec", "with",
    "inherit", "assert", "if", "then", "else", "or", "x", "1", "./p", "1.5",
];

/// The text of a seed: a program with one or a few tokens taken away, added, doubled or swapped.
pub fn mangled(seed: u64) -> String {
    let text = program(seed).to_string();
    let mut rng = Rng::new(seed ^ 0x5eed);
    let mut tokens = tokens(&text);
    for _ in 0..=rng.below(2) {
        let at = rng.below(tokens.len());
        match rng.below(4) {
            0 if at < tokens.len() => drop(tokens.remove(at)),
            1 => tokens.insert(at, format!(" {} ", rng.word(&TOKENS))),
            2 if at + 1 < tokens.len() => tokens.swap(at, at + 1),
            _ => {
                if let Some(token) = tokens.get_mut(at) {
                    *token = format!(" {} ", rng.word(&TOKENS));
                }
            }
        }
    }
    if rng.once_in(4) {
        tokens.truncate(rng.below(tokens.len()));
    }
    tokens.concat()
}

/// Words and single marks, with the space after each.
fn tokens(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut last = ' ';
    for c in text.chars() {
        let joins = |a: char, b: char| a.is_alphanumeric() && b.is_alphanumeric();
        match found.last_mut() {
            Some(token) if c.is_whitespace() || joins(last, c) => token.push(c),
            _ => found.push(c.to_string()),
        }
        last = c;
    }
    found
}
